//! Owns how webhooks travel: tries, pauses, duplicates, losses and restarts.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use toss_sandbox::{Config, WebhookSuccess};

use super::{Merchant, connected, deliveries, register, settled};
use crate::support::{Bench, config, send};

const MINUTE: i64 = 60;

async fn disturb(bench: &Bench, per_mille: Value) {
    let body = json!({ "seed": 7, "perMille": per_mille, "delayMilliseconds": 150 });
    let reply = bench.post("/_sandbox/webhooks/faults", body).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
}

#[tokio::test]
async fn a_failure_is_repeated_on_the_ladder_and_given_up_after_eight() {
    let (bench, merchant) = connected().await;
    merchant.answer(&[500, 201, 302, 404, 503, 400, 500, 500, 500]);
    bench.paid("order-0001", 1000).await;
    for (tries, minutes) in (1..).zip([1, 4, 16, 64, 256, 1024, 4096]) {
        merchant.hears(tries).await;
        recorded(&bench, tries).await;
        bench.advance(minutes * MINUTE - 30).await;
        tokio::time::sleep(Duration::from_millis(60)).await;
        assert_eq!(merchant.heard().len(), tries, "too early");
        bench.advance(31).await;
    }
    let heard = merchant.hears(8).await;
    let over = settled(&bench).await;
    assert_eq!(over[0]["state"], "failed");
    assert_eq!(over[0]["tries"].as_array().map(Vec::len), Some(8));
    assert_eq!(over[0]["tries"][1]["status"], 201, "200 and no other");
    let ids: HashSet<_> = heard
        .iter()
        .map(|one| one.header("transmission-id"))
        .collect();
    assert_eq!(ids.len(), 1, "one transmission, however often it is tried");
    let counts: Vec<_> = heard
        .iter()
        .map(|one| one.header("transmission-retried-count").expect("a count"))
        .collect();
    assert_eq!(counts, ["0", "1", "2", "3", "4", "5", "6", "7"]);
    assert!(heard.iter().all(|one| one.text == heard[0].text));

    // Somebody presses the button.
    let again = json!({ "sequence": over[0]["sequence"] });
    bench.post("/_sandbox/webhooks/resend", again.clone()).await;
    merchant.hears(9).await;
    assert_eq!(settled(&bench).await[0]["state"], "failed");
    bench.post("/_sandbox/webhooks/resend", again).await;
    merchant.hears(10).await;
    assert_eq!(settled(&bench).await[0]["state"], "delivered");
    let unknown = json!({ "sequence": 99 });
    let reply = bench.post("/_sandbox/webhooks/resend", unknown).await;
    reply.refused(404, "NOT_FOUND");
}

