//! Owns the endpoint of a merchant's events, all payments together, and its cursors.

use std::sync::Arc;
use std::time::Duration;

use application::Caller;
use application::events::EventsPage;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::feed::Cursor;
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::bodies::{Event, Success};
use super::catalogue::Code;
use super::envelope::{Failure, Reply};
use super::events::shown;
use super::query::Query;

const PAGE_ROWS: u32 = 20;
const PAGE_ROWS_MAX: u32 = 100;
const WAIT_SECONDS_MAX: u64 = 30;
/// What a cursor of this shape begins with.
const VERSION: &str = "1";

/// An event among those of all payments.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct FeedEvent {
    /// Where it is: `after` this begins behind it.
    pub cursor: String,
    /// Of which payment.
    pub payment_id: String,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// Events of all payments, in the order of the feed.
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

/// List the events of all payments
///
/// In one order that never changes. Remember `nextAfter` once the events are dealt with, and ask on
/// from there; `wait` asks for the next ones as soon as they happen. An event may come again after
/// a cursor that was not remembered, never out of its payment's order.
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
        events.push(FeedEvent {
            cursor: text_of(cursor),
            payment_id: event.payment.to_string(),
            event: shown(event)?,
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
