//! Subscriptions: made once, charged at once or at their date, ended with or without the money
//! back, and nobody else's.

mod ended;

use std::time::Duration;

use application::ports::Clock as _;
use chrono::TimeDelta;
use domain::decline::Class;
use payflow::adapters::clock::Wall;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::rig::offers::{SUBSCRIPTIONS, WATER};
use crate::rig::{Answer, OTHER, Rig, SECRET, answer, text};

const FAST: &str = "[timings]\ndivide_by = 10\n";
const ME: &str = "member-1";
const ANOTHER: &str = "member-2";

fn told(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.code())
}

fn at(id: &str, tail: &str) -> String {
    format!("{SUBSCRIPTIONS}/{id}{tail}")
}

fn id_of(answer: &Answer) -> String {
    text(&answer.body["data"]["subscriptionId"]).to_owned()
}

async fn subscribe(rig: &Rig, body: &Value, key: &str) -> Answer {
    answer(rig.subscribing(SECRET, body, key)).await
}

async fn end(rig: &Rig, id: &str, key: &str) -> Answer {
    let body = json!({ "reason": "단순 변심" }).to_string();
    let request = rig.posting(&at(id, "/cancel"), body);
    answer(request.header("idempotency-key", key)).await
}

async fn pay_with(rig: &Rig, id: &str, card: &str) -> Answer {
    let request = rig.request(Method::PUT, &at(id, "/billing-key"));
    answer(request.json(&json!({ "billingKeyId": card }))).await
}

async fn entitled(rig: &Rig, member: &str) -> Vec<Value> {
    let told = rig.get(&format!("/api/v1/entitlements/{member}")).await;
    assert_eq!(told.status, 200, "{told:?}");
    told.body["data"]["entitlements"]
        .as_array()
        .unwrap()
        .clone()
}

/// The subscription once it has this status.
async fn becomes(rig: &Rig, id: &str, status: &str) -> Value {
    for _ in 0..200 {
        let found = rig.get(&at(id, "")).await;
        if found.body["data"]["status"] == status {
            return found.body["data"].clone();
        }
        sleep(Duration::from_millis(50)).await;
    }
    panic!("it never was {status}");
}

#[tokio::test]
async fn a_member_is_subscribed_once_and_charged_at_once() {
    let rig = Rig::with(FAST).await;
    rig.offer().await;
    let card = rig.card(ME).await;
    let body = json!({ "memberId": ME, "planCode": WATER });
    let made = subscribe(&rig, &body, "k").await;
    assert_eq!(told(&made), (201, "OK"), "{made:?}");
    let data = &made.body["data"];
    let seen = ["status", "planCode", "billingKeyId", "timeZone"].map(|name| &data[name]);
    assert_eq!(json!(seen), json!(["ACTIVE", WATER, card, "Asia/Seoul"]));
    let seen = ["status", "kind", "amount", "balanceAmount"].map(|name| &data["payment"][name]);
    assert_eq!(json!(seen), json!(["DONE", "BILLING", 9900, 9900]));
    let cycle = &data["cycle"];
    assert_eq!(
        json!([cycle["number"], cycle["status"]]),
        json!([2, "WAITING"])
    );
    assert_eq!(cycle["dueAt"], data["paidUntil"]);
    assert_eq!(
        data["memberId"],
        Value::Null,
        "no personal data is kept with a key"
    );
    let again = subscribe(&rig, &body, "k").await;
    assert_eq!(told(&again), (201, "OK"), "{again:?}");
    assert_eq!(again.body["data"], *data);
    assert_eq!(again.header("idempotent-replayed"), "true");
    let other = json!({ "memberId": ME, "planCode": WATER, "billingKeyId": card });
    let reused = subscribe(&rig, &other, "k").await;
    assert_eq!(told(&reused), (422, "IDEMPOTENCY_KEY_REUSED"));
    assert_eq!(rig.gateway.confirms(), 1, "money moved once");

    let id = id_of(&made);
    let read = rig.get(&at(&id, "")).await;
    assert_eq!(read.body["data"]["memberId"], ME);
    assert_eq!(read.body["data"]["cycle"], *cycle);
    let listed = rig.get(&format!("{SUBSCRIPTIONS}?memberId={ME}")).await;
    let rows = listed.body["data"]["subscriptions"].as_array().unwrap();
    assert_eq!((rows.len(), &rows[0]["subscriptionId"]), (1, &json!(id)));
    let now = entitled(&rig, ME).await;
    let seen = ["planCode", "renews", "until", "subscriptionId"].map(|name| &now[0][name]);
    assert_eq!(json!(seen), json!([WATER, true, data["paidUntil"], id]));
    assert_eq!(entitled(&rig, "nobody").await, Vec::<Value>::new());
}

