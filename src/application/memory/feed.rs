//! Owns the feed in memory: positions, readers' cursors, what is parked, and who does which job.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_trait::async_trait;
use domain::Timestamp;
use domain::feed::{Change, Cursor, Happening, Parked, ParkedKey, Place, Reader, Subject};
use domain::id::WorkerId;
use domain::lease::{Job, Tenure};
use domain::principal::Scope;

use super::apply::{Applied, insert, must};
use super::{Memory, State, rows};
use crate::idempotency::later;
use crate::ports::store::{
    Backlog, CommitError, Error, Feed, LeaseStanding, Leases, Line, ReaderStanding, SequenceError,
};

/// The epoch before any was raised.
const FIRST_EPOCH: i64 = 1;

/// Who does a job.
#[derive(Clone)]
pub(super) struct Lease {
    holder: WorkerId,
    fence: i64,
    /// By the clock of leases.
    until: Timestamp,
}

/// The tables of the feed.
#[derive(Clone, Default)]
pub(super) struct Tables {
    /// In the order of insertion.
    unsequenced: Vec<(Subject, i64)>,
    /// By position, from 1.
    feed: Vec<Place>,
    epochs: BTreeSet<i64>,
    leases: BTreeMap<Job, Lease>,
    cursors: BTreeMap<Reader, Cursor>,
    parked: BTreeMap<ParkedKey, Parked>,
}

impl Tables {
    /// An event was appended: it waits for its position.
    pub(super) fn await_position(&mut self, subject: Subject, sequence: i64) {
        self.unsequenced.push((subject, sequence));
    }

    pub(super) fn apply(&mut self, change: &Change, now: Timestamp) -> Applied {
        match change {
            Change::KeepLease { tenure, lease } => must(self.keep(tenure, *lease, now)),
            Change::StartCursor { reader, at } => insert(&mut self.cursors, reader.clone(), *at),
            Change::MoveCursor { reader, from, to } => {
                let cursor = self.cursors.get_mut(reader);
                let cursor = cursor.filter(|cursor| *cursor == from);
                *cursor.ok_or(CommitError::Conflict)? = *to;
                Ok(())
            }
            Change::Park(parked) => insert(&mut self.parked, parked.key(), parked.clone()),
            Change::KeepParked { key, reason } => {
                let row = self.parked.get_mut(key).ok_or(CommitError::Conflict)?;
                row.reason.clone_from(reason);
                row.asked = false;
                Ok(())
            }
            Change::AskReplay(key) => {
                let row = self.parked.get_mut(key).ok_or(CommitError::Conflict)?;
                row.asked = true;
                Ok(())
            }
            Change::Unpark(key) => must(self.parked.remove(key).is_some()),
            Change::RaiseEpoch(epoch) => must(self.epochs.insert(epoch.number)),
        }
    }

    fn keep(&mut self, tenure: &Tenure, lease: Duration, now: Timestamp) -> bool {
        let held = self.leases.get_mut(&tenure.job);
        let ours = held.filter(|held| held.fence == tenure.fence);
        ours.map(|held| held.until = later(now, lease)).is_some()
    }

    fn head(&self) -> Cursor {
        Cursor {
            epoch: self.epochs.last().copied().unwrap_or(FIRST_EPOCH),
            position: self.feed.last().map_or(0, |place| place.position),
        }
    }

    fn after(&self, position: i64) -> impl Iterator<Item = &Place> {
        let done = usize::try_from(position).unwrap_or_default();
        self.feed.iter().skip(done)
    }

    fn parked_by(&self, reader: &Reader) -> impl Iterator<Item = &Parked> {
        self.parked
            .values()
            .filter(move |row| row.reader == *reader)
    }
}

impl State {
    fn line(&self, place: Place) -> Line {
        let event = self.happening(place.subject, place.sequence);
        Line {
            place,
            event: event.ok_or_else(|| "there is no such event".to_owned()),
        }
    }

    fn happening(&self, subject: Subject, sequence: i64) -> Option<Happening> {
        match subject {
            Subject::Payment(payment) => {
                let event = self.events.get(&(payment, sequence))?;
                Some(Happening::Payment(event.as_ref().clone()))
            }
            Subject::Member(subject) => {
                let event = self.member_events.get(&(subject, sequence))?;
                Some(Happening::Member(event.as_ref().clone()))
            }
        }
    }

    fn place(&self, subject: Subject, sequence: i64) -> Option<Place> {
        let mut feed = self.feed.feed.iter();
        feed.find(|place| place.subject == subject && place.sequence == sequence)
            .copied()
    }

    fn sequence(&mut self, limit: u32) -> u64 {
        let count = self.feed.unsequenced.len().min(rows(limit));
        let moved: Vec<(Subject, i64)> = self.feed.unsequenced.drain(..count).collect();
        for (subject, sequence) in moved {
            let Some(event) = self.happening(subject, sequence) else {
                continue;
            };
            self.feed.feed.push(Place {
                position: self.feed.head().position.saturating_add(1),
                scope: event.scope(),
                subject,
                sequence,
            });
        }
        u64::try_from(count).unwrap_or(u64::MAX)
    }
}

impl Memory {
    /// Every event's place, in order.
    #[must_use]
    pub fn all_places(&self) -> Vec<Place> {
        self.state().feed.feed.clone()
    }
}

#[async_trait]
impl Feed for Memory {
    async fn sequence(
        &self,
        tenure: &Tenure,
        lease: Duration,
        limit: u32,
    ) -> Result<u64, SequenceError> {
        let now = self.lease_clock.now();
        let mut state = self.state();
        if state.feed.unsequenced.is_empty() {
            return Ok(0);
        }
        if !state.feed.keep(tenure, lease, now) {
            return Err(SequenceError::Lost);
        }
        Ok(state.sequence(limit))
    }

