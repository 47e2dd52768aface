//! Owns virtual accounts: their issue, and the deposits that arrive, go back or never come.

mod issue;
mod refunds;

use serde_json::{Value, json};
use toss_sandbox::Config;

use crate::golden::{example, same, same_shape};
use crate::support::{Bench, Reply, config};

const ISSUE: &str = "/v1/virtual-accounts";
const HOUR: i64 = 3600;

fn body(order_id: &str) -> Value {
    json!({
        "amount": 55_000, "orderId": order_id, "orderName": "mug", "customerName": "홍길동",
        "bank": "20",
    })
}

/// A payment that waits for its deposit.
async fn waiting(bench: &Bench, order_id: &str) -> String {
    let reply = bench.post(ISSUE, body(order_id)).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    text(&reply.json(), "paymentKey")
}

async fn deposit(bench: &Bench, body: Value) -> Reply {
    bench.post("/_sandbox/deposits", body).await
}

/// A payment whose deposit has come.
async fn deposited(bench: &Bench, order_id: &str) -> String {
    let key = waiting(bench, order_id).await;
    let reply = deposit(bench, json!({ "paymentKey": key })).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    key
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().expect("text").to_owned()
}

#[tokio::test]
async fn accounts_look_like_captured_ones_until_they_are_given_back() {
    let bench = Bench::new().await;
    let example = example!("payment-va-waiting");
    let issued = bench.post(ISSUE, example!("req-va")).await;
    assert_eq!(issued.status, 200, "{}", issued.text);
    let issued = issued.json();
    same_shape(&issued, &example, "payment");
    let names = [
        "orderId",
        "orderName",
        "status",
        "method",
        "totalAmount",
        "vat",
    ];
    same(&issued, &example, &names);
    let account = &issued["virtualAccount"];
    same(
        account,
        &example["virtualAccount"],
        &["bankCode", "customerName", "refundStatus"],
    );
    let number = text(account, "accountNumber");
    assert!(number.len() == 14 && number.starts_with('X'), "{number}");
    assert!(bench.ledger().await.is_empty(), "no money yet");

    let example = example!("payment-va-done");
    let paid = deposit(&bench, json!({ "accountNumber": number })).await;
    assert_eq!(paid.status, 200, "{}", paid.text);
    let paid = paid.json();
    same_shape(&paid, &example, "payment");
    same(
        &paid,
        &example,
        &["status", "totalAmount", "balanceAmount", "vat"],
    );
    same(
        &paid["cashReceipts"][0],
        &example["cashReceipts"][0],
        &["transactionType", "amount"],
    );
    let identity = &paid["cashReceipts"][0]["customerIdentityNumber"];
    assert_eq!(
        identity,
        &example["cashReceipts"][0]["customerIdentityNumber"]
    );
    assert_eq!(paid["virtualAccount"]["depositorName"], "홍길동");
    assert_eq!(paid["secret"], issued["secret"]);

    let example = example!("payment-va-partial-refund");
    let key = text(&paid, "paymentKey");
    let back = bench
        .cancel(&key, example!("req-cancel-va-deposited"))
        .await;
    assert_eq!(back.status, 200, "{}", back.text);
    same_shape(&back.json(), &example, "payment");
    let names = ["status", "balanceAmount", "suppliedAmount", "vat"];
    same(&back.json(), &example, &names);
    let receipt = format!("c_{}", text(&paid["cashReceipt"], "receiptKey"));
    assert_eq!(back.json()["cancels"][0]["receiptKey"], receipt);
    let kinds: Vec<_> = bench
        .ledger()
        .await
        .iter()
        .map(|one| one["kind"].clone())
        .collect();
    assert_eq!(kinds, [json!("capture"), json!("cancel")]);
}

#[tokio::test]
async fn a_due_date_that_passes_changes_no_status_and_ends_the_account() {
    let bench = Bench::new().await;
    let example = example!("payment-va-past-due");
    let issued = bench.post(ISSUE, example!("req-va")).await.json();
    let key = text(&issued, "paymentKey");
    bench.advance(72 * HOUR - 5).await;
    assert_eq!(
        bench.payment(&key).await["virtualAccount"]["expired"],
        false
    );
    bench.advance(5).await;
    let past = bench.payment(&key).await;
    same_shape(&past, &example, "payment");
    same(&past, &example, &["status", "balanceAmount"]);
    assert_eq!(past["virtualAccount"]["expired"], true);
    deposit(&bench, json!({ "paymentKey": key }))
        .await
        .refused(400, "ACCOUNT_CLOSED");
    // Money that was under way is found later.
    let late = deposit(&bench, json!({ "paymentKey": key, "late": true })).await;
    assert_eq!(late.json()["status"], "DONE");
    assert_eq!(bench.ledger().await.len(), 1);
    let other = waiting(&bench, "order-0002").await;
    bench.advance(168 * HOUR).await;
    let canceled = bench
        .cancel(&other, json!({ "cancelReason": "expired" }))
        .await;
    assert_eq!(
        canceled.json()["status"],
        "CANCELED",
        "it is closed by a cancel"
    );
}

