//! A Redis that is flushed, killed or frozen: whoever asks goes on at once, by what this process
//! knows, and shares again once it is back.

use std::sync::atomic::Ordering;
use std::time::Duration;

use application::ports::repeats::{Heard, Reach};
use application::ports::{RateLimiter as _, Repeats as _};

use crate::rig::{Copy, asked, rate, servers, ticket, until};
use crate::support::Redis;

/// How long Redis may take in here to answer.
const RESPONSE: Duration = Duration::from_millis(40);
const HOURS: Duration = Duration::from_hours(10);

/// Ten requests that are answered by what this process knows.
async fn ten_requests(copy: &Copy, name: &str) {
    for number in 0..10 {
        let one = asked(&format!("{name}-{number}"));
        let mine = ticket(&copy.repeats.begin(&one).await);
        let twin = copy.repeats.begin(&one).await;
        assert!(matches!(twin, Heard::UnderWay { .. }), "{twin:?}");
        copy.repeats.end(&one, mine, Some(b"answer")).await;
        // In this process there are no answers.
        let again = ticket(&copy.repeats.begin(&one).await);
        copy.repeats.end(&one, again, None).await;
        let taken = copy.limiter.take(servers(1), rate(100, HOURS)).await;
        assert_eq!(taken, Ok(()));
    }
}

/// The first use found out, within one timeout; none after it asked, or waited for anything.
fn assert_away(copy: &Copy) {
    assert!(!copy.link.is_up() && !copy.counts.up.load(Ordering::SeqCst));
    assert_eq!(copy.repeats.reach(), Reach::Cut);
    assert_eq!(copy.failures(), 1, "only the first use waited");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_one_costs_nothing_and_is_used_again_when_it_is_back() {
    let mut server = Redis::start();
    let mut copy = Copy::of(&server, RESPONSE).await;
    assert_eq!(copy.repeats.reach(), Reach::Copies);
    server.kill();
    ten_requests(&copy, "killed").await;
    assert_away(&copy);
    let failed = copy.failures();
    ten_requests(&copy, "away").await;
    assert_eq!(copy.failures(), failed, "nobody asks while it is away");
    copy.keep();
    server.restart();
    until("there is no connection again", || copy.link.is_up()).await;
    assert!(copy.counts.up.load(Ordering::SeqCst));
    let mine = ticket(&copy.repeats.begin(&asked("back")).await);
    copy.repeats
        .end(&asked("back"), mine, Some(b"answer"))
        .await;
    let heard = copy.repeats.begin(&asked("back")).await;
    assert!(
        matches!(heard, Heard::Answered(_)) || !copy.link.is_up(),
        "{heard:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_one_costs_one_timeout() {
    let server = Redis::start();
    let mut copy = Copy::of(&server, RESPONSE).await;
    server.freeze();
    ten_requests(&copy, "frozen").await;
    assert_away(&copy);
    // It still takes connections; one on which nothing can be written is none.
    copy.link.connect().await;
    assert!(!copy.link.is_up());
    server.thaw();
    copy.keep();
    until("there is no connection again", || copy.link.is_up()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flushed_one_has_forgotten_and_nobody_fails() {
    let server = Redis::start();
    let (copy, other) = (Copy::patient(&server).await, Copy::patient(&server).await);
    let (answered, running) = (asked("answered"), asked("running"));
    let mine = ticket(&copy.repeats.begin(&answered).await);
    copy.repeats.end(&answered, mine, Some(b"answer")).await;
    let first = ticket(&copy.repeats.begin(&running).await);
    let one = rate(1, HOURS);
    assert_eq!(copy.limiter.take(servers(1), one).await, Ok(()));
    server.flush();
    server.say("SCRIPT FLUSH");
    let again = ticket(&other.repeats.begin(&answered).await);
    other.repeats.end(&answered, again, None).await;
    let second = ticket(&other.repeats.begin(&running).await);
    assert_eq!(other.limiter.take(servers(1), one).await, Ok(()));
    // Whoever had it before the flush ends nothing of who has it now.
    copy.repeats.end(&running, first, None).await;
    let heard = copy.repeats.begin(&running).await;
    assert!(matches!(heard, Heard::UnderWay { .. }), "{heard:?}");
    other.repeats.end(&running, second, None).await;
    assert_eq!((copy.failures(), other.failures()), (0, 0));
}

/// A replica takes connections and questions, and keeps nothing.
#[tokio::test(flavor = "multi_thread")]
async fn one_that_only_reads_is_none() {
    let server = Redis::start();
    let copy = Copy::patient(&server).await;
    assert_eq!(server.say("REPLICAOF 127.0.0.1 1"), "+OK");
    ten_requests(&copy, "read-only").await;
    assert_eq!(copy.repeats.reach(), Reach::Cut);
    copy.link.connect().await;
    assert!(!copy.link.is_up());
    assert_eq!(server.say("REPLICAOF NO ONE"), "+OK");
    copy.link.connect().await;
    assert!(copy.link.is_up());
}
