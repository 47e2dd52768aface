//! Owns the reads, claims and holds of sagas.

mod row;

use application::ports::store::{Error, OpenSagas, SagaAfter, Sagas};
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta};
use diesel::QueryResult;
use diesel::dsl::{count, count_star, sql};
use diesel::prelude::{
    AggregateExpressionMethods, BoolExpressionMethods, ExpressionMethods,
    NullableExpressionMethods, QueryDsl, Queryable,
};
use domain::Timestamp;
use domain::change::Hold;
use domain::id::{PaymentId, SagaId, WorkerId};
use domain::saga::{Kind, Saga};

pub(super) use row::{ProgressRow, SagaRow};

use super::connection::{Database, Lease, RunQueryDsl};
use super::declines::Why;
use super::dialect::{SkipLocked, Steady, columns, db_now, db_now_plus, saga_is_open, when};
use super::error::{corrupt, of_read};
use super::schema::sagas;
use super::types::{AsInstant, Instant};
use super::{one, readable};

impl Database {
    #[expect(
        clippy::arithmetic_side_effects,
        reason = "the database adds, and checks"
    )]
    /// Selects and holds in one transaction; the selected rows are nobody else's until it ends.
    /// Kinds that this version does not know are left to the one that does.
    async fn claim(
        lease: &mut Lease,
        now: Timestamp,
        hold: Hold,
        limit: u32,
    ) -> QueryResult<Vec<SagaRow>> {
        lease.begin().await?;
        let due = sagas::table
            .filter(saga_is_open())
            .filter(sagas::kind.eq_any(Kind::ALL.map(Kind::as_str)))
            .filter(sagas::due_at.le(AsInstant(now)))
            .filter(
                sagas::lease_until
                    .is_null()
                    .or(sagas::lease_until.le(db_now().nullable())),
            )
            .order((sagas::due_at.asc(), sagas::id.asc()))
            .limit(limit.into())
            .select(columns::<SagaRow>());
        let rows: Vec<SagaRow> = SkipLocked(due).load(&mut lease.connection()).await?;
        let ids: Vec<&str> = rows.iter().map(SagaRow::id).collect();
        if !ids.is_empty() {
            diesel::update(sagas::table.filter(sagas::id.eq_any(&ids)))
                .set((
                    sagas::version.eq(sagas::version + 1),
                    sagas::holder.eq(hold.holder.to_string()),
                    sagas::lease_until.eq(db_now_plus(hold.lease).nullable()),
                ))
                .execute(&mut lease.connection())
                .await?;
        }
        lease.commit().await?;
        Ok(rows.into_iter().map(SagaRow::claimed).collect())
    }
}

#[async_trait]
impl Sagas for Database {
    async fn saga(&self, id: SagaId) -> Result<Option<Saga>, Error> {
        let query = sagas::table
            .find(id.to_string())
            .select(columns::<SagaRow>());
        one(self.load::<_, SagaRow>(query).await?)
    }

    async fn sagas_of(&self, payment: PaymentId) -> Result<Vec<Saga>, Error> {
        let query = sagas::table
            .filter(sagas::payment_id.eq(payment.to_string()))
            .order((sagas::created_at.asc(), sagas::id.asc()))
            .select(columns::<SagaRow>());
        let rows = self.load::<_, SagaRow>(query).await?;
        rows.into_iter().map(Saga::try_from).collect()
    }

    async fn claim_sagas(
        &self,
        now: Timestamp,
        hold: Hold,
        limit: u32,
    ) -> Result<Vec<Saga>, Error> {
        let mut lease = self.writer().await?;
        let claimed =
            tokio::time::timeout(self.patience, Self::claim(&mut lease, now, hold, limit));
        let claimed = claimed.await.map_err(|_| too_slow())?;
        // What is left out stays held, so that it makes room for others until its lease is over.
        Ok(readable(claimed.map_err(|error| of_read(&error))?))
    }

