//! Owns the rules of confirm: when money is taken, and what each refusal leaves behind.

use serde_json::{Value, json};
use toss_sandbox::{SecondApproval, TemporaryError, Typing};

use crate::support::{Bench, confirm_body};

#[tokio::test]
async fn approval_takes_the_money_once() {
    let bench = Bench::new().await;
    let payment_key = bench.paid("order-0001", 33_000).await;

    let again = bench.confirm(&payment_key, "order-0001", 33_000).await;

    again.refused(400, "ALREADY_PROCESSED_PAYMENT");
    let ledger = bench.ledger().await;
    assert_eq!(ledger.len(), 1);
    let entry = &ledger[0];
    assert_eq!(entry["kind"], "capture");
    assert_eq!(entry["sequence"], 1);
    assert_eq!(entry["mId"], "tsimshop");
    assert_eq!(entry["orderId"], "order-0001");
    assert_eq!(
        (&entry["amount"], &entry["currency"]),
        (&json!(33_000), &json!("KRW"))
    );
    let payment = bench.payment(&payment_key).await;
    assert_eq!(payment["lastTransactionKey"], entry["transactionKey"]);
}

#[tokio::test]
async fn tampered_amount_or_order_is_forbidden_and_harmless() {
    let bench = Bench::new().await;
    let payment_key = bench.authenticate("order-0001", 33_000).await;

    bench
        .confirm(&payment_key, "order-0001", 1)
        .await
        .refused(403, "FORBIDDEN_REQUEST");
    bench
        .confirm(&payment_key, "order-0002", 33_000)
        .await
        .refused(403, "FORBIDDEN_REQUEST");

    assert!(bench.ledger().await.is_empty());
    assert_eq!(bench.payment(&payment_key).await["status"], "IN_PROGRESS");
    assert_eq!(
        bench
            .confirm(&payment_key, "order-0001", 33_000)
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn unknown_key_is_a_missing_session_and_a_missing_payment() {
    let bench = Bench::new().await;
    let confirmed = bench.confirm("tsimsnever", "order-0001", 1000).await;
    confirmed.refused(404, "NOT_FOUND_PAYMENT_SESSION");
    bench
        .get("/v1/payments/tsimsnever")
        .await
        .refused(404, "NOT_FOUND_PAYMENT");
    bench
        .get("/v1/payments/orders/order-0001")
        .await
        .refused(404, "NOT_FOUND_PAYMENT");
}

#[tokio::test]
async fn an_unauthenticated_payment_cannot_be_confirmed() {
    let bench = Bench::new().await;
    let created = create(&bench, "order-0001").await;
    let payment_key = created["paymentKey"].as_str().expect("a key").to_owned();

    let reply = bench.confirm(&payment_key, "order-0001", 7000).await;
    reply.refused(404, "NOT_FOUND_PAYMENT_SESSION");

    bench
        .authenticate_as(json!({ "paymentKey": payment_key }))
        .await;
    assert_eq!(
        bench.confirm(&payment_key, "order-0001", 7000).await.status,
        200
    );
}

#[tokio::test]
async fn a_decline_aborts_and_a_temporary_error_does_not() {
    let bench = Bench::new().await;
    let scenario =
        |code: &str| json!({ "orderId": "order-0001", "amount": 1000, "scenario": code });
    let declined = bench.authenticate_as(scenario("REJECT_CARD_PAYMENT")).await;
    let temporary = bench.authenticate_as(scenario("PROVIDER_ERROR")).await;
    let internal = bench
        .authenticate_as(scenario("FAILED_INTERNAL_SYSTEM_PROCESSING"))
        .await;

    bench
        .confirm(&declined, "order-0001", 1000)
        .await
        .refused(403, "REJECT_CARD_PAYMENT");
    bench
        .confirm(&temporary, "order-0001", 1000)
        .await
        .refused(400, "PROVIDER_ERROR");
    let reply = bench.confirm(&internal, "order-0001", 1000).await;
    reply.refused(500, "FAILED_INTERNAL_SYSTEM_PROCESSING");

    let aborted = bench.payment(&declined).await;
    assert_eq!(aborted["status"], "ABORTED");
    assert_eq!(aborted["failure"]["code"], "REJECT_CARD_PAYMENT");
    assert_eq!(bench.payment(&temporary).await["status"], "IN_PROGRESS");
    assert_eq!(bench.payment(&internal).await["status"], "IN_PROGRESS");
    bench
        .confirm(&declined, "order-0001", 1000)
        .await
        .refused(400, "ALREADY_PROCESSED_PAYMENT");
    assert!(bench.ledger().await.is_empty());
}

#[tokio::test]
async fn a_temporary_error_aborts_if_so_set() {
    let bench =
        Bench::with_settings(|settings| settings.temporary_error = TemporaryError::Aborts).await;
    let body = json!({ "orderId": "order-0001", "amount": 1000, "scenario": "PROVIDER_ERROR" });
    let payment_key = bench.authenticate_as(body).await;
    bench
        .confirm(&payment_key, "order-0001", 1000)
        .await
        .refused(400, "PROVIDER_ERROR");
    assert_eq!(bench.payment(&payment_key).await["status"], "ABORTED");
}

#[tokio::test]
async fn two_payments_of_one_order_are_both_taken_unless_refused() {
    let bench = Bench::new().await;
    let first = bench.authenticate("order-0001", 5000).await;
    let second = bench.authenticate("order-0001", 5000).await;
    let of_order = async || bench.get("/v1/payments/orders/order-0001").await.json();

    assert_eq!(
        of_order().await["paymentKey"],
        second.as_str(),
        "the newest stands for it"
    );
    assert_eq!(bench.confirm(&first, "order-0001", 5000).await.status, 200);
    assert_eq!(
        of_order().await["paymentKey"],
        first.as_str(),
        "the approved one stands for it"
    );
    assert_eq!(bench.confirm(&second, "order-0001", 5000).await.status, 200);
    assert_eq!(
        of_order().await["paymentKey"],
        second.as_str(),
        "the newest approved one does"
    );
    assert_eq!(bench.ledger().await.len(), 2);

    let strict =
        Bench::with_settings(|settings| settings.second_approval = SecondApproval::Refused).await;
    strict.paid("order-0001", 5000).await;
    let other = strict.authenticate("order-0001", 5000).await;
    strict
        .confirm(&other, "order-0001", 5000)
        .await
        .refused(400, "DUPLICATED_ORDER_ID");
    assert_eq!(strict.ledger().await.len(), 1);
}

#[tokio::test]
async fn types_are_taken_as_leniently_as_set() {
    let bench = Bench::new().await;
    let payment_key = bench.authenticate("123456", 1000).await;
    let loose = json!({ "paymentKey": payment_key, "orderId": 123_456, "amount": "1000" });
    assert_eq!(bench.post("/v1/payments/confirm", loose).await.status, 200);

    let strict = Bench::with_settings(|settings| settings.typing = Typing::Strict).await;
    let payment_key = strict.authenticate("123456", 1000).await;
    for (name, value) in [("orderId", json!(123_456)), ("amount", json!("1000"))] {
        let mut body = confirm_body(&payment_key, "123456", 1000);
        body[name] = value;
        strict
            .post("/v1/payments/confirm", body)
            .await
            .refused(400, "INVALID_REQUEST");
    }
    assert_eq!(
        strict.confirm(&payment_key, "123456", 1000).await.status,
        200
    );
}

#[tokio::test]
async fn malformed_bodies_are_invalid_requests() {
    let bench = Bench::new().await;
    let payment_key = bench.authenticate("order-0001", 1000).await;
    let complete = confirm_body(&payment_key, "order-0001", 1000);
    for name in ["paymentKey", "orderId", "amount"] {
        let mut body = complete.clone();
        body[name] = Value::Null;
        bench
            .post("/v1/payments/confirm", body)
            .await
            .refused(400, "INVALID_REQUEST");
    }
    for amount in [json!(1000.5), json!("x"), json!(true), json!(1e30)] {
        let mut body = complete.clone();
        body["amount"] = amount;
        bench
            .post("/v1/payments/confirm", body)
            .await
            .refused(400, "INVALID_REQUEST");
    }
    for body in [json!([]), json!("text"), json!(7)] {
        bench
            .post("/v1/payments/confirm", body)
            .await
            .refused(400, "INVALID_REQUEST");
    }
    assert!(bench.ledger().await.is_empty());
}

#[tokio::test]
async fn openings_are_checked() {
    let bench = Bench::new().await;
    let open = async |name: &str, value: Value| {
        let mut body = json!({ "orderId": "order-0001", "amount": 1000 });
        body[name] = value;
        bench.post("/_sandbox/authenticate", body).await
    };
    open("orderId", json!("five5"))
        .await
        .refused(400, "INVALID_ORDER_ID");
    open("orderId", json!("order 0001"))
        .await
        .refused(400, "INVALID_ORDER_ID");
    open("orderId", json!("o".repeat(65)))
        .await
        .refused(400, "INVALID_ORDER_ID");
    open("orderName", json!("n".repeat(101)))
        .await
        .refused(400, "INVALID_ORDER_NAME");
    open("amount", json!(0))
        .await
        .refused(400, "BELOW_ZERO_AMOUNT");
    open("amount", json!(99))
        .await
        .refused(400, "BELOW_MINIMUM_AMOUNT");
    open("method", json!("CASH"))
        .await
        .refused(400, "NOT_SUPPORTED_METHOD");
    open("scenario", json!("NO_SUCH_CODE"))
        .await
        .refused(400, "INVALID_TEST_CODE");
    assert_eq!(open("orderId", json!("order=0001")).await.status, 200);
    assert_eq!(open("amount", json!(100)).await.status, 200);
}

pub(crate) async fn create(bench: &Bench, order_id: &str) -> Value {
    let body = json!({
        "method": "CARD", "amount": 7000, "orderId": order_id, "orderName": "poster",
        "successUrl": "http://localhost/success", "failUrl": "http://localhost/fail",
    });
    let reply = bench.post("/v1/payments", body).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json()
}
