//! Owns telling a sink of the feed: batch by batch from the reader's cursor, which moves under the
//! fence when the sink has taken what is before it.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

use domain::change;
use domain::feed::{Change, Cursor, Parked, Place, Reader};
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::{error, warn};

use super::batch::{Batch, FOLLOWS, Verdict};
use super::lease::{Lost, Post};
use super::{Bench, after};
use crate::ports::Sink;
use crate::ports::sink::Begin;
use crate::ports::store::{self, CommitError};

/// The first pause after something was unavailable; each next one is twice as long.
const PAUSE: Duration = Duration::from_millis(100);
/// How often it is looked whether something that is parked is to be tried again.
const REPLAYS_EVERY: Duration = Duration::from_secs(1);

/// Tells one sink.
pub struct Readership {
    pub(super) bench: Bench,
    pub(super) sink: Arc<dyn Sink>,
    pub(super) reader: Reader,
}

/// Where the reader is, as far as it knows.
pub(super) struct Reading<'b> {
    pub(super) post: Post<'b>,
    cursor: Cursor,
    /// What the sink has taken behind the cursor.
    ahead: BTreeSet<Place>,
    /// Whether anything may be parked.
    pub(super) has_parked: bool,
    replays_at: Instant,
}

/// Why the reader does not go on at once.
#[derive(Debug, thiserror::Error)]
pub(super) enum Stop {
    /// Somebody else reads now.
    #[error("somebody else reads now")]
    Lost,
    /// The sink cannot take what is next.
    #[error("the sink is away: {0}")]
    Away(String),
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// What was committed is not known, or not as expected: it is read again.
    #[error("the commit did not go through: {0}")]
    Uncommitted(CommitError),
}

impl From<Lost> for Stop {
    fn from(Lost: Lost) -> Self {
        Self::Lost
    }
}

impl Readership {
    /// One for this process; of all processes one at a time tells this sink.
    #[must_use]
    pub fn new(bench: Bench, sink: Arc<dyn Sink>) -> Self {
        let reader = sink.reader();
        Self {
            bench,
            sink,
            reader,
        }
    }

    /// Tells the sink whenever nobody else does, until the process is to end.
    pub async fn run(&self) {
        let mut given = self.bench.bell.listen();
        while let Some(post) = self.bench.take(self.reader.job()).await {
            let mut reading = Reading {
                post,
                cursor: Cursor::default(),
                ahead: BTreeSet::new(),
                has_parked: true,
                replays_at: Instant::now(),
            };
            if self.read(&mut reading, &mut given).await.is_ok() {
                reading.post.give_up().await;
            }
        }
    }

    /// Until the process is to end, or somebody else reads.
    async fn read(
        &self,
        reading: &mut Reading<'_>,
        given: &mut watch::Receiver<u64>,
    ) -> Result<(), Lost> {
        let mut pause = PAUSE;
        let mut placed = false;
        while !self.bench.drains() {
            given.mark_unchanged();
            let round = async {
                if !placed {
                    reading.cursor = self.place(&mut reading.post).await?;
                }
                self.round(reading).await
            };
            match round.await {
                Ok(more) => {
                    (placed, pause) = (true, PAUSE);
                    if !more {
                        reading.post.keep().await?;
                        self.wait(given).await;
                    }
                }
                Err(Stop::Lost) => return Err(Lost),
                Err(why) => {
                    warn!(reader = %self.reader, %why, "nobody is told for a while");
                    // Somebody else may have moved the cursor, or a commit of ours may be in.
                    placed = placed && !matches!(why, Stop::Uncommitted(_));
                    let rest = self.bench.rest_until(after(self.jittered(pause)));
                    reading.post.during(rest).await?;
                    pause = pause.saturating_mul(2).min(self.bench.pace.pause_max);
                }
            }
        }
        Ok(())
    }

    async fn wait(&self, given: &mut watch::Receiver<u64>) {
        tokio::select! {
            _ = given.changed() => {}
            () = self.bench.rest_until(after(self.bench.pace.poll)) => {}
        }
    }

    /// Somewhere up to `pause`: readers that met the same outage do not come back together.
    fn jittered(&self, pause: Duration) -> Duration {
        let drawn = self.bench.ids.draw();
        let chance = drawn.as_str().bytes().rev().take(4);
        let chance = chance.fold(0_u32, |sum, byte| {
            sum.wrapping_mul(31).wrapping_add(byte.into())
        });
        let share = chance % 1_000;
        pause
            .saturating_mul(share)
            .checked_div(1_000)
            .unwrap_or(pause)
    }

