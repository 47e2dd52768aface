//! Owns the pages of subscriptions: what can be subscribed to, the card for it, and what becomes of
//! it.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::json;

use super::fields::Fields;
use super::visitor::{SdkOrigin, Visitor};
use super::{Problem, Web, orders, pages};
use crate::membership::Purpose;
use crate::payflow;
use crate::sales;

/// Where somebody's own subscriptions are.
const OWN: &str = "/membership";

/// What an address may tell besides.
#[derive(Deserialize)]
pub(super) struct Told {
    #[serde(default)]
    notice: String,
}

/// What can be subscribed to.
pub(super) async fn plans(
    State(web): State<Arc<Web>>,
    Extension(visitor): Extension<Visitor>,
    Query(told): Query<Told>,
) -> Result<Response, Problem> {
    let owner = visitor.session.owner();
    let found = async {
        let plans = web.shop.payflow.plans().await?;
        Ok((plans, web.shop.payflow.subscriptions(&owner).await?))
    };
    let (plans, mine) = match found.await {
        Ok(found) => found,
        Err(error) => return Ok(unreachable(&visitor, &error)),
    };
    let sdk = sdk(&web).await;
    let page = pages::plans(&visitor, &plans, &mine, &told.notice);
    Ok(with_sdk(page.with(sdk.as_ref()), sdk))
}

/// Everything that the visitor has subscribed to.
pub(super) async fn own(
    State(web): State<Arc<Web>>,
    Extension(visitor): Extension<Visitor>,
    Query(told): Query<Told>,
) -> Result<Response, Problem> {
    let owner = visitor.session.owner();
    let newest = web.shop.store.newest(&owner).await?;
    if let Some(newest) = &newest {
        web.shop.bring_on(newest).await?;
    }
    let newest = web.shop.store.newest(&owner).await?;
    let memberships = match web.shop.memberships(&owner).await {
        Ok(found) => found,
        Err(sales::Error::Payflow(error)) => return Ok(unreachable(&visitor, &error)),
        Err(error) => return Err(error.into()),
    };
    let sdk = sdk(&web).await;
    let page = pages::membership(&visitor, &memberships, newest.as_ref(), &told.notice);
    Ok(with_sdk(page.with(sdk.as_ref()), sdk))
}

/// Begins to register a card for a plan.
pub(super) async fn subscribe(
    State(web): State<Arc<Web>>,
    Extension(visitor): Extension<Visitor>,
    Path(plan): Path<String>,
    _: Fields,
) -> Result<Response, Problem> {
    let owner = visitor.session.owner();
    let asked = async {
        let offered = web.shop.payflow.plans().await?;
        if !offered.iter().any(|offered| offered.code == plan) {
            return Err(sales::Error::NotFound);
        }
        if web.shop.pays_for(&owner, &plan).await? {
            return Ok(Json(json!({ "leave": OWN })).into_response());
        }
        open(&web, &owner, Purpose::Subscribe { plan }).await
    };
    answered(asked.await)
}

/// Begins to register another card for a subscription.
pub(super) async fn change_card(
    State(web): State<Arc<Web>>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    _: Fields,
) -> Result<Response, Problem> {
    let owner = visitor.session.owner();
    let asked = async {
        let found = web.shop.subscription_of(&owner, &id).await?;
        let subscription = found.id;
        open(&web, &owner, Purpose::Pay { subscription }).await
    };
    answered(asked.await)
}

/// What the window for a card is opened with.
async fn open(web: &Web, owner: &str, purpose: Purpose) -> Result<Response, sales::Error> {
    let keys = web.shop.payflow.keys().await?;
    let begun = web.shop.register_for(owner, purpose).await?;
    let card = begun.card;
    let opening = json!({
        "clientKey": keys.client_key,
        "customerKey": begun.customer_key,
        "successPath": format!("/cards/{card}/success"),
        "failPath": format!("/cards/{card}/fail"),
    });
    Ok(Json(opening).into_response())
}

