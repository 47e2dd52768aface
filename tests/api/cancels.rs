//! Money goes back over HTTP: all of it, in parts, once per key, and never more than there was.

use std::time::Duration;

use domain::decline::Class;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::rig::{OTHER, Rig, answer, text};

const FAST: &str = "[timings]\ndivide_by = 10\n";

#[tokio::test]
async fn all_of_it_goes_back_and_a_repeat_is_told_so() {
    let rig = Rig::new().await;
    let payment = rig.paid().await;
    let body = json!({ "reason": "마음이 바뀜" });
    let first = rig.cancel(&payment, body.clone(), "k").await;
    assert_eq!(first.status, 200, "{first:?}");
    let data = &first.body["data"];
    assert_eq!(data["status"], "CANCELED");
    assert_eq!(data["balanceAmount"], 0);
    assert_eq!(data["canceledAmount"], 15000);
    assert_eq!(data["taxFreeBalanceAmount"], 0);
    let cancel = &data["cancels"][0];
    assert_eq!(cancel["amount"], 15000);
    assert_eq!(cancel["taxFreeAmount"], 5000);
    assert_eq!(cancel["reason"], "마음이 바뀜");
    assert_eq!(cancel["reasonCode"], "USER_REQUEST");
    let again = rig.cancel(&payment, body, "k").await;
    assert_eq!(again.body["data"], *data);
    assert_eq!(again.header("idempotent-replayed"), "true");
    let events = rig
        .get(&format!("/api/v1/payments/{}/events", payment.id))
        .await;
    let kinds: Vec<&str> = events.body["data"]["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| text(&event["type"]))
        .collect();
    assert_eq!(
        kinds[3..],
        ["payment.cancel_requested", "payment.canceled"],
        "{kinds:?}"
    );
}

#[tokio::test]
async fn parts_go_back_until_nothing_is_left() {
    let rig = Rig::new().await;
    let payment = rig.paid().await;
    let part = json!({ "reason": "r", "amount": 4000, "taxFreeAmount": 1000 });
    let first = rig.cancel(&payment, part, "1").await;
    assert_eq!(first.body["data"]["status"], "PARTIAL_CANCELED");
    assert_eq!(first.body["data"]["balanceAmount"], 11000);
    assert_eq!(first.body["data"]["taxFreeBalanceAmount"], 4000);
    // What is with VAT goes first where nobody says otherwise.
    let part = json!({ "reason": "r", "amount": 8000 });
    let second = rig.cancel(&payment, part, "2").await;
    assert_eq!(second.body["data"]["balanceAmount"], 3000);
    assert_eq!(second.body["data"]["taxFreeBalanceAmount"], 3000);
    let over = json!({ "reason": "r", "amount": 3001 });
    let over = rig.cancel(&payment, over, "3").await;
    assert_eq!((over.status, over.code()), (422, "CANCEL_OVER_BALANCE"));
    assert_eq!(over.body["data"]["balanceAmount"], 3000);
    let last = rig.cancel(&payment, json!({ "reason": "r" }), "4").await;
    assert_eq!(last.body["data"]["status"], "CANCELED");
    assert_eq!(last.body["data"]["cancels"].as_array().unwrap().len(), 3);
    let over = rig.cancel(&payment, json!({ "reason": "r" }), "5").await;
    assert_eq!((over.status, over.code()), (422, "PAYMENT_NOT_CANCELABLE"));
    assert_eq!(over.body["data"]["status"], "CANCELED");
}

#[tokio::test]
async fn what_nobody_paid_is_closed_without_the_gateway() {
    let rig = Rig::new().await;
    let payment = rig.prepared().await;
    rig.gateway.hold();
    let body = json!({ "reason": "r", "amount": 15000 });
    let answer = rig.cancel(&payment, body, "k").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.body["data"]["status"], "CANCELED");
    assert_eq!(answer.body["data"]["canceledAmount"], 0);
    let approval = rig.approve(&payment, "a").await;
    assert_eq!((approval.status, approval.code()), (409, "PAYMENT_CLOSED"));
    assert_eq!(rig.gateway.confirms(), 0);
}

#[tokio::test]
async fn a_refusal_leaves_what_was_held() {
    let rig = Rig::with(FAST).await;
    let payment = rig.paid().await;
    rig.gateway.decline(Class::Merchant);
    let declined = rig.cancel(&payment, json!({ "reason": "r" }), "k").await;
    assert_eq!(declined.code(), "CANCEL_DECLINED", "{declined:?}");
    assert_eq!(declined.body["data"]["status"], "DONE");
    assert_eq!(declined.body["data"]["balanceAmount"], 15000);
    rig.gateway.approve();
    let again = rig.cancel(&payment, json!({ "reason": "r" }), "k").await;
    assert_eq!(again.code(), "CANCEL_DECLINED", "final under its key");
    let anew = rig.cancel(&payment, json!({ "reason": "r" }), "k2").await;
    assert_eq!(anew.body["data"]["status"], "CANCELED");
}

