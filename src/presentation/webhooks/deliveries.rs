//! Owns the endpoints of the API about deliveries: their log, their tries, and sending again.

use std::sync::Arc;

use application::Caller;
use application::webhooks::Range;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use domain::feed::Cursor;
use domain::webhook::{self, EventId};
use serde::Serialize;
use utoipa::ToSchema;

use super::EndpointPath;
use super::shown::{Again, Attempt, Attempts, Deliveries, Delivery};
use crate::presentation::Api;
use crate::presentation::bodies::Success;
use crate::presentation::body::JsonBody;
use crate::presentation::catalogue::Code;
use crate::presentation::envelope::{Failure, Reply};
use crate::presentation::feed;
use crate::presentation::query::Query;

const PAGE_ROWS: u32 = 20;
const PAGE_ROWS_MAX: u32 = 100;

/// What is to be sent again: one event, or what an endpoint has not taken of a range.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::presentation) struct Redeliver {
    /// This event alone, whether it was taken or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<String>,
    /// Otherwise the events behind this place of the feed; from the first on, without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
    /// Up to this place; all, without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    /// Whether those that were taken are sent again, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(default = false)]
    taken_too: Option<bool>,
}

/// List the deliveries to a webhook endpoint
///
/// The newest events first. What is about endpoints is in no feed and comes behind what is, the
/// newest first, too. Deliveries are kept for 30 days after they ended.
#[utoipa::path(
    get,
    path = "/api/v1/webhook-endpoints/{endpointId}/deliveries",
    tag = "webhooks",
    params(
        ("endpointId" = String, Path, description = "The endpoint"),
        ("status" = Option<String>, Query, description = "PENDING, DELIVERED or FAILED",
         pattern = "^(PENDING|DELIVERED|FAILED)$"),
        ("before" = Option<String>, Query,
         description = "`nextBefore` of the page before, or the `cursor` of an event"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100,
         description = "Rows, 1 to 100; 20 by default"),
    ),
    responses((status = 200, description = "The deliveries", body = Success<Deliveries>)),
)]
pub(in crate::presentation) async fn list(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    EndpointPath(endpoint): EndpointPath,
    mut query: Query,
) -> Result<Reply, Failure> {
    let state = query.parsed::<webhook::State>("status");
    let before = query.text("before").and_then(|text| {
        let cursor = feed::parse_anywhere(&text);
        if cursor.is_none() {
            query.refuse("before", Code::CursorInvalid);
        }
        cursor
    });
    let limit = query
        .number("limit", 1..=PAGE_ROWS_MAX)
        .unwrap_or(PAGE_ROWS);
    query.finish()?;
    let office = api.app.webhooks();
    let before = before.map(|cursor| cursor.position);
    let of = (caller.scope, endpoint);
    let found = office.deliveries(of, state, before, limit).await?;
    let epoch = office.store.head().await?.epoch;
    let full = u32::try_from(found.len()).is_ok_and(|rows| rows >= limit);
    let last = found.last().filter(|_| full);
    let last = last.map(|listed| Cursor {
        epoch,
        position: listed.delivery.position,
    });
    let shown = found.iter().map(|listed| Delivery::of(listed, epoch));
    let deliveries = Deliveries {
        deliveries: shown.collect(),
        next_before: last.map(feed::text_of),
    };
    Reply::new(StatusCode::OK, &deliveries)
}

/// List the tries of a delivery
///
/// The newest first; none where the endpoint was not told of this event.
#[utoipa::path(
    get,
    path = "/api/v1/webhook-endpoints/{endpointId}/attempts",
    tag = "webhooks",
    params(
        ("endpointId" = String, Path, description = "The endpoint"),
        ("eventId" = String, Query, description = "The event"),
    ),
    responses((status = 200, description = "The tries", body = Success<Attempts>)),
)]
pub(in crate::presentation) async fn attempts(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    EndpointPath(endpoint): EndpointPath,
    mut query: Query,
) -> Result<Reply, Failure> {
    let event = query.parsed::<EventId>("eventId");
    query.finish()?;
    let event = event.ok_or_else(|| Failure::field("eventId", Code::FieldRequired))?;
    let office = api.app.webhooks();
    let found = office.attempts((caller.scope, endpoint), event).await?;
    let attempts = found.into_iter().map(Attempt::from).collect();
    Reply::new(StatusCode::OK, &Attempts { attempts })
}

/// Send again to a webhook endpoint
///
/// One event, or of a range all that the endpoint has not taken, also what happened while it was
/// disabled. A range is looked through 500 events at a time: ask again from `nextAfter` while there
/// is `more`. The receiver knows an event that it has had by its `webhook-id`.
#[utoipa::path(
    post,
    path = "/api/v1/webhook-endpoints/{endpointId}/redeliver",
    tag = "webhooks",
    params(("endpointId" = String, Path, description = "The endpoint")),
    request_body = Redeliver,
    responses((status = 200, description = "How many are sent again", body = Success<Again>)),
)]
pub(in crate::presentation) async fn again(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    EndpointPath(endpoint): EndpointPath,
    body: JsonBody,
) -> Result<Reply, Failure> {
    let mut form = body.form()?;
    let event = form.optional_as::<Maybe<EventId>>("eventId", Maybe(None));
    let mut place = |name| form.optional_as::<Maybe<Place>>(name, Maybe(None));
    let (after, until) = (place("after"), place("until"));
    let taken_too = form.optional_flag("takenToo").unwrap_or_default();
    let asked = event.zip(after.zip(until));
    let (Maybe(event), (Maybe(after), Maybe(until))) = form.finish(asked)?;
    let of = (caller.scope, endpoint);
    let office = api.app.webhooks();
    let again = match event {
        // One event is no range.
        Some(_) if after.is_some() => return Err(Failure::field("after", Code::FieldUnknown)),
        Some(_) if until.is_some() => return Err(Failure::field("until", Code::FieldUnknown)),
        Some(event) => {
            office.redeliver(of, event).await?;
            Again {
                count: 1,
                unsendable: 0,
                next_after: None,
                more: false,
            }
        }
        None => {
            let range = Range {
                after: after.map(|Place(cursor)| cursor),
                until: until.map(|Place(cursor)| cursor),
                taken_too,
            };
            office.redeliver_range(of, range).await?.into()
        }
    };
    Reply::new(StatusCode::OK, &again)
}

/// What may be left out.
struct Maybe<T>(Option<T>);

impl<T: std::str::FromStr> std::str::FromStr for Maybe<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        text.parse().map(|value| Self(Some(value)))
    }
}

/// A cursor of the feed, as it was given out.
struct Place(Cursor);

/// A text is no cursor.
struct NoCursor;

impl std::str::FromStr for Place {
    type Err = NoCursor;

    fn from_str(text: &str) -> Result<Self, NoCursor> {
        feed::parse(text).map(Self).ok_or(NoCursor)
    }
}

impl From<NoCursor> for Code {
    fn from(NoCursor: NoCursor) -> Self {
        Self::CursorInvalid
    }
}
