//! Owns what an answer that arrived is taken for.

use application::ports::PaymentGateway;
use domain::decline::{Class, Decline, Reason};
use domain::snapshot::{Answer, Cause, Status};
use serde_json::{Value, json};

use super::{NAME, capture, card_company};
use crate::server::{Deed, Server, answer, json as in_json};
use crate::support::{krw, order};

fn approved() -> Value {
    json!({ "result": "APPROVED", "refNo": "R000001", "authCode": "A123456",
            "approvedAt": "2026-03-15T10:30:41.1234567+09:00", "reason": null })
}

fn declined(reason: &str) -> Value {
    json!({ "result": "DECLINED", "refNo": null, "authCode": null, "approvedAt": null,
            "reason": reason })
}

/// `body` with this field as this.
fn with(mut body: Value, field: &str, value: Value) -> Value {
    body[field] = value;
    body
}

async fn told(bytes: Vec<u8>) -> Answer {
    let server = Server::start(vec![Deed::Say(bytes)]).await;
    let answer = card_company(&server.url).confirm(&capture()).await;
    assert_eq!(server.arrivals().len(), 1, "sent once");
    answer
}

async fn told_body(body: &Value) -> Answer {
    told(in_json("200 OK", &body.to_string())).await
}

async fn assert_unreadable(bytes: Vec<u8>, why: &str) {
    let answer = told(bytes).await;
    assert!(
        matches!(answer, Answer::Unknown(Cause::Unreadable(_))),
        "{why}: {answer:?}"
    );
}

fn decline_in(answer: Answer) -> Decline {
    let Answer::Declined(decline) = answer else {
        panic!("{answer:?}")
    };
    decline
}

#[tokio::test]
async fn an_approval_is_what_was_asked_for() {
    let Answer::Found(snapshot) = told_body(&approved()).await else {
        panic!("not approved")
    };
    let order = order(1).to_string();
    assert_eq!(snapshot.order_id, order);
    assert_eq!(snapshot.payment_key.as_str(), order);
    assert_eq!(snapshot.status, Status::Done);
    assert_eq!(
        (snapshot.total, snapshot.balance),
        (Some(krw(33_000)), Some(krw(33_000)))
    );
    let key = snapshot.last_transaction_key.unwrap();
    assert_eq!(key.as_str(), "R000001");
    let at = snapshot.approved_at.unwrap().to_rfc3339();
    assert_eq!(at, "2026-03-15T01:30:41.123456+00:00");
    assert!(snapshot.cancels.is_empty() && snapshot.failure.is_none());
}

#[tokio::test]
async fn exactly_three_fields_are_sent_and_no_secret() {
    let said = in_json("200 OK", &approved().to_string());
    let server = Server::start(vec![Deed::Say(said)]).await;
    for n in 1..=2 {
        let call = super::capture_of(order(1), n);
        card_company(&server.url).confirm(&call).await;
    }
    let [first, again]: [String; 2] = server.arrivals().try_into().unwrap();
    assert!(
        first.starts_with("POST /card/api/authorize HTTP/1.1"),
        "{first}"
    );
    assert!(!first.to_lowercase().contains("authorization:"), "{first}");
    let body = |request: &str| -> Value {
        let (_, body) = request.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(body).unwrap()
    };
    let expected = json!({ "amount": 33_000, "merchantName": NAME, "tid": order(1).to_string() });
    assert_eq!(body(&first), expected);
    assert_eq!(body(&again), expected, "whatever the key of the call");
}

#[tokio::test]
async fn listed_reasons_are_refusals() {
    for (reason, class, ours) in [
        (
            "REJECT_CARD_PAYMENT",
            Class::Buyer,
            Reason::InsufficientFunds,
        ),
        (
            "INVALID_CARD_LOST_OR_STOLEN",
            Class::Buyer,
            Reason::CardUnusable,
        ),
        ("FDS_ERROR", Class::Buyer, Reason::FraudSuspected),
        (
            "BELOW_MINIMUM_AMOUNT",
            Class::Merchant,
            Reason::MerchantSetup,
        ),
    ] {
        let decline = decline_in(told_body(&declined(reason)).await);
        assert_eq!((decline.class, decline.reason), (class, ours), "{reason}");
        assert_eq!(decline.code, reason);
    }
    let malformed = in_json(
        "400 Bad Request",
        r#"{"code":"INVALID_REQUEST","message":"m"}"#,
    );
    assert_eq!(decline_in(told(malformed).await).class, Class::Merchant);
}

/// The `tid` may have been used, and so the money been taken.
#[tokio::test]
async fn any_other_reason_refuses_nothing() {
    for reason in [
        "DUPLICATED_TID",
        "ALREADY_APPROVED",
        "PROVIDER_ERROR",
        "",
        "한도초과",
    ] {
        let body = declined(reason).to_string();
        assert_unreadable(in_json("200 OK", &body), reason).await;
    }
    let body = with(declined(""), "reason", Value::Null).to_string();
    assert_unreadable(in_json("200 OK", &body), "no reason").await;
}

