//! Owns taking deliveries that are due: two statements of one transaction, then their events.

use std::collections::HashMap;

use application::ports::store::{Claimed, Error};
use diesel::QueryResult;
use diesel::dsl::exists;
use diesel::prelude::*;
use domain::Timestamp;
use domain::change::Hold;
use domain::event::PaymentEvent;
use domain::id::PaymentId;
use domain::webhook::{Delivery, Endpoint, EventId, Status};

use super::rows::DeliveryRow;
use crate::adapters::persistence::books::EventRow;
use crate::adapters::persistence::connection::{Database, Lease, RunQueryDsl};
use crate::adapters::persistence::dialect::{
    SkipLocked, columns, db_now, db_now_plus, delivery_is_pending,
};
use crate::adapters::persistence::error::of_read;
use crate::adapters::persistence::readable;
use crate::adapters::persistence::schema::{deliveries, events, webhook_endpoints};
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
        let mut known = self.events_of(&claimed).await?;
        let with_event = |delivery: Delivery| {
            let event = known.remove(&delivery.key.event);
            let event = event.unwrap_or_else(|| Err("it is not there".to_owned()));
            Claimed { delivery, event }
        };
        Ok(claimed.into_iter().map(with_event).collect())
    }

    async fn events_of(
        &self,
        claimed: &[Delivery],
    ) -> Result<HashMap<EventId, Result<PaymentEvent, String>>, Error> {
        let payments = claimed.iter().map(|delivery| delivery.key.event.payment);
        let payments: Vec<String> = payments.map(|id: PaymentId| id.to_string()).collect();
        let sequences = claimed.iter().map(|delivery| delivery.key.event.sequence);
        let sequences: Vec<i64> = sequences.collect();
        if claimed.is_empty() {
            return Ok(HashMap::new());
        }
        // A few more than are asked for: diesel has no word for pairs.
        let query = events::table
            .filter(events::payment_id.eq_any(payments))
            .filter(events::sequence.eq_any(sequences))
            .select(columns::<EventRow>());
        let found = self.load::<_, EventRow>(query).await?;
        let by_id = |row: EventRow| {
            let payment = row.payment_id.parse().ok()?;
            let sequence = row.sequence;
            let event = PaymentEvent::try_from(row).map_err(|error| error.to_string());
            Some((EventId { payment, sequence }, event))
        };
        Ok(found.into_iter().filter_map(by_id).collect())
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
