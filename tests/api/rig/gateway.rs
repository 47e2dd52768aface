//! A gateway that does what the test says.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use application::ports::gateway::{
    Abilities, AccountWish, DeleteCall, Deleted, Instrument, IssueCall, Issued, ListPage,
    RefundAccount, Refused, Terms,
};
use application::ports::{Clock as _, Gateways, PaymentGateway};
use async_trait::async_trait;
use domain::Timestamp;
use domain::decline::{Class, Decline, Reason};
use domain::id::{GatewayAccountId, GatewayOrderId};
use domain::money::Money;
use domain::payment::{Method, Methods};
use domain::saga::{CancelCall, ChargeCall, ConfirmCall, IssueAccountCall};
use domain::snapshot::{Answer, Cancel, Cause, Snapshot, Status};
use domain::text::{PaymentKey, TransactionKey};
use payflow::adapters::clock::Wall;

use super::{accounts, cards};

/// What of each captured payment is without VAT.
pub(crate) const TAX_FREE: i64 = 5_000;

/// What the gateway does with the next calls.
#[derive(Clone, Debug)]
enum Script {
    Approve,
    Decline(Decline),
    Hold,
    Lose,
}

/// A gateway by script: approves, unless told otherwise.
pub(crate) struct Scripted {
    clock: Wall,
    script: Mutex<Script>,
    refused: Mutex<Option<Refused>>,
    terms: Mutex<Terms>,
    served: Mutex<bool>,
    /// How often it was asked for, and called for anything at all.
    pub(crate) lookups: AtomicU64,
    pub(crate) arrivals: Arc<AtomicU64>,
    confirms: Arc<AtomicU64>,
    cancels: Arc<AtomicU64>,
    books: Books,
}

/// What was captured, by payment key.
type Books = Arc<Mutex<HashMap<PaymentKey, Snapshot>>>;

fn decline(class: Class) -> Decline {
    Decline {
        reason: Reason::InsufficientFunds,
        class,
        code: "REJECT_CARD_PAYMENT".to_owned(),
        message: "한도초과 혹은 잔액부족으로 결제에 실패했습니다.".to_owned(),
    }
}

fn terms(active: bool) -> Terms {
    Terms {
        client_key: Some("test_ck_window".into()),
        active,
        ..Terms::default()
    }
}

impl Scripted {
    pub(super) fn new(clock: Wall) -> Self {
        Self {
            clock,
            script: Mutex::new(Script::Approve),
            refused: Mutex::new(None),
            terms: Mutex::new(terms(true)),
            served: Mutex::new(true),
            lookups: AtomicU64::new(0),
            arrivals: Arc::default(),
            confirms: Arc::default(),
            cancels: Arc::default(),
            books: Arc::default(),
        }
    }

    fn is(&self, script: Script) {
        *self.script.lock().unwrap() = script;
    }

    /// Approves from now on.
    pub(crate) fn approve(&self) {
        self.is(Script::Approve);
    }

    /// Declines from now on.
    pub(crate) fn decline(&self, class: Class) {
        self.is(Script::Decline(decline(class)));
    }

    /// Takes the money from now on, but its answers are lost.
    pub(crate) fn lose(&self) {
        self.is(Script::Lose);
    }

    /// Does not answer from now on.
    pub(crate) fn hold(&self) {
        self.is(Script::Hold);
    }

    /// Lets no new saga in, or all of them.
    pub(crate) fn refuse(&self, refused: Option<Refused>) {
        *self.refused.lock().unwrap() = refused;
    }

    /// Its account is disabled from now on.
    pub(crate) fn disable(&self) {
        *self.terms.lock().unwrap() = terms(false);
    }

    /// Its account is at a gateway that takes cards, and can do nothing else.
    pub(crate) fn be_plain(&self) {
        *self.terms.lock().unwrap() = Terms {
            abilities: Abilities::NONE,
            methods: Methods::only(Method::Card),
            ..terms(true)
        };
    }

    /// Its account takes new payments again.
    pub(crate) fn enable(&self) {
        *self.terms.lock().unwrap() = terms(true);
    }

    /// Is not configured any more.
    pub(crate) fn vanish(&self) {
        *self.served.lock().unwrap() = false;
    }

