//! Cards are registered, preferred, charged and deleted over HTTP, each by whose they are alone.

use domain::decline::Class;
use reqwest::Method;
use serde_json::{Value, json};

use crate::rig::cards::issue;
use crate::rig::{
    Answer, BILLING_KEYS, OTHER, Prepared, Registered, Rig, SECRET, WITHOUT_GATEWAY, answer, text,
};

const FAST: &str = "[timings]\ndivide_by = 10\n";
const ME: &str = "member-1";
const ANOTHER: &str = "member-2";

async fn put(rig: &Rig, id: &str) -> Answer {
    let path = format!("{BILLING_KEYS}/{id}/default");
    answer(rig.request(Method::PUT, &path)).await
}

async fn delete(rig: &Rig, id: &str) -> Answer {
    answer(rig.request(Method::DELETE, &format!("{BILLING_KEYS}/{id}"))).await
}

async fn listed(rig: &Rig, member: &str) -> Vec<Value> {
    let told = rig.get(&format!("{BILLING_KEYS}?memberId={member}")).await;
    assert_eq!(told.status, 200, "{told:?}");
    let keys = told.body["data"]["billingKeys"].as_array();
    keys.unwrap().clone()
}

fn told(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.code())
}

#[tokio::test]
async fn a_card_is_registered_and_a_payment_charged_with_it() {
    let rig = Rig::new().await;
    let registered = rig.registered_by(SECRET, ME).await;
    assert!(registered.customer.starts_with("cus_"), "{registered:?}");
    assert_eq!(listed(&rig, ME).await, Vec::<Value>::new(), "not issued");
    let issued = answer(rig.issuing(SECRET, &registered)).await;
    assert_eq!(told(&issued), (200, "OK"), "{issued:?}");
    let key = &issued.body["data"];
    let seen = ["status", "company", "last4", "memberId", "isDefault"].map(|name| &key[name]);
    assert_eq!(json!(seen), json!(["ACTIVE", "61", "1234", ME, true]));
    let again = answer(rig.issuing(SECRET, &registered)).await;
    assert_eq!(again.body["data"], *key, "a repeat is told how it is");
    assert_eq!(listed(&rig, ME).await, std::slice::from_ref(key));
    let body = rig.get(&format!("{BILLING_KEYS}/{}", registered.id)).await;
    assert_eq!(body.body["data"], *key);
    assert!(!body.body.to_string().contains("bill_"), "{body:?}");

    let payment = rig.billed_by(SECRET, ME).await;
    let charged = rig.charge(&payment, json!({}), "k").await;
    assert_eq!(told(&charged), (200, "OK"), "{charged:?}");
    let data = &charged.body["data"];
    let seen = ["status", "kind", "balanceAmount"].map(|name| &data[name]);
    assert_eq!(json!(seen), json!(["DONE", "BILLING", 15000]));
    assert!(text(&data["paymentKey"]).starts_with("tbill_"), "{data}");
    let again = rig.charge(&payment, json!({}), "k").await;
    assert_eq!(again.body["data"], *data);
    assert_eq!(again.header("idempotent-replayed"), "true");
    let named = json!({ "billingKeyId": registered.id });
    let reused = rig.charge(&payment, named.clone(), "k").await;
    assert_eq!(told(&reused), (422, "IDEMPOTENCY_KEY_REUSED"));
    let twice = rig.charge(&payment, named, "another").await;
    assert_eq!(told(&twice), (409, "PAYMENT_ALREADY_APPROVED"));
    assert_eq!(rig.gateway.confirms(), 1, "money moved once");
    let path = format!("/api/v1/payments/{}/events", payment.id);
    let events = rig.get(&path).await;
    let events = events.body["data"]["events"].as_array().unwrap().clone();
    let kinds = events.iter().map(|event| text(&event["type"]));
    let kinds: Vec<&str> = kinds.collect();
    assert_eq!(
        kinds,
        [
            "payment.prepared",
            "payment.charge_requested",
            "payment.approved"
        ]
    );
}

