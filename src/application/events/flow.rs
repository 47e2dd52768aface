//! Owns the flow of events from the feed to a sink: what comes next is read, what was read is told,
//! and what was taken is committed, side by side and each on a task of its own.
//!
//! A commit costs a flush, a telling a round trip, and making messages of rows a processor; nothing
//! waits for any of it but what has to come after it. What that is the window knows.

use std::collections::HashSet;
use std::future::pending;
use std::panic::resume_unwind;
use std::time::Duration;

use domain::feed::{Change, Cursor, Parked, Place, Subject};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tracing::error;

use super::after;
use super::lease::Lost;
use super::reader::{Readership, Reading, Stop, feed, uncommitted};
use super::window::{FOLLOWS, Verdict};
use crate::crash::crash_point;
use crate::ports::sink::{Fate, Told};
use crate::ports::store::{self, CommitError, Line};

/// How often it is looked whether something that is parked is to be tried again.
const REPLAYS_EVERY: Duration = Duration::from_secs(1);

/// What came of something that was under way.
enum Done {
    /// Lines, and of which of their subjects something is parked.
    Read(Result<(Vec<Line>, HashSet<Subject>), store::Error>),
    Told(Vec<Told>, Vec<Fate>),
    Committed(Cursor, Result<(), CommitError>),
}

/// One run, until nothing is under way any more.
struct Flow<'f> {
    readership: &'f Readership,
    /// Ends when this is dropped: what was told then is told again, what was committed is in.
    under_way: JoinSet<Done>,
    is_reading: bool,
    is_committing: bool,
    tellings: usize,
    /// Whether there may be more than was read.
    has_more: bool,
    /// When it is looked for what other processes gave positions.
    looks_at: Instant,
    /// Why nothing new is begun.
    stop: Option<Stop>,
}

/// What is done first; waits for ever where nothing is under way. Dropping the future half way
/// loses nothing.
async fn next(under_way: &mut JoinSet<Done>) -> Done {
    loop {
        match under_way.join_next().await {
            Some(Ok(done)) => return done,
            // Only an end of the whole runtime cancels a task of the set: this one ends with it.
            Some(Err(error)) => drop(error.try_into_panic().map(resume_unwind)),
            None => pending().await,
        }
    }
}

impl Readership {
    /// Tells whatever there is and comes, until the process is to end or something is away. What
    /// was begun is always finished: nothing is under way afterwards.
    pub(super) async fn flow(
        &self,
        reading: &mut Reading<'_>,
        given: &mut watch::Receiver<u64>,
    ) -> Result<(), Stop> {
        let mut flow = Flow {
            readership: self,
            under_way: JoinSet::new(),
            is_reading: false,
            is_committing: false,
            tellings: 0,
            has_more: true,
            looks_at: Instant::now(),
            stop: None,
        };
        loop {
            if flow.is_to_replay(reading) && reading.window.is_empty() && flow.under_way.is_empty()
            {
                reading.replays_at = after(REPLAYS_EVERY);
                self.replay(reading).await?;
                reading.window.forget_parked();
            }
            flow.begin(reading, given);
            if flow.under_way.is_empty() && !flow.goes_on() {
                return flow.stop.map_or(Ok(()), Err);
            }
            let looks = flow.is_to_read(reading) && !flow.has_more;
            let ends = flow.goes_on();
            tokio::select! {
                done = next(&mut flow.under_way) => flow.note(reading, done).await?,
                _ = given.changed(), if looks => flow.has_more = true,
                () = sleep_until(flow.looks_at), if looks => flow.has_more = true,
                () = sleep_until(reading.post.sign_at()) => reading.post.keep().await?,
                () = self.bench.drain.cancelled(), if ends => {}
            }
        }
    }

    fn rows(&self) -> usize {
        usize::try_from(self.bench.pace.rows).unwrap_or(usize::MAX)
    }

    async fn read_on(
        &self,
        from: i64,
        has_parked: bool,
    ) -> Result<(Vec<Line>, HashSet<Subject>), store::Error> {
        let store = &self.bench.store;
        let lines = store.lines(from, self.bench.pace.rows).await?;
        let mut parked = HashSet::new();
        if has_parked && !lines.is_empty() {
            let subjects: Vec<_> = lines.iter().map(|line| line.place.subject).collect();
            parked.extend(store.parked_among(&self.reader, &subjects).await?);
        }
        Ok((lines, parked))
    }

    fn parked(&self, place: Place, reason: String) -> Parked {
        Parked {
            reader: self.reader.clone(),
            subject: place.subject,
            sequence: place.sequence,
            position: place.position,
            reason,
            parked_at: self.bench.clock.now(),
            asked: false,
        }
    }
}

