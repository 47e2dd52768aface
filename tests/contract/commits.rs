//! A commit is all or nothing, each change exactly one row, each unique key a conflict.

use std::sync::Arc;

use application::ports::Store;
use application::ports::store::CommitError;
use domain::change::Change;
use domain::id::SagaId;
use domain::merchant::KeyKind;
use domain::payment::{Payment, State};
use domain::saga::{self, Outcome, Phase};

use crate::races::all_at_once;
use crate::samples::{self, raw, tenant, won};
use crate::stores::{Tested, on_every_store};

on_every_store!(
    a_torn_commit_leaves_nothing,
    every_unique_key_is_a_conflict,
    one_open_saga_but_reversals,
    a_stale_fence_writes_nothing,
    two_updates_of_one_row_keep_their_order,
    an_empty_commit_is_fine,
    what_is_refused_takes_nobody_with_it,
);

async fn conflicts(store: &dyn Store, changes: &[Change]) {
    let refused = store.commit(changes).await;
    assert!(
        matches!(refused, Err(CommitError::Conflict)),
        "{refused:?} of {changes:?}"
    );
}

/// Many changes that are fine, around one that is not.
async fn a_torn_commit_leaves_nothing(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let (stored, _) = samples::stored(store, &tenant).await;
    let stale = samples::next(&samples::next(&stored, State::Expired), State::Expired);
    let payment = samples::ready(&tenant);
    let order = samples::order(&payment);
    let saga = samples::saga(&payment, &order, saga::Kind::Approval);
    let entry = samples::entry(&payment, None);
    let reservation = samples::reservation(&payment, Some(saga.head.id));
    let fine = vec![
        samples::insert(&payment),
        Change::InsertGatewayOrder(order.clone()),
        samples::open(&saga, None),
        Change::InsertEntry(Box::new(entry)),
        Change::AppendEvent(Box::new(samples::event(&payment, 1))),
        Change::ReserveKey(Box::new(reservation.clone())),
    ];
    let nobody = SagaId::new(raw());
    let wrong = [
        samples::update(&stale),
        samples::progress(&samples::moved(&saga, |_| {})),
        Change::FinishKey {
            saga: nobody,
            outcome: Vec::new(),
        },
        Change::PinMerchantId {
            account: samples::account(tenant.scope).id,
            merchant_id: "x".to_owned(),
        },
    ];
    for (place, wrong) in wrong.into_iter().enumerate() {
        let mut changes = fine.clone();
        // The saga's stale update must not find the row that the same commit inserts.
        if place == 1 {
            changes.retain(|change| !matches!(change, Change::InsertSaga { .. }));
        }
        changes.insert(place, wrong);
        conflicts(store, &changes).await;
        assert_eq!(
            store.any_payment(payment.facts.id).await.expect("read"),
            None
        );
        assert_eq!(store.gateway_order(order.id).await.expect("read"), None);
        assert_eq!(store.saga(saga.head.id).await.expect("read"), None);
        assert_eq!(store.entries(payment.facts.id).await.expect("read"), []);
        assert_eq!(
            store.events(payment.facts.id, 0, 9).await.expect("read"),
            []
        );
        assert_eq!(
            store.reservation(&reservation.key).await.expect("read"),
            None
        );
    }
    store
        .commit(&fine)
        .await
        .expect("without the wrong one it is written");
    assert_eq!(
        store.any_payment(stored.facts.id).await.expect("read"),
        Some(stored)
    );
}

async fn every_unique_key_is_a_conflict(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let (payment, order) = samples::stored(store, &tenant).await;
    let merchant = samples::merchant();
    let key = samples::api_key(tenant.scope, KeyKind::Secret);
    let account = samples::account(tenant.scope);
    let saga = samples::saga(&payment, &order, saga::Kind::Reversal);
    let entry = samples::entry(&payment, None);
    let reservation = samples::reservation(&payment, Some(saga.head.id));
    let all = [
        Change::InsertMerchant(merchant),
        Change::InsertApiKey(Box::new(key.clone())),
        Change::InsertGatewayAccount(account),
        samples::open(&saga, None),
        Change::InsertEntry(Box::new(entry.clone())),
        Change::AppendEvent(Box::new(samples::event(&payment, 1))),
        Change::ReserveKey(Box::new(reservation.clone())),
    ];
    store.commit(&all).await.expect("the first time");
    for change in all {
        conflicts(store, &[change]).await;
    }
    conflicts(store, &[Change::InsertGatewayOrder(order)]).await;
    conflicts(store, &[samples::insert(&payment)]).await;

    // The same key under another id, and another key that differs in one column only.
    let mut same_order = samples::ready(&tenant);
    same_order
        .facts
        .order_id
        .clone_from(&payment.facts.order_id);
    conflicts(store, &[samples::insert(&same_order)]).await;
    let mut same_hash = samples::api_key(tenant.scope, KeyKind::Secret);
    same_hash.hash = key.hash;
    conflicts(store, &[Change::InsertApiKey(Box::new(same_hash))]).await;
    let mut same_saga = samples::reservation(&payment, Some(saga.head.id));
    same_saga.created_at = samples::at(41);
    conflicts(store, &[Change::ReserveKey(Box::new(same_saga))]).await;
    let mut same_movement = samples::entry(&payment, None);
    same_movement.payment_key = entry.payment_key.clone();
    conflicts(
        store,
        &[Change::InsertEntry(Box::new(same_movement.clone()))],
    )
    .await;
    // Money comes in once under one of the gateway's names, whatever the movement is called.
    same_movement.movement = domain::ledger::Movement::Cancel("t".parse().expect("a key"));
    let renamed = Change::InsertEntry(Box::new(same_movement.clone()));
    conflicts(store, &[renamed]).await;
    same_movement.transaction_key = Some("another".parse().expect("a key"));
    store
        .commit(&[Change::InsertEntry(Box::new(same_movement))])
        .await
        .expect("another movement");
    let mut other_member = reservation;
    "member-9".clone_into(&mut other_member.key.member);
    other_member.saga = Some(SagaId::new(raw()));
    store
        .commit(&[Change::ReserveKey(Box::new(other_member))])
        .await
        .expect("another member");
}

