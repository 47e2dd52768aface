//! Owns recovery: the same runner picks up sagas that are due and held by nobody. It is a query
//! over states, never a queue that may have lost a task.

use std::sync::Arc;
use std::time::Duration;

use domain::Timestamp;
use domain::change::Change;
use domain::saga::Saga;
use tokio::time::sleep;
use tracing::{Instrument as _, warn};

use crate::App;
use crate::crash::crash_point;
use crate::patience::Patience;
use crate::ports::store;
use crate::runner::lines_of;

/// What one pass did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pass {
    /// How many sagas it took.
    pub taken: usize,
    /// Whether there may be more right now.
    pub more: bool,
}

impl App {
    /// Recovers until the process is to end; begins at once, for what the last process left.
    pub async fn recover_continuously(self: Arc<Self>) {
        while !self.runner.drain.is_cancelled() {
            if let Err(error) = self.recover_billing_keys().await {
                warn!(%error, "recovery pass over billing keys failed");
            }
            let more = match self.recover().await {
                Ok(pass) => pass.more,
                Err(error) => {
                    warn!(%error, "recovery pass failed");
                    false
                }
            };
            if more {
                continue;
            }
            tokio::select! {
                () = sleep(self.parts.timings.recovery_every) => {}
                () = self.wake.notified() => {}
                () = self.runner.drain.cancelled() => {}
            }
        }
    }

    /// One pass: claims what is due and drives each saga on a task of its own, as far as it goes
    /// without waiting.
    ///
    /// # Errors
    /// The store is away.
    pub async fn recover(self: &Arc<Self>) -> Result<Pass, store::Error> {
        let free = u32::try_from(self.recovered.available_permits()).unwrap_or(u32::MAX);
        let limit = free.min(self.parts.bounds.pass_rows);
        if limit == 0 {
            return Ok(Pass {
                taken: 0,
                more: false,
            });
        }
        let now = self.parts.clock.now();
        let claimed = self
            .parts
            .store
            .claim_sagas(now, self.runner.hold(), limit)
            .await?;
        let taken = claimed.len();
        for saga in claimed {
            crash_point!("recovery.after_claim");
            let Ok(permit) = Arc::clone(&self.recovered).acquire_owned().await else {
                break;
            };
            let app = Arc::clone(self);
            self.runner.tasks.spawn(async move {
                app.go_on(saga, now).await;
                drop(permit);
            });
        }
        Ok(Pass {
            taken,
            more: u32::try_from(taken).is_ok_and(|taken| taken == limit),
        })
    }

    async fn go_on(&self, saga: Saga, now: Timestamp) {
        if let Some(answer) = saga.left_too_long(&self.parts.policy, now) {
            let lines = lines_of(&saga, &saga.head.trace);
            self.runner
                .settle(saga, None, &answer)
                .instrument(lines)
                .await;
            return;
        }
        let patience = Patience::of(Duration::ZERO);
        if let Some(saga) = self.taken_up(saga, now).await {
            self.runner.drive(saga, None, &patience).await;
        }
    }

    /// The saga as it is gone on with. Where nobody can have called yet it is called at once, but
    /// that somebody may have is committed first, as it is with every call.
    async fn taken_up(&self, saga: Saga, now: Timestamp) -> Option<Saga> {
        if !saga.is_left() {
            return Some(saga.resumed(now));
        }
        let expected = saga.version;
        let next = saga.taken_up(now);
        let saga = Box::new(next.clone());
        let change = Change::UpdateSaga { saga, expected };
        match self.parts.store.commit(&[change]).await {
            Ok(()) => Some(next),
            Err(error) => {
                // Written or not: whoever has it next sees which.
                let trace_id = next.head.trace.id();
                warn!(saga = %next.head.id, %trace_id, %error, "not taken up; left to recovery");
                None
            }
        }
    }
}
