//! Owns a gateway that keeps Toss's rules (`toss-api.md §6, §14`) and obeys a script of faults.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use application::ports::gateway::{Gateways, PaymentGateway, Refused};
use async_trait::async_trait;
use domain::decline::{Class, Decline, Reason};
use domain::id::{GatewayAccountId, GatewayOrderId};
use domain::money::Money;
use domain::saga::{CancelCall, ConfirmCall};
use domain::snapshot::{Answer, Cancel, Cause, Snapshot, Status};
use domain::text::PaymentKey;
use tokio::time::{Instant, sleep};

use crate::bugs::Bug;
use crate::faults::{Fault, Script};

/// How long a caller waits for an answer that never comes.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long after that a late request arrives: inside the policy's bound for calls.
const LATE: Duration = Duration::from_secs(65);
const WINDOW: Duration = Duration::from_mins(10);

/// One authentication at the gateway.
pub(crate) struct Account {
    pub(crate) key: PaymentKey,
    order: GatewayOrderId,
    amount: Money,
    authenticated: Instant,
    status: Status,
    pub(crate) captured: Option<Money>,
    pub(crate) cancels: Vec<Cancel>,
}

enum Late {
    Confirm(ConfirmCall),
    Cancel(CancelCall),
}

#[derive(Default)]
pub(crate) struct Books {
    pub(crate) accounts: Vec<Account>,
    stored: BTreeMap<String, Answer>,
    late: Vec<(Instant, Late)>,
    transactions: u32,
    pub(crate) confirms_with_effect: u32,
}

/// The gateway: its books, and the faults to come.
pub(crate) struct Gateway {
    pub(crate) books: Mutex<Books>,
    script: Script,
    bug: Option<Bug>,
    memory: Arc<application::memory::Memory>,
}

impl Books {
    fn snapshot(account: &Account) -> Snapshot {
        let total = account.captured.unwrap_or(account.amount);
        let balance = account
            .cancels
            .iter()
            .try_fold(total, |left, cancel| left.minus(cancel.amount))
            .expect("the gateway never gives back more than it took");
        Snapshot {
            payment_key: account.key.clone(),
            order_id: account.order.to_string(),
            merchant_id: "tgen_script".to_owned(),
            status: account.status.clone(),
            total: Some(total),
            balance: Some(balance),
            approved_at: account.captured.map(|_| crate::world::START),
            last_transaction_key: None,
            cancels: account.cancels.clone(),
            failure: None,
            method: Some("카드".to_owned()),
            receipt_url: None,
        }
    }

    fn found(account: &Account) -> Answer {
        Answer::Found(Box::new(Self::snapshot(account)))
    }

    /// Lets time pass: windows close and late requests arrive.
    pub(crate) fn catch_up(&mut self, now: Instant) {
        self.late.sort_by_key(|(at, _)| *at);
        while self.late.first().is_some_and(|(at, _)| *at <= now) {
            let (at, late) = self.late.remove(0);
            self.lapse(at);
            match late {
                Late::Confirm(call) => self.confirm(&call, None),
                Late::Cancel(call) => self.cancel(&call, None),
            };
        }
        self.lapse(now);
    }

    fn lapse(&mut self, now: Instant) {
        for account in &mut self.accounts {
            if account.status == Status::InProgress && now >= account.authenticated + WINDOW {
                account.status = Status::Expired;
            }
        }
    }

    fn once(&mut self, key: &str, act: impl FnOnce(&mut Self) -> Answer) -> Answer {
        if let Some(stored) = self.stored.get(key) {
            return stored.clone();
        }
        let answer = act(self);
        self.stored.insert(key.to_owned(), answer.clone());
        answer
    }

    fn confirm(&mut self, call: &ConfirmCall, fault: Option<Fault>) -> Answer {
        self.once(call.key.as_str(), |books| books.confirm_first(call, fault))
    }

    fn confirm_first(&mut self, call: &ConfirmCall, fault: Option<Fault>) -> Answer {
        let Some(account) = self.accounts.iter_mut().find(|a| a.key == call.payment_key) else {
            return Answer::Unknown(Cause::SessionGone);
        };
        match account.status {
            Status::InProgress => {}
            Status::Expired => return Answer::Unknown(Cause::SessionGone),
            Status::Ready
            | Status::WaitingForDeposit
            | Status::Done
            | Status::Canceled
            | Status::PartialCanceled
            | Status::Aborted
            | Status::Other(_) => {
                return Answer::Unknown(Cause::Conflict("ALREADY_PROCESSED_PAYMENT".to_owned()));
            }
        }
        match fault {
            Some(Fault::Decline) => {
                account.status = Status::Aborted;
                Answer::Declined(refused())
            }
            Some(Fault::Temporary) => Answer::Unknown(Cause::Temporary("PROVIDER_ERROR".into())),
            Some(Fault::UnknownCode) => Answer::Unknown(Cause::Unreadable("NEW_CODE".into())),
            Some(Fault::WrongOrder) => {
                let mut snapshot = Self::snapshot(account);
                snapshot.status = Status::Done;
                snapshot.approved_at = Some(crate::world::START);
                "somebody-elses-order".clone_into(&mut snapshot.order_id);
                Answer::Found(Box::new(snapshot))
            }
            _ => {
                let extra = i64::from(fault == Some(Fault::OverCapture));
                let amount = Money::new(call.amount.minor() + extra, call.amount.currency());
                account.captured = Some(amount.unwrap());
                account.status = Status::Done;
                self.confirms_with_effect += 1;
                if fault == Some(Fault::UnknownCodeAfterEffect) {
                    return Answer::Unknown(Cause::Unreadable("NEW_CODE".into()));
                }
                Self::found(account)
            }
        }
    }

