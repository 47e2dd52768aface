//! Owns upkeep: the alarm about sagas that stay open too long, the end of old idempotency keys and
//! step-up challenges, and the notes of when API keys were used.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use domain::Timestamp;
use domain::saga::Saga;
use tokio::time::sleep;
use tracing::{debug, error, warn};

use crate::App;
use crate::ports::store::{self, SagaAfter};

/// For how long a member can come back from the gateway's window; far longer than anybody stays.
const REGISTRATION_KEPT: Duration = Duration::from_hours(7 * 24);

/// How far the upkeep of this process has come.
#[derive(Debug, Default)]
pub struct Upkeep {
    /// The last saga that was reported: each is, once. A new process reports what it finds.
    reported: Option<SagaAfter>,
    /// The keys first used before this are swept, and need not be looked through again; what kept
    /// one of them, the next process asks anew.
    swept_before: Timestamp,
}

/// Sagas created then or before, and open at `now`, are stuck.
#[must_use]
pub fn stuck_since(now: Timestamp, stuck_after: Duration) -> Timestamp {
    earlier(now, stuck_after)
}

impl App {
    /// Reports and sweeps until the process is to end.
    pub async fn keep_up_continuously(self: Arc<Self>) {
        let mut upkeep = Upkeep::default();
        while !self.runner.drain.is_cancelled() {
            let reported = self.report_stuck(&mut upkeep).await;
            let swept = self.sweep_keys(&mut upkeep).await;
            let forgotten = self.sweep_challenges().await;
            let delivered = self.sweep_deliveries().await;
            let told = self.sweep_inbox().await;
            let opened = self.sweep_registrations().await;
            let charged = self.tell_cycles().await;
            let mut more = false;
            for (duty, pass) in [
                ("alarm", reported),
                ("key sweep", swept),
                ("challenge sweep", forgotten),
                ("delivery sweep", delivered),
                ("inbox sweep", told),
                ("registration sweep", opened),
                ("cycles not told", charged),
            ] {
                match pass {
                    Ok(rows) => more |= self.is_full(rows),
                    Err(error) => warn!(%error, duty, "upkeep failed"),
                }
            }
            self.rest_unless(more).await;
        }
    }

    /// Notes when the API keys were used that came to this process, until it is to end.
    pub async fn note_uses_continuously(self: Arc<Self>) {
        while !self.runner.drain.is_cancelled() {
            let more = match self.note_uses().await {
                Ok(rows) => self.is_full(rows),
                Err(error) => {
                    warn!(%error, "uses of API keys are not noted");
                    false
                }
            };
            self.rest_unless(more).await;
        }
    }

    /// Waits for the next pass; not where there is more to do right now.
    async fn rest_unless(&self, more: bool) {
        if more {
            return;
        }
        tokio::select! {
            () = sleep(self.parts.timings.upkeep_every) => {}
            () = self.runner.drain.cancelled() => {}
        }
    }

    /// One pass: logs the sagas that have become stuck, a line each; how many.
    ///
    /// # Errors
    /// The store is away.
    pub async fn report_stuck(&self, upkeep: &mut Upkeep) -> Result<u64, store::Error> {
        let now = self.parts.clock.now();
        let since = stuck_since(now, self.parts.timings.stuck_after);
        let limit = self.parts.bounds.pass_rows;
        let store = &self.parts.store;
        let stuck = store.stuck_sagas(since, upkeep.reported, limit).await?;
        for saga in &stuck {
            report(saga, now);
            upkeep.reported = Some(SagaAfter {
                created_at: saga.head.created_at,
                id: saga.head.id,
            });
        }
        Ok(u64::try_from(stuck.len()).unwrap_or(u64::MAX))
    }

    /// One pass: forgets idempotency keys past their time; how many.
    ///
    /// # Errors
    /// The store is away.
    pub async fn sweep_keys(&self, upkeep: &mut Upkeep) -> Result<u64, store::Error> {
        let before = earlier(self.parts.clock.now(), self.parts.timings.key_lifetime);
        let first_used = upkeep.swept_before..before;
        let limit = self.parts.bounds.pass_rows;
        let swept = self.parts.store.sweep_keys(first_used, limit).await?;
        if !self.is_full(swept) {
            upkeep.swept_before = before;
        }
        if swept > 0 {
            debug!(keys = swept, "idempotency keys forgotten");
        }
        Ok(swept)
    }

    /// One pass: forgets deliveries of webhooks past their time; how many.
    ///
    /// # Errors
    /// The store is away.
    pub async fn sweep_deliveries(&self) -> Result<u64, store::Error> {
        let post = &self.parts.post;
        let before = earlier(post.clock.now(), post.terms.kept);
        let limit = self.parts.bounds.pass_rows;
        self.parts.store.sweep_deliveries(before, limit).await
    }

    /// One pass: forgets notifications and settled hints past their time; how many.
    ///
    /// # Errors
    /// The store is away.
    pub async fn sweep_inbox(&self) -> Result<u64, store::Error> {
        let kept = self.parts.intake.terms.kept;
        let before = earlier(self.parts.post.clock.now(), kept);
        let limit = self.parts.bounds.pass_rows;
        self.parts.store.inbox().sweep_inbox(before, limit).await
    }

    /// One pass: forgets registrations that no card came of; how many.
    ///
    /// # Errors
    /// The store is away.
    pub async fn sweep_registrations(&self) -> Result<u64, store::Error> {
        let opened = earlier(self.parts.clock.now(), REGISTRATION_KEPT);
        let limit = self.parts.bounds.pass_rows;
        let dues = self.parts.store.dues();
        dues.sweep_registrations(opened, limit).await
    }

    /// Whether a pass took all it may, so that there may be more.
    fn is_full(&self, rows: u64) -> bool {
        rows >= u64::from(self.parts.bounds.pass_rows)
    }
}

fn report(saga: &Saga, now: Timestamp) {
    let head = &saga.head;
    let age = now.signed_duration_since(head.created_at);
    error!(
        saga = %head.id,
        payment = %head.payment,
        kind = %head.kind(),
        phase = saga.progress.phase.as_str(),
        age_seconds = age.num_seconds(),
        n = saga.progress.n,
        trace_id = %head.trace.id(),
        "saga stuck: its outcome is still not known"
    );
}

/// `pause` before `now`; the beginning of our time when there is none.
pub(crate) fn earlier(now: Timestamp, pause: Duration) -> Timestamp {
    TimeDelta::from_std(pause)
        .ok()
        .and_then(|pause| now.checked_sub_signed(pause))
        .unwrap_or(DateTime::UNIX_EPOCH)
}