    async fn renew_hold(&self, saga: SagaId, version: i64, hold: Hold) -> Result<bool, Error> {
        let ours = sagas::table
            .find(saga.to_string())
            .filter(sagas::version.eq(version))
            .filter(sagas::holder.eq(hold.holder.to_string()));
        let until = db_now_plus(hold.lease).nullable();
        let renewed = Steady(diesel::update(ours).set(sagas::lease_until.eq(until)));
        Ok(self.execute(renewed).await? == 1)
    }

    async fn release_hold(
        &self,
        saga: SagaId,
        version: i64,
        holder: WorkerId,
    ) -> Result<(), Error> {
        let ours = sagas::table
            .find(saga.to_string())
            .filter(sagas::version.eq(version))
            .filter(sagas::holder.eq(holder.to_string()));
        let released = Steady(diesel::update(ours).set((
            sagas::holder.eq(None::<&str>),
            sagas::lease_until.eq(None::<AsInstant>),
        )));
        self.execute(released).await.map(|_| ())
    }

    async fn hasten(
        &self,
        payment: PaymentId,
        now: Timestamp,
        gap: TimeDelta,
    ) -> Result<u64, Error> {
        let oldest = now.checked_sub_signed(gap).unwrap_or(DateTime::UNIX_EPOCH);
        let waiting = sagas::table
            .filter(sagas::payment_id.eq(payment.to_string()))
            .filter(saga_is_open())
            .filter(sagas::due_at.gt(AsInstant(now)))
            .filter(
                sagas::asked_at
                    .is_null()
                    .or(sagas::asked_at.le(AsInstant(oldest))),
            )
            .filter(
                sagas::lease_until
                    .is_null()
                    .or(sagas::lease_until.le(db_now().nullable())),
            );
        let pulled = Steady(diesel::update(waiting).set(sagas::due_at.eq(AsInstant(now))));
        let pulled = self.execute(pulled).await?;
        Ok(u64::try_from(pulled).unwrap_or(u64::MAX))
    }

    async fn open_sagas(&self, stuck_since: Timestamp) -> Result<Vec<OpenSagas>, Error> {
        let stuck = sagas::created_at.le(AsInstant(stuck_since));
        let query = sagas::table
            .filter(saga_is_open())
            .group_by((sagas::kind, sagas::phase))
            .select((
                sagas::kind,
                sagas::phase,
                count_star(),
                count(sagas::id).aggregate_filter(stuck),
                sql::<Instant>("MIN(created_at)"),
            ));
        Ok(readable(self.load::<_, OpenRow>(query).await?))
    }

    async fn stuck_sagas(
        &self,
        since: Timestamp,
        after: Option<SagaAfter>,
        limit: u32,
    ) -> Result<Vec<Saga>, Error> {
        let beyond = after.map(|row| {
            let at = AsInstant(row.created_at);
            let same = sagas::created_at.eq(at);
            let later = sagas::created_at.gt(at);
            later.or(same.and(sagas::id.gt(row.id.to_string())))
        });
        let query = sagas::table
            .filter(saga_is_open())
            .filter(sagas::kind.eq_any(Kind::ALL.map(Kind::as_str)))
            .filter(sagas::created_at.le(AsInstant(since)))
            .filter(when(beyond))
            .order((sagas::created_at.asc(), sagas::id.asc()))
            .limit(limit.into())
            .select(columns::<SagaRow>());
        Ok(readable(self.load::<_, SagaRow>(query).await?))
    }
}

/// How many sagas of a kind and phase are open.
#[derive(Queryable)]
struct OpenRow {
    kind: String,
    phase: String,
    count: i64,
    stuck: i64,
    oldest: AsInstant,
}

impl TryFrom<OpenRow> for OpenSagas {
    type Error = Error;

    fn try_from(row: OpenRow) -> Result<Self, Error> {
        let read = || -> Result<Self, Why> {
            Ok(Self {
                kind: row.kind.parse()?,
                phase: row.phase.parse()?,
                count: row.count.try_into()?,
                stuck: row.stuck.try_into()?,
                oldest: row.oldest.0,
            })
        };
        read().map_err(corrupt("sagas", format!("{} {}", row.kind, row.phase)))
    }
}

fn too_slow() -> Error {
    Error::Unavailable("the claim took too long".to_owned())
}
