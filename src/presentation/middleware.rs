//! Owns what happens to every request: trace id, rendering, timing, load shedding.

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::SemaphorePermit;
use tracing::{Instrument, error_span, info};

use super::Api;
use super::catalogue::Code;
use super::envelope::{Failure, Unrendered};
use super::manner::Manner;

const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");
/// The header that names a request's trace.
pub(super) const TRACE_ID: HeaderName = HeaderName::from_static("x-trace-id");
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// What a finished request was like.
#[derive(Clone, Copy, Debug)]
pub struct Observation<'a> {
    /// The route's template, or `unmatched`.
    pub route: &'a str,
    /// The method.
    pub method: &'a str,
    /// The status that was answered.
    pub status: u16,
    /// The code that was answered; empty for pages.
    pub code: &'a str,
    /// From the first byte of the head to the answer.
    pub total: Duration,
    /// What of it the gateway took.
    pub gateway: Duration,
}

/// Who is told of every finished request.
pub trait Observer: Send + Sync {
    /// A request is finished.
    fn observe(&self, observation: &Observation<'_>);

    /// So many streams more are open; fewer, where it is below zero.
    fn streaming(&self, change: i64);
}

/// The request's W3C trace id.
#[derive(Clone, Debug)]
pub(super) struct Trace(pub(super) String);

/// Frames a request: gives it a trace, renders its answer, times it, tells the observer.
pub(super) async fn frame(
    State(api): State<Arc<Api>>,
    mut request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let trace = inherited(request.headers()).unwrap_or_else(fresh_trace);
    let manner = Manner::of(request.headers());
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let route = matched.as_ref().map_or("unmatched", MatchedPath::as_str);
    let method = request.method().clone();
    // At this level it is there whichever lines are written.
    let span = error_span!("request", trace_id = %trace, %method, route);
    request.extensions_mut().insert(Trace(trace.clone()));
    let mut response = next.run(request).instrument(span.clone()).await;
    let unrendered = response.extensions_mut().remove::<Unrendered>();
    let gateway = unrendered
        .as_ref()
        .map_or(Duration::ZERO, Unrendered::gateway_time);
    let code = unrendered.as_ref().map_or("", Unrendered::code);
    if let Some(unrendered) = &unrendered {
        let mut rendered = manner.render(unrendered, &trace).into_response();
        for (name, value) in response.headers() {
            rendered
                .headers_mut()
                .entry(name)
                .or_insert_with(|| value.clone());
        }
        response = rendered;
    }
    let total = started.elapsed();
    stamp(response.headers_mut(), &trace, total, gateway);
    let status = response.status().as_u16();
    let milliseconds = u64::try_from(total.as_millis()).unwrap_or(u64::MAX);
    span.in_scope(|| info!(status, code, milliseconds, "answered"));
    api.observer.observe(&Observation {
        route,
        method: method.as_str(),
        status,
        code,
        total,
        gateway,
    });
    response
}

fn stamp(headers: &mut HeaderMap, trace: &str, total: Duration, gateway: Duration) {
    let own = total.saturating_sub(gateway);
    let timing = format!(
        "total;dur={}, gateway;dur={}, own;dur={}",
        milliseconds(total),
        milliseconds(gateway),
        milliseconds(own),
    );
    let span = hex(fresh_bits()).split_off(16);
    let parent = format!("00-{trace}-{span}-01");
    for (name, text) in [
        (SERVER_TIMING, timing.as_str()),
        (TRACE_ID, trace),
        (TRACE_PARENT, parent.as_str()),
    ] {
        if let Ok(value) = HeaderValue::from_str(text) {
            headers.insert(name, value);
        }
    }
    for (name, text) in harmless() {
        let value = HeaderValue::from_static(text);
        headers.entry(name).or_insert(value);
    }
}

/// What every answer carries: it is what it says it is, nobody keeps it, and no page is made of it.
pub(super) const fn harmless() -> [(HeaderName, &'static str); 3] {
    [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "no-store"),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ),
    ]
}