    /// Where the reader is; its first time begins where the sink wants it to. A cursor of another
    /// epoch goes on at its position: it was restored together with the feed.
    async fn place(&self, post: &mut Post<'_>) -> Result<Cursor, Stop> {
        let store = &self.bench.store;
        let head = store.head().await?;
        let (change, at) = match store.cursor(&self.reader).await? {
            Some(known) if known.epoch == head.epoch => return Ok(known),
            Some(known) => {
                let to = Cursor {
                    epoch: head.epoch,
                    position: known.position.min(head.position),
                };
                let reader = self.reader.clone();
                let from = known;
                (Change::MoveCursor { reader, from, to }, to)
            }
            None => {
                let position = match self.sink.begin() {
                    Begin::Start => 0,
                    Begin::Now => head.position,
                };
                let at = Cursor {
                    position,
                    epoch: head.epoch,
                };
                let reader = self.reader.clone();
                (Change::StartCursor { reader, at }, at)
            }
        };
        self.commit(post, vec![feed(change)]).await?;
        Ok(at)
    }

    /// Tells one batch; whether there may be more right now.
    async fn round(&self, reading: &mut Reading<'_>) -> Result<bool, Stop> {
        if reading.has_parked && Instant::now() >= reading.replays_at {
            reading.replays_at = after(REPLAYS_EVERY);
            self.replay(reading).await?;
        }
        let (store, rows) = (&self.bench.store, self.bench.pace.rows);
        let lines = store.lines(reading.cursor.position, rows).await?;
        if lines.is_empty() {
            return Ok(false);
        }
        let full = u32::try_from(lines.len()).is_ok_and(|count| count >= rows);
        let mut parked = HashSet::new();
        if reading.has_parked {
            let payments: Vec<_> = lines.iter().map(|line| line.place.payment).collect();
            parked.extend(store.parked_among(&self.reader, &payments).await?);
        }
        let batch = Batch::new(lines, &parked, &reading.ahead);
        let fates = if batch.to_tell().is_empty() {
            Vec::new()
        } else {
            let told = self.sink.deliver(batch.to_tell());
            reading.post.during(told).await?
        };
        let mut verdict = batch.judge(fates);
        // Until the cursor is past it, what was taken is known to this process alone.
        reading.ahead.append(&mut verdict.taken);
        self.settle(reading, verdict).await?;
        Ok(full)
    }

    /// Commits what a batch came to.
    async fn settle(&self, reading: &mut Reading<'_>, verdict: Verdict) -> Result<(), Stop> {
        if let Some(position) = verdict.done {
            let from = reading.cursor;
            let to = Cursor { position, ..from };
            let reader = self.reader.clone();
            let mut changes = vec![feed(Change::MoveCursor { reader, from, to })];
            changes.extend(verdict.effects);
            for (place, why) in verdict.parks {
                reading.has_parked = true;
                if why != FOLLOWS {
                    error!(reader = %self.reader, payment = %place.payment, %why, "parked");
                }
                changes.push(feed(Change::Park(self.parked(place, why))));
            }
            self.commit(&mut reading.post, changes).await?;
            reading.cursor = to;
            reading.ahead.retain(|taken| taken.position > position);
        }
        verdict
            .unavailable
            .map_or(Ok(()), |why| Err(Stop::Away(why)))
    }

    fn parked(&self, place: Place, reason: String) -> Parked {
        Parked {
            reader: self.reader.clone(),
            payment: place.payment,
            sequence: place.sequence,
            position: place.position,
            reason,
            parked_at: self.bench.clock.now(),
            asked: false,
        }
    }

    /// Commits under the fence.
    pub(super) async fn commit(
        &self,
        post: &mut Post<'_>,
        mut changes: Vec<change::Change>,
    ) -> Result<(), Stop> {
        changes.push(feed(Change::KeepLease {
            tenure: post.tenure.clone(),
            lease: self.bench.pace.lease,
        }));
        match self.bench.store.commit(&changes).await {
            Ok(()) => {
                post.gave_sign();
                Ok(())
            }
            Err(CommitError::Store(error)) => Err(error.into()),
            Err(error @ CommitError::InDoubt) => Err(Stop::Uncommitted(error)),
            Err(error @ CommitError::Conflict) => {
                post.is_ours().await?;
                Err(Stop::Uncommitted(error))
            }
        }
    }
}

/// A write about the feed, as the store takes it.
pub(super) fn feed(change: Change) -> change::Change {
    change::Change::Feed(Box::new(change))
}
