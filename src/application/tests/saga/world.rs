//! Owns one simulated installation: two workers on one store, a scripted gateway, virtual time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use application::memory::Memory;
use application::ports::identity::Nobody;
use application::ports::{Clock, Ids};
use application::{
    ActError, Answered, App, Approve, ApproveError, Bounds, Caller, Cancel, Ended, KeyError, Keyed,
    Outcome, Parts, Prepare, StepUp,
};
use chrono::{DateTime, TimeDelta};
use domain::Timestamp;
use domain::change::Change;
use domain::id::{GatewayAccountId, GatewayOrderId, PaymentId, RawId};
use domain::idempotency::Fingerprint;
use domain::money::{Currency, Money};
use domain::payment::{ApproveRefusal, CancelRefusal};
use domain::saga::Policy;
use domain::text::PaymentKey;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::bugs::Bug;
use crate::faults::{Fault, Script};
use crate::gateway::{Gateway, Only};
use crate::given::{account, merchant, order, scope, tenant, timings};
use crate::intake::{Uncounted, deaf};
use crate::post::nowhere;
use crate::repeats::Forgetful;
use crate::store::Faulty;
use crate::turnstile::{Side, Turnstile};

pub(crate) const START: Timestamp = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
pub(crate) const AMOUNT: i64 = 10_000;
/// Everything must be settled this long after the script is used up: the window, the longest
/// pause between questions, and the way there.
const SETTLED_WITHIN: Duration = Duration::from_mins(40);

/// Virtual time: tokio's paused clock.
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

pub(crate) struct World {
    pub(crate) memory: Arc<Memory>,
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) app: Arc<App>,
    /// Where the second of two requests arrives.
    second: Arc<App>,
    /// The rival's: nothing of it is struck.
    pub(crate) other: Arc<App>,
    pub(crate) turnstile: Arc<Turnstile>,
    pub(crate) account: GatewayAccountId,
    pub(crate) payment: PaymentId,
    pub(crate) order: GatewayOrderId,
    /// What each idempotency key was told, in order.
    pub(crate) answers: Mutex<Vec<(String, Answered)>>,
    pub(crate) script: Script,
    pub(crate) caller: Caller,
    drain: CancellationToken,
}

impl World {
    pub(crate) async fn new(faults: &[Fault], bug: Option<Bug>) -> Self {
        Self::of(order(), faults, bug).await
    }

