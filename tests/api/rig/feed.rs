//! Owns the way of the feed through the faulty store.

use std::time::Duration;

use application::ports::store::{
    Backlog, Error, Feed, LeaseStanding, Leases, Line, ReaderStanding, SequenceError,
};
use async_trait::async_trait;
use domain::feed::{Cursor, Parked, Place, Reader, Subject};
use domain::id::WorkerId;
use domain::lease::{Job, Tenure};
use domain::principal::Scope;

use super::Faulty;

#[async_trait]
impl Feed for Faulty {
    async fn sequence(
        &self,
        tenure: &Tenure,
        lease: Duration,
        limit: u32,
    ) -> Result<u64, SequenceError> {
        self.reached()?.sequence(tenure, lease, limit).await
    }

    async fn backlog(&self) -> Result<Backlog, Error> {
        self.reached()?.backlog().await
    }

    async fn head(&self) -> Result<Cursor, Error> {
        self.reached()?.head().await
    }

    async fn lines(&self, after: i64, limit: u32) -> Result<Vec<Line>, Error> {
        self.reached()?.lines(after, limit).await
    }

    async fn lines_of(&self, scope: Scope, after: i64, limit: u32) -> Result<Vec<Line>, Error> {
        let mut lines = self.reached()?.lines_of(scope, after, limit).await?;
        if self.is_unreadable() {
            for line in lines.iter_mut().filter(|line| line.place.sequence > 1) {
                line.event = Err("secret_word".to_owned());
            }
        }
        Ok(lines)
    }

    async fn places(&self, after: i64, limit: u32) -> Result<Vec<Place>, Error> {
        self.reached()?.places(after, limit).await
    }

    async fn cursor(&self, reader: &Reader) -> Result<Option<Cursor>, Error> {
        self.reached()?.cursor(reader).await
    }

    async fn readers(&self) -> Result<Vec<ReaderStanding>, Error> {
        self.reached()?.readers().await
    }

    async fn parked_among(
        &self,
        reader: &Reader,
        subjects: &[Subject],
    ) -> Result<Vec<Subject>, Error> {
        self.reached()?.parked_among(reader, subjects).await
    }

    async fn parked(&self, reader: &Reader, after: i64, limit: u32) -> Result<Vec<Parked>, Error> {
        self.reached()?.parked(reader, after, limit).await
    }

    async fn parked_lines(
        &self,
        reader: &Reader,
        subject: Subject,
        limit: u32,
    ) -> Result<Vec<Line>, Error> {
        self.reached()?.parked_lines(reader, subject, limit).await
    }

    async fn asked(&self, reader: &Reader, limit: u32) -> Result<Vec<Subject>, Error> {
        self.reached()?.asked(reader, limit).await
    }
}

#[async_trait]
impl Leases for Faulty {
    async fn take_lease(
        &self,
        job: &Job,
        holder: WorkerId,
        lease: Duration,
    ) -> Result<Option<Tenure>, Error> {
        self.reached()?.take_lease(job, holder, lease).await
    }

    async fn renew_lease(&self, tenure: &Tenure, lease: Duration) -> Result<bool, Error> {
        self.reached()?.renew_lease(tenure, lease).await
    }

    async fn release_lease(&self, tenure: &Tenure) -> Result<(), Error> {
        self.reached()?.release_lease(tenure).await
    }

    async fn leases(&self) -> Result<Vec<LeaseStanding>, Error> {
        self.reached()?.leases().await
    }
}
