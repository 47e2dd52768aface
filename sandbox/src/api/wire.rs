//! Owns the form answers take on the connection, whole or broken.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use hyper::body::Frame;
use serde_json::Value;

use super::Arrival;
use super::execute::Told;
use crate::catalogue::{Language, Refusal};
use crate::faults::WrongField;
use crate::ids;
use crate::sandbox::Sandbox;

pub(super) const IDEMPOTENCY_KEY: &str = "idempotency-key";
const TRACE_ID: &str = "x-tosspayments-trace-id";
const CONTENT_TYPE: &str = "content-type";

/// How long the first half of a cut answer has to leave before the connection closes.
const CUT_MILLISECONDS: u64 = 20;

/// Marks a response that must not be sent: the server resets the connection instead.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reset;

/// The gateway's answer.
pub(super) fn told(told: &Told, arrival: &Arrival) -> Response {
    answer(told, arrival, Body::from(told.body.clone()))
}

/// A refusal outside any operation.
pub(super) fn refused(sandbox: &Sandbox, refusal: &Refusal, language: Language) -> Response {
    let settings = &sandbox.config.settings;
    let body = Body::from(refusal.body(language, settings.error_data));
    let mut response = json(refusal.status(settings), body);
    set(&mut response, TRACE_ID, &ids::trace_id());
    response
}

/// No answer at all.
pub(super) fn reset() -> Response {
    let mut response = Response::new(Body::empty());
    response.extensions_mut().insert(Reset);
    response
}

/// What a proxy in front of the gateway answers by itself.
pub(super) fn edge(status: u16, html: bool) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    let reason = status.canonical_reason().unwrap_or("Error");
    let body = if html {
        format!("<html><head><title>{status}</title></head><body><h1>{reason}</h1></body></html>")
    } else {
        String::new()
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    set(&mut response, CONTENT_TYPE, "text/html");
    response
}

/// The first half of the answer, then the end of the connection.
pub(super) fn cut(told: &Told, arrival: &Arrival) -> Response {
    let whole = Bytes::from(told.body.clone());
    let half = whole.slice(..whole.len().div_euclid(2));
    let mut response = answer(
        told,
        arrival,
        Body::new(Cut {
            half: Some(half),
            rest: None,
        }),
    );
    response
        .headers_mut()
        .insert(header::CONTENT_LENGTH, HeaderValue::from(whole.len()));
    response
}

/// The answer with one thing wrong in it; errors and lists have nothing to be wrong about but the
/// form.
pub(super) fn wrong(told: &Told, arrival: &Arrival, field: WrongField) -> Response {
    let body = match (field, serde_json::from_str::<Value>(&told.body)) {
        (WrongField::Garbage, _) | (_, Err(_)) => "{\"paymentKey\": \"tsi\u{1}<oops".to_owned(),
        (_, Ok(mut payment)) => {
            if told.status == 200 && payment.is_object() {
                spoil(&mut payment, field);
            }
            payment.to_string()
        }
    };
    answer(told, arrival, Body::from(body))
}

fn spoil(payment: &mut Value, field: WrongField) {
    let more = |value: &Value| value.as_i64().unwrap_or(0).saturating_add(1);
    match field {
        WrongField::OrderId => payment["orderId"] = "another-order-0001".into(),
        WrongField::PaymentKey => payment["paymentKey"] = "another-payment-key".into(),
        WrongField::MId => payment["mId"] = "anothershop".into(),
        WrongField::Currency => payment["currency"] = "USD".into(),
        WrongField::Amount => {
            payment["totalAmount"] = more(&payment["totalAmount"]).into();
            payment["balanceAmount"] = more(&payment["balanceAmount"]).into();
        }
        WrongField::Garbage => {}
    }
}

fn answer(told: &Told, arrival: &Arrival, body: Body) -> Response {
    let mut response = json(told.status, body);
    if arrival.operation.is_of_gateway() {
        set(&mut response, TRACE_ID, &told.trace_id);
    }
    if let Some(key) = &arrival.idempotency_key {
        set(&mut response, IDEMPOTENCY_KEY, key);
    }
    response
}

fn json(status: u16, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    set(&mut response, CONTENT_TYPE, "application/json");
    response
}

fn set(response: &mut Response, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
        response
            .headers_mut()
            .insert(HeaderName::from_static(name), value);
    }
}

/// A body that ends before its announced length.
struct Cut {
    half: Option<Bytes>,
    rest: Option<Pin<Box<tokio::time::Sleep>>>,
}

/// Why a cut body ends.
#[derive(Debug)]
struct CutShort;

impl fmt::Display for CutShort {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the answer is cut on purpose")
    }
}

impl std::error::Error for CutShort {}

impl hyper::body::Body for Cut {
    type Data = Bytes;
    type Error = CutShort;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CutShort>>> {
        if let Some(half) = self.half.take() {
            return Poll::Ready(Some(Ok(Frame::data(half))));
        }
        let sleep = || Box::pin(tokio::time::sleep(Duration::from_millis(CUT_MILLISECONDS)));
        let rest = self.rest.get_or_insert_with(sleep);
        rest.as_mut().poll(context).map(|()| Some(Err(CutShort)))
    }
}