#[tokio::test]
async fn a_member_keeps_and_charges_their_own_cards_and_nobody_elses() {
    let rig = Rig::new().await;
    let mine = rig.card_by(SECRET, ME).await;
    let theirs = rig.card_by(SECRET, ANOTHER).await;
    let (read, remove) = (Method::GET, Method::DELETE);
    let at = |tail: &str| format!("{BILLING_KEYS}/{}{tail}", theirs.id);
    for (method, path) in [
        (&read, at("")),
        (&Method::PUT, at("/default")),
        (&remove, at("")),
        (&Method::POST, at("/issue")),
    ] {
        let body = issue(&theirs).to_string();
        let asked = answer(rig.by(ME, method.clone(), &path).body(body.clone())).await;
        assert_eq!(told(&asked), (404, "BILLING_KEY_NOT_FOUND"), "{path}");
        let request = rig.anonymous(method.clone(), &path).bearer_auth(OTHER);
        let request = request.header("content-type", "application/json");
        let asked = answer(request.body(body)).await;
        assert_eq!(told(&asked), (404, "BILLING_KEY_NOT_FOUND"), "{path}");
    }
    let own = answer(rig.by(ME, Method::GET, BILLING_KEYS)).await;
    let keys = own.body["data"]["billingKeys"].as_array().unwrap();
    assert_eq!(keys.len(), 1, "{own:?}");
    assert_eq!(keys[0]["billingKeyId"], mine.id.as_str());
    let path = format!("{BILLING_KEYS}?memberId={ANOTHER}");
    let other = answer(rig.by(ME, Method::GET, &path)).await;
    assert_eq!(other.errors(), ["memberId: MEMBER_MISMATCH"]);
    let foreign = json!({ "memberId": ANOTHER }).to_string();
    let other = rig.by(ME, Method::POST, BILLING_KEYS).body(foreign);
    assert_eq!(answer(other).await.errors(), ["memberId: MEMBER_MISMATCH"]);
    let opened = answer(rig.by(ME, Method::POST, BILLING_KEYS).body("{}")).await;
    assert_eq!(opened.status, 201, "{opened:?}");
    assert_eq!(opened.body["data"]["billingKey"]["memberId"], ME);

    // Neither with another's card, nor for another's payment.
    let payment = rig.billed_by(SECRET, ME).await;
    let body = json!({ "billingKeyId": theirs.id });
    let stolen = rig.charge(&payment, body.clone(), "stolen").await;
    assert_eq!(told(&stolen), (404, "BILLING_KEY_NOT_FOUND"));
    let charging = |member, id: &str, body: &Value, key: &str| {
        let path = format!("/api/v1/payments/{id}/charge");
        let request = rig.by(member, Method::POST, &path);
        answer(
            request
                .header("idempotency-key", key)
                .body(body.to_string()),
        )
    };
    let other = charging(ANOTHER, &payment.id, &body, "other").await;
    assert_eq!(told(&other), (404, "PAYMENT_NOT_FOUND"));
    assert_eq!(rig.gateway.confirms(), 0);
    let paid = charging(ME, &payment.id, &json!({}), "own").await;
    assert_eq!(told(&paid), (200, "OK"), "{paid:?}");
}

#[tokio::test]
async fn one_card_is_the_default_and_another_takes_its_place() {
    let rig = Rig::new().await;
    let [first, second] = [rig.card(ME).await, rig.card(ME).await];
    let default = |keys: &[Value]| {
        let default = keys.iter().filter(|key| key["isDefault"] == true);
        let ids = default.map(|key| text(&key["billingKeyId"]).to_owned());
        ids.collect::<Vec<_>>()
    };
    assert_eq!(
        default(&listed(&rig, ME).await),
        std::slice::from_ref(&first)
    );
    for _ in 0..2 {
        let preferred = put(&rig, &second).await;
        assert_eq!(told(&preferred), (200, "OK"), "{preferred:?}");
        assert_eq!(
            default(&listed(&rig, ME).await),
            std::slice::from_ref(&second)
        );
    }
    for _ in 0..2 {
        let gone = delete(&rig, &second).await;
        assert_eq!(told(&gone), (200, "OK"), "{gone:?}");
        assert_eq!(gone.body["data"]["status"], "DELETED");
        assert_eq!(gone.body["data"]["last4"], "1234");
    }
    assert_eq!(
        default(&listed(&rig, ME).await),
        std::slice::from_ref(&first)
    );
    let preferred = put(&rig, &second).await;
    assert_eq!(told(&preferred), (409, "BILLING_KEY_UNUSABLE"));
    assert_eq!(preferred.body["data"]["status"], "DELETED");
    let payment = rig.billed_by(SECRET, ME).await;
    let body = json!({ "billingKeyId": second });
    let dead = rig.charge(&payment, body, "dead").await;
    assert_eq!(told(&dead), (409, "BILLING_KEY_UNUSABLE"), "{dead:?}");
    assert_eq!(delete(&rig, &first).await.status, 200);
    let none = rig.charge(&payment, json!({}), "none").await;
    assert_eq!(told(&none), (404, "BILLING_KEY_NOT_FOUND"));
    assert_eq!(rig.gateway.confirms(), 0);
}