#[tokio::test]
async fn what_was_and_what_will_be_charged_is_told() {
    let rig = Rig::with(FAST).await;
    let id = rig.subscription(ME).await;
    let ahead = rig.get(&at(&id, "/schedule")).await;
    let charges = ahead.body["data"]["charges"].as_array().unwrap();
    assert_eq!(charges.len(), 24);
    let first = ["number", "amount", "currency"].map(|name| &charges[0][name]);
    assert_eq!(json!(first), json!([2, 9900, "KRW"]));
    let dates: Vec<&str> = charges
        .iter()
        .map(|charge| text(&charge["dueAt"]))
        .collect();
    assert!(dates.is_sorted(), "{dates:?}");

    rig.clock.move_ahead(TimeDelta::days(32));
    for _ in 0..200 {
        if becomes(&rig, &id, "ACTIVE").await["cycle"]["number"] == 3 {
            break;
        }
        sleep(Duration::from_millis(50)).await;
    }
    let cycles = rig.get(&at(&id, "/cycles?limit=2")).await;
    let data = &cycles.body["data"];
    let rows = data["cycles"].as_array().unwrap();
    let seen: Vec<Value> = rows
        .iter()
        .map(|row| json!([row["number"], row["status"]]))
        .collect();
    assert_eq!(seen, [json!([3, "WAITING"]), json!([2, "PAID"])]);
    assert!(text(&rows[1]["paymentId"]).starts_with("pay_"), "{rows:?}");
    let next = at(&id, &format!("/cycles?before={}", data["nextBefore"]));
    let rest = rig.get(&next).await;
    assert_eq!(rest.body["data"]["cycles"][0]["number"], 1);
    assert_eq!(rest.body["data"]["nextBefore"], Value::Null);

    let all = rig.get(&at(&id, "/summary")).await;
    let of = |answer: &Answer| {
        let names = ["paid", "totalAmount", "refunded", "skipped", "failed"];
        json!(names.map(|name| answer.body["data"][name].clone()))
    };
    assert_eq!(of(&all), json!([2, 19_800, 0, 0, 0]));
    let from = text(&rows[1]["dueAt"]);
    let second = rig.get(&at(&id, &format!("/summary?from={from}"))).await;
    assert_eq!(of(&second), json!([1, 9_900, 0, 0, 0]));
    let none = rig
        .get(&at(&id, "/summary?until=2020-01-01T00:00:00Z"))
        .await;
    assert_eq!((none.status, of(&none)), (200, json!([0, 0, 0, 0, 0])));
    let events = rig.get(&at(&id, "/events?limit=2")).await;
    let lines = events.body["data"]["events"].as_array().unwrap();
    let kinds: Vec<&str> = lines.iter().map(|line| text(&line["type"])).collect();
    assert_eq!(kinds, ["subscription.created", "subscription.paid"]);
    assert_eq!(events.body["data"]["nextAfter"], 2);
}

#[tokio::test]
async fn the_first_charge_waits_for_its_date() {
    let rig = Rig::with(FAST).await;
    rig.offer().await;
    rig.card(ME).await;
    let first = Wall::default().now() + TimeDelta::days(10);
    let body = json!({ "memberId": ME, "planCode": WATER, "timeZone": "America/New_York",
                       "firstChargeAt": first.to_rfc3339() });
    let made = subscribe(&rig, &body, "k").await;
    assert_eq!(told(&made), (201, "OK"), "{made:?}");
    let data = &made.body["data"];
    let seen = ["status", "timeZone", "payment", "paidUntil"].map(|name| &data[name]);
    assert_eq!(
        json!(seen),
        json!(["PENDING", "America/New_York", null, null])
    );
    let again = subscribe(&rig, &body, "k").await;
    assert_eq!(again.body["data"], *data, "{again:?}");
    assert_eq!(again.header("idempotent-replayed"), "true");
    let second = subscribe(&rig, &body, "k2").await;
    let gone = end(&rig, &id_of(&second), "end").await;
    assert_eq!(gone.body["data"]["status"], "CANCELED", "{gone:?}");
    assert_eq!(rig.gateway.confirms(), 0);
    rig.clock.move_ahead(TimeDelta::days(11));
    becomes(&rig, &id_of(&made), "ACTIVE").await;
    assert_eq!(rig.gateway.confirms(), 1);
}

