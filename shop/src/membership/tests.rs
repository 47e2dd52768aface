//! Owns the tests of what becomes of a card, at a Payflow that answers as it is told to.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use axum::Json;
use axum::Router;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::*;
use crate::config::{Access, Keys};
use crate::payflow::Client;
use crate::store::Store;

/// What Payflow knows, and what it does with an end.
struct Known {
    subscriptions: Vec<Value>,
    end: (u16, &'static str),
}

type Shared = Arc<Mutex<Known>>;

fn subscription(card: &str) -> Value {
    json!({ "subscriptionId": format!("sub_{card}"), "memberId": "a", "planCode": "tea",
            "billingKeyId": card, "status": "ACTIVE" })
}

fn payflow(known: &Shared) -> Router {
    let ok = |data: Value| Json(json!({ "code": "OK", "data": data }));
    let (read, made, ended) = (Arc::clone(known), Arc::clone(known), Arc::clone(known));
    let subscriptions = get(async move || {
        let known = read.lock().unwrap();
        ok(json!({ "subscriptions": known.subscriptions }))
    });
    let subscriptions = subscriptions.post(async move |Json(body): Json<Value>| {
        let one = subscription(body["billingKeyId"].as_str().unwrap());
        let mut known = made.lock().unwrap();
        if !known.subscriptions.contains(&one) {
            known.subscriptions.push(one.clone());
        }
        (StatusCode::CREATED, ok(one))
    });
    let end = post(async move || {
        let (status, code) = ended.lock().unwrap().end;
        let status = StatusCode::from_u16(status).unwrap();
        (status, Json(json!({ "code": code, "data": null })))
    });
    Router::new()
        .route("/api/v1/subscriptions", subscriptions)
        .route("/api/v1/subscriptions/{id}/cancel", end)
        .route("/api/v1/entitlements/{member}", get(entitlements))
        .route(
            "/api/v1/billing-keys/{card}/issue",
            post(async move || ok(json!({}))),
        )
}

/// Two things that are paid for, on the first and the third page; nothing is on the second.
async fn entitlements(Query(query): Query<BTreeMap<String, String>>) -> Json<Value> {
    let one = |id: &str| {
        let until = "2026-04-02T00:00:00Z";
        json!({ "planCode": "tea", "subscriptionId": id, "until": until })
    };
    let (found, next) = match query.get("cursor").map(String::as_str) {
        None => (vec![one("sub_3")], Some("sub_3")),
        Some("sub_3") => (vec![], Some("sub_2")),
        Some("sub_2") => (vec![one("sub_1")], None),
        Some(other) => panic!("no cursor of a page: {other}"),
    };
    let mut data = json!({ "entitlements": found });
    if let Some(next) = next {
        data["nextCursor"] = json!(next);
    }
    Json(json!({ "code": "OK", "data": data }))
}

#[expect(
    clippy::disallowed_methods,
    reason = "a server that lives as long as its test"
)]
async fn shop() -> (Shop, Shared) {
    let known = Arc::new(Mutex::new(Known {
        subscriptions: Vec::new(),
        end: (200, "OK"),
    }));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = payflow(&known);
    tokio::spawn(async move { axum::serve(listener, router).await });
    let access = Access::Given(Keys {
        payflow_url: format!("http://{address}"),
        secret_key: "sk".to_owned(),
        client_key: "ck".to_owned(),
        sdk_url: "http://sdk".to_owned(),
    });
    let shop = Shop {
        store: Store::open(None).unwrap(),
        payflow: Client::new(access).unwrap(),
    };
    (shop, known)
}

/// A window that was opened.
async fn opened(shop: &Shop, card: &str) {
    let registering = Registering {
        card: card.to_owned(),
        owner: "a".to_owned(),
        customer_key: "ck".to_owned(),
        purpose: Purpose::Subscribe {
            plan: "tea".to_owned(),
        },
        auth_key: None,
        state: State::Open,
        code: None,
    };
    shop.store.register(registering, now()).await.unwrap();
}

#[tokio::test]
async fn a_plan_is_subscribed_to_once_in_however_many_windows() {
    let (shop, known) = shop().await;
    opened(&shop, "1").await;
    opened(&shop, "2").await;
    for card in ["1", "2", "1", "2"] {
        shop.take_card("a", card, ("ck", "auth")).await.unwrap();
    }
    assert_eq!(known.lock().unwrap().subscriptions, [subscription("1")]);
    let newest = shop.store.newest("a").await.unwrap().unwrap();
    assert_eq!(newest.code.as_deref(), Some(ALREADY_SUBSCRIBED));
}

#[tokio::test]
async fn what_a_card_itself_subscribed_to_is_no_other_subscription() {
    let (shop, known) = shop().await;
    opened(&shop, "1").await;
    // It was made, and the answer was lost.
    known.lock().unwrap().subscriptions.push(subscription("1"));
    shop.take_card("a", "1", ("ck", "auth")).await.unwrap();
    let newest = shop.store.newest("a").await.unwrap().unwrap();
    assert_eq!((newest.state, newest.code), (State::Done, None));
}

#[tokio::test]
async fn what_is_paid_for_is_read_to_its_last_page() {
    let (shop, _) = shop().await;
    let found = shop.payflow.entitlements("a").await.unwrap();
    let found: Vec<&str> = found
        .iter()
        .map(|one| one.subscription_id.as_str())
        .collect();
    assert_eq!(found, ["sub_3", "sub_1"]);
}

#[tokio::test]
async fn only_an_end_that_was_accepted_has_no_code() {
    let (shop, known) = shop().await;
    let one = serde_json::from_value(subscription("1")).unwrap();
    for (status, code, expected) in [
        (200, "OK", None),
        (202, "PAYMENT_PENDING", None),
        (409, "SUBSCRIPTION_CHARGING", Some("SUBSCRIPTION_CHARGING")),
        (429, "RATE_LIMITED", Some("RATE_LIMITED")),
        (503, "BILLING_PAUSED", Some("BILLING_PAUSED")),
    ] {
        known.lock().unwrap().end = (status, code);
        let told = shop.end(&one).await.unwrap();
        assert_eq!(told.as_deref(), expected, "{status} {code}");
    }
}
