//! Owns a gateway that keeps books and obeys a script of faults.

use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use application::ports::gateway::{
    AccountWish, Gateways, Instrument, ListPage, PaymentGateway, RefundAccount, Refused, Terms,
};
use async_trait::async_trait;
use chrono::TimeDelta;
use domain::Timestamp;
use domain::id::{GatewayAccountId, GatewayOrderId};
use domain::money::Money;
use domain::saga::{CancelCall, ChargeCall, ConfirmCall, IssueAccountCall};
use domain::snapshot::{Answer, Cause, Status};
use domain::text::{PaymentKey, TransactionKey};
use tokio::time::{Instant, sleep};

use crate::books::{Account, Books, Late};
use crate::bugs::Bug;
use crate::faults::{Fault, Place, Script};
use crate::turnstile::Pass;

/// How long a caller waits for an answer that never comes.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long after that a late request arrives: inside the policy's bound for calls.
const LATE: Duration = Duration::from_secs(65);

/// The gateway: its books, and the faults to come.
pub(crate) struct Gateway {
    pub(crate) books: Mutex<Books>,
    script: Script,
    bug: Option<Bug>,
    memory: Arc<application::memory::Memory>,
    began: Instant,
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
            began: Instant::now(),
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
            last: None,
            refund: None,
        });
    }

    /// What both actions share: the faults of the way there and back.
    async fn act(
        &self,
        late: Late,
        execute: impl FnOnce(&mut Books, Option<Fault>) -> Answer,
    ) -> Answer {
        let mut fault = self.script.strike(Place::Call);
        if fault == Some(Fault::Asleep) {
            self.memory.end_leases();
            sleep(Duration::from_secs(20)).await;
            fault = None;
        }
        let now = Instant::now();
        if let (Some(Fault::Elsewhere), Late::Cancel(call)) = (fault, &late) {
            self.books.lock().unwrap().elsewhere(&call.payment_key);
        }
        match fault {
            Some(Fault::NotSent) => return Answer::Unknown(Cause::NotSent),
            Some(Fault::Busy) => {
                let retry_after_seconds = Some(3);
                return Answer::Unknown(Cause::Busy {
                    retry_after_seconds,
                });
            }
            Some(Fault::TemporaryLate) => {
                let mut books = self.books.lock().unwrap();
                books.catch_up(now);
                books.late.push((now + LATE, late));
                return Answer::Unknown(Cause::Temporary("PROVIDER_ERROR".into()));
            }
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
                    let answer = execute(&mut books, fault);
                    if fault == Some(Fault::Elsewhere) && books.all_back(&late) {
                        Answer::Unknown(Cause::Lost)
                    } else {
                        answer
                    }
                };
                let lost = matches!(answer, Answer::Unknown(Cause::Lost));
                if fault != Some(Fault::AnswerLost) && !lost {
                    return answer;
                }
            }
        }
        sleep(TIMEOUT).await;
        Answer::Unknown(Cause::Lost)
    }

    fn is_mute(&self) -> bool {
        self.books.lock().unwrap().mute
    }

    async fn seen(&self, found: impl Fn(&Account) -> bool) -> Answer {
        if self.is_mute() {
            return Answer::Unknown(Cause::Mute);
        }
        let fault = self.script.strike(Place::Question);
        if fault == Some(Fault::QuestionLost) {
            sleep(TIMEOUT).await;
            return Answer::Unknown(Cause::Lost);
        }
        let mut books = self.books.lock().unwrap();
        books.catch_up(Instant::now());
        // Of several takings for one order the gateway shows the newest.
        let account = books.accounts.iter().rfind(|account| found(account));
        let answer = account.map_or(Answer::NotFound, Books::found);
        match (fault, answer) {
            (Some(Fault::QuestionNotFound), Answer::Found(mut snapshot))
                if self.bug == Some(Bug::NotFoundIsOver) =>
            {
                snapshot.status = Status::Aborted;
                Answer::Found(snapshot)
            }
            (Some(Fault::QuestionNotFound), _) => Answer::NotFound,
            (Some(Fault::QuestionLies), Answer::Found(mut snapshot)) => {
                // The same lie twice running is beyond what anybody can tell from the truth.
                books.lies += 1;
                let lies = books.lies;
                let lie = |money: Money| Money::new(money.minor() + lies, money.currency()).ok();
                snapshot.total = snapshot.total.and_then(lie);
                snapshot.balance = snapshot.balance.and_then(lie);
                Answer::Found(snapshot)
            }
            (_, answer) => answer,
        }
    }
}

impl Gateway {
    /// The answer is there, and takes its time, once.
    async fn dawdle(&self) {
        let slow = self.books.lock().unwrap().slow.take();
        sleep(slow.unwrap_or_default()).await;
    }
}

#[async_trait]
impl PaymentGateway for Gateway {
    fn terms(&self) -> Terms {
        if self.is_mute() {
            crate::mute::terms()
        } else {
            Terms::default()
        }
    }

