//! Billing keys: read back to their member only, moved under the fence, claimed by one worker at a
//! time, one default each; and charges, which know no payment key.

use std::collections::HashSet;
use std::time::Duration;

use application::ports::Store;
use application::ports::store::CommitError;
use domain::billing::{self, BillingKey, Card, Heard, Issued, Stage, Stored, Work};
use domain::change::Change;
use domain::decline::Class;
use domain::id::{BillingKeyId, GatewayOrderId};
use domain::payment::Payment;
use domain::principal::{Mode, Owner, Scope};
use domain::saga::{self, Intent, Outcome, Phase};
use domain::text::MemberId;
use domain::vault::Sealed;

use crate::samples::{self, at, raw, tenant};
use crate::stores::{Tested, on_every_store};

on_every_store!(
    every_stage_reads_back,
    keys_are_their_members,
    a_member_has_one_default,
    an_index_names_one_key,
    moves_are_fenced,
    calls_that_are_due_are_claimed_once,
    a_hold_is_renewed_and_released,
    a_charge_reads_back_without_a_payment_key,
);

const LONG: Duration = Duration::from_mins(1);

fn member(name: &str) -> MemberId {
    name.parse().expect("a member")
}

pub(crate) fn registered(payment: &Payment) -> BillingKey {
    BillingKey {
        id: BillingKeyId::new(raw()),
        scope: payment.facts.scope,
        account: payment.facts.account,
        member: member("member-1"),
        customer_key: format!("cus_{}", raw()).parse().expect("a customer key"),
        stage: Stage::Registered,
        created_at: at(5),
        version: 1,
    }
}

fn stored(index: u8) -> Stored {
    Stored {
        sealed: Sealed(vec![1, 2, 3]),
        index: [index; 32],
        card: Card {
            method: Some("카드".to_owned()),
            company: Some("21".to_owned()),
            last4: Some("789*".to_owned()),
        },
        issued_at: at(7),
    }
}

/// One that can be charged, and is its member's default.
pub(crate) fn active(payment: &Payment) -> BillingKey {
    BillingKey {
        stage: Stage::Active {
            stored: stored(8),
            is_default: true,
        },
        ..registered(payment)
    }
}

pub(crate) fn inserted(key: &BillingKey) -> Change {
    Change::Billing(Box::new(billing::Change::Insert(Box::new(key.clone()))))
}

pub(crate) fn update(key: &BillingKey, expected: i64) -> Change {
    let update = billing::Change::Update {
        key: Box::new(key.clone()),
        expected,
        hold: None,
    };
    Change::Billing(Box::new(update))
}

async fn payment(store: &dyn Store) -> Payment {
    let tenant = tenant(store).await;
    samples::stored(store, &tenant).await.0
}

async fn read(store: &dyn Store, key: &BillingKey) -> Option<BillingKey> {
    store.any_billing_key(key.id).await.expect("read")
}

async fn conflicts(store: &dyn Store, changes: &[Change]) {
    let told = store.commit(changes).await;
    assert!(matches!(told, Err(CommitError::Conflict)), "{told:?}");
}

/// Moves it on, and reads it back.
async fn moved(store: &dyn Store, before: &BillingKey, after: BillingKey) -> BillingKey {
    let changes = [update(&after, before.version)];
    store.commit(&changes).await.expect("moved");
    assert_eq!(read(store, &after).await.as_ref(), Some(&after));
    after
}

fn issued(index: u8, becomes_default: bool) -> Issued {
    Issued {
        stored: stored(index),
        becomes_default,
    }
}

async fn every_stage_reads_back(tested: Tested) {
    let store = tested.store.as_ref();
    let payment = payment(store).await;
    let first = registered(&payment);
    store.commit(&[inserted(&first)]).await.expect("registered");
    assert_eq!(read(store, &first).await.as_ref(), Some(&first));
    conflicts(store, &[inserted(&first)]).await;
    let work = Work::begun(3, at(6));
    let issuing = first.clone().begin_issue(Sealed(vec![9]), work);
    let issuing = moved(store, &first, issuing.expect("registered")).await;
    let tried = Work {
        n: u32::MAX,
        tries: u32::MAX,
        heard: Heard::Error,
        due_at: at(80),
        intent_at: at(70),
        ..work
    };
    let working = issuing.clone().working(tried).expect("at work");
    let working = moved(store, &issuing, working).await;
    let key = working.clone().issued(issued(1, true)).expect("at work");
    let key = moved(store, &working, key).await;
    let deleting = key.clone().begin_delete(work).expect("active");
    let deleting = moved(store, &key, deleting).await;
    let gone = deleting.clone().deleted().expect("deleting");
    moved(store, &deleting, gone).await;
    let second = registered(&payment);
    store
        .commit(&[inserted(&second)])
        .await
        .expect("registered");
    let issuing = second.clone().begin_issue(Sealed(vec![9]), work);
    let issuing = moved(store, &second, issuing.expect("registered")).await;
    let failed = issuing.clone().failed(samples::decline(Class::Buyer));
    moved(store, &issuing, failed.expect("at work")).await;
}

