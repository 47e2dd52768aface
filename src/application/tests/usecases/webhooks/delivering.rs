//! Owns the proof of what is brought to whom, and when again.

use std::collections::BTreeSet;
use std::time::Duration;

use application::ports::store::Webhooks as _;
use application::webhooks::Terms;
use domain::change::Hold;
use domain::id::{RawId, WorkerId};
use domain::principal::Actor;
use domain::webhook::{Outcome, State, Status};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::post::Manner;
use super::stand::{SHOP, Stand, seconds};

const OTHER: &str = "https://other.example/hooks";
const HOUR: u64 = 3_600;
/// Longer than any of these tests takes.
const DAYS: Duration = Duration::from_hours(1_000);

#[tokio::test(start_paused = true)]
async fn each_event_reaches_each_endpoint_that_wants_it_once() {
    let stand = Stand::new();
    stand.happen(2).await;
    let all = stand.endpoint(SHOP, "").await.endpoint;
    let some = stand
        .endpoint(OTHER, "payment.canceled,payment.expired")
        .await
        .endpoint;
    stand.happen(30).await;
    seconds(5).await;
    let arrived = stand.arrived(SHOP);
    assert_eq!(
        arrived.len(),
        30,
        "what happened before it was there is not told"
    );
    let ids: BTreeSet<&str> = arrived.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(ids.len(), 30);
    for one in &arrived {
        let told: Value = serde_json::from_slice(&one.body).unwrap();
        assert_eq!(told["data"]["eventId"], one.id.as_str());
        assert_eq!(told["type"], "payment.prepared");
    }
    assert_eq!(stand.states(all.id), [State::Delivered; 30]);
    assert_eq!(stand.deliveries(some.id), []);
    // An hour later, when the payments expire, both are told.
    stand
        .it
        .tasks
        .spawn(std::sync::Arc::clone(&stand.it.app).expire_continuously());
    seconds(HOUR + 60).await;
    assert_eq!(stand.arrived(OTHER).len(), 32);
    assert_eq!(stand.arrived(SHOP).len(), 62);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_told_of_anothers_events() {
    let stand = Stand::new();
    let other = stand.another();
    stand.endpoint(SHOP, "").await;
    stand.happen_to(&other, 3).await;
    seconds(5).await;
    assert_eq!(stand.arrived(SHOP), []);
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_comes_back_gets_what_it_missed() {
    let stand = Stand::patient(DAYS);
    let id = stand.endpoint(SHOP, "").await.endpoint.id;
    stand.it.receivers.behave(SHOP, Manner::Answers(500));
    stand.happen(1).await;
    seconds(6 * HOUR).await;
    let tries = stand.arrived(SHOP).len();
    assert!((8..=60).contains(&tries), "{tries}");
    assert!(stand.stored(id).await.failing_since.is_some());
    stand.it.receivers.behave(SHOP, Manner::Takes);
    seconds(9 * HOUR).await;
    assert_eq!(stand.states(id), [State::Delivered]);
    assert_eq!(stand.stored(id).await.failing_since, None);
    let key = stand.deliveries(id)[0].key;
    let attempts = stand.it.memory.attempts(&key, 100).await.unwrap();
    assert_eq!(attempts.len(), tries + 1);
    assert_eq!(attempts[0].outcome, Outcome::Taken);
    assert_eq!(attempts[0].number, i64::try_from(tries + 1).unwrap());
    let refused = attempts[1..].iter();
    assert!(
        refused
            .clone()
            .all(|one| (one.outcome, one.status) == (Outcome::Refused, Some(500)))
    );
    let ids: BTreeSet<String> = stand.arrived(SHOP).into_iter().map(|one| one.id).collect();
    assert_eq!(ids.len(), 1, "the same name at every try");
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_asks_for_peace_gets_it() {
    let stand = Stand::new();
    stand.endpoint(SHOP, "").await;
    stand.it.receivers.behave(SHOP, Manner::Busy(600));
    stand.happen(1).await;
    seconds(60).await;
    assert_eq!(stand.arrived(SHOP).len(), 1);
    stand.happen(20).await;
    seconds(500).await;
    assert_eq!(stand.arrived(SHOP).len(), 1, "nor is it told anything else");
    stand.it.receivers.behave(SHOP, Manner::Takes);
    seconds(120).await;
    assert_eq!(stand.arrived(SHOP).len(), 22);
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_is_gone_is_told_no_more() {
    let stand = Stand::new();
    let id = stand.endpoint(SHOP, "").await.endpoint.id;
    stand.it.receivers.behave(SHOP, Manner::Answers(410));
    stand.happen(1).await;
    seconds(5).await;
    assert_eq!(stand.stored(id).await.status, Status::Gone);
    stand.happen(3).await;
    seconds(HOUR).await;
    assert_eq!(stand.arrived(SHOP).len(), 1);
    assert_eq!(stand.states(id), [State::Failed]);
    let deeds = stand.notes(id).await;
    assert_eq!(deeds.last(), Some(&("GONE".to_owned(), Actor::System)));
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_takes_nothing_for_days_is_told_no_more() {
    let stand = Stand::patient(Terms::default().dead_after);
    let id = stand.endpoint(SHOP, "").await.endpoint.id;
    stand.it.receivers.behave(SHOP, Manner::Silent);
    stand.happen(5).await;
    seconds(59 * HOUR).await;
    assert_eq!(stand.stored(id).await.status, Status::Enabled);
    seconds(13 * HOUR).await;
    assert_eq!(stand.stored(id).await.status, Status::Dead);
    let deeds = stand.notes(id).await;
    assert_eq!(deeds.last(), Some(&("DEAD".to_owned(), Actor::System)));
    let tried = stand.arrived(SHOP).len();
    seconds(24 * HOUR).await;
    assert_eq!(stand.arrived(SHOP).len(), tried);
    // Whoever looks after it enables it, and what waits is brought.
    stand.it.receivers.behave(SHOP, Manner::Takes);
    stand.enable(id, true).await;
    seconds(60).await;
    assert_eq!(stand.states(id), [State::Delivered; 5]);
}

#[tokio::test(start_paused = true)]
async fn a_delivery_is_given_up_after_its_span() {
    let stand = Stand::patient(DAYS);
    let id = stand.endpoint(SHOP, "").await.endpoint.id;
    stand.it.receivers.behave(SHOP, Manner::Answers(500));
    stand.happen(1).await;
    seconds(71 * HOUR).await;
    assert_eq!(stand.states(id), [State::Pending]);
    seconds(2 * HOUR).await;
    assert_eq!(stand.states(id), [State::Failed]);
    let given_up = stand.deliveries(id)[0];
    let attempts = stand.it.memory.attempts(&given_up.key, 200).await.unwrap();
    let last = attempts[0].at.signed_duration_since(given_up.began_at);
    assert_eq!(last.num_hours(), 72, "the last try is made at the very end");
    assert_eq!(stand.stored(id).await.status, Status::Enabled);
}

#[tokio::test(start_paused = true)]
async fn a_slow_receiver_delays_nobody_else() {
    let stand = Stand::new();
    let other = stand.another();
    let slow = stand.endpoint(SHOP, "").await.endpoint;
    let (url, events) = (OTHER.parse().unwrap(), "".parse().unwrap());
    let who = (other.scope, Actor::Merchant);
    let prompt = stand.office().add(who, url, events).await.unwrap().endpoint;
    stand
        .it
        .receivers
        .behave(SHOP, Manner::TakesAfter(Duration::from_secs(14)));
    stand.happen(300).await;
    seconds(10).await;
    let begun = Instant::now();
    stand.happen_to(&other, 300).await;
    while stand.arrived(OTHER).len() < 300 {
        sleep(Duration::from_millis(50)).await;
    }
    assert!(
        begun.elapsed() < Duration::from_secs(3),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(
        stand.it.receivers.at_once(SHOP),
        4,
        "an eighth of its places"
    );
    assert!(stand.it.receivers.at_once(OTHER) <= 32);
    assert_eq!(stand.states(prompt.id).len(), 300);
    seconds(HOUR).await;
    assert_eq!(
        stand.states(slow.id),
        [State::Delivered; 300],
        "it gets everything, too"
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_dead_process_held_is_brought_by_another() {
    let stand = Stand::new();
    let id = stand.endpoint(SHOP, "").await.endpoint.id;
    stand.it.receivers.behave(SHOP, Manner::Busy(30));
    stand.happen(1).await;
    seconds(5).await;
    // Somebody else takes it when it is due again, and is never heard of any more.
    let now = stand.office().clock.now() + chrono::TimeDelta::hours(1);
    let hold = Hold {
        holder: WorkerId::new(RawId::from_parts(7, 7)),
        lease: Duration::from_mins(2),
    };
    let endpoint = stand.stored(id).await;
    let taken = stand.it.memory.claim_deliveries(&endpoint, now, hold, 9);
    let taken = taken.await.unwrap();
    assert_eq!(taken.len(), 1);
    stand.it.receivers.behave(SHOP, Manner::Takes);
    seconds(110).await;
    assert_eq!(stand.arrived(SHOP).len(), 1);
    seconds(20).await;
    assert_eq!(stand.arrived(SHOP).len(), 2);
    assert_eq!(stand.states(id), [State::Delivered]);
}