    fn admit(&self) -> Result<(), Refused> {
        Ok(())
    }

    async fn confirm(&self, call: &ConfirmCall) -> Answer {
        let execute = |books: &mut Books, fault| books.confirm(call, fault);
        let answer = self.act(Late::Confirm(call.clone()), execute).await;
        self.dawdle().await;
        Bug::misread_call(self.bug, answer, call.amount)
    }

    async fn cancel(&self, call: &CancelCall) -> Answer {
        let call = &Bug::miscall(self.bug, call.clone());
        let execute = |books: &mut Books, fault| books.cancel(call, fault);
        let answer = self.act(Late::Cancel(call.clone()), execute).await;
        self.dawdle().await;
        Bug::misread_cancel(self.bug, answer, call)
    }

    async fn cancel_to(&self, call: &CancelCall, to: &RefundAccount) -> Answer {
        assert_eq!(*to, crate::refunds::buyers());
        self.cancel(call).await
    }

    async fn charge(&self, call: &ChargeCall, with: &Instrument) -> Answer {
        assert_eq!(with.billing_key.expose(), crate::charges::BILLING_KEY);
        let call = &Bug::mischarge(self.bug, call.clone());
        let execute = |books: &mut Books, fault| books.charge(call, fault);
        let answer = self.act(Late::Charge(call.clone()), execute).await;
        Bug::misread_charge(self.bug, answer, call)
    }

    async fn issue_account(&self, call: &IssueAccountCall, with: &AccountWish) -> Answer {
        assert!(crate::accounts::is_as_wished(with));
        let execute = |books: &mut Books, fault| books.issue(call, fault);
        self.act(Late::Issue(call.clone()), execute).await
    }

    async fn payment_by_key(&self, key: &PaymentKey) -> Answer {
        Bug::misread_question(self.bug, self.seen(|account| account.key == *key).await)
    }

    async fn payment_by_order(&self, order: &GatewayOrderId) -> Answer {
        Bug::misread_question(self.bug, self.seen(|account| account.order == *order).await)
    }

    /// One line a page; questions to the list go wrong as others do, but it does not lie.
    async fn movements(
        &self,
        within: &Range<Timestamp>,
        after: Option<&TransactionKey>,
        _: u32,
    ) -> Result<ListPage, Cause> {
        if self.script.strike(Place::Question) == Some(Fault::QuestionLost) {
            sleep(TIMEOUT).await;
            return Err(Cause::Lost);
        }
        let mut books = self.books.lock().unwrap();
        books.catch_up(Instant::now());
        let date = |at: Instant| {
            let passed = at.duration_since(self.began).as_micros();
            crate::world::START + TimeDelta::microseconds(i64::try_from(passed).unwrap())
        };
        let mut listed = books.list(within, after, date);
        listed.truncate(1);
        let next = listed.last().map(|listed| listed.transaction_key.clone());
        Ok(ListPage {
            listed,
            unreadable: 0,
            next,
        })
    }
}

/// Every account is served by the one scripted gateway, through the turnstile.
#[derive(Clone)]
pub(crate) struct Only {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) pass: Pass,
}

impl Gateways for Only {
    fn of(&self, _: GatewayAccountId) -> Option<Arc<dyn PaymentGateway>> {
        Some(Arc::new(self.clone()))
    }
}

#[async_trait]
impl PaymentGateway for Only {
    fn terms(&self) -> Terms {
        self.gateway.terms()
    }

    fn admit(&self) -> Result<(), Refused> {
        self.gateway.admit()
    }

    async fn confirm(&self, call: &ConfirmCall) -> Answer {
        self.pass.through().await;
        self.gateway.confirm(call).await
    }

    async fn cancel(&self, call: &CancelCall) -> Answer {
        self.pass.through().await;
        self.gateway.cancel(call).await
    }

    async fn cancel_to(&self, call: &CancelCall, to: &RefundAccount) -> Answer {
        self.pass.through().await;
        self.gateway.cancel_to(call, to).await
    }

    async fn charge(&self, call: &ChargeCall, with: &Instrument) -> Answer {
        self.pass.through().await;
        self.gateway.charge(call, with).await
    }

    async fn issue_account(&self, call: &IssueAccountCall, with: &AccountWish) -> Answer {
        self.pass.through().await;
        self.gateway.issue_account(call, with).await
    }

    async fn payment_by_key(&self, key: &PaymentKey) -> Answer {
        self.pass.through().await;
        self.gateway.payment_by_key(key).await
    }

    async fn payment_by_order(&self, order: &GatewayOrderId) -> Answer {
        self.pass.through().await;
        self.gateway.payment_by_order(order).await
    }
    async fn movements(
        &self,
        within: &Range<Timestamp>,
        after: Option<&TransactionKey>,
        limit: u32,
    ) -> Result<ListPage, Cause> {
        self.pass.through().await;
        self.gateway.movements(within, after, limit).await
    }
}
