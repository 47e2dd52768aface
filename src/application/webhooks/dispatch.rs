//! Owns finding what is due and having it tried: endpoint by endpoint in turn, as many at once as
//! there are places.

use std::sync::Arc;
use std::time::Duration;

use domain::Timestamp;
use domain::change::Hold;
use domain::id::{EndpointId, WorkerId};
use domain::webhook::Endpoint;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument as _, warn};

use super::Post;
use super::attempt::lines_of;
use super::lanes::{Lanes, Room};
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
        let mut from = None;
        while !desk.drain.is_cancelled() {
            let pause = match self.pass(from).await {
                Ok(next) => {
                    from = next;
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

    /// Has the deliveries of every endpoint tried once around, as far as there are places: of those
    /// behind `from`, then of the others. Where the next pass begins: with the first that was
    /// crowded out, so that each comes first some time.
    async fn pass(&self, from: Option<EndpointId>) -> Result<Option<EndpointId>, store::Error> {
        let (store, clock) = (&self.desk.store, &self.desk.post.clock);
        let (mut after, mut before) = (from, from);
        let mut is_second_half = from.is_none();
        let mut next = None;
        let mut is_crowded = false;
        while !self.desk.drain.is_cancelled() {
            let now = clock.now();
            let endpoints = store.endpoints_due(now, after, ENDPOINTS_AT_ONCE).await?;
            let is_full = u32::try_from(endpoints.len()).is_ok_and(|n| n >= ENDPOINTS_AT_ONCE);
            for endpoint in endpoints {
                let id = endpoint.id;
                if is_second_half && from.is_some_and(|from| id > from) {
                    return Ok(next);
                }
                if !self.attend(endpoint, now).await? && !is_crowded {
                    (is_crowded, next) = (true, before);
                }
                (after, before) = (Some(id), Some(id));
            }
            match (is_full, is_second_half) {
                (true, _) => {}
                (false, true) => break,
                (false, false) => (is_second_half, after) = (true, None),
            }
        }
        Ok(next)
    }

    /// Has an endpoint's deliveries tried; whether it was not crowded out.
    async fn attend(&self, endpoint: Endpoint, now: Timestamp) -> Result<bool, store::Error> {
        let (id, merchant) = (endpoint.id, endpoint.scope.merchant);
        let places = match self.lanes.room(id, merchant) {
            Room::Places(places) => u32::try_from(places).unwrap_or(u32::MAX),
            Room::Crowded => return Ok(false),
        };
        if places == 0 {
            return Ok(true);
        }
        let store = &self.desk.store;
        let claimed = store
            .claim_deliveries(&endpoint, now, self.hold, places)
            .await?;
        let endpoint = Arc::new(endpoint);
        for claimed in claimed {
            let seat = self.lanes.take(id, merchant);
            let (desk, lanes) = (Arc::clone(&self.desk), Arc::clone(&self.lanes));
            let endpoint = Arc::clone(&endpoint);
            let span = lines_of(&claimed);
            let attempt = async move { desk.attempt(&lanes, endpoint, claimed, seat).await };
            self.desk.tasks.spawn(attempt.instrument(span));
        }
        Ok(true)
    }
}
