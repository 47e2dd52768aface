//! Owns what operators see: log lines, and the metrics that Prometheus collects.

mod billing;
mod book;
#[cfg(feature = "kafka")]
mod bus;
mod expiry;
mod feed;
mod gateway;
mod inbox;
mod labels;
mod lines;
#[cfg(feature = "redis")]
mod redis;
mod requests;
mod sagas;
mod store;
mod traces;
mod watch;
mod webhooks;

use std::sync::Arc;
use std::time::Duration;

use application::ports::{Clock, Store};
use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use domain::change::Change;
use domain::lease::Job;
use prometheus::{Encoder as _, IntGauge, Registry, TextEncoder};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

pub use book::Described;
pub use expiry::Certified;
pub use labels::LABELS;
pub use lines::log;
pub use traces::{Sending, Unsendable, send_spans, sends_spans};

use super::clock::Wall;
use super::identity;
use super::persistence::Connections;
use book::{Book, registered};

/// How long what was counted in the store is believed: scrapes must not become a load.
const COUNTED_BELIEVED: Duration = Duration::from_secs(5);
/// For how long a scrape looks into the store: what is not counted by then is shown as it was.
/// Prometheus itself gives up after ten seconds.
const COUNTED_WITHIN: Duration = Duration::from_secs(8);
/// The same of what ends in days.
const EXPIRY_BELIEVED: Duration = Duration::from_hours(1);

/// Every metric.
pub struct Metrics {
    registry: Registry,
    described: Vec<Described>,
    requests: requests::Requests,
    gateway: gateway::Gateway,
    watch: watch::Watch,
    stale_key_files: IntGauge,
    expiry: expiry::Expiry,
    feed: feed::Feed,
    #[cfg(feature = "kafka")]
    bus: bus::Bus,
    #[cfg(feature = "redis")]
    redis: redis::Redis,
    sagas: sagas::Sagas,
    webhooks: webhooks::Webhooks,
    inbox: inbox::Inbox,
    pub(super) billing: billing::Billing,
    spans: traces::Spans,
    pub(super) database: store::Database,
}

impl Metrics {
    /// Registers every metric.
    ///
    /// # Errors
    /// Two of them have the same name.
    pub fn new() -> Result<Self, prometheus::Error> {
        let book = Book::with_process()?;
        let stale_key_files = IntGauge::new(
            "payflow_identity_files_stale",
            "Files of issuers' keys whose content is of no use; their last keys are kept",
        )?;
        let requests = requests::Requests::registered(&book)?;
        let gateway = gateway::Gateway::registered(&book)?;
        let watch = watch::Watch::registered(&book)?;
        let stale_key_files = registered(&book, stale_key_files)?;
        let expiry = expiry::Expiry::registered(&book)?;
        let feed = feed::Feed::registered(&book)?;
        #[cfg(feature = "kafka")]
        let bus = bus::Bus::registered(&book)?;
        #[cfg(feature = "redis")]
        let redis = redis::Redis::registered(&book)?;
        let sagas = sagas::Sagas::registered(&book)?;
        let webhooks = webhooks::Webhooks::registered(&book)?;
        let inbox = inbox::Inbox::registered(&book)?;
        let billing = billing::Billing::registered(&book)?;
        let spans = traces::Spans::registered(&book)?;
        let database = store::Database::registered(&book)?;
        let (registry, described) = book.close();
        Ok(Self {
            registry,
            described,
            requests,
            gateway,
            watch,
            stale_key_files,
            expiry,
            feed,
            #[cfg(feature = "kafka")]
            bus,
            #[cfg(feature = "redis")]
            redis,
            sagas,
            webhooks,
            inbox,
            billing,
            spans,
            database,
        })
    }

    /// Every metric of ours, by name, as it is documented.
    #[must_use]
    pub fn described(&self) -> &[Described] {
        &self.described
    }

