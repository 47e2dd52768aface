//! Owns the composition: settings become adapters, adapters become the application, and it runs.

mod accounts;
mod api_keys;
mod billing;
mod bus;
mod certificates;
mod command;
mod credentials;
mod dead_letters;
mod demo;
mod doctor;
mod endpoints;
mod feed;
mod handles;
mod hooks;
mod inbox;
mod merchants;
mod outside;
mod plans;
mod roles;
mod security_keys;
mod settle;
mod shared;
mod stuck;
mod switches;
mod tenants;
mod vault;
mod webhooks;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use application::events::Bell;
use application::ports::limiter::Rate;
use application::ports::{Clock, Gateways, Ids, Store, TokenVerifier, Vault};
use application::{App, Bounds, ChargePace, KeptSecrets, Parts, Seating, StepUp, Timings};
use domain::saga::Policy;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use command::run;
pub use roles::{Role, Roles};

use crate::adapters::metered::Metered;
use crate::adapters::persistence::Connections;
use crate::adapters::telemetry::{self, Metrics};
use crate::config::{self, Config};
use crate::presentation::{Api, ForwardedBy, Proxies, Rates, Settings, router, server};

/// How long the gateway remembers an idempotency key, less a day (`toss-api.md §14`).
const GATEWAY_KEY_LIFETIME: Duration = Duration::from_hours(14 * 24);

/// How connections stand, as often as it is asked.
pub type Shown = Box<dyn Fn() -> Vec<Connections> + Send + Sync>;

/// Everything outside, behind its ports.
pub struct Outside {
    /// What is kept.
    pub store: Arc<dyn Store>,
    /// Who moves the money.
    pub gateways: Arc<dyn Gateways>,
    /// What money is dated by.
    pub clock: Arc<dyn Clock>,
    /// Where identifiers come from.
    pub ids: Arc<dyn Ids>,
    /// Who believes members' tokens.
    pub tokens: Arc<dyn TokenVerifier>,
    /// What seals secrets.
    pub vault: Arc<dyn Vault>,
    /// What everything is counted in.
    pub metrics: Arc<Metrics>,
    /// How the connections of the store stand; nothing where it has none.
    pub connections: Shown,
}

/// A service that runs.
pub struct Running {
    /// Where the API listens; the real port, even where port 0 was asked for.
    pub address: SocketAddr,
    /// Where the metrics are.
    pub metrics_address: SocketAddr,
    /// The use cases.
    pub app: Arc<App>,
    work: TaskTracker,
    servers: TaskTracker,
    drain: CancellationToken,
    stop: CancellationToken,
    drain_time: Duration,
    spans: Option<telemetry::Sending>,
}