    async fn backlog(&self) -> Result<Backlog, Error> {
        let state = self.state();
        let waiting = &state.feed.unsequenced;
        let oldest = waiting.first();
        let oldest = oldest.and_then(|(subject, sequence)| state.happening(*subject, *sequence));
        Ok(Backlog {
            count: u64::try_from(waiting.len()).unwrap_or(u64::MAX),
            oldest: oldest.map(|event| event.at()),
        })
    }

    async fn head(&self) -> Result<Cursor, Error> {
        Ok(self.state().feed.head())
    }

    async fn lines(&self, after: i64, limit: u32) -> Result<Vec<Line>, Error> {
        let state = self.state();
        let places = state.feed.after(after).take(rows(limit));
        Ok(places.map(|place| state.line(*place)).collect())
    }

    async fn lines_of(&self, scope: Scope, after: i64, limit: u32) -> Result<Vec<Line>, Error> {
        let state = self.state();
        let own = state.feed.after(after).filter(|place| place.scope == scope);
        let own = own.take(rows(limit));
        Ok(own.map(|place| state.line(*place)).collect())
    }

    async fn places(&self, after: i64, limit: u32) -> Result<Vec<Place>, Error> {
        let state = self.state();
        Ok(state.feed.after(after).take(rows(limit)).copied().collect())
    }

    async fn cursor(&self, reader: &Reader) -> Result<Option<Cursor>, Error> {
        Ok(self.state().feed.cursors.get(reader).copied())
    }

    async fn readers(&self) -> Result<Vec<ReaderStanding>, Error> {
        let state = self.state();
        let standing = |(reader, cursor): (&Reader, &Cursor)| {
            let next = state.feed.after(cursor.position).next();
            let next = next.and_then(|place| state.happening(place.subject, place.sequence));
            let parked = state.feed.parked_by(reader).count();
            ReaderStanding {
                reader: reader.clone(),
                cursor: *cursor,
                waiting_since: next.map(|event| event.at()),
                parked: u64::try_from(parked).unwrap_or(u64::MAX),
            }
        };
        Ok(state.feed.cursors.iter().map(standing).collect())
    }

    async fn parked_among(
        &self,
        reader: &Reader,
        subjects: &[Subject],
    ) -> Result<Vec<Subject>, Error> {
        let state = self.state();
        let parked = state.feed.parked_by(reader).map(|row| row.subject);
        let among: BTreeSet<Subject> = parked.filter(|id| subjects.contains(id)).collect();
        Ok(among.into_iter().collect())
    }

    async fn parked(&self, reader: &Reader, after: i64, limit: u32) -> Result<Vec<Parked>, Error> {
        let state = self.state();
        let parked = state.feed.parked_by(reader);
        let mut parked: Vec<Parked> = parked.filter(|row| row.position > after).cloned().collect();
        parked.sort_by_key(|row| row.position);
        parked.truncate(rows(limit));
        Ok(parked)
    }

    async fn parked_lines(
        &self,
        reader: &Reader,
        subject: Subject,
        limit: u32,
    ) -> Result<Vec<Line>, Error> {
        let state = self.state();
        let parked = state.feed.parked_by(reader);
        let sequences = parked
            .filter(|row| row.subject == subject)
            .map(|row| row.sequence);
        let places = sequences.filter_map(|sequence| state.place(subject, sequence));
        let places = places.take(rows(limit));
        Ok(places.map(|place| state.line(place)).collect())
    }

    async fn asked(&self, reader: &Reader, limit: u32) -> Result<Vec<Subject>, Error> {
        let state = self.state();
        let asked = state.feed.parked_by(reader).filter(|row| row.asked);
        let mut asked: Vec<(i64, Subject)> = asked.map(|row| (row.position, row.subject)).collect();
        asked.sort_unstable();
        asked.truncate(rows(limit));
        let mut subjects: Vec<Subject> = asked.into_iter().map(|(_, subject)| subject).collect();
        subjects.dedup();
        Ok(subjects)
    }
}

#[async_trait]
impl Leases for Memory {
    async fn take_lease(
        &self,
        job: &Job,
        holder: WorkerId,
        lease: Duration,
    ) -> Result<Option<Tenure>, Error> {
        let now = self.lease_clock.now();
        let mut state = self.state();
        let known = state.feed.leases.get(job);
        if known.is_some_and(|known| known.until > now) {
            return Ok(None);
        }
        let fence = known.map_or(1, |known| known.fence.saturating_add(1));
        let until = later(now, lease);
        let taken = Lease {
            holder,
            fence,
            until,
        };
        state.feed.leases.insert(job.clone(), taken);
        let job = job.clone();
        Ok(Some(Tenure { job, fence }))
    }

    async fn renew_lease(&self, tenure: &Tenure, lease: Duration) -> Result<bool, Error> {
        let now = self.lease_clock.now();
        Ok(self.state().feed.keep(tenure, lease, now))
    }

    async fn release_lease(&self, tenure: &Tenure) -> Result<(), Error> {
        let now = self.lease_clock.now();
        self.state().feed.keep(tenure, Duration::ZERO, now);
        Ok(())
    }

    async fn leases(&self) -> Result<Vec<LeaseStanding>, Error> {
        let now = self.lease_clock.now();
        let state = self.state();
        let standing = |(job, lease): (&Job, &Lease)| LeaseStanding {
            job: job.clone(),
            holder: lease.holder,
            fence: lease.fence,
            until: lease.until,
            is_held: lease.until > now,
        };
        Ok(state.feed.leases.iter().map(standing).collect())
    }
}
