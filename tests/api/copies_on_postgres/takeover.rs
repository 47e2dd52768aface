//! What one copy does at a time is done by another when it dies.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Copies, OLD, Pace, ordered, unique, until};
use crate::rig::{answer, text};

/// Within which another copy goes on, whatever the settings say.
const TAKEN_OVER: Duration = Duration::from_secs(10);
/// Nothing here takes longer, however busy the machine is.
const LONG: Duration = Duration::from_secs(30);

async fn health(copies: &Copies, place: usize) -> Value {
    let ready = answer(copies.to(place, reqwest::Method::GET, "/health/ready")).await;
    assert_eq!(ready.status, 200, "{ready:?}");
    ready.body["data"].clone()
}

/// The lease of a job.
async fn lease(copies: &Copies, place: usize, job: &str) -> Value {
    let health = health(copies, place).await;
    let jobs = health["jobs"].as_array().cloned().unwrap_or_default();
    let found = jobs.into_iter().find(|found| found["name"] == job);
    found.unwrap_or_default()
}

/// Which copy does it now.
async fn holder(copies: &Copies, job: &str) -> usize {
    let mut found = None;
    let holds = async || {
        let lease = lease(copies, 0, job).await;
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

/// Whether a reader has told all there is; there is more only once it has a position.
fn has_told_all(copies: &Copies, reader: &str) -> bool {
    let readers = copies.lines(&["feed", "readers"]);
    let mut found = readers.iter().filter(|line| line["reader"] == reader);
    found
        .next()
        .is_some_and(|line| line["waitingSince"].is_null())
}

/// Prepares a payment, and waits until its event is told, behind `after`, which moves there.
async fn is_told(copies: &Copies, place: usize, after: &mut String) {
    let body = ordered(&unique(), json!({}));
    let prepared = copies
        .post(place, "/api/v1/payments", &unique(), &body)
        .await;
    assert_eq!(prepared.status, 201, "{prepared:?}");
    let payment = &prepared.body["data"]["paymentId"];
    loop {
        let path = format!("/api/v1/events?limit=100&wait=12{after}");
        let told = copies.get(place, &path, &copies.secret).await;
        let data = &told.body["data"];
        *after = format!("&after={}", text(&data["nextAfter"]));
        let events = data["events"].as_array().unwrap();
        assert!(!events.is_empty(), "nobody gave positions for 12 s");
        if events.iter().any(|event| event["paymentId"] == *payment) {
            return;
        }
    }
}

/// Each by the settings of an installation, and by a kill as a power cut would.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_is_killed_is_replaced_within_ten_seconds() {
    let mut copies = Copies::start(Pace::Whole).await;
    let mut after = String::new();
    is_told(&copies, 0, &mut after).await;
    // Who gives positions; who relays to the bus, here the one of the process; who writes webhooks.
    for job in ["sequencer", "in-process", "webhooks"] {
        let dies = holder(&copies, job).await;
        let stays = 1 - dies;
        let before = lease(&copies, stays, job).await;
        is_told(&copies, stays, &mut after).await;
        let now = lease(&copies, stays, job).await;
        assert_eq!(now["fence"], before["fence"], "both live: nobody took over");
        let killed = Instant::now();
        drop(copies.running[dies].take());
        let taken = async || {
            let health = health(&copies, stays).await;
            let now = lease(&copies, stays, job).await;
            now["holder"] == health["copy"] && now["fence"].as_i64() > before["fence"].as_i64()
        };
        until(TAKEN_OVER, taken).await;
        let took = killed.elapsed();
        assert!(took < TAKEN_OVER, "nobody was the {job} for {took:?}");
        assert!(
            took > Duration::from_secs(1),
            "the lease of the {job} was not waited for: {took:?}"
        );
        // It does the job, too.
        is_told(&copies, stays, &mut after).await;
        if job != "sequencer" {
            until(LONG, async || has_told_all(&copies, job)).await;
        }
        copies.open(dies, OLD);
    }
}
