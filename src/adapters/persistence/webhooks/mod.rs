//! Owns the reads and claims of endpoints and deliveries.

mod claim;
mod news;
mod rows;

use application::ports::store::{
    Claimed, Error, Listed, Listener, PENDING_COUNTED_MAX, Queue, Webhooks,
};
use async_trait::async_trait;
use diesel::dsl::{count_star, exists};
use diesel::prelude::*;
use domain::Timestamp;
use domain::change::Hold;
use domain::id::{EndpointId, MerchantId};
use domain::principal::Scope;
use domain::webhook::{Attempt, Delivery, DeliveryKey, Endpoint, Note, State, Status};

use super::connection::Database;
use super::dialect::{
    DeliveryAmong, columns, db_now, delivery_is_over, delivery_is_pending, oldest_pending,
    pending_deliveries, when,
};
use super::schema::{deliveries, delivery_attempts, events, webhook_endpoints, webhook_notes};
use super::types::AsInstant;
use super::{one, readable};
use rows::ListedRow;

pub(super) use rows::{AttemptRow, DeliveryRow, EditRow, EndpointRow, NoteRow};

/// The event of a payment that a delivery brings.
macro_rules! its_event {
    () => {
        events::table.on(events::payment_id
            .eq(deliveries::subject_id)
            .and(events::sequence.eq(deliveries::sequence)))
    };
}

#[async_trait]
impl Webhooks for Database {
    async fn endpoint(&self, id: EndpointId) -> Result<Option<Endpoint>, Error> {
        let query = webhook_endpoints::table
            .find(id.to_string())
            .select(columns::<EndpointRow>());
        one(self.load::<_, EndpointRow>(query).await?)
    }

    async fn endpoints(&self, scope: Scope, limit: u32) -> Result<Vec<Endpoint>, Error> {
        let query = webhook_endpoints::table
            .filter(webhook_endpoints::merchant_id.eq(scope.merchant.to_string()))
            .filter(webhook_endpoints::mode.eq(scope.mode.as_str()))
            .filter(webhook_endpoints::status.ne(Status::Deleted.as_str()))
            .order((
                webhook_endpoints::created_at.desc(),
                webhook_endpoints::id.desc(),
            ))
            .limit(limit.into())
            .select(columns::<EndpointRow>());
        Ok(readable(self.load::<_, EndpointRow>(query).await?))
    }

    async fn listening(&self, merchants: &[MerchantId]) -> Result<Vec<Listener>, Error> {
        let merchants: Vec<String> = merchants.iter().map(ToString::to_string).collect();
        let query = webhook_endpoints::table
            .filter(webhook_endpoints::merchant_id.eq_any(merchants))
            .filter(webhook_endpoints::status.eq(Status::Enabled.as_str()))
            .order(webhook_endpoints::id.asc())
            .select(columns::<EndpointRow>());
        let rows = self.load::<_, EndpointRow>(query).await?;
        rows.into_iter().map(Listener::try_from).collect()
    }

    async fn notes(&self, endpoint: EndpointId, limit: u32) -> Result<Vec<Note>, Error> {
        let query = webhook_notes::table
            .filter(webhook_notes::endpoint_id.eq(endpoint.to_string()))
            .order(webhook_notes::version.desc())
            .limit(limit.into())
            .select(columns::<NoteRow>());
        let rows = self.load::<_, NoteRow>(query).await?;
        rows.into_iter().map(Note::try_from).collect()
    }

    async fn delivery(&self, key: &DeliveryKey) -> Result<Option<Listed>, Error> {
        let query = deliveries::table
            .left_join(its_event!())
            .filter(deliveries::endpoint_id.eq(key.endpoint.to_string()))
            .filter(deliveries::subject_id.eq(key.event.subject.to_string()))
            .filter(deliveries::sequence.eq(key.event.sequence))
            .select((columns::<DeliveryRow>(), events::kind.nullable()));
        let rows = self.load::<_, (DeliveryRow, Option<String>)>(query).await?;
        one(rows.into_iter().map(listed).collect())
    }

