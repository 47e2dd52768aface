//! Owns what operators see: log lines, and the metrics that Prometheus collects.

mod billing;
#[cfg(feature = "kafka")]
mod bus;
mod feed;
mod inbox;
mod lines;
#[cfg(feature = "redis")]
mod redis;
mod webhooks;

use std::sync::Arc;
use std::time::Duration;

use application::ports::{Brought, Clock, Finding, Looked, Store, Tally};
use application::stuck_since;
use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use domain::Timestamp;
use domain::id::GatewayAccountId;
use domain::saga::{Kind, Phase};
use prometheus::core::Collector;
use prometheus::{
    Encoder as _, Gauge, GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry, TextEncoder,
};
use tokio::sync::Mutex;
use tokio::time::Instant;

pub use lines::log;

use super::gateway::breaker::Turn;
use super::{gateway, identity};
use crate::presentation::{Observation, Observer};

/// How long the counts of open sagas are believed: scrapes must not become a load.
const SAGAS_BELIEVED: Duration = Duration::from_secs(5);
/// From half a millisecond to the gateway's own bound.
const BUCKETS: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
    60.0,
];

fn registered<C>(registry: &Registry, collector: C) -> Result<C, prometheus::Error>
where
    C: Collector + Clone + 'static,
{
    registry.register(Box::new(collector.clone()))?;
    Ok(collector)
}

fn oldest_ages() -> Result<GaugeVec, prometheus::Error> {
    let options = Opts::new(
        "payflow_saga_oldest_age_seconds",
        "Age of the oldest open saga",
    );
    GaugeVec::new(options, &["kind", "phase"])
}

fn stale_key_files() -> Result<IntGauge, prometheus::Error> {
    IntGauge::new(
        "payflow_identity_files_stale",
        "Files of issuers' keys whose content is of no use; their last keys are kept",
    )
}

/// Every metric.
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    refused_credentials: IntCounterVec,
    own_seconds: HistogramVec,
    pub(super) approvals: IntCounterVec,
    pub(super) charges: IntCounterVec,
    pub(super) accounts: IntCounterVec,
    pub(super) cancellations: IntCounterVec,
    pub(super) events: IntCounterVec,
    pub(super) commits: IntCounterVec,
    pub(super) commit_seconds: HistogramVec,
    gateway_seconds: HistogramVec,
    sagas_open: IntGaugeVec,
    sagas_stuck: IntGaugeVec,
    saga_oldest_seconds: GaugeVec,
    breaker_turns: IntCounterVec,
    watch: Watch,
    stale_key_files: IntGauge,
    feed: feed::Feed,
    #[cfg(feature = "kafka")]
    bus: bus::Bus,
    #[cfg(feature = "redis")]
    redis: redis::Redis,
    pub(super) webhooks: webhooks::Webhooks,
    pub(super) inbox: inbox::Inbox,
    pub(super) billing: billing::Billing,
}

/// What the watch over the gateway's lists comes to.
struct Watch {
    findings: IntCounterVec,
    open: IntGauge,
    strange: IntGauge,
    behind_seconds: Gauge,
}

impl Watch {
    fn registered(registry: &Registry) -> Result<Self, prometheus::Error> {
        let findings = Opts::new(
            "payflow_watch_findings_total",
            "Movements at the gateway that the books lacked, and what could not be booked",
        );
        let gauge = |name, help| registered(registry, IntGauge::new(name, help)?);
        let behind_seconds = Gauge::new(
            "payflow_watch_behind_seconds",
            "For how long the account furthest behind was not watched",
        )?;
        Ok(Self {
            findings: registered(registry, IntCounterVec::new(findings, &["result"])?)?,
            open: gauge(
                "payflow_watch_open",
                "Payments seen to have moved, not settled",
            )?,
            strange: gauge(
                "payflow_watch_strange",
                "Those of them a person was told of",
            )?,
            behind_seconds: registered(registry, behind_seconds)?,
        })
    }
}

/// With what the operating system knows of this process, where it tells.
fn with_process() -> Result<Registry, prometheus::Error> {
    let registry = Registry::new();
    #[cfg(target_os = "linux")]
    registry.register(Box::new(
        prometheus::process_collector::ProcessCollector::for_self(),
    ))?;
    Ok(registry)
}

