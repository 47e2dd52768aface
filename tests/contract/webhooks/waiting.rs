//! What waits and what is over: counted, and forgotten in its time.

use application::ports::store::Queue;
use domain::webhook::{Delivery, Endpoint, State, Status};

use super::deliveries::{delivery, updated};
use super::{endpoint, endpoint_of, logged, made};
use crate::samples::{at, tenant};
use crate::stores::{Tested, on_every_store};

on_every_store!(
    what_waits_is_counted,
    old_deliveries_are_forgotten_with_their_tries,
);

async fn what_waits_is_counted(tested: Tested) {
    let store = tested.store.as_ref();
    assert_eq!(store.queue().await.expect("read"), Queue::default());
    let tenant = tenant(store).await;
    let told = endpoint_of(store, &tenant).await;
    let failing = Endpoint {
        failing_since: Some(at(1)),
        ..endpoint(tenant.scope)
    };
    let dead = Endpoint {
        failing_since: Some(at(1)),
        status: Status::Dead,
        ..endpoint(tenant.scope)
    };
    let deleted = Endpoint {
        status: Status::Deleted,
        ..endpoint(tenant.scope)
    };
    store
        .commit(&[made(&failing), made(&dead), made(&deleted)])
        .await
        .expect("three more");
    delivery(store, (&tenant, &deleted), (9, 1)).await;
    delivery(store, (&tenant, &told), (1, 40)).await;
    delivery(store, (&tenant, &failing), (2, 30)).await;
    delivery(store, (&tenant, &dead), (3, 20)).await;
    let done = delivery(store, (&tenant, &told), (4, 10)).await;
    let done = Delivery {
        state: State::Delivered,
        version: 2,
        ..done
    };
    store.commit(&[updated(done, 1)]).await.expect("done");
    let expected = Queue {
        pending: 3,
        oldest_due: Some(at(30)),
        failing: 1,
    };
    assert_eq!(store.queue().await.expect("read"), expected);
}

async fn old_deliveries_are_forgotten_with_their_tries(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let told = endpoint_of(store, &tenant).await;
    let deleted = Endpoint {
        status: Status::Deleted,
        ..endpoint(tenant.scope)
    };
    store
        .commit(&[made(&deleted)])
        .await
        .expect("a deleted one");
    let mut all = Vec::new();
    // The later an event, the earlier its delivery ended.
    for (position, state) in [
        (1, State::Delivered),
        (2, State::Failed),
        (3, State::Delivered),
        (4, State::Failed),
        (5, State::Pending),
    ] {
        let made = delivery(store, (&tenant, &told), (position, 1)).await;
        let ended = Delivery {
            state,
            due_at: at(if state == State::Pending {
                1
            } else {
                210 - position
            }),
            version: 2,
            ..made
        };
        let tried = [updated(ended, 1), logged(&made)];
        store.commit(&tried).await.expect("a try");
        all.push(made);
    }
    let nobodys = delivery(store, (&tenant, &deleted), (9, 1)).await;
    let positions = async || -> Vec<i64> {
        let left = store.deliveries(told.id, None, None, 9).await;
        let left = left.expect("read");
        left.iter().map(|one| one.delivery.position).collect()
    };
    assert_eq!(store.sweep_deliveries(at(208), 1).await.expect("swept"), 1);
    assert_eq!(positions().await, [5, 3, 2, 1], "what ended first");
    let known = store.delivery(&nobodys.key).await.expect("read");
    assert!(known.is_some(), "after what is over");
    assert_eq!(store.sweep_deliveries(at(208), 9).await.expect("swept"), 2);
    assert_eq!(positions().await, [5, 2, 1]);
    assert_eq!(store.delivery(&nobodys.key).await.expect("read"), None);
    assert_eq!(store.sweep_deliveries(at(208), 9).await.expect("swept"), 0);
    let swept = store.sweep_deliveries(at(9_999), 9).await.expect("swept");
    assert_eq!(
        (swept, positions().await),
        (2, vec![5]),
        "what is owed stays"
    );
    for (made, tries) in all.iter().zip([0, 0, 0, 0, 1]) {
        let known = store.attempts(&made.key, 9).await.expect("read");
        assert_eq!(known.len(), tries);
    }
}
