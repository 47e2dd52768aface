//! Virtual accounts over HTTP: issued once, shown to their owner alone, refused in time.

use domain::decline::Class;
use reqwest::Method;
use serde_json::{Value, json};

use crate::rig::{Answer, OTHER, Prepared, Rig, SECRET, answer, text};

const NUMBER: &str = "X6505636518308";

impl Rig {
    async fn to_be_paid_in(&self, fields: Value) -> Prepared {
        let mut all = json!({ "kind": "VIRTUAL_ACCOUNT" });
        let more = fields.as_object().unwrap().clone();
        all.as_object_mut().unwrap().extend(more);
        self.prepared_by(SECRET, all).await
    }

    async fn ask_account(&self, payment: &Prepared, body: Value, key: &str) -> Answer {
        let path = format!("/api/v1/payments/{}/virtual-account", payment.id);
        let request = self.posting(&path, body.to_string());
        answer(request.header("idempotency-key", key)).await
    }
}

fn told(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.code())
}

fn wish() -> Value {
    json!({ "bank": "20", "validHours": 24, "customerName": "홍길동" })
}

#[tokio::test]
async fn an_account_is_issued_once_and_shown_again() {
    let rig = Rig::new().await;
    let payment = rig.to_be_paid_in(json!({})).await;
    let issued = rig.ask_account(&payment, wish(), "k").await;
    assert_eq!(told(&issued), (200, "OK"), "{issued:?}");
    let data = &issued.body["data"];
    assert_eq!(data["status"], "WAITING_FOR_DEPOSIT");
    let account = &data["virtualAccount"];
    let seen = ["bank", "accountNumber", "holder"].map(|name| &account[name]);
    assert_eq!(json!(seen), json!(["20", NUMBER, "홍길동"]));
    let again = rig.ask_account(&payment, wish(), "k").await;
    assert_eq!(again.body["data"], *data, "a repeat is told the same");
    assert_eq!(again.header("idempotent-replayed"), "true");
    let other = rig
        .ask_account(&payment, json!({ "bank": "88" }), "k")
        .await;
    assert_eq!(told(&other), (422, "IDEMPOTENCY_KEY_REUSED"));
    let twice = rig.ask_account(&payment, wish(), "another").await;
    assert_eq!(told(&twice), (409, "PAYMENT_CLOSED"));
    let path = format!("/api/v1/payments/{}", payment.id);
    let read = rig.get(&path).await;
    assert_eq!(read.body["data"]["virtualAccount"], *account);
    // Where many are told of, and where everybody is, the number is not.
    for quiet in ["/api/v1/payments", &format!("{path}/events")] {
        let told = rig.get(quiet).await;
        assert_eq!(told.status, 200, "{told:?}");
        assert!(!told.body.to_string().contains(NUMBER), "{told:?}");
    }
    let events = rig.get(&format!("{path}/events")).await;
    let events = events.body["data"]["events"].as_array().unwrap().clone();
    let kinds: Vec<&str> = events.iter().map(|event| text(&event["type"])).collect();
    assert_eq!(
        kinds,
        [
            "payment.prepared",
            "payment.account_requested",
            "payment.account_issued"
        ]
    );
    assert_eq!(events[2]["payload"]["virtualAccount"]["bank"], "20");
    assert_eq!(rig.gateway.confirms(), 1, "it was asked for once");
}

