//! What copies share by way of Redis, and that nothing is different without it.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;
use tokio::time::sleep;

use super::{Copies, Pace, ordered, unique, until};
use crate::rig::{Answer, Listener, answer, text};
use crate::support::Redis;

const PAYMENTS: &str = "/api/v1/payments";
/// Nothing that waits for Redis waits for longer than this, the machine's own slowness included.
const ANSWERED: Duration = Duration::from_secs(5);
/// How long a copy looks for what it was not told.
const NOTICED: Duration = Duration::from_secs(20);

fn by(redis: &Redis) -> Vec<(&'static str, String)> {
    vec![
        ("REDIS_URL", redis.url()),
        ("PAYFLOW_REDIS__RESPONSE_TIMEOUT", "100ms".to_owned()),
        ("PAYFLOW_REDIS__CONNECT_TIMEOUT", "1s".to_owned()),
    ]
}

impl Copies {
    /// A number that a copy shows; none where it does not show it.
    async fn metric(&self, place: usize, name: &str) -> Option<f64> {
        let process = self.process(place);
        let url = text(&process.keys["metricsUrl"]);
        let shown = process.client.get(url).send().await.unwrap();
        let shown = shown.text().await.unwrap();
        let mut lines = shown.lines().filter(|line| line.starts_with(name));
        let (_, value) = lines.next()?.rsplit_once(' ')?;
        value.parse().ok()
    }

    async fn is_up(&self, place: usize) -> bool {
        let up = self.metric(place, "payflow_redis_up").await;
        let ready = answer(self.to(place, Method::GET, "/health/ready")).await;
        assert_eq!(ready.status, 200, "ready whatever Redis is: {ready:?}");
        let shown = &ready.body["data"]["redis"];
        assert!(*shown == "UP" || *shown == "AWAY", "{ready:?}");
        up == Some(1.0)
    }

