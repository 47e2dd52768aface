//! Owns what the calls about billing keys look like on the wire, and what comes of their answers.

use application::ports::PaymentGateway;
use application::ports::gateway::{DeleteCall, Deleted, Instrument, IssueCall, Issued};
use application::ports::vault::Secret;
use domain::id::{BillingKeyId, RawId};
use domain::saga::ChargeCall;
use domain::snapshot::{Answer, Cause, Status};
use payflow::adapters::gateway::toss::{Settings, Toss};
use serde_json::{Value, json as object};

use crate::server::{Deed, Server, answer, json};
use crate::support::{krw, order, settings, toss};

const DONE: &str = include_str!("../toss-examples/payment-billing-done.json");
const KEY: &str = include_str!("../toss-examples/billing-card.json");
const BILLING_KEY: &str = "UHqai-PRRahtqpZEsov0Ko3Acg2LrqvfBAbDk2kr8II=";
const CUSTOMER: &str = "cus_7f3e2a90-5c1d-4b7e-9d20-1a2b3c4d5e6f";

fn charge() -> ChargeCall {
    ChargeCall {
        key: "sag_3-1".parse().unwrap(),
        billing_key: BillingKeyId::new(RawId::from_parts(1, 1)),
        order: order(3),
        amount: krw(4_900),
        tax_free: None,
    }
}

fn instrument() -> Instrument {
    Instrument {
        billing_key: Secret::from(BILLING_KEY),
        customer_key: CUSTOMER.parse().unwrap(),
        order_name: "monthly plan".parse().unwrap(),
    }
}

fn issue() -> IssueCall {
    IssueCall {
        key: "bkey_1-issue-1".parse().unwrap(),
        auth_key: Secret::from("bln_auth_1"),
        customer_key: CUSTOMER.parse().unwrap(),
    }
}

fn delete() -> DeleteCall {
    DeleteCall {
        key: "bkey_1-delete-1".parse().unwrap(),
        billing_key: Secret::from(BILLING_KEY),
    }
}

/// First line, whether there is an idempotency key, and the body.
fn parts(request: &str) -> (&str, Option<&str>, Value) {
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let key = head
        .lines()
        .find_map(|line| line.strip_prefix("idempotency-key: "));
    let body = serde_json::from_str(body).unwrap_or(Value::Null);
    (head.lines().next().unwrap(), key, body)
}

fn refusal(status: &str, code: &str) -> Vec<u8> {
    json(
        status,
        &format!("{{\"code\":\"{code}\",\"message\":\"m\"}}"),
    )
}

#[tokio::test]
async fn a_charge_names_the_key_in_its_path_and_the_customer_in_its_body() {
    let server = Server::start(vec![Deed::Say(json("200 OK", DONE))]).await;
    let Answer::Found(snapshot) = toss(&server.url).charge(&charge(), &instrument()).await else {
        panic!("the example is a payment")
    };
    assert_eq!(snapshot.status, Status::Done);
    assert_eq!(snapshot.total, Some(krw(4_900)));
    let part = ChargeCall {
        tax_free: Some(krw(900)),
        ..charge()
    };
    toss(&server.url).charge(&part, &instrument()).await;
    let arrivals = server.arrivals();
    let (first, key, body) = parts(&arrivals[0]);
    let line = format!("POST /v1/billing/{BILLING_KEY} HTTP/1.1");
    assert_eq!((first, key), (line.as_str(), Some("sag_3-1")));
    let mut expected = object!({
        "amount": 4_900,
        "customerKey": CUSTOMER,
        "orderId": order(3).to_string(),
        "orderName": "monthly plan",
    });
    assert_eq!(body, expected);
    expected["taxFreeAmount"] = object!(900);
    assert_eq!(parts(&arrivals[1]).2, expected);
}

