//! Owns a service without a socket: the router over the store in memory, put back after each input.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use application::inbox::Intake;
use application::memory::Memory;
use application::ports::gateway::{ListPage, Refused, Terms};
use application::ports::inbox::NoneKept;
use application::ports::{Clock as _, Finding, Gateways, Ids, PaymentGateway, Tally};
use application::webhooks::Post;
use application::{App, Bounds, Parts, Seating, StepUp, Tenancy, Timings};
use async_trait::async_trait;
use axum::Router;
use axum::http::HeaderValue;
use domain::Timestamp;
use domain::change::Change;
use domain::id::{GatewayAccountId, GatewayOrderId, MerchantId, RawId};
use domain::merchant::{GatewayAccount, KeyKind, KeyText, Merchant};
use domain::principal::{Mode, Scope};
use domain::saga::{CancelCall, ConfirmCall, Policy};
use domain::snapshot::{Answer, Cause};
use domain::text::{PaymentKey, TransactionKey};
use payflow::adapters::gateway::toss::Hooks;
use payflow::adapters::limiter::Buckets;
use payflow::adapters::repeats::InProcess;
use payflow::adapters::vault::{MasterKeys, Vault};
use payflow::adapters::webhooks;
use payflow::presentation::router::router;
use payflow::presentation::{Api, ForwardedBy, Observation, Observer, Proxies, Rates, Settings};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::issuers::{MERCHANT, Still, tokens};

/// The merchant's secret key.
pub(crate) const SECRET: &str = "sk_test_fuzz";
/// The same merchant's publishable key.
const PUBLISHABLE: &str = "pk_test_fuzz";
/// The largest amount that is taken.
pub(crate) const AMOUNT_MAX: i64 = 100_000_000;
/// The largest body that is taken.
pub(crate) const BODY_BYTES_MAX: usize = 8 * 1024;

/// The service.
pub(crate) struct World {
    pub(crate) router: Router,
    pub(crate) memory: Arc<Memory>,
    pub(crate) app: Arc<App>,
    ids: Arc<Counted>,
    kept: RwLock<Kept>,
}

/// What looks at addresses of webhooks, and seals their secrets. Nothing is sent.
fn post(memory: &Arc<Memory>) -> Post {
    let settings = webhooks::Settings {
        timeout: Duration::from_secs(1),
        exempt: Vec::new(),
    };
    let courier = webhooks::HttpCourier::new(&settings).expect("a client");
    let masters = format!("2026a:{}=", "A".repeat(43));
    let masters = MasterKeys::parse(&masters).expect("a key");
    Post {
        courier: Arc::new(courier),
        vault: Arc::new(Vault::new(masters, Arc::<Memory>::clone(memory))),
        clock: Arc::new(Still),
        terms: application::webhooks::Terms::default(),
    }
}

/// What notifications are read with; nobody counts them.
fn intake() -> Intake {
    Intake {
        reader: Arc::new(Hooks),
        deposits: Arc::new(NoneKept),
        limiter: Arc::new(Buckets::default()),
        terms: application::inbox::Terms::default(),
    }
}

/// What the store is put back to.
struct Kept {
    store: Memory,
    ids: u64,
}

impl World {
    /// A service that nobody has asked for anything.
    pub(crate) fn new() -> Self {
        let memory = Arc::new(Memory::new(Arc::new(Still)));
        let ids = Arc::new(Counted::default());
        seed(&memory, ids.as_ref());
        let parts = Parts {
            store: Arc::<Memory>::clone(&memory),
            gateways: Arc::new(Away),
            clock: Arc::new(Still),
            ids: Arc::<Counted>::clone(&ids),
            tally: Arc::new(Nobody),
            tokens: Arc::new(tokens()),
            step_up: StepUp::default(),
            // For no time: no input is to meet one before it.
            repeats: Arc::new(InProcess::new(Duration::ZERO)),
            bell: Arc::default(),
            post: post(&memory),
            intake: intake(),
            policy: Policy::default(),
            timings: Timings::default(),
            bounds: impatient(),
        };
        let drain = CancellationToken::new();
        let app = App::new(parts, TaskTracker::new(), drain.clone());
        let limiter = Arc::new(Buckets::default());
        let api = Api::new(
            Arc::clone(&app),
            settings(),
            Arc::new(Nobody),
            limiter,
            drain,
        );
        let kept = Kept {
            store: Memory::new(Arc::new(Still)),
            ids: 0,
        };
        let world = Self {
            router: router(&api),
            memory,
            app,
            ids,
            kept: RwLock::new(kept),
        };
        world.keep();
        world
    }