/// Milliseconds with three decimals.
fn milliseconds(time: Duration) -> String {
    let micros = time.as_micros();
    format!("{}.{:03}", micros / 1000, micros % 1000)
}

/// The trace id of a valid W3C `traceparent`; of two of them none is.
fn inherited(headers: &HeaderMap) -> Option<String> {
    let mut parents = headers.get_all(TRACE_PARENT).into_iter();
    let (Some(parent), None) = (parents.next(), parents.next()) else {
        return None;
    };
    let text = parent.to_str().ok()?;
    let mut parts = text.split('-');
    let (version, trace, parent, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let hex_of = |text: &str, length| {
        text.len() == length
            && text
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let valid = hex_of(version, 2)
        && version != "ff"
        && (version != "00" || parts.next().is_none())
        && hex_of(trace, 32)
        && hex_of(parent, 16)
        && hex_of(flags, 2)
        && trace.bytes().any(|b| b != b'0')
        && parent.bytes().any(|b| b != b'0');
    valid.then(|| trace.to_owned())
}

/// A trace id that nobody had before.
pub(super) fn fresh_trace() -> String {
    hex(fresh_bits())
}

/// Chance, of no use for secrets.
pub(super) fn fresh_bits() -> [u8; 16] {
    let mut bits = [0; 16];
    // Without randomness a trace id is only less useful; nothing secret depends on it.
    if getrandom::fill(&mut bits).is_err() {
        bits = [1; 16];
    }
    bits
}

fn hex(bits: [u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(bits))
}

/// A place among the requests that may be under way; without one, a refusal at once and cheaply.
pub(super) fn admit(api: &Api) -> Result<SemaphorePermit<'_>, Failure> {
    let refused = |_| Failure::from(Code::Overloaded).retry_after(Duration::from_secs(1));
    api.admitted.try_acquire().map_err(refused)
}

/// Runs a request that is there in full, unless too many are under way.
pub(super) async fn shed(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    match admit(&api) {
        Ok(_admitted) => next.run(request).await,
        Err(overloaded) => overloaded.into_response(),
    }
}

/// The answer after a panic, whose message may quote data: it is dropped, the hook logs the place.
pub(super) fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    Failure::internal(&"a handler panicked").into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_valid_trace_parents_are_inherited() {
        let trace = "0af7651916cd43dd8448eb211c80319c";
        let of = |text: &str| {
            let value = HeaderValue::from_str(text).unwrap();
            inherited(&HeaderMap::from_iter([(TRACE_PARENT, value)]))
        };
        assert_eq!(
            of(&format!("00-{trace}-b7ad6b7169203331-01")).as_deref(),
            Some(trace)
        );
        assert_eq!(
            of(&format!("cc-{trace}-b7ad6b7169203331-01-x")).as_deref(),
            Some(trace)
        );
        let one = format!("00-{trace}-b7ad6b7169203331-01");
        let one = HeaderValue::from_str(&one).unwrap();
        let mut two = HeaderMap::from_iter([(TRACE_PARENT, one.clone())]);
        two.append(TRACE_PARENT, one);
        assert_eq!(inherited(&two), None, "two parents");
        let zero = "0".repeat(32);
        for wrong in [
            String::new(),
            trace.to_owned(),
            format!("ff-{trace}-b7ad6b7169203331-01"),
            format!("00-{trace}-b7ad6b7169203331-01-x"),
            format!("00-{trace}-0000000000000000-01"),
            format!("00-{zero}-b7ad6b7169203331-01"),
            format!("00-{}-b7ad6b7169203331-01", trace.to_uppercase()),
            format!("00-{trace}-b7ad6b716920333-01"),
        ] {
            assert_eq!(of(&wrong), None, "{wrong}");
        }
    }

    #[test]
    fn milliseconds_keep_three_decimals() {
        assert_eq!(milliseconds(Duration::from_micros(12_034)), "12.034");
        assert_eq!(milliseconds(Duration::ZERO), "0.000");
    }
}
