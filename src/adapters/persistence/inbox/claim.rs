//! Owns taking hints and notifications that are due: two statements of one transaction.

use application::ports::store::Error;
use diesel::QueryResult;
use diesel::prelude::*;
use domain::Timestamp;
use domain::change::Hold;
use domain::id::GatewayAccountId;
use domain::inbox::{Hint, Inbound};

use super::rows::{HintRow, InboundRow};
use crate::adapters::persistence::connection::{Database, Lease, RunQueryDsl};
use crate::adapters::persistence::dialect::{
    SkipLocked, columns, db_now, db_now_plus, inbound_is_waiting,
};
use crate::adapters::persistence::error::of_read;
use crate::adapters::persistence::schema::{hints, inbox};
use crate::adapters::persistence::types::AsInstant;
use crate::adapters::persistence::{one, readable};

impl Database {
    /// What [`application::ports::store::Inbox::claim_hint`] says.
    pub(super) async fn claim_due_hint(
        &self,
        now: Timestamp,
        hold: Hold,
        except: &[GatewayAccountId],
    ) -> Result<Option<Hint>, Error> {
        let mut lease = self.writer().await?;
        let claimed = claim(&mut lease, now, hold, except);
        let claimed = tokio::time::timeout(self.patience, claimed).await;
        let claimed = claimed.map_err(|_| too_slow())?;
        one(claimed.map_err(|error| of_read(&error))?)
    }

    /// What [`application::ports::store::Inbox::claim_inbounds`] says.
    pub(super) async fn claim_due_inbounds(
        &self,
        now: Timestamp,
        hold: Hold,
        limit: u32,
    ) -> Result<Vec<Inbound>, Error> {
        let mut lease = self.writer().await?;
        let claimed = claim_inbounds(&mut lease, now, hold, limit);
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

/// The selected rows are nobody else's until the transaction ends, and held after it.
#[expect(
    clippy::arithmetic_side_effects,
    reason = "the database adds, and checks"
)]
async fn claim_inbounds(
    lease: &mut Lease,
    now: Timestamp,
    hold: Hold,
    limit: u32,
) -> QueryResult<Vec<InboundRow>> {
    lease.begin().await?;
    let is_free = inbox::lease_until
        .is_null()
        .or(inbox::lease_until.le(db_now().nullable()));
    let due = inbox::table
        .filter(inbound_is_waiting())
        .filter(inbox::due_at.le(AsInstant(now)))
        .filter(is_free)
        .order(inbox::due_at.asc())
        .limit(limit.into())
        .select(columns::<InboundRow>());
    let mut rows: Vec<InboundRow> = SkipLocked(due).load(&mut lease.connection()).await?;
    if !rows.is_empty() {
        let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
        diesel::update(inbox::table.filter(inbox::id.eq_any(ids)))
            .set((
                inbox::version.eq(inbox::version + 1),
                inbox::holder.eq(hold.holder.to_string()),
                inbox::lease_until.eq(db_now_plus(hold.lease).nullable()),
            ))
            .execute(&mut lease.connection())
            .await?;
    }
    lease.commit().await?;
    for row in &mut rows {
        row.version = row.version.saturating_add(1);
    }
    Ok(rows)
}

async fn claim(
    lease: &mut Lease,
    now: Timestamp,
    hold: Hold,
    except: &[GatewayAccountId],
) -> QueryResult<Vec<HintRow>> {
    lease.begin().await?;
    let except: Vec<String> = except.iter().map(ToString::to_string).collect();
    let is_free = hints::lease_until
        .is_null()
        .or(hints::lease_until.le(db_now().nullable()));
    let due = hints::table
        .filter(hints::due_at.is_not_null())
        .filter(hints::due_at.le(AsInstant(now)))
        .filter(hints::gateway_account_id.ne_all(except))
        .filter(is_free)
        .order(hints::due_at.asc())
        .limit(1)
        .select(columns::<HintRow>());
    let mut rows: Vec<HintRow> = SkipLocked(due).load(&mut lease.connection()).await?;
    for row in &mut rows {
        row.version = row.version.saturating_add(1);
        row.looked_at = Some(AsInstant(now));
        diesel::update(hints::table.find(&row.payment_id))
            .set((
                hints::version.eq(row.version),
                hints::looked_at.eq(row.looked_at),
                hints::holder.eq(hold.holder.to_string()),
                hints::lease_until.eq(db_now_plus(hold.lease).nullable()),
            ))
            .execute(&mut lease.connection())
            .await?;
    }
    lease.commit().await?;
    Ok(rows)
}