#[tokio::test]
async fn what_cannot_be_issued_is_refused_before_anybody_is_asked() {
    let rig = Rig::new().await;
    let payment = rig.to_be_paid_in(json!({})).await;
    for (body, error) in [
        (json!({ "customerName": "a" }), "bank: FIELD_REQUIRED"),
        (
            json!({ "bank": "92", "customerName": "a" }),
            "bank: FIELD_WORD",
        ),
        (
            json!({ "bank": "우리", "customerName": "a" }),
            "bank: FIELD_WORD",
        ),
        (json!({ "bank": "20" }), "customerName: FIELD_REQUIRED"),
        (
            json!({ "bank": "20", "customerName": "a", "validHours": 2161 }),
            "validHours: FIELD_RANGE",
        ),
        (
            json!({ "bank": "20", "customerName": "a", "dueAt": "2026-01-01" }),
            "dueAt: INSTANT_MALFORMED",
        ),
        (
            json!({ "bank": "20", "customerName": "a", "dueAt": "2001-01-01T00:00:00Z" }),
            "dueAt: FIELD_RANGE",
        ),
        (
            json!({ "bank": "20", "validHours": 1, "dueAt": "2999-01-01T00:00:00Z" }),
            "validHours: FIELD_REPEATED",
        ),
        (
            json!({ "bank": "20", "cashReceipt": { "type": "NONE", "registrationNumber": "1" } }),
            "cashReceipt.type: FIELD_WORD",
        ),
        (
            json!({ "bank": "20",
                "cashReceipt": { "type": "EXPENSE_PROOF", "registrationNumber": "1-2" } }),
            "cashReceipt.registrationNumber: FIELD_CHARACTER",
        ),
    ] {
        let refused = rig.ask_account(&payment, body.clone(), "k").await;
        assert_eq!(
            told(&refused),
            (400, "INVALID_REQUEST"),
            "{body}: {refused:?}"
        );
        assert_eq!(refused.errors(), [error], "{body}");
    }
    let window = rig.prepared().await;
    let refused = rig.ask_account(&window, wish(), "k").await;
    assert_eq!(told(&refused), (409, "PAYMENT_KIND_MISMATCH"));
    let path = format!("/api/v1/payments/{}/virtual-account", payment.id);
    let request = rig.anonymous(Method::POST, &path).bearer_auth(OTHER);
    let request = request.header("content-type", "application/json");
    let request = request
        .header("idempotency-key", "k")
        .body(wish().to_string());
    assert_eq!(told(&answer(request).await), (404, "PAYMENT_NOT_FOUND"));
    assert_eq!(rig.gateway.confirms(), 0);
}

#[tokio::test]
async fn a_refused_account_can_be_asked_for_again() {
    let rig = Rig::new().await;
    let named = json!({ "customer": { "name": "김토스" } });
    let payment = rig.to_be_paid_in(named).await;
    rig.gateway.decline(Class::Buyer);
    let declined = rig
        .ask_account(&payment, json!({ "bank": "20" }), "k")
        .await;
    assert_eq!(told(&declined), (402, "PAYMENT_DECLINED"), "{declined:?}");
    assert_eq!(declined.body["data"]["status"], "READY");
    rig.gateway.approve();
    let issued = rig
        .ask_account(&payment, json!({ "bank": "20" }), "k2")
        .await;
    assert_eq!(told(&issued), (200, "OK"), "{issued:?}");
    assert_eq!(issued.body["data"]["virtualAccount"]["holder"], "김토스");
}

/// Before anybody pays in, the account is closed at the gateway, once.
#[tokio::test]
async fn a_payment_that_waits_for_its_deposit_is_cancelled_as_a_whole() {
    let rig = Rig::new().await;
    let payment = rig.to_be_paid_in(json!({})).await;
    let issued = rig.ask_account(&payment, wish(), "k").await;
    assert_eq!(told(&issued), (200, "OK"), "{issued:?}");
    let part = json!({ "reason": "changed my mind", "amount": 1 });
    let refused = answer(rig.canceling(&payment, &part, "part")).await;
    assert_eq!(told(&refused), (422, "CANCEL_PART_OF_UNPAID"));
    assert_eq!(rig.gateway.cancels(), 0, "nobody was asked");

    rig.gateway.decline(Class::Merchant);
    let whole = json!({ "reason": "changed my mind" });
    let declined = answer(rig.canceling(&payment, &whole, "c1")).await;
    assert_eq!(told(&declined), (422, "CANCEL_DECLINED"), "{declined:?}");
    assert_eq!(declined.body["data"]["status"], "WAITING_FOR_DEPOSIT");

    rig.gateway.approve();
    let canceled = answer(rig.canceling(&payment, &whole, "c2")).await;
    assert_eq!(told(&canceled), (200, "OK"), "{canceled:?}");
    assert_eq!(canceled.body["data"]["status"], "CANCELED");
    let again = answer(rig.canceling(&payment, &whole, "c2")).await;
    assert_eq!(again.body["data"], canceled.body["data"]);
    assert_eq!(again.header("idempotent-replayed"), "true");
    let twice = answer(rig.canceling(&payment, &whole, "c3")).await;
    assert_eq!(told(&twice), (422, "PAYMENT_NOT_CANCELABLE"));
    assert_eq!(rig.gateway.cancels(), 2);
    let path = format!("/api/v1/payments/{}/events", payment.id);
    let events = rig.get(&path).await;
    let events = events.body["data"]["events"].as_array().unwrap().clone();
    let kinds: Vec<&str> = events.iter().map(|event| text(&event["type"])).collect();
    assert_eq!(
        kinds[3..],
        [
            "payment.cancel_requested",
            "payment.cancel_refused",
            "payment.cancel_requested",
            "payment.withdrawn"
        ]
    );
}

/// The buyer's own account.
fn own() -> Value {
    json!({ "bank": "88", "accountNumber": "110123456789", "holderName": "홍길동" })
}