    pub(crate) async fn of(order: Prepare, faults: &[Fault], bug: Option<Bug>) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(Virtual(Instant::now()));
        let ids: Arc<dyn Ids> = Arc::new(Counted(AtomicU64::new(1)));
        let memory = Arc::new(Memory::new(Arc::clone(&clock)));
        let scope = scope(ids.draw());
        let account = account(scope, ids.draw());
        let insert = Change::InsertGatewayAccount(account.clone());
        memory.commit_now(&[tenant(scope), insert]).unwrap();
        let (script, drain) = (Script::of(faults), CancellationToken::new());
        let gateway = Arc::new(Gateway::new(script.clone(), bug, Arc::clone(&memory)));
        let rival = Arc::new(Notify::new());
        let turnstile = Arc::new(Turnstile::default());
        let app_of = |script: Script, side: Side| {
            let store = Faulty {
                memory: Arc::clone(&memory),
                script,
                bug,
                rival: Arc::clone(&rival),
                pass: turnstile.pass(side),
            };
            let only = Only {
                gateway: Arc::clone(&gateway),
                pass: turnstile.pass(side),
            };
            let parts = Parts {
                store: Arc::new(store),
                gateways: Arc::new(only),
                clock: Arc::clone(&clock),
                ids: Arc::clone(&ids),
                tally: Arc::new(Uncounted),
                tokens: Arc::new(Nobody),
                step_up: StepUp::default(),
                repeats: Arc::new(Forgetful),
                bell: Arc::default(),
                post: nowhere(Arc::clone(&clock)),
                intake: deaf(),
                policy: Bug::policy(bug),
                timings: timings(),
                bounds: Bounds::default(),
            };
            App::new(parts, TaskTracker::new(), drain.clone())
        };
        let app = app_of(script.clone(), Side::First);
        let second = app_of(script.clone(), Side::Second);
        // The rival's commits are not struck: it is there to be in the way.
        let other = app_of(Script::default(), Side::Second);
        let caller = merchant(scope);
        let quiet = app_of(Script::default(), Side::First);
        let prepared = quiet.prepare(&caller, &order, None).await.unwrap();
        let Outcome::Ended(Ended::Prepared { payment }) = prepared.outcome else {
            panic!("prepared at once")
        };
        tokio::task::spawn_local(Arc::clone(&app).recover_continuously());
        tokio::task::spawn_local(rivalry(Arc::clone(&other), rival, drain.clone()));
        Self {
            account: account.id,
            payment: payment.payment_id.parse().unwrap(),
            order: payment.gateway_order_id.unwrap().parse().unwrap(),
            answers: Mutex::default(),
            memory,
            gateway,
            app,
            second,
            other,
            turnstile,
            script,
            caller,
            drain,
        }
    }

    /// A world whose gateway answers no questions, and knows payments by their order alone.
    pub(crate) async fn mute(faults: &[Fault], bug: Option<Bug>) -> (Self, PaymentKey) {
        let world = Self::new(faults, bug).await;
        world.gateway.books.lock().unwrap().mute = true;
        let key = world.authenticate(&world.order.to_string());
        (world, key)
    }

    /// Goes on with these faults.
    pub(crate) fn strike(&self, faults: &[Fault]) {
        self.script.refill(faults);
    }

    /// Three schedulers from now on: two services', and one that is not struck.
    pub(crate) fn schedule(&self) {
        for app in [&self.app, &self.second, &self.other] {
            tokio::task::spawn_local(Arc::clone(app).bill_continuously());
        }
    }

    /// The second service watches the gateway's list from now on.
    pub(crate) fn watch(&self) {
        tokio::task::spawn_local(Arc::clone(&self.second).watch_continuously());
    }

    /// So does the first.
    pub(crate) fn watch_too(&self) {
        tokio::task::spawn_local(Arc::clone(&self.app).watch_continuously());
    }

    /// Somebody gives a little back at the gateway's console, when it is the second's turn.
    pub(crate) async fn console(&self, key: PaymentKey) {
        self.turnstile.pass(Side::Second).through().await;
        self.gateway.books.lock().unwrap().elsewhere(&key);
    }

    /// A world where the payment is paid; the faults strike after that.
    pub(crate) async fn paid(faults: &[Fault], bug: Option<Bug>) -> Self {
        let world = Self::new(&[], bug).await;
        let key = world.authenticate("tgen_script0001");
        world.approve_until_final(&key).await;
        world.script.refill(faults);
        world
    }

    pub(crate) fn authenticate(&self, key: &str) -> PaymentKey {
        let key: PaymentKey = key.parse().unwrap();
        let amount = Money::new(AMOUNT, Currency::Krw).unwrap();
        self.gateway.authenticate(&key, self.order, amount);
        key
    }

    /// One request, as the merchant's server makes it.
    async fn approve(&self, side: Side, key: &PaymentKey) -> Result<Answered, ApproveError> {
        let command = Approve {
            payment: self.payment,
            payment_key: key.clone(),
            gateway_order: self.order,
            amount_minor: AMOUNT,
            asynchronous: false,
        };
        let keyed = keyed(&format!("approve-{key}"));
        let app = self.app_of(side);
        app.approve(self.caller.clone(), command, keyed).await
    }

    /// Repeats the request with the same key until there is a final answer, as a client should.
    pub(crate) async fn approve_until_final(&self, key: &PaymentKey) {
        self.approve_at(Side::First, key).await;
    }

    fn app_of(&self, side: Side) -> &Arc<App> {
        match side {
            Side::First => &self.app,
            Side::Second => &self.second,
        }
    }

    /// As [`Self::approve_until_final`], at one of the two services.
    pub(crate) async fn approve_at(&self, side: Side, key: &PaymentKey) {
        let waits = |refusal: &ApproveRefusal| matches!(refusal, ApproveRefusal::InFlight { .. });
        let once = || self.approve(side, key);
        self.until_final(&format!("approve-{key}"), once, waits)
            .await;
    }

    /// As [`Self::approve_until_final`], for giving back `minor`.
    pub(crate) async fn cancel_until_final(&self, key: &str, minor: i64) {
        self.cancel_at(Side::First, key, minor).await;
    }

    /// As [`Self::cancel_until_final`], at one of the two services.
    pub(crate) async fn cancel_at(&self, side: Side, key: &str, minor: i64) {
        let waits = |refusal: &CancelRefusal| matches!(refusal, CancelRefusal::InFlight { .. });
        let once = || {
            let command = Cancel {
                payment: self.payment,
                amount_minor: Some(minor),
                tax_free_minor: None,
                reason: "wanted back".parse().unwrap(),
                to: None,
            };
            let app = self.app_of(side);
            app.cancel(self.caller.clone(), command, keyed(key))
        };
        self.until_final(key, once, waits).await;
    }

    pub(crate) async fn until_final<R, F>(
        &self,
        key: &str,
        once: impl Fn() -> F,
        waits: impl Fn(&R) -> bool,
    ) where
        F: Future<Output = Result<Answered, ActError<R>>>,
    {
        let end = Instant::now() + SETTLED_WITHIN;
        while Instant::now() < end {
            let pause = match once().await {
                Ok(answered) => {
                    let is_final = matches!(answered.outcome, Outcome::Ended(_));
                    let mut answers = self.answers.lock().unwrap();
                    answers.push((key.to_owned(), answered));
                    if is_final {
                        return;
                    }
                    Duration::from_secs(20)
                }
                Err(ActError::Key(KeyError::Running { retry_after })) => retry_after,
                Err(ActError::Refused(refusal)) if waits(&refusal) => Duration::from_secs(7),
                Err(ActError::Store(_) | ActError::Contended) => Duration::from_secs(1),
                Err(_) => return,
            };
            sleep(pause).await;
        }
    }

    /// Waits until every saga is over and no late request is on its way.
    pub(crate) async fn settle(&self) -> bool {
        let end = Instant::now() + SETTLED_WITHIN;
        while Instant::now() < end {
            if self
                .memory
                .all_sagas()
                .iter()
                .all(domain::saga::Saga::is_closed)
            {
                // What is late has arrived by then, and must not have taken money unseen.
                sleep(Duration::from_mins(6)).await;
                self.gateway.books.lock().unwrap().catch_up(Instant::now());
                if self
                    .memory
                    .all_sagas()
                    .iter()
                    .all(domain::saga::Saga::is_closed)
                {
                    self.drain.cancel();
                    return true;
                }
            }
            sleep(Duration::from_secs(30)).await;
        }
        self.drain.cancel();
        false
    }

    /// Whether the request with this key was told in the end that the money is given back.
    pub(crate) fn gave_back(&self, key: &str) -> bool {
        let answers = self.answers.lock().unwrap();
        answers.iter().any(|(asked, answered)| {
            asked == key && matches!(answered.outcome, Outcome::Ended(Ended::Canceled { .. }))
        })
    }

    pub(crate) fn is_used_up(&self) -> bool {
        self.script.is_used_up()
    }

    pub(crate) fn left_in_script(&self) -> usize {
        self.script.left()
    }
}

pub(crate) fn keyed(key: &str) -> Keyed {
    Keyed {
        key: key.parse().unwrap(),
        fingerprint: Fingerprint([7; 32]),
    }
}

/// The other worker: looks for work when told to, and now and then by itself.
async fn rivalry(app: Arc<App>, told: Arc<Notify>, drain: CancellationToken) {
    while !drain.is_cancelled() {
        let _ = app.recover().await;
        tokio::select! {
            () = told.notified() => {}
            () = sleep(Duration::from_secs(45)) => {}
            () = drain.cancelled() => {}
        }
    }
}

/// Runs `work` in virtual time.
pub(crate) fn in_virtual_time<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, work)
}

pub(crate) fn default_policy() -> Policy {
    Policy::default()
}

impl World {
    pub(crate) async fn memory_payment(&self) -> domain::payment::Payment {
        use application::ports::store::Payments;
        self.memory
            .any_payment(self.payment)
            .await
            .unwrap()
            .unwrap()
    }
}
