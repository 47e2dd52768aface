//! The contract of the `Idempotency-Key` header.

use std::time::Duration;

use domain::decline::Class;
use reqwest::Method;
use serde_json::json;

use crate::rig::{Rig, answer, approval, text};

const FAST: &str = "[timings]\ndivide_by = 10\n";

#[tokio::test]
async fn a_repeat_is_answered_again_and_calls_nothing() {
    let rig = Rig::new().await;
    let payment = rig.prepared().await;
    let first = rig.approve(&payment, "key-1").await;
    assert_eq!(
        (first.status, first.header("idempotent-replayed")),
        (200, "")
    );
    for spelling in ["key-1", "\"key-1\""] {
        let again = rig.approve(&payment, spelling).await;
        assert_eq!(again.status, 200);
        assert_eq!(again.header("idempotent-replayed"), "true");
        assert_eq!(again.body["data"], first.body["data"]);
        assert_eq!(again.code(), first.code());
    }
    assert_eq!(rig.gateway.confirms(), 1);
}

#[tokio::test]
async fn a_decline_is_replayed_with_its_reason() {
    let rig = Rig::new().await;
    rig.gateway.decline(Class::Buyer);
    let payment = rig.prepared().await;
    let first = rig.approve(&payment, "key-1").await;
    assert_eq!((first.status, first.code()), (402, "PAYMENT_DECLINED"));
    assert_eq!(first.errors(), [": INSUFFICIENT_FUNDS"]);
    assert_eq!(
        first.body["errors"][0]["gatewayCode"],
        "REJECT_CARD_PAYMENT"
    );
    assert_eq!(first.body["data"]["status"], "READY");
    rig.gateway.approve();
    let again = rig.approve(&payment, "key-1").await;
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.body["errors"], first.body["errors"]);
    assert_eq!(rig.gateway.confirms(), 1);
    // The buyer tries again, with a key of its own.
    assert_eq!(rig.approve(&payment, "key-2").await.status, 200);
}

#[tokio::test]
async fn the_first_request_is_waited_for_and_then_pending() {
    let rig = Rig::with(FAST).await;
    rig.gateway.hold();
    let payment = rig.prepared().await;
    let (first, during) = tokio::join!(rig.approve(&payment, "key-1"), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        rig.approve(&payment, "key-1").await
    });
    let running = (during.status, during.code());
    assert_eq!(running, (409, "IDEMPOTENCY_KEY_IN_PROGRESS"));
    assert_eq!(during.header("retry-after"), "1");
    let place = format!("/api/v1/payments/{}", payment.id);
    tokio::time::sleep(Duration::from_millis(200)).await;
    for pending in [first, rig.approve(&payment, "key-1").await] {
        assert_eq!((pending.status, pending.code()), (202, "PAYMENT_PENDING"));
        assert_eq!(pending.header("location"), place);
        assert!(pending.header("retry-after").parse::<u64>().unwrap() >= 1);
        assert_eq!(pending.body["data"]["status"], "IN_PROGRESS");
    }
    let other = rig.approve(&payment, "key-2").await;
    assert_eq!((other.status, other.code()), (409, "PAYMENT_IN_PROGRESS"));
    assert!(
        text(&other.body["data"]["sagaId"]).starts_with("sag_"),
        "{other:?}"
    );
    assert_eq!(rig.gateway.confirms(), 1);
}

#[tokio::test]
async fn another_request_under_the_key_is_refused() {
    let rig = Rig::new().await;
    let payment = rig.prepared().await;
    assert_eq!(rig.approve(&payment, "key-1").await.status, 200);
    let path = format!("/api/v1/payments/{}/approve", payment.id);
    let mut body = approval(&payment);
    body["amount"] = json!(14999);
    let other = rig
        .posting(&path, body.to_string())
        .header("idempotency-key", "key-1");
    let other = answer(other).await;
    assert_eq!(
        (other.status, other.code()),
        (422, "IDEMPOTENCY_KEY_REUSED")
    );
    let elsewhere = rig.prepared().await;
    assert_eq!(
        rig.approve(&elsewhere, "key-1").await.status,
        422,
        "another route"
    );
}

#[tokio::test]
async fn a_refusal_does_not_use_the_key_up() {
    let rig = Rig::new().await;
    let payment = rig.prepared().await;
    let path = format!("/api/v1/payments/{}/approve", payment.id);
    let mut body = approval(&payment);
    body["amount"] = json!(1);
    let refused = rig
        .posting(&path, body.to_string())
        .header("idempotency-key", "key-1");
    assert_eq!(answer(refused).await.code(), "AMOUNT_MISMATCH");
    assert_eq!(rig.approve(&payment, "key-1").await.status, 200);
}

#[tokio::test]
async fn keys_are_visible_ascii_of_bounded_length() {
    let rig = Rig::new().await;
    let payment = rig.prepared().await;
    for wrong in ["", "two words", "\"open", &"k".repeat(256)] {
        let answer = rig.approve(&payment, wrong).await;
        let found = (answer.status, answer.code());
        assert_eq!(found, (400, "IDEMPOTENCY_KEY_MALFORMED"), "{wrong:?}");
    }
    let korean = rig
        .approving(&payment, "x")
        .header("idempotency-key", "열쇠");
    assert_eq!(answer(korean).await.code(), "HEADER_REPEATED");
    assert_eq!(rig.approve(&payment, &"k".repeat(255)).await.status, 200);
}

#[tokio::test]
async fn preparing_takes_a_key_too() {
    let rig = Rig::new().await;
    let body = json!({ "orderId": "order-a", "orderName": "a", "amount": 1 }).to_string();
    let prepare = || {
        let request = rig.posting("/api/v1/payments", body.clone());
        answer(request.header("idempotency-key", "key-1"))
    };
    let (first, again) = (prepare().await, prepare().await);
    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(first.body["data"], again.body["data"]);
}

#[tokio::test]
async fn issued_keys_are_bound_and_expire() {
    let rig = Rig::new().await;
    let issued = rig.post("/api/v1/idempotency-keys", "").await;
    assert_eq!(issued.status, 201, "{issued:?}");
    let key = text(&issued.body["data"]["idempotencyKey"]).to_owned();
    let theirs = rig.anonymous(Method::POST, "/api/v1/idempotency-keys");
    let theirs = answer(theirs.bearer_auth(crate::rig::OTHER)).await;
    let theirs = text(&theirs.body["data"]["idempotencyKey"]).to_owned();
    let payment = rig.prepared().await;
    let stolen = rig.approve(&payment, &theirs).await;
    assert_eq!(stolen.code(), "IDEMPOTENCY_KEY_NOT_ISSUED");
    assert_eq!(rig.approve(&payment, &key).await.status, 200);
    let late = rig.post("/api/v1/idempotency-keys", "").await;
    let late = text(&late.body["data"]["idempotencyKey"]).to_owned();
    rig.clock.move_ahead(chrono::TimeDelta::hours(25));
    let payment = rig.prepared().await;
    assert_eq!(
        rig.approve(&payment, &late).await.code(),
        "IDEMPOTENCY_KEY_NOT_ISSUED"
    );
}
