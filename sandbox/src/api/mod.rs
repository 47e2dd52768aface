//! Owns the gateway's HTTP surface: routes, and what of a request the rules look at.

mod execute;
mod process;
mod subject;
mod wire;

use std::sync::Arc;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, Uri, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use serde_json::{Map, Value};

use crate::calls::Operation;
use crate::catalogue::{Language, Refusal};
use crate::config::OldConfirm;
use crate::sandbox::Sandbox;

pub(crate) use self::wire::Reset;

const BODY_BYTES_MAX: usize = 64 * 1024;
const TRACE_PARENT: &str = "traceparent";
const TEST_CODE: &str = "tosspayments-test-code";

/// One request, as far as the gateway's rules care.
#[derive(Debug)]
struct Arrival {
    operation: Operation,
    path: String,
    /// The payment key, order id or billing key in the path; the body of an old confirm has it,
    /// too.
    target: Option<String>,
    authorization: Option<String>,
    idempotency_key: Option<String>,
    traceparent: Option<String>,
    language: Language,
    /// The error that the caller asks for: the test environment's own header.
    test_code: Option<String>,
    /// The query of a list; else the body, null when it is not JSON.
    body: Value,
}

pub(crate) fn router() -> Router<Arc<Sandbox>> {
    Router::new()
        .route("/v1/payments", post(create))
        .route("/v1/payments/confirm", post(confirm))
        .route(
            "/v1/payments/{payment_key}",
            get(read).post(confirm_as_before),
        )
        .route("/v1/payments/orders/{order_id}", get(read_by_order))
        .route("/v1/payments/{payment_key}/cancel", post(cancel))
        .route("/v1/payments/{payment_key}/checkout", get(checkout))
        .route("/v1/transactions", get(transactions))
        .route("/v1/settlements", get(settlements))
        .route("/v1/virtual-accounts", post(issue_account))
        .route("/v1/billing/authorizations/issue", post(issue_billing_key))
        .route(
            "/v1/billing/{billing_key}",
            post(charge).delete(delete_billing_key),
        )
        .route("/card/api/authorize", post(authorize))
}

/// The answer to a path nobody knows.
pub(crate) async fn not_found(State(sandbox): State<Arc<Sandbox>>, headers: HeaderMap) -> Response {
    let refusal = Refusal::of("NOT_FOUND");
    wire::refused(&sandbox, &refusal, language(&headers))
}

/// The answer to a known path with a wrong method.
pub(crate) async fn wrong_method(
    State(sandbox): State<Arc<Sandbox>>,
    headers: HeaderMap,
) -> Response {
    let refusal = Refusal::of("NOT_FOUND_HTTP_METHOD");
    wire::refused(&sandbox, &refusal, language(&headers))
}

async fn create(State(sandbox): State<Arc<Sandbox>>, request: Request) -> Response {
    arrive(sandbox, Operation::Create, None, request).await
}

async fn confirm(State(sandbox): State<Arc<Sandbox>>, request: Request) -> Response {
    arrive(sandbox, Operation::Confirm, None, request).await
}

/// The confirm of before October 2022, whose path holds the payment key.
async fn confirm_as_before(
    State(sandbox): State<Arc<Sandbox>>,
    Path(payment_key): Path<String>,
    request: Request,
) -> Response {
    match sandbox.config.settings.old_confirm {
        OldConfirm::Absent => wrong_method(State(sandbox), request.headers().clone()).await,
        OldConfirm::Served => arrive(sandbox, Operation::Confirm, Some(payment_key), request).await,
    }
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

async fn transactions(State(sandbox): State<Arc<Sandbox>>, request: Request) -> Response {
    arrive(sandbox, Operation::Transactions, None, request).await
}

async fn settlements(State(sandbox): State<Arc<Sandbox>>, request: Request) -> Response {
    arrive(sandbox, Operation::Settlements, None, request).await
}

async fn issue_account(State(sandbox): State<Arc<Sandbox>>, request: Request) -> Response {
    arrive(sandbox, Operation::IssueAccount, None, request).await
}

async fn issue_billing_key(State(sandbox): State<Arc<Sandbox>>, request: Request) -> Response {
    arrive(sandbox, Operation::IssueBillingKey, None, request).await
}

async fn charge(
    State(sandbox): State<Arc<Sandbox>>,
    Path(billing_key): Path<String>,
    request: Request,
) -> Response {
    arrive(sandbox, Operation::Charge, Some(billing_key), request).await
}

async fn delete_billing_key(
    State(sandbox): State<Arc<Sandbox>>,
    Path(billing_key): Path<String>,
    request: Request,
) -> Response {
    let operation = Operation::DeleteBillingKey;
    arrive(sandbox, operation, Some(billing_key), request).await
}

/// What the gateway itself would ask the card company.
async fn authorize(State(sandbox): State<Arc<Sandbox>>, request: Request) -> Response {
    arrive(sandbox, Operation::Authorize, None, request).await
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
        let refusal = Refusal::of("INVALID_REQUEST");
        return wire::refused(&sandbox, &refusal, language(&parts.headers));
    };
    let mut body = match operation {
        Operation::Transactions | Operation::Settlements => query(&parts.uri),
        Operation::Confirm
        | Operation::Get
        | Operation::GetByOrder
        | Operation::Cancel
        | Operation::Create
        | Operation::IssueAccount
        | Operation::IssueBillingKey
        | Operation::Charge
        | Operation::DeleteBillingKey
        | Operation::Authorize => serde_json::from_slice(&bytes).unwrap_or(Value::Null),
    };
    if let (Operation::Confirm, Some(key), Value::Object(body)) = (operation, &target, &mut body) {
        body.insert("paymentKey".to_owned(), Value::from(key.as_str()));
    }
    let arrival = Arrival {
        operation,
        path: parts.uri.path().to_owned(),
        target,
        authorization: text(&parts.headers, header::AUTHORIZATION.as_str()),
        idempotency_key: text(&parts.headers, wire::IDEMPOTENCY_KEY)
            .filter(|key| !key.is_empty() && operation.takes_idempotency_keys()),
        traceparent: text(&parts.headers, TRACE_PARENT),
        language: language(&parts.headers),
        test_code: text(&parts.headers, TEST_CODE),
        body,
    };
    let tasks = sandbox.tasks.clone();
    let processed = tasks.spawn(process::process(sandbox, arrival)).await;
    processed.unwrap_or_else(|_| wire::reset())
}

/// The parameters of a query as an object of texts.
fn query(uri: &Uri) -> Value {
    let parameters = Query::<Map<String, Value>>::try_from_uri(uri);
    parameters.map_or(Value::Null, |Query(parameters)| Value::Object(parameters))
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
    /// The refusal the caller asks for; live keys cannot ask.
    fn forced(&self, secret_key: &str) -> Option<Refusal> {
        let code = self.test_code.as_deref()?;
        if secret_key.starts_with("live_") {
            return None;
        }
        let documented = Refusal::documented(code.trim());
        Some(documented.unwrap_or_else(|| Refusal::of("INVALID_TEST_CODE")))
    }
}
