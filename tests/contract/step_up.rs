//! Step-up challenges: spent once and in time, with what they are for; known devices; their end.

use std::sync::Arc;

use application::ports::Store;
use application::ports::store::CommitError;
use domain::change::Change;
use domain::id::ChallengeId;
use domain::payment::Payment;
use domain::principal::{Mode, Scope};
use domain::step_up::{Action, Challenge, DeviceHash};
use domain::text::MemberId;

use crate::samples::{self, at, raw, tenant};
use crate::stores::{Tested, on_every_store};

on_every_store!(
    challenges_read_back_to_their_member,
    a_challenge_is_spent_once_and_in_time,
    what_it_is_for_comes_with_it_or_not_at_all,
    one_of_eight_spends_it,
    a_device_is_known_by_what_was_spent_on_it,
    challenges_past_their_time_are_forgotten_in_batches,
    two_sweeps_forget_each_challenge_once,
);

const DEVICE: DeviceHash = DeviceHash([7; 32]);

fn member(name: &str) -> MemberId {
    name.parse().expect("a member")
}

/// Asked at 100, until 280.
pub(crate) fn challenge(payment: &Payment) -> Challenge {
    Challenge {
        id: ChallengeId::new(raw()),
        scope: payment.facts.scope,
        member: member("member-1"),
        device: DEVICE,
        payment: payment.facts.id,
        action: Action::Approve,
        issued_at: at(100),
        expires_at: at(280),
        spent_at: None,
        kept_until: at(280),
    }
}

pub(crate) fn inserted(challenge: &Challenge) -> Change {
    Change::InsertChallenge(Box::new(challenge.clone()))
}

/// Spends it, to be remembered for a thousand seconds.
fn spent(challenge: &Challenge, seconds: i64) -> Change {
    Change::SpendChallenge {
        challenge: challenge.id,
        at: at(seconds),
        kept_until: at(seconds + 1_000),
    }
}

async fn payment(store: &dyn Store) -> Payment {
    let tenant = tenant(store).await;
    samples::stored(store, &tenant).await.0
}

/// A challenge that was asked.
async fn asked(store: &dyn Store) -> Challenge {
    let challenge = challenge(&payment(store).await);
    store.commit(&[inserted(&challenge)]).await.expect("asked");
    challenge
}

async fn read(store: &dyn Store, challenge: &Challenge) -> Option<Challenge> {
    let found = store.challenge(challenge.scope, &challenge.member, challenge.id);
    found.await.expect("read")
}

async fn conflicts(store: &dyn Store, changes: &[Change]) {
    let told = store.commit(changes).await;
    assert!(matches!(told, Err(CommitError::Conflict)), "{told:?}");
}

async fn challenges_read_back_to_their_member(tested: Tested) {
    let store = tested.store.as_ref();
    let payment = payment(store).await;
    for action in Action::ALL {
        let mut challenge = challenge(&payment);
        challenge.action = action;
        store.commit(&[inserted(&challenge)]).await.expect("asked");
        assert_eq!(read(store, &challenge).await.as_ref(), Some(&challenge));
        conflicts(store, &[inserted(&challenge)]).await;
        let elsewhere = Scope {
            mode: Mode::Live,
            ..challenge.scope
        };
        let another = samples::merchant().id;
        let another = Scope {
            merchant: another,
            ..challenge.scope
        };
        for (scope, name, id) in [
            (challenge.scope, "member-2", challenge.id),
            (challenge.scope, "MEMBER-1", challenge.id),
            (elsewhere, "member-1", challenge.id),
            (another, "member-1", challenge.id),
            (challenge.scope, "member-1", ChallengeId::new(raw())),
        ] {
            let found = store.challenge(scope, &member(name), id).await;
            assert_eq!(found.expect("read"), None, "{scope:?} {name} {id}");
        }
    }
}

async fn a_challenge_is_spent_once_and_in_time(tested: Tested) {
    let store = tested.store.as_ref();
    let challenge = asked(store).await;
    for late in [280, 281, 9_999] {
        conflicts(store, &[spent(&challenge, late)]).await;
    }
    assert_eq!(read(store, &challenge).await.as_ref(), Some(&challenge));
    let spends = [spent(&challenge, 279)];
    store.commit(&spends).await.expect("in time");
    let found = read(store, &challenge).await.expect("kept");
    assert_eq!(found.spent_at, Some(at(279)));
    assert_eq!(found.kept_until, at(1_279));
    for again in [101, 279, 280] {
        conflicts(store, &[spent(&challenge, again)]).await;
    }
    assert_eq!(read(store, &challenge).await, Some(found));
    let mut unknown = challenge;
    unknown.id = ChallengeId::new(raw());
    conflicts(store, &[spent(&unknown, 101)]).await;
}