#[tokio::test]
async fn a_declined_card_leaves_the_payment_to_another() {
    let rig = Rig::with(FAST).await;
    rig.card(ME).await;
    let payment = rig.billed_by(SECRET, ME).await;
    rig.gateway.decline(Class::Buyer);
    let declined = rig.charge(&payment, json!({}), "k").await;
    assert_eq!(told(&declined), (402, "PAYMENT_DECLINED"), "{declined:?}");
    assert_eq!(declined.body["data"]["status"], "READY");
    assert_eq!(declined.body["errors"][0]["code"], "INSUFFICIENT_FUNDS");
    rig.gateway.approve();
    let again = rig.charge(&payment, json!({}), "k").await;
    assert_eq!(
        told(&again),
        (402, "PAYMENT_DECLINED"),
        "final under its key"
    );
    let anew = rig.charge(&payment, json!({}), "k2").await;
    assert_eq!(anew.body["data"]["status"], "DONE", "{anew:?}");
}

#[tokio::test]
async fn an_unknown_charge_is_pending_and_its_card_stays() {
    let rig = Rig::with(FAST).await;
    let card = rig.card(ME).await;
    let payment = rig.billed_by(SECRET, ME).await;
    rig.gateway.lose();
    let pending = rig.charge(&payment, json!({}), "k").await;
    assert_eq!(told(&pending), (202, "PAYMENT_PENDING"), "{pending:?}");
    let location = format!("/api/v1/payments/{}", payment.id);
    assert_eq!(pending.header("location"), location);
    let again = rig.charge(&payment, json!({}), "k2").await;
    assert_eq!(told(&again), (409, "PAYMENT_IN_PROGRESS"));
    let kept = delete(&rig, &card).await;
    assert_eq!(told(&kept), (409, "BILLING_KEY_IN_USE"), "{kept:?}");
    assert!(!kept.header("retry-after").is_empty());
}

#[tokio::test]
async fn what_becomes_of_a_card_is_told_when_it_is_known() {
    let rig = Rig::with(FAST).await;
    rig.gateway.decline(Class::Buyer);
    let registered = rig.registered_by(SECRET, ME).await;
    for _ in 0..2 {
        let declined = answer(rig.issuing(SECRET, &registered)).await;
        assert_eq!(
            told(&declined),
            (422, "BILLING_KEY_DECLINED"),
            "{declined:?}"
        );
        assert_eq!(declined.body["data"]["status"], "FAILED");
        assert_eq!(declined.body["errors"][0]["code"], "INSUFFICIENT_FUNDS");
    }
    rig.gateway.lose();
    let registered = rig.registered_by(SECRET, ME).await;
    let pending = answer(rig.issuing(SECRET, &registered)).await;
    assert_eq!(told(&pending), (202, "BILLING_KEY_PENDING"), "{pending:?}");
    let path = format!("{BILLING_KEYS}/{}", registered.id);
    assert_eq!(pending.header("location"), path);
    assert_eq!(rig.get(&path).await.body["data"]["status"], "ISSUING");
    let early = delete(&rig, &registered.id).await;
    assert_eq!(told(&early), (409, "BILLING_KEY_UNUSABLE"), "{early:?}");
    rig.gateway.approve();
    let card = rig.card(ME).await;
    rig.gateway.lose();
    let leaving = delete(&rig, &card).await;
    assert_eq!(told(&leaving), (202, "BILLING_KEY_PENDING"), "{leaving:?}");
    assert_eq!(leaving.body["data"]["status"], "DELETING");
}

