//! Owns how accounts are closed, deposits given back, and who is told.

use serde_json::{Value, json};
use toss_sandbox::RefundBegins;

use super::{HOUR, deposit, deposited, text, waiting};
use crate::golden::{example, same_shape};
use crate::support::Bench;
use crate::webhooks::{Heard, Merchant, register};

fn back(amount: Option<i64>) -> Value {
    json!({
        "cancelReason": "out of stock", "cancelAmount": amount,
        "refundReceiveAccount": {
            "bank": "88", "accountNumber": "110123456789", "holderName": "홍길동",
        },
    })
}

async fn status(bench: &Bench, key: &str) -> Value {
    bench.payment(key).await["virtualAccount"]["refundStatus"].clone()
}

#[tokio::test]
async fn an_account_nobody_paid_in_to_is_closed_as_a_whole() {
    let bench = Bench::new().await;
    let key = waiting(&bench, "order-0001").await;
    let part = json!({ "cancelReason": "x", "cancelAmount": 1 });
    bench
        .cancel(&key, part)
        .await
        .refused(403, "NOT_ALLOWED_PARTIAL_REFUND_WAITING_DEPOSIT");
    let closed = bench
        .cancel(&key, json!({ "cancelReason": "x" }))
        .await
        .json();
    assert_eq!(
        (&closed["status"], &closed["balanceAmount"]),
        (&json!("CANCELED"), &json!(0))
    );
    assert_eq!(closed["cancels"][0]["cancelAmount"], 55_000);
    assert_eq!(closed["virtualAccount"]["refundStatus"], "NONE");
    assert!(bench.ledger().await.is_empty(), "no money moved");
    deposit(&bench, json!({ "paymentKey": key, "late": true }))
        .await
        .refused(400, "ACCOUNT_CLOSED");
    bench
        .cancel(&key, json!({ "cancelReason": "x" }))
        .await
        .refused(400, "ALREADY_CANCELED_PAYMENT");
}

#[tokio::test]
async fn a_deposit_goes_back_to_an_account_that_is_named() {
    let bench = Bench::new().await;
    let key = deposited(&bench, "order-0001").await;
    let with = |name: &str, value: Value| {
        let mut body = back(None);
        body["refundReceiveAccount"][name] = value;
        body
    };
    let cases = [
        (
            json!({ "cancelReason": "x" }),
            "INVALID_REFUND_ACCOUNT_INFO",
        ),
        (with("bank", json!("00")), "INVALID_BANK"),
        (
            with("accountNumber", json!("1-2")),
            "INVALID_REFUND_ACCOUNT_NUMBER",
        ),
        (
            with("accountNumber", json!("1".repeat(21))),
            "INVALID_REFUND_ACCOUNT_NUMBER",
        ),
        (
            with("holderName", json!("x".repeat(61))),
            "INVALID_REFUND_ACCOUNT_INFO",
        ),
        (with("holderName", Value::Null), "INVALID_REQUEST"),
    ];
    for (body, code) in cases {
        bench.cancel(&key, body).await.refused(400, code);
    }
    let card = bench.paid("order-0002", 1000).await;
    bench
        .cancel(&card, back(None))
        .await
        .refused(400, "INVALID_REQUEST");
    assert_eq!(bench.cancel(&key, back(Some(5000))).await.status, 200);
    let whole = deposited(&bench, "order-0003").await;
    let canceled = bench.cancel(&whole, back(None)).await.json();
    assert_eq!(canceled["status"], "CANCELED");
    let reverse = json!({ "paymentKey": whole });
    bench
        .post("/_sandbox/deposits/reverse", reverse)
        .await
        .refused(400, "NOTHING_TO_REVERSE");
    let console = json!({ "paymentKey": key, "cancelAmount": 100 });
    let reply = bench.post("/_sandbox/cancel-by-merchant", console).await;
    assert_eq!(reply.json()["balanceAmount"], 49_900, "{}", reply.text);

    let bench = Bench::with_settings(|settings| {
        settings.missing_refund_account_code = "INVALID_REQUEST";
    })
    .await;
    let key = deposited(&bench, "order-0001").await;
    bench
        .cancel(&key, json!({ "cancelReason": "x" }))
        .await
        .refused(400, "INVALID_REQUEST");
}