    async fn deliveries(
        &self,
        endpoint: EndpointId,
        state: Option<State>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Listed>, Error> {
        let query = deliveries::table
            .left_join(its_event!())
            .filter(deliveries::endpoint_id.eq(endpoint.to_string()))
            .filter(when(
                state.map(|state| deliveries::state.eq(state.as_str())),
            ))
            .filter(when(before.map(|before| deliveries::position.lt(before))))
            .order(deliveries::position.desc())
            .limit(limit.into())
            .select((columns::<DeliveryRow>(), events::kind.nullable()));
        let rows = self.load::<_, (DeliveryRow, Option<String>)>(query).await?;
        let rows = rows.into_iter().map(listed);
        rows.map(Listed::try_from).collect()
    }

    async fn deliveries_at(
        &self,
        endpoint: EndpointId,
        positions: &[i64],
    ) -> Result<Vec<Delivery>, Error> {
        let query = deliveries::table
            .filter(deliveries::endpoint_id.eq(endpoint.to_string()))
            .filter(deliveries::position.eq_any(positions.to_vec()))
            .order(deliveries::position.asc())
            .select(columns::<DeliveryRow>());
        let rows = self.load::<_, DeliveryRow>(query).await?;
        rows.into_iter().map(Delivery::try_from).collect()
    }

    async fn attempts(&self, key: &DeliveryKey, limit: u32) -> Result<Vec<Attempt>, Error> {
        let query = delivery_attempts::table
            .filter(delivery_attempts::endpoint_id.eq(key.endpoint.to_string()))
            .filter(delivery_attempts::subject_id.eq(key.event.subject.to_string()))
            .filter(delivery_attempts::sequence.eq(key.event.sequence))
            .order(delivery_attempts::number.desc())
            .limit(limit.into())
            .select(columns::<AttemptRow>());
        let rows = self.load::<_, AttemptRow>(query).await?;
        rows.into_iter().map(Attempt::try_from).collect()
    }

    async fn endpoints_due(
        &self,
        now: Timestamp,
        after: Option<EndpointId>,
        limit: u32,
    ) -> Result<Vec<Endpoint>, Error> {
        let is_free = deliveries::lease_until
            .is_null()
            .or(deliveries::lease_until.le(db_now().nullable()));
        let due = deliveries::table
            .filter(deliveries::endpoint_id.eq(webhook_endpoints::id))
            .filter(delivery_is_pending())
            .filter(deliveries::due_at.le(AsInstant(now)))
            .filter(is_free);
        let beyond = after.map(|after| webhook_endpoints::id.gt(after.to_string()));
        let query = webhook_endpoints::table
            .filter(webhook_endpoints::status.eq(Status::Enabled.as_str()))
            .filter(when(beyond))
            .filter(exists(due))
            .order(webhook_endpoints::id.asc())
            .limit(limit.into())
            .select(columns::<EndpointRow>());
        Ok(readable(self.load::<_, EndpointRow>(query).await?))
    }

    async fn claim_deliveries(
        &self,
        endpoint: &Endpoint,
        now: Timestamp,
        hold: Hold,
        limit: u32,
    ) -> Result<Vec<Claimed>, Error> {
        self.claim_due(endpoint, now, hold, limit).await
    }

    async fn queue(&self) -> Result<Queue, Error> {
        let pending = diesel::select(pending_deliveries(PENDING_COUNTED_MAX));
        let pending = self.load::<_, i64>(pending).await?.first().copied();
        // The first of each endpoint is one look into the index.
        let oldest = webhook_endpoints::table
            .filter(webhook_endpoints::status.eq(Status::Enabled.as_str()))
            .select(oldest_pending());
        let oldest = self.load::<_, Option<AsInstant>>(oldest).await?;
        let failing = webhook_endpoints::table
            .filter(webhook_endpoints::status.eq(Status::Enabled.as_str()))
            .filter(webhook_endpoints::failing_since.is_not_null())
            .select(count_star());
        let failing = self.load::<_, i64>(failing).await?.first().copied();
        let whole = |count: Option<i64>| u64::try_from(count.unwrap_or_default());
        Ok(Queue {
            pending: whole(pending).unwrap_or_default(),
            oldest_due: oldest.into_iter().flatten().next().map(|due| due.0),
            failing: whole(failing).unwrap_or_default(),
        })
    }

    async fn sweep_deliveries(&self, before: Timestamp, limit: u32) -> Result<u64, Error> {
        let ended = deliveries::table
            .filter(delivery_is_over())
            .filter(deliveries::due_at.lt(AsInstant(before)))
            .order(deliveries::due_at.asc())
            .limit(limit.into())
            .select((deliveries::endpoint_id, deliveries::position));
        let ended = diesel::delete(deliveries::table.filter(DeliveryAmong(ended)));
        let ended = self.execute(ended).await?;
        let ended = u32::try_from(ended).unwrap_or(limit);
        if ended >= limit {
            return Ok(ended.into());
        }
        let ownerless = deliveries::table
            .inner_join(webhook_endpoints::table)
            .filter(webhook_endpoints::status.eq(Status::Deleted.as_str()))
            .filter(delivery_is_pending())
            .filter(deliveries::due_at.lt(AsInstant(before)))
            .order(deliveries::due_at.asc())
            .limit(limit.saturating_sub(ended).into())
            .select((deliveries::endpoint_id, deliveries::position));
        let ownerless = diesel::delete(deliveries::table.filter(DeliveryAmong(ownerless)));
        let ownerless = self.execute(ownerless).await?;
        let ownerless = u32::try_from(ownerless).unwrap_or(limit);
        Ok(u64::from(ended).saturating_add(ownerless.into()))
    }
}

fn listed((row, kind): (DeliveryRow, Option<String>)) -> ListedRow {
    ListedRow(row, kind)
}
