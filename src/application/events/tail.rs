//! Owns following the feed as it grows, for those in this process who wait for what comes next. It
//! remembers nothing: who needs every event reads the feed.

use domain::feed::Place;
use domain::id::PaymentId;
use domain::principal::Scope;
use tokio::sync::broadcast;
use tracing::warn;

use super::watchers::{Watcher, Watchers};
use super::{Bench, after};
use crate::ports::store;

/// How many places a slow listener may be behind before it is told that it missed some.
const BEHIND_MAX: usize = 1_024;
/// How much rarer than by a reader the feed is looked at.
const PATIENCE: u32 = 4;

/// The end of the feed.
pub struct Tail {
    places: broadcast::Sender<Place>,
    watchers: Watchers,
}

impl Default for Tail {
    fn default() -> Self {
        Self {
            places: broadcast::Sender::new(BEHIND_MAX),
            watchers: Watchers::default(),
        }
    }
}

impl Tail {
    /// Where events are from now on, whoever committed them. What was missed is not told again:
    /// look after listening, and look again when told of some that were missed.
    #[must_use]
    pub fn listen(&self) -> broadcast::Receiver<Place> {
        self.places.subscribe()
    }

    /// Hears when something happens to a payment from now on, whoever committed it; none where as
    /// many listen to this one as may.
    pub(super) fn watch(&self, scope: Scope, payment: PaymentId) -> Option<Watcher> {
        self.watchers.watch(scope, payment)
    }

    /// Follows the feed until the process is to end.
    pub(super) async fn run(&self, bench: &Bench) {
        let mut given = bench.bell.listen();
        let mut last = None;
        while !bench.drains() {
            given.mark_unchanged();
            match self.follow(bench, last).await {
                Ok(position) => last = Some(position),
                Err(error) => warn!(%error, "the feed is not followed"),
            }
            let pause = bench.pace.poll.saturating_mul(PATIENCE);
            tokio::select! {
                _ = given.changed() => {}
                () = bench.rest_until(after(pause)) => {}
            }
        }
    }

    /// Tells of what is new since `last`; where the feed ends now.
    async fn follow(&self, bench: &Bench, last: Option<i64>) -> Result<i64, store::Error> {
        let head = bench.store.head().await?.position;
        let Some(mut last) = last.filter(|last| *last <= head) else {
            // The first look; or positions were lost, and are given again. What happened meanwhile
            // is not known.
            self.watchers.wake_all();
            return Ok(head);
        };
        while last < head {
            let places = bench.store.places(last, bench.pace.rows).await?;
            let Some(newest) = places.last() else {
                break;
            };
            last = newest.position;
            for place in places {
                self.watchers.wake(&place);
                // Nobody may be listening.
                let _ = self.places.send(place);
            }
        }
        Ok(last)
    }
}
