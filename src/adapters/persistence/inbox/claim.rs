//! Owns taking a hint that is due: two statements of one transaction.

use application::ports::store::Error;
use diesel::QueryResult;
use diesel::prelude::*;
use domain::Timestamp;
use domain::change::Hold;
use domain::id::GatewayAccountId;
use domain::inbox::Hint;

use super::rows::HintRow;
use crate::adapters::persistence::connection::{Database, Lease, RunQueryDsl};
use crate::adapters::persistence::dialect::{SkipLocked, columns, db_now, db_now_plus};
use crate::adapters::persistence::error::of_read;
use crate::adapters::persistence::one;
use crate::adapters::persistence::schema::hints;
use crate::adapters::persistence::types::AsInstant;

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
        let claimed =
            claimed.map_err(|_| Error::Unavailable("the claim took too long".to_owned()))?;
        one(claimed.map_err(|error| of_read(&error))?)
    }
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
        row.turn = row.turn.saturating_add(1);
        row.looked_at = Some(AsInstant(now));
        diesel::update(hints::table.find(&row.payment_id))
            .set((
                hints::version.eq(row.version),
                hints::turn.eq(row.turn),
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