    /// Every buyer pays in.
    pub(crate) fn pay_in(&self) {
        let mut books = self.books.lock().unwrap();
        for snapshot in books.values_mut().filter(|known| known.account.is_some()) {
            snapshot.status = Status::Done;
            snapshot.approved_at = Some(self.clock.now());
        }
    }

    /// How many captures were asked for.
    pub(crate) fn confirms(&self) -> u64 {
        self.confirms.load(Ordering::SeqCst)
    }

    /// How many refunds were asked for.
    pub(crate) fn cancels(&self) -> u64 {
        self.cancels.load(Ordering::SeqCst)
    }
}

impl Gateways for Scripted {
    fn of(&self, _: GatewayAccountId) -> Option<Arc<dyn PaymentGateway>> {
        self.lookups.fetch_add(1, Ordering::SeqCst);
        let call = Call {
            clock: self.clock.clone(),
            script: self.script.lock().unwrap().clone(),
            refused: *self.refused.lock().unwrap(),
            terms: self.terms.lock().unwrap().clone(),
            arrivals: Arc::clone(&self.arrivals),
            confirms: Arc::clone(&self.confirms),
            cancels: Arc::clone(&self.cancels),
            books: Arc::clone(&self.books),
        };
        let served = *self.served.lock().unwrap();
        served.then(|| -> Arc<dyn PaymentGateway> { Arc::new(call) })
    }
}

struct Call {
    clock: Wall,
    script: Script,
    refused: Option<Refused>,
    terms: Terms,
    arrivals: Arc<AtomicU64>,
    confirms: Arc<AtomicU64>,
    cancels: Arc<AtomicU64>,
    books: Books,
}

#[async_trait]
impl PaymentGateway for Call {
    fn terms(&self) -> Terms {
        self.terms.clone()
    }

    fn admit(&self) -> Result<(), Refused> {
        self.refused.map_or(Ok(()), Err)
    }

    async fn confirm(&self, call: &ConfirmCall) -> Answer {
        self.arrive();
        self.confirms.fetch_add(1, Ordering::SeqCst);
        match &self.script {
            Script::Approve => Answer::Found(Box::new(self.take(call))),
            Script::Lose => {
                self.take(call);
                Answer::Unknown(Cause::Lost)
            }
            Script::Decline(decline) => Answer::Declined(decline.clone()),
            Script::Hold => {
                tokio::time::sleep(Duration::from_mins(1)).await;
                Answer::Unknown(Cause::Lost)
            }
        }
    }

    async fn cancel(&self, call: &CancelCall) -> Answer {
        self.arrive();
        self.cancels.fetch_add(1, Ordering::SeqCst);
        match &self.script {
            Script::Approve => self.canceled(call),
            Script::Lose => Answer::Unknown(Cause::Lost),
            Script::Decline(decline) => Answer::Declined(decline.clone()),
            Script::Hold => {
                tokio::time::sleep(Duration::from_mins(1)).await;
                Answer::Unknown(Cause::Lost)
            }
        }
    }

    async fn cancel_to(&self, call: &CancelCall, _: &RefundAccount) -> Answer {
        self.cancel(call).await
    }

    async fn charge(&self, call: &ChargeCall, _: &Instrument) -> Answer {
        let payment_key = format!("tbill_{}", call.order).parse().unwrap();
        self.confirm(&ConfirmCall {
            key: call.key.clone(),
            payment_key,
            order: call.order,
            amount: call.amount,
        })
        .await
    }

    async fn issue_account(&self, call: &IssueAccountCall, with: &AccountWish) -> Answer {
        let payment_key = format!("tva_{}", call.order).parse().unwrap();
        let call = ConfirmCall {
            key: call.key.clone(),
            payment_key,
            order: call.order,
            amount: call.amount,
        };
        let answer = self.confirm(&call).await;
        if let Answer::Found(snapshot) = answer {
            let waiting = accounts::waiting(*snapshot, with);
            let key = waiting.payment_key.clone();
            self.books.lock().unwrap().insert(key, waiting.clone());
            return Answer::Found(Box::new(waiting));
        }
        answer
    }