impl Metrics {
    /// Registers every metric.
    ///
    /// # Errors
    /// Two of them have the same name.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = with_process()?;
        let counter = |name, help, labels: &[_]| -> Result<IntCounterVec, prometheus::Error> {
            registered(
                &registry,
                IntCounterVec::new(Opts::new(name, help), labels)?,
            )
        };
        let ended = |name, help| counter(name, help, &["result"]);
        let histogram = |name, help, labels: &[_]| -> Result<HistogramVec, prometheus::Error> {
            let options = HistogramOpts::new(name, help).buckets(BUCKETS.to_vec());
            registered(&registry, HistogramVec::new(options, labels)?)
        };
        let sagas = |name, help| -> Result<IntGaugeVec, prometheus::Error> {
            let labels = &["kind", "phase"];
            registered(&registry, IntGaugeVec::new(Opts::new(name, help), labels)?)
        };
        Ok(Self {
            requests: counter(
                "payflow_http_requests_total",
                "Finished requests",
                &["method", "route", "status"],
            )?,
            refused_credentials: counter(
                "payflow_refused_credentials_total",
                "Requests whose credentials open nothing, or not this route",
                &["code"],
            )?,
            own_seconds: histogram(
                "payflow_http_own_seconds",
                "Time of a request without the gateway's",
                &["route"],
            )?,
            approvals: ended("payflow_approvals_total", "Approvals that ended")?,
            charges: ended("payflow_charges_total", "Charges that ended")?,
            accounts: ended("payflow_accounts_total", "Issues and closings that ended")?,
            cancellations: ended("payflow_cancellations_total", "Cancellations that ended")?,
            events: counter(
                "payflow_events_total",
                "Events that happened to payments",
                &["type"],
            )?,
            commits: ended("payflow_commits_total", "Commits")?,
            commit_seconds: histogram("payflow_commit_seconds", "Time of a commit", &["result"])?,
            gateway_seconds: histogram(
                "payflow_gateway_call_seconds",
                "Time of a call to the gateway",
                &["operation", "outcome"],
            )?,
            breaker_turns: counter(
                "payflow_gateway_breaker_turns_total",
                "How often the breaker of a gateway account opened or closed",
                &["turn"],
            )?,
            sagas_open: sagas("payflow_sagas_open", "Sagas that are not over")?,
            sagas_stuck: sagas("payflow_sagas_stuck", "Sagas open past timings.stuck_after")?,
            saga_oldest_seconds: registered(&registry, oldest_ages()?)?,
            watch: Watch::registered(&registry)?,
            stale_key_files: registered(&registry, stale_key_files()?)?,
            feed: feed::Feed::registered(&registry)?,
            #[cfg(feature = "kafka")]
            bus: bus::Bus::registered(&registry)?,
            #[cfg(feature = "redis")]
            redis: redis::Redis::registered(&registry)?,
            webhooks: webhooks::Webhooks::registered(&registry)?,
            inbox: inbox::Inbox::registered(&registry)?,
            billing: billing::Billing::registered(&registry)?,
            registry,
        })
    }

    async fn count_sagas(&self, store: &dyn Store, now: Timestamp, stuck_after: Duration) {
        let open = match store.open_sagas(stuck_since(now, stuck_after)).await {
            Ok(open) => open,
            Err(error) => {
                tracing::warn!(%error, "open sagas not counted");
                return;
            }
        };
        // Kinds and phases without a saga must fall to zero, not keep their last count.
        for kind in Kind::ALL {
            for phase in [Phase::Call, Phase::Ask] {
                let labels = [kind.as_str(), phase.as_str()];
                self.sagas_open.with_label_values(&labels).set(0);
                self.sagas_stuck.with_label_values(&labels).set(0);
                self.saga_oldest_seconds.with_label_values(&labels).set(0.0);
            }
        }
        for sagas in open {
            let labels = [sagas.kind.as_str(), sagas.phase.as_str()];
            let count = i64::try_from(sagas.count).unwrap_or(i64::MAX);
            self.sagas_open.with_label_values(&labels).set(count);
            let stuck = i64::try_from(sagas.stuck).unwrap_or(i64::MAX);
            self.sagas_stuck.with_label_values(&labels).set(stuck);
            let age = now.signed_duration_since(sagas.oldest);
            let age = age.to_std().unwrap_or_default().as_secs_f64();
            self.saga_oldest_seconds.with_label_values(&labels).set(age);
        }
    }

    async fn count_sightings(&self, store: &dyn Store, now: Timestamp) {
        let standing = match store.standing().await {
            Ok(standing) => standing,
            Err(error) => {
                tracing::warn!(%error, "sightings not counted");
                return;
            }
        };
        let count = |count| i64::try_from(count).unwrap_or(i64::MAX);
        self.watch.open.set(count(standing.open));
        self.watch.strange.set(count(standing.strange));
        let behind = standing.until.map(|until| now.signed_duration_since(until));
        let behind = behind.and_then(|behind| behind.to_std().ok());
        let seconds = behind.unwrap_or_default().as_secs_f64();
        self.watch.behind_seconds.set(seconds);
    }
}

