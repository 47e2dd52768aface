//! Owns the proof of what fails without harming anybody else: messages that cannot be made, rows
//! that cannot be read, receivers that hang, endpoints that failed long ago.

use std::time::Duration;

use application::ports::store::{Feed as _, Payments as _, Webhooks as _};
use application::webhooks::{AtOnce, Edit, READER, Range, Terms};
use domain::Timestamp;
use domain::change::Change;
use domain::principal::Actor;
use domain::vault::Sealed;
use domain::webhook::{self, Endpoint, Outcome, Secrets, State, Status};
use tokio::time::{Instant, sleep};

use super::post::Manner;
use super::stand::{SHOP, Stand, seconds};
use crate::store::Fault;

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;
const OTHER: &str = "https://other.example/hooks";

/// Has an endpoint sign with something that nobody can open.
async fn spoil(stand: &Stand, endpoint: &Endpoint) {
    let stored = stand.stored(endpoint.id).await;
    let spoilt = Endpoint {
        secrets: Secrets {
            current: Sealed(b"spoilt".to_vec()),
            previous: None,
        },
        ..stored.next()
    };
    let update = webhook::Change::UpdateEndpoint {
        expected: stored.version,
        endpoint: Box::new(spoilt),
    };
    let update = Change::Webhook(Box::new(update));
    stand.it.memory.commit_now(&[update]).unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_signed_is_a_failed_try_and_no_fault_of_the_receiver() {
    let stand = Stand::patient(Terms::default().dead_after);
    let endpoint = stand.endpoint(SHOP, "").await.endpoint;
    spoil(&stand, &endpoint).await;
    stand.happen(1).await;
    seconds(60).await;
    let delivery = stand.deliveries(endpoint.id)[0];
    assert!(delivery.tries >= 1, "{delivery:?}");
    let attempts = stand.it.memory.attempts(&delivery.key, 9).await.unwrap();
    let last = &attempts[0];
    assert_eq!((last.outcome, last.status), (Outcome::Unmade, None));
    assert!(!last.detail.contains("spoilt"), "{last:?}");
    seconds(3 * DAY + 9 * HOUR).await;
    assert_eq!(stand.states(endpoint.id), [State::Failed]);
    let tries = stand.deliveries(endpoint.id)[0].tries;
    assert!((8..=100).contains(&tries), "by the ladder: {tries}");
    let stored = stand.stored(endpoint.id).await;
    assert_eq!(
        (stored.status, stored.failing_since),
        (Status::Enabled, None)
    );
    assert_eq!(stand.arrived(SHOP), []);
}

#[tokio::test(start_paused = true)]
async fn an_event_of_a_later_version_is_brought_once_it_can_be_read() {
    let stand = Stand::new();
    let id = stand.endpoint(SHOP, "").await.endpoint.id;
    stand.it.store.is(Fault::EventsUnreadable);
    stand.happen(1).await;
    seconds(30).await;
    let delivery = stand.deliveries(id)[0];
    let attempts = stand.it.memory.attempts(&delivery.key, 9).await.unwrap();
    assert_eq!(attempts.last().unwrap().outcome, Outcome::Unmade);
    stand.it.store.is(None);
    seconds(HOUR).await;
    assert_eq!(stand.states(id), [State::Delivered]);
    assert_eq!(stand.arrived(SHOP).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_cannot_be_read_stops_nobody_elses_events() {
    let stand = Stand::new();
    let other = stand.another();
    stand.endpoint(SHOP, "").await;
    let (url, events) = (OTHER.parse().unwrap(), "".parse().unwrap());
    let who = (other.scope, Actor::Merchant);
    stand.office().add(who, url, events).await.unwrap();
    let merchant = stand.who().0.merchant;
    stand.it.store.is(Fault::EndpointsUnreadable(merchant));
    stand.happen(1).await;
    stand.happen_to(&other, 3).await;
    seconds(30).await;
    assert_eq!(stand.arrived(OTHER).len(), 3);
    assert_eq!(stand.arrived(SHOP), []);
    let parked = stand.it.memory.parked(&READER, 0, 9).await.unwrap();
    assert_eq!(parked.len(), 1, "{parked:?}");
}

#[tokio::test(start_paused = true)]
async fn one_failure_after_a_quiet_week_disables_nobody() {
    let stand = Stand::patient(Terms::default().dead_after);
    let id = stand.endpoint(SHOP, "").await.endpoint.id;
    stand.it.receivers.behave(SHOP, Manner::Answers(500));
    stand.happen(1).await;
    seconds(HOUR).await;
    // Another takes its place in the log: it is failing, but nothing is tried any more.
    let since = stand.stored(id).await.failing_since;
    assert!(since.is_some());
    let waiting = stand.deliveries(id)[0];
    let given_up = webhook::Delivery {
        state: State::Failed,
        version: waiting.version + 1,
        ..waiting
    };
    let update = webhook::Change::UpdateDelivery {
        delivery: Box::new(given_up),
        expected: waiting.version,
    };
    let update = Change::Webhook(Box::new(update));
    stand.it.memory.commit_now(&[update]).unwrap();
    seconds(7 * DAY).await;
    assert_eq!(stand.stored(id).await.failing_since, since);
    stand.happen(1).await;
    seconds(HOUR).await;
    assert_eq!(stand.stored(id).await.status, Status::Enabled);
    stand.it.receivers.behave(SHOP, Manner::Takes);
    seconds(9 * HOUR).await;
    assert_eq!(stand.states(id), [State::Failed, State::Delivered]);
    assert_eq!(stand.stored(id).await.failing_since, None);
}

#[tokio::test(start_paused = true)]
async fn with_another_address_an_endpoint_begins_anew() {
    let stand = Stand::patient(Terms::default().dead_after);
    let id = stand.endpoint(SHOP, "").await.endpoint.id;
    stand.it.receivers.behave(SHOP, Manner::Answers(500));
    stand.happen(1).await;
    seconds(HOUR).await;
    assert!(stand.stored(id).await.failing_since.is_some());
    let edit = Edit {
        url: Some(OTHER.parse().unwrap()),
        enabled: Some(true),
        ..Edit::default()
    };
    let office = stand.office();
    office.change(stand.who(), id, &edit).await.unwrap();
    assert_eq!(stand.stored(id).await.failing_since, None);
    // Other events alone mend nothing.
    stand.it.receivers.behave(OTHER, Manner::Answers(500));
    seconds(9 * HOUR).await;
    assert!(stand.stored(id).await.failing_since.is_some());
    let edit = Edit {
        events: Some("payment.prepared".parse().unwrap()),
        ..Edit::default()
    };
    office.change(stand.who(), id, &edit).await.unwrap();
    assert!(stand.stored(id).await.failing_since.is_some());
}

#[tokio::test(start_paused = true)]
async fn what_happens_before_the_first_courier_comes_is_brought() {
    let stand = Stand::without_courier();
    stand.happen(2).await;
    let endpoint = stand.endpoint(SHOP, "").await.endpoint;
    stand.happen(3).await;
    seconds(600).await;
    stand.courier_comes();
    seconds(10).await;
    assert_eq!(stand.states(endpoint.id), [State::Delivered; 3]);
    assert_eq!(stand.arrived(SHOP).len(), 3);
}

#[tokio::test(start_paused = true)]
async fn receivers_that_hang_take_turns_and_leave_places() {
    let places = AtOnce {
        of_endpoint: 8,
        of_merchant: 8,
        of_all: 8,
    };
    let stand = Stand::of_terms(Terms {
        at_once: places,
        ..Terms::default()
    });
    let other = stand.another();
    let (url, events) = (OTHER.parse().unwrap(), "".parse().unwrap());
    let who = (other.scope, Actor::Merchant);
    stand.office().add(who, url, events).await.unwrap();
    stand.happen_to(&other, 1).await;
    seconds(5).await;
    assert_eq!(stand.arrived(OTHER).len(), 1, "it is prompt");
    let hang = |number: u64| format!("https://hangs.example/{number}");
    for number in 0..12 {
        stand.it.receivers.behave(&hang(number), Manner::Silent);
        stand.endpoint(&hang(number), "").await;
    }
    stand.happen(30).await;
    seconds(20).await;
    let begun = Instant::now();
    stand.happen_to(&other, 30).await;
    while stand.arrived(OTHER).len() < 31 {
        sleep(Duration::from_millis(50)).await;
    }
    let waited = begun.elapsed();
    assert!(waited < Duration::from_secs(3), "{waited:?}");
    seconds(60).await;
    for number in 0..12 {
        let tried = stand.arrived(&hang(number)).len();
        assert!(tried > 0, "{number} never had its turn");
    }
}

/// Appends an event whose message nobody would take.
async fn something_long(stand: &Stand, then: Timestamp) {
    let delivery = stand.it.memory.all_deliveries()[0];
    let payment = delivery.key.event.subject.payment().unwrap();
    let events = stand.it.memory.events(payment, 0, 9).await.unwrap();
    let mut event = events.last().unwrap().clone();
    event.sequence += 1;
    event.at = then;
    event.payload = format!("\"{}\"", "a".repeat(20_000)).into_bytes();
    let event = Change::AppendEvent(Box::new(event));
    stand.it.memory.commit_now(&[event]).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_range_says_how_much_of_it_cannot_be_sent() {
    let stand = Stand::new();
    let id = stand.endpoint(SHOP, "").await.endpoint.id;
    stand.happen(2).await;
    seconds(5).await;
    something_long(&stand, stand.office().clock.now()).await;
    seconds(5).await;
    let of = (stand.who().0, id);
    let range = Range {
        taken_too: true,
        ..Range::default()
    };
    let again = stand.office().redeliver_range(of, range).await.unwrap();
    assert_eq!((again.count, again.unsendable), (2, 1));
    assert_eq!(stand.deliveries(id).len(), 2, "and no row is made for it");
}

#[tokio::test(start_paused = true)]
async fn the_first_endpoint_begins_the_fan_out_once() {
    let stand = Stand::without_courier();
    let place = async || stand.it.memory.cursor(&READER).await.unwrap();
    stand.happen(2).await;
    assert_eq!(place().await, None);
    stand.endpoint(SHOP, "").await;
    let first = place().await.unwrap();
    assert_eq!(first, stand.it.memory.head().await.unwrap());
    stand.happen(2).await;
    stand.endpoint(OTHER, "").await;
    assert_eq!(place().await, Some(first), "whoever came first waits still");
    assert_ne!(first, stand.it.memory.head().await.unwrap());
}
