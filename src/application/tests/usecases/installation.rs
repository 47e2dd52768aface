//! Owns one installation for a test: App, memory store, and a gateway that answers as told.

use std::collections::{BTreeSet, VecDeque};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use application::memory::Memory;
use application::ports::gateway::{
    AccountWish, DeleteCall, Deleted, Gateways, Instrument, IssueCall, Issued, ListPage,
    PaymentGateway, Refused, Terms,
};
use application::ports::identity::Nobody;
use application::ports::{Clock, Finding, Ids, Tally};
use application::webhooks;
use application::{
    Answered, App, Approve, ApproveError, Bounds, Caller, Ended, Evidence, Keyed, Outcome, Parts,
    Prepare, StepUp, Timings,
};
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta};
use domain::Timestamp;
use domain::change::Change;
use domain::id::{GatewayAccountId, GatewayOrderId, MerchantId, PaymentId, RawId};
use domain::idempotency::Fingerprint;
use domain::merchant::{GatewayAccount, Merchant};
use domain::money::{Currency, Money};
use domain::payment::{Customer, Kind, Payment};
use domain::principal::{Actor, Mode, Scope};
use domain::saga::{CancelCall, ChargeCall, ConfirmCall, IssueAccountCall, Policy};
use domain::snapshot::{Answer, Cause, Snapshot, Status};
use domain::text::{PaymentKey, TransactionKey};
use domain::trace::Trace;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::inbox::{Deposits, intake};
use crate::repeats::Rumours;
use crate::store::Flawed;
use crate::webhooks::{Receivers, post};

pub(crate) const START: Timestamp = DateTime::from_timestamp(1_800_000_000, 0).unwrap();

struct Virtual(Instant);

impl Clock for Virtual {
    fn now(&self) -> Timestamp {
        let passed = Instant::now().duration_since(self.0);
        START + TimeDelta::microseconds(i64::try_from(passed.as_micros()).unwrap())
    }
}

struct Counted(AtomicU64);

impl Ids for Counted {
    fn draw(&self) -> RawId {
        RawId::from_parts(1, u128::from(self.0.fetch_add(1, Ordering::Relaxed)))
    }

    fn secret(&self) -> String {
        self.draw().to_string()
    }
}

/// Answers calls and questions in the order they were told, each after a pause.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) calls: Mutex<VecDeque<(Duration, Answer)>>,
    pub(crate) questions: Mutex<VecDeque<Answer>>,
    /// What every other question is answered with.
    pub(crate) truth: Mutex<Option<Answer>>,
    pub(crate) keys: Mutex<Vec<String>>,
    pub(crate) cancels: Mutex<Vec<CancelCall>>,
    pub(crate) asked: Mutex<Vec<Instant>>,
    /// By which key or order it was asked.
    pub(crate) about: Mutex<Vec<String>>,
    /// Of which payment keys it says nothing for a long time.
    pub(crate) hangs: Mutex<BTreeSet<String>>,
    pub(crate) refused: Mutex<Option<Refused>>,
    /// Pages of the list; an empty one where none is told.
    pub(crate) pages: Mutex<VecDeque<Result<ListPage, Cause>>>,
    /// Which time was listed, and after which movement.
    pub(crate) listed: Mutex<Vec<(Range<Timestamp>, Option<String>)>>,
    pub(crate) terms: Mutex<Terms>,
    /// What becomes of billing keys to be made, and to be deleted.
    pub(crate) issues: Mutex<VecDeque<Issued>>,
    pub(crate) deletions: Mutex<VecDeque<Deleted>>,
    /// With which billing keys it charged.
    pub(crate) charged: Mutex<Vec<String>>,
}

impl Told {
    fn question(&self) -> Answer {
        self.asked.lock().unwrap().push(Instant::now());
        let told = self.questions.lock().unwrap().pop_front();
        let told = told.or_else(|| self.truth.lock().unwrap().clone());
        told.unwrap_or(Answer::Unknown(Cause::Lost))
    }

    async fn call(&self, key: &str) -> Answer {
        self.keys.lock().unwrap().push(key.to_owned());
        let told = self.calls.lock().unwrap().pop_front();
        let (pause, answer) = told.unwrap_or((Duration::ZERO, Answer::Unknown(Cause::Lost)));
        sleep(pause).await;
        answer
    }
}

