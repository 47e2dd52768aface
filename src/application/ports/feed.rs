//! Owns the port to the feed as it is kept: giving events their positions, reading them, what its
//! readers remember, and who does a job that only one may do.

use std::time::Duration;

use async_trait::async_trait;
use domain::Timestamp;
use domain::feed::{Cursor, Happening, Parked, Place, Reader, Subject};
use domain::id::WorkerId;
use domain::lease::{Job, Tenure};
use domain::principal::Scope;

use super::store::Error;

/// An event in the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Where.
    pub place: Place,
    /// The event; or why its row cannot be read by this version.
    pub event: Result<Happening, String>,
}

/// Events that have no position yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// How many.
    pub count: u64,
    /// When the first of them happened.
    pub oldest: Option<Timestamp>,
}

/// How a reader stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReaderStanding {
    /// Which reader.
    pub reader: Reader,
    /// Up to where everything is delivered or parked.
    pub cursor: Cursor,
    /// When the first event after it happened.
    pub waiting_since: Option<Timestamp>,
    /// How many events it has parked.
    pub parked: u64,
}

/// Who does a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseStanding {
    /// Which job.
    pub job: Job,
    /// Who took it last.
    pub holder: WorkerId,
    /// How often it was taken.
    pub fence: i64,
    /// Until when nobody else may take it.
    pub until: Timestamp,
    /// Whether that is still to come, by the database's clock.
    pub is_held: bool,
}

/// Why no positions were given.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SequenceError {
    /// Somebody else took the job since; nothing was written.
    #[error("the sequencer's lease was taken by somebody else")]
    Lost,
    /// Nothing was written, or all of the batch: the next one goes on from there.
    #[error(transparent)]
    Store(#[from] Error),
}

/// The order of all events, and who has read how far.
#[async_trait]
pub trait Feed: Send + Sync {
    /// Gives the events that have waited longest, in the order of their insertion and `limit` at
    /// most, the next positions, in one commit; how many. The same commit prolongs the lease, and
    /// goes through only while `tenure` has its fence. Where none waits nothing is written.
    ///
    /// An event becomes visible when its commit is done, however many others went before; it is
    /// then given a position like any other. Of one subject's events the later one cannot become
    /// visible before the earlier one, and was inserted later: they keep their order.
    async fn sequence(
        &self,
        tenure: &Tenure,
        lease: Duration,
        limit: u32,
    ) -> Result<u64, SequenceError>;

    /// Events that have no position yet.
    async fn backlog(&self) -> Result<Backlog, Error>;

    /// The epoch in force, and the last position that was given.
    async fn head(&self) -> Result<Cursor, Error>;

    /// Events with a position above `after`, in order, `limit` at most.
    async fn lines(&self, after: i64, limit: u32) -> Result<Vec<Line>, Error>;

    /// The same of one tenant and mode.
    async fn lines_of(&self, scope: Scope, after: i64, limit: u32) -> Result<Vec<Line>, Error>;

    /// Where events are, for who only needs to know that there are some.
    async fn places(&self, after: i64, limit: u32) -> Result<Vec<Place>, Error>;

    /// Where a reader is; none before its first time.
    async fn cursor(&self, reader: &Reader) -> Result<Option<Cursor>, Error>;

    /// How every reader stands, by name.
    async fn readers(&self) -> Result<Vec<ReaderStanding>, Error>;

    /// Which of `subjects` the reader has parked events of.
    async fn parked_among(
        &self,
        reader: &Reader,
        subjects: &[Subject],
    ) -> Result<Vec<Subject>, Error>;

    /// What a reader has parked, by position above `after`, `limit` at most.
    async fn parked(&self, reader: &Reader, after: i64, limit: u32) -> Result<Vec<Parked>, Error>;

    /// The parked events of a subject, in their order, `limit` at most.
    async fn parked_lines(
        &self,
        reader: &Reader,
        subject: Subject,
        limit: u32,
    ) -> Result<Vec<Line>, Error>;

    /// Subjects of which a parked event is to be tried again, by position, `limit` at most.
    async fn asked(&self, reader: &Reader, limit: u32) -> Result<Vec<Subject>, Error>;
}

/// Who does what only one may do at a time. Measured by the database's clock.
#[async_trait]
pub trait Leases: Send + Sync {
    /// Takes a job that nobody has, or whose lease is over: with a fence above every earlier one.
    /// None when somebody has it.
    async fn take_lease(
        &self,
        job: &Job,
        holder: WorkerId,
        lease: Duration,
    ) -> Result<Option<Tenure>, Error>;

    /// Prolongs a lease; `false` when somebody else took the job since.
    async fn renew_lease(&self, tenure: &Tenure, lease: Duration) -> Result<bool, Error>;

    /// Gives a job up early, so that others need not wait for the lease. Does nothing when somebody
    /// else took it since.
    async fn release_lease(&self, tenure: &Tenure) -> Result<(), Error>;

    /// Who does what, by job.
    async fn leases(&self) -> Result<Vec<LeaseStanding>, Error>;
}