async fn keys_are_their_members(tested: Tested) {
    let store = tested.store.as_ref();
    let payment = payment(store).await;
    let key = active(&payment);
    let nothing = registered(&payment);
    let changes = [inserted(&key), inserted(&nothing)];
    store.commit(&changes).await.expect("inserted");
    let live = Scope {
        mode: Mode::Live,
        ..key.scope
    };
    let other = Scope {
        merchant: samples::merchant().id,
        ..key.scope
    };
    for (scope, name, theirs) in [
        (key.scope, Some("member-1"), true),
        (key.scope, None, true),
        (key.scope, Some("MEMBER-1"), false),
        (key.scope, Some("member-2"), false),
        (live, Some("member-1"), false),
        (live, None, false),
        (other, None, false),
    ] {
        let owner = Owner {
            scope,
            member: name.map(member),
        };
        let expected = theirs.then_some(&key);
        let found = store.billing_key(&owner, key.id).await.expect("read");
        assert_eq!(found.as_ref(), expected, "{owner:?}");
        let found = store.billing_key_of(&owner, &key.customer_key).await;
        assert_eq!(found.expect("read").as_ref(), expected, "{owner:?}");
        let name = member(name.unwrap_or("member-1"));
        let listed = store.billing_keys(scope, &name, 9).await.expect("read");
        // What was only registered is no card of anybody's yet.
        assert_eq!(listed.first(), expected, "{owner:?}");
        assert!(listed.len() <= 1);
        let found = store.billing_key_by_index(scope, &[8; 32]).await;
        let same_scope = scope == key.scope;
        assert_eq!(found.expect("read").is_some(), same_scope, "{owner:?}");
    }
}

async fn a_member_has_one_default(tested: Tested) {
    let store = tested.store.as_ref();
    let payment = payment(store).await;
    let first = active(&payment);
    let mut second = active(&payment);
    second.stage = Stage::Active {
        stored: stored(2),
        is_default: false,
    };
    let changes = [inserted(&first), inserted(&second)];
    store.commit(&changes).await.expect("one default");
    let preferred = second.clone().with_default(true).expect("active");
    conflicts(store, &[update(&preferred, second.version)]).await;
    let other = first.clone().with_default(false).expect("active");
    // Whichever is named first: the old one gives way.
    let changes = [
        update(&preferred, second.version),
        update(&other, first.version),
    ];
    store.commit(&changes).await.expect("changed");
    assert_eq!(read(store, &first).await, Some(other.clone()));
    let back = other.clone().with_default(true).expect("active");
    let away = preferred.clone().with_default(false).expect("active");
    let changes = [
        update(&back, other.version),
        update(&away, preferred.version),
    ];
    store.commit(&changes).await.expect("changed back");
    assert_eq!(read(store, &second).await, Some(away));
}

async fn an_index_names_one_key(tested: Tested) {
    let store = tested.store.as_ref();
    let payment = payment(store).await;
    let (first, second) = (active(&payment), registered(&payment));
    let changes = [inserted(&first), inserted(&second)];
    store.commit(&changes).await.expect("inserted");
    let issuing = second
        .clone()
        .begin_issue(Sealed(vec![9]), Work::begun(1, at(6)));
    let issuing = moved(store, &second, issuing.expect("registered")).await;
    let twin = issuing.clone().issued(issued(8, false)).expect("at work");
    conflicts(store, &[update(&twin, issuing.version)]).await;
    let own = issuing.clone().issued(issued(2, false)).expect("at work");
    moved(store, &issuing, own).await;
}

async fn moves_are_fenced(tested: Tested) {
    let store = tested.store.as_ref();
    let key = active(&payment(store).await);
    store.commit(&[inserted(&key)]).await.expect("inserted");
    let charged = key.clone().charged().expect("active");
    let deleting = key.clone().begin_delete(Work::begun(1, at(6)));
    let deleting = deleting.expect("active");
    for stale in [&charged, &deleting] {
        conflicts(store, &[update(stale, 7)]).await;
    }
    let charged = moved(store, &key, charged).await;
    conflicts(store, &[update(&deleting, key.version)]).await;
    assert_eq!(read(store, &key).await, Some(charged));
}

