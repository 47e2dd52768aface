//! Owns the two lists: their objects, ranges, pages and refusals.

use serde_json::{Value, json};
use toss_sandbox::{CancelSign, RangeEnd, Settlements};

use crate::golden::{example, same, same_shape};
use crate::support::Bench;

const EVER: &str = "startDate=2020-01-01&endDate=2100-01-01";

async fn list(bench: &Bench, path: &str, query: &str) -> Vec<Value> {
    let reply = bench.get(&format!("/v1/{path}?{query}")).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json().as_array().expect("a list").clone()
}

/// One payment of 33,000 with 3,000 and 10,000 given back, as in the examples.
async fn example_payment(bench: &Bench) -> String {
    let payment_key = bench.paid("ord_20260315_000001", 33_000).await;
    for amount in [3000, 10_000] {
        let body = json!({ "cancelReason": "wrong size", "cancelAmount": amount });
        assert_eq!(bench.cancel(&payment_key, body).await.status, 200);
    }
    payment_key
}

#[tokio::test]
async fn transactions_look_like_captured_ones() {
    let bench = Bench::new().await;
    let payment_key = example_payment(&bench).await;
    let example = example!("transactions");

    let rows = list(&bench, "transactions", EVER).await;

    let names = ["mId", "orderId", "method", "customerKey", "useEscrow"];
    for (row, captured) in [(&rows[0], &example[0]), (&rows[1], &example[2])] {
        same_shape(row, captured, "transaction");
        same(row, captured, &names);
        same(row, captured, &["status", "currency", "amount"]);
        assert_eq!(row["paymentKey"], payment_key.as_str());
    }
    let ledger = bench.ledger().await;
    for (row, entry) in rows.iter().zip(&ledger) {
        assert_eq!(row["transactionKey"], entry["transactionKey"]);
    }
    assert_eq!(rows.len(), 3);
}

#[tokio::test]
async fn a_whole_cancel_is_canceled_and_its_sign_is_a_setting() {
    for (sign, shown) in [(CancelSign::Negative, -700), (CancelSign::Positive, 700)] {
        let bench = Bench::with_settings(|settings| settings.cancel_sign = sign).await;
        let payment_key = bench.paid("order-0001", 700).await;
        bench
            .cancel(&payment_key, json!({ "cancelReason": "x" }))
            .await;
        let rows = list(&bench, "transactions", EVER).await;
        let seen: Vec<_> = rows
            .iter()
            .map(|row| (row["status"].clone(), row["amount"].clone()))
            .collect();
        let wanted = [
            (json!("DONE"), json!(700)),
            (json!("CANCELED"), json!(shown)),
        ];
        assert_eq!(seen, wanted);
    }
}

#[tokio::test]
async fn pages_of_transactions_miss_and_repeat_nothing() {
    let bench = Bench::new().await;
    for number in 0..25 {
        bench.paid(&format!("order-{number:04}"), 1000).await;
    }
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = list(&bench, "transactions", &format!("{EVER}&limit=10{after}")).await;
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 10, "{}", page.len());
        after = format!(
            "&startingAfter={}",
            last["transactionKey"].as_str().expect("a key")
        );
        seen.extend(page);
    }
    let orders: Vec<_> = seen.iter().map(|row| row["orderId"].clone()).collect();
    let wanted: Vec<_> = (0..25)
        .map(|number| json!(format!("order-{number:04}")))
        .collect();
    assert_eq!(orders, wanted);
}

#[tokio::test]
async fn transactions_are_of_the_range_asked_for() {
    for (end, wanted) in [(RangeEnd::Excluded, 1), (RangeEnd::Included, 2)] {
        let bench = Bench::with_settings(|settings| settings.range_end = end).await;
        bench.paid("order-0001", 1000).await;
        bench.advance(86_400).await;
        bench.paid("order-0002", 1000).await;
        let rows = list(&bench, "transactions", EVER).await;
        let at = |row: &Value| {
            let text = row["transactionAt"].as_str().expect("a date").to_owned();
            text.strip_suffix("+09:00").expect("Korean time").to_owned()
        };
        let (first, second) = (at(&rows[0]), at(&rows[1]));
        let query = format!("startDate={first}&endDate={second}");
        assert_eq!(list(&bench, "transactions", &query).await.len(), wanted);
        // A day alone is its first instant.
        let (day, next) = (&first[..10], &second[..10]);
        let query = format!("startDate={day}&endDate={next}");
        let of_day = list(&bench, "transactions", &query).await;
        assert_eq!(of_day.len(), 1);
        assert_eq!(of_day[0]["orderId"], "order-0001");
    }
}