#[async_trait]
impl PaymentGateway for Told {
    fn terms(&self) -> Terms {
        self.terms.lock().unwrap().clone()
    }
    fn admit(&self) -> Result<(), Refused> {
        self.refused.lock().unwrap().map_or(Ok(()), Err)
    }
    async fn confirm(&self, call: &ConfirmCall) -> Answer {
        self.call(call.key.as_str()).await
    }
    async fn cancel(&self, call: &CancelCall) -> Answer {
        self.cancels.lock().unwrap().push(call.clone());
        self.call(call.key.as_str()).await
    }
    async fn charge(&self, call: &ChargeCall, with: &Instrument) -> Answer {
        let billing_key = with.billing_key.expose().to_owned();
        self.charged.lock().unwrap().push(billing_key);
        self.call(call.key.as_str()).await
    }
    async fn issue_account(&self, call: &IssueAccountCall, _: &AccountWish) -> Answer {
        self.call(call.key.as_str()).await
    }
    async fn issue_key(&self, call: &IssueCall) -> Issued {
        self.keys.lock().unwrap().push(call.key.to_string());
        let told = self.issues.lock().unwrap().pop_front();
        told.unwrap_or(Issued::Unknown(Cause::Lost))
    }
    async fn delete_key(&self, call: &DeleteCall) -> Deleted {
        self.keys.lock().unwrap().push(call.key.to_string());
        let told = self.deletions.lock().unwrap().pop_front();
        told.unwrap_or(Deleted::Unknown(Cause::Lost))
    }
    async fn payment_by_key(&self, key: &PaymentKey) -> Answer {
        self.about.lock().unwrap().push(key.to_string());
        let hangs = self.hangs.lock().unwrap().contains(key.as_str());
        if hangs {
            self.asked.lock().unwrap().push(Instant::now());
            sleep(Duration::from_hours(1)).await;
        }
        self.question()
    }
    async fn payment_by_order(&self, order: &GatewayOrderId) -> Answer {
        self.about.lock().unwrap().push(order.to_string());
        self.question()
    }
    async fn movements(
        &self,
        within: &Range<Timestamp>,
        after: Option<&TransactionKey>,
        _: u32,
    ) -> Result<ListPage, Cause> {
        let asked = (within.clone(), after.map(ToString::to_string));
        self.listed.lock().unwrap().push(asked);
        let told = self.pages.lock().unwrap().pop_front();
        told.unwrap_or_else(|| Ok(ListPage::default()))
    }
}

/// Counts findings.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) booked: AtomicUsize,
    pub(crate) strange: AtomicUsize,
    pub(crate) refund_failed: AtomicUsize,
    pub(crate) unreadable: AtomicUsize,
}

impl Tally for Found {
    fn found(&self, finding: Finding) {
        let count = match finding {
            Finding::Booked => &self.booked,
            Finding::Strange => &self.strange,
            Finding::RefundFailed => &self.refund_failed,
            Finding::Unreadable => &self.unreadable,
        };
        count.fetch_add(1, Ordering::SeqCst);
    }
}

struct Only(Arc<Told>);

impl Gateways for Only {
    fn of(&self, _: GatewayAccountId) -> Option<Arc<dyn PaymentGateway>> {
        let only: Arc<dyn PaymentGateway> = Arc::<Told>::clone(&self.0);
        Some(only)
    }
}

pub(crate) struct Installation {
    pub(crate) app: Arc<App>,
    pub(crate) memory: Arc<Memory>,
    pub(crate) store: Arc<Flawed>,
    pub(crate) gateway: Arc<Told>,
    pub(crate) caller: Caller,
    pub(crate) tasks: TaskTracker,
    pub(crate) drain: CancellationToken,
    pub(crate) found: Arc<Found>,
    pub(crate) receivers: Arc<Receivers>,
    pub(crate) rumours: Arc<Rumours>,
    pub(crate) deposits: Arc<Deposits>,
}

pub(crate) fn krw(minor: i64) -> Money {
    Money::new(minor, Currency::Krw).unwrap()
}

pub(crate) fn order(id: &str) -> Prepare {
    Prepare {
        kind: Kind::OneOff,
        method: None,
        order_id: id.parse().unwrap(),
        order_name: "생수 외 1건".parse().unwrap(),
        amount: krw(10_000),
        tax_free: None,
        customer: Customer::default(),
        lifetime: None,
    }
}

pub(crate) fn keyed(key: &str, fingerprint: u8) -> Keyed {
    Keyed {
        key: key.parse().unwrap(),
        fingerprint: Fingerprint([fingerprint; 32]),
    }
}

impl Installation {
    pub(crate) fn new() -> Self {
        Self::with_merchant_id(Some("tgen_test"))
    }

    pub(crate) fn with_merchant_id(merchant_id: Option<&str>) -> Self {
        Self::with(merchant_id, Timings::default(), webhooks::Terms::default())
    }

