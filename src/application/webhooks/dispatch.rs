//! Owns finding what is due and having it tried: endpoint by endpoint in turn, as many at once as
//! there are places.

use std::sync::Arc;
use std::time::Duration;

use domain::change::Hold;
use domain::id::{EndpointId, WorkerId};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::warn;

use super::Post;
use super::lanes::Lanes;
use crate::events::Bell;
use crate::ports::{Ids, Store, store};

/// How many endpoints are looked at before those that answered are given the next ones.
const ENDPOINTS_AT_ONCE: u32 = 64;
/// At least so long between two looks: a claim costs a transaction, and many deliveries share it.
const GATHER: Duration = Duration::from_millis(10);
/// How long to wait after the store did not answer.
const AWAY: Duration = Duration::from_secs(1);

/// What tries are made with.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) store: Arc<dyn Store>,
    pub(super) post: Post,
    pub(super) ids: Arc<dyn Ids>,
    pub(super) bell: Arc<Bell>,
    pub(super) worker: WorkerId,
    pub(super) tasks: TaskTracker,
    pub(super) drain: CancellationToken,
}

/// Has due deliveries tried. Every process has one; no delivery is in two hands at once.
pub struct Dispatcher {
    desk: Arc<Desk>,
    lanes: Arc<Lanes>,
    hold: Hold,
}

impl Dispatcher {
    pub(super) fn new(desk: Desk) -> Self {
        let terms = &desk.post.terms;
        Self {
            lanes: Arc::new(Lanes::new(terms.at_once)),
            hold: Hold {
                holder: desk.worker,
                lease: terms.lease,
            },
            desk: Arc::new(desk),
        }
    }

    /// Until the process is to end. Tries that are under way then are finished.
    pub async fn run(&self) {
        let (desk, poll) = (&self.desk, self.desk.post.terms.poll);
        let mut after = None;
        while !desk.drain.is_cancelled() {
            let pause = match self.round(after).await {
                Ok(next) => {
                    after = next;
                    if next.is_some() {
                        continue;
                    }
                    GATHER
                }
                Err(error) => {
                    warn!(%error, "no deliveries are found");
                    AWAY
                }
            };
            tokio::select! {
                () = sleep(pause) => {}
                () = desk.drain.cancelled() => return,
            }
            tokio::select! {
                () = desk.bell.posted() => {}
                () = self.lanes.freed() => {}
                () = sleep(poll) => {}
                () = desk.drain.cancelled() => return,
            }
        }
    }

    /// Has the deliveries of some endpoints tried, as far as there are places; where the next round
    /// goes on.
    async fn round(&self, after: Option<EndpointId>) -> Result<Option<EndpointId>, store::Error> {
        let (store, clock) = (&self.desk.store, &self.desk.post.clock);
        let now = clock.now();
        let endpoints = store.endpoints_due(now, after, ENDPOINTS_AT_ONCE).await?;
        let is_full = u32::try_from(endpoints.len()).is_ok_and(|n| n >= ENDPOINTS_AT_ONCE);
        let last = endpoints.last().map(|endpoint| endpoint.id);
        for endpoint in endpoints {
            let (id, merchant) = (endpoint.id, endpoint.scope.merchant);
            let room = self.lanes.room(id, merchant);
            let Ok(room @ 1..) = u32::try_from(room) else {
                continue;
            };
            let claimed = store.claim_deliveries(&endpoint, now, self.hold, room).await?;
            let endpoint = Arc::new(endpoint);
            for claimed in claimed {
                let seat = self.lanes.take(id, merchant);
                let (desk, lanes) = (Arc::clone(&self.desk), Arc::clone(&self.lanes));
                let endpoint = Arc::clone(&endpoint);
                self.desk.tasks.spawn(async move {
                    desk.attempt(&lanes, endpoint, claimed, seat).await;
                });
            }
        }
        Ok(last.filter(|_| is_full))
    }
}
