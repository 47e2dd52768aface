//! Owns the window in which a card or an account is registered to be charged later.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Form, Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;

use super::html::{fill, page};
use super::{Action, Preset, UNKNOWN_CARD, check_client_key, language, texts, view};
use crate::cards::{self, TestCard};
use crate::catalogue::{Language, Refusal};
use crate::operations::billing::{self, Registration};
use crate::redirect::{encode, with_parameters};
use crate::sandbox::Sandbox;
use crate::state::billing::Window;
use crate::state::payment::Method;

const PAGE: &str = include_str!("billing.html");

/// What the SDK's `requestBillingAuth`, or a link, opens the window with.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    client_key: Option<String>,
    customer_key: Option<String>,
    method: Option<String>,
    success_url: Option<String>,
    fail_url: Option<String>,
    lang: Option<String>,
}

/// What the buyer chose; never written anywhere.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Choice {
    action: Action,
    /// Only ever compared: what is kept is the card it means.
    card_number: Option<String>,
}

pub(super) fn router() -> Router<Arc<Sandbox>> {
    Router::new()
        .route("/billing/window", get(open))
        .route("/billing/window/{id}", get(show).post(choose))
}

/// Opens a window and leads to it, so that reloading opens no second one.
async fn open(
    State(sandbox): State<Arc<Sandbox>>,
    Query(request): Query<Request>,
    headers: HeaderMap,
) -> Response {
    let language = language(request.lang.as_deref(), &headers);
    let opened = match check_client_key(&sandbox, request.client_key.as_deref())
        .and_then(|()| registration(&request))
    {
        Ok(asked) => {
            let commit = sandbox.store.commit(|all| billing::open(all, asked));
            commit.await.unwrap_or_else(|_| broken())
        }
        Err(refusal) => Err(refusal),
    };
    match opened {
        Ok(id) => {
            let window = format!("/billing/window/{}", encode(&id));
            let presets = request.lang.as_deref().map(|lang| ("lang", lang));
            let presets: Vec<(&str, &str)> = presets.into_iter().collect();
            Redirect::to(&with_parameters(&window, &presets)).into_response()
        }
        Err(refusal) => view::stopped(&refusal, language),
    }
}

async fn show(
    State(sandbox): State<Arc<Sandbox>>,
    Path(id): Path<String>,
    Query(preset): Query<Preset>,
    headers: HeaderMap,
) -> Response {
    let language = language(preset.lang.as_deref(), &headers);
    match look(&sandbox, &id).await {
        Ok(window) => render(&sandbox, &window, language, None),
        Err(refusal) => view::stopped(&refusal, language),
    }
}

async fn choose(
    State(sandbox): State<Arc<Sandbox>>,
    Path(id): Path<String>,
    Query(preset): Query<Preset>,
    headers: HeaderMap,
    Form(choice): Form<Choice>,
) -> Response {
    let language = language(preset.lang.as_deref(), &headers);
    let window = match look(&sandbox, &id).await {
        Ok(window) => window,
        Err(refusal) => return view::stopped(&refusal, language),
    };
    let fail = |refusal: &Refusal| {
        let message = refusal.message(language);
        let parameters = [("code", refusal.code.as_str()), ("message", message)];
        Redirect::to(&with_parameters(&window.fail_url, &parameters)).into_response()
    };
    let card = match choice.action {
        Action::Abandon => return fail(&Refusal::of("PAY_PROCESS_CANCELED")),
        Action::Refuse => return fail(&Refusal::of("REJECT_CARD_COMPANY")),
        Action::Approve => match typed(&window, choice.card_number.as_deref()) {
            Ok(card) => card,
            Err(problem) => return render(&sandbox, &window, language, Some(&problem)),
        },
    };
    match consent(&sandbox, &window, card).await {
        Ok(auth_key) => {
            let parameters = [
                ("customerKey", window.customer_key.as_str()),
                ("authKey", auth_key.as_str()),
            ];
            Redirect::to(&with_parameters(&window.success_url, &parameters)).into_response()
        }
        Err(refusal) if card.is_some_and(|card| card.window.is_some()) => fail(&refusal),
        Err(refusal) => view::stopped(&refusal, language),
    }
}

fn registration(request: &Request) -> Result<Registration, Refusal> {
    let method = request.method.as_deref().unwrap_or("CARD");
    let given = |value: &Option<String>, code| value.clone().ok_or_else(|| Refusal::of(code));
    Ok(Registration {
        customer_key: given(&request.customer_key, "INVALID_CUSTOMER_KEY")?,
        method: Method::named(method).ok_or_else(|| Refusal::of("NOT_SUPPORTED_METHOD"))?,
        success_url: given(&request.success_url, "INCORRECT_SUCCESS_URL_FORMAT")?,
        fail_url: given(&request.fail_url, "INCORRECT_FAIL_URL_FORMAT")?,
    })
}

fn typed(window: &Window, number: Option<&str>) -> Result<Option<&'static TestCard>, Refusal> {
    let number = number.filter(|number| !number.trim().is_empty());
    match number.filter(|_| window.method == Method::Card) {
        None => Ok(None),
        Some(number) => match cards::find(number) {
            Some(card) => Ok(Some(card)),
            None => Err(Refusal::of(UNKNOWN_CARD)),
        },
    }
}

/// The window while the buyer can still do something in it.
async fn look(sandbox: &Sandbox, id: &str) -> Result<Window, Refusal> {
    let context = sandbox.context(None);
    let looked = sandbox
        .store
        .commit(|all| billing::open_window(all, context, id).cloned());
    looked.await.unwrap_or_else(|_| broken())
}

/// The buyer consents: once per window, whoever else presses at the same time.
async fn consent(
    sandbox: &Sandbox,
    window: &Window,
    card: Option<&'static TestCard>,
) -> Result<String, Refusal> {
    let context = sandbox.context(None);
    let (customer_key, id) = (window.customer_key.as_str(), window.id.as_str());
    let consented = sandbox.store.commit(|all| {
        billing::open_window(all, context, id)?;
        billing::authenticate(all, (customer_key, window.method), card, Some(id))
    });
    consented.await.unwrap_or_else(|_| broken())
}

fn broken<T>() -> Result<T, Refusal> {
    Err(Refusal::of("FAILED_INTERNAL_SYSTEM_PROCESSING"))
}

fn render(
    sandbox: &Sandbox,
    window: &Window,
    language: Language,
    problem: Option<&Refusal>,
) -> Response {
    let texts = texts(language);
    let number = match window.method {
        Method::Card => view::number(language, problem),
        Method::EasyPay
        | Method::Transfer
        | Method::VirtualAccount
        | Method::MobilePhone
        | Method::CultureGiftCertificate
        | Method::BookGiftCertificate
        | Method::GameGiftCertificate => String::new(),
    };
    let content = fill(
        PAGE,
        &[
            ("id", &encode(&window.id)),
            ("lang", texts.language),
            ("heading", texts.billing),
            ("lead", texts.billing_lead),
            ("merchant", texts.merchant),
            ("merchant_id", &sandbox.config.merchant_id),
            ("method", texts.method),
            ("method_name", window.method.korean()),
            ("number", &number),
            ("approve", texts.register),
            ("refuse", texts.refuse),
            ("abandon", texts.abandon),
            ("no_money", texts.no_money),
        ],
    );
    let here = format!("?lang={}", texts.other_language);
    let status = problem.map_or(200, |refusal| refusal.http);
    page(status, texts.billing, (texts, &here), &content)
}
