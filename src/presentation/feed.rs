//! Owns the endpoint of a merchant's events, all of them together, and its cursors.

use std::sync::Arc;
use std::time::Duration;

use application::Caller;
use application::events::EventsPage;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use domain::event::PaymentEvent;
use domain::feed::{Cursor, Happening};
use domain::member_event::{MemberEvent, Subject};
use domain::trace::Trace;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::Api;
use super::bodies::Success;
use super::catalogue::Code;
use super::envelope::{Failure, Reply};
use super::events::shown;
use super::query::Query;

const PAGE_ROWS: u32 = 20;
const PAGE_ROWS_MAX: u32 = 100;
const WAIT_SECONDS_MAX: u64 = 30;
/// What a cursor of this shape begins with.
const VERSION: &str = "1";

/// An event among those of all payments, subscriptions and stored cards.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct FeedEvent {
    /// Where it is: `after` this begins behind it.
    pub cursor: String,
    /// Of which payment, where it is a payment's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<String>,
    /// Of which subscription, where it is a subscription's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscription_id: Option<String>,
    /// Of which stored card, where it is a card's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub billing_key_id: Option<String>,
    /// 1 for the first event of what it is of, without gaps.
    pub sequence: i64,
    /// What happened.
    #[serde(rename = "type")]
    #[schema(example = "subscription.paid")]
    pub kind: String,
    /// The status before; none for the first event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The status after.
    pub to: String,
    /// Who caused it: MERCHANT, BUYER, OPERATOR, SYSTEM or GATEWAY.
    pub actor: String,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// W3C trace id of the request that caused it, or of what was done without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
    /// What it tells, free of personal data.
    pub payload: Value,
    /// Over the previous hash and everything the event says; of a payment's events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// The hash of the event before; of a payment's events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_hash: Option<String>,
}

impl FeedEvent {
    fn of_payment(cursor: Cursor, event: PaymentEvent) -> Result<Self, Failure> {
        let payment_id = Some(event.payment.to_string());
        let event = shown(event)?;
        Ok(Self {
            cursor: text_of(cursor),
            payment_id,
            subscription_id: None,
            billing_key_id: None,
            sequence: event.sequence,
            kind: event.kind,
            from: event.from,
            to: event.to,
            actor: event.actor,
            reason: event.reason,
            trace_id: Some(event.trace_id),
            at: event.at,
            payload: event.payload,
            hash: Some(event.hash),
            previous_hash: Some(event.previous_hash),
        })
    }

    fn of_member(cursor: Cursor, event: &MemberEvent) -> Result<Self, Failure> {
        let subject = event.subject.to_string();
        let (subscription_id, billing_key_id) = match event.subject {
            Subject::Subscription(_) => (Some(subject), None),
            Subject::BillingKey(_) => (None, Some(subject)),
        };
        let payload = serde_json::from_slice(&event.payload);
        Ok(Self {
            cursor: text_of(cursor),
            payment_id: None,
            subscription_id,
            billing_key_id,
            sequence: event.sequence,
            kind: event.kind.as_str().to_owned(),
            from: event.from.map(ToOwned::to_owned),
            to: event.to.to_owned(),
            actor: event.actor.to_string(),
            reason: None,
            trace_id: (event.trace != Trace::NONE).then(|| event.trace.id().to_string()),
            at: event.at,
            payload: payload.map_err(|error| Failure::internal(&error))?,
            hash: None,
            previous_hash: None,
        })
    }
}

/// Events of all payments, subscriptions and stored cards, in the order of the feed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Feed {
    /// The events.
    pub events: Vec<FeedEvent>,
    /// `after` of the next request; the same as before where there are no events.
    pub next_after: String,
    /// Whether there may be more right now.
    pub more: bool,
}