/// Starts the service over what is outside, to do what `roles` say. A copy that answers no requests
/// answers probes.
///
/// # Errors
/// A listener cannot be bound, or a client not be set up.
pub async fn launch(config: &Config, outside: Outside, roles: &Roles) -> anyhow::Result<Running> {
    let metrics = outside.metrics;
    let spans = telemetry::send_spans(&config.traces, &metrics);
    let bell = Arc::new(Bell::default());
    let counted = Metered::new(outside.store, Arc::clone(&metrics), Arc::clone(&bell));
    let store: Arc<dyn Store> = Arc::new(counted);
    let shared = shared::Shared::open(config, &metrics).await?;
    let secrets = KeptSecrets::new(Arc::clone(&store), Arc::clone(&outside.vault));
    let (work, servers) = (TaskTracker::new(), TaskTracker::new());
    let (drain, stop) = (CancellationToken::new(), CancellationToken::new());
    let parts = Parts {
        store: Arc::clone(&store),
        gateways: outside.gateways,
        clock: Arc::clone(&outside.clock),
        ids: outside.ids,
        tally: Arc::<Metrics>::clone(&metrics),
        tokens: outside.tokens,
        step_up: step_up(config),
        repeats: Arc::clone(&shared.repeats),
        bell: Arc::clone(&bell),
        post: webhooks::post(config, outside.vault)?,
        intake: hooks::intake(config, Arc::new(secrets), Arc::clone(&shared.limiter)),
        policy: policy(config),
        timings: timings(config),
        bounds: bounds(config),
    };
    let bus = bus::open(config, &metrics, roles)?;
    let joined = if roles.have(Role::Worker) {
        bus::joined(config, &bus)?
    } else {
        Vec::new()
    };
    let app = App::new(parts, work.clone(), drain.clone());
    app.look_at_switches()
        .await
        .context("cannot read the safety switches")?;
    let observer = Arc::clone(&metrics);
    let limiter = Arc::clone(&shared.limiter);
    let settings = settings(config, roles);
    let api = Api::new(Arc::clone(&app), settings, observer, limiter, drain.clone());

    let http = listen(config.server.listen, "server.listen").await?;
    let scraped = listen(config.metrics.listen, "metrics.listen").await?;
    let (address, metrics_address) = (http.local_addr()?, scraped.local_addr()?);
    let sources = sources(config, store, outside.clock, outside.connections);
    let routes = telemetry::routes(metrics, sources);
    let limits = limits(config);
    let answers = if roles.have(Role::Api) {
        router::router(&api)
    } else {
        router::probes(&api)
    };
    servers.spawn(server::serve(http, answers, limits.clone(), stop.clone()));
    servers.spawn(server::serve(scraped, routes, limits, stop.clone()));
    shared.begin(&bell, &work, &drain);
    roles.begin(&app, &bus, joined, &work);
    Ok(Running {
        address,
        metrics_address,
        app,
        work,
        servers,
        drain,
        stop,
        drain_time: config.timings.drain(),
        spans,
    })
}

/// What a scrape looks at.
fn sources(
    config: &Config,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    connections: Shown,
) -> telemetry::Sources {
    telemetry::Sources {
        store,
        clock,
        stuck_after: config.timings.stuck_after(),
        connections,
        jobs: bus::jobs(config),
        certificates: certificates::named(config),
    }
}

impl Running {
    /// Says that it is not ready any more and begins no new work; what is asked is still answered.
    pub fn drain(&self) {
        self.drain.cancel();
    }

    /// Drains, takes no new connections, and gives what is under way its time to finish. What does
    /// not finish is durable and left to recovery.
    pub async fn stop(self) {
        self.drain();
        self.stop.cancel();
        self.servers.close();
        self.work.close();
        let rest = async {
            self.servers.wait().await;
            self.work.wait().await;
        };
        if tokio::time::timeout(self.drain_time, rest).await.is_err() {
            tracing::warn!("work is still under way after the drain; left to recovery");
        }
        if let Some(spans) = self.spans {
            spans.end().await;
        }
    }
}

async fn listen(address: SocketAddr, setting: &str) -> anyhow::Result<TcpListener> {
    let bound = TcpListener::bind(address).await;
    bound.with_context(|| format!("cannot listen on {address} ({setting})"))
}

fn step_up(config: &Config) -> StepUp {
    let (settings, day) = (&config.step_up, Duration::from_hours(24));
    StepUp {
        demanded_for: settings.demanded_for.iter().map(|word| word.0).collect(),
        challenge_lifetime: settings.challenge_lifetime.duration(),
        device_lifetime: day.saturating_mul(settings.known_device_days),
    }
}

fn policy(config: &Config) -> Policy {
    Policy {
        confirm_window: config.timings.confirm_window(),
        call_bound: config.timings.call_bound(),
        key_lifetime: GATEWAY_KEY_LIFETIME,
        ask_after: config.timings.ask_after(),
        ask_every: config.timings.ask_every(),
        doubt_for: config.timings.doubt_for(),
        keys_max: config.bounds.gateway_keys_max,
    }
}

