//! Owns the endpoints that read subscriptions: one, a list, charges ahead, what was, and what
//! members have paid for.

use std::sync::Arc;

use application::Caller;
use application::subscriptions::SubscriptionError;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use domain::calendar::CycleNumber;
use domain::id::SubscriptionId;
use domain::text::MemberId;

use super::SubscriptionPath;
use super::shown::{
    Cycle, Entitlement, Entitlements, Subscription, SubscriptionCycles, SubscriptionEvent,
    SubscriptionEvents, SubscriptionSchedule, SubscriptionSummary, Subscriptions,
};
use crate::presentation::Api;
use crate::presentation::bodies::Success;
use crate::presentation::catalogue::Code;
use crate::presentation::envelope::{Failure, Reply};
use crate::presentation::query::Query;

const PAGE_ROWS: u32 = 20;
const PAGE_ROWS_MAX: u32 = 100;

/// List subscriptions
///
/// Newest first, without their cycles. The list may be empty.
#[utoipa::path(
    get,
    path = "/api/v1/subscriptions",
    tag = "subscriptions",
    params(
        ("memberId" = Option<String>, Query, min_length = 1, max_length = 64,
         description = "Of this member"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100,
         description = "Rows, 1 to 100; 20 by default"),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the page before"),
    ),
    responses((status = 200, description = "A page of subscriptions",
               body = Success<Subscriptions>)),
)]
pub(in crate::presentation) async fn list(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    mut query: Query,
) -> Result<Reply, Failure> {
    let member = query.parsed::<MemberId>("memberId");
    let limit = rows(&mut query);
    let before = cursor(&mut query);
    query.finish()?;
    let page = api.app.subscriptions(&caller, member, before, limit);
    let page = page.await?;
    let shown = page.rows.into_iter();
    let shown = shown.map(|view| Subscription::with(view, None));
    let subscriptions = Subscriptions {
        subscriptions: shown.collect(),
        next_cursor: page.next.map(|id: SubscriptionId| id.to_string()),
    };
    Reply::new(StatusCode::OK, &subscriptions)
}

/// Read a subscription
///
/// With its newest cycle. Reading one whose charge waits for the gateway hastens the question
/// about it.
#[utoipa::path(
    get,
    path = "/api/v1/subscriptions/{subscriptionId}",
    tag = "subscriptions",
    params(("subscriptionId" = String, Path, description = "The subscription")),
    responses((status = 200, description = "The subscription", body = Success<Subscription>)),
)]
pub(in crate::presentation) async fn read(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    SubscriptionPath(id): SubscriptionPath,
) -> Result<Reply, Failure> {
    let view = api.app.subscription(&caller, id).await?;
    Reply::new(StatusCode::OK, &Subscription::with(view, None))
}

/// Preview a subscription's charges
///
/// The next 24 dates and amounts, if nothing changes. None where nothing is charged any more.
#[utoipa::path(
    get,
    path = "/api/v1/subscriptions/{subscriptionId}/schedule",
    tag = "subscriptions",
    params(("subscriptionId" = String, Path, description = "The subscription")),
    responses((status = 200, description = "The charges ahead",
               body = Success<SubscriptionSchedule>)),
)]
pub(in crate::presentation) async fn schedule(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    SubscriptionPath(id): SubscriptionPath,
) -> Result<Reply, Failure> {
    let schedule = api.app.schedule(&caller, id).await?;
    Reply::new(StatusCode::OK, &SubscriptionSchedule::from(schedule))
}

/// List a subscription's cycles
///
/// Newest first: what was due when, what was tried, and the payment that paid it.
#[utoipa::path(
    get,
    path = "/api/v1/subscriptions/{subscriptionId}/cycles",
    tag = "subscriptions",
    params(
        ("subscriptionId" = String, Path, description = "The subscription"),
        ("before" = Option<u32>, Query, minimum = 1,
         description = "Before the cycle of this number: `nextBefore` of the page before"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100,
         description = "Rows, 1 to 100; 20 by default"),
    ),
    responses((status = 200, description = "A page of cycles",
               body = Success<SubscriptionCycles>)),
)]
pub(in crate::presentation) async fn cycles(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    SubscriptionPath(id): SubscriptionPath,
    mut query: Query,
) -> Result<Reply, Failure> {
    let before = query.number("before", 1..=i64::from(u32::MAX));
    let limit = rows(&mut query);
    query.finish()?;
    let before = before.and_then(CycleNumber::new);
    let page = api.app.cycles(&caller, id, before, limit).await?;
    let cycles = SubscriptionCycles {
        cycles: page.rows.into_iter().map(Cycle::from).collect(),
        next_before: page.next.map(CycleNumber::get),
    };
    Reply::new(StatusCode::OK, &cycles)
}

