//! Deliveries: each event once to an endpoint, each in one hand, and what is written of a try under
//! its fence.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use application::ports::Store;
use application::ports::store::{CommitError, News};
use domain::change;
use domain::id::EndpointId;
use domain::webhook::{Change, Delivery, DeliveryKey, Endpoint, EventId, State, Status};

use super::{attempt, endpoint, endpoint_of, inserted, logged, made, written};
use crate::races::all_at_once;
use crate::samples::{self, Tenant, at, hold, tenant};
use crate::stores::{Tested, on_every_store};

on_every_store!(
    an_endpoint_gets_an_event_once,
    deliveries_are_listed_by_position,
    a_try_is_written_under_the_fence,
    a_delivery_is_in_one_hand,
    a_lease_that_is_over_is_anybodys,
    endpoints_with_something_due_are_found_in_turn,
    nothing_is_taken_of_an_endpoint_that_changed,
);

const MINUTE: Duration = Duration::from_mins(1);

pub(super) fn updated(delivery: Delivery, expected: i64) -> change::Change {
    written(Change::UpdateDelivery {
        delivery: Box::new(delivery),
        expected,
    })
}

/// An event of a new payment, and its delivery, due at a time.
pub(super) async fn delivery(
    store: &dyn Store,
    (tenant, endpoint): (&Tenant, &Endpoint),
    (position, due): (i64, i64),
) -> Delivery {
    let (payment, _) = samples::stored(store, tenant).await;
    let event = samples::event(&payment, 1);
    let key = DeliveryKey {
        endpoint: endpoint.id,
        event: EventId::of_payment(payment.facts.id, 1),
    };
    let delivery = Delivery {
        due_at: at(due),
        ..Delivery::new(key, position, at(100 + position))
    };
    let rows = [
        change::Change::AppendEvent(Box::new(event)),
        inserted(&delivery),
    ];
    store.commit(&rows).await.expect("a delivery");
    delivery
}

pub(super) async fn claimed(
    store: &dyn Store,
    endpoint: &Endpoint,
    now: i64,
    limit: u32,
) -> Vec<Delivery> {
    let claimed = store.claim_deliveries(endpoint, at(now), hold(MINUTE), limit);
    let claimed = claimed.await.expect("claimed");
    for one in &claimed {
        let id = one.delivery.key.event;
        let news = one.news.as_ref().expect("readable");
        let told = match news {
            News::Event(event) => EventId::of_payment(event.payment, event.sequence),
            News::Note(note) => note.event(),
        };
        assert_eq!(told, id);
    }
    claimed.into_iter().map(|one| one.delivery).collect()
}

async fn an_endpoint_gets_an_event_once(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let endpoint = endpoint_of(store, &tenant).await;
    let first = delivery(store, (&tenant, &endpoint), (3, 5)).await;
    let twice = Delivery {
        position: 4,
        ..first
    };
    let mut beside = first;
    beside.key.event.sequence = 2;
    for again in [first, twice, beside] {
        let again = store.commit(&[inserted(&again)]).await;
        assert!(matches!(again, Err(CommitError::Conflict)), "{again:?}");
    }
    let other = endpoint_of(store, &tenant).await;
    let mut elsewhere = first;
    elsewhere.key.endpoint = other.id;
    store
        .commit(&[inserted(&elsewhere)])
        .await
        .expect("to another endpoint");
    let found = store
        .delivery(&first.key)
        .await
        .expect("read")
        .expect("there");
    assert_eq!(found.delivery, first);
    let mut unknown = first.key;
    unknown.event.sequence = 9;
    assert_eq!(store.delivery(&unknown).await.expect("read"), None);
    let at_positions = store.deliveries_at(endpoint.id, &[1, 3, 7]).await;
    assert_eq!(at_positions.expect("read"), [first]);
}

async fn deliveries_are_listed_by_position(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let endpoint = endpoint_of(store, &tenant).await;
    for position in 1..=4 {
        let state = if position % 2 == 0 {
            State::Failed
        } else {
            State::Delivered
        };
        let found = delivery(store, (&tenant, &endpoint), (position, 1)).await;
        let done = Delivery {
            state,
            version: 2,
            ..found
        };
        store.commit(&[updated(done, 1)]).await.expect("done");
    }
    let positions = async |state, before, limit| -> Vec<i64> {
        let listed = store.deliveries(endpoint.id, state, before, limit).await;
        let listed = listed.expect("read");
        listed.iter().map(|one| one.delivery.position).collect()
    };
    assert_eq!(positions(None, None, 9).await, [4, 3, 2, 1]);
    assert_eq!(positions(None, None, 2).await, [4, 3]);
    assert_eq!(positions(None, Some(3), 9).await, [2, 1]);
    assert_eq!(positions(Some(State::Failed), None, 9).await, [4, 2]);
    assert_eq!(positions(Some(State::Failed), Some(4), 9).await, [2]);
    assert_eq!(positions(Some(State::Pending), None, 9).await, [0_i64; 0]);
}

