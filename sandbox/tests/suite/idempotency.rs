//! Owns the contract of idempotency keys: scope, replay, running requests and lifetime.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use toss_sandbox::{Config, ServerErrors};

use crate::support::{Bench, SECRET_KEY, config, confirm_body, send};

const CONFIRM: &str = "/v1/payments/confirm";

#[tokio::test]
async fn the_first_answer_is_replayed_byte_by_byte() {
    let bench = Bench::new().await;
    let payment_key = bench.authenticate("order-0001", 5000).await;
    let body = confirm_body(&payment_key, "order-0001", 5000);

    let first = bench.post_as("key-1", CONFIRM, body.clone()).await;
    bench
        .cancel(
            &payment_key,
            json!({ "cancelReason": "x", "cancelAmount": 1000 }),
        )
        .await;
    let second = bench.post_as("key-1", CONFIRM, body).await;

    assert_eq!((first.status, second.status), (200, 200));
    assert_eq!(
        first.text, second.text,
        "although the payment changed since"
    );
    assert_eq!(first.header("idempotency-key"), Some("key-1"));
    assert_eq!(second.header("idempotency-key"), Some("key-1"));
    let original = first
        .header("x-tosspayments-trace-id")
        .expect("a trace id")
        .to_owned();
    assert_eq!(original.len(), 32);
    let replayed = second
        .header("x-tosspayments-trace-id")
        .expect("a trace id")
        .to_owned();
    assert!(replayed.ends_with(&format!(",{original}")), "{replayed}");
    assert_ne!(replayed, format!("{original},{original}"));
    assert_eq!(bench.ledger().await.len(), 2);
    let calls = bench.calls().await;
    assert_eq!(calls.last().expect("a call")["replayed"], true);
    assert_eq!(calls.last().expect("a call")["effect"], false);
}

#[tokio::test]
async fn the_body_is_not_compared_and_errors_are_replayed() {
    let bench = Bench::new().await;
    let payment_key = bench.authenticate("order-0001", 5000).await;
    let wrong = confirm_body(&payment_key, "order-0001", 1);
    let right = confirm_body(&payment_key, "order-0001", 5000);

    bench
        .post_as("key-1", CONFIRM, wrong)
        .await
        .refused(403, "FORBIDDEN_REQUEST");
    let corrected = bench.post_as("key-1", CONFIRM, right.clone()).await;
    corrected.refused(403, "FORBIDDEN_REQUEST");
    assert_eq!(bench.post_as("key-2", CONFIRM, right).await.status, 200);

    let other = bench.authenticate("order-0002", 9000).await;
    let other = bench
        .post_as("key-2", CONFIRM, confirm_body(&other, "order-0002", 9000))
        .await;
    assert_eq!(
        other.json()["orderId"],
        "order-0001",
        "one address for all orders"
    );
    assert_eq!(bench.ledger().await.len(), 1);
}

#[tokio::test]
async fn the_path_is_part_of_the_scope() {
    let bench = Bench::new().await;
    let (first, second) = (
        bench.paid("order-0001", 500).await,
        bench.paid("order-0002", 500).await,
    );
    for payment_key in [&first, &second] {
        let path = format!("/v1/payments/{payment_key}/cancel");
        let reply = bench
            .post_as("same", &path, json!({ "cancelReason": "x" }))
            .await;
        assert_eq!(reply.json()["paymentKey"], payment_key.as_str());
    }
    assert_eq!(bench.ledger().await.len(), 4);
}

#[tokio::test]
async fn server_errors_are_stored_or_forgotten_as_set() {
    for (setting, second_status) in [(ServerErrors::Stored, 500), (ServerErrors::Forgotten, 200)] {
        let bench = Bench::with_settings(|settings| settings.server_errors = setting).await;
        let payment_key = bench.authenticate("order-0001", 5000).await;
        let body = confirm_body(&payment_key, "order-0001", 5000);
        let code = json!({ "type": "code", "code": "UNKNOWN_PAYMENT_ERROR" });
        bench
            .fault(json!({ "operation": "confirm", "fault": code }))
            .await;

        let first = bench.post_as("key-1", CONFIRM, body.clone()).await;
        first.refused(500, "UNKNOWN_PAYMENT_ERROR");
        let second = bench.post_as("key-1", CONFIRM, body.clone()).await;
        assert_eq!(second.status, second_status, "{}", second.text);
        assert_eq!(bench.post_as("key-2", CONFIRM, body).await.status, {
            if second_status == 500 { 200 } else { 400 }
        });
        assert_eq!(bench.ledger().await.len(), 1);
    }
}

