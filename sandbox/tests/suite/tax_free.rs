//! Owns the part without value added tax: what cancels take of it, what is left, what is recorded.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Bench, Reply, send};

/// A payment of 10,000 of which 3,000 are without tax.
async fn mixed(bench: &Bench) -> String {
    let body = json!({ "orderId": "order-0001", "amount": 10_000, "taxFreeAmount": 3000 });
    let payment_key = bench.authenticate_as(body).await;
    let reply = bench.confirm(&payment_key, "order-0001", 10_000).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    payment_key
}

/// The part without tax of every movement in the ledger.
async fn without_tax(bench: &Bench) -> Vec<i64> {
    let ledger = bench.ledger().await;
    let parts = ledger
        .iter()
        .filter_map(|entry| entry["taxFreeAmount"].as_i64());
    parts.collect()
}

/// Everything a careful merchant sends: currency, balance, part without tax, and a key.
async fn cancel_fully_said(bench: &Bench, key: &str, (payment_key, body): (&str, Value)) -> Reply {
    let path = format!("/v1/payments/{payment_key}/cancel");
    bench.post_as(key, &path, body).await
}

#[tokio::test]
async fn the_tax_free_rest_follows_the_balance() {
    let bench = Bench::new().await;
    let body = json!({ "orderId": "order-0001", "amount": 10_000, "taxFreeAmount": 3000 });
    let payment_key = bench.authenticate_as(body).await;
    let paid = bench
        .confirm(&payment_key, "order-0001", 10_000)
        .await
        .json();
    assert_eq!(
        (&paid["vat"], &paid["suppliedAmount"]),
        (&json!(636), &json!(6364))
    );

    let body = json!({ "cancelReason": "x", "cancelAmount": 4000, "taxFreeAmount": 1000 });
    let rest = bench.cancel(&payment_key, body).await.json();
    assert_eq!(rest["taxFreeAmount"], 2000);
    assert_eq!(
        (&rest["vat"], &rest["suppliedAmount"]),
        (&json!(364), &json!(3636))
    );
    let too_much_taxable = json!({ "cancelReason": "x", "cancelAmount": 4500 });
    bench
        .cancel(&payment_key, too_much_taxable)
        .await
        .refused(400, "INVALID_REQUEST");
    let gone = bench
        .cancel(&payment_key, json!({ "cancelReason": "x" }))
        .await
        .json();
    assert_eq!(
        (&gone["taxFreeAmount"], &gone["suppliedAmount"]),
        (&json!(0), &json!(0))
    );
    assert_eq!(gone["cancels"][1]["taxFreeAmount"], 2000);
    assert_eq!(without_tax(&bench).await, [3000, 1000, 2000]);
}

#[tokio::test]
async fn parts_are_taken_with_lock_currency_and_key_and_replayed() {
    let bench = Bench::new().await;
    let payment_key = mixed(&bench).await;
    let part = |amount: i64, tax_free: i64, refundable: i64| {
        let body = json!({
            "cancelReason": "one of three", "cancelAmount": amount, "taxFreeAmount": tax_free,
            "currency": "KRW", "refundableAmount": refundable,
        });
        (payment_key.as_str(), body)
    };
    let first = cancel_fully_said(&bench, "key-1", part(3000, 3000, 10_000)).await;
    assert_eq!(first.status, 200, "{}", first.text);
    let replayed = cancel_fully_said(&bench, "key-1", part(3000, 3000, 10_000)).await;
    assert_eq!(replayed.text, first.text);
    let stale = cancel_fully_said(&bench, "key-2", part(1000, 0, 10_000)).await;
    stale.refused(400, "NOT_MATCHES_REFUNDABLE_AMOUNT");
    let none_left = cancel_fully_said(&bench, "key-3", part(1000, 1, 7000)).await;
    none_left.refused(400, "INVALID_REQUEST");
    let second = cancel_fully_said(&bench, "key-4", part(2000, 0, 7000)).await;
    let payment = second.json();
    assert_eq!(
        (
            &payment["balanceAmount"],
            &payment["taxFreeAmount"],
            &payment["vat"]
        ),
        (&json!(5000), &json!(0), &json!(455))
    );
    let last = cancel_fully_said(&bench, "key-5", part(5000, 0, 5000))
        .await
        .json();
    assert_eq!(
        (&last["status"], &last["balanceAmount"], &last["vat"]),
        (&json!("PARTIAL_CANCELED"), &json!(0), &json!(0))
    );
    assert_eq!(without_tax(&bench).await, [3000, 3000, 0, 0]);
    let ledger = bench.ledger().await;
    assert_eq!(ledger[3]["idempotencyKey"], "key-5");
}