    /// A payment at one copy, paid; and the request that did it.
    async fn approved(&self, place: usize) -> (String, String, serde_json::Value, Answer) {
        let (id, approval) = self.waiting(place, json!({})).await;
        let (path, key) = (format!("{PAYMENTS}/{id}/approve"), unique());
        let first = self.post(place, &path, &key, &approval).await;
        assert_eq!(first.status, 200, "{first:?}");
        (path, key, approval, first)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_at_the_other_copy_is_told_what_is_kept() {
    let redis = Redis::start();
    let copies = Copies::start_with(Pace::Whole, by(&redis)).await;
    let mut kept = 0.0;
    for round in 0..10 {
        let (path, key, approval, first) = copies.approved(round % 2).await;
        for place in [1 - round % 2, round % 2] {
            let again = copies.post(place, &path, &key, &approval).await;
            assert_eq!(again.header("idempotent-replayed"), "true", "{again:?}");
            assert_eq!((again.status, again.code()), (200, first.code()));
            assert_eq!(again.body["data"], first.body["data"]);
            // The same key for anything else is refused, by whatever is kept of it.
            let mut other = approval.clone();
            other["amount"] = 14_999.into();
            let refused = copies.post(place, &path, &key, &other).await;
            assert_eq!(refused.code(), "IDEMPOTENCY_KEY_REUSED", "{refused:?}");
        }
        // An answer that is lost in between is told by the database.
        redis.flush();
        let again = copies.post(0, &path, &key, &approval).await;
        assert_eq!(again.body["data"], first.body["data"]);
        for place in 0..2 {
            let replays = copies.metric(place, "payflow_redis_replays_total").await;
            kept += replays.expect("it is counted");
        }
        assert_eq!(copies.moved("capture").await, round + 1);
    }
    assert!(kept > 0.0, "Redis was never asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn both_take_from_the_same_limit() {
    let redis = Redis::start();
    let mut settings = by(&redis);
    settings.push(("PAYFLOW_LIMITS__MERCHANT_PER_SECOND", "20".to_owned()));
    let copies = Copies::start_with(Pace::Whole, settings).await;
    for _ in 0..5 {
        sleep(Duration::from_secs(2)).await;
        let failed = failures(&copies).await;
        let begun = Instant::now();
        let mut passed = 0_u32;
        for turn in 0..120 {
            let read = copies.get(turn % 2, PAYMENTS, &copies.secret).await;
            assert!(matches!(read.status, 200 | 429), "{read:?}");
            passed += u32::from(read.status == 200);
        }
        let filled = u32::try_from(begun.elapsed().as_millis() / 50).unwrap();
        // On a machine that is too busy for Redis to answer, each counts for itself.
        if failures(&copies).await > failed || filled > 60 {
            continue;
        }
        assert!(
            passed <= 20 + filled + 2,
            "{passed} of 120 in {filled} steps"
        );
        return;
    }
    panic!("the machine was too busy, five times");
}

async fn failures(copies: &Copies) -> f64 {
    let mut all = Vec::new();
    for place in 0..2 {
        for used in ["limit", "connect"] {
            let name = format!("payflow_redis_failures_total{{use=\"{used}\"}}");
            all.extend(copies.metric(place, &name).await);
        }
    }
    all.iter().sum()
}

/// Looked for once a second and by streams every fourth: whoever is told at once was rung.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_hears_at_once_what_happens_at_the_other() {
    let redis = Redis::start();
    let mut settings = by(&redis);
    settings.push(("PAYFLOW_FEED__POLL", "1s".to_owned()));
    let copies = Copies::start_with(Pace::Whole, settings).await;
    let mut waited = Duration::ZERO;
    for round in 0..6 {
        let (here, there) = (round % 2, 1 - round % 2);
        let (id, approval) = copies.waiting(here, json!({})).await;
        let stream = format!("{PAYMENTS}/{id}/stream");
        let request = copies.to(there, Method::GET, &stream);
        let mut listener = Listener::open(request.bearer_auth(&copies.secret)).await;
        listener.named("state").await;
        let path = format!("{PAYMENTS}/{id}/approve");
        let approved = copies.post(here, &path, &unique(), &approval).await;
        assert_eq!(approved.status, 200, "{approved:?}");
        let begun = Instant::now();
        while listener.named("event").await.data["to"] != "DONE" {}
        waited += begun.elapsed();
    }
    // Without a bell it is two and a half seconds each time, on average.
    assert!(waited < Duration::from_secs(6), "{waited:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_dies_changes_no_answer_and_is_shown() {
    let mut redis = Redis::start();
    let copies = Copies::start_with(Pace::Whole, by(&redis)).await;
    for place in 0..2 {
        until(NOTICED, async || copies.is_up(place).await).await;
    }
    let (path, key, approval, first) = copies.approved(0).await;
    for frozen in [false, true] {
        if frozen {
            redis.freeze();
        } else {
            redis.kill();
        }
        let begun = Instant::now();
        for turn in 0..6 {
            let asked = Instant::now();
            let again = copies.post(turn % 2, &path, &key, &approval).await;
            assert!(asked.elapsed() < ANSWERED, "{:?}", asked.elapsed());
            assert_eq!(again.header("idempotent-replayed"), "true", "{again:?}");
            assert_eq!(again.body["data"], first.body["data"]);
        }
        let (path, key, approval, first) = copies.approved(1).await;
        let again = copies.post(0, &path, &key, &approval).await;
        assert_eq!(again.body["data"], first.body["data"]);
        let body = ordered(&unique(), json!({}));
        let prepared = copies.post(0, PAYMENTS, &unique(), &body).await;
        assert_eq!(prepared.status, 201, "{prepared:?}");
        assert!(begun.elapsed() < NOTICED, "{:?}", begun.elapsed());
        for place in 0..2 {
            until(NOTICED, async || !copies.is_up(place).await).await;
        }
        if frozen {
            redis.thaw();
        } else {
            redis.restart();
        }
        for place in 0..2 {
            until(NOTICED, async || copies.is_up(place).await).await;
        }
    }
    assert_eq!(copies.moved("capture").await, 3);
}
