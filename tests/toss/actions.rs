//! Owns what a call looks like on the wire, and the check of whose money an answer is about.

use application::ports::PaymentGateway;
use domain::snapshot::{Answer, Cause};
use payflow::adapters::gateway::toss::{Settings, Toss};

use crate::server::{Deed, Server, json};
use crate::support::{SECRET, capture, order, payment_key, refund, settings, toss};

const DONE: &str = include_str!("../toss-examples/payment-card-done.json");

async fn done() -> Server {
    Server::start(vec![Deed::Say(json("200 OK", DONE))]).await
}

/// Head lines in lower case, and the body.
fn parts(request: &str) -> (Vec<String>, &str) {
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let first = lines.next().unwrap().to_owned();
    let names = lines.map(|line| {
        let (name, value) = line.split_once(':').unwrap();
        format!("{}: {}", name.to_lowercase(), value.trim())
    });
    (std::iter::once(first).chain(names).collect(), body)
}

#[tokio::test]
async fn an_action_carries_credentials_and_key() {
    let server = done().await;
    toss(&server.url).confirm(&capture()).await;
    toss(&server.url).cancel(&refund()).await;
    let arrivals = server.arrivals();
    let authorization = "authorization: Basic dGVzdF9za19zYW5kYm94Og==".to_owned();
    assert_eq!(SECRET, "test_sk_sandbox", "the line above is made of it");

    let (head, body) = parts(&arrivals[0]);
    assert_eq!(head[0], "POST /v1/payments/confirm HTTP/1.1");
    assert!(head.contains(&authorization), "{head:?}");
    assert!(
        head.contains(&"idempotency-key: sag_1-1".to_owned()),
        "{head:?}"
    );
    assert!(
        head.contains(&"content-type: application/json".to_owned()),
        "{head:?}"
    );
    let id = order(1);
    let expected = format!(
        "{{\"paymentKey\":\"{}\",\"orderId\":\"{id}\",\"amount\":33000}}",
        payment_key()
    );
    assert_eq!(body, expected);

    let (head, body) = parts(&arrivals[1]);
    assert_eq!(
        head[0],
        "POST /v1/payments/tsims20260315103012kQ7Xa/cancel HTTP/1.1"
    );
    assert!(
        head.contains(&"idempotency-key: sag_2-1".to_owned()),
        "{head:?}"
    );
    let expected = "{\"cancelReason\":\"wrong capture given back [sag_2]\",\"cancelAmount\":33000,\
                    \"currency\":\"KRW\",\"refundableAmount\":33000}";
    assert_eq!(body, expected);
}

#[tokio::test]
async fn a_question_carries_credentials_and_no_key() {
    let server = done().await;
    let toss = toss(&server.url);
    assert!(matches!(
        toss.payment_by_order(&order(1)).await,
        Answer::Found(_)
    ));
    toss.payment_by_key(&"a/b?c".parse().unwrap()).await;
    let arrivals = server.arrivals();
    let (head, body) = parts(&arrivals[0]);
    assert_eq!(
        head[0],
        format!("GET /v1/payments/orders/{} HTTP/1.1", order(1))
    );
    assert!(
        head.iter()
            .any(|line| line.starts_with("authorization: Basic "))
    );
    assert!(
        !head.iter().any(|line| line.starts_with("idempotency-key")),
        "{head:?}"
    );
    assert_eq!(body, "");
    assert_eq!(
        parts(&arrivals[1]).0[0],
        "GET /v1/payments/a%2Fb%3Fc HTTP/1.1"
    );
}

#[tokio::test]
async fn a_key_that_is_a_step_in_a_path_is_never_sent() {
    let server = done().await;
    for step in [".", ".."] {
        let answer = toss(&server.url)
            .payment_by_key(&step.parse().unwrap())
            .await;
        assert_eq!(answer, Answer::Unknown(Cause::NotSent));
    }
    assert_eq!(server.arrivals(), Vec::<String>::new());
}

#[tokio::test]
async fn another_merchants_payment_is_not_believed() {
    let server = done().await;
    let account = |merchant_id: Option<&str>| {
        let merchant_id = merchant_id.map(str::to_owned);
        Toss::new(Settings {
            merchant_id,
            ..settings(&server.url)
        })
        .unwrap()
    };
    let Answer::Found(snapshot) = account(None).confirm(&capture()).await else {
        panic!("an unknown merchant id is shown, so that it can be pinned")
    };
    assert_eq!(snapshot.merchant_id, "tsimshop");
    assert!(matches!(
        account(Some("tsimshop")).confirm(&capture()).await,
        Answer::Found(_)
    ));
    let foreign = account(Some("tother"));
    for answer in [
        foreign.confirm(&capture()).await,
        foreign.payment_by_key(&payment_key()).await,
    ] {
        assert!(
            matches!(answer, Answer::Unknown(Cause::Unreadable(_))),
            "{answer:?}"
        );
    }
}
