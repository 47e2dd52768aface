//! Owns telling a sink of the feed from the reader's cursor on, which moves under the fence when
//! the sink has taken what is before it: who does so, from where, and what comes after a failure.

use std::sync::Arc;
use std::time::Duration;

use domain::change;
use domain::feed::{Change, Cursor, Reader};
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::warn;

use super::lease::{Lost, Post};
use super::window::Window;
use super::{Bench, after};
use crate::ports::Sink;
use crate::ports::sink::Begin;
use crate::ports::store::{self, CommitError};

/// The first pause after something was unavailable; each next one is twice as long.
const PAUSE: Duration = Duration::from_millis(100);

/// Tells one sink. A clone of it is the same one, for a task.
#[derive(Clone)]
pub struct Readership {
    pub(super) bench: Bench,
    pub(super) sink: Arc<dyn Sink>,
    pub(super) reader: Reader,
}

/// Where the reader is, as far as it knows.
pub(super) struct Reading<'b> {
    pub(super) post: Post<'b>,
    pub(super) cursor: Cursor,
    /// What was read behind the cursor.
    pub(super) window: Window,
    /// Whether anything may be parked.
    pub(super) has_parked: bool,
    /// When it is looked whether something that is parked is to be tried again.
    pub(super) replays_at: Instant,
    /// Whether it was asked for once what others have parked.
    has_asked: bool,
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
                window: Window::default(),
                has_parked: true,
                replays_at: Instant::now(),
                has_asked: false,
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
            let before = reading.cursor;
            let told = async {
                if !placed {
                    self.take_place(reading).await?;
                    placed = true;
                }
                if !reading.has_asked {
                    reading.post.during(self.ask_for_all()).await??;
                    reading.has_asked = true;
                }
                self.flow(reading, given).await
            };
            match told.await {
                Ok(()) => {}
                Err(Stop::Lost) => return Err(Lost),
                Err(why) => {
                    warn!(reader = %self.reader, %why, "nobody is told for a while");
                    reading.window.drop_effects();
                    // Somebody else may have moved the cursor, or a commit of ours may be in.
                    placed = placed && !matches!(why, Stop::Uncommitted(_));
                    if reading.cursor != before {
                        pause = PAUSE;
                    }
                    let rest = self.bench.rest_until(after(self.jittered(pause)));
                    reading.post.during(rest).await?;
                    pause = pause.saturating_mul(2).min(self.bench.pace.pause_max);
                }
            }
        }
        Ok(())
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

    /// Finds out where the reader is; what was read and is still to be done stays.
    async fn take_place(&self, reading: &mut Reading<'_>) -> Result<(), Stop> {
        let at = self.place(&mut reading.post).await?;
        if at.epoch == reading.cursor.epoch {
            reading.window.move_to(at.position);
        } else {
            reading.window = Window::default();
        }
        reading.cursor = at;
        Ok(())
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

    /// Commits under the fence.
    pub(super) async fn commit(
        &self,
        post: &mut Post<'_>,
        mut changes: Vec<change::Change>,
    ) -> Result<(), Stop> {
        changes.push(self.sign_of(post));
        match self.bench.store.commit(&changes).await {
            Ok(()) => {
                post.gave_sign();
                Ok(())
            }
            Err(error) => Err(uncommitted(post, error).await?),
        }
    }

    /// What every commit carries: it is refused where the job is somebody else's.
    pub(super) fn sign_of(&self, post: &Post<'_>) -> change::Change {
        feed(Change::KeepLease {
            tenure: post.tenure.clone(),
            lease: self.bench.pace.lease,
        })
    }
}

/// Why it does not go on after a commit that is not known to be in.
pub(super) async fn uncommitted(post: &mut Post<'_>, error: CommitError) -> Result<Stop, Lost> {
    match error {
        CommitError::Store(error) => Ok(error.into()),
        CommitError::InDoubt => Ok(Stop::Uncommitted(error)),
        CommitError::Conflict => {
            post.is_ours().await?;
            Ok(Stop::Uncommitted(error))
        }
    }
}

/// A write about the feed, as the store takes it.
pub(super) fn feed(change: Change) -> change::Change {
    change::Change::Feed(Box::new(change))
}