    /// From now on it is put back to how it is now.
    pub(crate) fn keep(&self) {
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        kept.store.put_back(&self.memory);
        kept.ids = self.ids.0.load(Ordering::Relaxed);
    }

    /// Nothing has happened.
    pub(crate) async fn put_back(&self) {
        {
            let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
            self.memory.put_back(&kept.store);
            self.ids.0.store(kept.ids, Ordering::Relaxed);
        }
        let looked = self.app.look_at_switches().await;
        looked.expect("memory can be read");
    }
}

fn seed(store: &Memory, ids: &Counted) {
    let merchant: MerchantId = MERCHANT.parse().expect("an id");
    let (name, currencies) = ("shop".parse(), "KRW,USD".parse());
    let made = Merchant::new(
        merchant,
        name.expect("a name"),
        currencies.expect("currencies"),
        Still.now(),
    );
    let mut changes = vec![Change::InsertMerchant(made)];
    let scope = Scope {
        merchant,
        mode: Mode::Test,
    };
    let tenancy = Tenancy {
        store,
        clock: &Still,
        ids,
        conflicts_max: 5,
    };
    for (kind, text) in [
        (KeyKind::Secret, SECRET),
        (KeyKind::Publishable, PUBLISHABLE),
    ] {
        let key = tenancy.key_of(scope, kind, None, KeyText::presented(text));
        changes.push(Change::InsertApiKey(Box::new(key.key)));
    }
    let account = GatewayAccountId::new(ids.draw());
    let account = GatewayAccount::new(account, scope, Still.now());
    changes.push(Change::InsertGatewayAccount(account));
    store
        .commit_now(&changes)
        .expect("an empty store takes all");
}

/// Nobody waits for what comes next: nothing does.
fn impatient() -> Bounds {
    let nobody = Seating {
        of_one: 0,
        of_all: 0,
    };
    Bounds {
        waiting: nobody,
        following: nobody,
        ..Bounds::default()
    }
}

fn settings() -> Settings {
    Settings {
        body_bytes_max: BODY_BYTES_MAX,
        body_timeout: Duration::from_secs(30),
        requests_max: 16,
        hooks_max: 16,
        amount_minor_max: AMOUNT_MAX,
        lifetime_seconds_max: 86_400,
        rates: Rates::default(),
        proxies: Proxies {
            trusted: vec!["10.0.0.0/8".parse().expect("a network")],
            header: ForwardedBy::Forwarded,
        },
        roles: Vec::new(),
        stream_heartbeat: Duration::from_secs(15),
        cors_origins: vec![HeaderValue::from_static("https://shop.example")],
    }
}

/// Identifiers one after the other: the same input always makes the same ones.
#[derive(Default)]
struct Counted(AtomicU64);

impl Ids for Counted {
    fn draw(&self) -> RawId {
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        RawId::from_parts(1, number.into())
    }

    fn secret(&self) -> String {
        format!("{:043}", self.0.fetch_add(1, Ordering::Relaxed))
    }
}

/// Counts nothing.
struct Nobody;

impl Tally for Nobody {
    fn found(&self, _: Finding) {}
}

impl Observer for Nobody {
    fn observe(&self, _: &Observation<'_>) {}

    fn streaming(&self, _: i64) {}
}

/// A gateway that lets nobody in.
struct Away;

impl Gateways for Away {
    fn of(&self, _: GatewayAccountId) -> Option<Arc<dyn PaymentGateway>> {
        Some(Arc::new(Self))
    }
}

#[async_trait]
impl PaymentGateway for Away {
    fn terms(&self) -> Terms {
        Terms::default()
    }

    fn admit(&self) -> Result<(), Refused> {
        Err(Refused::BulkheadFull)
    }

    async fn confirm(&self, _: &ConfirmCall) -> Answer {
        Answer::Unknown(Cause::NotSent)
    }

    async fn cancel(&self, _: &CancelCall) -> Answer {
        Answer::Unknown(Cause::NotSent)
    }

    async fn payment_by_key(&self, _: &PaymentKey) -> Answer {
        Answer::Unknown(Cause::NotSent)
    }

    async fn payment_by_order(&self, _: &GatewayOrderId) -> Answer {
        Answer::Unknown(Cause::NotSent)
    }

    async fn movements(
        &self,
        _: &Range<Timestamp>,
        _: Option<&TransactionKey>,
        _: u32,
    ) -> Result<ListPage, Cause> {
        Err(Cause::NotSent)
    }
}
