//! Owns the pages of orders: placing, paying, the way back from the window, refunds.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::header::ACCEPT;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::json;

use super::fields::Fields;
use super::pages::HOLDER_CHARS_MAX;
use super::visitor::{SdkOrigin, Visitor};
use super::{Problem, Web, pages};
use crate::banks::bank_of;
use crate::intent::Act;
use crate::order::{Order, Way};
use crate::payflow;
use crate::sales::{self, Authentication, Chosen, News, Taken};
use crate::scene::{Notice, Scene};
use crate::store::Begun;

/// What the gateway says when the buyer closed its window.
const CLOSED: [&str; 2] = ["PAY_PROCESS_CANCELED", "USER_CANCEL"];

pub(super) async fn list(
    State(web): State<Arc<Web>>,
    Extension(visitor): Extension<Visitor>,
) -> Result<pages::Page, Problem> {
    let orders = web.shop.store.orders(&visitor.session.owner()).await?;
    Ok(pages::orders(&visitor, &orders))
}

/// Orders what is in the cart.
pub(super) async fn place(
    State(web): State<Arc<Web>>,
    Extension(visitor): Extension<Visitor>,
    fields: Fields,
) -> Result<Redirect, Problem> {
    let owner = visitor.session.owner();
    let way = match Way::of_word(fields.text("way")) {
        Some(Way::Account) => {
            let (bank, holder) = account_asked(&fields)?;
            Chosen::Account { bank, holder }
        }
        Some(Way::Window) | None => Chosen::Window,
    };
    let placed = web.shop.place(&owner, visitor.language, way).await?;
    // Sent twice: the first one has emptied the cart.
    let to = placed.map_or("/orders".to_owned(), |order| page_of(&order.id, None));
    Ok(Redirect::to(&to))
}

/// Asks for an account once more, where no bank issued one.
pub(super) async fn ask_account(
    State(web): State<Arc<Web>>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Redirect, Problem> {
    let order = own(&web, &visitor, &id).await?;
    let number = fields.number("number").ok_or(Problem::Senseless)?;
    let (bank, holder) = account_asked(&fields)?;
    let act = Act::IssueAccount { bank, holder };
    let begun = web.shop.ask(order, number, act).await?;
    Ok(Redirect::to(&page_of(&id, notice_of(&begun))))
}

/// Of which bank, and in whose name.
fn account_asked(fields: &Fields) -> Result<(String, String), Problem> {
    let bank = bank_of(fields.text("bank")).ok_or(Problem::Senseless)?;
    let holder = fields.text("holder");
    let is_name = (1..=HOLDER_CHARS_MAX).contains(&holder.chars().count())
        && !holder.chars().any(char::is_control);
    is_name
        .then(|| (bank.code.to_owned(), holder.to_owned()))
        .ok_or(Problem::Senseless)
}

/// What an address may tell besides the order.
#[derive(Deserialize)]
pub(super) struct Told {
    #[serde(default)]
    notice: String,
}

pub(super) async fn show(
    State(web): State<Arc<Web>>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    Query(told): Query<Told>,
) -> Result<Response, Problem> {
    let order = own(&web, &visitor, &id).await?;
    page(&web, &visitor, order, Notice::of_word(&told.notice)).await
}

/// Hands the browser what it opens the payment window with. The amount is the order's.
pub(super) async fn open_window(
    State(web): State<Arc<Web>>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    headers: HeaderMap,
    _: Fields,
) -> Result<Response, Problem> {
    let order = own(&web, &visitor, &id).await?;
    let path = page_of(&order.id, None);
    let is_script = headers
        .get(ACCEPT)
        .is_some_and(|kind| kind == "application/json");
    if !is_script {
        return Ok(Redirect::to(&path).into_response());
    }
    let (name, amount) = (order.name.clone(), order.amount);
    let answer = match web.shop.open_window(order).await {
        Ok(opening) => Json(json!({
            "clientKey": opening.client_key,
            "orderId": opening.gateway_order,
            "orderName": name,
            "amount": amount,
            "successPath": format!("{path}/success"),
            "failPath": format!("{path}/fail"),
        })),
        // The order's page knows why.
        Err(
            sales::Error::NotPayable | sales::Error::Payflow(payflow::Error::TurnedAway { .. }),
        ) => Json(json!({ "leave": path })),
        Err(sales::Error::Payflow(error)) => {
            tracing::warn!(%error, "the window is not opened");
            return Ok(StatusCode::SERVICE_UNAVAILABLE.into_response());
        }
        Err(error) => return Err(error.into()),
    };
    Ok(answer.into_response())
}

/// What the window's redirect to the success page carries.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Succeeded {
    #[serde(default)]
    payment_key: String,
    #[serde(default)]
    order_id: String,
    #[serde(default)]
    amount: String,
}

