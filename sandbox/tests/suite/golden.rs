//! Owns the comparison with captured answers: the same keys in the same order, with the same
//! kinds of values.

use serde_json::{Value, json};

use crate::confirm::create;
use crate::support::Bench;

macro_rules! example {
    ($name:literal) => {{
        let text = include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../tests/toss-examples/",
            $name,
            ".json"
        ));
        serde_json::from_str::<serde_json::Value>(text).expect("an example")
    }};
}

pub(crate) use example;

/// Values that the sandbox shares with every captured payment.
const CONSTANT: [&str; 14] = [
    "mId",
    "taxExemptionAmount",
    "useEscrow",
    "cultureExpense",
    "type",
    "country",
    "currency",
    "isPartialCancelable",
    "version",
    "virtualAccount",
    "giftCertificate",
    "discount",
    "cashReceipts",
    "metadata",
];

/// Compares keys, their order and the kind of every value; `null` only equals `null`.
pub(crate) fn same_shape(actual: &Value, example: &Value, place: &str) {
    match (actual, example) {
        (Value::Object(actual), Value::Object(example)) => {
            let keys = |object: &serde_json::Map<String, Value>| {
                object.keys().cloned().collect::<Vec<_>>()
            };
            assert_eq!(keys(actual), keys(example), "keys of {place}");
            for (key, value) in actual {
                same_shape(value, &example[key], &format!("{place}.{key}"));
            }
        }
        (Value::Array(actual), Value::Array(example)) => {
            assert_eq!(actual.len(), example.len(), "length of {place}");
            for (index, (actual, example)) in actual.iter().zip(example).enumerate() {
                same_shape(actual, example, &format!("{place}[{index}]"));
            }
        }
        (Value::String(actual), Value::String(example)) => {
            let dated = |text: &str| text.len() == 25 && text.ends_with("+09:00");
            assert_eq!(dated(actual), dated(example), "form of {place}: {actual}");
        }
        (Value::Number(_), Value::Number(_))
        | (Value::Bool(_), Value::Bool(_))
        | (Value::Null, Value::Null) => {}
        _ => panic!("{place}: {actual} where the example has {example}"),
    }
}

pub(crate) fn same(actual: &Value, example: &Value, names: &[&str]) {
    for name in names {
        assert_eq!(actual[name], example[name], "{name}");
    }
}

fn merge(body: &mut Value, further: Value) {
    let (Value::Object(body), Value::Object(further)) = (body, further) else {
        panic!("two objects");
    };
    body.extend(further);
}

/// A payment like the captured one, made through the sandbox.
async fn like(bench: &Bench, example: &Value, method: &str, further: Value) -> String {
    let mut body = json!({
        "orderId": example["orderId"], "amount": example["totalAmount"], "method": method,
        "orderName": example["orderName"], "metadata": example["metadata"],
    });
    merge(&mut body, further);
    bench.authenticate_as(body).await
}

async fn confirmed(bench: &Bench, example: &Value, method: &str) -> Value {
    confirmed_with(bench, example, method, json!({})).await
}

async fn confirmed_with(bench: &Bench, example: &Value, method: &str, further: Value) -> Value {
    let payment_key = like(bench, example, method, further).await;
    let order_id = example["orderId"].as_str().expect("an order");
    let amount = example["totalAmount"].as_i64().expect("an amount");
    let reply = bench.confirm(&payment_key, order_id, amount).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json()
}