impl Flow<'_> {
    fn goes_on(&self) -> bool {
        self.stop.is_none() && !self.readership.bench.drains()
    }

    /// After a commit that is not known to be in, none may follow.
    const fn may_commit(&self) -> bool {
        !matches!(self.stop, Some(Stop::Store(_) | Stop::Uncommitted(_)))
    }

    /// Whether what is parked is looked at before more is read: lines here that are about to be
    /// parked behind it must be in the store by then.
    fn is_to_replay(&self, reading: &Reading<'_>) -> bool {
        self.goes_on() && reading.has_parked && Instant::now() >= reading.replays_at
    }

    /// Whether there is room for more, as far ahead as the sink can be told and one batch further.
    fn is_to_read(&self, reading: &Reading<'_>) -> bool {
        let batches = self.readership.sink.at_once().saturating_add(1);
        let room = self.readership.rows().saturating_mul(batches);
        self.goes_on()
            && !self.is_reading
            && reading.window.len() < room
            && !self.is_to_replay(reading)
    }

    /// Begins whatever may be.
    fn begin(&mut self, reading: &mut Reading<'_>, given: &mut watch::Receiver<u64>) {
        let readership = self.readership;
        if self.has_more && self.is_to_read(reading) {
            given.mark_unchanged();
            self.looks_at = after(readership.bench.pace.poll);
            let from = reading.window.end().unwrap_or(reading.cursor.position);
            let has_parked = reading.has_parked;
            self.is_reading = true;
            let readership = readership.clone();
            self.under_way
                .spawn(async move { Done::Read(readership.read_on(from, has_parked).await) });
        }
        while self.goes_on() && self.tellings < readership.sink.at_once() {
            let told = reading.window.tell(readership.rows());
            if told.is_empty() {
                break;
            }
            self.tellings = self.tellings.saturating_add(1);
            let readership = readership.clone();
            self.under_way.spawn(async move {
                crash_point!(readership.reader, "before_telling");
                let fates = readership.sink.deliver(&told).await;
                crash_point!(readership.reader, "after_telling");
                Done::Told(told, fates)
            });
        }
        if !self.is_committing && self.may_commit() {
            let verdict = reading.window.verdict();
            if let Some(position) = verdict.done {
                self.commit(reading, verdict, position);
            }
        }
    }

    /// Begins to commit what is done.
    fn commit(&mut self, reading: &Reading<'_>, verdict: Verdict, position: i64) {
        let readership = self.readership;
        let from = reading.cursor;
        let to = Cursor { position, ..from };
        let reader = readership.reader.clone();
        let mut changes = vec![feed(Change::MoveCursor { reader, from, to })];
        changes.extend(verdict.effects);
        for (place, why) in verdict.parks {
            if why != FOLLOWS {
                error!(reader = %readership.reader, subject = %place.subject, %why, "parked");
            }
            changes.push(feed(Change::Park(readership.parked(place, why))));
        }
        changes.push(readership.sign_of(&reading.post));
        self.is_committing = true;
        let readership = readership.clone();
        self.under_way.spawn(async move {
            crash_point!(readership.reader, "before_cursor_commit");
            let committed = readership.bench.store.commit(&changes).await;
            crash_point!(readership.reader, "after_cursor_commit");
            Done::Committed(to, committed)
        });
    }

    /// Notes what came of something.
    async fn note(&mut self, reading: &mut Reading<'_>, done: Done) -> Result<(), Lost> {
        match done {
            Done::Read(Ok((lines, parked))) => {
                self.is_reading = false;
                self.has_more = lines.len() >= self.readership.rows();
                reading.window.add(lines, &parked);
                reading.has_parked |= reading.window.has_parked();
            }
            Done::Read(Err(error)) => {
                self.is_reading = false;
                self.stop.get_or_insert(error.into());
            }
            Done::Told(told, fates) => {
                self.tellings = self.tellings.saturating_sub(1);
                if let Some(why) = reading.window.settle(told, fates) {
                    self.stop.get_or_insert(Stop::Away(why));
                }
                reading.has_parked |= reading.window.has_parked();
            }
            Done::Committed(to, Ok(())) => {
                self.is_committing = false;
                reading.post.gave_sign();
                reading.cursor = to;
                reading.window.move_to(to.position);
            }
            Done::Committed(_, Err(error)) => {
                self.is_committing = false;
                self.stop = Some(uncommitted(&mut reading.post, error).await?);
            }
        }
        Ok(())
    }
}
