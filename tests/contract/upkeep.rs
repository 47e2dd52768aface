//! What upkeep asks of the store: sagas that are stuck, and keys that are past their time.

use application::ports::Store;
use application::ports::store::SagaAfter;
use domain::change::Change;
use domain::id::SagaId;
use domain::idempotency::{IssuedKey, Reservation};
use domain::saga::{self, Outcome, Phase, Saga};

use crate::samples::{self, at, tenant};
use crate::stores::{Tested, on_every_store};

on_every_store!(
    stuck_sagas_are_walked_oldest_first,
    keys_past_their_time_are_forgotten,
    keys_are_forgotten_in_batches,
    keys_that_nobody_used_are_forgotten,
    two_sweeps_forget_each_key_once,
);

fn closed(open: &Saga, outcome: Outcome) -> Change {
    samples::progress(&samples::moved(open, |progress| {
        progress.phase = Phase::Closed;
        progress.outcome = Some(outcome);
    }))
}

async fn walked(store: &dyn Store, after: Option<&Saga>, limit: u32) -> Vec<SagaId> {
    let after = after.map(|saga| SagaAfter {
        created_at: saga.head.created_at,
        id: saga.head.id,
    });
    let found = store.stuck_sagas(at(50), after, limit).await.expect("read");
    found.iter().map(|saga| saga.head.id).collect()
}

async fn stuck_sagas_are_walked_oldest_first(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let (payment, order) = samples::stored(store, &tenant).await;
    let made = |created: i64| {
        let mut saga = samples::saga(&payment, &order, saga::Kind::Reversal);
        saga.head.created_at = at(created);
        saga
    };
    let last = made(50);
    let (one, two) = (made(30), made(30));
    let over = made(20);
    let first = made(10);
    let young = made(51);
    let sagas = [&last, &one, &two, &over, &first, &young];
    // Held or not, and whatever they do next: a saga is as old as its creation.
    let mut changes = sagas.map(|saga| samples::open(saga, None)).to_vec();
    changes[0] = samples::open(
        &last,
        Some(samples::hold(std::time::Duration::from_mins(1))),
    );
    store.commit(&changes).await.expect("opened");
    let end = closed(&over, Outcome::Reversed);
    store.commit(&[end]).await.expect("closed");

    let expected = [&first, &one, &two, &last].map(|saga| saga.head.id);
    assert_eq!(walked(store, None, 9).await, expected);
    assert_eq!(walked(store, None, 2).await, expected[..2]);
    // Between two of the same instant the id decides.
    assert_eq!(walked(store, Some(&one), 9).await, expected[2..]);
    assert_eq!(walked(store, Some(&last), 9).await, []);
    let read = store.stuck_sagas(at(50), None, 1).await.expect("read");
    assert_eq!(read, [first], "as it is stored");
}

/// A payment of its own with a saga of this kind, over or not, and the key that waits for it.
async fn keyed(store: &dyn Store, kind: saga::Kind, end: Option<Outcome>) -> Reservation {
    let tenant = tenant(store).await;
    let (payment, order) = samples::stored(store, &tenant).await;
    let saga = samples::saga(&payment, &order, kind);
    let key = samples::reservation(&payment, Some(saga.head.id));
    let opened = [
        samples::open(&saga, None),
        Change::ReserveKey(Box::new(key.clone())),
    ];
    store.commit(&opened).await.expect("opened");
    if let Some(outcome) = end {
        let finished = Change::FinishKey {
            saga: saga.head.id,
            outcome: b"v1".to_vec(),
        };
        let changes = [closed(&saga, outcome), finished];
        store.commit(&changes).await.expect("closed");
    }
    key
}

/// The key of work that needed no saga, first used then.
async fn unsaga(store: &dyn Store, created: i64) -> Reservation {
    let tenant = tenant(store).await;
    let (payment, _) = samples::stored(store, &tenant).await;
    let mut key = samples::reservation(&payment, None);
    key.created_at = at(created);
    // None had to move.
    key.payment = None;
    let reserve = Change::ReserveKey(Box::new(key.clone()));
    store.commit(&[reserve]).await.expect("reserved");
    key
}

