//! What endpoints are told of others: made with the note of it, beside the feed, brought and kept
//! like deliveries of events.

use application::ports::Store;
use application::ports::store::{Claimed, CommitError, News};
use domain::change;
use domain::principal::Actor;
use domain::webhook::{Change, Deed, Delivery, Endpoint, Note, State, Status};

use super::deliveries::{claimed, delivery, updated};
use super::{attempt, endpoint_of, inserted, logged, written};
use crate::samples::{at, hold, tenant};
use crate::stores::{Tested, on_every_store};

on_every_store!(
    a_notice_is_made_with_its_note_or_not_at_all,
    a_notice_is_brought_beside_events,
    notices_are_listed_behind_events,
    old_notices_are_forgotten_with_their_tries,
);

/// How an endpoint is disabled, and the note of it.
fn disabled(endpoint: &Endpoint, seconds: i64) -> (Vec<change::Change>, Note) {
    let next = Endpoint {
        status: Status::Dead,
        ..endpoint.next()
    };
    let note = next.note(Deed::Dead, Actor::System, at(seconds));
    let update = Change::UpdateEndpoint {
        endpoint: Box::new(next),
        expected: endpoint.version,
    };
    (vec![written(update), written(Change::Note(note))], note)
}

/// An endpoint that dies at a time, and who is told of it.
async fn notice(store: &dyn Store, about: &Endpoint, to: &Endpoint, seconds: i64) -> Delivery {
    let (mut changes, note) = disabled(about, seconds);
    let delivery = Delivery::of_note(to.id, &note);
    changes.push(inserted(&delivery));
    store.commit(&changes).await.expect("disabled");
    delivery
}

async fn a_notice_is_made_with_its_note_or_not_at_all(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let (first, second) = (
        endpoint_of(store, &tenant).await,
        endpoint_of(store, &tenant).await,
    );
    let told = endpoint_of(store, &tenant).await;
    let made = notice(store, &first, &told, 30).await;
    // In the same microsecond, hence at the same place.
    let (mut changes, note) = disabled(&second, 30);
    let same = Delivery::of_note(told.id, &note);
    assert_eq!(same.position, made.position);
    changes.push(inserted(&same));
    let refused = store.commit(&changes).await;
    assert!(matches!(refused, Err(CommitError::Conflict)), "{refused:?}");
    assert_eq!(store.delivery(&same.key).await.expect("read"), None);
    assert_eq!(store.notes(second.id, 9).await.expect("read"), []);
    let read = store.endpoint(second.id).await.expect("read");
    assert_eq!(read, Some(second.clone()));
    let later = notice(store, &second, &told, 31).await;
    assert!(made.position < later.position);
    // Nor is one made twice.
    let again = store.commit(&[inserted(&later)]).await;
    assert!(matches!(again, Err(CommitError::Conflict)), "{again:?}");
    let elsewhere = Delivery::of_note(first.id, &note);
    store
        .commit(&[inserted(&elsewhere)])
        .await
        .expect("to another endpoint");
}

async fn a_notice_is_brought_beside_events(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let about = endpoint_of(store, &tenant).await;
    let told = endpoint_of(store, &tenant).await;
    let event = delivery(store, (&tenant, &told), (1, 20)).await;
    let made = notice(store, &about, &told, 30).await;
    let due = store.endpoints_due(at(30), None, 9).await.expect("read");
    assert_eq!(due, std::slice::from_ref(&told));
    let minute = std::time::Duration::from_mins(1);
    let both = store.claim_deliveries(&told, at(30), hold(minute), 9);
    let [first, second]: [Claimed; 2] = both.await.expect("claimed").try_into().expect("both");
    assert_eq!(
        (first.delivery.key, second.delivery.key),
        (event.key, made.key)
    );
    assert!(matches!(first.news, Ok(News::Event(_))), "{first:?}");
    let (_, note) = disabled(&about, 30);
    assert_eq!(second.news, Ok(News::Note(note)));
    assert_eq!(second.delivery, Delivery { version: 2, ..made });
    assert_eq!(claimed(store, &told, 30, 9).await, [], "in one hand");
    let next = Delivery {
        version: 3,
        tries: 1,
        rung: 1,
        due_at: at(60),
        ..made
    };
    store
        .commit(&[updated(next, 2), logged(&next)])
        .await
        .expect("written");
    let read = store.delivery(&made.key).await.expect("read");
    let read = read.expect("there");
    assert_eq!(
        (read.delivery, read.kind.as_str()),
        (next, "webhook_endpoint.disabled")
    );
    let tries = store.attempts(&made.key, 9).await.expect("read");
    assert_eq!(tries, [attempt(&next)]);
    let again = claimed(store, &told, 60, 9).await;
    assert_eq!(again, [Delivery { version: 4, ..next }]);
}

async fn notices_are_listed_behind_events(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let told = endpoint_of(store, &tenant).await;
    let mut expected = Vec::new();
    for seconds in [30, 31] {
        let about = endpoint_of(store, &tenant).await;
        expected.push(notice(store, &about, &told, seconds).await);
    }
    for position in [1, 2] {
        expected.push(delivery(store, (&tenant, &told), (position, 1)).await);
    }
    expected.reverse();
    let listed = async |before, limit| {
        let listed = store.deliveries(told.id, None, before, limit).await;
        listed.expect("read")
    };
    let kinds: Vec<String> = listed(None, 9)
        .await
        .into_iter()
        .map(|one| one.kind)
        .collect();
    let noted = "webhook_endpoint.disabled";
    assert_eq!(
        kinds,
        ["payment.prepared", "payment.prepared", noted, noted]
    );
    let mut before = None;
    for wanted in expected {
        let page = listed(before, 1).await;
        assert_eq!(page[0].delivery, wanted);
        before = Some(wanted.position);
    }
    assert_eq!(listed(before, 1).await, []);
    let in_feed = store.deliveries_at(told.id, &[0, 1, 2, 3]).await;
    assert_eq!(in_feed.expect("read").len(), 2);
}

async fn old_notices_are_forgotten_with_their_tries(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let about = endpoint_of(store, &tenant).await;
    let told = endpoint_of(store, &tenant).await;
    let made = notice(store, &about, &told, 30).await;
    let done = Delivery {
        state: State::Delivered,
        version: 2,
        ..made
    };
    let tried = [updated(done, 1), logged(&made)];
    store.commit(&tried).await.expect("a try");
    assert_eq!(store.sweep_deliveries(at(30), 9).await.expect("swept"), 0);
    assert_eq!(store.sweep_deliveries(at(31), 9).await.expect("swept"), 1);
    assert_eq!(store.delivery(&made.key).await.expect("read"), None);
    assert_eq!(store.attempts(&made.key, 9).await.expect("read"), []);
    let notes = store.notes(about.id, 9).await.expect("read");
    assert_eq!(notes.len(), 1, "what was done stays");
}