    async fn issue_key(&self, call: &IssueCall) -> Issued {
        self.arrive();
        match &self.script {
            Script::Approve => cards::made(call.customer_key.as_str()),
            Script::Decline(decline) => Issued::Declined(decline.clone()),
            Script::Lose => Issued::Unknown(Cause::Lost),
            Script::Hold => {
                tokio::time::sleep(Duration::from_mins(1)).await;
                Issued::Unknown(Cause::Lost)
            }
        }
    }

    async fn delete_key(&self, _: &DeleteCall) -> Deleted {
        self.arrive();
        match &self.script {
            Script::Approve => Deleted::Gone,
            Script::Decline(decline) => Deleted::Declined(decline.clone()),
            Script::Lose => Deleted::Unknown(Cause::Lost),
            Script::Hold => {
                tokio::time::sleep(Duration::from_mins(1)).await;
                Deleted::Unknown(Cause::Lost)
            }
        }
    }

    async fn payment_by_key(&self, key: &PaymentKey) -> Answer {
        self.arrive();
        if matches!(self.script, Script::Lose) {
            return Answer::Unknown(Cause::Lost);
        }
        let books = self.books.lock().unwrap();
        let found = books.get(key).cloned().map(Box::new);
        found.map_or(Answer::NotFound, Answer::Found)
    }

    async fn payment_by_order(&self, _: &GatewayOrderId) -> Answer {
        self.arrive();
        Answer::NotFound
    }

    async fn movements(
        &self,
        _: &Range<Timestamp>,
        _: Option<&TransactionKey>,
        _: u32,
    ) -> Result<ListPage, Cause> {
        self.arrive();
        Ok(ListPage::default())
    }
}

impl Call {
    fn arrive(&self) {
        self.arrivals.fetch_add(1, Ordering::SeqCst);
    }

    fn take(&self, call: &ConfirmCall) -> Snapshot {
        let snapshot = self.captured(call);
        let mut books = self.books.lock().unwrap();
        books.insert(call.payment_key.clone(), snapshot.clone());
        snapshot
    }

    fn canceled(&self, call: &CancelCall) -> Answer {
        let mut books = self.books.lock().unwrap();
        let snapshot = books.get_mut(&call.payment_key).unwrap();
        if snapshot.balance != Some(call.refundable) {
            return Answer::Unknown(Cause::Conflict("NOT_MATCHES_REFUNDABLE_AMOUNT".to_owned()));
        }
        if snapshot.status == Status::WaitingForDeposit {
            snapshot.status = Status::Canceled;
            return Answer::Found(Box::new(snapshot.clone()));
        }
        if snapshot.account.is_some() && call.to.is_none() {
            return Answer::Declined(decline(Class::Buyer));
        }
        // With all that is left goes all that is left without VAT.
        let given_back = snapshot
            .cancels
            .iter()
            .filter_map(|cancel| cancel.tax_free)
            .map(Money::minor);
        let rest = TAX_FREE.saturating_sub(given_back.sum());
        let rest = Money::new(rest.min(call.amount.minor()), call.amount.currency()).unwrap();
        snapshot.balance = call.refundable.minus(call.amount).ok();
        snapshot.status = Status::PartialCanceled;
        snapshot.cancels.push(Cancel {
            transaction_key: format!("tx{}", snapshot.cancels.len()).parse().unwrap(),
            amount: call.amount,
            tax_free: Some(match call.tax_free {
                Some(part) => part,
                None if call.amount == call.refundable => rest,
                None => Money::zero(call.amount.currency()),
            }),
            reason: call.reason.clone(),
            done: true,
            canceled_at: Some(self.clock.now()),
        });
        Answer::Found(Box::new(snapshot.clone()))
    }

    fn captured(&self, call: &ConfirmCall) -> Snapshot {
        let zero = Money::zero(call.amount.currency());
        Snapshot {
            payment_key: call.payment_key.clone(),
            order_id: call.order.to_string(),
            merchant_id: "tsimshop".to_owned(),
            status: Status::Done,
            total: Some(call.amount),
            balance: call.amount.minus(zero).ok(),
            tax_free: None,
            approved_at: Some(self.clock.now()),
            last_transaction_key: format!("tx-{}", call.key)
                .get(..64)
                .unwrap_or("tx")
                .parse()
                .ok(),
            cancels: Vec::new(),
            failure: None,
            method: Some("카드".to_owned()),
            receipt_url: None,
            account: None,
        }
    }
}
