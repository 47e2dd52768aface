//! Owns the rules of cancel: every row of the gateway's table.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Bench, Reply, send};

fn all() -> Value {
    json!({ "cancelReason": "changed mind" })
}

fn part(amount: i64) -> Value {
    json!({ "cancelReason": "one item", "cancelAmount": amount })
}

#[tokio::test]
async fn whole_amount_in_one_call_is_canceled() {
    let bench = Bench::new().await;
    for (order, body) in [("order-0001", all()), ("order-0002", part(10_000))] {
        let payment_key = bench.paid(order, 10_000).await;
        let reply = bench.cancel(&payment_key, body).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let payment = reply.json();
        assert_eq!(payment["status"], "CANCELED");
        assert_eq!(
            (&payment["balanceAmount"], &payment["vat"]),
            (&json!(0), &json!(0))
        );
        assert_eq!(payment["totalAmount"], 10_000);
        bench
            .cancel(&payment_key, all())
            .await
            .refused(400, "ALREADY_CANCELED_PAYMENT");
        bench
            .cancel(&payment_key, part(1))
            .await
            .refused(400, "ALREADY_CANCELED_PAYMENT");
    }
}

#[tokio::test]
async fn parts_reach_zero_and_stay_partial() {
    let bench = Bench::new().await;
    let payment_key = bench.paid("order-0001", 10_000).await;

    let first = bench.cancel(&payment_key, part(3000)).await.json();
    assert_eq!(
        (&first["status"], &first["balanceAmount"]),
        (&json!("PARTIAL_CANCELED"), &json!(7000))
    );
    let last = bench.cancel(&payment_key, all()).await.json();
    assert_eq!(
        (&last["status"], &last["balanceAmount"]),
        (&json!("PARTIAL_CANCELED"), &json!(0))
    );

    let cancels = last["cancels"].as_array().expect("cancels");
    let amounts: Vec<_> = cancels
        .iter()
        .map(|cancel| cancel["cancelAmount"].clone())
        .collect();
    assert_eq!(amounts, [json!(3000), json!(7000)]);
    assert_eq!(last["lastTransactionKey"], cancels[1]["transactionKey"]);
    assert_ne!(first["lastTransactionKey"], last["lastTransactionKey"]);
    bench
        .cancel(&payment_key, all())
        .await
        .refused(403, "NOT_CANCELABLE_AMOUNT");
    bench
        .cancel(&payment_key, part(1))
        .await
        .refused(403, "NOT_CANCELABLE_AMOUNT");
    let ledger = bench.ledger().await;
    let moved: Vec<_> = ledger.iter().map(|entry| entry["amount"].clone()).collect();
    assert_eq!(moved, [json!(10_000), json!(3000), json!(7000)]);
    assert_eq!(ledger[2]["cancelReason"], "changed mind");
}

#[tokio::test]
async fn more_than_the_balance_is_refused() {
    let bench = Bench::new().await;
    let payment_key = bench.paid("order-0001", 10_000).await;
    bench
        .cancel(&payment_key, part(10_001))
        .await
        .refused(403, "NOT_CANCELABLE_AMOUNT");
    bench.cancel(&payment_key, part(6000)).await;
    bench
        .cancel(&payment_key, part(4001))
        .await
        .refused(403, "NOT_CANCELABLE_AMOUNT");
    assert_eq!(bench.payment(&payment_key).await["balanceAmount"], 4000);
}

#[tokio::test]
async fn refundable_amount_is_an_optimistic_lock() {
    let bench = Bench::new().await;
    let payment_key = bench.paid("order-0001", 10_000).await;
    let locked = |refundable: i64| {
        let mut body = json!({ "cancelReason": "x", "cancelAmount": 1000 });
        body["refundableAmount"] = refundable.into();
        body
    };
    let refused = bench.cancel(&payment_key, locked(9999)).await;
    refused.refused(400, "NOT_MATCHES_REFUNDABLE_AMOUNT");
    assert_eq!(bench.cancel(&payment_key, locked(10_000)).await.status, 200);
    let refused = bench.cancel(&payment_key, locked(10_000)).await;
    refused.refused(400, "NOT_MATCHES_REFUNDABLE_AMOUNT");
    assert_eq!(bench.payment(&payment_key).await["balanceAmount"], 9000);
}

#[tokio::test]
async fn twenty_at_once_under_the_lock_have_one_effect() {
    let bench = Bench::new().await;
    let payment_key = bench.paid("order-0001", 10_000).await;
    let body = json!({ "cancelReason": "x", "cancelAmount": 1000, "refundableAmount": 10_000 });
    let mut replies: Vec<Reply> = Vec::new();
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let path = format!("/v1/payments/{payment_key}/cancel");
        waiting.spawn(send(bench.api(Method::POST, &path).json(&body)));
    }
    while let Some(reply) = waiting.join_next().await {
        replies.push(reply.expect("a task").expect("an answer"));
    }
    assert_eq!(
        replies.iter().filter(|reply| reply.status == 200).count(),
        1
    );
    assert_eq!(bench.payment(&payment_key).await["balanceAmount"], 9000);
    assert_eq!(bench.ledger().await.len(), 2);
}