#[tokio::test]
async fn a_declined_first_charge_is_told_and_waits_for_another_card() {
    let rig = Rig::with(FAST).await;
    rig.offer().await;
    let cards = [rig.card(ME).await, rig.card(ME).await];
    rig.gateway.decline(Class::Buyer);
    let body = json!({ "memberId": ME, "planCode": WATER, "billingKeyId": cards[0] });
    let made = subscribe(&rig, &body, "k").await;
    assert_eq!(told(&made), (201, "OK"), "{made:?}");
    let data = &made.body["data"];
    let seen = json!([
        data["status"],
        data["payment"]["status"],
        data["cycle"]["declined"]
    ]);
    assert_eq!(seen, json!(["PENDING", "READY", 1]));
    assert_eq!(data["payment"]["decline"]["reason"], "INSUFFICIENT_FUNDS");
    assert_eq!(entitled(&rig, ME).await, Vec::<Value>::new());
    rig.gateway.approve();
    let id = id_of(&made);
    let paid = pay_with(&rig, &id, &cards[1]).await;
    assert_eq!(told(&paid), (200, "OK"), "{paid:?}");
    assert_eq!(paid.body["data"]["billingKeyId"], cards[1].as_str());
    let active = becomes(&rig, &id, "ACTIVE").await;
    assert_eq!(active["billingKeyId"], cards[1].as_str());
    let repeat = pay_with(&rig, &id, &cards[1]).await;
    assert_eq!(told(&repeat), (200, "OK"), "{repeat:?}");
    let again = subscribe(&rig, &body, "k").await;
    assert_eq!(again.body["data"], *data, "what it was told then");
}

#[tokio::test]
async fn another_merchant_or_member_finds_nothing() {
    let rig = Rig::with(FAST).await;
    let id = rig.subscription(ME).await;
    let theirs = rig.card(ANOTHER).await;
    let body = json!({ "billingKeyId": theirs, "reason": "r" });
    for (method, tail) in [
        (Method::GET, ""),
        (Method::GET, "/schedule"),
        (Method::GET, "/cycles"),
        (Method::GET, "/summary"),
        (Method::GET, "/events"),
        (Method::POST, "/cancel"),
        (Method::PUT, "/billing-key"),
    ] {
        let field = if tail == "/cancel" {
            "reason"
        } else {
            "billingKeyId"
        };
        let body = json!({ field: body[field] });
        for request in [
            rig.by(ANOTHER, method.clone(), &at(&id, tail)),
            rig.anonymous(method.clone(), &at(&id, tail))
                .bearer_auth(OTHER),
        ] {
            let request = request.header("idempotency-key", "k").json(&body);
            let asked = answer(request).await;
            assert_eq!(told(&asked), (404, "SUBSCRIPTION_NOT_FOUND"), "{tail}");
        }
    }
    let own = answer(rig.by(ME, Method::GET, SUBSCRIPTIONS)).await;
    assert_eq!(
        own.body["data"]["subscriptions"][0]["subscriptionId"],
        id.as_str()
    );
    let others = answer(rig.by(ANOTHER, Method::GET, SUBSCRIPTIONS)).await;
    assert_eq!(others.body["data"]["subscriptions"], json!([]));
    let path = format!("{SUBSCRIPTIONS}?memberId={ME}");
    let others = answer(rig.by(ANOTHER, Method::GET, &path)).await;
    assert_eq!(others.errors(), ["memberId: MEMBER_MISMATCH"]);
    // Neither with another's card, nor with one that there is not.
    let stolen = pay_with(&rig, &id, &theirs).await;
    assert_eq!(told(&stolen), (404, "BILLING_KEY_NOT_FOUND"));
    let body = json!({ "memberId": ME, "planCode": WATER, "billingKeyId": theirs });
    let stolen = subscribe(&rig, &body, "k").await;
    assert_eq!(told(&stolen), (404, "BILLING_KEY_NOT_FOUND"));
    let none = json!({ "memberId": "nobody", "planCode": WATER });
    assert_eq!(
        subscribe(&rig, &none, "n").await.code(),
        "BILLING_KEY_NOT_FOUND"
    );
    assert_eq!(rig.gateway.confirms(), 1);
    let member = rig.by(ME, Method::GET, &format!("/api/v1/entitlements/{ME}"));
    assert_eq!(answer(member).await.code(), "MEMBER_FORBIDDEN");
}

