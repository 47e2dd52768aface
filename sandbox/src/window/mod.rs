//! Owns the pages a buyer sees: the payment window, its redirects and the landing pages.

mod billing;
mod html;
mod landing;
mod texts;
mod view;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Form, Path, Query, State};
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;
use serde_json::{Value, json};

use self::texts::Texts;
use crate::cards;
use crate::catalogue::{Language, Refusal};
use crate::config::PaymentType;
use crate::operations::create::{self, Opening, Pass};
use crate::operations::{Context, read};
use crate::redirect::{encode, with_parameters};
use crate::sandbox::Sandbox;
use crate::state::payment::{Method, Payment};

pub(crate) use self::landing::home;

const SDK: &str = include_str!("sdk.js");

/// A number that no test card has: somebody's real card has no business here.
const UNKNOWN_CARD: &str = "INVALID_CARD_NUMBER";

/// What the SDK, or a link, opens the window with.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    client_key: Option<String>,
    order_id: Option<String>,
    order_name: Option<String>,
    amount: Option<String>,
    currency: Option<String>,
    tax_free_amount: Option<String>,
    customer_key: Option<String>,
    customer_name: Option<String>,
    valid_hours: Option<String>,
    due_date: Option<String>,
    success_url: Option<String>,
    fail_url: Option<String>,
    metadata: Option<String>,
    method: Option<String>,
    scenario: Option<String>,
    lang: Option<String>,
}

/// What the window starts with, beside the payment.
#[derive(Debug, Default, Deserialize)]
struct Preset {
    method: Option<String>,
    scenario: Option<String>,
    lang: Option<String>,
}

/// What the buyer chose; never written anywhere.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Choice {
    action: Action,
    method: Option<String>,
    scenario: Option<String>,
    /// Only ever compared: what is kept is the card it means.
    card_number: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Action {
    Approve,
    Refuse,
    Abandon,
}

pub(crate) fn router() -> Router<Arc<Sandbox>> {
    Router::new()
        .route("/window", get(open))
        .route("/window/{payment_key}", get(show).post(choose))
        .route("/v2/standard", get(sdk))
        .route("/landing/success", get(landing::success))
        .route("/landing/fail", get(landing::fail))
        .merge(billing::router())
}