#[tokio::test]
async fn only_what_is_listed_for_a_charge_is_a_decline() {
    let told = |status: &str, code: &str| {
        let say = vec![Deed::Say(refusal(status, code))];
        async move {
            let server = Server::start(say).await;
            toss(&server.url).charge(&charge(), &instrument()).await
        }
    };
    for (status, code) in [
        ("403 Forbidden", "REJECT_CARD_PAYMENT"),
        ("400 Bad Request", "INVALID_STOPPED_CARD"),
        ("400 Bad Request", "NOT_MATCHES_CUSTOMER_KEY"),
    ] {
        let answer = told(status, code).await;
        assert!(matches!(answer, Answer::Declined(_)), "{code}: {answer:?}");
    }
    for code in ["DUPLICATED_ORDER_ID", "ALREADY_REMOVED_BILLING_KEY"] {
        let expected = Answer::Unknown(Cause::Conflict(code.to_owned()));
        assert_eq!(told("400 Bad Request", code).await, expected);
    }
    for (status, code) in [
        // Listed for a confirmation only.
        ("403 Forbidden", "FDS_ERROR"),
        ("400 Bad Request", "NEW_CODE"),
        ("500 Internal Server Error", "REJECT_CARD_PAYMENT"),
        ("500 Internal Server Error", "FAILED_CARD_COMPANY_RESPONSE"),
        ("409 Conflict", "IDEMPOTENT_REQUEST_PROCESSING"),
        ("401 Unauthorized", "UNAUTHORIZED_KEY"),
    ] {
        let answer = told(status, code).await;
        assert!(matches!(answer, Answer::Unknown(_)), "{code}: {answer:?}");
    }
}

#[tokio::test]
async fn a_charge_without_an_answer_is_lost_and_one_that_was_not_sent_is_not() {
    for deed in [Deed::Close, Deed::Nothing] {
        let server = Server::start(vec![deed]).await;
        let answer = toss(&server.url).charge(&charge(), &instrument()).await;
        assert_eq!(answer, Answer::Unknown(Cause::Lost));
        assert_eq!(
            server.arrivals().len(),
            1,
            "it is never sent again by itself"
        );
    }
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let answer = toss(&url).charge(&charge(), &instrument()).await;
    assert_eq!(answer, Answer::Unknown(Cause::NotSent));
}

#[tokio::test]
async fn an_issue_sends_what_the_browser_brought_and_reads_the_key() {
    let server = Server::start(vec![Deed::Say(json("200 OK", KEY))]).await;
    let Issued::Key(key) = toss(&server.url).issue_key(&issue()).await else {
        panic!("the example is a key")
    };
    assert_eq!(key.billing_key.expose(), BILLING_KEY);
    assert_eq!(key.customer_key, CUSTOMER);
    assert_eq!(key.card.last4.as_deref(), Some("789*"));
    let arrivals = server.arrivals();
    let (first, sent, body) = parts(&arrivals[0]);
    assert_eq!(first, "POST /v1/billing/authorizations/issue HTTP/1.1");
    assert_eq!(sent, Some("bkey_1-issue-1"));
    let expected = object!({ "authKey": "bln_auth_1", "customerKey": CUSTOMER });
    assert_eq!(body, expected);
    let other = Toss::new(Settings {
        merchant_id: Some("tother".to_owned()),
        ..settings(&server.url)
    });
    let answer = other.unwrap().issue_key(&issue()).await;
    assert!(matches!(answer, Issued::Unknown(_)), "{answer:?}");
}

#[tokio::test]
async fn a_deletion_has_an_empty_answer_and_no_key() {
    let empty = answer("200 OK", "application/json", "");
    let server = Server::start(vec![
        Deed::Say(empty),
        Deed::Say(refusal("404 Not Found", "NOT_FOUND_BILLING")),
        Deed::Say(refusal("500 Internal Server Error", "COMMON_ERROR")),
    ])
    .await;
    let toss = toss(&server.url);
    assert_eq!(toss.delete_key(&delete()).await, Deleted::Gone);
    assert_eq!(toss.delete_key(&delete()).await, Deleted::Gone);
    let answer = toss.delete_key(&delete()).await;
    assert!(matches!(answer, Deleted::Unknown(_)), "{answer:?}");
    let arrivals = server.arrivals();
    let (first, key, _) = parts(&arrivals[0]);
    let line = format!("DELETE /v1/billing/{BILLING_KEY} HTTP/1.1");
    assert_eq!((first, key), (line.as_str(), None));
}
