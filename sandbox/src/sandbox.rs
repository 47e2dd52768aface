//! Owns the running sandbox's parts, shared by every request.

use std::net::SocketAddr;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::auth;
use crate::calls::Calls;
use crate::clock::Clock;
use crate::config::Config;
use crate::faults::Faults;
use crate::operations::Context;
use crate::rates::Rates;
use crate::store::Store;

/// Everything a request may need.
#[derive(Debug)]
pub(crate) struct Sandbox {
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    pub(crate) store: Store,
    pub(crate) faults: Faults,
    pub(crate) calls: Calls,
    pub(crate) rates: Rates,
    /// Requests in progress: they finish although their client may leave.
    pub(crate) tasks: TaskTracker,
    pub(crate) stop: CancellationToken,
    /// Where browsers reach this sandbox, without a slash at the end.
    pub(crate) base: String,
    /// Stands for the secret key in the scope of idempotency keys.
    pub(crate) api_key: String,
}

impl Sandbox {
    pub(crate) fn new(
        config: Config,
        address: SocketAddr,
        (clock, store): (Clock, Store),
        (tasks, stop): (TaskTracker, CancellationToken),
    ) -> Self {
        Self {
            api_key: auth::fingerprint(&config.secret_key),
            base: Self::base(address),
            faults: Faults::default(),
            calls: Calls::default(),
            rates: Rates::default(),
            config,
            clock,
            store,
            tasks,
            stop,
        }
    }

    /// Where browsers reach a sandbox that listens there.
    pub(crate) fn base(address: SocketAddr) -> String {
        format!("http://{address}")
    }

    pub(crate) fn context<'a>(&'a self, idempotency_key: Option<&'a str>) -> Context<'a> {
        Context {
            merchant_id: &self.config.merchant_id,
            settings: &self.config.settings,
            idempotency_key,
        }
    }

    /// Waits; false when the sandbox stops before the time is over.
    pub(crate) async fn pause(&self, duration: Duration) -> bool {
        if duration.is_zero() {
            return true;
        }
        tokio::select! {
            () = tokio::time::sleep(duration) => true,
            () = self.stop.cancelled() => false,
        }
    }
}