async fn one_open_saga_but_reversals(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let (payment, order) = samples::stored(store, &tenant).await;
    let new = |kind| samples::saga(&payment, &order, kind);
    let first = new(saga::Kind::Approval);
    store
        .commit(&[samples::open(&first, None)])
        .await
        .expect("the first");
    conflicts(store, &[samples::open(&new(saga::Kind::Approval), None)]).await;
    for _ in 0..2 {
        let reversal = samples::open(&new(saga::Kind::Reversal), None);
        store
            .commit(&[reversal])
            .await
            .expect("reversals may be many");
    }
    let closed = samples::moved(&first, |progress| {
        progress.phase = Phase::Closed;
        progress.outcome = Some(Outcome::Approved);
    });
    store
        .commit(&[samples::progress(&closed)])
        .await
        .expect("closed");
    let second = samples::open(&new(saga::Kind::Approval), None);
    store
        .commit(&[second])
        .await
        .expect("after the first is closed");
}

async fn a_stale_fence_writes_nothing(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let (payment, order) = samples::stored(store, &tenant).await;
    let saga = samples::saga(&payment, &order, saga::Kind::Approval);
    store
        .commit(&[samples::open(&saga, None)])
        .await
        .expect("opened");
    let moved = samples::moved(&saga, |progress| progress.asks = 1);
    store
        .commit(&[samples::progress(&moved)])
        .await
        .expect("moved");
    let late = samples::moved(&saga, |progress| progress.asks = 2);
    let done = samples::next(&payment, State::Expired);
    conflicts(store, &[samples::progress(&late), samples::update(&done)]).await;
    assert_eq!(store.saga(saga.head.id).await.expect("read"), Some(moved));
    assert_eq!(
        store.any_payment(payment.facts.id).await.expect("read"),
        Some(payment)
    );
}

/// A capture that was partly cancelled by others moves its payment twice in one commit.
async fn two_updates_of_one_row_keep_their_order(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let (payment, order) = samples::stored(store, &tenant).await;
    let saga = samples::saga(&payment, &order, saga::Kind::Approval);
    let state = State::InProgress { saga: saga.head.id };
    let waiting = samples::next(&payment, state);
    let done = Payment {
        captured: payment.facts.amount,
        captured_tax_free: payment.facts.tax_free,
        paid: Some(domain::payment::Paid {
            payment_key: "tgen_1".parse().expect("a key"),
            method: None,
            receipt_url: None,
        }),
        ..samples::next(
            &waiting,
            State::Done {
                approved_at: samples::at(50),
            },
        )
    };
    let partly = Payment {
        canceled: won(1),
        cancels: samples::cancels(1),
        ..samples::next(
            &done,
            State::PartialCanceled {
                approved_at: samples::at(50),
            },
        )
    };
    let changes = [
        samples::update(&waiting),
        samples::update(&done),
        samples::update(&partly),
    ];
    store.commit(&changes).await.expect("in their order");
    assert_eq!(
        store.any_payment(payment.facts.id).await.expect("read"),
        Some(partly)
    );
}

async fn an_empty_commit_is_fine(tested: Tested) {
    tested.store.commit(&[]).await.expect("nothing to write");
}

/// Commits that wait at the same time may share a transaction; what one of them does wrong is
/// told to that one alone.
async fn what_is_refused_takes_nobody_with_it(tested: Tested) {
    let store = &tested.store;
    let tenant = tenant(store.as_ref()).await;
    for round in 0..8_usize {
        let mut commits = Vec::new();
        for number in 0..48_usize {
            let (payment, _) = samples::stored(store.as_ref(), &tenant).await;
            let next = samples::next(&payment, State::Expired);
            let event = Change::AppendEvent(Box::new(samples::event(&payment, 1)));
            let (change, expected) = match (number + round) % 24 {
                // Somebody else was first.
                5 => {
                    let stale = samples::next(&next, State::Expired);
                    (samples::update(&stale), payment)
                }
                // A saga that nobody has.
                17 => {
                    let (saga, outcome) = (SagaId::new(raw()), Vec::new());
                    (Change::FinishKey { saga, outcome }, payment)
                }
                _ => (samples::update(&next), next),
            };
            let store = Arc::clone(store);
            commits.push(async move { (store.commit(&[event, change]).await, expected) });
        }
        for (told, expected) in all_at_once(commits.into_iter()).await {
            let id = expected.facts.id;
            let wrong = expected.state != State::Expired;
            match told {
                Ok(()) => assert!(!wrong),
                Err(CommitError::Conflict) => assert!(wrong),
                Err(error) => panic!("{error}"),
            }
            let read = store.any_payment(id).await.expect("read");
            assert_eq!(read, Some(expected));
            let events = store.events(id, 0, 9).await.expect("read");
            assert_eq!(events.len(), usize::from(!wrong));
        }
    }
}