#[tokio::test]
async fn the_last_cancel_may_say_what_is_left_without_tax() {
    for (tax_free, status) in [(json!(3000), 200), (json!(0), 200), (json!(2999), 400)] {
        let bench = Bench::new().await;
        let payment_key = mixed(&bench).await;
        let body = json!({
            "cancelReason": "x", "cancelAmount": 10_000, "taxFreeAmount": tax_free,
        });
        let reply = bench.cancel(&payment_key, body).await;
        assert_eq!(reply.status, status, "{tax_free}");
        let cancels = bench.payment(&payment_key).await["cancels"].clone();
        if status == 200 {
            assert_eq!(cancels[0]["taxFreeAmount"], 3000);
        } else {
            assert_eq!(cancels, Value::Null);
        }
    }
}

#[tokio::test]
async fn twenty_parts_at_once_never_exceed_what_was_paid() {
    let bench = Bench::new().await;
    let body = json!({ "orderId": "order-0001", "amount": 1000, "taxFreeAmount": 1000 });
    let payment_key = bench.authenticate_as(body).await;
    bench.confirm(&payment_key, "order-0001", 1000).await;
    let body = json!({ "cancelReason": "x", "cancelAmount": 100, "taxFreeAmount": 100 });
    let mut waiting = tokio::task::JoinSet::new();
    for number in 0..20 {
        let path = format!("/v1/payments/{payment_key}/cancel");
        let request = bench.api(Method::POST, &path).json(&body);
        waiting.spawn(send(
            request.header("Idempotency-Key", format!("key-{number}")),
        ));
    }
    let (mut done, mut refused) = (0, 0);
    while let Some(reply) = waiting.join_next().await {
        let reply = reply.expect("a task").expect("an answer");
        if reply.status == 200 {
            done += 1;
        } else {
            reply.refused(403, "NOT_CANCELABLE_AMOUNT");
            refused += 1;
        }
    }
    assert_eq!((done, refused), (10, 10));
    let payment = bench.payment(&payment_key).await;
    assert_eq!(
        (&payment["balanceAmount"], &payment["taxFreeAmount"]),
        (&json!(0), &json!(0))
    );
    let given_back: i64 = without_tax(&bench).await.iter().skip(1).sum();
    assert_eq!(given_back, 1000);
}

#[tokio::test]
async fn less_captured_than_asked_for_has_no_more_without_tax() {
    let bench = Bench::new().await;
    let body = json!({ "orderId": "order-0001", "amount": 10_000, "taxFreeAmount": 3000 });
    let payment_key = bench.authenticate_as(body).await;
    let fault = json!({ "type": "overCapture", "amount": 2000 });
    bench
        .fault(json!({ "operation": "confirm", "fault": fault }))
        .await;
    let payment = bench
        .confirm(&payment_key, "order-0001", 10_000)
        .await
        .json();
    assert_eq!(
        (
            &payment["totalAmount"],
            &payment["taxFreeAmount"],
            &payment["suppliedAmount"]
        ),
        (&json!(2000), &json!(2000), &json!(0))
    );
    assert_eq!(without_tax(&bench).await, [2000]);
}

#[tokio::test]
async fn the_merchant_console_says_it_too() {
    let bench = Bench::new().await;
    let payment_key = mixed(&bench).await;
    let body = json!({ "paymentKey": payment_key, "cancelAmount": 9000, "taxFreeAmount": 2500 });
    let reply = bench.post("/_sandbox/cancel-by-merchant", body).await;
    assert_eq!(reply.json()["taxFreeAmount"], 500);
    let body = json!({ "paymentKey": payment_key, "taxFreeAmount": -1 });
    let reply = bench.post("/_sandbox/cancel-by-merchant", body).await;
    reply.refused(400, "INVALID_REQUEST");
}