    /// Counts what was committed together.
    pub(super) fn committed(&self, changes: &[Change]) {
        self.sagas.committed(changes);
        for change in changes {
            if let Change::Webhook(change) = change {
                self.webhooks.committed(change);
            }
            if let Change::Subscription(change) = change {
                self.billing.committed(change);
            }
            if let Change::Inbox(change) = change {
                self.inbox.committed(change);
            }
        }
    }
}

impl identity::Observer for Metrics {
    fn stale_files(&self, count: usize) {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.stale_key_files.set(count);
    }
}

/// What a scrape looks at besides what was counted.
pub struct Sources {
    /// What is kept.
    pub store: Arc<dyn Store>,
    /// What money is dated by.
    pub clock: Arc<dyn Clock>,
    /// From which age on a saga is stuck.
    pub stuck_after: Duration,
    /// How the connections to the database stand; none where there are no connections.
    pub connections: Box<dyn Fn() -> Vec<Connections> + Send + Sync>,
    /// What the settings want done by one copy at a time.
    pub jobs: Vec<Job>,
    /// Files of certificates that the settings name.
    pub certificates: Vec<Certified>,
}

struct Scrape {
    metrics: Arc<Metrics>,
    sources: Sources,
    counted: Mutex<Counted>,
}

/// When something was looked at last.
#[derive(Default)]
struct Counted {
    store: Option<Instant>,
    expiry: Option<Instant>,
}

/// The routes of the metrics listener.
pub fn routes(metrics: Arc<Metrics>, sources: Sources) -> Router {
    let scrape = Scrape {
        metrics,
        sources,
        counted: Mutex::default(),
    };
    Router::new()
        .route("/metrics", get(text))
        .with_state(Arc::new(scrape))
}

fn is_old(at: Option<Instant>, believed: Duration) -> bool {
    at.is_none_or(|at| at.elapsed() >= believed)
}

impl Scrape {
    async fn count(&self) {
        let mut counted = self.counted.lock().await;
        let (metrics, sources) = (&self.metrics, &self.sources);
        metrics.database.show(&(sources.connections)());
        if !is_old(counted.store, COUNTED_BELIEVED) {
            return;
        }
        // Marked before: who scrapes may go away meanwhile, and would have it all counted again.
        counted.store = Some(Instant::now());
        let looked = timeout(COUNTED_WITHIN, self.look(&mut counted)).await;
        if looked.is_err() {
            tracing::warn!("the store is not counted within {COUNTED_WITHIN:?}");
        }
        // What took long is believed from now on.
        counted.store = Some(Instant::now());
    }

    /// Looks into the store.
    async fn look(&self, counted: &mut Counted) {
        let (metrics, sources) = (&self.metrics, &self.sources);
        let (store, now) = (sources.store.as_ref(), sources.clock.now());
        // One that hangs would have every count after the other wait for it.
        if !metrics.database.is_up(store).await {
            return;
        }
        metrics.sagas.count(store, now, sources.stuck_after).await;
        metrics.watch.count(store, now).await;
        match store.leases().await {
            Ok(leases) => {
                metrics.database.show_jobs(&leases, &sources.jobs);
                let feed = &metrics.feed;
                feed.count(store, now, &leases, &sources.jobs).await;
            }
            Err(error) => tracing::warn!(%error, "leases are not counted"),
        }
        metrics.webhooks.count(store).await;
        metrics.inbox.count(store).await;
        let billing = &metrics.billing;
        billing.count(store, now, sources.stuck_after).await;
        if is_old(counted.expiry, EXPIRY_BELIEVED) {
            counted.expiry = Some(Instant::now());
            let (files, wall) = (&sources.certificates, Wall::default().now());
            metrics.expiry.count(files, store, now, wall).await;
        }
    }
}

async fn text(State(scrape): State<Arc<Scrape>>) -> Response {
    scrape.count().await;
    let encoder = TextEncoder::new();
    let mut body = Vec::new();
    match encoder.encode(&scrape.metrics.registry.gather(), &mut body) {
        Ok(()) => ([(CONTENT_TYPE, encoder.format_type().to_owned())], body).into_response(),
        Err(error) => {
            tracing::error!(%error, "metrics not encoded");
            axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