fn timings(config: &Config) -> Timings {
    Timings {
        patience: config.timings.patience(),
        lease: config.timings.lease(),
        heartbeat: config.timings.heartbeat(),
        commit_patience: config.timings.commit_patience(),
        recovery_every: config.timings.recovery_every(),
        expiry_every: config.timings.expiry_every(),
        upkeep_every: config.timings.upkeep_every(),
        cycles_every: config.billing.every.divided(config.timings.divide_by),
        cycle_lease: config.billing.lease.divided(config.timings.divide_by),
        watch_every: config.timings.watch_every(),
        watch_overlap: config.timings.watch_overlap(),
        watch_grace: config.timings.watch_grace(),
        stuck_after: config.timings.stuck_after(),
        switches_every: config.timings.switches_every(),
        question_gap: config.timings.question_gap(),
        access_believed: config.timings.access_believed(),
        payment_lifetime: config.timings.payment_lifetime(),
        issued_key_lifetime: config.bounds.issued_key_lifetime.duration(),
        key_lifetime: config.bounds.key_lifetime.duration(),
        job_lease: config.timings.job_lease(),
        feed_poll: config.feed.poll.duration(),
        sink_pause_max: config.feed.pause_max.duration(),
        follow_max: config.stream.duration_max.duration(),
    }
}

fn bounds(config: &Config) -> Bounds {
    Bounds {
        conflicts_max: config.bounds.conflicts_max,
        recovered_at_once: config.bounds.recovered_at_once,
        pass_rows: config.bounds.pass_rows,
        watch_rows: config.bounds.watch_rows,
        feed_rows: config.feed.rows,
        charge_pace: ChargePace {
            at_once: config.billing.charges_at_once,
            per_second: config.billing.charges_per_second,
        },
        following: Seating {
            of_one: config.stream.per_merchant_max,
            of_all: config
                .stream
                .open_max
                .min(config.server.connections_max / 2),
        },
        ..Bounds::default()
    }
}

fn settings(config: &Config, roles: &Roles) -> Settings {
    let origins = config.server.cors_origins.iter();
    Settings {
        body_bytes_max: config.server.body_bytes_max,
        body_timeout: config.server.body_timeout.duration(),
        requests_max: config.server.requests_max,
        hooks_max: config.inbox.requests_max,
        amount_minor_max: config.payments.amount_minor_max,
        lifetime_seconds_max: config.payments.lifetime_max.duration().as_secs(),
        rates: rates(config),
        proxies: proxies(config),
        roles: roles.words(),
        stream_heartbeat: config.stream.heartbeat.duration(),
        cors_origins: origins.filter_map(|origin| origin.parse().ok()).collect(),
    }
}

/// None is without a limit.
fn rates(config: &Config) -> Rates {
    let rate = |tokens: u32, per| {
        Some(Rate {
            tokens: NonZeroU32::new(tokens)?,
            per,
        })
    };
    let (limits, second) = (&config.limits, Duration::from_secs(1));
    Rates {
        merchant: rate(limits.merchant_per_second, second),
        address: rate(limits.address_per_second, second),
        failures: rate(limits.failures_per_minute, Duration::from_mins(1)),
    }
}

fn proxies(config: &Config) -> Proxies {
    let trusted = config.server.trusted_proxies.iter();
    Proxies {
        trusted: trusted.filter_map(|network| network.parse().ok()).collect(),
        header: match config.server.forwarded_by {
            config::ForwardedBy::Forwarded => ForwardedBy::Forwarded,
            config::ForwardedBy::XForwardedFor => ForwardedBy::XForwardedFor,
        },
    }
}

fn limits(config: &Config) -> server::Limits {
    server::Limits {
        header_timeout: config.server.header_timeout.duration(),
        write_timeout: config.server.write_timeout.duration(),
        headers_max: config.server.headers_max,
        connections_max: config.server.connections_max,
        drain: config.timings.drain(),
    }
}
