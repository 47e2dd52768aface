//! Owns the writes about endpoints and deliveries.

use diesel::prelude::{ExpressionMethods, QueryDsl};
use diesel::{QueryResult, insert_into, update};
use domain::Timestamp;
use domain::id::EndpointId;
use domain::webhook::{Attempt, Change, Delivery, Endpoint, Note};

use super::Touched;
use crate::adapters::persistence::connection::{Connection, RunQueryDsl};
use crate::adapters::persistence::dialect::Steady;
use crate::adapters::persistence::schema::{
    deliveries, delivery_attempts, webhook_endpoints, webhook_notes,
};
use crate::adapters::persistence::types::AsInstant;
use crate::adapters::persistence::webhooks::{
    AttemptRow, DeliveryRow, EditRow, EndpointRow, NoteRow,
};

/// The one statement that a change is.
pub(super) fn statement<'c>(change: &'c Change, conn: Connection<'c>) -> Touched<'c> {
    match change {
        Change::InsertEndpoint(endpoint) => Box::pin(insert_endpoint(endpoint, conn)),
        Change::UpdateEndpoint { endpoint, expected } => {
            Box::pin(update_endpoint(endpoint, *expected, conn))
        }
        Change::Note(note) => Box::pin(insert_note(note, conn)),
        Change::BeginFailing { endpoint, since } => {
            Box::pin(begin_failing(*endpoint, *since, conn))
        }
        Change::EndFailing(endpoint) => Box::pin(end_failing(*endpoint, conn)),
        Change::InsertDelivery(delivery) => Box::pin(insert_delivery(delivery, conn)),
        Change::UpdateDelivery { delivery, expected } => {
            Box::pin(update_delivery(delivery, *expected, conn))
        }
        Change::LogAttempt(attempt) => Box::pin(log_attempt(attempt, conn)),
    }
}

async fn insert_endpoint(endpoint: &Endpoint, mut conn: Connection<'_>) -> QueryResult<usize> {
    insert_into(webhook_endpoints::table)
        .values(EndpointRow::from(endpoint))
        .execute(&mut conn)
        .await
}

async fn update_endpoint(
    endpoint: &Endpoint,
    expected: i64,
    mut conn: Connection<'_>,
) -> QueryResult<usize> {
    let as_expected = webhook_endpoints::table
        .find(endpoint.id.to_string())
        .filter(webhook_endpoints::version.eq(expected));
    update(as_expected)
        .set(EditRow::from(endpoint))
        .execute(&mut conn)
        .await
}

async fn insert_note(note: &Note, mut conn: Connection<'_>) -> QueryResult<usize> {
    insert_into(webhook_notes::table)
        .values(NoteRow::from(note))
        .execute(&mut conn)
        .await
}

async fn begin_failing(
    endpoint: EndpointId,
    since: Timestamp,
    mut conn: Connection<'_>,
) -> QueryResult<usize> {
    let well = webhook_endpoints::table
        .find(endpoint.to_string())
        .filter(webhook_endpoints::failing_since.is_null());
    let since = Some(AsInstant(since));
    Steady(update(well).set(webhook_endpoints::failing_since.eq(since)))
        .execute(&mut conn)
        .await
}

async fn end_failing(endpoint: EndpointId, mut conn: Connection<'_>) -> QueryResult<usize> {
    let failing = webhook_endpoints::table
        .find(endpoint.to_string())
        .filter(webhook_endpoints::failing_since.is_not_null());
    Steady(update(failing).set(webhook_endpoints::failing_since.eq(None::<AsInstant>)))
        .execute(&mut conn)
        .await
}

async fn insert_delivery(delivery: &Delivery, mut conn: Connection<'_>) -> QueryResult<usize> {
    insert_into(deliveries::table)
        .values(DeliveryRow::from(delivery))
        .execute(&mut conn)
        .await
}

async fn update_delivery(
    delivery: &Delivery,
    expected: i64,
    mut conn: Connection<'_>,
) -> QueryResult<usize> {
    let key = &delivery.key;
    let (endpoint, subject) = (key.endpoint.to_string(), key.event.subject.to_string());
    let as_expected = deliveries::table
        .find((endpoint, subject, key.event.sequence))
        .filter(deliveries::version.eq(expected));
    let next = (
        deliveries::state.eq(delivery.state.as_str()),
        deliveries::tries.eq(delivery.tries),
        deliveries::rung.eq(delivery.rung),
        deliveries::began_at.eq(AsInstant(delivery.began_at)),
        deliveries::due_at.eq(AsInstant(delivery.due_at)),
        deliveries::version.eq(delivery.version),
        deliveries::holder.eq(None::<&str>),
        deliveries::lease_until.eq(None::<AsInstant>),
    );
    Steady(update(as_expected).set(next))
        .execute(&mut conn)
        .await
}

async fn log_attempt(attempt: &Attempt, mut conn: Connection<'_>) -> QueryResult<usize> {
    insert_into(delivery_attempts::table)
        .values(AttemptRow::from(attempt))
        .execute(&mut conn)
        .await
}