fn answered(answer: Result<Response, sales::Error>) -> Result<Response, Problem> {
    match answer {
        Err(sales::Error::Payflow(error)) => {
            tracing::warn!(%error, "no card is registered");
            Ok(StatusCode::SERVICE_UNAVAILABLE.into_response())
        }
        Ok(answer) => Ok(answer),
        Err(error) => Err(error.into()),
    }
}

/// What the window's redirect carries.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Brought {
    #[serde(default)]
    customer_key: String,
    #[serde(default)]
    auth_key: String,
}

/// Takes the card on to what it is for, and shows that under an address without secrets.
pub(super) async fn card_success(
    State(web): State<Arc<Web>>,
    Extension(visitor): Extension<Visitor>,
    Path(card): Path<String>,
    Query(brought): Query<Brought>,
) -> Result<Redirect, Problem> {
    let owner = visitor.session.owner();
    let keys = (brought.customer_key.as_str(), brought.auth_key.as_str());
    web.shop.take_card(&owner, &card, keys).await?;
    Ok(Redirect::to(OWN))
}

/// The window was closed, or the card refused. Nothing was stored that anybody would have to mend.
pub(super) async fn card_fail(
    State(web): State<Arc<Web>>,
    Extension(visitor): Extension<Visitor>,
    Path(card): Path<String>,
    Query(failed): Query<orders::Failed>,
) -> Result<Redirect, Problem> {
    let owner = visitor.session.owner();
    let purpose = web.shop.store.purpose(&owner, &card).await?;
    let page = match purpose.ok_or(Problem::NotFound)? {
        Purpose::Subscribe { .. } => "/plans",
        Purpose::Pay { .. } => OWN,
    };
    let notice = if failed.is_closed() {
        "abandoned"
    } else {
        "refused"
    };
    Ok(Redirect::to(&format!("{page}?notice={notice}")))
}

/// Ends a subscription by the rule that its page tells.
pub(super) async fn end(
    State(web): State<Arc<Web>>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    _: Fields,
) -> Result<Response, Problem> {
    let owner = visitor.session.owner();
    let ended = async {
        let subscription = web.shop.subscription_of(&owner, &id).await?;
        web.shop.end(&subscription).await
    };
    match ended.await {
        Ok(None) => Ok(Redirect::to(OWN).into_response()),
        Ok(Some(code)) => {
            tracing::info!(subscription = id, code, "its end is not accepted");
            let notice = not_ended(&code);
            Ok(Redirect::to(&format!("{OWN}?notice={notice}")).into_response())
        }
        Err(sales::Error::Payflow(error)) => Ok(unreachable(&visitor, &error)),
        Err(error) => Err(error.into()),
    }
}

/// The notice for what became of an end that was not accepted.
fn not_ended(code: &str) -> &'static str {
    match code {
        "SUBSCRIPTION_CHARGING" | "PAYMENT_IN_PROGRESS" => "not-ended",
        "SUBSCRIPTION_CLOSED" => "ended-before",
        "CANCEL_DECLINED" => "ended-unrefunded",
        "GATEWAY_CANNOT_CANCEL" => "not-refunded",
        _ => "end-again",
    }
}

fn unreachable(visitor: &Visitor, error: &payflow::Error) -> Response {
    tracing::warn!(%error, "subscriptions are not shown");
    let page = pages::unreachable(visitor);
    (StatusCode::SERVICE_UNAVAILABLE, page).into_response()
}

/// Where the gateway's script is, and whose it is in a content security policy.
async fn sdk(web: &Web) -> Option<(String, String)> {
    let keys = web.shop.payflow.keys().await.ok()?;
    let origin = orders::origin_of(&keys.sdk_url)?;
    Some((keys.sdk_url, origin))
}

fn with_sdk(page: pages::Page, sdk: Option<(String, String)>) -> Response {
    let mut response = page.into_response();
    if let Some((_, origin)) = sdk {
        response.extensions_mut().insert(SdkOrigin(origin));
    }
    response
}