/// Keys whose calls are due at 0, 1, 2, …
async fn at_work(store: &dyn Store, count: i64) -> Vec<BillingKey> {
    let payment = payment(store).await;
    let working = |number| BillingKey {
        stage: Stage::Issuing {
            auth_key: Sealed(vec![9]),
            work: Work::begun(1, at(number)),
        },
        ..registered(&payment)
    };
    let keys: Vec<BillingKey> = (0..count).map(working).collect();
    let changes: Vec<Change> = keys.iter().map(inserted).collect();
    store.commit(&changes).await.expect("inserted");
    let idle = [inserted(&active(&payment)), inserted(&registered(&payment))];
    store.commit(&idle).await.expect("inserted");
    keys
}

async fn calls_that_are_due_are_claimed_once(tested: Tested) {
    let store = tested.store.as_ref();
    let keys = at_work(store, 12).await;
    let hold = samples::hold(LONG);
    let early = store.claim_billing_keys(at(1), hold, 9).await;
    let early: Vec<BillingKeyId> = early.expect("claimed").iter().map(|key| key.id).collect();
    assert_eq!(early, [keys[0].id, keys[1].id]);
    let workers = (0..4).map(|_| {
        let store = std::sync::Arc::clone(&tested.store);
        async move {
            let hold = samples::hold(LONG);
            let claimed = store.claim_billing_keys(at(99), hold, 3).await;
            let claimed = claimed.expect("claimed");
            assert!(claimed.iter().all(|key| key.version == 2));
            claimed.iter().map(|key| key.id).collect::<Vec<_>>()
        }
    });
    let mut claimed = crate::races::all_at_once(workers).await.concat();
    let rest = store.claim_billing_keys(at(99), hold, 99).await;
    claimed.extend(rest.expect("claimed").iter().map(|key| key.id));
    let distinct: HashSet<BillingKeyId> = claimed.iter().copied().collect();
    assert_eq!((claimed.len(), distinct.len()), (10, 10));
    let again = store.claim_billing_keys(at(99), hold, 99).await;
    assert!(again.expect("claimed").is_empty());
}

async fn a_hold_is_renewed_and_released(tested: Tested) {
    let store = tested.store.as_ref();
    at_work(store, 1).await;
    let hold = samples::hold(LONG);
    let claimed = store.claim_billing_keys(at(9), hold, 9).await;
    let key = claimed.expect("claimed").remove(0);
    let renew = |version, hold| store.renew_billing_key(key.id, version, hold);
    assert!(renew(key.version, hold).await.expect("asked"));
    assert!(!renew(key.version - 1, hold).await.expect("asked"));
    assert!(
        !renew(key.version, samples::hold(LONG))
            .await
            .expect("asked")
    );
    let stranger = samples::hold(LONG).holder;
    for holder in [stranger, hold.holder] {
        let again = store.claim_billing_keys(at(9), hold, 9).await;
        assert!(again.expect("claimed").is_empty());
        let released = store.release_billing_key(key.id, key.version, holder);
        released.await.expect("asked");
    }
    let again = store.claim_billing_keys(at(9), hold, 9).await;
    assert_eq!(again.expect("claimed").len(), 1);
    // One whose call is over is nobody's.
    let again = read(store, &key).await.expect("there");
    let over = again.clone().issued(issued(3, false)).expect("at work");
    let over = moved(store, &again, over).await;
    assert!(!renew(over.version, hold).await.expect("asked"));
}

async fn a_charge_reads_back_without_a_payment_key(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let (payment, order) = samples::stored(store, &tenant).await;
    let key = active(&payment);
    let mut charge = samples::saga(&payment, &order, saga::Kind::Approval);
    charge.head.intent = Intent::Charge(key.id);
    store.commit(&[inserted(&key)]).await.expect("a card");
    assert!(!store.is_charging(key.id).await.expect("read"));
    let opened = [samples::open(&charge, None)];
    store.commit(&opened).await.expect("opened");
    assert!(store.is_charging(key.id).await.expect("read"));
    assert!(
        !store
            .is_charging(registered(&payment).id)
            .await
            .expect("read")
    );
    let mut renewed = order.clone();
    renewed.id = GatewayOrderId::new(raw());
    let asking = samples::moved(&charge, |progress| {
        progress.phase = Phase::Ask;
        progress.heard = saga::Heard::OrderUsed;
        progress.order = Some(renewed.id);
        progress.rekeyed = Some(4);
    });
    let changes = [
        samples::progress(&asking),
        Change::InsertGatewayOrder(renewed),
    ];
    store.commit(&changes).await.expect("moved");
    let found = store.saga(charge.head.id).await.expect("read");
    assert_eq!(found.as_ref(), Some(&asking));
    let closed = samples::moved(&asking, |progress| {
        progress.phase = Phase::Closed;
        progress.outcome = Some(Outcome::Approved);
    });
    let changes = [samples::progress(&closed)];
    store.commit(&changes).await.expect("closed");
    assert!(!store.is_charging(key.id).await.expect("read"));
}