#[tokio::test]
async fn senseless_lists_are_refused() {
    let bench = Bench::new().await;
    let day = "startDate=2026-03-15&endDate=2026-03-16";
    let refusals = [
        ("transactions", String::new(), "INVALID_REQUEST"),
        (
            "transactions",
            "startDate=2026-03-15".to_owned(),
            "INVALID_REQUEST",
        ),
        (
            "transactions",
            "startDate=x&endDate=2026-03-15".to_owned(),
            "INVALID_DATE",
        ),
        (
            "transactions",
            "startDate=2026-03-16&endDate=2026-03-15".to_owned(),
            "INVALID_DATE",
        ),
        (
            "transactions",
            format!("{day}&limit=5001"),
            "EXCEED_MAX_QUERY_LIMIT",
        ),
        ("transactions", format!("{day}&limit=0"), "INVALID_REQUEST"),
        (
            "transactions",
            format!("{day}&startingAfter=x"),
            "INVALID_PAGING_KEY",
        ),
        ("settlements", String::new(), "INVALID_REQUEST"),
        (
            "settlements",
            "startDate=2026-02-30&endDate=2026-03-15".to_owned(),
            "INVALID_DATE",
        ),
        (
            "settlements",
            format!("{day}&dateType=today"),
            "INVALID_REQUEST",
        ),
        ("settlements", format!("{day}&page=0"), "INVALID_REQUEST"),
        (
            "settlements",
            format!("{day}&size=5001"),
            "EXCEED_MAX_QUERY_LIMIT",
        ),
    ];
    for (path, query, code) in refusals {
        let reply = bench.get(&format!("/v1/{path}?{query}")).await;
        reply.refused(400, code);
    }
    let other = Bench::with_settings(|settings| {
        settings.unknown_paging_key_code = "INVALID_TRANSACTION_KEY";
    })
    .await;
    let reply = other
        .get(&format!("/v1/transactions?{day}&startingAfter=x"))
        .await;
    reply.refused(400, "INVALID_TRANSACTION_KEY");
}

#[tokio::test]
async fn settlements_look_like_captured_ones() {
    let bench = Bench::new().await;
    example_payment(&bench).await;
    let query = "startDate=2020-01-01&endDate=2100-01-01";
    assert!(
        list(&bench, "settlements", query).await.is_empty(),
        "not before tomorrow"
    );
    bench.advance(86_400).await;
    let example = example!("settlements");

    let rows = list(&bench, "settlements", query).await;

    let amounts = [
        "amount",
        "interestFee",
        "fee",
        "fees",
        "supplyAmount",
        "vat",
        "payOutAmount",
    ];
    for (row, captured) in [(&rows[0], &example[0]), (&rows[2], &example[1])] {
        same_shape(row, captured, "settlement");
        same(row, captured, &amounts);
        same(
            row,
            captured,
            &["mId", "orderId", "currency", "method", "card"],
        );
    }
    assert_eq!(rows[2]["cancel"]["cancelAmount"], 10_000);
    assert_eq!(rows.len(), 3);
}

#[tokio::test]
async fn settlements_are_paged_by_day() {
    let bench = Bench::new().await;
    for number in 0..5 {
        bench.paid(&format!("order-{number:04}"), 1000).await;
        bench.advance(86_400).await;
    }
    let all = list(&bench, "settlements", EVER).await;
    let date = |row: &Value, name: &str| row[name].as_str().expect("a date").to_owned();
    let (first, last) = (date(&all[1], "soldDate"), date(&all[3], "soldDate"));
    let sold = format!("startDate={first}&endDate={last}");
    assert_eq!(list(&bench, "settlements", &sold).await, all[1..4]);
    let second = list(&bench, "settlements", &format!("{sold}&size=2&page=2")).await;
    assert_eq!(second, all[3..4]);
    let paid = date(&all[2], "paidOutDate");
    let query = format!("startDate={paid}&endDate={paid}&dateType=paidOutDate");
    assert_eq!(list(&bench, "settlements", &query).await, all[2..3]);
}

#[tokio::test]
async fn fees_of_parts_add_up_to_the_fee_of_the_whole() {
    let bench = Bench::new().await;
    let payment_key = bench.paid("order-0001", 9999).await;
    for amount in [1, 33, 333, 9632] {
        let body = json!({ "cancelReason": "x", "cancelAmount": amount });
        assert_eq!(bench.cancel(&payment_key, body).await.status, 200);
    }
    bench.advance(86_400).await;
    let rows = list(&bench, "settlements", EVER).await;
    for name in ["amount", "fee", "supplyAmount", "vat", "payOutAmount"] {
        let sum: i64 = rows.iter().filter_map(|row| row[name].as_i64()).sum();
        assert_eq!((name, sum), (name, 0));
    }
    assert_eq!((rows.len(), &rows[0]["fee"]), (5, &json!(328)));
}

#[tokio::test]
async fn a_test_environment_may_settle_nothing() {
    let bench = Bench::with_settings(|settings| settings.settlements = Settlements::Empty).await;
    bench.paid("order-0001", 1000).await;
    bench.advance(86_400).await;
    assert!(list(&bench, "settlements", EVER).await.is_empty());
}
