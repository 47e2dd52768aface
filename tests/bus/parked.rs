//! What a reader could not tell: seen by an operator, and told after all, in its order.

use std::fs;
use std::time::Duration;

use application::ports::bus::{Received, Topic};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::rig::LONG;
use crate::stand::{Stand, body};

fn lines(stand: &Stand, arguments: &[&str]) -> Vec<Value> {
    let printed = stand.service.run(&[&["feed"], arguments].concat());
    let lines = printed.lines().map(serde_json::from_str::<Value>);
    lines.map(|line| line.expect("JSON")).collect()
}

fn reader(stand: &Stand) -> Value {
    let readers = lines(stand, &["readers"]);
    let mut found = readers.into_iter().filter(|line| line["reader"] == "kafka");
    found.next().expect("the relay")
}

async fn until_parked(stand: &Stand, count: usize) {
    let begun = Instant::now();
    while reader(stand)["parked"] != count {
        assert!(begun.elapsed() < LONG, "{}", stand.service.log());
        sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_parked_is_seen_and_tried_again_when_somebody_asks() {
    let mut stand = Stand::start().await;
    let settings = stand.service.folder().join("small.toml");
    let small = "[kafka.properties]\n\"message.max.bytes\" = \"1000\"\n";
    fs::write(&settings, small).expect("written");
    let path = settings.to_str().expect("a path").to_owned();
    stand.set("PAYFLOW_CONFIG", &path).await;
    let payment = stand.prepare("order-1").await;
    stand.approve(&payment, &[]).await;
    until_parked(&stand, 3).await;
    let parked = lines(&stand, &["parked", "kafka"]);
    let seen: Vec<Value> = parked
        .iter()
        .map(|line| json!([line["subject"], line["sequence"], line["asked"]]))
        .collect();
    let id = &payment["paymentId"];
    assert_eq!(
        seen,
        [
            json!([id, 1, false]),
            json!([id, 2, false]),
            json!([id, 3, false])
        ]
    );
    let reason = parked[0]["reason"].as_str().expect("a reason");
    assert!(reason.contains("large"), "{reason}");

    let refused = stand
        .service
        .command(&["feed", "parked", "nobody"])
        .output();
    assert!(!refused.expect("it ran").status.success());
    fs::write(&settings, "").expect("written");
    stand.set("PAYFLOW_CONFIG", &path).await;
    assert_eq!(reader(&stand)["parked"], 3, "nothing is tried by itself");
    let asked = lines(&stand, &["replay", "kafka", "--all"]);
    assert_eq!(asked, [json!({ "reader": "kafka", "subjectsAsked": 1 })]);
    until_parked(&stand, 0).await;
    let told = stand.told(Topic::PaymentEvents, 3).await;
    let ids: Vec<Value> = told.iter().map(|told| body(told)["id"].clone()).collect();
    let id = id.as_str().expect("an id");
    assert_eq!(
        ids,
        [1, 2, 3].map(|sequence| json!(format!("{id}/{sequence}")))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_ends_every_cursor() {
    let stand = Stand::start().await;
    stand.prepare("order-1").await;
    let before = stand.events("").await;
    let next = before["nextAfter"].as_str().expect("a cursor").to_owned();
    stand.events(&format!("?after={next}")).await;
    let raised = lines(&stand, &["raise-epoch", "--why", "restored"]);
    assert_eq!(raised[0]["why"], "restored");
    let over = stand.try_events(&format!("?after={next}")).await;
    assert_eq!((over.0, &over.1["code"]), (410, &json!("CURSOR_EXPIRED")));
    let anew = stand.events("").await;
    assert_ne!(anew["nextAfter"], next);
    // The service's own readers go on.
    let payment = stand.prepare("order-2").await;
    let told = stand.told(Topic::PaymentEvents, 2).await;
    let is_its = |told: &Received| body(told)["data"]["paymentId"] == payment["paymentId"];
    assert!(told.iter().any(is_its), "{told:?}");
}
