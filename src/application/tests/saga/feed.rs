//! Owns the way of the feed through the scripted store: the scripts do not touch it.

use std::time::Duration;

use application::ports::store::{
    Backlog, Error, Feed, LeaseStanding, Leases, Line, ReaderStanding, SequenceError,
};
use async_trait::async_trait;
use domain::feed::{Cursor, Parked, Place, Reader, Subject};
use domain::id::WorkerId;
use domain::lease::{Job, Tenure};
use domain::principal::Scope;

use crate::store::Faulty;

#[async_trait]
impl Feed for Faulty {
    async fn sequence(
        &self,
        tenure: &Tenure,
        lease: Duration,
        limit: u32,
    ) -> Result<u64, SequenceError> {
        self.memory.sequence(tenure, lease, limit).await
    }

    async fn backlog(&self) -> Result<Backlog, Error> {
        self.memory.backlog().await
    }

    async fn head(&self) -> Result<Cursor, Error> {
        self.memory.head().await
    }

    async fn lines(&self, after: i64, limit: u32) -> Result<Vec<Line>, Error> {
        self.memory.lines(after, limit).await
    }

    async fn lines_of(&self, scope: Scope, after: i64, limit: u32) -> Result<Vec<Line>, Error> {
        self.memory.lines_of(scope, after, limit).await
    }

    async fn places(&self, after: i64, limit: u32) -> Result<Vec<Place>, Error> {
        self.memory.places(after, limit).await
    }

    async fn cursor(&self, reader: &Reader) -> Result<Option<Cursor>, Error> {
        self.memory.cursor(reader).await
    }

    async fn readers(&self) -> Result<Vec<ReaderStanding>, Error> {
        self.memory.readers().await
    }

    async fn parked_among(
        &self,
        reader: &Reader,
        subjects: &[Subject],
    ) -> Result<Vec<Subject>, Error> {
        self.memory.parked_among(reader, subjects).await
    }

    async fn parked(&self, reader: &Reader, after: i64, limit: u32) -> Result<Vec<Parked>, Error> {
        self.memory.parked(reader, after, limit).await
    }

    async fn parked_lines(
        &self,
        reader: &Reader,
        subject: Subject,
        limit: u32,
    ) -> Result<Vec<Line>, Error> {
        self.memory.parked_lines(reader, subject, limit).await
    }

    async fn asked(&self, reader: &Reader, limit: u32) -> Result<Vec<Subject>, Error> {
        self.memory.asked(reader, limit).await
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
        self.memory.take_lease(job, holder, lease).await
    }

    async fn renew_lease(&self, tenure: &Tenure, lease: Duration) -> Result<bool, Error> {
        self.memory.renew_lease(tenure, lease).await
    }

    async fn release_lease(&self, tenure: &Tenure) -> Result<(), Error> {
        self.memory.release_lease(tenure).await
    }

    async fn leases(&self) -> Result<Vec<LeaseStanding>, Error> {
        self.memory.leases().await
    }
}
