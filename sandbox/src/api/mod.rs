//! Owns the gateway's HTTP surface: routes, and what of a request the rules look at.

mod execute;
mod process;
mod wire;

use std::sync::Arc;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use serde_json::Value;

use crate::calls::Operation;
use crate::catalogue::{Language, Refusal};
use crate::faults::Subject;
use crate::sandbox::Sandbox;
use crate::state::State as Memory;

pub(crate) use self::wire::Reset;

const BODY_BYTES_MAX: usize = 64 * 1024;

/// One request, as far as the gateway's rules care.
#[derive(Debug)]
struct Arrival {
    operation: Operation,
    path: String,
    /// The payment key or order id in the path.
    target: Option<String>,
    authorization: Option<String>,
    idempotency_key: Option<String>,
    language: Language,
    /// Null when it is not JSON.
    body: Value,
}

pub(crate) fn router() -> Router<Arc<Sandbox>> {
    Router::new()
        .route("/v1/payments", post(create))
        .route("/v1/payments/confirm", post(confirm))
        .route("/v1/payments/{payment_key}", get(read))
        .route("/v1/payments/orders/{order_id}", get(read_by_order))
        .route("/v1/payments/{payment_key}/cancel", post(cancel))
        .route("/v1/payments/{payment_key}/checkout", get(checkout))
}

/// The answer to a path nobody knows.
pub(crate) async fn not_found(headers: HeaderMap) -> Response {
    wire::refused(&Refusal::of("NOT_FOUND"), language(&headers))
}

/// The answer to a known path with a wrong method.
pub(crate) async fn wrong_method(headers: HeaderMap) -> Response {
    wire::refused(&Refusal::of("NOT_FOUND_HTTP_METHOD"), language(&headers))
}

async fn create(State(sandbox): State<Arc<Sandbox>>, request: Request) -> Response {
    arrive(sandbox, Operation::Create, None, request).await
}

async fn confirm(State(sandbox): State<Arc<Sandbox>>, request: Request) -> Response {
    arrive(sandbox, Operation::Confirm, None, request).await
}

async fn read(
    State(sandbox): State<Arc<Sandbox>>,
    Path(payment_key): Path<String>,
    request: Request,
) -> Response {
    arrive(sandbox, Operation::Get, Some(payment_key), request).await
}

async fn read_by_order(
    State(sandbox): State<Arc<Sandbox>>,
    Path(order_id): Path<String>,
    request: Request,
) -> Response {
    arrive(sandbox, Operation::GetByOrder, Some(order_id), request).await
}

async fn cancel(
    State(sandbox): State<Arc<Sandbox>>,
    Path(payment_key): Path<String>,
    request: Request,
) -> Response {
    arrive(sandbox, Operation::Cancel, Some(payment_key), request).await
}

/// Where a payment's `checkout.url` leads: its window.
async fn checkout(Path(payment_key): Path<String>) -> Response {
    Redirect::to(&format!(
        "/window/{}",
        crate::redirect::encode(&payment_key)
    ))
    .into_response()
}

/// Reads the request and has it processed by a task of its own: whatever the client does from
/// here on, the gateway finishes what it began.
async fn arrive(
    sandbox: Arc<Sandbox>,
    operation: Operation,
    target: Option<String>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, BODY_BYTES_MAX).await else {
        return wire::refused(&Refusal::of("INVALID_REQUEST"), language(&parts.headers));
    };
    let arrival = Arrival {
        operation,
        path: parts.uri.path().to_owned(),
        target,
        authorization: text(&parts.headers, header::AUTHORIZATION.as_str()),
        idempotency_key: text(&parts.headers, wire::IDEMPOTENCY_KEY)
            .filter(|key| !key.is_empty() && !operation.is_read()),
        language: language(&parts.headers),
        body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
    };
    let tasks = sandbox.tasks.clone();
    let processed = tasks.spawn(process::process(sandbox, arrival)).await;
    processed.unwrap_or_else(|_| wire::reset())
}

fn language(headers: &HeaderMap) -> Language {
    Language::of_header(text(headers, header::ACCEPT_LANGUAGE.as_str()).as_deref())
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get(name)
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

impl Arrival {
    /// What the call is about; the other half of key and order comes from memory.
    fn subject(&self, memory: &Memory) -> Subject {
        let field = |name: &str| match self.body.get(name) {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            Some(_) | None => None,
        };
        let order_of = |key: &String| memory.payment(key).map(|payment| payment.order_id.clone());
        let (payment_key, order_id) = match self.operation {
            Operation::Confirm => (field("paymentKey"), field("orderId")),
            Operation::Create => (None, field("orderId")),
            Operation::Get | Operation::Cancel => {
                (self.target.clone(), self.target.as_ref().and_then(order_of))
            }
            Operation::GetByOrder => {
                let order_id = self.target.clone();
                let payment = order_id
                    .as_deref()
                    .and_then(|order_id| memory.payment_of_order(order_id));
                (payment.map(|payment| payment.payment_key.clone()), order_id)
            }
        };
        Subject {
            operation: self.operation,
            payment_key,
            order_id,
        }
    }
}