async fn is_kept(store: &dyn Store, key: &Reservation) -> bool {
    let found = store.reservation(&key.key).await.expect("read");
    found.is_some()
}

async fn keys_past_their_time_are_forgotten(tested: Tested) {
    let store = tested.store.as_ref();
    let (approval, cancellation) = (saga::Kind::Approval, saga::Kind::Cancellation);
    let declined = Outcome::Declined(samples::decline(domain::decline::Class::Buyer));
    // All of them first used at 40, where nothing else is said.
    let approved = keyed(store, approval, Some(Outcome::Approved)).await;
    let refused = keyed(store, approval, Some(declined)).await;
    let open = keyed(store, approval, None).await;
    let canceled = keyed(store, cancellation, Some(Outcome::Canceled)).await;
    let canceling = keyed(store, cancellation, None).await;
    let (prepared, young, older) = (
        unsaga(store, 40).await,
        unsaga(store, 41).await,
        unsaga(store, 39).await,
    );

    let sweep = |from, before| store.sweep_keys(at(from)..at(before), 99);
    assert_eq!(sweep(0, 39).await.expect("swept"), 0);
    assert_eq!(sweep(40, 41).await.expect("swept"), 3);
    assert_eq!(sweep(40, 41).await.expect("swept"), 0, "they are gone");
    for (key, kept) in [
        (&approved, false),
        (&refused, false),
        (&prepared, false),
        (&open, true),
        (&canceled, true),
        (&canceling, true),
        (&young, true),
        (&older, true),
    ] {
        assert_eq!(is_kept(store, key).await, kept, "{key:?}");
    }
    let saga = approved.saga.expect("a saga");
    let saga = store.saga(saga).await.expect("read");
    assert!(saga.is_some(), "only the key is forgotten");
}

async fn keys_that_nobody_used_are_forgotten(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let (payment, _) = samples::stored(store, &tenant).await;
    let mut all = Vec::new();
    for until in [60, 40, 50] {
        let issued = IssuedKey {
            key: samples::reservation(&payment, None).key,
            expires_at: at(until),
            created_at: at(1),
        };
        let issue = Change::IssueKey(Box::new(issued.clone()));
        store.commit(&[issue]).await.expect("issued");
        all.push(issued);
    }
    let sweep = |before, limit| store.sweep_keys(at(0)..at(before), limit);
    assert_eq!(sweep(40, 9).await.expect("swept"), 0);
    assert_eq!(sweep(61, 1).await.expect("swept"), 1);
    assert_eq!(sweep(60, 9).await.expect("swept"), 1, "not at its end");
    for (issued, kept) in all.iter().zip([true, false, false]) {
        let found = store.issued_key(&issued.key).await.expect("read");
        assert_eq!(found.is_some(), kept, "{issued:?}");
    }
}

async fn keys_are_forgotten_in_batches(tested: Tested) {
    let store = tested.store.as_ref();
    let mut keys = Vec::new();
    for created in [5, 3, 1, 4, 2] {
        keys.push(unsaga(store, created).await);
    }
    keys.sort_by_key(|key| key.created_at);
    for (swept, kept) in [(2, 3), (2, 1), (1, 0)] {
        let all = at(0)..at(99);
        assert_eq!(store.sweep_keys(all, 2).await.expect("swept"), swept);
        for (place, key) in keys.iter().rev().enumerate() {
            assert_eq!(is_kept(store, key).await, place < kept, "oldest first");
        }
    }
}

async fn two_sweeps_forget_each_key_once(tested: Tested) {
    for created in 0..30 {
        unsaga(tested.store.as_ref(), created).await;
    }
    let sweeps = (0..4).map(|_| {
        let store = std::sync::Arc::clone(&tested.store);
        async move {
            let mut mine = 0;
            loop {
                let swept = store.sweep_keys(at(0)..at(99), 3).await.expect("swept");
                assert!(swept <= 3, "{swept} in a batch of 3");
                mine += swept;
                if swept == 0 {
                    return mine;
                }
            }
        }
    });
    let swept = crate::races::all_at_once(sweeps).await;
    let left = tested.store.sweep_keys(at(0)..at(99), 99).await;
    let left = left.expect("swept");
    assert_eq!(swept.iter().sum::<u64>() + left, 30, "{swept:?}, {left}");
}
