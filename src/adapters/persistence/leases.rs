//! Owns who does what only one may do: taking a job, keeping it, and who has it.

use std::time::Duration;

use application::ports::store::{Error, LeaseStanding, Leases};
use async_trait::async_trait;
use diesel::insert_into;
use diesel::prelude::*;
use domain::id::WorkerId;
use domain::lease::{Job, Tenure};

use super::commit::keep_lease;
use super::connection::Database;
use super::declines::Why;
use super::dialect::{Steady, db_now, db_now_plus};
use super::error::{corrupt, of_read};
use super::readable;
use super::schema::leases;
use super::types::AsInstant;

#[async_trait]
impl Leases for Database {
    async fn take_lease(
        &self,
        job: &Job,
        holder: WorkerId,
        lease: Duration,
    ) -> Result<Option<Tenure>, Error> {
        let query = leases::table.find(job.as_str()).select(leases::fence);
        let known = self.load::<_, i64>(query).await?.first().copied();
        let fence = known.map_or(1, |fence| fence.saturating_add(1));
        let ours = (
            leases::holder.eq(holder.to_string()),
            leases::fence.eq(fence),
            leases::until.eq(db_now_plus(lease)),
        );
        let taken = if let Some(known) = known {
            let free = leases::table
                .find(job.as_str())
                .filter(leases::fence.eq(known))
                .filter(leases::until.le(db_now()));
            self.execute(Steady(diesel::update(free).set(ours))).await?
        } else {
            let first = insert_into(leases::table)
                .values((leases::job.eq(job.as_str()), ours))
                .on_conflict_do_nothing();
            self.execute(first).await?
        };
        let job = job.clone();
        Ok((taken == 1).then_some(Tenure { job, fence }))
    }

    async fn renew_lease(&self, tenure: &Tenure, lease: Duration) -> Result<bool, Error> {
        let mut writer = self.writer().await?;
        let renewed = keep_lease(tenure, lease, writer.connection()).await;
        Ok(renewed.map_err(|error| of_read(&error))? == 1)
    }

    async fn release_lease(&self, tenure: &Tenure) -> Result<(), Error> {
        self.renew_lease(tenure, Duration::ZERO).await.map(|_| ())
    }

    async fn leases(&self) -> Result<Vec<LeaseStanding>, Error> {
        let query = leases::table.order(leases::job.asc()).select((
            leases::job,
            leases::holder,
            leases::fence,
            leases::until,
            leases::until.gt(db_now()),
        ));
        Ok(readable(self.load::<_, LeaseRow>(query).await?))
    }
}

/// Who does a job.
#[derive(Queryable)]
struct LeaseRow {
    job: String,
    holder: String,
    fence: i64,
    until: AsInstant,
    is_held: bool,
}

impl TryFrom<LeaseRow> for LeaseStanding {
    type Error = Error;

    fn try_from(row: LeaseRow) -> Result<Self, Error> {
        let read = || -> Result<Self, Why> {
            Ok(Self {
                job: row.job.parse()?,
                holder: row.holder.parse()?,
                fence: row.fence,
                until: row.until.0,
                is_held: row.is_held,
            })
        };
        read().map_err(corrupt("leases", &row.job))
    }
}
