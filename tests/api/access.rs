//! What is particular about who may call; tests/sec/cells walks the whole table.

use std::time::Duration;

use application::ports::store::Access;
use domain::merchant::Status;
use payflow::presentation::router::{Principal, ROUTES};
use reqwest::Method;
use serde_json::json;
use tokio::time::sleep;

use crate::rig::{LIVE, OTHER, Rig, SECRET, answer, text};

#[test]
fn a_page_only_opens_the_window() {
    let pages = ROUTES
        .iter()
        .filter(|route| route.principals.contains(&Principal::MerchantPage));
    let pages: Vec<&str> = pages.map(|route| route.path).collect();
    assert_eq!(pages, ["/api/v1/payments/{paymentId}/checkout"]);
}

#[tokio::test]
async fn a_test_order_and_a_live_order_do_not_meet() {
    let rig = Rig::new().await;
    let body = json!({ "orderId": "order-both", "orderName": "생수", "amount": 1000 });
    let mut payments = Vec::new();
    for key in [SECRET, LIVE, OTHER] {
        let request = rig
            .anonymous(Method::POST, "/api/v1/payments")
            .bearer_auth(key);
        let request = request.header("idempotency-key", "both").json(&body);
        let prepared = answer(request).await;
        assert_eq!(prepared.status, 201, "{key}: {prepared:?}");
        assert_eq!(prepared.header("idempotent-replayed"), "", "{key}");
        payments.push(text(&prepared.body["data"]["paymentId"]).to_owned());
    }
    payments.dedup();
    assert_eq!(payments.len(), 3);
}

#[tokio::test]
async fn a_suspended_merchant_is_refused_within_a_short_while_and_resumed_again() {
    let rig = Rig::with("[timings]\ndivide_by = 10\n").await;
    let merchants = rig.store.merchants().await.unwrap();
    assert_eq!(rig.get("/api/v1/payments").await.status, 200);
    for (status, expected) in [(Status::Suspended, 403), (Status::Active, 200)] {
        for merchant in &merchants {
            let tenancy = rig.running.app.tenancy();
            tenancy.set_status(merchant.id, status).await.unwrap();
        }
        // A tenth of what copies of the service may go on with.
        sleep(Duration::from_millis(500)).await;
        assert_eq!(rig.get("/api/v1/payments").await.status, expected);
    }
}

#[tokio::test]
async fn credentials_come_as_basic_or_bearer() {
    let rig = Rig::new().await;
    let with = |value: String| {
        let request = rig.anonymous(Method::GET, "/api/v1/payments");
        answer(request.header("authorization", value))
    };
    // sk_test_one: in base 64, padded; then without the colon, with a password, and not base 64.
    for accepted in [
        "Basic c2tfdGVzdF9vbmU6",
        "basic c2tfdGVzdF9vbmU6",
        "BEARER sk_test_one",
    ] {
        assert_eq!(with(accepted.to_owned()).await.status, 200, "{accepted}");
    }
    for malformed in [
        "Basic c2tfdGVzdF9vbmU=",
        "Basic c2tfdGVzdF9vbmU6cGFzcw==",
        "Basic %%%",
        "Basic",
        "Bearer ",
        "sk_test_one",
    ] {
        let answer = with(malformed.to_owned()).await;
        let found = (answer.status, answer.code());
        assert_eq!(found, (401, "CREDENTIALS_MALFORMED"), "{malformed}");
    }
}

#[tokio::test]
async fn identity_headers_change_nothing() {
    let rig = Rig::new().await;
    let request = rig.anonymous(Method::GET, "/api/v1/payments");
    let request = request
        .header("x-user-id", "1")
        .header("x-authorization-id", "1")
        .header("forwarded", "for=127.0.0.1")
        .header("x-forwarded-for", "127.0.0.1");
    assert_eq!(answer(request).await.status, 401);
}
