//! Owns the endpoint that streams one payment: how it is, then each event as it happens, as
//! server-sent events.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use application::events::Following;
use application::{Caller, PaymentView};
use axum::Extension;
use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::sse::{self, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use domain::event::PaymentEvent;
use futures_util::stream;
use serde_json::json;

use super::bodies::Payment;
use super::catalogue::Code;
use super::envelope::Failure;
use super::events::shown;
use super::extract::PaymentPath;
use super::middleware::fresh_bits;
use super::{Api, Observer};

/// The header in which a client says what it was told last.
pub(super) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Asks proxies that collect answers to pass this one on as it comes.
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
/// A client whose stream has ended comes back after this at the earliest, and after nearly three
/// times as long at the latest: all that a stopping copy has served do not come at once.
const RETRY_MIN: Duration = Duration::from_secs(1);
const RETRY_STEP: Duration = Duration::from_millis(8);

/// Stream a payment
///
/// Server-sent events. The first is named `state` and is the payment as it is; then each thing that
/// happens to it comes as an `event`, in the form of the list of events. The `id` is the sequence
/// up to which the client has been told: sent back as `Last-Event-ID` it goes on behind it, so that
/// nothing is missed, whichever copy of the service answers. After an event that ends the payment
/// for good comes `end`; 204 tells who comes back even so that there is nothing more. Comments keep
/// the connection alive. A stream ends after a minute at most: come back after the time in `retry`.
#[utoipa::path(
    get,
    path = "/api/v1/payments/{paymentId}/stream",
    tag = "payments",
    params(
        ("paymentId" = String, Path, description = "The payment"),
        ("Last-Event-ID" = Option<String>, Header, pattern = "^(0|[1-9][0-9]{0,17})?$",
         description = "The `id` of the last event that was told; 0 for all from the first"),
    ),
    responses(
        (status = 200, description = "The stream", body = String,
         content_type = "text/event-stream"),
        (status = 204, description = "Nothing more will happen after this `Last-Event-ID`"),
    ),
)]
pub(super) async fn open(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    PaymentPath(payment): PaymentPath,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let last = last_event(&headers)?;
    let following = api.app.follow(&caller, payment, last).await?;
    if last == Some(following.after) && following.is_over() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let heartbeat = api.settings.stream_heartbeat;
    let telling = Telling::new(following, &api)?;
    let told = stream::unfold(telling, async |mut telling: Telling| {
        let event = telling.next().await?;
        Some((Ok::<_, Infallible>(event), telling))
    });
    let beats = KeepAlive::new().interval(heartbeat);
    let told = Sse::new(told).keep_alive(beats);
    Ok(([(CACHE_CONTROL, "no-store"), (BUFFERING, "no")], told).into_response())
}

/// What the client was told last, in the one spelling that we hand out.
fn last_event(headers: &HeaderMap) -> Result<Option<i64>, Failure> {
    let Some(value) = headers.get(LAST_EVENT_ID) else {
        return Ok(None);
    };
    if value.is_empty() {
        return Ok(None);
    }
    let number = value.to_str().ok().and_then(|text| {
        let number: i64 = text.parse().ok()?;
        (number >= 0 && number.to_string() == text).then_some(number)
    });
    let refused = || Failure::field("Last-Event-ID", Code::CursorInvalid);
    number.map(Some).ok_or_else(refused)
}

/// One stream that is open.
struct Telling {
    following: Following,
    /// What is to be said before anything else happens.
    next: VecDeque<sse::Event>,
    is_ended: bool,
    observer: Arc<dyn Observer>,
}

impl Telling {
    fn new(following: Following, api: &Api) -> Result<Self, Failure> {
        let view: PaymentView = following.view.clone();
        let state = named("state", Some(following.after))
            .retry(retry())
            .json_data(Payment::from(view));
        let state = state.map_err(|error| Failure::internal(&error))?;
        let mut next = VecDeque::from([state]);
        if following.is_over() {
            next.extend(end(&following.view.status));
        }
        let observer = Arc::clone(&api.observer);
        observer.streaming(1);
        Ok(Self {
            following,
            next,
            is_ended: false,
            observer,
        })
    }

    async fn next(&mut self) -> Option<sse::Event> {
        while self.next.is_empty() && !self.is_ended {
            match self.following.next().await {
                Some(events) => self.tell(events),
                None => self.is_ended = true,
            }
        }
        self.next.pop_front()
    }

    fn tell(&mut self, events: Vec<PaymentEvent>) {
        let status = events.last().map(|event| event.to.as_str());
        for event in events {
            let Some(event) = told(event) else {
                // Whoever comes back goes on before it, not behind it.
                self.is_ended = true;
                return;
            };
            self.next.push_back(event);
        }
        if self.following.is_over() {
            self.next.extend(end(status.unwrap_or_default()));
        }
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        self.observer.streaming(-1);
    }
}

fn named(name: &str, id: Option<i64>) -> sse::Event {
    let event = sse::Event::default().event(name);
    match id {
        Some(id) => event.id(id.to_string()),
        None => event,
    }
}

/// An event; none where it cannot be shown, which is logged.
fn told(event: PaymentEvent) -> Option<sse::Event> {
    let id = event.sequence;
    let event = shown(event).ok()?;
    named("event", Some(id)).json_data(event).ok()
}

/// That nothing more will happen to a payment in this status.
fn end(status: &str) -> Option<sse::Event> {
    let data = json!({ "status": status });
    named("end", None).json_data(data).ok()
}

fn retry() -> Duration {
    let [chance, ..] = fresh_bits();
    RETRY_MIN.saturating_add(RETRY_STEP.saturating_mul(chance.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn read(text: &'static str) -> Result<Option<i64>, Code> {
        let headers = HeaderMap::from_iter([(LAST_EVENT_ID, HeaderValue::from_static(text))]);
        last_event(&headers).map_err(|failure| failure.code())
    }

    #[test]
    fn an_id_is_one_that_we_hand_out() {
        assert_eq!(last_event(&HeaderMap::new()).unwrap(), None);
        assert_eq!(read(""), Ok(None));
        for number in [0, 1, 12, i64::MAX] {
            let text: &'static str = Box::leak(number.to_string().into_boxed_str());
            assert_eq!(read(text), Ok(Some(number)));
        }
        for odd in ["-1", "+1", "01", "1 ", "1.0", "x", "9223372036854775808"] {
            assert_eq!(read(odd), Err(Code::InvalidRequest), "{odd}");
        }
    }

    #[test]
    fn clients_come_back_spread_out() {
        let all: Vec<Duration> = (0..100).map(|_| retry()).collect();
        let (first, last) = (all.iter().min().unwrap(), all.iter().max().unwrap());
        assert!(*first >= RETRY_MIN && *last <= RETRY_MIN * 4);
        assert!(first < last);
    }
}