async fn a_try_is_written_under_the_fence(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let endpoint = endpoint_of(store, &tenant).await;
    let made = delivery(store, (&tenant, &endpoint), (1, 5)).await;
    let held = claimed(store, &endpoint, 5, 9).await;
    assert_eq!(held, [Delivery { version: 2, ..made }]);
    let next = Delivery {
        version: 3,
        tries: 1,
        rung: 1,
        due_at: at(60),
        ..made
    };
    // Whoever had it before this claim writes nothing, not even of its try.
    let stale = store.commit(&[updated(next, 1), logged(&next)]).await;
    assert!(matches!(stale, Err(CommitError::Conflict)), "{stale:?}");
    assert_eq!(store.attempts(&made.key, 9).await.expect("read"), []);
    store
        .commit(&[updated(next, 2), logged(&next)])
        .await
        .expect("written");
    let read = store
        .delivery(&made.key)
        .await
        .expect("read")
        .expect("there");
    assert_eq!(read.delivery, next);
    assert_eq!(
        store.attempts(&made.key, 9).await.expect("read"),
        [attempt(&next)]
    );
    let again = store.commit(&[logged(&next)]).await;
    assert!(matches!(again, Err(CommitError::Conflict)), "{again:?}");
    // With the end of the try its hold is over.
    assert_eq!(claimed(store, &endpoint, 59, 9).await, []);
    assert_eq!(claimed(store, &endpoint, 60, 9).await.len(), 1);
}

async fn a_delivery_is_in_one_hand(tested: Tested) {
    let store = &tested.store;
    let tenant = tenant(store.as_ref()).await;
    let endpoint = endpoint_of(store.as_ref(), &tenant).await;
    let other = endpoint_of(store.as_ref(), &tenant).await;
    for position in 1..=20 {
        delivery(
            store.as_ref(),
            (&tenant, &endpoint),
            (position, 100 - position),
        )
        .await;
    }
    delivery(store.as_ref(), (&tenant, &other), (21, 1)).await;
    let oldest = claimed(store.as_ref(), &endpoint, 85, 2).await;
    let positions: Vec<i64> = oldest.iter().map(|one| one.position).collect();
    assert_eq!(positions, [20, 19], "the oldest due first");
    let endpoint = Arc::new(endpoint);
    let hand = |_| {
        let (store, endpoint) = (Arc::clone(store), Arc::clone(&endpoint));
        async move { claimed(store.as_ref(), &endpoint, 1_000, 4).await }
    };
    let hands = all_at_once((0..8).map(hand)).await;
    let mut seen = BTreeSet::new();
    for delivery in hands.into_iter().flatten() {
        assert!(seen.insert(delivery.position), "in two hands");
    }
    while let Some(delivery) = claimed(store.as_ref(), &endpoint, 1_000, 1).await.first() {
        assert!(seen.insert(delivery.position), "in two hands");
    }
    assert_eq!(seen.len(), 18);
}

async fn a_lease_that_is_over_is_anybodys(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let endpoint = endpoint_of(store, &tenant).await;
    delivery(store, (&tenant, &endpoint), (1, 5)).await;
    let short = store.claim_deliveries(&endpoint, at(5), hold(Duration::ZERO), 9);
    assert_eq!(short.await.expect("claimed").len(), 1);
    tokio::time::sleep(Duration::from_millis(5)).await;
    let taken = claimed(store, &endpoint, 5, 9).await;
    assert_eq!(taken[0].version, 3);
    assert_eq!(claimed(store, &endpoint, 5, 9).await, []);
}

async fn endpoints_with_something_due_are_found_in_turn(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let mut expected = Vec::new();
    for number in 0..5 {
        let endpoint = endpoint_of(store, &tenant).await;
        delivery(store, (&tenant, &endpoint), (10 + number, 50)).await;
        expected.push(endpoint.id);
    }
    expected.sort_unstable();
    let later = endpoint_of(store, &tenant).await;
    delivery(store, (&tenant, &later), (20, 99)).await;
    endpoint_of(store, &tenant).await;
    let disabled = Endpoint {
        status: Status::Disabled,
        ..endpoint(tenant.scope)
    };
    store
        .commit(&[made(&disabled)])
        .await
        .expect("a disabled one");
    delivery(store, (&tenant, &disabled), (21, 50)).await;
    let due = async |after, limit| -> Vec<EndpointId> {
        let found = store
            .endpoints_due(at(50), after, limit)
            .await
            .expect("read");
        found.iter().map(|endpoint| endpoint.id).collect()
    };
    assert_eq!(due(None, 9).await, expected);
    assert_eq!(due(None, 2).await, expected[..2]);
    assert_eq!(due(Some(expected[1]), 9).await, expected[2..]);
    let held = store
        .endpoint(expected[0])
        .await
        .expect("read")
        .expect("there");
    assert_eq!(claimed(store, &held, 50, 9).await.len(), 1);
    assert_eq!(due(None, 9).await, expected[1..], "what is held is not due");
}

async fn nothing_is_taken_of_an_endpoint_that_changed(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let seen = endpoint_of(store, &tenant).await;
    delivery(store, (&tenant, &seen), (1, 5)).await;
    let moved = Endpoint {
        url: "https://shop.example/v2".parse().expect("an address"),
        ..seen.next()
    };
    let deleted = Endpoint {
        status: Status::Deleted,
        ..moved.next()
    };
    let update = |endpoint: &Endpoint| {
        written(Change::UpdateEndpoint {
            endpoint: Box::new(endpoint.clone()),
            expected: endpoint.version - 1,
        })
    };
    store.commit(&[update(&moved)]).await.expect("moved");
    assert_eq!(claimed(store, &seen, 9, 9).await, []);
    store.commit(&[update(&deleted)]).await.expect("deleted");
    for stale in [&seen, &moved, &deleted] {
        assert_eq!(claimed(store, stale, 9, 9).await, []);
    }
    let again = Endpoint {
        status: Status::Enabled,
        ..deleted.next()
    };
    store.commit(&[update(&again)]).await.expect("enabled");
    assert_eq!(claimed(store, &again, 9, 9).await.len(), 1);
}
