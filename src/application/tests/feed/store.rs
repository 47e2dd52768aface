//! Owns a process's way to the store: it may die, or freeze, before and after every call; and
//! seeded bugs may be in what it says.

use std::sync::Arc;
use std::time::Duration;

use application::memory::Memory;
use application::ports::store::{
    Backlog, Commit, CommitError, Error, Feed, LeaseStanding, Leases, Line, ReaderStanding,
    SequenceError,
};
use async_trait::async_trait;
use domain::feed::{Cursor, Parked, Place, Reader, Subject};
use domain::id::WorkerId;
use domain::lease::{Job, Tenure};
use domain::principal::Scope;

use domain::change::Change;
use domain::feed;

use crate::bugs::Bug;
use crate::life::Life;
use crate::sink::Notebook;

/// The store as one process sees it.
pub(crate) struct Mortal {
    pub(crate) memory: Arc<Memory>,
    pub(crate) life: Arc<Life>,
    pub(crate) bug: Option<Bug>,
    /// What the sink has taken; a bug looks at it.
    pub(crate) notebook: Arc<Notebook>,
}

impl Mortal {
    /// Where a bug has the cursor move to.
    async fn wrong_end(&self) -> Result<Option<i64>, Error> {
        match self.bug {
            Some(Bug::SkipsToTheEnd) => Ok(Some(self.memory.head().await?.position)),
            Some(Bug::LastTakenCounts) => {
                let taken = self.notebook.taken.lock().unwrap();
                let places = self.memory.all_places().into_iter();
                let was_taken = |place: &Place| taken.contains(&(place.subject, place.sequence));
                let last = places.filter(was_taken).map(|place| place.position).max();
                Ok(last)
            }
            Some(Bug::CursorFirst | Bug::NoFence | Bug::ParkedIsForgotten | Bug::OutageIsOver)
            | None => Ok(None),
        }
    }
}

#[async_trait]
impl Commit for Mortal {
    async fn commit(&self, changes: &[Change]) -> Result<(), CommitError> {
        self.life.point().await;
        let mut changes = changes.to_vec();
        if let Some(end) = self.wrong_end().await? {
            for change in &mut changes {
                if let Change::Feed(change) = change
                    && let feed::Change::MoveCursor { to, .. } = change.as_mut()
                {
                    to.position = end;
                }
            }
        }
        let committed = self.memory.commit(&changes).await;
        self.life.point().await;
        committed
    }
}

#[async_trait]
impl Feed for Mortal {
    async fn sequence(
        &self,
        tenure: &Tenure,
        lease: Duration,
        limit: u32,
    ) -> Result<u64, SequenceError> {
        self.life.point().await;
        let newest = self.memory.leases().await?;
        let newest = newest.into_iter().find(|lease| lease.job == tenure.job);
        let fence = newest.map_or(0, |lease| lease.fence);
        let is_stale = fence != tenure.fence;
        let mut tenure = tenure.clone();
        if self.bug == Some(Bug::NoFence) {
            tenure.fence = fence;
        }
        let done = self.memory.sequence(&tenure, lease, limit).await;
        if is_stale && matches!(done, Ok(1..)) {
            self.life.moved_without_fence();
        }
        self.life.point().await;
        done
    }

    async fn backlog(&self) -> Result<Backlog, Error> {
        self.life.point().await;
        let done = self.memory.backlog().await;
        self.life.point().await;
        done
    }

    async fn head(&self) -> Result<Cursor, Error> {
        self.life.point().await;
        let done = self.memory.head().await;
        self.life.point().await;
        done
    }

    async fn lines(&self, after: i64, limit: u32) -> Result<Vec<Line>, Error> {
        self.life.point().await;
        let done = self.memory.lines(after, limit).await;
        self.life.point().await;
        done
    }

    async fn lines_of(&self, scope: Scope, after: i64, limit: u32) -> Result<Vec<Line>, Error> {
        self.life.point().await;
        let done = self.memory.lines_of(scope, after, limit).await;
        self.life.point().await;
        done
    }

    async fn places(&self, after: i64, limit: u32) -> Result<Vec<Place>, Error> {
        self.life.point().await;
        let done = self.memory.places(after, limit).await;
        self.life.point().await;
        done
    }

    async fn cursor(&self, reader: &Reader) -> Result<Option<Cursor>, Error> {
        self.life.point().await;
        let done = self.memory.cursor(reader).await;
        self.life.point().await;
        done
    }

    async fn readers(&self) -> Result<Vec<ReaderStanding>, Error> {
        self.life.point().await;
        let done = self.memory.readers().await;
        self.life.point().await;
        done
    }

    async fn parked_among(
        &self,
        reader: &Reader,
        subjects: &[Subject],
    ) -> Result<Vec<Subject>, Error> {
        self.life.point().await;
        let done = self.memory.parked_among(reader, subjects).await;
        self.life.point().await;
        if self.bug == Some(Bug::ParkedIsForgotten) {
            return Ok(Vec::new());
        }
        done
    }

    async fn parked(&self, reader: &Reader, after: i64, limit: u32) -> Result<Vec<Parked>, Error> {
        self.life.point().await;
        let done = self.memory.parked(reader, after, limit).await;
        self.life.point().await;
        done
    }

    async fn parked_lines(
        &self,
        reader: &Reader,
        subject: Subject,
        limit: u32,
    ) -> Result<Vec<Line>, Error> {
        self.life.point().await;
        let done = self.memory.parked_lines(reader, subject, limit).await;
        self.life.point().await;
        done
    }

    async fn asked(&self, reader: &Reader, limit: u32) -> Result<Vec<Subject>, Error> {
        self.life.point().await;
        let done = self.memory.asked(reader, limit).await;
        self.life.point().await;
        done
    }
}

#[async_trait]
impl Leases for Mortal {
    async fn take_lease(
        &self,
        job: &Job,
        holder: WorkerId,
        lease: Duration,
    ) -> Result<Option<Tenure>, Error> {
        self.life.point().await;
        let done = self.memory.take_lease(job, holder, lease).await;
        self.life.point().await;
        done
    }

    async fn renew_lease(&self, tenure: &Tenure, lease: Duration) -> Result<bool, Error> {
        self.life.point().await;
        let done = self.memory.renew_lease(tenure, lease).await;
        self.life.point().await;
        done
    }

    async fn release_lease(&self, tenure: &Tenure) -> Result<(), Error> {
        self.life.point().await;
        let done = self.memory.release_lease(tenure).await;
        self.life.point().await;
        done
    }

    async fn leases(&self) -> Result<Vec<LeaseStanding>, Error> {
        self.life.point().await;
        let done = self.memory.leases().await;
        self.life.point().await;
        done
    }
}