/// Sum a subscription up
///
/// What became of its cycles that were due in a span of time; of all where none is given.
#[utoipa::path(
    get,
    path = "/api/v1/subscriptions/{subscriptionId}/summary",
    tag = "subscriptions",
    params(
        ("subscriptionId" = String, Path, description = "The subscription"),
        ("from" = Option<String>, Query, description = "Due at or after, ISO 8601"),
        ("until" = Option<String>, Query, description = "Due before, ISO 8601"),
    ),
    responses((status = 200, description = "The sums", body = Success<SubscriptionSummary>)),
)]
pub(in crate::presentation) async fn summary(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    SubscriptionPath(id): SubscriptionPath,
    mut query: Query,
) -> Result<Reply, Failure> {
    let span = (query.instant("from"), query.instant("until"));
    if let (Some(from), Some(until)) = span
        && from > until
    {
        query.refuse("until", Code::FieldRange);
    }
    query.finish()?;
    let summary = api.app.summary(&caller, id, span).await?;
    Reply::new(StatusCode::OK, &SubscriptionSummary::from(summary))
}

/// List a subscription's events
///
/// Everything that was done to it, in order.
#[utoipa::path(
    get,
    path = "/api/v1/subscriptions/{subscriptionId}/events",
    tag = "subscriptions",
    params(
        ("subscriptionId" = String, Path, description = "The subscription"),
        ("after" = Option<i64>, Query, minimum = 0,
         description = "After this sequence; 0 by default"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100,
         description = "Rows, 1 to 100; 20 by default"),
    ),
    responses((status = 200, description = "The events", body = Success<SubscriptionEvents>)),
)]
pub(in crate::presentation) async fn events(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    SubscriptionPath(id): SubscriptionPath,
    mut query: Query,
) -> Result<Reply, Failure> {
    let after = query.number("after", 0..=i64::MAX).unwrap_or(0);
    let limit = rows(&mut query);
    query.finish()?;
    let app = &api.app;
    let found = app.subscription_events(&caller, id, after, limit).await?;
    let full = u32::try_from(found.len()).is_ok_and(|rows| rows >= limit);
    let events: Vec<_> = found.into_iter().map(SubscriptionEvent::from).collect();
    let next_after = events.last().filter(|_| full).map(|event| event.sequence);
    Reply::new(StatusCode::OK, &SubscriptionEvents { events, next_after })
}

/// Ask what a member is entitled to
///
/// What they have paid for now, for services that give it: no longer than it is paid, and not while
/// a charge is tried again. Nothing is told of a member whom nobody knows. Of one with hundreds of
/// subscriptions a page may be empty, and `nextCursor` lead to more.
#[utoipa::path(
    get,
    path = "/api/v1/entitlements/{memberId}",
    tag = "subscriptions",
    params(
        ("memberId" = String, Path, min_length = 1, max_length = 64,
         description = "The merchant's id of the member"),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the page before"),
    ),
    responses((status = 200, description = "What is paid for", body = Success<Entitlements>)),
)]
pub(in crate::presentation) async fn entitlements(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    Path(member): Path<String>,
    mut query: Query,
) -> Result<Reply, Failure> {
    let member = member.parse::<MemberId>();
    let member = member.map_err(|error| Failure::field("memberId", error.into()))?;
    let before = cursor(&mut query);
    query.finish()?;
    let found = api.app.entitlements(&caller, member, before).await;
    let found = found.map_err(SubscriptionError::from)?;
    let entitlements = Entitlements {
        entitlements: found.rows.into_iter().map(Entitlement::from).collect(),
        next_cursor: found.next.map(|id| id.to_string()),
    };
    Reply::new(StatusCode::OK, &entitlements)
}

/// The subscription behind which a page begins.
fn cursor(query: &mut Query) -> Option<SubscriptionId> {
    match query.text("cursor").map(|text| text.parse()) {
        Some(Ok(id)) => Some(id),
        Some(Err(_)) => {
            query.refuse("cursor", Code::CursorInvalid);
            None
        }
        None => None,
    }
}

fn rows(query: &mut Query) -> u32 {
    let limit = query.number("limit", 1..=PAGE_ROWS_MAX);
    limit.unwrap_or(PAGE_ROWS)
}
