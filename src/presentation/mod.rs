//! Owns the REST API: what comes in over HTTP, and how the use cases' answers are shown.

mod api_keys;
mod authorise;
mod billing;
pub mod bodies;
mod body;
mod cancel;
pub mod catalogue;
mod codes;
mod cors;
pub mod cursor;
mod edge;
pub mod envelope;
mod events;
mod extract;
mod failures;
mod feed;
mod health;
mod hooks;
mod json;
mod keys;
mod limits;
mod manner;
mod middleware;
mod openapi;
mod origin;
mod pages;
mod payments;
mod plans;
mod query;
mod reach;
mod refusals;
pub mod router;
pub mod server;
mod step_up;
mod stream;
mod subscriptions;
mod switches;
mod table;
mod virtual_account;
mod webhooks;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use application::App;
use application::ports::RateLimiter;
use axum::http::HeaderValue;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

pub use bodies::{ApprovePayment, PreparePayment};
pub use limits::Rates;
pub use middleware::{Observation, Observer};
pub use openapi::document;
pub use origin::{ForwardedBy, Proxies};

/// What the API takes.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The largest body, in bytes.
    pub body_bytes_max: usize,
    /// How long a body may take.
    pub body_timeout: Duration,
    /// How many requests may be under way.
    pub requests_max: usize,
    /// How many notifications of gateways may be under way besides.
    pub hooks_max: usize,
    /// The largest amount of one payment, in minor units.
    pub amount_minor_max: i64,
    /// How long a merchant may let a payment wait for its buyer.
    pub lifetime_seconds_max: u64,
    /// How often somebody may come.
    pub rates: Rates,
    /// Who is believed about where requests come from.
    pub proxies: Proxies,
    /// What this copy of the service does, for who asks how it is.
    pub roles: Vec<&'static str>,
    /// How often a stream on which nothing happens shows that it lives.
    pub stream_heartbeat: Duration,
    /// The pages that may call from a browser, by their origin.
    pub cors_origins: Vec<HeaderValue>,
}

/// What handlers receive.
pub struct Api {
    app: Arc<App>,
    settings: Settings,
    observer: Arc<dyn Observer>,
    limiter: Arc<dyn RateLimiter>,
    drain: CancellationToken,
    admitted: Semaphore,
    hooked: Semaphore,
    standing: health::Standing,
}

impl Api {
    /// The API over `app`; once `drain` is cancelled it says that it is not ready.
    #[must_use]
    pub fn new(
        app: Arc<App>,
        settings: Settings,
        observer: Arc<dyn Observer>,
        limiter: Arc<dyn RateLimiter>,
        drain: CancellationToken,
    ) -> Arc<Self> {
        let admitted = Semaphore::new(settings.requests_max);
        let hooked = Semaphore::new(settings.hooks_max);
        Arc::new(Self {
            app,
            settings,
            observer,
            limiter,
            drain,
            admitted,
            hooked,
            standing: health::Standing::default(),
        })
    }
}
