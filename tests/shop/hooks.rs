//! What Payflow tells the shop by itself: orders that nobody looks at become what their payments
//! are, and nobody else is believed.

use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};
use tokio_util::task::TaskTracker;

use crate::stand::{Stand, client};

/// The payment of the shop's only paid order.
async fn paid(stand: &Stand) -> String {
    let listed = client()
        .get(format!(
            "{}/api/v1/payments?status=DONE",
            stand.text("payflowUrl")
        ))
        .basic_auth(stand.text("secretKey"), Some(""));
    let listed: Value = listed.send().await.unwrap().json().await.unwrap();
    let id = listed["data"]["payments"][0]["paymentId"].as_str();
    id.unwrap_or_else(|| panic!("{listed}")).to_owned()
}

#[tokio::test]
async fn a_refund_made_elsewhere_reaches_the_order() {
    let stand = Stand::start().await;
    let mut buyer = stand.buyer();
    let order = buyer.buy(&stand, "mug", "1").await;
    buyer.listed(&order, "chip paid").await;
    // Somebody of the merchant's gives the money back, not through the shop.
    let path = format!("/api/v1/payments/{}/cancel", paid(&stand).await);
    let refund = client()
        .post(format!("{}{path}", stand.text("payflowUrl")))
        .basic_auth(stand.text("secretKey"), Some(""))
        .header("Idempotency-Key", "by-hand")
        .json(&json!({ "reason": "고객센터" }));
    assert_eq!(refund.send().await.unwrap().status(), 200);
    // The list asks Payflow nothing.
    buyer.listed(&order, "chip refunded").await;
}

#[tokio::test]
async fn a_message_that_payflow_did_not_sign_changes_nothing() {
    let stand = Stand::start().await;
    let mut buyer = stand.buyer();
    let order = buyer.buy(&stand, "mug", "1").await;
    let number = order.strip_prefix("/orders/").unwrap();
    let payment = paid(&stand).await;
    let body = json!({
        "type": "payment.canceled",
        "data": {
            "eventId": format!("{payment}-9"),
            "paymentId": payment,
            "sequence": 9,
            "to": "CANCELED",
            "payload": { "orderId": number, "amount": 18_000, "currency": "KRW", "balance": 0 },
        },
    });
    for signature in ["", "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="] {
        let forged = client()
            .post(format!("{}/hooks/payflow", stand.url()))
            .header("webhook-id", format!("{payment}-9"))
            .header("webhook-timestamp", "1763740800")
            .header("webhook-signature", signature)
            .json(&body);
        assert_eq!(forged.send().await.unwrap().status(), 401);
    }
    buyer.listed(&order, "chip paid").await;
}

#[tokio::test]
async fn a_shop_that_comes_back_elsewhere_is_told_there() {
    let mut stand = Stand::start().await;
    let mut buyer = stand.buyer();
    let order = buyer.buy(&stand, "mug", "1").await;
    stand.reopen_shop().await;
    buyer.follow(&stand);
    let path = format!("/api/v1/payments/{}/cancel", paid(&stand).await);
    let refund = client()
        .post(format!("{}{path}", stand.text("payflowUrl")))
        .basic_auth(stand.text("secretKey"), Some(""))
        .header("Idempotency-Key", "by-hand")
        .json(&json!({ "reason": "고객센터" }));
    assert_eq!(refund.send().await.unwrap().status(), 200);
    buyer.listed(&order, "chip refunded").await;
}

#[tokio::test]
async fn a_rotated_secret_is_taken_from_its_file() {
    let stand = Stand::start().await;
    let mut buyer = stand.buyer();
    let order = buyer.buy(&stand, "mug", "1").await;
    buyer.listed(&order, "chip paid").await;
    let payflow = |path: &str| {
        let url = format!("{}/api/v1{path}", stand.text("payflowUrl"));
        client()
            .post(url)
            .basic_auth(stand.text("secretKey"), Some(""))
    };
    let endpoints = client()
        .get(format!(
            "{}/api/v1/webhook-endpoints",
            stand.text("payflowUrl")
        ))
        .basic_auth(stand.text("secretKey"), Some(""));
    let endpoints: Value = endpoints.send().await.unwrap().json().await.unwrap();
    let endpoint = endpoints["data"]["endpoints"][0]["endpointId"].as_str();
    let path = format!("/webhook-endpoints/{}/rotate", endpoint.unwrap());
    let rotated = payflow(&path).json(&json!({ "graceSeconds": 0 }));
    let rotated: Value = rotated.send().await.unwrap().json().await.unwrap();
    let secret = rotated["data"]["secret"].as_str().unwrap();
    std::fs::write(stand.hook_secrets(), format!("{secret}\n")).unwrap();
    let refund = payflow(&format!("/payments/{}/cancel", paid(&stand).await))
        .header("Idempotency-Key", "by-hand")
        .json(&json!({ "reason": "고객센터" }));
    assert_eq!(refund.send().await.unwrap().status(), 200);
    buyer.listed(&order, "chip refunded").await;
}

/// The address of a receiver that wants nothing any more.
async fn leaving() -> String {
    let routes = Router::new().route("/", post(async || StatusCode::GONE));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    TaskTracker::new().spawn(async move { axum::serve(listener, routes).await });
    url
}

/// The shop wants everything that is told, also what it does nothing with.
#[tokio::test]
async fn what_is_about_no_payment_is_taken_at_once() {
    let stand = Stand::start().await;
    let asked = async |method, path: &str, body: Option<Value>| -> Value {
        let url = format!(
            "{}/api/v1/webhook-endpoints{path}",
            stand.text("payflowUrl")
        );
        let asked = client().request(method, url);
        let asked = asked.basic_auth(stand.text("secretKey"), Some(""));
        let asked = match body {
            Some(body) => asked.json(&body),
            None => asked,
        };
        asked.send().await.unwrap().json().await.unwrap()
    };
    let begun = Instant::now();
    let patience = Duration::from_secs(20);
    let shops = loop {
        let all = asked(reqwest::Method::GET, "", None).await;
        if let Some(id) = all["data"]["endpoints"][0]["endpointId"].as_str() {
            break id.to_owned();
        }
        assert!(begun.elapsed() < patience, "{all}");
        sleep(Duration::from_millis(50)).await;
    };
    let other = json!({ "url": leaving().await });
    let other = asked(reqwest::Method::POST, "", Some(other)).await;
    assert!(other["data"]["secret"].is_string(), "{other}");
    let mut buyer = stand.buyer();
    let order = buyer.buy(&stand, "mug", "1").await;
    let path = format!("/{shops}/deliveries?limit=100");
    let notice = loop {
        let listed = asked(reqwest::Method::GET, &path, None).await;
        let all = listed["data"]["deliveries"].as_array().unwrap();
        let notice = all
            .iter()
            .find(|one| one["type"] == "webhook_endpoint.disabled");
        let is_tried = |one: &&Value| one["tries"].as_i64() >= Some(1);
        if let Some(notice) = notice.filter(is_tried) {
            break notice.clone();
        }
        assert!(begun.elapsed() < patience, "{listed}");
        sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(
        (&notice["status"], &notice["tries"]),
        (&json!("DELIVERED"), &json!(1)),
        "{notice}"
    );
    buyer.listed(&order, "chip paid").await;
}