impl Observer for Metrics {
    fn observe(&self, observation: &Observation<'_>) {
        let status = observation.status.to_string();
        let labels = [observation.method, observation.route, status.as_str()];
        self.requests.with_label_values(&labels).inc();
        // Only who calls is refused by these two; each code says why.
        if matches!(observation.status, 401 | 403) {
            let refused = &self.refused_credentials;
            refused.with_label_values(&[observation.code]).inc();
        }
        let own = observation.total.saturating_sub(observation.gateway);
        self.own_seconds
            .with_label_values(&[observation.route])
            .observe(own.as_secs_f64());
    }

    fn streaming(&self, change: i64) {
        self.feed.streams.add(change);
    }
}

impl gateway::Observer for Metrics {
    fn called(
        &self,
        _: GatewayAccountId,
        operation: gateway::Operation,
        outcome: &'static str,
        took: Duration,
    ) {
        self.gateway_seconds
            .with_label_values(&[operation.as_str(), outcome])
            .observe(took.as_secs_f64());
    }

    fn turned(&self, account: GatewayAccountId, turn: Turn) {
        let word = match turn {
            Turn::Opened => "opened",
            Turn::Closed => "closed",
            Turn::Locked => "locked",
        };
        tracing::debug!(%account, word, "breaker counted");
        self.breaker_turns.with_label_values(&[word]).inc();
    }
}

impl identity::Observer for Metrics {
    fn stale_files(&self, count: usize) {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.stale_key_files.set(count);
    }
}

impl Tally for Metrics {
    fn found(&self, finding: Finding) {
        let word = match finding {
            Finding::Booked => "booked",
            Finding::Strange => "strange",
            Finding::Unreadable => "unreadable",
        };
        self.watch.findings.with_label_values(&[word]).inc();
    }

    fn brought(&self, brought: Brought) {
        self.inbox.brought(brought);
    }

    fn looked(&self, looked: Looked) {
        self.inbox.looked(looked);
    }
}

/// What a scrape needs.
struct Scrape {
    metrics: Arc<Metrics>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    stuck_after: Duration,
    counted: Mutex<Option<Instant>>,
}

/// The routes of the metrics listener.
pub fn routes(
    metrics: Arc<Metrics>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    stuck_after: Duration,
) -> Router {
    let counted = Mutex::new(None);
    let scrape = Scrape {
        metrics,
        store,
        clock,
        stuck_after,
        counted,
    };
    Router::new()
        .route("/metrics", get(text))
        .with_state(Arc::new(scrape))
}

async fn text(State(scrape): State<Arc<Scrape>>) -> Response {
    let mut counted = scrape.counted.lock().await;
    if counted.is_none_or(|at| at.elapsed() >= SAGAS_BELIEVED) {
        let (store, now) = (scrape.store.as_ref(), scrape.clock.now());
        let counting = scrape.metrics.count_sagas(store, now, scrape.stuck_after);
        counting.await;
        scrape.metrics.count_sightings(store, now).await;
        scrape.metrics.feed.count(store, now).await;
        scrape.metrics.webhooks.count(store).await;
        scrape.metrics.inbox.count(store).await;
        let billing = &scrape.metrics.billing;
        billing.count(store, now, scrape.stuck_after).await;
        *counted = Some(Instant::now());
    }
    drop(counted);
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