/// Has the authentication approved, then shows what came of it under an address without secrets.
pub(super) async fn success(
    State(web): State<Arc<Web>>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    Query(brought): Query<Succeeded>,
) -> Result<Redirect, Problem> {
    let order = own(&web, &visitor, &id).await?;
    let authentication = Authentication {
        payment_key: brought.payment_key,
        gateway_order: brought.order_id,
        amount: brought.amount.parse().ok(),
    };
    let notice = match web.shop.take(order, authentication).await? {
        Taken::Asked => None,
        Taken::Wrong => Some(Notice::Wrong),
        Taken::Second => Some(Notice::Second),
        Taken::Late => Some(Notice::Closed),
    };
    Ok(Redirect::to(&page_of(&id, notice)))
}

/// What the window's redirect to the fail page carries.
#[derive(Deserialize)]
pub(super) struct Failed {
    #[serde(default)]
    code: String,
}

impl Failed {
    /// Whether the buyer closed the window.
    pub(super) fn is_closed(&self) -> bool {
        CLOSED.contains(&self.code.as_str())
    }
}

/// Shows the order as it is. The address only says why the window came back.
pub(super) async fn fail(
    State(web): State<Arc<Web>>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    Query(failed): Query<Failed>,
) -> Result<Response, Problem> {
    let order = own(&web, &visitor, &id).await?;
    let notice = if failed.is_closed() {
        Notice::Abandoned
    } else {
        Notice::Refused
    };
    page(&web, &visitor, order, Some(notice)).await
}

pub(super) async fn refund(
    State(web): State<Arc<Web>>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Redirect, Problem> {
    let order = own(&web, &visitor, &id).await?;
    let number = fields.number("number").ok_or(Problem::Senseless)?;
    let Some(amount) = fields.number("amount").filter(|amount| *amount > 0) else {
        return Ok(Redirect::to(&page_of(&id, Some(Notice::Amount))));
    };
    let begun = web.shop.ask(order, number, Act::Refund { amount }).await?;
    Ok(Redirect::to(&page_of(&id, notice_of(&begun))))
}

pub(super) async fn withdraw(
    State(web): State<Arc<Web>>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Redirect, Problem> {
    let order = own(&web, &visitor, &id).await?;
    let number = fields.number("number").ok_or(Problem::Senseless)?;
    let begun = web.shop.ask(order, number, Act::Withdraw).await?;
    Ok(Redirect::to(&page_of(&id, notice_of(&begun))))
}

fn notice_of(begun: &Begun) -> Option<Notice> {
    match begun {
        Begun::Intent(_) => None,
        Begun::Busy | Begun::Stale => Some(Notice::Stale),
        Begun::OverBalance => Some(Notice::Amount),
    }
}

pub(super) async fn own(web: &Web, visitor: &Visitor, id: &str) -> Result<Order, Problem> {
    Ok(web.shop.order_of(&visitor.session.owner(), id).await?)
}

/// The page of an order, in the state that Payflow says it is in.
async fn page(
    web: &Web,
    visitor: &Visitor,
    order: Order,
    notice: Option<Notice>,
) -> Result<Response, Problem> {
    let seen = web.shop.look(order).await?;
    let scene = Scene::of(&seen.order, &seen.intents);
    let sdk = match scene {
        Scene::ToPay if seen.order.way == Way::Window => {
            let keys = web.shop.payflow.keys().await;
            keys.ok().map(|keys| keys.sdk_url)
        }
        Scene::ToPay
        | Scene::Issuing
        | Scene::AwaitingDeposit
        | Scene::DepositTakenBack
        | Scene::Confirming
        | Scene::Withdrawing
        | Scene::Paid
        | Scene::Refunding
        | Scene::PartlyRefunded
        | Scene::Refunded
        | Scene::Withdrawn
        | Scene::Failed
        | Scene::Expired => None,
    };
    let origin = sdk.as_deref().and_then(origin_of);
    let is_turned_away = seen.news == News::TurnedAway || web.shop.payflow.is_turned_away();
    let notice = is_turned_away
        .then_some(Notice::TurnedAway)
        .or(notice.filter(|notice| notice.fits(scene)))
        .or_else(|| Notice::of(scene, &seen.intents));
    let shown = pages::Shown {
        seen: &seen,
        scene,
        notice,
        sdk: sdk.as_deref().filter(|_| origin.is_some()),
    };
    let mut response = pages::order(visitor, &shown).into_response();
    if let Some(origin) = origin {
        response.extensions_mut().insert(SdkOrigin(origin));
    }
    Ok(response)
}

/// Where a script comes from, as a content security policy names it.
pub(super) fn origin_of(url: &str) -> Option<String> {
    let uri: Uri = url.parse().ok()?;
    let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
    matches!(scheme, "http" | "https").then(|| format!("{scheme}://{authority}"))
}

fn page_of(id: &str, notice: Option<Notice>) -> String {
    match notice {
        None => format!("/orders/{id}"),
        Some(notice) => format!("/orders/{id}?notice={}", notice.as_str()),
    }
}
