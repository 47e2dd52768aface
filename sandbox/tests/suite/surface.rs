//! Owns what surrounds the rules: authentication, languages, unknown paths, fault control,
//! records.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Bench, SECRET_KEY, authorization, send};

#[tokio::test]
async fn the_merchant_is_known_by_its_secret_key() {
    let bench = Bench::new().await;
    let read = async |header: Option<&str>| {
        let url = format!("{}/v1/payments/unknown", bench.sandbox.url());
        let mut request = bench.client.get(url);
        if let Some(header) = header {
            request = request.header("authorization", header);
        }
        send(request).await.expect("an answer")
    };
    let padded = authorization(&format!("{SECRET_KEY}:"));
    assert!(padded.ends_with('='), "{padded}");
    read(Some(&padded)).await.refused(404, "NOT_FOUND_PAYMENT");
    let unpadded = padded.trim_end_matches('=').to_owned();
    read(Some(&unpadded))
        .await
        .refused(404, "NOT_FOUND_PAYMENT");

    let without_colon = authorization(SECRET_KEY);
    read(Some(&without_colon))
        .await
        .refused(403, "INCORRECT_BASIC_AUTH_FORMAT");
    let others = [
        "test_sk_other:",
        "\u{feff}test_sk_suite:",
        ":",
        "test_ck_suite:",
    ];
    for other in others {
        read(Some(&authorization(other)))
            .await
            .refused(401, "UNAUTHORIZED_KEY");
    }
    for header in [
        None,
        Some("Basic"),
        Some("Basic %%%"),
        Some("Bearer test_sk_suite"),
    ] {
        let reply = read(header).await;
        reply.refused(401, "UNAUTHORIZED_KEY");
        assert!(
            reply
                .json()
                .as_object()
                .is_some_and(|body| body["data"].is_null())
        );
    }
}

#[tokio::test]
async fn messages_follow_the_language_and_enum_texts_do_not() {
    let bench = Bench::new().await;
    let unknown = async |language: &str| {
        let request = bench.api(Method::GET, "/v1/payments/unknown");
        let reply = send(request.header("accept-language", language))
            .await
            .expect("an answer");
        reply.json()["message"]
            .as_str()
            .expect("a message")
            .to_owned()
    };
    assert_eq!(unknown("ko-KR").await, "존재하지 않는 결제 정보 입니다.");
    assert!(unknown("en-US").await.is_ascii());
    let payment_key = bench.paid("order-0001", 1000).await;
    let path = format!("/v1/payments/{payment_key}");
    let request = bench
        .api(Method::GET, &path)
        .header("accept-language", "en-US");
    let payment = send(request).await.expect("an answer").json();
    assert_eq!(
        (&payment["method"], &payment["card"]["cardType"]),
        (&json!("카드"), &json!("신용"))
    );
}

#[tokio::test]
async fn unknown_paths_and_methods_have_codes() {
    let bench = Bench::new().await;
    bench.get("/v1/nothing").await.refused(404, "NOT_FOUND");
    bench
        .get("/v1/payments/confirm")
        .await
        .refused(404, "NOT_FOUND_HTTP_METHOD");
    bench
        .post("/v1/payments/some", json!({}))
        .await
        .refused(404, "NOT_FOUND_HTTP_METHOD");
    let huge = bench
        .post("/v1/payments/confirm", json!("x".repeat(70_000)))
        .await;
    huge.refused(400, "INVALID_REQUEST");
}

#[tokio::test]
async fn rules_are_tried_in_order_and_used_up() {
    let bench = Bench::new().await;
    let payment_key = bench.paid("order-0001", 1000).await;
    let other = bench.paid("order-0002", 1000).await;
    let code = |code: &str| json!({ "type": "code", "code": code });
    bench
        .fault(json!([
            { "operation": "get", "paymentKey": payment_key, "times": 2,
              "fault": code("NOT_FOUND") },
            { "operation": "any", "times": null, "fault": code("COMMON_ERROR") },
        ]))
        .await;
    let read = async |key: &str| bench.get(&format!("/v1/payments/{key}")).await;
    read(&payment_key).await.refused(404, "NOT_FOUND");
    read(&other).await.refused(500, "COMMON_ERROR");
    read(&payment_key).await.refused(404, "NOT_FOUND");
    read(&payment_key).await.refused(500, "COMMON_ERROR");
    let shown = bench.get("/_sandbox/faults").await.json();
    assert_eq!(
        (&shown["rules"][0]["times"], &shown["rules"][1]["struck"]),
        (&json!(0), &json!(2))
    );

    let healed = send(bench.api(Method::DELETE, "/_sandbox/faults"))
        .await
        .expect("an answer");
    assert_eq!(healed.json(), json!({ "rules": [], "random": null }));
    assert_eq!(read(&payment_key).await.status, 200);
}