#[tokio::test]
async fn what_was_never_paid_cannot_be_canceled() {
    let bench = Bench::new().await;
    let ready = crate::confirm::create(&bench, "order-0001").await;
    let ready = ready["paymentKey"].as_str().expect("a key").to_owned();
    let in_progress = bench.authenticate("order-0002", 1000).await;
    let declined = json!({ "orderId": "order-0003", "amount": 1000, "scenario": "FDS_ERROR" });
    let aborted = bench.authenticate_as(declined).await;
    bench
        .confirm(&aborted, "order-0003", 1000)
        .await
        .refused(403, "FDS_ERROR");

    for payment_key in [&ready, &in_progress, &aborted] {
        bench
            .cancel(payment_key, all())
            .await
            .refused(403, "NOT_CANCELABLE_PAYMENT");
    }
    bench.advance(30 * 60).await;
    for payment_key in [&ready, &in_progress] {
        bench
            .cancel(payment_key, all())
            .await
            .refused(403, "NOT_CANCELABLE_PAYMENT");
        assert_eq!(bench.payment(payment_key).await["status"], "EXPIRED");
    }
    bench
        .cancel("tsimsnever", all())
        .await
        .refused(404, "NOT_FOUND_PAYMENT");
    assert!(bench.ledger().await.is_empty());
}

#[tokio::test]
async fn partial_refund_can_be_impossible() {
    let bench = Bench::new().await;
    let body = json!({ "orderId": "order-0001", "amount": 1000, "isPartialCancelable": false });
    let payment_key = bench.authenticate_as(body).await;
    bench.confirm(&payment_key, "order-0001", 1000).await;
    bench
        .cancel(&payment_key, part(1))
        .await
        .refused(403, "NOT_ALLOWED_PARTIAL_REFUND");
    assert_eq!(
        bench.cancel(&payment_key, part(1000)).await.json()["status"],
        "CANCELED"
    );
}

#[tokio::test]
async fn malformed_cancels_are_invalid_requests() {
    let bench = Bench::new().await;
    let payment_key = bench.paid("order-0001", 1000).await;
    let bodies = [
        json!({}),
        json!({ "cancelReason": "" }),
        json!({ "cancelReason": "r".repeat(201) }),
        json!({ "cancelReason": "x", "cancelAmount": 0 }),
        json!({ "cancelReason": "x", "cancelAmount": -1 }),
        json!({ "cancelReason": "x", "currency": "USD" }),
        json!({ "cancelReason": "x", "cancelAmount": 10, "taxFreeAmount": 11 }),
        json!({ "cancelReason": "x", "taxFreeAmount": -1 }),
    ];
    for body in bodies {
        bench
            .cancel(&payment_key, body)
            .await
            .refused(400, "INVALID_REQUEST");
    }
    let longest = json!({ "cancelReason": "가".repeat(200), "currency": "KRW" });
    assert_eq!(bench.cancel(&payment_key, longest).await.status, 200);
}

#[tokio::test]
async fn refunds_have_a_last_day_by_method() {
    let bench = Bench::new().await;
    let mut keys = Vec::new();
    for (order, method) in [
        ("order-0001", "TRANSFER"),
        ("order-0002", "MOBILE_PHONE"),
        ("order-0003", "CARD"),
    ] {
        let body = json!({ "orderId": order, "amount": 1000, "method": method });
        let payment_key = bench.authenticate_as(body).await;
        assert_eq!(bench.confirm(&payment_key, order, 1000).await.status, 200);
        keys.push(payment_key);
    }
    assert_eq!(bench.cancel(&keys[1], part(10)).await.status, 200);
    bench.advance(32 * 86_400).await;
    bench
        .cancel(&keys[1], part(10))
        .await
        .refused(403, "EXCEED_MAX_REFUND_DUE");
    assert_eq!(bench.cancel(&keys[0], part(10)).await.status, 200);
    bench.advance(149 * 86_400).await;
    bench
        .cancel(&keys[0], part(10))
        .await
        .refused(403, "EXCEED_MAX_REFUND_DUE");
    assert_eq!(
        bench.cancel(&keys[2], all()).await.json()["status"],
        "CANCELED"
    );
}

#[tokio::test]
async fn the_merchant_console_cancels_too() {
    let bench = Bench::new().await;
    let payment_key = bench.paid("order-0001", 1000).await;
    let body = json!({ "paymentKey": payment_key, "cancelAmount": 400 });
    let reply = bench.post("/_sandbox/cancel-by-merchant", body).await;
    assert_eq!(reply.json()["balanceAmount"], 600);
    let entry = bench.ledger().await[1].clone();
    assert_eq!(
        (&entry["kind"], &entry["amount"]),
        (&json!("cancel"), &json!(400))
    );
    assert_eq!(entry["idempotencyKey"], Value::Null);
    let body = json!({ "paymentKey": payment_key });
    assert_eq!(
        bench
            .post("/_sandbox/cancel-by-merchant", body.clone())
            .await
            .status,
        200
    );
    let refused = bench.post("/_sandbox/cancel-by-merchant", body).await;
    refused.refused(403, "NOT_CANCELABLE_AMOUNT");
    assert!(
        bench
            .calls()
            .await
            .iter()
            .all(|call| call["operation"] == "confirm")
    );
}
