//! What one copy does at a time is done by another when it dies.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Copies, OLD, Pace, ordered, unique, until};
use crate::rig::{answer, text};

/// Within which another copy goes on, whatever the settings say.
const TAKEN_OVER: Duration = Duration::from_secs(10);

async fn health(copies: &Copies, place: usize) -> Value {
    let ready = answer(copies.to(place, reqwest::Method::GET, "/health/ready")).await;
    assert_eq!(ready.status, 200, "{ready:?}");
    ready.body["data"].clone()
}

/// The lease of the sequencer.
async fn sequencer(copies: &Copies, place: usize) -> Value {
    let health = health(copies, place).await;
    let jobs = health["jobs"].as_array().cloned().unwrap_or_default();
    let found = jobs.into_iter().find(|job| job["name"] == "sequencer");
    found.unwrap_or_default()
}

/// Which copy gives positions now.
async fn holder(copies: &Copies) -> usize {
    let mut found = None;
    let holds = async || {
        let lease = sequencer(copies, 0).await;
        for place in 0..2 {
            if lease["held"] == true && health(copies, place).await["copy"] == lease["holder"] {
                found = Some(place);
            }
        }
        found.is_some()
    };
    until(TAKEN_OVER, holds).await;
    found.unwrap()
}

/// Prepares a payment, and waits until its event is told, behind `after`; the place then, and how
/// long it took.
async fn is_told(copies: &Copies, place: usize, after: &mut String) -> Duration {
    let body = ordered(&unique(), json!({}));
    let prepared = copies
        .post(place, "/api/v1/payments", &unique(), &body)
        .await;
    assert_eq!(prepared.status, 201, "{prepared:?}");
    let begun = Instant::now();
    let payment = &prepared.body["data"]["paymentId"];
    loop {
        let path = format!("/api/v1/events?limit=100&wait=12{after}");
        let told = copies.get(place, &path, &copies.secret).await;
        let data = &told.body["data"];
        *after = format!("&after={}", text(&data["nextAfter"]));
        let events = data["events"].as_array().unwrap();
        assert!(!events.is_empty(), "nobody gave positions for 12 s");
        if events.iter().any(|event| event["paymentId"] == *payment) {
            return begun.elapsed();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sequencer_that_is_killed_is_replaced_within_ten_seconds() {
    let mut copies = Copies::start(Pace::Whole).await;
    let mut after = String::new();
    is_told(&copies, 0, &mut after).await;
    for _ in 0..2 {
        let dies = holder(&copies).await;
        let stays = 1 - dies;
        let before = sequencer(&copies, stays).await;
        let took = is_told(&copies, stays, &mut after).await;
        assert!(took < Duration::from_secs(2), "{took:?} while both live");
        let killed = Instant::now();
        // As a power cut would.
        drop(copies.running[dies].take());
        is_told(&copies, stays, &mut after).await;
        let took = killed.elapsed();
        assert!(took < TAKEN_OVER, "nobody gave positions for {took:?}");
        assert!(
            took > Duration::from_secs(1),
            "its lease was not waited for: {took:?}"
        );
        // What a probe is told may be half a second old.
        let shown = async || {
            let health = health(&copies, stays).await;
            let now = sequencer(&copies, stays).await;
            now["holder"] == health["copy"] && now["fence"].as_i64() > before["fence"].as_i64()
        };
        until(Duration::from_secs(2), shown).await;
        copies.open(dies, OLD);
    }
}
