//! What Payflow tells the shop by itself: orders that nobody looks at become what their payments
//! are, and nobody else is believed.

use serde_json::{Value, json};

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