#[tokio::test]
async fn an_unresolved_first_charge_is_pending_and_ends_nothing() {
    let rig = Rig::with(FAST).await;
    rig.offer().await;
    rig.card(ME).await;
    rig.gateway.lose();
    let body = json!({ "memberId": ME, "planCode": WATER });
    let made = subscribe(&rig, &body, "k").await;
    assert_eq!(told(&made), (202, "PAYMENT_PENDING"), "{made:?}");
    assert_eq!(made.header("location"), at(&id_of(&made), ""));
    assert_eq!(made.body["data"]["cycle"]["status"], "CHARGING");
    let early = end(&rig, &id_of(&made), "end").await;
    assert_eq!(told(&early), (409, "SUBSCRIPTION_CHARGING"), "{early:?}");
    // Until the first request's patience is over its repeats are told to wait.
    sleep(Duration::from_secs(1)).await;
    let again = subscribe(&rig, &body, "k").await;
    assert_eq!(id_of(&again), id_of(&made), "{again:?}");
}

#[tokio::test]
async fn what_is_wrong_is_refused_before_anything_is_sent() {
    let rig = Rig::new().await;
    rig.offer().await;
    rig.card(ME).await;
    let far = (Wall::default().now() + TimeDelta::days(400)).to_rfc3339();
    for (body, errors) in [
        (
            json!({}),
            vec!["memberId: FIELD_REQUIRED", "planCode: FIELD_REQUIRED"],
        ),
        (
            json!({ "amount": 1, "billingKeyId": "bkey_1", "timeZone": "KST" }),
            {
                vec![
                    "amount: FIELD_UNKNOWN",
                    "billingKeyId: ID_MALFORMED",
                    "memberId: FIELD_REQUIRED",
                    "planCode: FIELD_REQUIRED",
                    "timeZone: FIELD_WORD",
                ]
            },
        ),
        (
            json!({ "memberId": ME, "planCode": WATER, "firstChargeAt": "tomorrow" }),
            { vec!["firstChargeAt: INSTANT_MALFORMED"] },
        ),
        (
            json!({ "memberId": ME, "planCode": WATER, "firstChargeAt": far }),
            { vec!["firstChargeAt: FIELD_RANGE"] },
        ),
        (
            json!({ "memberId": ME, "planCode": WATER, "firstChargeAt": "2020-01-01T00:00:00Z" }),
            vec!["firstChargeAt: FIELD_RANGE"],
        ),
    ] {
        let refused = subscribe(&rig, &body, "k").await;
        assert_eq!(refused.errors(), errors, "{refused:?}");
    }
    let id = rig.subscription(ME).await;
    for (tail, error) in [
        ("/cycles?before=0", "before: FIELD_RANGE"),
        ("/cycles?limit=101", "limit: FIELD_RANGE"),
        ("/events?after=-1", "after: FIELD_RANGE"),
        ("/summary?from=now", "from: INSTANT_MALFORMED"),
        (
            "/summary?from=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z",
            "until: FIELD_RANGE",
        ),
    ] {
        let refused = rig.get(&at(&id, tail)).await;
        assert_eq!(refused.errors(), [error], "{tail}");
    }
    let refused = rig.get(&format!("{SUBSCRIPTIONS}?cursor=x")).await;
    assert_eq!(refused.errors(), ["cursor: CURSOR_INVALID"]);
    let missing = rig.posting(SUBSCRIPTIONS, "{}");
    assert_eq!(answer(missing).await.code(), "IDEMPOTENCY_KEY_MISSING");
    let member = rig.by(ME, Method::POST, SUBSCRIPTIONS).body("{}");
    assert_eq!(answer(member).await.code(), "MEMBER_FORBIDDEN");
    assert_eq!(rig.gateway.confirms(), 1);
}

/// One answer for each code that has to do with subscriptions alone.
pub(crate) async fn refusals() -> Vec<Answer> {
    let rig = Rig::with(FAST).await;
    let id = rig.subscription(ME).await;
    let body = json!({ "memberId": ME, "planCode": "nothing" });
    let mut told = vec![subscribe(&rig, &body, "plan").await];
    told.push(rig.get(&at("sub_nonsense", "")).await);
    assert_eq!(end(&rig, &id, "end").await.status, 200);
    told.push(end(&rig, &id, "again").await);
    rig.gateway.lose();
    let body = json!({ "memberId": ME, "planCode": WATER });
    let lost = subscribe(&rig, &body, "lost").await;
    told.push(end(&rig, &id_of(&lost), "early").await);
    told
}
