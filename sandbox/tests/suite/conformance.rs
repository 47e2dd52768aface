//! Owns what was measured at the real gateway and belongs to no single call: forms and amounts.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Bench, send};

#[tokio::test]
async fn tax_is_an_eleventh_rounded_half_up_of_what_is_left() {
    // Total, part without tax, supplied, tax.
    let cases = [
        (50_000, 0, 45_455, 4545),
        (1000, 0, 909, 91),
        (10_000, 3000, 6364, 636),
        (33_000, 0, 30_000, 3000),
        (120_000, 0, 109_091, 10_909),
        (104, 99, 5, 0),
        (105, 99, 5, 1),
        (5000, 5000, 0, 0),
    ];
    let bench = Bench::new().await;
    for (number, (total, tax_free, supplied, vat)) in cases.into_iter().enumerate() {
        let order_id = format!("order-{number:04}");
        let body = json!({ "orderId": order_id, "amount": total, "taxFreeAmount": tax_free });
        let payment_key = bench.authenticate_as(body).await;
        let payment = bench.confirm(&payment_key, &order_id, total).await.json();
        assert_eq!(
            (
                &payment["suppliedAmount"],
                &payment["vat"],
                &payment["taxFreeAmount"]
            ),
            (&json!(supplied), &json!(vat), &json!(tax_free)),
            "{total}"
        );
    }
}

#[tokio::test]
async fn every_success_is_200_and_every_answer_has_a_trace() {
    let bench = Bench::new().await;
    let created = crate::confirm::create(&bench, "order-0001").await;
    let created = created["paymentKey"].as_str().expect("a key").to_owned();
    let payment_key = bench.paid("order-0002", 1000).await;
    let cancel = (Method::POST, format!("/v1/payments/{payment_key}/cancel"));
    let calls = [
        (Method::GET, format!("/v1/payments/{created}")),
        (Method::GET, "/v1/payments/orders/order-0002".to_owned()),
        cancel.clone(),
        cancel,
        (Method::GET, "/v1/payments/unknown".to_owned()),
        (Method::GET, "/v1/nothing".to_owned()),
    ];
    let mut seen = Vec::new();
    for (method, path) in calls {
        let request = bench
            .api(method, &path)
            .json(&json!({ "cancelReason": "x" }));
        let reply = send(request).await.expect("an answer");
        let trace = reply
            .header("x-tosspayments-trace-id")
            .expect("a trace")
            .to_owned();
        let is_hex = trace.bytes().all(|byte| byte.is_ascii_hexdigit());
        assert!(trace.len() == 32 && is_hex, "{path}: {trace}");
        assert_eq!(reply.header("content-type"), Some("application/json"));
        seen.push(reply.status);
    }
    assert_eq!(seen, [200, 200, 200, 400, 404, 404]);
}

#[tokio::test]
async fn null_is_absent_and_numbers_are_echoed_as_text() {
    let bench = Bench::new().await;
    let body = json!({
        "method": "CARD", "amount": "7000", "orderId": 123_456, "orderName": "poster",
        "successUrl": "http://localhost/success", "failUrl": "http://localhost/fail",
        "taxFreeAmount": null, "metadata": null, "customerKey": null, "currency": null,
    });
    let created = bench.post("/v1/payments", body).await;
    assert_eq!(created.status, 200, "{}", created.text);
    assert_eq!(
        (&created.json()["orderId"], &created.json()["totalAmount"]),
        (&json!("123456"), &json!(7000))
    );
    let payment_key = bench.paid("order-0001", 1000).await;
    let body = json!({
        "cancelReason": "x", "cancelAmount": null, "refundableAmount": null,
        "taxFreeAmount": null, "currency": null, "refundReceiveAccount": null,
    });
    let canceled = bench.cancel(&payment_key, body).await;
    assert_eq!(canceled.json()["status"], "CANCELED");
}

#[tokio::test]
async fn unknown_fields_are_ignored() {
    let bench = Bench::new().await;
    let payment_key = bench.paid("order-0001", 1000).await;
    let body = json!({ "cancelReason": "x", "taxAmount": 91, "isDividedPayment": false });
    assert_eq!(bench.cancel(&payment_key, body).await.status, 200);
}

#[tokio::test]
async fn accounts_have_their_own_least_and_most() {
    let bench = Bench::new().await;
    let cases = [
        ("CARD", 99, Some("BELOW_MINIMUM_AMOUNT")),
        ("CARD", 100, None),
        ("CARD", 10_000_001, None),
        ("TRANSFER", 199, Some("BELOW_MINIMUM_AMOUNT")),
        ("TRANSFER", 200, None),
        ("TRANSFER", 10_000_000, None),
        (
            "TRANSFER",
            10_000_001,
            Some("EXCEEDS_TRANSFER_AMOUNT_MAXIMUM"),
        ),
    ];
    for (method, amount, code) in cases {
        let body = json!({ "orderId": "order-0001", "amount": amount, "method": method });
        let reply = bench.post("/_sandbox/authenticate", body).await;
        let told = reply.json();
        assert_eq!(
            told.get("code").and_then(Value::as_str),
            code,
            "{method} {amount}"
        );
    }
}

#[tokio::test]
async fn identifiers_have_the_forms_seen() {
    let bench = Bench::new().await;
    let payment_key = bench.paid("order-0001", 1000).await;
    let payment = bench.payment(&payment_key).await;
    let text = |name: &str| payment[name].as_str().expect("text").to_owned();
    assert!(
        payment_key.len() <= 200 && payment_key.starts_with("tsims20"),
        "{payment_key}"
    );
    let transaction = text("lastTransactionKey");
    assert!(
        transaction.starts_with("txrd_a01") && transaction.len() == 32,
        "{transaction}"
    );
    let secret = text("secret");
    assert!(secret.starts_with("ps_") && secret.len() == 31, "{secret}");
    assert_eq!(payment["card"]["approveNo"], "00000000");
    let number = payment["card"]["number"].as_str().expect("a number");
    let masked = (number.len(), &number[8..12], &number[15..]);
    assert_eq!(masked, (16, "****", "*"), "{number}");
    let link = payment["checkout"]["url"].as_str().expect("a link");
    assert!(
        link.ends_with(&format!("/v1/payments/{payment_key}/checkout")),
        "{link}"
    );
}
