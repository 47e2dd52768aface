//! Owns every fault as a client meets it, over real connections, and what it leaves behind.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Bench, confirm_body};

/// A bench with one authenticated payment and one fault waiting for its confirm.
async fn with_fault(fault: Value) -> (Bench, String) {
    let bench = Bench::new().await;
    let payment_key = bench.authenticate("order-0001", 1000).await;
    bench
        .fault(json!({ "operation": "confirm", "fault": fault }))
        .await;
    (bench, payment_key)
}

async fn status(bench: &Bench, payment_key: &str) -> String {
    bench.payment(payment_key).await["status"]
        .as_str()
        .expect("a status")
        .to_owned()
}

/// What the connection of one confirm carried, off the async threads.
async fn raw(bench: Bench, payment_key: &str) -> (Bench, String, std::io::Result<()>) {
    let body = confirm_body(payment_key, "order-0001", 1000);
    let work = tokio::task::spawn_blocking(move || {
        let (text, ended) = bench.raw_confirm(&body);
        (bench, text, ended)
    });
    work.await.expect("a thread")
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_before_nothing_happened() {
    let (bench, payment_key) = with_fault(json!({ "type": "dropBefore" })).await;
    let (bench, text, ended) = raw(bench, &payment_key).await;
    assert_eq!(text, "");
    let error = ended.expect_err("a reset, not an end");
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    assert_eq!(status(&bench, &payment_key).await, "IN_PROGRESS");
    assert!(bench.ledger().await.is_empty());
    let call = &bench.calls().await[0];
    assert_eq!(
        (&call["fault"], &call["status"]),
        (&json!("dropBefore"), &Value::Null)
    );
    assert_eq!(call["effect"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_after_the_money_is_taken() {
    let (bench, payment_key) = with_fault(json!({ "type": "dropAfter" })).await;
    let (bench, text, ended) = raw(bench, &payment_key).await;
    assert_eq!(text, "");
    assert!(ended.is_err());
    assert_eq!(status(&bench, &payment_key).await, "DONE");
    assert_eq!(bench.ledger().await.len(), 1);
    let call = &bench.calls().await[0];
    assert_eq!(
        (&call["status"], &call["effect"]),
        (&Value::Null, &json!(true))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_body_ends_half_way() {
    let (bench, payment_key) = with_fault(json!({ "type": "cutBody" })).await;
    let (bench, text, _) = raw(bench, &payment_key).await;
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let announced = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .expect("a length")
        .parse::<usize>()
        .expect("a number");
    assert_eq!(body.len(), announced / 2);
    assert!(serde_json::from_str::<Value>(body).is_err());
    assert_eq!(status(&bench, &payment_key).await, "DONE");
}

#[tokio::test]
async fn clients_see_dropped_and_cut_answers_as_errors() {
    for fault in ["dropBefore", "dropAfter", "cutBody"] {
        let (bench, payment_key) = with_fault(json!({ "type": fault })).await;
        let body = confirm_body(&payment_key, "order-0001", 1000);
        let request = bench
            .api(reqwest::Method::POST, "/v1/payments/confirm")
            .json(&body);
        assert!(crate::support::send(request).await.is_err(), "{fault}");
        assert_eq!(
            bench.calls().await.len(),
            1,
            "{fault}: and nobody repeats by itself"
        );
    }
}

#[tokio::test]
async fn the_edge_fails_before_or_after() {
    for (when, code, left) in [("before", 503, "IN_PROGRESS"), ("after", 502, "DONE")] {
        let fault = json!({ "type": "status", "status": code, "when": when, "html": true });
        let (bench, payment_key) = with_fault(fault).await;
        let body = confirm_body(&payment_key, "order-0001", 1000);
        let reply = bench
            .post_as("key-1", "/v1/payments/confirm", body.clone())
            .await;
        assert_eq!(reply.status, code);
        assert!(reply.text.starts_with("<html>"), "{}", reply.text);
        assert_eq!(reply.header("content-type"), Some("text/html"));
        assert_eq!(status(&bench, &payment_key).await, left);
        let repeated = bench.post_as("key-1", "/v1/payments/confirm", body).await;
        assert_eq!(repeated.status, 200, "the edge keeps nothing under the key");
        assert_eq!(bench.ledger().await.len(), 1);
    }
}

#[tokio::test]
async fn codes_are_answered_and_kept_under_the_key() {
    let temporary = json!({ "type": "code", "code": "PROVIDER_ERROR" });
    let (bench, payment_key) = with_fault(temporary).await;
    let body = confirm_body(&payment_key, "order-0001", 1000);
    for _ in 0..2 {
        let reply = bench
            .post_as("key-1", "/v1/payments/confirm", body.clone())
            .await;
        reply.refused(400, "PROVIDER_ERROR");
    }
    assert_eq!(status(&bench, &payment_key).await, "IN_PROGRESS");
    assert_eq!(
        bench
            .post_as("key-2", "/v1/payments/confirm", body)
            .await
            .status,
        200
    );

    let decline = json!({ "type": "code", "code": "REJECT_CARD_COMPANY" });
    let (bench, payment_key) = with_fault(decline).await;
    let reply = bench.confirm(&payment_key, "order-0001", 1000).await;
    reply.refused(403, "REJECT_CARD_COMPANY");
    assert_eq!(status(&bench, &payment_key).await, "ABORTED");
}

#[tokio::test]
async fn cancels_fail_with_codes_too() {
    let bench = Bench::new().await;
    let payment_key = bench.paid("order-0001", 1000).await;
    let code = json!({ "type": "code", "code": "FAILED_REFUND_PROCESS" });
    bench
        .fault(json!({ "operation": "cancel", "orderId": "order-0001", "fault": code }))
        .await;
    let body = json!({ "cancelReason": "x" });
    let reply = bench.cancel(&payment_key, body.clone()).await;
    reply.refused(500, "FAILED_REFUND_PROCESS");
    assert_eq!(bench.payment(&payment_key).await["balanceAmount"], 1000);
    assert_eq!(bench.cancel(&payment_key, body).await.status, 200);
}

#[tokio::test]
async fn unknown_codes_are_new_every_time() {
    let (bench, payment_key) = with_fault(json!({ "type": "unknownCode" })).await;
    bench
        .fault(json!({ "operation": "confirm", "fault": { "type": "unknownCode" } }))
        .await;
    let mut codes = Vec::new();
    for _ in 0..2 {
        let reply = bench.confirm(&payment_key, "order-0001", 1000).await;
        assert_eq!(reply.status, 400);
        codes.push(reply.json()["code"].as_str().expect("a code").to_owned());
    }
    assert_ne!(codes[0], codes[1]);
    assert!(codes[0].starts_with("NEVER_SEEN_"), "{codes:?}");
    assert_eq!(status(&bench, &payment_key).await, "IN_PROGRESS");
}

#[tokio::test]
async fn wrong_bodies_speak_of_something_else() {
    let fields = [
        ("orderId", "orderId"),
        ("paymentKey", "paymentKey"),
        ("mId", "mId"),
        ("currency", "currency"),
        ("amount", "totalAmount"),
    ];
    for (field, name) in fields {
        let fault = json!({ "type": "wrongBody", "field": field });
        let (bench, payment_key) = with_fault(fault).await;
        let reply = bench.confirm(&payment_key, "order-0001", 1000).await;
        let truth = bench.payment(&payment_key).await;
        assert_eq!(reply.status, 200);
        assert_ne!(reply.json()[name], truth[name], "{field}");
        assert_eq!(truth["status"], "DONE");
    }
    let (bench, payment_key) = with_fault(json!({ "type": "wrongBody", "field": "garbage" })).await;
    let reply = bench.confirm(&payment_key, "order-0001", 1000).await;
    assert_eq!(reply.status, 200);
    assert!(serde_json::from_str::<Value>(&reply.text).is_err());
    assert_eq!(bench.ledger().await.len(), 1);
}

#[tokio::test]
async fn busy_gateways_do_nothing() {
    let answers = [
        ("tooManyRequests", 429, "TOO_MANY_REQUESTS"),
        ("processing", 409, "IDEMPOTENT_REQUEST_PROCESSING"),
    ];
    for (fault, http, code) in answers {
        let (bench, payment_key) = with_fault(json!({ "type": fault })).await;
        let body = confirm_body(&payment_key, "order-0001", 1000);
        let reply = bench
            .post_as("key-1", "/v1/payments/confirm", body.clone())
            .await;
        reply.refused(http, code);
        assert!(bench.ledger().await.is_empty());
        let repeated = bench.post_as("key-1", "/v1/payments/confirm", body).await;
        assert_eq!(repeated.status, 200, "{fault} is not kept under the key");
    }
}

#[tokio::test]
async fn reads_lag_behind() {
    let bench = Bench::new().await;
    let payment_key = bench.paid("order-0001", 1000).await;
    let rule = json!({ "operation": "any", "times": 2, "fault": { "type": "notFound" } });
    bench.fault(rule).await;
    let by_key = format!("/v1/payments/{payment_key}");
    bench
        .cancel(
            &payment_key,
            json!({ "cancelReason": "x", "cancelAmount": 1 }),
        )
        .await;
    bench.get(&by_key).await.refused(404, "NOT_FOUND_PAYMENT");
    let by_order = bench.get("/v1/payments/orders/order-0001").await;
    by_order.refused(404, "NOT_FOUND_PAYMENT");
    assert_eq!(bench.get(&by_key).await.status, 200);
}

#[tokio::test]
async fn a_late_request_has_its_effect_after_a_not_yet() {
    let (bench, payment_key) = with_fault(json!({ "type": "late", "milliseconds": 400 })).await;
    let body = confirm_body(&payment_key, "order-0001", 1000);
    let request = bench.api(reqwest::Method::POST, "/v1/payments/confirm");
    let request = request.header("Idempotency-Key", "key-1").json(&body);
    let begun = Instant::now();
    assert!(crate::support::send(request).await.is_err());
    assert!(
        begun.elapsed() < Duration::from_millis(300),
        "the connection dies at once"
    );
    assert_eq!(status(&bench, &payment_key).await, "IN_PROGRESS");

    let deadline = Instant::now() + Duration::from_secs(10);
    while bench.ledger().await.is_empty() {
        assert!(Instant::now() < deadline, "the request never arrived");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(status(&bench, &payment_key).await, "DONE");
    let repeated = bench.post_as("key-1", "/v1/payments/confirm", body).await;
    assert_eq!(repeated.status, 200);
    assert_eq!(bench.ledger().await.len(), 1);
}

#[tokio::test]
async fn a_late_request_that_was_repeated_meanwhile_has_no_second_effect() {
    let (bench, payment_key) = with_fault(json!({ "type": "late", "milliseconds": 200 })).await;
    let body = confirm_body(&payment_key, "order-0001", 1000);
    let request = bench.api(reqwest::Method::POST, "/v1/payments/confirm");
    let request = request.header("Idempotency-Key", "key-1").json(&body);
    assert!(crate::support::send(request).await.is_err());
    assert_eq!(
        bench
            .post_as("key-1", "/v1/payments/confirm", body)
            .await
            .status,
        200
    );

    let deadline = Instant::now() + Duration::from_secs(10);
    let arrived = async || {
        bench
            .calls()
            .await
            .into_iter()
            .find(|call| call["fault"] == "lateEffect")
    };
    let late = loop {
        assert!(Instant::now() < deadline, "the request never arrived");
        if let Some(call) = arrived().await {
            break call;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(
        (&late["replayed"], &late["effect"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(bench.ledger().await.len(), 1);
    let totals = bench.get("/_sandbox/calls").await.json()["totals"].clone();
    assert_eq!(
        totals["confirm"], 2,
        "what arrives late did not arrive again"
    );
    assert_eq!(totals["effects"], 1);
}

#[tokio::test]
async fn another_amount_may_be_taken() {
    let (bench, payment_key) = with_fault(json!({ "type": "overCapture", "amount": 1500 })).await;
    let payment = bench.confirm(&payment_key, "order-0001", 1000).await.json();
    for name in ["totalAmount", "balanceAmount"] {
        assert_eq!(payment[name], 1500, "{name}");
    }
    assert_eq!(payment["card"]["amount"], 1500);
    assert_eq!(bench.ledger().await[0]["amount"], 1500);
}

#[tokio::test]
async fn delays_take_their_time() {
    let (bench, payment_key) = with_fault(json!({ "type": "delay", "milliseconds": 250 })).await;
    let begun = Instant::now();
    assert_eq!(
        bench.confirm(&payment_key, "order-0001", 1000).await.status,
        200
    );
    assert!(begun.elapsed() >= Duration::from_millis(250));
}
