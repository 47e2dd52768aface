//! Owns the tests of the guard, around a gateway that answers what it is told.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use application::ports::Gateways;
use domain::id::RawId;
use domain::money::{Currency, Money};
use tokio::time::sleep;

use super::super::Registry;
use super::*;

/// Answers the same to everything, after a while, and counts.
#[derive(Clone)]
struct Scripted {
    answer: Arc<Mutex<Answer>>,
    takes: Duration,
    calls: Arc<AtomicU32>,
}

impl Scripted {
    fn new(answer: Answer, takes: Duration) -> Self {
        Self {
            answer: Arc::new(Mutex::new(answer)),
            takes,
            calls: Arc::default(),
        }
    }

    async fn answer(&self) -> Answer {
        self.calls.fetch_add(1, Ordering::SeqCst);
        sleep(self.takes).await;
        self.answer.lock().unwrap().clone()
    }

    fn turn_to(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    fn calls(&self) -> u32 {
        self.calls.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl PaymentGateway for Scripted {
    fn terms(&self) -> Terms {
        Terms::default()
    }

    fn admit(&self) -> Result<(), Refused> {
        Ok(())
    }

    async fn confirm(&self, _: &ConfirmCall) -> Answer {
        self.answer().await
    }

    async fn cancel(&self, _: &CancelCall) -> Answer {
        self.answer().await
    }

    async fn payment_by_key(&self, _: &PaymentKey) -> Answer {
        self.answer().await
    }

    async fn payment_by_order(&self, _: &GatewayOrderId) -> Answer {
        self.answer().await
    }

    async fn movements(
        &self,
        _: &Range<Timestamp>,
        _: Option<&TransactionKey>,
        _: u32,
    ) -> Result<ListPage, Cause> {
        match self.answer().await {
            Answer::Unknown(cause) => Err(cause),
            Answer::Found(_) | Answer::Declined(_) | Answer::NotFound => Ok(ListPage::default()),
        }
    }
}

/// Writes down what it is told.
#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Notes {
    fn taken(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl Observer for Notes {
    fn called(&self, _: GatewayAccountId, what: Operation, outcome: &'static str, took: Duration) {
        let note = format!("{what} {outcome} {}s", took.as_secs());
        self.0.lock().unwrap().push(note);
    }

    fn turned(&self, _: GatewayAccountId, turn: Turn) {
        self.0.lock().unwrap().push(format!("{turn:?}"));
    }
}

fn account() -> GatewayAccountId {
    GatewayAccountId::new(RawId::from_parts(1, 1))
}

fn order() -> GatewayOrderId {
    GatewayOrderId::new(RawId::from_parts(1, 2))
}

fn capture() -> ConfirmCall {
    ConfirmCall {
        key: "sag-1".parse().unwrap(),
        payment_key: "pk".parse().unwrap(),
        order: order(),
        amount: Money::new(1_000, Currency::Krw).unwrap(),
    }
}

fn guard() -> Guard {
    let cool_down = Duration::from_secs(10);
    Guard {
        limits: Limits {
            failures_max: 2,
            cool_down,
            ..Limits::default()
        },
        room: Room {
            actions_max: 1,
            questions_max: 1,
            glances_max: 1,
            wait: Duration::from_secs(1),
        },
    }
}

fn guarded(gateway: &Scripted) -> (Guarded<Scripted>, Arc<Notes>) {
    let notes = Arc::new(Notes::default());
    let observer: Arc<dyn Observer> = notes.clone();
    (
        Guarded::new(gateway.clone(), account(), guard(), observer),
        notes,
    )
}

const LOST: Answer = Answer::Unknown(Cause::Lost);
const NOT_SENT: Answer = Answer::Unknown(Cause::NotSent);

#[tokio::test(start_paused = true)]
async fn an_open_breaker_sends_no_action_and_still_asks() {
    let gateway = Scripted::new(LOST, Duration::from_secs(2));
    let (guarded, notes) = guarded(&gateway);
    assert_eq!(guarded.admit(), Ok(()));
    assert_eq!(guarded.confirm(&capture()).await, LOST);
    assert_eq!(guarded.confirm(&capture()).await, LOST);
    assert_eq!(
        notes.taken(),
        ["confirm lost 2s", "Opened", "confirm lost 2s"].map(str::to_owned)
    );

    let retry_after = Duration::from_secs(10);
    assert_eq!(guarded.admit(), Err(Refused::BreakerOpen { retry_after }));
    assert_eq!(guarded.confirm(&capture()).await, NOT_SENT);
    assert_eq!(gateway.calls(), 2);
    gateway.turn_to(Answer::NotFound);
    assert_eq!(guarded.payment_by_order(&order()).await, Answer::NotFound);
    assert_eq!(gateway.calls(), 3);

    // That question was answered, so the next action may find out.
    assert_eq!(guarded.confirm(&capture()).await, Answer::NotFound);
    assert_eq!(guarded.admit(), Ok(()));
    let expected = [
        "confirm breaker_open 0s",
        "ask_by_order not_found 2s",
        "Closed",
        "confirm not_found 2s",
    ];
    assert_eq!(notes.taken(), expected.map(str::to_owned));
}

#[tokio::test(start_paused = true)]
async fn a_full_bulkhead_admits_nobody_and_sends_nothing() {
    let gateway = Scripted::new(Answer::NotFound, Duration::from_secs(30));
    let (guarded, notes) = guarded(&gateway);
    let capture = capture();
    let (first, second, admitted) = tokio::join!(
        guarded.confirm(&capture),
        guarded.confirm(&capture),
        async { guarded.admit() },
    );
    assert_eq!((first, second), (Answer::NotFound, NOT_SENT));
    assert_eq!(admitted, Err(Refused::BulkheadFull));
    assert_eq!(gateway.calls(), 1);
    assert_eq!(
        notes.taken(),
        ["confirm bulkhead_full 1s", "confirm not_found 30s"].map(str::to_owned)
    );
    assert_eq!(guarded.admit(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn calls_held_back_are_no_failures_of_the_gateway() {
    let gateway = Scripted::new(Answer::NotFound, Duration::from_secs(30));
    let (guarded, _) = guarded(&gateway);
    let capture = capture();
    let call = || guarded.confirm(&capture);
    let answers = tokio::join!(call(), call(), call(), call(), call());
    assert_eq!(answers.4, NOT_SENT);
    assert_eq!(guarded.admit(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_gives_everything_back() {
    let gateway = Scripted::new(Answer::NotFound, Duration::from_secs(30));
    let (guarded, _) = guarded(&gateway);
    let capture = capture();
    let cut = tokio::time::timeout(Duration::from_secs(1), guarded.confirm(&capture)).await;
    assert!(cut.is_err());
    assert_eq!(guarded.admit(), Ok(()));
    assert_eq!(guarded.confirm(&capture).await, Answer::NotFound);
}

#[tokio::test(start_paused = true)]
async fn refused_credentials_open_one_account_only() {
    let locked = Answer::Unknown(Cause::Configuration("UNAUTHORIZED_KEY".to_owned()));
    let gateway = Scripted::new(locked.clone(), Duration::ZERO);
    let (first, notes) = guarded(&gateway);
    let (second, _) = guarded(&gateway);
    assert_eq!(first.payment_by_key(&"pk".parse().unwrap()).await, locked);
    assert!(matches!(first.admit(), Err(Refused::BreakerOpen { .. })));
    assert_eq!(second.admit(), Ok(()));
    assert_eq!(
        notes.taken(),
        ["Locked", "ask_by_key configuration 0s"].map(str::to_owned)
    );
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_refused_stops_no_payment() {
    let locked = Cause::Configuration("FORBIDDEN_REQUEST".to_owned());
    let gateway = Scripted::new(Answer::Unknown(locked.clone()), Duration::ZERO);
    let (guarded, notes) = guarded(&gateway);
    let now = domain::Timestamp::UNIX_EPOCH;
    let list = async || guarded.movements(&(now..now), None, 1).await;
    assert_eq!(list().await, Err(locked));
    assert_eq!(notes.taken(), ["list configuration 0s".to_owned()]);
    gateway.turn_to(Answer::Unknown(Cause::Unreadable("new".to_owned())));
    for _ in 0..3 {
        assert!(list().await.is_err());
    }
    assert_eq!(guarded.admit(), Ok(()));
    gateway.turn_to(Answer::NotFound);
    assert_eq!(list().await, Ok(ListPage::default()));
    // A gateway that is away is away for payments, too, by the same count.
    gateway.turn_to(LOST);
    for _ in 0..2 {
        assert_eq!(list().await, Err(Cause::Lost));
    }
    assert!(matches!(guarded.admit(), Err(Refused::BreakerOpen { .. })));
}

#[tokio::test(start_paused = true)]
async fn the_registry_knows_its_accounts() {
    let registry = Registry::default();
    assert!(registry.of(account()).is_none());
    let first = Scripted::new(LOST, Duration::ZERO);
    registry.put(account(), Arc::new(guarded(&first).0));
    let second = Scripted::new(Answer::NotFound, Duration::ZERO);
    let held = registry.of(account()).unwrap();
    registry.put(account(), Arc::new(guarded(&second).0));
    assert_eq!(held.confirm(&capture()).await, LOST);
    let now = registry.of(account()).unwrap();
    assert_eq!(now.confirm(&capture()).await, Answer::NotFound);
}

#[tokio::test(start_paused = true)]
async fn a_glance_opens_no_breaker_and_takes_nobodys_place() {
    let gateway = Scripted::new(LOST, Duration::from_secs(2));
    let (guarded, notes) = guarded(&gateway);
    let order = order();
    for _ in 0..20 {
        assert_eq!(guarded.glance(Glance::Order(&order)).await, LOST);
    }
    assert_eq!(guarded.admit(), Ok(()), "nothing was learnt");
    gateway.turn_to(Answer::NotFound);
    let (first, second, question) = tokio::join!(
        guarded.glance(Glance::Order(&order)),
        guarded.glance(Glance::Order(&order)),
        guarded.payment_by_order(&order),
    );
    assert_eq!((first, question), (Answer::NotFound, Answer::NotFound));
    assert_eq!(second, NOT_SENT, "there is one place, and nobody waits");

    gateway.turn_to(LOST);
    for _ in 0..2 {
        assert_eq!(guarded.confirm(&capture()).await, LOST);
    }
    let calls = gateway.calls();
    assert_eq!(guarded.glance(Glance::Order(&order)).await, NOT_SENT);
    assert_eq!(gateway.calls(), calls, "held back while it fails");
    let last = notes.taken().pop();
    assert_eq!(last.as_deref(), Some("glance breaker_open 0s"));
}