    pub(crate) fn with(
        merchant_id: Option<&str>,
        timings: Timings,
        terms: webhooks::Terms,
    ) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(Virtual(Instant::now()));
        let ids: Arc<dyn Ids> = Arc::new(Counted(AtomicU64::new(1)));
        let memory = Arc::new(Memory::new(Arc::clone(&clock)));
        let scope = Scope {
            merchant: MerchantId::new(ids.draw()),
            mode: Mode::Test,
        };
        let account = GatewayAccount {
            merchant_id: merchant_id.map(ToOwned::to_owned),
            ..GatewayAccount::new(GatewayAccountId::new(ids.draw()), scope, START)
        };
        let (name, currencies) = ("shop".parse().unwrap(), "KRW".parse().unwrap());
        let merchant = Merchant::new(scope.merchant, name, currencies, START);
        memory
            .commit_now(&[
                Change::InsertMerchant(merchant),
                Change::InsertGatewayAccount(account),
            ])
            .unwrap();
        let gateway = Arc::new(Told::default());
        let (tasks, drain) = (TaskTracker::new(), CancellationToken::new());
        let store = Arc::new(Flawed::new(Arc::clone(&memory)));
        let found = Arc::new(Found::default());
        let receivers = Arc::new(Receivers::default());
        let (rumours, deposits) = (Arc::<Rumours>::default(), Arc::<Deposits>::default());
        let parts = Parts {
            store: Arc::<Flawed>::clone(&store),
            gateways: Arc::new(Only(Arc::clone(&gateway))),
            post: post(Arc::clone(&receivers), Arc::clone(&clock), terms),
            intake: intake(Arc::clone(&deposits)),
            clock,
            ids,
            tally: Arc::<Found>::clone(&found),
            tokens: Arc::new(Nobody),
            step_up: StepUp::default(),
            repeats: Arc::<Rumours>::clone(&rumours),
            bell: Arc::default(),
            policy: Policy::default(),
            timings,
            bounds: Bounds::default(),
        };
        let app = App::new(parts, tasks.clone(), drain.clone());
        let caller = Caller {
            scope,
            actor: Actor::Merchant,
            member: None,
            key: None,
            issuer: None,
            evidence: Evidence::default(),
            trace: Trace::begun(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef),
        };
        Self {
            app,
            memory,
            store,
            gateway,
            caller,
            tasks,
            drain,
            found,
            receivers,
            rumours,
            deposits,
        }
    }

    /// Prepares an order's payment and says how it would be approved.
    pub(crate) async fn prepared(&self, id: &str) -> Approve {
        self.prepared_as(&order(id)).await
    }

    /// As [`Self::prepared`], for this order.
    pub(crate) async fn prepared_as(&self, order: &Prepare) -> Approve {
        let answered = self.app.prepare(&self.caller, order, None).await.unwrap();
        let Outcome::Ended(Ended::Prepared { payment }) = answered.outcome else {
            panic!("prepared at once")
        };
        Approve {
            payment: payment.payment_id.parse().unwrap(),
            payment_key: "tgen_key0001".parse().unwrap(),
            gateway_order: payment.gateway_order_id.unwrap().parse().unwrap(),
            amount_minor: 10_000,
            asynchronous: false,
        }
    }

    pub(crate) async fn approve(
        &self,
        command: &Approve,
        key: &str,
    ) -> Result<Answered, ApproveError> {
        self.app
            .approve(self.caller.clone(), command.clone(), keyed(key, 1))
            .await
    }

    pub(crate) async fn payment(&self, id: PaymentId) -> Payment {
        use application::ports::store::Payments;
        self.memory.any_payment(id).await.unwrap().unwrap()
    }

    pub(crate) fn will_answer(&self, after: Duration, answer: Answer) {
        self.gateway
            .calls
            .lock()
            .unwrap()
            .push_back((after, answer));
    }

    pub(crate) fn will_show(&self, answer: Answer) {
        self.gateway.questions.lock().unwrap().push_back(answer);
    }

    pub(crate) fn keys_used(&self) -> Vec<String> {
        self.gateway.keys.lock().unwrap().clone()
    }
}

/// A snapshot of the payment that `command` approves.
pub(crate) fn snapshot(command: &Approve, status: Status, total: i64) -> Snapshot {
    let captured = matches!(
        status,
        Status::Done | Status::Canceled | Status::PartialCanceled
    );
    Snapshot {
        payment_key: command.payment_key.clone(),
        order_id: command.gateway_order.to_string(),
        merchant_id: "tgen_test".to_owned(),
        status,
        total: Some(krw(total)),
        balance: Some(krw(total)),
        tax_free: None,
        approved_at: captured.then_some(START),
        last_transaction_key: Some("txrd_1".parse().unwrap()),
        cancels: Vec::new(),
        failure: None,
        method: Some("카드".to_owned()),
        receipt_url: None,
        account: None,
    }
}

pub(crate) fn done(command: &Approve) -> Answer {
    Answer::Found(Box::new(snapshot(command, Status::Done, 10_000)))
}