#[tokio::test]
async fn an_approved_card_payment() {
    let bench = Bench::new().await;
    let example = example!("payment-card-done");
    let actual = confirmed(&bench, &example, "CARD").await;
    same_shape(&actual, &example, "payment");
    same(&actual, &example, &CONSTANT);
    same(
        &actual,
        &example,
        &[
            "orderId",
            "orderName",
            "status",
            "card",
            "method",
            "totalAmount",
            "balanceAmount",
            "suppliedAmount",
            "vat",
            "taxFreeAmount",
        ],
    );
    let key = actual["paymentKey"].as_str().expect("a key");
    assert_eq!((key.len(), &key[..7]), (24, "tsims20"), "{key}");
    let transaction = actual["lastTransactionKey"].as_str().expect("a key");
    assert_eq!(
        (transaction.len(), &transaction[..8]),
        (32, "txrd_a01"),
        "{transaction}"
    );
    let secret = actual["secret"].as_str().expect("a secret");
    assert_eq!((secret.len(), &secret[..3]), (31, "ps_"), "{secret}");
    assert_eq!(
        bench.payment(key).await,
        actual,
        "both reads show the same body"
    );
    let of_order = bench.get("/v1/payments/orders/ord_20260315_000001").await;
    assert_eq!(of_order.json(), actual);
}

#[tokio::test]
async fn other_methods() {
    let bench = Bench::new().await;
    let example = example!("payment-easypay-card");
    let actual = confirmed(&bench, &example, "EASY_PAY").await;
    same_shape(&actual, &example, "payment");
    same(
        &actual,
        &example,
        &["card", "easyPay", "method", "suppliedAmount", "vat"],
    );

    let example = example!("payment-mobile-done");
    let actual = confirmed(&bench, &example, "MOBILE_PHONE").await;
    same_shape(&actual, &example, "payment");
    same(
        &actual,
        &example,
        &["card", "method", "suppliedAmount", "vat"],
    );

    let example = example!("payment-gift-done");
    let actual = confirmed(&bench, &example, "CULTURE_GIFT_CERTIFICATE").await;
    same_shape(&actual, &example, "payment");
    same(
        &actual,
        &example,
        &["giftCertificate", "method", "suppliedAmount", "vat"],
    );
}

#[tokio::test]
async fn paid_with_points_and_with_a_cash_receipt() {
    let bench = Bench::new().await;
    let example = example!("payment-easypay-money-points");
    let further = json!({ "easyPayPoints": 500 });
    let actual = confirmed_with(&bench, &example, "EASY_PAY", further).await;
    same_shape(&actual, &example, "payment");
    same(
        &actual,
        &example,
        &["card", "easyPay", "method", "suppliedAmount", "vat"],
    );

    let example = example!("payment-transfer-done");
    let further = json!({ "cashReceipt": "소득공제" });
    let actual = confirmed_with(&bench, &example, "TRANSFER", further).await;
    same_shape(&actual, &example, "payment");
    same(
        &actual,
        &example,
        &["transfer", "easyPay", "method", "suppliedAmount", "vat"],
    );
    let (receipt, captured) = (&actual["cashReceipt"], &example["cashReceipt"]);
    same(
        receipt,
        captured,
        &["type", "receiptUrl", "amount", "taxFreeAmount"],
    );
    for name in ["receiptKey", "issueNumber"] {
        let length = |receipt: &Value| receipt[name].as_str().map(str::len);
        assert_eq!(length(receipt), length(captured), "{name}");
    }
    for (method, further) in [
        ("CARD", json!({ "easyPayPoints": 500 })),
        ("EASY_PAY", json!({ "easyPayPoints": 1001 })),
        ("CARD", json!({ "cashReceipt": "소득공제" })),
        ("TRANSFER", json!({ "cashReceipt": "some" })),
    ] {
        let mut body = json!({ "orderId": "order-0001", "amount": 1000, "method": method });
        merge(&mut body, further);
        let refused = bench.post("/_sandbox/authenticate", body).await;
        refused.refused(400, "INVALID_REQUEST");
    }
}

