//! What a body or a query may hold: every wrong field named, with a code of its own.

use serde_json::{Value, json};

use crate::rig::{Answer, Rig};

fn valid() -> Value {
    json!({ "orderId": "order-1", "orderName": "생수 외 1건", "amount": 15000 })
}

fn with(field: &str, value: Value) -> String {
    let mut body = valid();
    body[field] = value;
    body.to_string()
}

/// The body with this literal as its amount.
fn amount(literal: &str) -> String {
    format!(r#"{{"orderId":"order-1","orderName":"a","amount":{literal}}}"#)
}

async fn refused(rig: &Rig, body: String) -> Answer {
    let answer = rig.post("/api/v1/payments", body.clone()).await;
    assert_eq!(
        (answer.status, answer.code()),
        (400, "INVALID_REQUEST"),
        "{body}"
    );
    answer
}

#[tokio::test]
async fn amounts_are_positive_integers_within_the_limit() {
    let rig = Rig::new().await;
    for (literal, code) in [
        ("1000.0", "AMOUNT_NOT_INTEGER"),
        ("1000.5", "AMOUNT_NOT_INTEGER"),
        ("1e3", "AMOUNT_NOT_INTEGER"),
        ("-1", "AMOUNT_NEGATIVE"),
        ("0", "AMOUNT_ZERO"),
        ("100000000001", "AMOUNT_OVER_LIMIT"),
        ("9007199254740992", "AMOUNT_OVER_LIMIT"),
        ("9223372036854775808", "AMOUNT_OVER_LIMIT"),
        ("1e400", "MALFORMED"),
        ("\"1000\"", "FIELD_TYPE"),
        ("true", "FIELD_TYPE"),
        ("null", "FIELD_REQUIRED"),
        ("{}", "FIELD_TYPE"),
    ] {
        if code == "MALFORMED" {
            let answer = rig.post("/api/v1/payments", amount(literal)).await;
            assert_eq!(answer.status, 400, "{literal}");
            continue;
        }
        let answer = refused(&rig, amount(literal)).await;
        assert_eq!(answer.errors(), [format!("amount: {code}")], "{literal}");
    }
    let answer = rig.post("/api/v1/payments", amount("100000000000")).await;
    assert_eq!(answer.status, 201, "the limit itself: {answer:?}");
}

#[tokio::test]
async fn texts_keep_their_rules() {
    let rig = Rig::new().await;
    for (field, value, code) in [
        ("orderId", json!("short"), "FIELD_LENGTH"),
        ("orderId", json!("x".repeat(65)), "FIELD_LENGTH"),
        ("orderId", json!("order 1"), "FIELD_CHARACTER"),
        ("orderId", json!("주문-하나-둘"), "FIELD_CHARACTER"),
        ("orderId", json!(1_234_567), "FIELD_TYPE"),
        ("orderName", json!(""), "FIELD_LENGTH"),
        ("orderName", json!("가".repeat(101)), "FIELD_LENGTH"),
        ("orderName", json!("a\u{0}b"), "FIELD_CHARACTER"),
        (
            "orderName",
            json!("4111111111111111"),
            "CARD_NUMBER_REFUSED",
        ),
        ("currency", json!("krw"), "CURRENCY_UNKNOWN"),
        ("currency", json!("USD"), "CURRENCY_DISABLED"),
        ("currency", json!(410), "FIELD_TYPE"),
        ("taxFreeAmount", json!(15001), "TAX_FREE_OVER_AMOUNT"),
        ("taxFreeAmount", json!(-1), "AMOUNT_NEGATIVE"),
        ("expiresInSeconds", json!(59), "FIELD_RANGE"),
        ("expiresInSeconds", json!(31 * 86_400), "FIELD_RANGE"),
        ("expiresInSeconds", json!("60"), "FIELD_TYPE"),
        ("customer", json!("kim"), "FIELD_TYPE"),
        ("color", json!("blue"), "FIELD_UNKNOWN"),
    ] {
        let answer = refused(&rig, with(field, value.clone())).await;
        assert_eq!(answer.errors(), [format!("{field}: {code}")], "{value}");
    }
    let card = json!({ "name": "5555 5555 5555 4444", "memberId": "a b", "age": 7 });
    let answer = refused(&rig, with("customer", card)).await;
    let expected = [
        "customer.age: FIELD_UNKNOWN",
        "customer.memberId: FIELD_CHARACTER",
        "customer.name: CARD_NUMBER_REFUSED",
    ];
    assert_eq!(answer.errors(), expected);
}

#[tokio::test]
async fn every_wrong_field_is_reported_and_no_card_number_echoed() {
    let rig = Rig::new().await;
    let body = json!({
        "orderId": "no", "orderName": "카드 4111-1111-1111-1111", "amount": 0,
        "currency": "XBT", "4111111111111111": 1,
    });
    let answer = refused(&rig, body.to_string()).await;
    let expected = [
        "?: FIELD_UNKNOWN",
        "amount: AMOUNT_ZERO",
        "currency: CURRENCY_UNKNOWN",
        "orderId: FIELD_LENGTH",
        "orderName: CARD_NUMBER_REFUSED",
    ];
    assert_eq!(answer.errors(), expected);
    assert!(!answer.body.to_string().contains("1111"), "{answer:?}");
    let listed = rig.get("/api/v1/payments").await;
    assert_eq!(
        listed.body["data"]["payments"],
        json!([]),
        "nothing is stored"
    );
}

#[tokio::test]
async fn json_is_read_strictly() {
    let rig = Rig::new().await;
    for (body, code) in [
        ("", "MALFORMED_JSON"),
        ("{", "MALFORMED_JSON"),
        ("{\"amount\":1}garbage", "MALFORMED_JSON"),
        ("{'amount':1}", "MALFORMED_JSON"),
        ("{\"amount\":NaN}", "MALFORMED_JSON"),
        ("{\"amount\":01}", "MALFORMED_JSON"),
        ("\u{feff}{}", "MALFORMED_JSON"),
        (r#"{"amount":1,"amount":2}"#, "DUPLICATE_JSON_KEY"),
        (
            r#"{"customer":{"name":"a","name":"b"}}"#,
            "DUPLICATE_JSON_KEY",
        ),
        ("[]", "INVALID_REQUEST"),
        ("null", "INVALID_REQUEST"),
    ] {
        let answer = rig.post("/api/v1/payments", body).await;
        assert_eq!((answer.status, answer.code()), (400, code), "{body}");
    }
}

#[tokio::test]
async fn queries_are_read_strictly() {
    let rig = Rig::new().await;
    for (query, error) in [
        ("color=blue", "color: FIELD_UNKNOWN"),
        ("status=done", "status: FIELD_WORD"),
        ("kind=CARD", "kind: FIELD_WORD"),
        ("orderId=x", "orderId: FIELD_LENGTH"),
        ("limit=0", "limit: FIELD_RANGE"),
        ("limit=101", "limit: FIELD_RANGE"),
        ("limit=-1", "limit: FIELD_RANGE"),
        ("limit=%2B5", "limit: FIELD_RANGE"),
        ("limit=1&limit=1", "limit: FIELD_REPEATED"),
        ("from=2026-01-01", "from: INSTANT_MALFORMED"),
        ("from=2026-01-01T00:00:00", "from: INSTANT_MALFORMED"),
        (
            "from=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z",
            "until: FIELD_RANGE",
        ),
        ("cursor=AAAA", "cursor: CURSOR_INVALID"),
        (
            "orderId=order-1&customerName=kim",
            "customerName: FILTER_COMBINATION",
        ),
        (
            "customerName=kim&memberId=m",
            "memberId: FILTER_COMBINATION",
        ),
    ] {
        let answer = rig.get(&format!("/api/v1/payments?{query}")).await;
        assert_eq!(
            (answer.status, answer.code()),
            (400, "INVALID_REQUEST"),
            "{query}"
        );
        assert_eq!(answer.errors(), [error], "{query}");
    }
    let fine = "status=READY&kind=ONE_OFF&memberId=m&from=2026-01-01T00:00:00%2B09:00&limit=100";
    assert_eq!(
        rig.get(&format!("/api/v1/payments?{fine}")).await.status,
        200
    );
    let payment = rig.prepared().await;
    let path = format!("/api/v1/payments/{}/events?after=-1", payment.id);
    assert_eq!(rig.get(&path).await.errors(), ["after: FIELD_RANGE"]);
}