#[tokio::test]
async fn a_running_key_is_a_conflict() {
    let latency = Duration::from_millis(400);
    let bench = Bench::with(Config {
        latency,
        ..config()
    })
    .await;
    let payment_key = bench.authenticate("order-0001", 5000).await;
    let body = confirm_body(&payment_key, "order-0001", 5000);

    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let request = bench
            .api(Method::POST, CONFIRM)
            .header("Idempotency-Key", "key-1");
        waiting.spawn(send(request.json(&body)));
    }
    let mut statuses = Vec::new();
    while let Some(reply) = waiting.join_next().await {
        let reply = reply.expect("a task").expect("an answer");
        if reply.status == 409 {
            reply.refused(409, "IDEMPOTENT_REQUEST_PROCESSING");
        }
        statuses.push(reply.status);
    }
    assert_eq!(
        statuses.iter().filter(|status| **status == 200).count(),
        1,
        "{statuses:?}"
    );
    assert_eq!(
        statuses.iter().filter(|status| **status == 409).count(),
        15,
        "{statuses:?}"
    );
    assert_eq!(bench.post_as("key-1", CONFIRM, body).await.status, 200);
    assert_eq!(bench.ledger().await.len(), 1);
}

#[tokio::test]
async fn keys_are_forgotten_after_fifteen_days() {
    let bench = Bench::new().await;
    let payment_key = bench.authenticate("order-0001", 5000).await;
    let body = confirm_body(&payment_key, "order-0001", 5000);
    assert_eq!(
        bench.post_as("key-1", CONFIRM, body.clone()).await.status,
        200
    );

    bench.advance(15 * 86_400 - 60).await;
    assert_eq!(
        bench.post_as("key-1", CONFIRM, body.clone()).await.status,
        200
    );
    bench.advance(60).await;
    let anew = bench.post_as("key-1", CONFIRM, body).await;
    anew.refused(400, "ALREADY_PROCESSED_PAYMENT");
}

#[tokio::test]
async fn keys_have_at_most_three_hundred_characters() {
    let bench = Bench::new().await;
    let payment_key = bench.authenticate("order-0001", 5000).await;
    let body = confirm_body(&payment_key, "order-0001", 5000);
    let long = bench.post_as(&"k".repeat(301), CONFIRM, body.clone()).await;
    long.refused(400, "INVALID_IDEMPOTENCY_KEY");
    assert_eq!(
        bench.post_as(&"k".repeat(300), CONFIRM, body).await.status,
        200
    );
}

#[tokio::test]
async fn reads_ignore_the_key() {
    let bench = Bench::new().await;
    let payment_key = bench.authenticate("order-0001", 5000).await;
    let read = async || {
        let path = format!("/v1/payments/{payment_key}");
        let request = bench
            .api(Method::GET, &path)
            .header("Idempotency-Key", "key-1");
        send(request).await.expect("an answer")
    };
    assert_eq!(read().await.json()["status"], "IN_PROGRESS");
    bench.confirm(&payment_key, "order-0001", 5000).await;
    let second = read().await;
    assert_eq!(second.json()["status"], "DONE");
    assert_eq!(second.header("idempotency-key"), None);
}

#[tokio::test]
async fn a_refused_merchant_leaves_nothing_under_the_key() {
    let bench = Bench::new().await;
    let payment_key = bench.authenticate("order-0001", 5000).await;
    let body = confirm_body(&payment_key, "order-0001", 5000);
    let url = format!("{}{CONFIRM}", bench.sandbox.url());
    let stranger = bench.client.post(url).basic_auth("test_sk_other", Some(""));
    let reply = send(stranger.header("Idempotency-Key", "key-1").json(&body)).await;
    reply.expect("an answer").refused(401, "UNAUTHORIZED_KEY");
    assert_ne!(SECRET_KEY, "test_sk_other");
    assert_eq!(bench.post_as("key-1", CONFIRM, body).await.status, 200);
}