#[tokio::test]
async fn senseless_faults_are_refused() {
    let bench = Bench::new().await;
    let bodies = [
        json!({ "operation": "confirm", "fault": { "type": "notFound" } }),
        json!({ "operation": "get", "fault": { "type": "late", "milliseconds": 1 } }),
        json!({ "operation": "cancel", "fault": { "type": "overCapture", "amount": 1 } }),
        json!({ "operation": "confirm", "fault": { "type": "code", "code": "NO_SUCH" } }),
        json!({ "operation": "confirm",
                "fault": { "type": "status", "status": 99, "when": "after" } }),
        json!({ "operation": "confirm", "fault": { "type": "explode" } }),
        json!({ "operation": "confirm", "perMille": 1001, "fault": { "type": "dropAfter" } }),
        json!({ "operation": "confirm", "tmies": 2, "fault": { "type": "dropAfter" } }),
        json!({ "random": { "seed": 1, "perMille": { "delay": 600, "dropBefore": 600 } } }),
        json!({ "random": { "seed": 1, "perMille": { "unheardOf": 1 } } }),
    ];
    for body in bodies {
        let reply = bench.post("/_sandbox/faults", body.clone()).await;
        assert_eq!(reply.status, 400, "{body} {}", reply.text);
    }
    assert_eq!(
        bench.get("/_sandbox/faults").await.json()["rules"],
        json!([])
    );
}

#[tokio::test]
async fn random_faults_repeat_with_their_seed() {
    let run = async |seed: u64| {
        let bench = Bench::new().await;
        let mix = json!({ "tooManyRequests": 200, "code": 200, "notFound": 100 });
        bench
            .fault(json!({ "random": { "seed": seed, "perMille": mix } }))
            .await;
        for _ in 0..200 {
            bench.get("/v1/payments/unknown").await;
        }
        let calls = bench.calls().await;
        calls
            .iter()
            .map(|call| call["fault"].clone())
            .collect::<Vec<Value>>()
    };
    let (first, again, other) = (run(7).await, run(7).await, run(8).await);
    assert_eq!(first, again);
    assert_ne!(first, other);
    let struck = first.iter().filter(|fault| !fault.is_null()).count();
    assert!(
        (60..140).contains(&struck),
        "about half of 200, not {struck}"
    );
}

#[tokio::test]
async fn calls_are_recorded_and_counted() {
    let bench = Bench::new().await;
    let payment_key = bench.authenticate("order-0001", 1000).await;
    let body = crate::support::confirm_body(&payment_key, "order-0001", 1000);
    bench
        .post_as("key-1", "/v1/payments/confirm", body.clone())
        .await;
    bench.post_as("key-1", "/v1/payments/confirm", body).await;
    bench.payment(&payment_key).await;
    bench.get("/v1/payments/orders/order-0002").await;
    bench
        .cancel(&payment_key, json!({ "cancelReason": "x" }))
        .await;

    let shown = bench.get("/_sandbox/calls").await.json();
    let calls = shown["calls"].as_array().expect("calls");
    let operations: Vec<_> = calls.iter().map(|call| call["operation"].clone()).collect();
    assert_eq!(
        operations,
        ["confirm", "confirm", "get", "getByOrder", "cancel"]
    );
    let effects: Vec<_> = calls.iter().map(|call| call["effect"] == true).collect();
    assert_eq!(effects, [true, false, false, false, true]);
    assert_eq!(calls[0]["idempotencyKey"], "key-1");
    assert_eq!(
        (&calls[3]["status"], &calls[3]["code"]),
        (&json!(404), &json!("NOT_FOUND_PAYMENT"))
    );
    assert_eq!(calls[4]["orderId"], "order-0001");
    let totals = &shown["totals"];
    assert_eq!(
        (&totals["confirm"], &totals["effects"]),
        (&json!(2), &json!(2))
    );
    assert_eq!(
        (&totals["replayed"], &totals["getByOrder"]),
        (&json!(1), &json!(1))
    );

    let later = bench.get("/_sandbox/calls?after=3").await.json();
    assert_eq!(later["calls"].as_array().expect("calls").len(), 2);
    let of_order = bench.get("/_sandbox/calls?orderId=order-0002").await.json();
    assert_eq!(of_order["calls"].as_array().expect("calls").len(), 1);
    let ledger = bench.get("/_sandbox/ledger?after=1").await.json();
    assert_eq!(ledger["entries"][0]["kind"], "cancel");
    assert_eq!(ledger["entries"].as_array().expect("entries").len(), 1);
}

#[tokio::test]
async fn a_client_that_leaves_changes_nothing() {
    let latency = std::time::Duration::from_millis(300);
    let config = toss_sandbox::Config {
        latency,
        ..crate::support::config()
    };
    let bench = Bench::with(config).await;
    let payment_key = bench.authenticate("order-0001", 1000).await;
    let body = crate::support::confirm_body(&payment_key, "order-0001", 1000);
    let request = bench.api(Method::POST, "/v1/payments/confirm").json(&body);
    let impatient = request.timeout(std::time::Duration::from_millis(50));
    assert!(send(impatient).await.is_err());
    tokio::time::sleep(latency * 2).await;
    assert_eq!(
        bench.ledger().await.len(),
        1,
        "the gateway finishes what it began"
    );
}