#[tokio::test]
async fn an_answer_that_contradicts_itself_or_us_is_none() {
    let refused = declined("REJECT_CARD_PAYMENT");
    for body in [
        with(approved(), "reason", json!("REJECT_CARD_PAYMENT")),
        with(approved(), "refNo", Value::Null),
        with(approved(), "refNo", json!("")),
        with(approved(), "refNo", json!("two words")),
        with(approved(), "refNo", json!(7)),
        with(approved(), "authCode", Value::Null),
        with(approved(), "authCode", json!(" ")),
        with(approved(), "amount", json!(32_999)),
        with(approved(), "amount", json!("33000")),
        with(approved(), "tid", json!("gwo_of_somebody_else")),
        with(refused.clone(), "tid", json!("gwo_of_somebody_else")),
        with(refused.clone(), "refNo", json!("R000001")),
        with(refused.clone(), "authCode", json!("A123456")),
        with(refused, "approvedAt", json!("2026-03-15T10:30:41+09:00")),
        with(approved(), "result", json!("approved")),
        with(approved(), "result", json!("PENDING")),
        with(approved(), "result", Value::Null),
        json!({}),
        json!([]),
        json!("APPROVED"),
        Value::Null,
    ] {
        assert_unreadable(in_json("200 OK", &body.to_string()), &body.to_string()).await;
    }
    // What is added later and says nothing else is not in the way.
    let more = with(
        with(approved(), "amount", json!(33_000)),
        "cardName",
        json!("하나"),
    );
    assert!(matches!(told_body(&more).await, Answer::Found(_)));
}

/// When it was is the least of it: the books know when they were told.
#[tokio::test]
async fn an_approval_without_a_date_is_one() {
    for at in [Value::Null, json!("yesterday")] {
        let answer = told_body(&with(approved(), "approvedAt", at)).await;
        assert!(matches!(answer, Answer::Found(found) if found.approved_at.is_none()));
    }
}

#[tokio::test]
async fn what_is_no_json_of_status_200_is_no_answer() {
    let whole = approved().to_string();
    for (bytes, why) in [
        (answer("200 OK", "text/html", "<p>maintenance</p>"), "HTML"),
        (answer("200 OK", "text/html", &whole), "of the wrong type"),
        (in_json("200 OK", &whole[..40]), "cut, and said to be whole"),
        (in_json("200 OK", &format!("{whole}{whole}")), "two answers"),
        (in_json("200 OK", &" ".repeat(1_100_000)), "endless"),
        (in_json("201 Created", &whole), "created"),
        (in_json("202 Accepted", &whole), "accepted"),
        (in_json("404 Not Found", "{}"), "not there"),
        (in_json("400 Bad Request", &whole), "bad, without a code"),
        (
            in_json("400 Bad Request", r#"{"code":"NEW"}"#),
            "bad, for whatever reason",
        ),
        (
            in_json("422 Unprocessable Entity", r#"{"code":"INVALID_REQUEST"}"#),
            "odd status",
        ),
    ] {
        assert_unreadable(bytes, why).await;
    }
    let elsewhere = b"HTTP/1.1 307 Temporary Redirect\r\nlocation: /\r\n\
                      content-length: 0\r\n\r\n";
    assert_unreadable(elsewhere.to_vec(), "redirects are not followed").await;
}

#[tokio::test]
async fn whoever_is_busy_is_left_alone_for_a_while() {
    for (status, wait, expected) in [
        ("409 Conflict", "", None),
        ("429 Too Many Requests", "retry-after: 7\r\n", Some(7)),
        ("429 Too Many Requests", "retry-after: 86400\r\n", Some(120)),
    ] {
        let bytes = format!("HTTP/1.1 {status}\r\n{wait}content-length: 0\r\n\r\n");
        let busy = Answer::Unknown(Cause::Busy {
            retry_after_seconds: expected,
        });
        assert_eq!(told(bytes.into_bytes()).await, busy, "{status} {wait}");
    }
}

#[tokio::test]
async fn a_refused_door_is_of_the_configuration() {
    let told = told(in_json(
        "401 Unauthorized",
        r#"{"code":"UNKNOWN_MERCHANT"}"#,
    ))
    .await;
    let expected = Cause::Configuration("UNKNOWN_MERCHANT".to_owned());
    assert_eq!(told, Answer::Unknown(expected));
}

/// With or without a code of a refusal: the call may yet take effect.
#[tokio::test]
async fn an_error_of_the_server_is_a_lost_answer() {
    let code = r#"{"code":"REJECT_CARD_PAYMENT"}"#;
    for bytes in [
        in_json("500 Internal Server Error", code),
        answer("502 Bad Gateway", "text/html", "<p>"),
        in_json("503 Service Unavailable", "{}"),
    ] {
        assert_eq!(told(bytes).await, Answer::Unknown(Cause::Lost));
    }
}