    fn cancel(&mut self, call: &CancelCall, fault: Option<Fault>) -> Answer {
        self.once(call.key.as_str(), |books| books.cancel_first(call, fault))
    }

    fn cancel_first(&mut self, call: &CancelCall, fault: Option<Fault>) -> Answer {
        self.transactions += 1;
        let transaction = format!("txrd_{}", self.transactions);
        let Some(account) = self.accounts.iter_mut().find(|a| a.key == call.payment_key) else {
            return Answer::Unknown(Cause::Conflict("NOT_FOUND_PAYMENT".to_owned()));
        };
        match fault {
            Some(Fault::Decline) => return Answer::Declined(refused()),
            Some(Fault::Temporary) => {
                return Answer::Unknown(Cause::Temporary("PROVIDER_ERROR".into()));
            }
            Some(Fault::UnknownCode) => {
                return Answer::Unknown(Cause::Unreadable("NEW_CODE".into()));
            }
            Some(_) | None => {}
        }
        let balance = Self::snapshot(account).balance.unwrap();
        if balance != call.refundable {
            return Answer::Unknown(Cause::Conflict("NOT_MATCHES_REFUNDABLE_AMOUNT".to_owned()));
        }
        account.cancels.push(Cancel {
            transaction_key: transaction.parse().unwrap(),
            amount: call.amount,
            reason: call.reason.clone(),
            done: true,
            canceled_at: None,
        });
        account.status = if call.amount == account.captured.unwrap() {
            Status::Canceled
        } else {
            Status::PartialCanceled
        };
        if fault == Some(Fault::UnknownCodeAfterEffect) {
            return Answer::Unknown(Cause::Unreadable("NEW_CODE".into()));
        }
        Self::found(account)
    }
}

fn refused() -> Decline {
    Decline {
        reason: Reason::CardRefused,
        class: Class::Buyer,
        code: "REJECT_CARD_COMPANY".to_owned(),
        message: "refused".to_owned(),
    }
}

impl Gateway {
    pub(crate) fn new(
        script: Script,
        bug: Option<Bug>,
        memory: Arc<application::memory::Memory>,
    ) -> Self {
        Self {
            books: Mutex::default(),
            script,
            bug,
            memory,
        }
    }

    pub(crate) fn authenticate(&self, key: &PaymentKey, order: GatewayOrderId, amount: Money) {
        self.books.lock().unwrap().accounts.push(Account {
            key: key.clone(),
            order,
            amount,
            authenticated: Instant::now(),
            status: Status::InProgress,
            captured: None,
            cancels: Vec::new(),
        });
    }

    /// What both actions share: the faults of the way there and back.
    async fn act(
        &self,
        late: Late,
        execute: impl FnOnce(&mut Books, Option<Fault>) -> Answer,
    ) -> Answer {
        let mut fault = self.script.strike(false);
        if fault == Some(Fault::Asleep) {
            self.memory.end_leases();
            sleep(Duration::from_secs(20)).await;
            fault = None;
        }
        let now = Instant::now();
        match fault {
            Some(Fault::RequestLost) => {}
            Some(Fault::RequestLate) => {
                self.books
                    .lock()
                    .unwrap()
                    .late
                    .push((now + TIMEOUT + LATE, late));
            }
            _ => {
                let answer = {
                    let mut books = self.books.lock().unwrap();
                    books.catch_up(now);
                    execute(&mut books, fault)
                };
                if fault != Some(Fault::AnswerLost) {
                    return answer;
                }
            }
        }
        sleep(TIMEOUT).await;
        Answer::Unknown(Cause::Lost)
    }

    fn seen(&self, found: impl Fn(&Account) -> bool) -> Answer {
        let mut books = self.books.lock().unwrap();
        books.catch_up(Instant::now());
        books
            .accounts
            .iter()
            .find(|account| found(account))
            .map_or(Answer::NotFound, Books::found)
    }
}

#[async_trait]
impl PaymentGateway for Gateway {
    fn admit(&self) -> Result<(), Refused> {
        Ok(())
    }

    async fn confirm(&self, call: &ConfirmCall) -> Answer {
        let execute = |books: &mut Books, fault| books.confirm(call, fault);
        let answer = self.act(Late::Confirm(call.clone()), execute).await;
        Bug::misread_call(self.bug, answer, call.amount)
    }

    async fn cancel(&self, call: &CancelCall) -> Answer {
        let execute = |books: &mut Books, fault| books.cancel(call, fault);
        self.act(Late::Cancel(call.clone()), execute).await
    }

    async fn payment_by_key(&self, key: &PaymentKey) -> Answer {
        Bug::misread_question(self.bug, self.seen(|account| account.key == *key))
    }

    async fn payment_by_order(&self, order: &GatewayOrderId) -> Answer {
        Bug::misread_question(self.bug, self.seen(|account| account.order == *order))
    }
}

/// Every account is served by the one scripted gateway.
pub(crate) struct Only(pub(crate) Arc<Gateway>);

impl Gateways for Only {
    fn of(&self, _: GatewayAccountId) -> Option<Arc<dyn PaymentGateway>> {
        let only: Arc<dyn PaymentGateway> = Arc::<Gateway>::clone(&self.0);
        Some(only)
    }
}
