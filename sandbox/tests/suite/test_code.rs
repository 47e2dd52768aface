//! Owns the `TossPayments-Test-Code` header: the refusal a caller asks for.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Bench, Reply, confirm_body, send};

const HEADER: &str = "TossPayments-Test-Code";

async fn confirm_asking(bench: &Bench, code: &str, body: &Value, key: &str) -> Reply {
    let request = bench
        .api(Method::POST, "/v1/payments/confirm")
        .header(HEADER, code)
        .header("Idempotency-Key", key);
    send(request.json(body)).await.expect("an answer")
}

#[tokio::test]
async fn every_call_answers_the_code_asked_for_and_does_nothing() {
    let bench = Bench::new().await;
    let payment_key = bench.authenticate("order-0001", 1000).await;
    let calls = [
        (Method::POST, "/v1/payments/confirm".to_owned()),
        (Method::POST, "/v1/payments".to_owned()),
        (Method::GET, format!("/v1/payments/{payment_key}")),
        (Method::GET, "/v1/payments/orders/order-0001".to_owned()),
        (Method::POST, format!("/v1/payments/{payment_key}/cancel")),
        (Method::GET, "/v1/transactions".to_owned()),
        (Method::GET, "/v1/settlements".to_owned()),
        (Method::POST, "/v1/virtual-accounts".to_owned()),
        (Method::POST, "/v1/billing/authorizations/issue".to_owned()),
        (Method::POST, "/v1/billing/some".to_owned()),
        (Method::DELETE, "/v1/billing/some".to_owned()),
    ];
    for (method, path) in calls {
        for (code, status) in [("REJECT_CARD_PAYMENT", 403), ("PROVIDER_ERROR", 400)] {
            let request = bench.api(method.clone(), &path).header(HEADER, code);
            // The body is senseless: the code is answered before it is looked at.
            let reply = send(request.body("{")).await.expect("an answer");
            reply.refused(status, code);
        }
        let request = bench.api(method, &path).header(HEADER, "NO_SUCH_CODE");
        let reply = send(request).await.expect("an answer");
        reply.refused(400, "INVALID_TEST_CODE");
    }
    let payment = bench.payment(&payment_key).await;
    assert_eq!(payment["status"], "IN_PROGRESS");
    assert!(bench.ledger().await.is_empty());
    assert_eq!(bench.calls().await[0]["fault"], "testCode");
}

#[tokio::test]
async fn the_code_comes_after_the_key_and_beside_idempotency() {
    let bench = Bench::new().await;
    let payment_key = bench.authenticate("order-0001", 1000).await;
    let body = confirm_body(&payment_key, "order-0001", 1000);
    let stranger = bench
        .client
        .get(format!("{}/v1/payments/some", bench.sandbox.url()))
        .header(HEADER, "PROVIDER_ERROR");
    let reply = send(stranger).await.expect("an answer");
    reply.refused(401, "UNAUTHORIZED_KEY");

    let busy = "IDEMPOTENT_REQUEST_PROCESSING";
    let reply = confirm_asking(&bench, busy, &body, "key-1").await;
    reply.refused(409, busy);
    assert_eq!(reply.header("idempotency-key"), Some("key-1"));
    // The answer asked for is not kept under the key, and an answer kept does not hide it.
    let done = bench
        .post_as("key-1", "/v1/payments/confirm", body.clone())
        .await;
    assert_eq!(done.status, 200, "{}", done.text);
    let reply = confirm_asking(&bench, "FDS_ERROR", &body, "key-1").await;
    reply.refused(403, "FDS_ERROR");
}

#[tokio::test]
async fn live_keys_cannot_ask() {
    let bench = Bench::with(toss_sandbox::Config {
        secret_key: "live_sk_suite".to_owned(),
        ..crate::support::config()
    })
    .await;
    let url = format!("{}/v1/payments/unknown", bench.sandbox.url());
    let request = bench.client.get(url).basic_auth("live_sk_suite", Some(""));
    let reply = send(request.header(HEADER, "PROVIDER_ERROR"))
        .await
        .expect("an answer");
    assert_eq!(reply.json()["code"], json!("NOT_FOUND_PAYMENT"));
}