/// List all events
///
/// Those of payments, subscriptions and stored cards, in one order that never changes. Remember
/// `nextAfter` once the events are dealt with, and ask on from there; `wait` asks for the next ones
/// as soon as they happen. An event may come again after a cursor that was not remembered, never
/// out of its subject's order.
#[utoipa::path(
    get,
    path = "/api/v1/events",
    tag = "events",
    params(
        ("after" = Option<String>, Query,
         description = "`nextAfter` of the page before, or the `cursor` of an event; from the \
                        first event on by default"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100,
         description = "Rows, 1 to 100; 20 by default"),
        ("wait" = Option<u64>, Query, minimum = 0, maximum = 30,
         description = "Seconds to wait for the first event, where there is none; 0 by default"),
    ),
    responses((status = 200, description = "The events", body = Success<Feed>)),
)]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    mut query: Query,
) -> Result<Reply, Failure> {
    let after = query.text("after").and_then(|text| {
        let cursor = parse(&text);
        if cursor.is_none() {
            query.refuse("after", Code::CursorInvalid);
        }
        cursor
    });
    let limit = query
        .number("limit", 1..=PAGE_ROWS_MAX)
        .unwrap_or(PAGE_ROWS);
    let wait = query.number("wait", 0..=WAIT_SECONDS_MAX);
    let wait = Duration::from_secs(wait.unwrap_or_default());
    query.finish()?;
    let page = api.app.events_after(&caller, after, limit, wait).await?;
    Reply::new(StatusCode::OK, &feed(page)?)
}

fn feed(page: EventsPage) -> Result<Feed, Failure> {
    let mut events = Vec::with_capacity(page.events.len());
    for (cursor, event) in page.events {
        events.push(match event {
            Happening::Payment(event) => FeedEvent::of_payment(cursor, event)?,
            Happening::Member(event) => FeedEvent::of_member(cursor, &event)?,
        });
    }
    Ok(Feed {
        events,
        next_after: text_of(page.next),
        more: page.more,
    })
}

/// Opaque for callers, so that its shape may change.
pub(super) fn text_of(cursor: Cursor) -> String {
    let text = format!("{VERSION}.{}.{}", cursor.epoch, cursor.position);
    URL_SAFE_NO_PAD.encode(text)
}

pub(super) fn parse(text: &str) -> Option<Cursor> {
    parse_anywhere(text).filter(|cursor| cursor.position >= 0)
}

/// Of something in the feed or beside it, below its beginning.
pub(super) fn parse_anywhere(text: &str) -> Option<Cursor> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let decoded = String::from_utf8(bytes).ok()?;
    let (epoch, position) = decoded
        .strip_prefix(VERSION)?
        .strip_prefix('.')?
        .split_once('.')?;
    let cursor = Cursor {
        epoch: epoch.parse().ok()?,
        position: position.parse().ok()?,
    };
    // One spelling each, and none that we would not hand out.
    let is_ours = cursor.epoch >= 1 && text_of(cursor) == text;
    is_ours.then_some(cursor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back() {
        for (epoch, position) in [(1, 0), (1_700_000_000, 5), (i64::MAX, i64::MAX)] {
            let cursor = Cursor { epoch, position };
            assert_eq!(parse(&text_of(cursor)), Some(cursor));
            assert_eq!(parse_anywhere(&text_of(cursor)), Some(cursor));
        }
    }

    #[test]
    fn a_place_beside_the_feed_is_none_in_it() {
        for (epoch, position) in [(1, -1), (1_700_000_000, i64::MIN)] {
            let cursor = Cursor { epoch, position };
            assert_eq!(parse(&text_of(cursor)), None);
            assert_eq!(parse_anywhere(&text_of(cursor)), Some(cursor));
        }
    }

    #[test]
    fn whatever_else_is_none() {
        let odd = [
            "1.1.-0", "1.1.-01", "1.0.1", "1.-1.1", "1.+1.1", "1.01.1", "2.1.1", "1.1", "1.1.1.1",
            "1..1", "",
        ];
        for text in odd {
            let text = URL_SAFE_NO_PAD.encode(text);
            assert_eq!(
                (parse(&text), parse_anywhere(&text)),
                (None, None),
                "{text}"
            );
        }
        for text in ["", "1.1.1", "MS4xLjE=", "커서", "MS4xLj", "MS4x LjE"] {
            assert_eq!((parse(text), parse_anywhere(text)), (None, None), "{text}");
        }
    }
}
