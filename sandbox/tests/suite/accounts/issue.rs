//! Owns how accounts are asked for: by call, by window, and in vain.

use serde_json::{Value, json};

use super::{HOUR, ISSUE, body, deposit};
use crate::support::Bench;
use crate::window::{open_window, press, redirect, see};

#[tokio::test]
async fn senseless_issues_are_refused() {
    let bench = Bench::new().await;
    let with = |name: &str, value: Value| {
        let mut body = body("order-0001");
        body[name] = value;
        body
    };
    let mut both = with("validHours", json!(1));
    both["dueDate"] = json!("2100-01-01T00:00:00");
    let cases = [
        (both, "INVALID_VALID_HOURS_WITH_DUE_DATE_AND_SINGLE"),
        (with("validHours", json!(2161)), "EXCEED_MAX_VALID_HOURS"),
        (with("validHours", json!(0)), "INVALID_REQUEST"),
        (with("dueDate", json!("tomorrow")), "INVALID_DATE"),
        (
            with("dueDate", json!("2020-01-01T00:00:00")),
            "INVALID_DATE",
        ),
        (
            with("dueDate", json!("2100-01-01T00:00:00")),
            "EXCEED_MAX_DUE_DATE",
        ),
        (with("bank", json!("92")), "INVALID_BANK"),
        (with("bank", json!("nowhere")), "INVALID_BANK"),
        (with("bank", Value::Null), "INVALID_REQUEST"),
        (with("customerName", Value::Null), "INVALID_REQUEST"),
        (
            with("customerName", json!("x".repeat(101))),
            "INVALID_REQUEST",
        ),
        (with("amount", json!(199)), "BELOW_MINIMUM_AMOUNT"),
        (with("orderId", json!("short")), "INVALID_ORDER_ID"),
        (with("useEscrow", json!(true)), "NOT_SUPPORTED_METHOD"),
        (with("accountType", json!("고정")), "REQUIRED_ACCOUNT_KEY"),
        (
            with("accountType", json!("?")),
            "INVALID_VIRTUAL_ACCOUNT_TYPE",
        ),
        (
            with("cashReceipt", json!({ "type": "소득공제" })),
            "INVALID_REGISTRATION_NUMBER_TYPE",
        ),
        (
            with(
                "cashReceipt",
                json!({ "type": "?", "registrationNumber": "010" }),
            ),
            "INVALID_REGISTRATION_NUMBER_TYPE",
        ),
    ];
    for (body, code) in cases {
        bench.post(ISSUE, body).await.refused(400, code);
    }
    for (number, name) in ["우리", "WOORI", "20"].into_iter().enumerate() {
        let mut body = with("bank", json!(name));
        body["orderId"] = json!(format!("order-1{number:03}"));
        body["cashReceipt"] = json!({ "type": "미발행" });
        let issued = bench.post(ISSUE, body).await.json();
        assert_eq!(issued["virtualAccount"]["bankCode"], "20");
    }
    bench
        .post(ISSUE, with("orderId", json!("order-1000")))
        .await
        .refused(400, "DUPLICATED_ORDER_ID");
}

#[tokio::test]
async fn an_issue_whose_answer_is_lost_is_found_by_key_and_by_order() {
    let bench = Bench::new().await;
    let lost = json!({ "type": "dropAfter" });
    bench
        .fault(json!({ "operation": "issueAccount", "orderId": "order-0001", "fault": lost }))
        .await;
    let request = || {
        let request = bench.api(reqwest::Method::POST, ISSUE);
        let request = request.header("Idempotency-Key", "issue-1");
        crate::support::send(request.json(&body("order-0001")))
    };
    request().await.expect_err("the answer is lost");
    let told = request().await.expect("an answer").json();
    let of_order = bench.get("/v1/payments/orders/order-0001").await.json();
    assert_eq!(of_order, told);
    let code = json!({ "type": "code", "code": "FAILED_DB_PROCESSING" });
    bench
        .fault(json!({ "operation": "issueAccount", "fault": code }))
        .await;
    bench
        .post(ISSUE, body("order-0002"))
        .await
        .refused(500, "FAILED_DB_PROCESSING");
    assert_eq!(bench.post(ISSUE, body("order-0002")).await.status, 200);
}

#[tokio::test]
async fn the_window_offers_an_account_that_confirming_issues() {
    let bench = Bench::new().await;
    let path = open_window(&bench).await;
    assert!(see(&bench, &path).await.text.contains("가상계좌"));
    let form = "action=approve&method=VIRTUAL_ACCOUNT";
    let (_, parameters) = redirect(&press(&bench, &path, form).await);
    let key = &parameters[3].1;
    assert_eq!(bench.payment(key).await["virtualAccount"], Value::Null);
    let issued = bench.confirm(key, "order-0001", 33_000).await.json();
    assert_eq!(
        (&issued["status"], &issued["approvedAt"], &issued["method"]),
        (
            &json!("WAITING_FOR_DEPOSIT"),
            &Value::Null,
            &json!("가상계좌")
        )
    );
    bench
        .confirm(key, "order-0001", 33_000)
        .await
        .refused(400, "ALREADY_PROCESSED_PAYMENT");
    bench.advance(3600).await;
    let waits = bench.payment(key).await;
    assert_eq!(
        waits["status"], "WAITING_FOR_DEPOSIT",
        "its windows are over"
    );
    let paid = deposit(&bench, json!({ "paymentKey": key })).await.json();
    assert_eq!(
        (&paid["status"], &paid["secret"]),
        (&json!("DONE"), &issued["secret"])
    );

    let chosen = json!({
        "orderId": "order-0002", "amount": 1000, "method": "VIRTUAL_ACCOUNT", "bank": "신한",
        "customerName": "김철수", "validHours": 1, "cashReceipt": "지출증빙",
    });
    let key = bench.authenticate_as(chosen).await;
    let issued = bench.confirm(&key, "order-0002", 1000).await.json();
    let account = &issued["virtualAccount"];
    assert_eq!(
        (&account["bankCode"], &account["customerName"]),
        (&json!("88"), &json!("김철수"))
    );
    bench.advance(HOUR).await;
    assert_eq!(bench.payment(&key).await["virtualAccount"]["expired"], true);
    let senseless = json!({
        "orderId": "order-0003", "amount": 1000, "method": "VIRTUAL_ACCOUNT", "bank": "92",
    });
    let reply = bench.post("/_sandbox/authenticate", senseless).await;
    reply.refused(400, "INVALID_BANK");
}

#[tokio::test]
async fn a_bank_of_another_method_is_nobody_s_account() {
    let bench = Bench::new().await;
    let create = async |method: &str| {
        let body = json!({
            "method": method, "bank": "토스", "amount": 1000, "orderId": "order-0001",
            "orderName": "mug", "successUrl": "http://shop.test/done",
            "failUrl": "http://shop.test/failed",
        });
        bench.post("/v1/payments", body).await
    };
    create("VIRTUAL_ACCOUNT").await.refused(400, "INVALID_BANK");
    let opened = create("TRANSFER").await;
    assert_eq!(opened.status, 200, "{}", opened.text);
    let key = opened.json()["paymentKey"].clone();
    let chosen = json!({ "paymentKey": key, "method": "VIRTUAL_ACCOUNT" });
    let key = bench.authenticate_as(chosen).await;
    let issued = bench.confirm(&key, "order-0001", 1000).await.json();
    assert_eq!(issued["virtualAccount"]["bankCode"], "20");
}
