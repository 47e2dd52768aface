//! Owns what happens to every request: trace id, rendering, timing, load shedding.

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use application::trace::{self, Open, Side};
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::trace::Trace;
use tokio::sync::SemaphorePermit;
use tracing::field::display;
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

/// The request's trace, and its own span of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Framed(pub(super) Trace);

/// Frames a request: gives it a trace, renders its answer, times it, tells the observer.
pub(super) async fn frame(
    State(api): State<Arc<Api>>,
    mut request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let mut open = opened(request.headers());
    let trace = open.trace();
    let manner = Manner::of(request.headers());
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let route = matched.as_ref().map_or("unmatched", MatchedPath::as_str);
    let method = request.method().clone();
    // At this level it is there whichever lines are written.
    let trace_id = trace.id().to_string();
    let span_id = trace.span().map(display);
    let span = error_span!("request", trace_id, span_id, %method, route);
    request.extensions_mut().insert(Framed(trace));
    let running = next.run(request).instrument(span.clone());
    let mut response = trace::within(trace, running).await;
    let unrendered = response.extensions_mut().remove::<Unrendered>();
    let gateway = unrendered
        .as_ref()
        .map_or(Duration::ZERO, Unrendered::gateway_time);
    let code = unrendered.as_ref().map_or("", Unrendered::code);
    if let Some(unrendered) = &unrendered {
        let mut rendered = manner.render(unrendered, &trace_id).into_response();
        for (name, value) in response.headers() {
            rendered
                .headers_mut()
                .entry(name)
                .or_insert_with(|| value.clone());
        }
        response = rendered;
    }
    let total = started.elapsed();
    stamp(response.headers_mut(), (trace, &trace_id), (total, gateway));
    let status = response.status().as_u16();
    let milliseconds = u64::try_from(total.as_millis()).unwrap_or(u64::MAX);
    span.in_scope(|| info!(status, code, milliseconds, "answered"));
    open.shown("http.route", &route);
    open.word("http.request.method", known(&method));
    open.number("http.response.status_code", status);
    open.shown("payflow.code", &code);
    if status >= 500 {
        open.fail();
    }
    drop(open);
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

/// The request's span. A trace that is not worded as it has to be is none, and the request begins
/// one. Whether it is recorded is decided here: a caller's flag would let anybody hide what they
/// ask for, or have everything recorded. What else other services say of theirs (`tracestate`) goes
/// on to nobody and is not read.
fn opened(headers: &HeaderMap) -> Open {
    let begin = |trace| Open::under(trace, "request", Side::Asked);
    match inherited(headers) {
        Some(parent) => begin(trace::decided(parent)).from_outside(),
        None => begin(trace::begun()),
    }
}

/// The method, where it is one that HTTP knows: others are whatever somebody wrote.
const fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "_OTHER",
    }
}

fn stamp(
    headers: &mut HeaderMap,
    (trace, trace_id): (Trace, &str),
    (total, gateway): (Duration, Duration),
) {
    let own = total.saturating_sub(gateway);
    let timing = format!(
        "total;dur={}, gateway;dur={}, own;dur={}",
        milliseconds(total),
        milliseconds(gateway),
        milliseconds(own),
    );
    let parent = trace.to_string();
    for (name, text) in [
        (SERVER_TIMING, timing.as_str()),
        (TRACE_ID, trace_id),
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

/// The trace of a valid W3C `traceparent`; of two of them none is.
fn inherited(headers: &HeaderMap) -> Option<Trace> {
    let mut parents = headers.get_all(TRACE_PARENT).into_iter();
    let (Some(parent), None) = (parents.next(), parents.next()) else {
        return None;
    };
    parent.to_str().ok()?.parse().ok()
}

/// Chance, of no use for secrets.
pub(super) fn fresh_bits() -> [u8; 16] {
    let mut bits = [0; 16];
    // Without randomness it is only less useful; nothing secret depends on it.
    if getrandom::fill(&mut bits).is_err() {
        bits = [1; 16];
    }
    bits
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
    fn one_valid_trace_parent_is_inherited() {
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
        let value = HeaderValue::from_static(parent);
        let mut headers = HeaderMap::from_iter([(TRACE_PARENT, value.clone())]);
        let own = opened(&headers).trace();
        assert_eq!(own.id().to_string(), parent[3..35]);
        assert_ne!(own.span().unwrap().to_string(), parent[36..52]);
        assert!(own.is_sampled(), "whoever began it decides nothing here");
        headers.append(TRACE_PARENT, value);
        assert_eq!(inherited(&headers), None, "two parents");
        let odd = HeaderValue::from_static("00-0AF7-1-01");
        let headers = HeaderMap::from_iter([(TRACE_PARENT, odd)]);
        let fresh = opened(&headers).trace();
        assert!(fresh.is_sampled() && fresh.id() != own.id());
    }

    #[test]
    fn milliseconds_keep_three_decimals() {
        assert_eq!(milliseconds(Duration::from_micros(12_034)), "12.034");
        assert_eq!(milliseconds(Duration::ZERO), "0.000");
    }
}