async fn what_it_is_for_comes_with_it_or_not_at_all(tested: Tested) {
    let store = tested.store.as_ref();
    let payment = payment(store).await;
    let challenge = challenge(&payment);
    store.commit(&[inserted(&challenge)]).await.expect("asked");
    let (order, key) = (
        samples::order(&payment),
        samples::reservation(&payment, None),
    );
    let order = Change::InsertGatewayOrder(order);
    let key = Change::ReserveKey(Box::new(key));
    conflicts(store, &[key.clone(), order.clone(), spent(&challenge, 280)]).await;
    let changes = [key, order, spent(&challenge, 200)];
    store
        .commit(&changes)
        .await
        .expect("nothing of it was written before");
    // The key is taken: the proof of another challenge is not burnt.
    let mut other = challenge.clone();
    other.id = ChallengeId::new(raw());
    store.commit(&[inserted(&other)]).await.expect("asked");
    let [key, ..] = changes;
    conflicts(store, &[key, spent(&other, 200)]).await;
    assert_eq!(read(store, &other).await, Some(other));
}

async fn one_of_eight_spends_it(tested: Tested) {
    let store = &tested.store;
    let tenant = tenant(store.as_ref()).await;
    for _ in 0..10 {
        let (payment, _) = samples::stored(store.as_ref(), &tenant).await;
        let challenge = challenge(&payment);
        store.commit(&[inserted(&challenge)]).await.expect("asked");
        let rivals = (0..8).map(|_| {
            let store = Arc::clone(store);
            let order = Change::InsertGatewayOrder(samples::order(&payment));
            let changes = [order, spent(&challenge, 200)];
            async move {
                match store.commit(&changes).await {
                    Ok(()) => 1,
                    Err(CommitError::Conflict) => 0,
                    Err(error) => panic!("{error}"),
                }
            }
        });
        let won: u32 = crate::races::all_at_once(rivals).await.into_iter().sum();
        assert_eq!(won, 1);
        let orders = store.gateway_orders(payment.facts.id).await.expect("read");
        assert_eq!(orders.len(), 2, "the first, and the winner's");
    }
}

async fn a_device_is_known_by_what_was_spent_on_it(tested: Tested) {
    let store = tested.store.as_ref();
    let challenge = asked(store).await;
    let scope = challenge.scope;
    let known = async |scope, name: &str, device, since| {
        let member = member(name);
        let asked = store.is_known_device(scope, &member, device, at(since));
        asked.await.expect("read")
    };
    assert!(!known(scope, "member-1", DEVICE, 0).await, "only asked");
    let spends = [spent(&challenge, 200)];
    store.commit(&spends).await.expect("spent");
    assert!(known(scope, "member-1", DEVICE, 0).await);
    assert!(known(scope, "member-1", DEVICE, 199).await);
    assert!(!known(scope, "member-1", DEVICE, 200).await, "not since");
    assert!(!known(scope, "member-2", DEVICE, 0).await);
    assert!(!known(scope, "member-1", DeviceHash([8; 32]), 0).await);
    let live = Scope {
        mode: Mode::Live,
        ..scope
    };
    assert!(!known(live, "member-1", DEVICE, 0).await);
}

async fn challenges_past_their_time_are_forgotten_in_batches(tested: Tested) {
    let store = tested.store.as_ref();
    let payment = payment(store).await;
    let mut all = Vec::new();
    for end in [285, 283, 281, 284, 282] {
        let mut challenge = challenge(&payment);
        challenge.expires_at = at(end);
        challenge.kept_until = at(end);
        store.commit(&[inserted(&challenge)]).await.expect("asked");
        all.push(challenge);
    }
    let remembered = all[0].clone();
    let spends = [spent(&remembered, 200)];
    store.commit(&spends).await.expect("spent");
    let sweep = async |seconds, limit| {
        let swept = store.sweep_challenges(at(seconds), limit);
        swept.await.expect("swept")
    };
    assert_eq!(sweep(280, 9).await, 0);
    assert_eq!(sweep(281, 9).await, 1, "to the end, and not beyond");
    assert_eq!(sweep(999, 2).await, 2);
    assert!(read(store, &all[3]).await.is_some(), "oldest end first");
    assert_eq!(sweep(999, 2).await, 1);
    assert_eq!(sweep(1_199, 9).await, 0, "its device is known");
    assert!(read(store, &remembered).await.is_some());
    assert_eq!(sweep(1_200, 9).await, 1);
    for challenge in &all {
        assert_eq!(read(store, challenge).await, None);
    }
}

async fn two_sweeps_forget_each_challenge_once(tested: Tested) {
    let store = tested.store.as_ref();
    let payment = payment(store).await;
    for _ in 0..30 {
        let challenge = challenge(&payment);
        store.commit(&[inserted(&challenge)]).await.expect("asked");
    }
    let sweeps = (0..4).map(|_| {
        let store = Arc::clone(&tested.store);
        async move {
            let mut mine = 0;
            loop {
                let swept = store.sweep_challenges(at(999), 3).await.expect("swept");
                assert!(swept <= 3, "{swept} in a batch of 3");
                mine += swept;
                if swept == 0 {
                    return mine;
                }
            }
        }
    });
    let swept = crate::races::all_at_once(sweeps).await;
    let left = store.sweep_challenges(at(999), 99).await.expect("swept");
    assert_eq!(swept.iter().sum::<u64>() + left, 30, "{swept:?}, {left}");
}