#[tokio::test]
async fn while_one_is_unresolved_others_wait() {
    let rig = Rig::with(FAST).await;
    let payment = rig.paid().await;
    rig.gateway.hold();
    let body = json!({ "reason": "r", "amount": 100 });
    let (first, (second, approval)) =
        tokio::join!(rig.cancel(&payment, body.clone(), "1"), async {
            sleep(Duration::from_millis(300)).await;
            let second = rig.cancel(&payment, body.clone(), "2").await;
            (second, rig.approve(&payment, "a").await)
        });
    assert_eq!((first.status, first.code()), (202, "PAYMENT_PENDING"));
    assert_eq!(first.body["data"]["status"], "CANCEL_REQUESTED");
    assert!(first.header("location").ends_with(&payment.id));
    assert_eq!((second.status, second.code()), (409, "PAYMENT_IN_PROGRESS"));
    assert_eq!(second.header("retry-after"), "1");
    assert_eq!(approval.status, 409, "{approval:?}");
}

/// Twenty want 100 won each of 1,000 won, and retry what is not final.
#[tokio::test]
async fn twenty_at_once_get_no_more_than_there_was() {
    let rig = std::sync::Arc::new(Rig::new().await);
    let body = json!({ "orderId": rig.order(), "orderName": "a", "amount": 1000 });
    let prepared = rig.post("/api/v1/payments", body.to_string()).await;
    let payment = crate::rig::Prepared {
        id: text(&prepared.body["data"]["paymentId"]).to_owned(),
        gateway_order: text(&prepared.body["data"]["gatewayOrderId"]).to_owned(),
    };
    let path = format!("/api/v1/payments/{}/approve", payment.id);
    let approval = json!({ "paymentKey": "tgen_1", "gatewayOrderId": payment.gateway_order,
                           "amount": 1000 });
    let approving = rig.posting(&path, approval.to_string());
    let approved = answer(approving.header("idempotency-key", "a")).await;
    assert_eq!(approved.status, 200, "{approved:?}");
    let mut clients = JoinSet::new();
    for client in 0..20 {
        let (rig, payment) = (rig.clone(), payment.clone());
        clients.spawn(async move {
            loop {
                let body = json!({ "reason": "r", "amount": 100 });
                let told = rig.cancel(&payment, body, &format!("c{client}")).await;
                if told.status != 409 {
                    return (told.status, told.code().to_owned());
                }
                assert!(!told.header("retry-after").is_empty(), "{told:?}");
                sleep(Duration::from_millis(20)).await;
            }
        });
    }
    let mut told = clients.join_all().await;
    told.sort_unstable();
    let refused = |(status, code): &(u16, String)| {
        *status == 422 && ["PAYMENT_NOT_CANCELABLE", "CANCEL_OVER_BALANCE"].contains(&&**code)
    };
    assert!(
        told[..10].iter().all(|(status, _)| *status == 200),
        "{told:?}"
    );
    assert!(told[10..].iter().all(refused), "{told:?}");
    let read = rig.get(&format!("/api/v1/payments/{}", payment.id)).await;
    assert_eq!(read.body["data"]["canceledAmount"], 1000);
    assert_eq!(read.body["data"]["cancels"].as_array().unwrap().len(), 10);
}

#[tokio::test]
async fn bad_requests_name_every_field() {
    let rig = Rig::new().await;
    let payment = rig.paid().await;
    let cases: [(Value, &[&str]); 4] = [
        (json!({}), &["reason: FIELD_REQUIRED"]),
        (
            json!({ "reason": "x".repeat(151), "amount": 0 }),
            &["amount: AMOUNT_ZERO", "reason: FIELD_LENGTH"],
        ),
        (
            json!({ "reason": "r", "amount": -1, "taxFreeAmount": 0.5 }),
            &[
                "amount: AMOUNT_NEGATIVE",
                "taxFreeAmount: AMOUNT_NOT_INTEGER",
            ],
        ),
        (
            json!({ "reason": "r", "amonut": 100 }),
            &["amonut: FIELD_UNKNOWN"],
        ),
    ];
    for (body, errors) in cases {
        let told = rig.cancel(&payment, body, "k").await;
        assert_eq!((told.status, told.code()), (400, "INVALID_REQUEST"));
        assert_eq!(told.errors(), errors);
    }
    let path = format!("/api/v1/payments/{}/cancel", payment.id);
    let keyless = rig.post(&path, r#"{"reason":"r"}"#).await;
    assert_eq!(keyless.code(), "IDEMPOTENCY_KEY_MISSING");
    let stranger = rig
        .anonymous(Method::POST, &path)
        .bearer_auth(OTHER)
        .header("content-type", "application/json")
        .header("idempotency-key", "k")
        .body(r#"{"reason":"r"}"#);
    assert_eq!(answer(stranger).await.code(), "PAYMENT_NOT_FOUND");
    let read = rig.get(&format!("/api/v1/payments/{}", payment.id)).await;
    assert_eq!(
        read.body["data"]["status"], "DONE",
        "nothing was given back"
    );
}
