//! Owns the controls under `/_sandbox/`: what a test may do that a merchant may not.

mod billing;
mod deposits;
mod records;
mod staging;
mod webhooks;

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::cards::{self, TestCard};
use crate::catalogue::{Language, Refusal};
use crate::clock::record_date;
use crate::config::{ErrorData, Typing};
use crate::journal::Broken;
use crate::objects;
use crate::operations::account;
use crate::operations::cancel::{self, RefundAccount, Request};
use crate::operations::create::{self, Opening, Pass};
use crate::operations::fields::Fields;
use crate::sandbox::Sandbox;
use crate::state::fact::Fact;
use crate::state::payment::Method;

/// What stands in the statement when the merchant console cancels.
const CONSOLE_REASON: &str = "상점관리자 취소";

/// Why a control does not do what it is asked.
enum Unable {
    /// The gateway's rules are against it.
    Refused(Refusal),
    /// The request makes no sense.
    Unreadable(String),
    /// The journal cannot be written.
    Broken,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Authenticate {
    /// A payment that is already open, instead of a new one.
    payment_key: Option<String>,
    order_id: Option<String>,
    order_name: Option<String>,
    amount: Option<i64>,
    tax_free_amount: Option<i64>,
    method: Option<String>,
    customer_key: Option<String>,
    scenario: Option<String>,
    card_number: Option<String>,
    /// Points used beside an easy-pay service's own money.
    easy_pay_points: Option<i64>,
    cash_receipt: Option<String>,
    /// Of a virtual account, as the three that follow.
    bank: Option<String>,
    customer_name: Option<String>,
    valid_hours: Option<i64>,
    due_date: Option<String>,
    is_partial_cancelable: Option<bool>,
    metadata: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CancelByMerchant {
    payment_key: String,
    cancel_amount: Option<i64>,
    tax_free_amount: Option<i64>,
    cancel_reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Advance {
    advance_seconds: i64,
}

pub(crate) fn router() -> Router<Arc<Sandbox>> {
    Router::new()
        .route("/_sandbox/authenticate", post(authenticate))
        .route("/_sandbox/cancel-by-merchant", post(cancel_by_merchant))
        .route("/_sandbox/clock", get(clock).post(advance))
        .route(
            "/_sandbox/faults",
            get(staging::faults)
                .post(staging::add_faults)
                .delete(staging::heal),
        )
        .route(
            "/_sandbox/scenarios",
            get(staging::scenarios).post(staging::stage),
        )
        .route("/_sandbox/cards", get(staging::cards))
        .route("/_sandbox/settings", get(staging::settings))
        .route("/_sandbox/authorizations", get(records::authorizations))
        .route("/_sandbox/ledger", get(records::ledger))
        .route("/_sandbox/calls", get(records::calls))
        .merge(billing::router())
        .merge(deposits::router())
        .merge(webhooks::router())
}

/// The buyer opens the window and passes authentication, in one step.
async fn authenticate(
    State(sandbox): State<Arc<Sandbox>>,
    body: Bytes,
) -> Result<Response, Unable> {
    let asked: Authenticate = read(&body)?;
    let method = match asked.method.as_deref() {
        None => Method::Card,
        Some(name) => Method::named(name)
            .ok_or_else(|| Unable::Refused(Refusal::of("NOT_SUPPORTED_METHOD")))?,
    };
    let wanted = json!({
        "bank": asked.bank, "customerName": asked.customer_name,
        "validHours": asked.valid_hours, "dueDate": asked.due_date,
    });
    let wanted = Fields::of(&wanted, Typing::Lenient)?;
    let pass = Pass {
        method,
        scenario: asked.scenario.filter(|scenario| scenario != "approve"),
        customer_key: asked.customer_key,
        card: asked.card_number.as_deref().map(test_card).transpose()?,
        points: asked.easy_pay_points,
        cash_receipt: asked.cash_receipt,
    };
    let opening = Opening {
        order_id: asked.order_id.unwrap_or_default(),
        order_name: asked
            .order_name
            .unwrap_or_else(|| "sandbox order".to_owned()),
        amount: asked.amount.unwrap_or(0),
        tax_free: asked.tax_free_amount.unwrap_or(0),
        metadata: asked.metadata,
        partial_cancelable: asked.is_partial_cancelable.unwrap_or(true),
        account: Some(account::wish(wanted, sandbox.clock.now(), false)?),
        ..Opening::default()
    };
    let context = sandbox.context(None);
    let payment_key = sandbox
        .store
        .commit(|transaction| {
            let payment_key = match asked.payment_key {
                Some(payment_key) => payment_key,
                None => create::open(transaction, context, opening)?,
            };
            create::authenticate(transaction, context, &payment_key, pass)?;
            Ok::<_, Refusal>(payment_key)
        })
        .await??;
    Ok(show(&json!({ "paymentKey": payment_key })))
}

fn test_card(typed: &str) -> Result<&'static TestCard, Refusal> {
    cards::find(typed).ok_or_else(|| Refusal::of("INVALID_CARD_NUMBER"))
}

/// Somebody cancels in the merchant console, without the merchant's program.
async fn cancel_by_merchant(
    State(sandbox): State<Arc<Sandbox>>,
    body: Bytes,
) -> Result<Response, Unable> {
    let asked: CancelByMerchant = read(&body)?;
    let positive = asked.cancel_amount.is_none_or(|amount| amount > 0);
    if !positive || asked.tax_free_amount.is_some_and(|part| part < 0) {
        return Err(Unable::Refused(Refusal::of("INVALID_REQUEST")));
    }
    let request = Request {
        reason: asked
            .cancel_reason
            .unwrap_or_else(|| CONSOLE_REASON.to_owned()),
        amount: asked.cancel_amount,
        refundable: None,
        tax_free: asked.tax_free_amount.unwrap_or(0),
        refund: RefundAccount::Console,
    };
    let context = sandbox.context(None);
    let payment = sandbox
        .store
        .commit(|transaction| {
            cancel::give_back(transaction, context, &asked.payment_key, request)?;
            let payment = transaction.state().payment(&asked.payment_key);
            let payment = payment.expect("it was just cancelled");
            let (config, base) = (&sandbox.config, &sandbox.base);
            Ok::<_, Refusal>(objects::payment::render(
                payment,
                config,
                base,
                Language::Korean,
            ))
        })
        .await??;
    Ok(json_text(payment))
}

async fn clock(State(sandbox): State<Arc<Sandbox>>) -> Response {
    show_clock(&sandbox)
}

async fn advance(State(sandbox): State<Arc<Sandbox>>, body: Bytes) -> Result<Response, Unable> {
    let asked: Advance = read(&body)?;
    let moved = sandbox
        .store
        .commit(|transaction| {
            let offset_seconds = sandbox.clock.advanced(asked.advance_seconds)?;
            transaction.record(Fact::ClockMoved { offset_seconds });
            Some(())
        })
        .await?;
    moved.ok_or_else(|| {
        Unable::Unreadable("the clock only moves forward, within a century".to_owned())
    })?;
    sandbox.store.mailer.wake.notify_one();
    Ok(show_clock(&sandbox))
}

fn show_clock(sandbox: &Sandbox) -> Response {
    let offset_seconds = sandbox.clock.offset().num_seconds();
    show(&json!({ "offsetSeconds": offset_seconds, "now": record_date(sandbox.clock.now()) }))
}

fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Unable> {
    serde_json::from_slice(body).map_err(|error| Unable::Unreadable(error.to_string()))
}

fn show(value: &impl serde::Serialize) -> Response {
    json_text(serde_json::to_string(value).expect("the sandbox's own records serialise"))
}

fn json_text(text: String) -> Response {
    ([(CONTENT_TYPE, "application/json")], Body::from(text)).into_response()
}

impl From<Refusal> for Unable {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Broken> for Unable {
    fn from(Broken: Broken) -> Self {
        Self::Broken
    }
}

impl axum::response::IntoResponse for Unable {
    fn into_response(self) -> Response {
        let (status, body) = match self {
            Self::Refused(refusal) => (
                refusal.http,
                refusal.body(Language::English, ErrorData::Never),
            ),
            Self::Unreadable(message) => (
                400,
                json!({ "code": "UNREADABLE", "message": message }).to_string(),
            ),
            Self::Broken => {
                let message = "the journal cannot be written";
                (
                    500,
                    json!({ "code": "JOURNAL_BROKEN", "message": message }).to_string(),
                )
            }
        };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, json_text(body)).into_response()
    }
}
