//! Owns outgoing webhooks: where merchants want their events, the deliveries that the feed makes of
//! them, and bringing those to receivers that may be slow, away or hostile.
//!
//! What is to be delivered is written by a reader of the feed, in the commit that moves its cursor:
//! exactly once. What is delivered is at least once, and named so that a receiver knows it again.

mod attempt;
mod dispatch;
mod endpoints;
mod fan_out;
mod health;
mod lanes;
mod message;
mod redeliver;
mod rotate;
mod secrets;

use std::sync::Arc;
use std::time::Duration;

use domain::webhook::Ladder;

pub use dispatch::Dispatcher;
pub use endpoints::{Edit, EndpointError, Office, Seen, Shown};
pub use fan_out::{FanOut, READER};
pub use message::{BODY_BYTES_MAX, body};
pub use redeliver::{Range, Redelivered};

use crate::App;
use crate::ports::{Clock, Courier, Ids, Store, Vault};

/// How deliveries are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// When they are tried again.
    pub ladder: Ladder,
    /// An endpoint that took nothing for so long is not told any more.
    pub dead_after: Duration,
    /// How long a delivery is held without a sign of life; more than a try takes.
    pub lease: Duration,
    /// How often deliveries are looked for that other processes made, or that are due again.
    pub poll: Duration,
    /// How many tries are made at once: to one endpoint, to one merchant, at all.
    pub at_once: AtOnce,
    /// How many endpoints a merchant may have in a mode.
    pub endpoints_max: u32,
    /// How long deliveries are kept after they ended.
    pub kept: Duration,
}

/// How many tries are made at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AtOnce {
    /// To one endpoint.
    pub of_endpoint: usize,
    /// To all endpoints of one merchant.
    pub of_merchant: usize,
    /// At all.
    pub of_all: usize,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            ladder: Ladder {
                first: Duration::from_secs(10),
                cap: Duration::from_hours(8),
                span: Duration::from_hours(72),
            },
            dead_after: Duration::from_hours(60),
            lease: Duration::from_mins(1),
            poll: Duration::from_millis(500),
            at_once: AtOnce {
                of_endpoint: 32,
                of_merchant: 128,
                of_all: 1_024,
            },
            endpoints_max: 20,
            kept: Duration::from_hours(30 * 24),
        }
    }
}

/// What webhooks take besides what every use case has.
#[derive(Clone)]
pub struct Post {
    /// Who brings messages.
    pub courier: Arc<dyn Courier>,
    /// What endpoints' secrets are sealed with.
    pub vault: Arc<dyn Vault>,
    /// The real time: receivers compare it with theirs. Never a sandbox's.
    pub clock: Arc<dyn Clock>,
    /// How.
    pub terms: Terms,
}

impl App {
    /// What merchants do about their endpoints.
    #[must_use]
    pub fn webhooks(&self) -> Office<'_> {
        let post = &self.parts.post;
        Office {
            store: self.parts.store.as_ref(),
            vault: post.vault.as_ref(),
            courier: post.courier.as_ref(),
            clock: post.clock.as_ref(),
            ids: self.parts.ids.as_ref(),
            endpoints_max: post.terms.endpoints_max,
        }
    }

    /// Makes deliveries of events, and brings them, until the process is to end.
    pub async fn deliver_continuously(self: Arc<Self>) {
        let fan_out = FanOut::new(
            Arc::<dyn Store>::clone(&self.parts.store),
            Arc::clone(&self.parts.post.clock),
        );
        let dispatcher = Dispatcher::new(dispatch::Desk {
            store: Arc::clone(&self.parts.store),
            post: self.parts.post.clone(),
            ids: Arc::<dyn Ids>::clone(&self.parts.ids),
            bell: Arc::clone(&self.parts.bell),
            worker: self.runner.hold().holder,
            tasks: self.runner.tasks.clone(),
            drain: self.runner.drain.clone(),
        });
        let told = Arc::clone(&self).tell_continuously(Arc::new(fan_out));
        tokio::join!(told, dispatcher.run());
    }
}