/// Waits until what came of so many tries is known.
async fn recorded(bench: &Bench, tries: usize) {
    for _ in 0..500 {
        let all = deliveries(bench).await;
        if all[0]["tries"].as_array().map(Vec::len) == Some(tries) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{:#?}", deliveries(bench).await);
}

#[tokio::test]
async fn a_silent_merchant_keeps_nobody_waiting() {
    let (bench, merchant) = (
        Bench::with_settings(|settings| {
            settings.webhook_timeout_seconds = 1;
            settings.webhook_minute_milliseconds = 10;
            settings.webhook_success = WebhookSuccess::Any2xx;
        })
        .await,
        Merchant::default(),
    );
    register(&bench, &merchant.listen().await, Value::Null).await;
    merchant.answer(&[0, 204]);
    let begun = Instant::now();
    bench.paid("order-0001", 1000).await;
    assert!(begun.elapsed() < Duration::from_millis(900));
    merchant.hears(2).await;
    let over = settled(&bench).await;
    let tries = &over[0]["tries"];
    assert_eq!(
        (&tries[0]["status"], &tries[1]["status"]),
        (&Value::Null, &json!(204))
    );
    assert_ne!(tries[0]["problem"], Value::Null);
    assert_eq!(over[0]["state"], "delivered");
}

#[tokio::test]
async fn what_travels_may_come_twice_late_out_of_order_or_never() {
    let (bench, merchant) = connected().await;
    disturb(&bench, json!({ "duplicate": 1000 })).await;
    bench.paid("order-0001", 1000).await;
    let heard = merchant.hears(2).await;
    let id = |index: usize| heard[index].header("transmission-id");
    assert_eq!(id(0), id(1), "the same one");

    disturb(&bench, json!({ "lose": 1000 })).await;
    bench.paid("order-0002", 1000).await;
    let all = settled(&bench).await;
    assert_eq!((all.len(), &all[2]["state"]), (3, &json!("lost")));
    assert_eq!(merchant.heard().len(), 2);

    disturb(&bench, json!({ "reorder": 1000 })).await;
    bench.paid("order-0003", 1000).await;
    let reply = send(bench.api(Method::DELETE, "/_sandbox/webhooks/faults")).await;
    assert_eq!(reply.expect("an answer").status, 200);
    bench.paid("order-0004", 1000).await;
    let heard = merchant.hears(4).await;
    let order = |index: usize| heard[index].json()["data"]["orderId"].clone();
    assert_eq!(
        (order(2), order(3)),
        (json!("order-0004"), json!("order-0003"))
    );

    disturb(&bench, json!({ "delay": 1000 })).await;
    bench.paid("order-0005", 1000).await;
    merchant.hears(5).await;
    let senseless = json!({ "perMille": { "lose": 1001 } });
    let reply = bench.post("/_sandbox/webhooks/faults", senseless).await;
    assert_eq!(reply.status, 400, "{}", reply.text);
    let shown = bench.get("/_sandbox/webhooks/faults").await.json();
    assert_eq!(shown["perMille"]["delay"], 1000);
}

#[tokio::test]
async fn everybody_hears_what_they_asked_for_until_they_leave() {
    let bench = Bench::new().await;
    let (all, some, left) = (
        Merchant::default(),
        Merchant::default(),
        Merchant::default(),
    );
    register(&bench, &all.listen().await, Value::Null).await;
    register(&bench, &some.listen().await, json!(["BILLING_DELETED"])).await;
    let id = register(&bench, &left.listen().await, Value::Null).await;
    left.answer(&[500]);
    bench.paid("order-0001", 1000).await;
    all.hears(1).await;
    left.hears(1).await;
    let path = format!("/_sandbox/webhooks/{id}");
    let gone = send(bench.api(Method::DELETE, &path)).await;
    assert_eq!(gone.expect("an answer").status, 200);
    bench.advance(2 * MINUTE).await;
    bench.paid("order-0002", 1000).await;
    all.hears(2).await;
    let states = settled(&bench).await;
    let failed = states.iter().filter(|one| one["state"] == "failed").count();
    assert_eq!((states.len(), failed), (3, 1));
    assert_eq!((some.heard().len(), left.heard().len()), (0, 1));
    let again = send(bench.api(Method::DELETE, &path)).await;
    again.expect("an answer").refused(404, "NOT_FOUND");
}

#[tokio::test]
async fn what_is_owed_survives_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let kept = || Config {
        data: Some(folder.path().join("journal.jsonl")),
        ..config()
    };
    let (bench, merchant) = (Bench::with(kept()).await, Merchant::default());
    register(&bench, &merchant.listen().await, Value::Null).await;
    merchant.answer(&[500]);
    bench.paid("order-0001", 1000).await;
    merchant.hears(1).await;
    recorded(&bench, 1).await;
    bench.sandbox.shutdown().await;

    let bench = Bench::with(kept()).await;
    bench.advance(MINUTE).await;
    let heard = merchant.hears(2).await;
    assert_eq!(heard[0].text, heard[1].text);
    assert_eq!(heard[1].header("transmission-retried-count"), Some("1"));
    bench.paid("order-0002", 1000).await;
    merchant.hears(3).await;
    let all = settled(&bench).await;
    let sequences: Vec<_> = all.iter().map(|one| one["sequence"].clone()).collect();
    assert_eq!(sequences, [json!(1), json!(2)]);
}
