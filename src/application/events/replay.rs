//! Owns trying parked events again: somebody asks, and the reader tells them in their order, before
//! anything later of their subject.

use std::collections::{BTreeSet, HashSet};

use domain::change;
use domain::feed::{Change, ParkedKey, Reader, Subject};
use tracing::info;

use super::reader::{Readership, Reading, Stop, feed};
use super::window::Window;
use crate::ports::store::{self, CommitError, FeedStore, Line};

/// How many subjects are tried again in one round; between rounds the others are told.
const SUBJECTS_MAX: u32 = 20;

/// Why nothing will be tried again.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The reader has parked nothing of this subject, or no longer.
    #[error("nothing of it is parked")]
    NotParked,
    /// The store did not answer, or not certainly.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// It may have been noted.
    #[error("whether it will be tried again is not known")]
    InDoubt,
}

/// Asks a reader to try a subject's parked events again, from the first one on. Whoever reads does
/// so within seconds.
///
/// # Errors
/// See [`ReplayError`].
pub async fn replay(
    store: &dyn FeedStore,
    reader: &Reader,
    subject: Subject,
) -> Result<(), ReplayError> {
    let parked = store.parked_lines(reader, subject, 1).await?;
    let first = parked.first().ok_or(ReplayError::NotParked)?;
    let key = ParkedKey {
        reader: reader.clone(),
        subject,
        sequence: first.place.sequence,
    };
    match store.commit(&[feed(Change::AskReplay(key))]).await {
        Ok(()) => Ok(()),
        Err(CommitError::Conflict) => Err(ReplayError::NotParked),
        Err(CommitError::InDoubt) => Err(ReplayError::InDoubt),
        Err(CommitError::Store(error)) => Err(error.into()),
    }
}

impl Readership {
    /// Asks for everything that is parked: whoever reads now may be newer than who parked it, and
    /// able to read what the other was not.
    pub(super) async fn ask_for_all(&self) -> Result<(), Stop> {
        let store = self.bench.store.as_ref();
        let mut subjects = BTreeSet::new();
        let mut last = 0;
        loop {
            let page = store
                .parked(&self.reader, last, self.bench.pace.rows)
                .await?;
            let Some(end) = page.last() else { break };
            last = end.position;
            subjects.extend(page.iter().map(|parked| parked.subject));
        }
        for subject in subjects {
            match replay(store, &self.reader, subject).await {
                Ok(()) | Err(ReplayError::NotParked) => {}
                Err(ReplayError::Store(error)) => return Err(error.into()),
                Err(ReplayError::InDoubt) => {
                    return Err(Stop::Uncommitted(CommitError::InDoubt));
                }
            }
        }
        Ok(())
    }

    /// Tries again what somebody asked for, and looks whether anything is parked still.
    pub(super) async fn replay(&self, reading: &mut Reading<'_>) -> Result<(), Stop> {
        let store = &self.bench.store;
        for subject in store.asked(&self.reader, SUBJECTS_MAX).await? {
            self.replay_one(reading, subject).await?;
        }
        reading.has_parked = !store.parked(&self.reader, 0, 1).await?.is_empty();
        Ok(())
    }

    async fn replay_one(&self, reading: &mut Reading<'_>, subject: Subject) -> Result<(), Stop> {
        let rows = self.bench.pace.rows;
        let store = &self.bench.store;
        let mut lines = store
            .parked_lines(&self.reader, subject, rows.saturating_add(1))
            .await?;
        let more = usize::try_from(rows).unwrap_or(usize::MAX);
        let rest = lines.split_off(lines.len().min(more));
        let keys: Vec<ParkedKey> = lines.iter().map(|line| self.key(line)).collect();
        let positions: Vec<i64> = lines.iter().map(|line| line.place.position).collect();
        let mut window = Window::default();
        window.add(lines, &HashSet::new());
        let told = window.tell(usize::MAX);
        let mut unavailable = None;
        if !told.is_empty() {
            let fates = reading.post.during(self.sink.deliver(&told)).await?;
            unavailable = window.settle(told, fates);
        }
        let verdict = window.verdict();
        let poisoned = verdict.parks.first();
        // Delivered is what comes before the first that is poisoned or unavailable.
        let until = poisoned.map(|(place, _)| place.position);
        let delivered = |position: &&i64| {
            verdict.done.is_some_and(|done| **position <= done)
                && until.is_none_or(|until| **position < until)
        };
        let count = positions.iter().take_while(delivered).count();
        let (gone, left) = keys.split_at(count);
        let mut changes: Vec<change::Change> = gone
            .iter()
            .map(|key| feed(Change::Unpark(key.clone())))
            .collect();
        changes.extend(verdict.effects);
        let next = left
            .first()
            .cloned()
            .or(rest.first().map(|line| self.key(line)));
        match (next, poisoned) {
            (Some(key), Some((_, reason))) => {
                let reason = reason.clone();
                changes.push(feed(Change::KeepParked { key, reason }));
            }
            // Not tried, or not taken yet: it is tried again by itself.
            (Some(key), None) if count > 0 => changes.push(feed(Change::AskReplay(key))),
            (Some(_), None) | (None, _) => {}
        }
        self.commit(&mut reading.post, changes).await?;
        info!(reader = %self.reader, %subject, count, "parked events were delivered");
        unavailable.map_or(Ok(()), |why| Err(Stop::Away(why)))
    }

    fn key(&self, line: &Line) -> ParkedKey {
        ParkedKey {
            reader: self.reader.clone(),
            subject: line.place.subject,
            sequence: line.place.sequence,
        }
    }
}