#[tokio::test]
async fn a_refund_takes_two_days_to_arrive_or_fails() {
    let bench = Bench::new().await;
    let key = deposited(&bench, "order-0001").await;
    bench.cancel(&key, back(Some(5000))).await;
    assert_eq!(status(&bench, &key).await, "NONE", "as in captures");
    bench.advance(48 * HOUR).await;
    assert_eq!(status(&bench, &key).await, "COMPLETED");

    let bench = Bench::with_settings(|settings| {
        settings.refund_begins = RefundBegins::Pending;
        settings.refund = chrono::TimeDelta::hours(1);
    })
    .await;
    let key = deposited(&bench, "order-0001").await;
    let nothing = json!({ "paymentKey": key, "status": "FAILED" });
    let reply = bench.post("/_sandbox/refunds", nothing).await;
    reply.refused(400, "NOTHING_TO_REFUND");
    bench.cancel(&key, back(None)).await;
    assert_eq!(status(&bench, &key).await, "PENDING");
    bench.advance(HOUR).await;
    assert_eq!(status(&bench, &key).await, "COMPLETED");

    let failed = deposited(&bench, "order-0002").await;
    bench.cancel(&failed, back(None)).await;
    let fails = json!({ "orderId": "order-0002", "status": "FAILED" });
    bench.post("/_sandbox/refunds", fails).await;
    bench.advance(HOUR).await;
    assert_eq!(status(&bench, &failed).await, "FAILED", "for good");
}

#[tokio::test]
async fn each_change_is_told_flat_with_the_secret_and_wrapped() {
    let (bench, flat, wrapped) = (Bench::new().await, Merchant::default(), Merchant::default());
    register(&bench, &flat.listen().await, json!(["DEPOSIT_CALLBACK"])).await;
    let payments = json!(["PAYMENT_STATUS_CHANGED"]);
    register(&bench, &wrapped.listen().await, payments).await;
    let key = waiting(&bench, "order-0001").await;
    let secret = text(&bench.payment(&key).await, "secret");
    let mut told = flat.hears(1).await;
    deposit(&bench, json!({ "paymentKey": key })).await;
    told = [told, flat.hears(2).await.split_off(1)].concat();
    bench
        .post("/_sandbox/deposits/reverse", json!({ "paymentKey": key }))
        .await;
    told = [told, flat.hears(3).await.split_off(2)].concat();
    let examples = [
        example!("wh-deposit-issued"),
        example!("wh-deposit-done"),
        example!("wh-deposit-reversed"),
    ];
    for (heard, example) in told.iter().zip(&examples) {
        same_shape(&heard.json(), example, "webhook");
        assert_eq!(heard.json()["status"], example["status"]);
        assert_eq!(heard.json()["secret"], secret);
    }
    // The due date passes in silence; closing it is told.
    bench.advance(168 * HOUR).await;
    assert_eq!(bench.payment(&key).await["virtualAccount"]["expired"], true);
    bench.cancel(&key, json!({ "cancelReason": "x" })).await;
    assert_eq!(flat.hears(4).await[3].json()["status"], "CANCELED");
    let wrapped: Vec<Value> = wrapped.hears(4).await.iter().map(Heard::json).collect();
    let statuses: Vec<_> = wrapped.iter().map(|one| &one["data"]["status"]).collect();
    let expected = [
        "WAITING_FOR_DEPOSIT",
        "DONE",
        "WAITING_FOR_DEPOSIT",
        "CANCELED",
    ];
    assert_eq!(statuses, expected);
}
