//! Owns the endpoint of a payment's events.

use std::sync::Arc;

use application::Caller;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use domain::event::PaymentEvent;

use super::Api;
use super::bodies::{Event, Events, Success};
use super::envelope::{Failure, Reply};
use super::extract::PaymentPath;
use super::query::Query;

const PAGE_ROWS: u32 = 20;
const PAGE_ROWS_MAX: u32 = 100;

/// List a payment's events
///
/// Everything that happened to it, in order; each line's hash covers the one before.
#[utoipa::path(
    get,
    path = "/api/v1/payments/{paymentId}/events",
    tag = "payments",
    params(
        ("paymentId" = String, Path, description = "The payment"),
        ("after" = Option<i64>, Query, minimum = 0,
         description = "After this sequence; 0 by default"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100,
         description = "Rows, 1 to 100; 20 by default"),
    ),
    responses((status = 200, description = "The events", body = Success<Events>)),
)]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    PaymentPath(payment): PaymentPath,
    mut query: Query,
) -> Result<Reply, Failure> {
    let after = query.number("after", 0..=i64::MAX).unwrap_or(0);
    let limit = query
        .number("limit", 1..=PAGE_ROWS_MAX)
        .unwrap_or(PAGE_ROWS);
    query.finish()?;
    let found = api.app.events(&caller, payment, after, limit).await?;
    let full = u32::try_from(found.len()).is_ok_and(|rows| rows >= limit);
    let next_after = found.last().filter(|_| full).map(|event| event.sequence);
    let events: Result<Vec<Event>, Failure> = found.into_iter().map(shown).collect();
    let events = events?;
    Reply::new(StatusCode::OK, &Events { events, next_after })
}

pub(super) fn shown(event: PaymentEvent) -> Result<Event, Failure> {
    let payload = serde_json::from_slice(&event.payload);
    Ok(Event {
        sequence: event.sequence,
        kind: event.kind.to_string(),
        from: event.from.map(|status| status.to_string()),
        to: event.to.to_string(),
        actor: event.actor.to_string(),
        reason: event.reason,
        trace_id: event.trace.id().to_string(),
        at: event.at,
        payload: payload.map_err(|error| Failure::internal(&error))?,
        hash: event.hash.to_string(),
        previous_hash: event.previous.to_string(),
    })
}
