//! What the suite runs over, and who is asked for in it.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use application::ports::limiter::{Bucket, Rate};
use application::ports::repeats::{Asked, Heard, Ticket};
use application::ports::{RateLimiter, Repeats};
use domain::id::{MerchantId, RawId};
use domain::idempotency::{Fingerprint, KeyRef};
use domain::principal::{Mode, Scope};
use payflow::adapters::limiter::Buckets;
use payflow::adapters::redis::{Limits, Link, Observer, Settings, Shared, Use};
use payflow::adapters::repeats::InProcess;
use payflow::adapters::vault::MasterKeys;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::support::Redis;

const MASTER: &str = "a:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// How long a request counts as under way in here.
pub(crate) const UNDER_WAY: Duration = Duration::from_secs(4);
/// Nothing here takes longer, however busy the machine is.
pub(crate) const LONG: Duration = Duration::from_secs(20);

/// What is tested, and the server behind it.
pub(crate) struct Tested {
    pub(crate) repeats: Arc<dyn Repeats>,
    pub(crate) limiter: Arc<dyn RateLimiter>,
    /// The same, as another copy of the service has it; that one alone where nothing is shared.
    pub(crate) others: (Arc<dyn Repeats>, Arc<dyn RateLimiter>),
    /// Whether what was answered is kept: in one process it is not.
    pub(crate) keeps_answers: bool,
    _server: Option<Redis>,
}

/// A copy of the service, as far as it shares.
pub(crate) struct Copy {
    pub(crate) link: Arc<Link>,
    pub(crate) repeats: Shared,
    pub(crate) limiter: Limits,
    pub(crate) counts: Arc<Counts>,
    tasks: JoinSet<()>,
}

/// Counts what operators see.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) failures: AtomicUsize,
    pub(crate) answered: AtomicUsize,
    pub(crate) spared: AtomicUsize,
    pub(crate) up: AtomicBool,
}

impl Observer for Counts {
    fn answered(&self, _: Use, _: Duration) {
        self.answered.fetch_add(1, Ordering::SeqCst);
    }

    fn failed(&self, _: Use) {
        self.failures.fetch_add(1, Ordering::SeqCst);
    }

    fn is_up(&self, up: bool) {
        self.up.store(up, Ordering::SeqCst);
    }

    fn spared(&self) {
        self.spared.fetch_add(1, Ordering::SeqCst);
    }
}

impl Copy {
    /// One that waits for answers as long as it takes: what is shared is tested, not the machine.
    pub(crate) async fn patient(server: &Redis) -> Self {
        Self::of(server, LONG).await
    }

    pub(crate) async fn of(server: &Redis, response_timeout: Duration) -> Self {
        let settings = Settings {
            url: server.url().as_str().into(),
            connect_timeout: Duration::from_secs(5),
            response_timeout,
            prefix: "test:".to_owned(),
            under_way_max: UNDER_WAY,
            answers_kept: Duration::from_mins(1),
        };
        let counts = Arc::<Counts>::default();
        let observer = Arc::<Counts>::clone(&counts);
        let link = Arc::new(Link::new(settings, observer).expect("an address"));
        link.connect().await;
        assert!(link.is_up());
        let pouch = Arc::new(MasterKeys::parse(MASTER).expect("a key").pouch());
        Self {
            repeats: Shared::new(Arc::clone(&link), Arc::clone(&pouch)),
            limiter: Limits::new(Arc::clone(&link), pouch),
            link,
            counts,
            tasks: JoinSet::new(),
        }
    }

    /// Has its connection made again whenever it is lost.
    pub(crate) fn keep(&mut self) {
        let link = Arc::clone(&self.link);
        self.tasks.spawn(link.keep(CancellationToken::new()));
    }

    pub(crate) fn failures(&self) -> usize {
        self.counts.failures.load(Ordering::SeqCst)
    }
}

pub(crate) fn in_process() -> Tested {
    let repeats: Arc<dyn Repeats> = Arc::new(InProcess::new(UNDER_WAY));
    let limiter: Arc<dyn RateLimiter> = Arc::new(Buckets::default());
    Tested {
        others: (Arc::clone(&repeats), Arc::clone(&limiter)),
        repeats,
        limiter,
        keeps_answers: false,
        _server: None,
    }
}

pub(crate) async fn on_redis() -> Tested {
    let server = Redis::start();
    let (mine, other) = (Copy::patient(&server).await, Copy::patient(&server).await);
    let (mine, other) = (parted(&mine), parted(&other));
    Tested {
        repeats: mine.0,
        limiter: mine.1,
        others: other,
        keeps_answers: true,
        _server: Some(server),
    }
}

fn parted(copy: &Copy) -> (Arc<dyn Repeats>, Arc<dyn RateLimiter>) {
    let pouch = Arc::new(MasterKeys::parse(MASTER).expect("a key").pouch());
    (
        Arc::new(Shared::new(Arc::clone(&copy.link), Arc::clone(&pouch))),
        Arc::new(Limits::new(Arc::clone(&copy.link), pouch)),
    )
}

pub(crate) fn scope(merchant: u128) -> Scope {
    Scope {
        merchant: MerchantId::new(RawId::from_parts(1, merchant)),
        mode: Mode::Test,
    }
}

pub(crate) fn asked(key: &str) -> Asked {
    Asked {
        key: KeyRef {
            scope: scope(1),
            member: String::new(),
            key: key.parse().expect("a key"),
        },
        fingerprint: Fingerprint([7; 32]),
    }
}

/// Every request that is nearly, but not quite, this one.
pub(crate) fn neighbours(asked: &Asked) -> Vec<Asked> {
    let changed = |change: fn(&mut Asked)| {
        let mut other = asked.clone();
        change(&mut other);
        other
    };
    vec![
        changed(|asked| asked.key.scope.merchant = scope(2).merchant),
        changed(|asked| asked.key.scope.mode = Mode::Live),
        changed(|asked| "member-1".clone_into(&mut asked.key.member)),
        changed(|asked| asked.key.key = "another".parse().expect("a key")),
        changed(|asked| asked.fingerprint = Fingerprint([8; 32])),
    ]
}

pub(crate) fn rate(tokens: u32, per: Duration) -> Rate {
    Rate {
        tokens: NonZeroU32::new(tokens).expect("some"),
        per,
    }
}

pub(crate) fn servers(merchant: u128) -> Bucket {
    Bucket::Servers(scope(merchant))
}

/// The ticket of a request that nothing is known of.
pub(crate) fn ticket(heard: &Heard) -> Ticket {
    match heard {
        Heard::Nothing(Some(ticket)) => *ticket,
        Heard::Nothing(None) | Heard::UnderWay { .. } | Heard::Answered(_) => {
            panic!("no ticket: {heard:?}")
        }
    }
}

/// Waits until it is so.
pub(crate) async fn until(what: &str, so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < LONG, "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
