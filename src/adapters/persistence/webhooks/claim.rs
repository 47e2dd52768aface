//! Owns taking deliveries that are due: two statements of one transaction, then what they bring.

use application::ports::store::{Claimed, Error};
use diesel::QueryResult;
use diesel::dsl::exists;
use diesel::prelude::*;
use domain::Timestamp;
use domain::change::Hold;
use domain::webhook::{Delivery, Endpoint, Status};

use super::rows::DeliveryRow;
use crate::adapters::persistence::connection::{Database, Lease, RunQueryDsl};
use crate::adapters::persistence::dialect::{
    SkipLocked, columns, db_now, db_now_plus, delivery_is_pending,
};
use crate::adapters::persistence::error::of_read;
use crate::adapters::persistence::readable;
use crate::adapters::persistence::schema::{deliveries, webhook_endpoints};
use crate::adapters::persistence::types::AsInstant;

impl Database {
    /// What [`application::ports::store::Webhooks::claim_deliveries`] says.
    pub(super) async fn claim_due(
        &self,
        endpoint: &Endpoint,
        now: Timestamp,
        hold: Hold,
        limit: u32,
    ) -> Result<Vec<Claimed>, Error> {
        let mut lease = self.writer().await?;
        let claimed = claim(&mut lease, endpoint, now, (hold, limit));
        let claimed = tokio::time::timeout(self.patience, claimed).await;
        let claimed = claimed.map_err(|_| too_slow())?;
        let rows = claimed.map_err(|error| of_read(&error))?;
        drop(lease);
        let claimed: Vec<Delivery> = readable(rows);
        let mut known = self.news_of(&claimed).await?;
        let with_news = |delivery: Delivery| {
            let news = known.remove(&delivery.key.event);
            let news = news.unwrap_or_else(|| Err("it is not there".to_owned()));
            Claimed { delivery, news }
        };
        Ok(claimed.into_iter().map(with_news).collect())
    }
}

/// Selects and holds in one transaction; the selected rows are nobody else's until it ends.
#[expect(
    clippy::arithmetic_side_effects,
    reason = "the database adds, and checks"
)]
async fn claim(
    lease: &mut Lease,
    seen: &Endpoint,
    now: Timestamp,
    (hold, limit): (Hold, u32),
) -> QueryResult<Vec<DeliveryRow>> {
    lease.begin().await?;
    let endpoint = seen.id.to_string();
    let is_as_seen = webhook_endpoints::table
        .find(&endpoint)
        .filter(webhook_endpoints::status.eq(Status::Enabled.as_str()))
        .filter(webhook_endpoints::version.eq(seen.version));
    let is_free = deliveries::lease_until
        .is_null()
        .or(deliveries::lease_until.le(db_now().nullable()));
    let due = deliveries::table
        .filter(deliveries::endpoint_id.eq(&endpoint))
        .filter(delivery_is_pending())
        .filter(deliveries::due_at.le(AsInstant(now)))
        .filter(is_free)
        .filter(exists(is_as_seen))
        .order(deliveries::due_at.asc())
        .limit(limit.into())
        .select(columns::<DeliveryRow>());
    let mut rows: Vec<DeliveryRow> = SkipLocked(due).load(&mut lease.connection()).await?;
    let positions: Vec<i64> = rows.iter().map(|row| row.position).collect();
    if !positions.is_empty() {
        let taken = deliveries::table
            .filter(deliveries::endpoint_id.eq(&endpoint))
            .filter(deliveries::position.eq_any(&positions));
        diesel::update(taken)
            .set((
                deliveries::version.eq(deliveries::version + 1),
                deliveries::holder.eq(hold.holder.to_string()),
                deliveries::lease_until.eq(db_now_plus(hold.lease).nullable()),
            ))
            .execute(&mut lease.connection())
            .await?;
    }
    lease.commit().await?;
    for row in &mut rows {
        row.version += 1;
    }
    Ok(rows)
}

fn too_slow() -> Error {
    Error::Unavailable("the claim took too long".to_owned())
}
