//! Owns the ticks by which due cycles are taken, in any number of copies, and the pace at which
//! each merchant's are charged: no merchant's backlog keeps another's waiting.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::change::Hold;
use domain::id::MerchantId;
use domain::subscription::Cycle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use tracing::warn;

use super::cycle::Turn;
use crate::App;
use crate::crash::crash_point;
use crate::cycles::{CyclePass, Cycles};
use crate::ports::store;

/// How many pages one tick takes: what is left is the next tick's.
const PAGES_MAX: u32 = 10;

/// How fast one merchant's cycles are charged by one process; settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChargePace {
    /// How many of its charges are called for at once.
    pub at_once: usize,
    /// How many are begun in a second; at least one.
    pub per_second: u32,
}

impl Default for ChargePace {
    fn default() -> Self {
        Self {
            at_once: 16,
            per_second: 20,
        }
    }
}

/// Who waits for which place.
#[derive(Default)]
pub(crate) struct Lanes(Mutex<HashMap<MerchantId, Arc<Lane>>>);

/// One merchant's way to the gateway.
struct Lane {
    places: Arc<Semaphore>,
    /// When the next charge may begin.
    next: Mutex<Option<Instant>>,
}

impl Lanes {
    /// The merchant's lane; those that nobody waits in are forgotten.
    fn of(&self, merchant: MerchantId, pace: ChargePace) -> Arc<Lane> {
        let mut lanes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lane = lanes.entry(merchant).or_insert_with(|| {
            Arc::new(Lane {
                places: Arc::new(Semaphore::new(pace.at_once)),
                next: Mutex::default(),
            })
        });
        Arc::clone(lane)
    }

    /// The merchants of whom no further cycle would begin until then: theirs are not taken, so that
    /// they take nobody's place, and are left to copies that have room.
    fn full(&self, until: Instant) -> Vec<MerchantId> {
        let lanes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let full = lanes.iter().filter(|(_, lane)| lane.is_full(until));
        full.map(|(merchant, _)| *merchant).collect()
    }

    /// Forgets the lanes whose next charge may begin at once and that have all their places.
    fn forget(&self, pace: ChargePace) {
        let mut lanes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        lanes.retain(|_, lane| {
            let next = lane.next.lock().unwrap_or_else(PoisonError::into_inner);
            let is_free = lane.places.available_permits() >= pace.at_once;
            !is_free || next.is_some_and(|next| next > now)
        });
    }
}

impl Lane {
    fn is_full(&self, until: Instant) -> bool {
        let next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        next.is_some_and(|next| next >= until)
    }

    /// When this charge may begin; `None` where that is too late.
    fn slot(&self, pace: ChargePace, until: Instant) -> Option<Instant> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let at = next.map_or(now, |next| next.max(now));
        if at >= until {
            return None;
        }
        let gap = Duration::from_secs(1).checked_div(pace.per_second.max(1));
        *next = at.checked_add(gap.unwrap_or_default());
        Some(at)
    }

    async fn place(&self, at: Instant, until: Instant) -> Option<OwnedSemaphorePermit> {
        sleep_until(at).await;
        let place = Arc::clone(&self.places).acquire_owned();
        timeout_at(until, place).await.ok()?.ok()
    }
}

impl App {
    /// Takes due cycles until the process is to end; begins at once, for what came due while
    /// nobody was there.
    pub async fn bill_continuously(self: Arc<Self>) {
        while !self.runner.drain.is_cancelled() {
            for _ in 0..PAGES_MAX {
                match self.bill().await {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) => {
                        warn!(%error, "due cycles not taken");
                        break;
                    }
                }
            }
            self.lanes.forget(self.parts.bounds.charge_pace);
            tokio::select! {
                () = sleep(self.parts.timings.cycles_every) => {}
                () = self.runner.drain.cancelled() => {}
            }
        }
    }

    /// Takes one page of due cycles and gives each a task of its own; whether there may be more.
    ///
    /// A cycle whose merchant cannot be charged for within half the lease is left: it is held
    /// until the lease is over, so that the next page reaches those behind it.
    ///
    /// # Errors
    /// The store is away.
    pub async fn bill(self: &Arc<Self>) -> Result<bool, store::Error> {
        let limit = self.parts.bounds.pass_rows;
        let hold = Hold {
            holder: self.runner.hold().holder,
            lease: self.parts.timings.cycle_lease,
        };
        let now = self.parts.clock.now();
        let half = hold.lease.checked_div(2).unwrap_or_default();
        let Some(until) = Instant::now().checked_add(half) else {
            return Ok(false);
        };
        let full = self.lanes.full(until);
        let store = &self.parts.store;
        let taken = store.claim_cycles(now, hold, &full, limit).await?;
        crash_point!("cycle.after_claim");
        let more = u32::try_from(taken.len()).is_ok_and(|taken| taken >= limit);
        let pace = self.parts.bounds.charge_pace;
        for cycle in taken {
            let lane = self.lanes.of(cycle.scope.merchant, pace);
            let Some(at) = lane.slot(pace, until) else {
                continue;
            };
            let app = Arc::clone(self);
            self.runner.tasks.spawn(async move {
                let granted = tokio::select! {
                    granted = lane.place(at, until) => granted,
                    () = app.runner.drain.cancelled() => None,
                };
                if let Some(granted) = granted {
                    app.bill_one(cycle, granted).await;
                }
            });
        }
        Ok(more)
    }

    async fn bill_one(self: Arc<Self>, cycle: Cycle, place: OwnedSemaphorePermit) {
        let (store, clock) = (Arc::clone(&self.parts.store), Arc::clone(&self.parts.clock));
        let turn = Turn {
            app: self,
            place: Mutex::new(Some(place)),
        };
        let cycles = Cycles {
            store: store.as_ref(),
            clock: clock.as_ref(),
        };
        let mut pass = CyclePass::default();
        if let Err(error) = cycles.deal(cycle, &turn, &mut pass).await {
            warn!(%error, "a due cycle is not dealt with; it is taken again");
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::id::RawId;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_merchant_at_its_pace_is_full_until_its_next_charge_may_begin() {
        let pace = ChargePace {
            at_once: 1,
            per_second: 2,
        };
        let (lanes, merchant) = (Lanes::default(), MerchantId::new(RawId::from_parts(1, 1)));
        let until = |seconds| Instant::now().checked_add(Duration::from_secs(seconds));
        let soon = until(2).expect("a moment");
        let lane = lanes.of(merchant, pace);
        assert!(lanes.full(soon).is_empty());
        let begun = (0..9).filter_map(|_| lane.slot(pace, soon)).count();
        assert_eq!(begun, 4, "two seconds of two each");
        assert_eq!(lanes.full(soon), [merchant]);
        sleep(Duration::from_secs(1)).await;
        assert!(lanes.full(until(2).expect("a moment")).is_empty());
    }
}