#[tokio::test]
async fn banks_take_the_exact_amount_once_and_may_take_it_back() {
    let bench = Bench::new().await;
    let key = waiting(&bench, "order-0001").await;
    for amount in [54_999, 55_001, 0, -1] {
        deposit(&bench, json!({ "orderId": "order-0001", "amount": amount }))
            .await
            .refused(400, "DEPOSIT_AMOUNT_MISMATCH");
    }
    let nothing = bench
        .post("/_sandbox/deposits/reverse", json!({ "paymentKey": key }))
        .await;
    nothing.refused(400, "NOTHING_TO_REVERSE");
    let by_order = json!({
        "orderId": "order-0001", "amount": 55_000, "depositorName": "친구",
    });
    let paid = deposit(&bench, by_order.clone()).await.json();
    assert_eq!(
        (&paid["status"], &paid["virtualAccount"]["depositorName"]),
        (&json!("DONE"), &json!("친구"))
    );
    deposit(&bench, by_order.clone())
        .await
        .refused(400, "ACCOUNT_CLOSED");

    let reversed = bench
        .post("/_sandbox/deposits/reverse", json!({ "paymentKey": key }))
        .await;
    let reversed = reversed.json();
    assert_eq!(
        (
            &reversed["status"],
            &reversed["approvedAt"],
            &reversed["balanceAmount"]
        ),
        (&json!("WAITING_FOR_DEPOSIT"), &Value::Null, &json!(55_000))
    );
    assert_eq!(reversed["virtualAccount"]["depositorName"], Value::Null);
    assert_ne!(reversed["lastTransactionKey"], paid["lastTransactionKey"]);
    deposit(&bench, by_order).await;
    let ledger = bench.ledger().await;
    let kinds: Vec<_> = ledger
        .iter()
        .map(|one| (&one["kind"], &one["amount"]))
        .collect();
    let (taken, lost, amount) = (json!("capture"), json!("reversal"), json!(55_000));
    assert_eq!(
        kinds,
        [(&taken, &amount), (&lost, &amount), (&taken, &amount)]
    );
    deposit(&bench, json!({ "orderId": "order-9999" }))
        .await
        .refused(404, "NOT_FOUND_PAYMENT");
    let card = bench.paid("order-0002", 1000).await;
    deposit(&bench, json!({ "paymentKey": card }))
        .await
        .refused(400, "ACCOUNT_CLOSED");
}

#[tokio::test]
async fn lists_show_issues_deposits_and_reversals() {
    let bench = Bench::new().await;
    let key = deposited(&bench, "order-0001").await;
    bench
        .post("/_sandbox/deposits/reverse", json!({ "paymentKey": key }))
        .await;
    let other = waiting(&bench, "order-0002").await;
    bench.cancel(&other, json!({ "cancelReason": "x" })).await;
    let path = "/v1/transactions?startDate=2020-01-01&endDate=2100-01-01";
    let rows = bench.get(path).await.json();
    same_shape(&rows[0], &example!("transactions")[1], "transaction");
    let rows = rows.as_array().expect("rows");
    let seen: Vec<_> = rows
        .iter()
        .map(|row| {
            (
                row["status"].as_str().expect("text"),
                row["amount"].as_i64(),
            )
        })
        .collect();
    let expected = [
        ("WAITING_FOR_DEPOSIT", Some(0)),
        ("DONE", Some(55_000)),
        ("WAITING_FOR_DEPOSIT", Some(-55_000)),
        ("WAITING_FOR_DEPOSIT", Some(0)),
        ("CANCELED", Some(0)),
    ];
    assert_eq!(seen, expected);
    let after = format!("{path}&startingAfter={}", text(&rows[2], "transactionKey"));
    assert_eq!(
        bench.get(&after).await.json().as_array().map(Vec::len),
        Some(2)
    );
    let calls = bench.get("/_sandbox/calls").await.json();
    assert_eq!(
        (
            &calls["totals"]["issueAccount"],
            &calls["totals"]["effects"]
        ),
        (&json!(2), &json!(0)),
        "banks move money, these calls do not"
    );
    bench.advance(10 * 24 * HOUR).await;
    let settled = "/v1/settlements?startDate=2020-01-01&endDate=2100-01-01";
    let settled = bench.get(settled).await.json();
    let amounts: Vec<_> = settled
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| (row["amount"].as_i64(), row["payOutAmount"].as_i64()))
        .collect();
    assert_eq!(amounts[0].0, Some(55_000));
    assert_eq!(amounts[1].1, amounts[0].1.map(|paid| -paid));
    assert_eq!(amounts.len(), 2);
}

#[tokio::test]
async fn accounts_survive_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let kept = || Config {
        data: Some(folder.path().join("journal.jsonl")),
        ..config()
    };
    let bench = Bench::with(kept()).await;
    let (open, past, paid, gone) = (
        waiting(&bench, "order-0001").await,
        waiting(&bench, "order-0002").await,
        deposited(&bench, "order-0003").await,
        deposited(&bench, "order-0004").await,
    );
    bench
        .post("/_sandbox/deposits/reverse", json!({ "paymentKey": gone }))
        .await;
    let keys = [&open, &past, &paid, &gone];
    let mut before = Vec::new();
    for key in keys {
        before.push(bench.payment(key).await);
    }
    let ledger = bench.ledger().await;
    bench.sandbox.shutdown().await;

    let bench = Bench::with(kept()).await;
    for (key, known) in keys.into_iter().zip(before) {
        let base = |payment: &Value| payment["checkout"].clone();
        let mut payment = bench.payment(key).await;
        assert_ne!(base(&payment), Value::Null);
        payment["checkout"] = base(&known);
        assert_eq!(payment, known);
    }
    assert_eq!(bench.ledger().await, ledger);
    assert_eq!(
        deposit(&bench, json!({ "paymentKey": gone })).await.status,
        200
    );
}
