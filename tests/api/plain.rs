//! Payments at a gateway that takes money and can do nothing else, as a merchant sees them.

use serde_json::json;

use crate::rig::{Answer, Prepared, Rig, text};

const BODY: &str = r#"{"orderId":"order-card","orderName":"a","amount":15000,"method":"CARD"}"#;

/// A rig with a payment by card at such a gateway.
async fn prepared() -> (Rig, Prepared) {
    let rig = Rig::with("[timings]\ndivide_by = 10\n").await;
    rig.gateway.be_plain();
    let told = rig.post("/api/v1/payments", BODY).await;
    assert_eq!(told.status, 201, "{told:?}");
    let payment = told.body["data"].clone();
    let prepared = Prepared {
        id: text(&payment["paymentId"]).to_owned(),
        gateway_order: text(&payment["gatewayOrderId"]).to_owned(),
    };
    (rig, prepared)
}

async fn approve(rig: &Rig, payment: &Prepared, payment_key: &str) -> Answer {
    let path = format!("/api/v1/payments/{}/approve", payment.id);
    let order = &payment.gateway_order;
    let body = json!({ "paymentKey": payment_key, "gatewayOrderId": order, "amount": 15000 });
    let request = rig.posting(&path, body.to_string());
    crate::rig::answer(request.header("idempotency-key", payment_key)).await
}

/// What is refused there, and nowhere else.
pub(crate) async fn refusals() -> Vec<Answer> {
    let (rig, payment) = prepared().await;
    let chosen_later = BODY.replace(r#","method":"CARD""#, "");
    let transfer = BODY.replace("CARD", "TRANSFER");
    let mut refused = Vec::new();
    for body in [chosen_later, transfer] {
        let told = rig.post(
            "/api/v1/payments",
            body.replace("order-card", "order-other"),
        );
        refused.push(told.await);
    }
    refused.push(approve(&rig, &payment, "a-key-of-its-own").await);
    assert_eq!(rig.gateway.confirms(), 0, "something was sent");
    let paid = approve(&rig, &payment, &payment.gateway_order).await;
    assert_eq!(paid.status, 200, "{paid:?}");
    refused.push(rig.cancel(&payment, json!({ "reason": "r" }), "c-1").await);
    assert_eq!(rig.gateway.cancels(), 0, "something was sent");
    refused
}

#[tokio::test]
async fn what_it_cannot_do_is_refused_before_anything_happens() {
    let refused = refusals().await;
    let codes: Vec<&str> = refused.iter().map(Answer::code).collect();
    let expected = [
        "METHOD_NOT_TAKEN",
        "METHOD_NOT_TAKEN",
        "INVALID_REQUEST",
        "GATEWAY_CANNOT_CANCEL",
    ];
    assert_eq!(codes, expected);
    assert_eq!(refused[2].errors(), ["paymentKey: PAYMENT_KEY_NOT_ORDER"]);
}

/// One that nobody has paid is closed here, where the gateway has no say.
#[tokio::test]
async fn what_nobody_paid_can_be_cancelled() {
    let (rig, payment) = prepared().await;
    let told = rig.cancel(&payment, json!({ "reason": "r" }), "c-1").await;
    assert_eq!(told.status, 200, "{told:?}");
    assert_eq!(told.body["data"]["status"], "CANCELED");
}

#[tokio::test]
async fn a_billing_key_is_not_registered_there() {
    let (rig, _) = prepared().await;
    let billing = BODY.replace("order-card", "order-billing").replace(
        r#""amount""#,
        r#""kind":"BILLING","customer":{"memberId":"m"},"amount""#,
    );
    let told = rig.post("/api/v1/payments", billing).await;
    assert_eq!(told.code(), "METHOD_NOT_TAKEN");
}
