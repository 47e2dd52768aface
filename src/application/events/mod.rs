//! Owns how events leave: a sequencer gives them positions, readers tell sinks of them, and whoever
//! waits for what comes next is woken.
//!
//! Each job is done by one process at a time, whose lease is taken over within seconds when it
//! dies. The lease saves work; what is right is decided by the fence, which every commit carries.

mod bell;
mod epoch;
mod flow;
mod follow;
mod lease;
mod page;
mod payload;
mod reader;
mod replay;
mod seats;
mod sequencer;
mod tail;
mod watchers;
mod window;

use std::sync::Arc;
use std::time::Duration;

use domain::id::WorkerId;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

pub use bell::{Bell, Ring, Rings};
pub use epoch::raise_epoch;
pub use follow::{FollowError, Following};
pub use page::{EventsError, EventsPage};
pub use payload::payload_of;
pub use reader::Readership;
pub use replay::{ReplayError, replay};
pub use seats::Seating;
pub(crate) use seats::Seats;
pub use sequencer::{SEQUENCER, Sequencer};
pub use tail::Tail;

use crate::App;
use crate::ports::store::FeedStore;
use crate::ports::{Bus, Clock, Ids, Sink, Store};
use crate::relay::Relay;

/// How fast the jobs go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How long a job is held without a sign of life; it is given every third of this.
    pub lease: Duration,
    /// How often what others have committed is looked for.
    pub poll: Duration,
    /// The longest pause before a sink that is away is tried again.
    pub pause_max: Duration,
    /// How many events are taken at once.
    pub rows: u32,
}

/// What every job needs.
#[derive(Clone)]
pub struct Bench {
    /// Where the feed is kept.
    pub store: Arc<dyn FeedStore>,
    /// What is parked is dated with it.
    pub clock: Arc<dyn Clock>,
    /// Chance, for pauses that differ.
    pub ids: Arc<dyn Ids>,
    /// Who we are, in leases.
    pub worker: WorkerId,
    /// Who is woken when something happens in this process.
    pub bell: Arc<Bell>,
    /// How fast.
    pub pace: Pace,
    /// Set when the process is to end.
    pub drain: CancellationToken,
}

impl Bench {
    /// Waits until then, or until the process is to end.
    async fn rest_until(&self, until: Instant) {
        tokio::select! {
            () = sleep_until(until) => {}
            () = self.drain.cancelled() => {}
        }
    }

    fn drains(&self) -> bool {
        self.drain.is_cancelled()
    }
}

/// So much later; now where that overflows.
fn after(pause: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(pause).unwrap_or(now)
}

impl App {
    /// What the jobs of this process work with.
    #[must_use]
    pub fn bench(&self) -> Bench {
        let (timings, bounds) = (&self.parts.timings, &self.parts.bounds);
        Bench {
            store: Arc::<dyn Store>::clone(&self.parts.store),
            clock: Arc::clone(&self.parts.clock),
            ids: Arc::clone(&self.parts.ids),
            worker: self.worker(),
            bell: Arc::clone(&self.parts.bell),
            pace: Pace {
                lease: timings.job_lease,
                poll: timings.feed_poll,
                pause_max: timings.sink_pause_max,
                rows: bounds.feed_rows,
            },
            drain: self.runner.drain.clone(),
        }
    }

    /// Gives events their positions until the process is to end.
    pub async fn sequence_continuously(self: Arc<Self>) {
        Sequencer::new(self.bench()).run().await;
    }

    /// Tells `sink` of events until the process is to end.
    pub async fn tell_continuously(self: Arc<Self>, sink: Arc<dyn Sink>) {
        Readership::new(self.bench(), sink).run().await;
    }

    /// Tells `bus` of events until the process is to end.
    pub async fn relay_continuously(self: Arc<Self>, bus: Arc<dyn Bus>) {
        let relay = Relay::new(bus, Arc::<dyn Store>::clone(&self.parts.store));
        self.tell_continuously(Arc::new(relay)).await;
    }

    /// Tells those who wait in this process of what comes next, until it is to end.
    pub async fn tail_continuously(self: Arc<Self>) {
        self.tail.run(&self.bench()).await;
    }
}