#[tokio::test]
async fn cancelled_in_full_and_in_parts() {
    let bench = Bench::new().await;
    let amounts = [
        "totalAmount",
        "balanceAmount",
        "suppliedAmount",
        "vat",
        "taxFreeAmount",
    ];
    let whole = example!("payment-card-canceled");
    let paid = confirmed(&bench, &whole, "CARD").await;
    let reply = cancel_like(&bench, &paid, &whole["cancels"][0]).await;
    same_shape(&reply, &whole, "payment");
    same(&reply, &whole, &amounts);
    assert_eq!(reply["status"], whole["status"]);

    let parts = example!("payment-card-partial-canceled");
    let zero = example!("payment-card-partials-to-zero");
    let paid = confirmed(&bench, &parts, "CARD").await;
    // The first part is the captured request itself, lock and all.
    let asked = example!("req-cancel-partial");
    assert_eq!(asked["cancelAmount"], parts["cancels"][0]["cancelAmount"]);
    let key = paid["paymentKey"].as_str().expect("a key");
    let first = bench.cancel(key, asked).await;
    assert_eq!(first.status, 200, "{}", first.text);
    let after_two = cancel_like(&bench, &paid, &parts["cancels"][1]).await;
    same_shape(&after_two, &parts, "payment");
    same(&after_two, &parts, &amounts);
    let at_zero = cancel_like(&bench, &paid, &zero["cancels"][2]).await;
    same_shape(&at_zero, &zero, "payment");
    same(&at_zero, &zero, &amounts);
    assert_eq!(at_zero["status"], zero["status"]);
    for (actual, example) in [(&after_two, &parts), (&at_zero, &zero)] {
        let count = example["cancels"].as_array().expect("cancels").len();
        let index = count - 1;
        let names = [
            "cancelReason",
            "cancelAmount",
            "refundableAmount",
            "cancelStatus",
        ];
        same(
            &actual["cancels"][index],
            &example["cancels"][index],
            &names,
        );
        assert_eq!(
            actual["lastTransactionKey"],
            actual["cancels"][index]["transactionKey"]
        );
    }
}

async fn cancel_like(bench: &Bench, payment: &Value, cancel: &Value) -> Value {
    let key = payment["paymentKey"].as_str().expect("a key");
    let body = json!({
        "cancelReason": cancel["cancelReason"], "cancelAmount": cancel["cancelAmount"],
    });
    let reply = bench.cancel(key, body).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json()
}

#[tokio::test]
async fn never_paid() {
    let bench = Bench::new().await;
    let ready = example!("payment-ready");
    let created = create(&bench, "ord_20260315_000011").await;
    same_shape(&created, &ready, "payment");
    same(
        &created,
        &ready,
        &["status", "totalAmount", "suppliedAmount", "vat", "method"],
    );

    let expired = example!("payment-expired");
    let payment_key = like(&bench, &expired, "CARD", json!({})).await;
    bench.advance(601).await;
    let actual = bench.payment(&payment_key).await;
    same_shape(&actual, &expired, "payment");
    same(
        &actual,
        &expired,
        &["status", "failure", "useEscrow", "suppliedAmount", "vat"],
    );

    let aborted = example!("payment-aborted");
    let order_id = aborted["orderId"].as_str().expect("an order");
    let body = json!({
        "orderId": order_id, "amount": 880_000, "scenario": aborted["failure"]["code"],
    });
    let payment_key = bench.authenticate_as(body).await;
    bench
        .confirm(&payment_key, order_id, 880_000)
        .await
        .refused(403, "REJECT_CARD_PAYMENT");
    let actual = bench.payment(&payment_key).await;
    same_shape(&actual, &aborted, "payment");
    same(
        &actual,
        &aborted,
        &["status", "failure", "totalAmount", "balanceAmount", "vat"],
    );
}

#[tokio::test]
async fn refusals() {
    let bench = Bench::new().await;
    let session = bench
        .post("/v1/payments/confirm", example!("req-confirm"))
        .await;
    assert_eq!(session.json(), example!("error-404-session"));
    let url = format!("{}/v1/payments/some", bench.sandbox.url());
    let stranger = crate::support::send(bench.client.get(url))
        .await
        .expect("an answer");
    assert_eq!(stranger.status, 401);
    same_shape(&stranger.json(), &example!("error-401"), "refusal");
    assert_eq!(stranger.json(), example!("error-401"));
    bench
        .fault(json!({ "operation": "confirm", "fault": { "type": "processing" } }))
        .await;
    let running = bench.confirm("some", "order-0001", 100).await;
    assert_eq!(
        (running.status, running.json()),
        (409, example!("error-409"))
    );
}
