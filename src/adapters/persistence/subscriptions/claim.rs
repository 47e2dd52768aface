//! Owns taking the cycles that are due: a few statements of one transaction, which write to the
//! table of holds alone.

use application::ports::store::Error;
use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::dsl::{exists, not};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, HasSqlType, Text};
use domain::Timestamp;
use domain::change::Hold;
use domain::id::MerchantId;
use domain::subscription::Cycle;

use super::cycles::CycleRow;
use crate::adapters::persistence::connection::{Database, Lease, RunQueryDsl};
use crate::adapters::persistence::dialect::{
    CycleAmong, DbTime, SkipLocked, columns, db_now, db_now_plus,
};
use crate::adapters::persistence::error::of_read;
use crate::adapters::persistence::readable;
use crate::adapters::persistence::schema::{cycle_holds, cycles};
use crate::adapters::persistence::types::AsInstant;

/// So many holds that are over are forgotten with each claim, at most: more than it takes.
const FORGOTTEN_MAX: i64 = 1_000;

impl Database {
    /// What [`application::ports::store::Subscriptions::claim_cycles`] says.
    pub(super) async fn claim_due_cycles(
        &self,
        now: Timestamp,
        hold: Hold,
        except: &[MerchantId],
        limit: u32,
    ) -> Result<Vec<Cycle>, Error> {
        let mut lease = self.writer().await?;
        let claimed = claim(&mut lease, now, hold, (except, limit));
        let claimed = tokio::time::timeout(self.patience, claimed).await;
        let claimed = claimed.map_err(|_| too_slow())?;
        let rows = claimed.map_err(|error| of_read(&error))?;
        drop(lease);
        Ok(readable(rows))
    }
}

fn too_slow() -> Error {
    Error::Unavailable("the claim took too long".to_owned())
}

/// Selects and holds in one transaction; the selected rows are nobody else's until it ends.
async fn claim(
    lease: &mut Lease,
    now: Timestamp,
    hold: Hold,
    (except, limit): (&[MerchantId], u32),
) -> QueryResult<Vec<CycleRow>> {
    lease.begin().await?;
    let except: Vec<String> = except.iter().map(MerchantId::to_string).collect();
    let taken = cycle_holds::table
        .filter(cycle_holds::subscription_id.eq(cycles::subscription_id))
        .filter(cycle_holds::number.eq(cycles::number))
        .filter(cycle_holds::version.eq(cycles::version))
        .filter(cycle_holds::lease_until.gt(db_now()));
    let due = cycles::table
        .filter(cycles::next_at.le(Some(AsInstant(now))))
        .filter(cycles::merchant_id.ne_all(except))
        .filter(not(exists(taken)))
        .order(cycles::next_at.asc())
        .limit(limit.into())
        .select(columns::<CycleRow>());
    let mut rows: Vec<CycleRow> = SkipLocked(due).load(&mut lease.connection()).await?;
    if !rows.is_empty() {
        let take = Take {
            rows: &rows,
            holder: hold.holder.to_string(),
            until: db_now_plus(hold.lease),
            now: db_now(),
        };
        let count = take.execute(&mut lease.connection()).await?;
        if count < rows.len() {
            rows = ours(lease, hold, rows).await?;
        }
    }
    // Last, so that whoever waits for it holds nothing that it waits for.
    forget(lease).await?;
    lease.commit().await?;
    Ok(rows)
}

/// Of the rows those that we hold. In PostgreSQL a row that another has just taken may be selected
/// all the same: its lock is gone, and its hold is younger than our view of the table.
async fn ours(lease: &mut Lease, hold: Hold, rows: Vec<CycleRow>) -> QueryResult<Vec<CycleRow>> {
    let query = cycle_holds::table
        .filter(cycle_holds::subscription_id.eq_any(rows.iter().map(|row| row.place().0)))
        .filter(cycle_holds::holder.eq(hold.holder.to_string()))
        .filter(cycle_holds::lease_until.gt(db_now()))
        .select((
            cycle_holds::subscription_id,
            cycle_holds::number,
            cycle_holds::version,
        ));
    let known: Vec<(String, i64, i64)> = query.load(&mut lease.connection()).await?;
    let is_ours = |row: &CycleRow| {
        let mut all = known.iter();
        all.any(|(id, number, version)| (id, number, version) == row.place())
    };
    Ok(rows.into_iter().filter(is_ours).collect())
}

/// Ends with the holds that are over: their table stays as small as what is held.
async fn forget(lease: &mut Lease) -> QueryResult<usize> {
    let over = cycle_holds::table
        .filter(cycle_holds::lease_until.le(db_now()))
        .order(cycle_holds::lease_until.asc())
        .limit(FORGOTTEN_MAX)
        .select((cycle_holds::subscription_id, cycle_holds::number));
    let over = cycle_holds::table.filter(CycleAmong(SkipLocked(over)));
    diesel::delete(over).execute(&mut lease.connection()).await
}

/// Holds the cycles of these rows that nobody else does. diesel has no word for many rows of a
/// table that is one of two databases'.
struct Take<'a> {
    rows: &'a [CycleRow],
    holder: String,
    until: DbTime,
    now: DbTime,
}

impl QueryId for Take<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<DB> QueryFragment<DB> for Take<'_>
where
    DB: Backend + HasSqlType<Text> + HasSqlType<BigInt>,
    DbTime: QueryFragment<DB>,
    String: ToSql<Text, DB>,
    i64: ToSql<BigInt, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql(
            "INSERT INTO cycle_holds (subscription_id, number, version, holder, lease_until)",
        );
        for (index, row) in self.rows.iter().enumerate() {
            out.push_sql(if index == 0 { " VALUES (" } else { ", (" });
            let (subscription, number, version) = row.place();
            out.push_bind_param::<Text, _>(subscription)?;
            out.push_sql(", ");
            out.push_bind_param::<BigInt, _>(number)?;
            out.push_sql(", ");
            out.push_bind_param::<BigInt, _>(version)?;
            out.push_sql(", ");
            out.push_bind_param::<Text, _>(&self.holder)?;
            out.push_sql(", ");
            self.until.walk_ast(out.reborrow())?;
            out.push_sql(")");
        }
        out.push_sql(
            " ON CONFLICT (subscription_id, number) DO UPDATE \
             SET version = excluded.version, holder = excluded.holder, \
             lease_until = excluded.lease_until \
             WHERE cycle_holds.version <> excluded.version OR cycle_holds.lease_until <= ",
        );
        self.now.walk_ast(out.reborrow())
    }
}