async fn sdk() -> Response {
    let headers = [
        (CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (CACHE_CONTROL, "no-cache"),
    ];
    (headers, SDK).into_response()
}

/// Creates the payment and leads to its window, so that reloading opens no second one.
async fn open(
    State(sandbox): State<Arc<Sandbox>>,
    Query(request): Query<Request>,
    headers: HeaderMap,
) -> Response {
    let language = language(request.lang.as_deref(), &headers);
    let context = sandbox.context(None);
    let opened = match check_client_key(&sandbox, request.client_key.as_deref())
        .and_then(|()| Opening::read(context, &body(&request), sandbox.clock.now()))
    {
        Ok(opening) => {
            sandbox
                .store
                .commit(|transaction| create::open(transaction, context, opening))
                .await
        }
        Err(refusal) => Ok(Err(refusal)),
    };
    match opened {
        Ok(Ok(payment_key)) => {
            let presets = [
                ("method", request.method),
                ("scenario", request.scenario),
                ("lang", request.lang),
            ];
            let presets: Vec<(&str, &str)> = presets
                .iter()
                .filter_map(|(name, value)| value.as_deref().map(|value| (*name, value)))
                .collect();
            let window = format!("/window/{}", encode(&payment_key));
            Redirect::to(&with_parameters(&window, &presets)).into_response()
        }
        Ok(Err(refusal)) => view::stopped(&refusal, language),
        Err(_) => view::stopped(&Refusal::of("FAILED_INTERNAL_SYSTEM_PROCESSING"), language),
    }
}

async fn show(
    State(sandbox): State<Arc<Sandbox>>,
    Path(payment_key): Path<String>,
    Query(preset): Query<Preset>,
    headers: HeaderMap,
) -> Response {
    let language = language(preset.lang.as_deref(), &headers);
    match look(&sandbox, &payment_key).await {
        Ok(payment) => view::payment(&sandbox, &payment, &preset, (language, None)),
        Err(refusal) => view::stopped(&refusal, language),
    }
}

async fn choose(
    State(sandbox): State<Arc<Sandbox>>,
    Path(payment_key): Path<String>,
    Query(preset): Query<Preset>,
    headers: HeaderMap,
    Form(choice): Form<Choice>,
) -> Response {
    let language = language(preset.lang.as_deref(), &headers);
    let payment = match look(&sandbox, &payment_key).await {
        Ok(payment) => payment,
        Err(refusal) => return view::stopped(&refusal, language),
    };
    let fail = |code: &str, order_id: Option<&str>| {
        let refusal = Refusal::of(code);
        let mut parameters = vec![("code", code), ("message", refusal.message(language))];
        parameters.extend(order_id.map(|order_id| ("orderId", order_id)));
        let url = payment.fail_url.as_deref().unwrap_or("/landing/fail");
        Redirect::to(&with_parameters(url, &parameters)).into_response()
    };
    match choice.action {
        // Closing the window tells nothing about the order, as with the real one.
        Action::Abandon => fail("PAY_PROCESS_CANCELED", None),
        Action::Refuse => fail("REJECT_CARD_COMPANY", Some(&payment.order_id)),
        Action::Approve => {
            let pass = match choice.pass() {
                Ok(pass) => pass,
                Err(refusal) if refusal.code == UNKNOWN_CARD => {
                    let problem = (language, Some(&refusal));
                    return view::payment(&sandbox, &payment, &preset, problem);
                }
                Err(refusal) => return view::stopped(&refusal, language),
            };
            if let Some(code) = pass.card.and_then(|card| card.window.as_deref()) {
                return fail(code, Some(&payment.order_id));
            }
            match authenticate(&sandbox, &payment, pass).await {
                Ok(()) => success(&sandbox, &payment),
                Err(refusal) => view::stopped(&refusal, language),
            }
        }
    }
}

/// The way back to the shop, with what it needs to confirm.
fn success(sandbox: &Sandbox, payment: &Payment) -> Response {
    let amount = payment.total.to_string();
    let mut parameters = vec![
        ("paymentType", "NORMAL"),
        ("orderId", payment.order_id.as_str()),
        ("paymentKey", payment.payment_key.as_str()),
        ("amount", amount.as_str()),
    ];
    if sandbox.config.settings.payment_type == PaymentType::Omitted {
        parameters.remove(0);
    }
    let url = payment.success_url.as_deref().unwrap_or("/landing/success");
    Redirect::to(&with_parameters(url, &parameters)).into_response()
}

impl Choice {
    fn pass(self) -> Result<Pass, Refusal> {
        let method = self
            .method
            .as_deref()
            .map_or(Some(Method::Card), Method::named);
        let method = method.ok_or_else(|| Refusal::of("NOT_SUPPORTED_METHOD"))?;
        let typed = self.card_number.filter(|typed| !typed.trim().is_empty());
        let card = match typed.filter(|_| method == Method::Card) {
            None => None,
            Some(typed) => Some(cards::find(&typed).ok_or_else(|| Refusal::of(UNKNOWN_CARD))?),
        };
        Ok(Pass {
            method,
            scenario: self
                .scenario
                .filter(|code| !code.is_empty() && code != "approve"),
            customer_key: None,
            card,
            points: None,
            cash_receipt: None,
        })
    }
}

/// The buyer authenticates.
async fn authenticate(sandbox: &Sandbox, payment: &Payment, pass: Pass) -> Result<(), Refusal> {
    let (context, key) = (sandbox.context(None), payment.payment_key.as_str());
    let passed = sandbox
        .store
        .commit(|transaction| create::authenticate(transaction, context, key, pass))
        .await;
    passed.unwrap_or_else(|_| Err(Refusal::of("FAILED_INTERNAL_SYSTEM_PROCESSING")))
}

/// The payment while its window is open.
async fn look(sandbox: &Sandbox, payment_key: &str) -> Result<Payment, Refusal> {
    let context: Context = sandbox.context(None);
    let found = sandbox
        .store
        .commit(|transaction| {
            read::by_key(transaction, context, payment_key)?;
            let payment = transaction.state().payment(payment_key);
            create::check_open(payment.expect("it was just read"))?;
            Ok(payment.cloned().expect("it was just read"))
        })
        .await;
    found.unwrap_or_else(|_| Err(Refusal::of("FAILED_INTERNAL_SYSTEM_PROCESSING")))
}

fn check_client_key(sandbox: &Sandbox, client_key: Option<&str>) -> Result<(), Refusal> {
    match client_key {
        Some(key) if key == sandbox.config.client_key => Ok(()),
        Some(key) if key == sandbox.config.secret_key => Err(Refusal::of("INSECURE_KEY_USAGE")),
        Some(_) => Err(Refusal::of("UNAUTHORIZED_KEY")),
        None => Err(Refusal::of("INVALID_CLIENT_KEY")),
    }
}

/// The query as the body of a create call, so that both are read by the same rules.
fn body(request: &Request) -> Value {
    let number = |text: &Option<String>| {
        text.as_ref().map(|text| {
            text.parse::<i64>()
                .map_or_else(|_| json!(text), |n| json!(n))
        })
    };
    let metadata = request
        .metadata
        .as_ref()
        .and_then(|text| serde_json::from_str(text).ok());
    json!({
        "orderId": request.order_id,
        "orderName": request.order_name,
        "amount": number(&request.amount),
        "currency": request.currency,
        "taxFreeAmount": number(&request.tax_free_amount),
        "customerKey": request.customer_key,
        "customerName": request.customer_name,
        "validHours": number(&request.valid_hours),
        "dueDate": request.due_date,
        "successUrl": request.success_url,
        "failUrl": request.fail_url,
        "metadata": metadata.unwrap_or(Value::Null),
        "method": request.method,
    })
}

/// The language asked for in the address, else by the browser.
fn language(asked: Option<&str>, headers: &HeaderMap) -> Language {
    let header = headers
        .get(ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok());
    Language::of_header(asked.or(header))
}

fn texts(language: Language) -> &'static Texts {
    Texts::of(language)
}
