//! Owns giving events their positions, batch by batch, by whoever has the job.

use std::time::Duration;

use domain::lease::Job;
use tokio::time::{Instant, sleep_until};
use tracing::{error, warn};

use super::lease::{Lost, Post};
use super::{Bench, after};
use crate::crash::crash_point;
use crate::ports::store::SequenceError;

/// The job of giving events their positions.
pub static SEQUENCER: Job = Job::named("sequencer");

/// At least so long between two batches that are not full: a batch costs a commit, and many events
/// shall share it.
const GATHER: Duration = Duration::from_millis(20);

/// Gives events their positions.
pub struct Sequencer {
    bench: Bench,
}

impl Sequencer {
    /// One for this process; of all processes one at a time does the job.
    #[must_use]
    pub const fn new(bench: Bench) -> Self {
        Self { bench }
    }

    /// Does the job whenever it is free, until the process is to end.
    pub async fn run(&self) {
        while let Some(mut post) = self.bench.take(&SEQUENCER).await {
            if self.sequence(&mut post).await.is_ok() {
                post.give_up().await;
            }
        }
    }

    /// Does it until the process is to end, or somebody else has it.
    async fn sequence(&self, post: &mut Post<'_>) -> Result<(), Lost> {
        while !self.bench.drains() {
            let next = after(GATHER);
            if self.batch(post).await? {
                continue;
            }
            post.keep().await?;
            sleep_until(next).await;
            tokio::select! {
                () = self.bench.bell.rung() => {}
                () = sleep_until(after(self.bench.pace.poll)) => {}
                () = self.bench.drain.cancelled() => {}
            }
        }
        Ok(())
    }

    /// Moves one batch; whether there may be more right now.
    async fn batch(&self, post: &mut Post<'_>) -> Result<bool, Lost> {
        let pace = &self.bench.pace;
        let begun = Instant::now();
        let moved = self
            .bench
            .store
            .sequence(&post.tenure, pace.lease, pace.rows);
        match moved.await {
            Ok(0) => Ok(false),
            Ok(moved) => {
                crash_point!("sequencer.after_commit");
                post.gave_sign();
                self.bench.bell.ring_readers();
                tracing::debug!(moved, took = ?begun.elapsed(), "positions given");
                Ok(moved >= u64::from(pace.rows))
            }
            Err(SequenceError::Lost) => {
                warn!("another process gives positions now");
                Err(Lost)
            }
            Err(SequenceError::Store(error)) => {
                error!(%error, "no positions given; trying again");
                Ok(false)
            }
        }
    }
}