#[tokio::test]
async fn what_is_wrong_is_refused_before_anything_is_sent() {
    let rig = Rig::new().await;
    let registered = rig.registered_by(SECRET, ME).await;
    let at = format!("{BILLING_KEYS}/{}/issue", registered.id);
    let customer = &registered.customer;
    let long = "x".repeat(301);
    for (path, body, error) in [
        (BILLING_KEYS, json!({}), "memberId: FIELD_REQUIRED"),
        (BILLING_KEYS, json!({ "memberId": "a b" }), {
            "memberId: FIELD_CHARACTER"
        }),
        (BILLING_KEYS, json!({ "memberId": ME, "card": 1 }), {
            "card: FIELD_UNKNOWN"
        }),
        (at.as_str(), json!({ "customerKey": customer }), {
            "authKey: FIELD_REQUIRED"
        }),
        (
            at.as_str(),
            json!({ "customerKey": customer, "authKey": "" }),
            { "authKey: FIELD_LENGTH" },
        ),
        (
            at.as_str(),
            json!({ "customerKey": customer, "authKey": long }),
            { "authKey: FIELD_LENGTH" },
        ),
        (
            at.as_str(),
            json!({ "customerKey": customer, "authKey": "a b" }),
            { "authKey: FIELD_CHARACTER" },
        ),
    ] {
        let refused = rig.post(path, body.to_string()).await;
        assert_eq!(refused.errors(), [error], "{refused:?}");
    }
    for (query, error) in [
        ("", "memberId: FIELD_REQUIRED"),
        ("?memberId=a%20b", "memberId: FIELD_CHARACTER"),
        ("?memberId=a&memberId=b", "memberId: FIELD_REPEATED"),
    ] {
        let refused = rig.get(&format!("{BILLING_KEYS}{query}")).await;
        assert!(refused.errors().contains(&error.to_owned()), "{refused:?}");
    }
    let payment = rig.billed_by(SECRET, ME).await;
    let refused = rig.charge(&payment, json!({ "amount": 1 }), "k").await;
    assert_eq!(
        refused.errors(),
        ["amount: FIELD_UNKNOWN"],
        "from our records only"
    );
    let body = json!({ "billingKeyId": "bkey_1" });
    let refused = rig.charge(&payment, body, "k").await;
    assert_eq!(refused.errors(), ["billingKeyId: ID_MALFORMED"]);
    for (kind, error) in [
        ("BILLING", "customer.memberId: FIELD_REQUIRED"),
        ("CARD", "kind: FIELD_WORD"),
    ] {
        let body = json!({ "orderId": "order-1", "orderName": "a", "amount": 1, "kind": kind });
        let refused = rig.post("/api/v1/payments", body.to_string()).await;
        assert_eq!(refused.errors(), [error]);
    }
}

/// One answer for each code that has to do with billing keys alone.
pub(crate) async fn refusals(rig: &Rig) -> Vec<Answer> {
    let card = rig.card(ME).await;
    let strange = Registered {
        customer: rig.registered_by(SECRET, ME).await.customer,
        ..rig.registered_by(SECRET, ME).await
    };
    let mismatch = answer(rig.issuing(SECRET, &strange)).await;
    let missing = delete(rig, "bkey_nonsense").await;
    let unusable = put(rig, &strange.id).await;
    let payment: Prepared = rig.billed_by(SECRET, ME).await;
    let mut told = vec![mismatch, missing, unusable];
    // Of the wrong kind: neither is paid as the other is.
    told.push(rig.approve(&payment, "window").await);
    let fields = json!({ "customer": { "memberId": ME } });
    let window = rig.prepared_by(SECRET, fields).await;
    told.push(rig.charge(&window, json!({}), "card").await);
    let path = format!("/api/v1/payments/{}/checkout", payment.id);
    told.push(answer(rig.request(Method::POST, &path)).await);
    let kinds = told[3..].iter().map(Answer::code);
    assert_eq!(kinds.collect::<Vec<_>>(), ["PAYMENT_KIND_MISMATCH"; 3]);
    let poor = rig.anonymous(Method::POST, BILLING_KEYS);
    let poor = poor.bearer_auth(WITHOUT_GATEWAY);
    let poor = answer(poor.json(&json!({ "memberId": ME }))).await;
    assert_eq!(poor.code(), "GATEWAY_NOT_CONFIGURED", "{poor:?}");
    rig.gateway.decline(Class::Buyer);
    let registered = rig.registered_by(SECRET, ME).await;
    told.push(answer(rig.issuing(SECRET, &registered)).await);
    rig.gateway.lose();
    told.push(rig.charge(&payment, json!({}), "lost").await);
    told.push(delete(rig, &card).await);
    let registered = rig.registered_by(SECRET, ME).await;
    told.push(answer(rig.issuing(SECRET, &registered)).await);
    told
}
