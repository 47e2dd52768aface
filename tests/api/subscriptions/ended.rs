//! How they end: with the money back, and at the end of what is paid.

use std::time::Duration;

use application::ports::store::Feed;
use chrono::TimeDelta;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{FAST, ME, at, becomes, end, entitled, pay_with, told};
use crate::rig::Rig;

#[tokio::test]
async fn within_seven_days_the_money_is_given_back_and_it_ends() {
    let rig = Rig::with(FAST).await;
    let id = rig.subscription(ME).await;
    let ended = end(&rig, &id, "end").await;
    assert_eq!(told(&ended), (200, "OK"), "{ended:?}");
    let data = &ended.body["data"];
    let seen = json!([
        data["status"],
        data["payment"]["status"],
        data["cycle"]["status"]
    ]);
    assert_eq!(seen, json!(["CANCELED", "CANCELED", "VOID"]));
    assert_eq!(data["payment"]["cancels"][0]["reasonCode"], "USER_REQUEST");
    let again = end(&rig, &id, "end").await;
    assert_eq!((told(&again), &again.body["data"]), ((200, "OK"), data));
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(rig.gateway.cancels(), 1, "given back once");
    assert_eq!(entitled(&rig, ME).await, Vec::<Value>::new());
    let closed = end(&rig, &id, "another").await;
    assert_eq!(told(&closed), (409, "SUBSCRIPTION_CLOSED"), "{closed:?}");
    assert_eq!(closed.body["data"]["status"], "CANCELED");
    let card = rig.card(ME).await;
    let late = pay_with(&rig, &id, &card).await;
    assert_eq!(told(&late), (409, "SUBSCRIPTION_CLOSED"), "{late:?}");
    let sums = rig.get(&at(&id, "/summary")).await;
    let sums = &sums.body["data"];
    assert_eq!(json!([sums["paid"], sums["refunded"]]), json!([0, 1]));
    rig.clock.move_ahead(TimeDelta::days(40));
    sleep(Duration::from_secs(1)).await;
    assert_eq!(rig.gateway.confirms(), 1, "nothing is charged any more");
}

#[tokio::test]
async fn after_seven_days_it_runs_out() {
    let rig = Rig::with(FAST).await;
    let id = rig.subscription(ME).await;
    rig.clock.move_ahead(TimeDelta::days(8));
    let ended = end(&rig, &id, "end").await;
    assert_eq!(told(&ended), (200, "OK"), "{ended:?}");
    let data = &ended.body["data"];
    let seen = json!([data["status"], data["payment"], data["cycle"]["status"]]);
    assert_eq!(seen, json!(["CANCEL_SCHEDULED", null, "CLOSING"]));
    let again = end(&rig, &id, "end").await;
    assert_eq!((told(&again), &again.body["data"]), ((200, "OK"), data));
    let closed = end(&rig, &id, "another").await;
    assert_eq!(
        closed.body["data"]["status"], "CANCEL_SCHEDULED",
        "{closed:?}"
    );
    assert_eq!(entitled(&rig, ME).await[0]["renews"], false);
    let ahead = rig.get(&at(&id, "/schedule")).await;
    assert_eq!(ahead.body["data"]["charges"], json!([]));
    rig.clock.move_ahead(TimeDelta::days(30));
    becomes(&rig, &id, "EXPIRED").await;
    assert_eq!((rig.gateway.confirms(), rig.gateway.cancels()), (1, 0));
    assert_eq!(entitled(&rig, ME).await, Vec::<Value>::new());
}

#[tokio::test]
async fn an_end_that_waits_for_its_refund_points_to_what_tells_of_it() {
    let rig = Rig::with(FAST).await;
    let id = rig.subscription(ME).await;
    rig.gateway.lose();
    let ended = end(&rig, &id, "end").await;
    assert_eq!(told(&ended), (202, "PAYMENT_PENDING"), "{ended:?}");
    assert_eq!(ended.body["data"]["status"], "CANCELED");
    let location = ended.header("location").to_owned();
    let payment = rig.get(&location).await;
    let data = &payment.body["data"];
    assert_eq!(
        data["paymentId"],
        ended.body["data"]["payment"]["paymentId"]
    );
    assert_eq!(data["status"], "CANCEL_REQUESTED", "{payment:?}");
}

#[tokio::test]
async fn a_life_is_told_in_the_feed_beside_its_payments() {
    let rig = Rig::with(FAST).await;
    let id = rig.subscription(ME).await;
    let ended = end(&rig, &id, "end").await;
    assert_eq!(told(&ended), (200, "OK"), "{ended:?}");
    let card = &rig.get(&at(&id, "")).await.body["data"]["billingKeyId"];
    while rig.store.backlog().await.expect("counted").count > 0 {
        sleep(Duration::from_millis(5)).await;
    }
    let feed = rig.get("/api/v1/events?limit=100").await;
    let events = feed.body["data"]["events"].as_array().expect("a list");
    let of = |name: &str, id: &Value| -> Vec<Value> {
        let own = events.iter().filter(|event| event[name] == *id);
        own.map(|event| json!([event["sequence"], event["type"], event["to"]]))
            .collect()
    };
    assert_eq!(
        of("subscriptionId", &json!(id)),
        [
            json!([1, "subscription.created", "PENDING"]),
            json!([2, "subscription.paid", "ACTIVE"]),
            json!([3, "subscription.canceled", "CANCELED"]),
            json!([4, "subscription.refunded", "CANCELED"]),
        ]
    );
    assert_eq!(
        of("billingKeyId", card)[0],
        json!([1, "billing_key.issued", "ACTIVE"])
    );
    let paid = events
        .iter()
        .find(|event| event["type"] == "subscription.paid");
    let paid = paid.expect("it is told");
    assert_eq!(paid.get("paymentId"), None);
    assert_eq!(paid.get("hash"), None);
    let payload = &paid["payload"];
    let seen = ["cycle", "amount", "currency"].map(|name| &payload[name]);
    assert_eq!(json!(seen), json!([1, 9900, "KRW"]));
    assert!(payload["paidUntil"].is_string() && payload["paymentId"].is_string());
    assert!(!feed.body.to_string().contains(ME), "nobody is named");
}