impl Rig {
    /// A payment whose deposit is booked.
    async fn paid_in(&self) -> Prepared {
        let payment = self.to_be_paid_in(json!({})).await;
        let issued = self.ask_account(&payment, wish(), "k").await;
        assert_eq!(told(&issued), (200, "OK"), "{issued:?}");
        self.gateway.pay_in();
        // The buyer was first: the gateway gives nothing back to nowhere.
        let late = answer(self.canceling(&payment, &json!({ "reason": "r" }), "late")).await;
        assert_eq!(told(&late), (422, "CANCEL_DECLINED"), "{late:?}");
        assert_eq!(late.body["data"]["status"], "DONE");
        payment
    }
}

/// What a cancellation is refused for where its account does not fit.
pub(crate) async fn refusals() -> Vec<Answer> {
    let rig = Rig::new().await;
    let (deposit, card) = (rig.paid_in().await, rig.paid().await);
    let with = json!({ "reason": "r", "refundReceiveAccount": own() });
    vec![
        answer(rig.canceling(&deposit, &json!({ "reason": "r" }), "c1")).await,
        answer(rig.canceling(&card, &with, "c2")).await,
    ]
}

#[tokio::test]
async fn a_deposit_goes_back_to_an_account_that_nobody_is_shown() {
    let rig = Rig::new().await;
    let payment = rig.paid_in().await;
    let before = rig.gateway.cancels();
    let missing = answer(rig.canceling(&payment, &json!({ "reason": "r" }), "c0")).await;
    assert_eq!(told(&missing), (422, "REFUND_ACCOUNT_REQUIRED"));
    let wrong = |field: &str, value: Value| {
        let mut account = own();
        account[field] = value;
        json!({ "reason": "r", "refundReceiveAccount": account })
    };
    for (body, error) in [
        (wrong("bank", json!("우리")), "bank: FIELD_WORD"),
        (wrong("bank", Value::Null), "bank: FIELD_REQUIRED"),
        (
            wrong("accountNumber", json!("110-1")),
            "accountNumber: FIELD_CHARACTER",
        ),
        (
            wrong("accountNumber", json!("1".repeat(21))),
            "accountNumber: FIELD_LENGTH",
        ),
        (wrong("holderName", json!("")), "holderName: FIELD_LENGTH"),
        (
            wrong("holderName", json!("x".repeat(61))),
            "holderName: FIELD_LENGTH",
        ),
        (wrong("memo", json!("x")), "memo: FIELD_UNKNOWN"),
    ] {
        let refused = answer(rig.canceling(&payment, &body, "c1")).await;
        assert_eq!(told(&refused), (400, "INVALID_REQUEST"), "{refused:?}");
        assert_eq!(refused.errors(), [format!("refundReceiveAccount.{error}")]);
        assert!(!refused.body.to_string().contains("110-1"), "{refused:?}");
    }
    assert_eq!(rig.gateway.cancels(), before, "nobody was asked");

    let part = json!({ "reason": "r", "amount": 5000, "refundReceiveAccount": own() });
    let canceled = answer(rig.canceling(&payment, &part, "c2")).await;
    assert_eq!(told(&canceled), (200, "OK"), "{canceled:?}");
    let data = &canceled.body["data"];
    assert_eq!(data["status"], "PARTIAL_CANCELED");
    assert_eq!(data["virtualAccount"]["refundStatus"], "PENDING");
    let again = answer(rig.canceling(&payment, &part, "c2")).await;
    assert_eq!(again.body["data"], *data, "a repeat is told the same");
    assert_eq!(again.header("idempotent-replayed"), "true");
    let mut other = part.clone();
    other["refundReceiveAccount"]["accountNumber"] = json!("110123456780");
    let other = answer(rig.canceling(&payment, &other, "c2")).await;
    assert_eq!(told(&other), (422, "IDEMPOTENCY_KEY_REUSED"));
    let rest = json!({ "reason": "r", "refundReceiveAccount": own() });
    let rest = answer(rig.canceling(&payment, &rest, "c3")).await;
    assert_eq!(rest.body["data"]["status"], "CANCELED", "{rest:?}");

    let path = format!("/api/v1/payments/{}", payment.id);
    let read = rig.get(&path).await;
    let shown = &read.body["data"]["virtualAccount"];
    assert_eq!(shown["refundStatus"], "PENDING");
    assert!(shown["refundStatusAt"].is_string());
    let events = rig.get(&format!("{path}/events")).await;
    for quiet in [&canceled, &again, &rest, &read, &events] {
        assert!(
            !quiet.body.to_string().contains("110123456789"),
            "{quiet:?}"
        );
    }
}
