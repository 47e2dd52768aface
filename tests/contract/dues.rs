//! Billing as a whole: what waits is counted, whoever has no room is passed by, and cards and
//! registrations that nothing needs are told from those that something does.

use application::ports::Store;
use application::ports::store::{CountedBy, CycleBacklog};
use chrono::SubsecRound as _;
use domain::Timestamp;
use domain::billing::Work;
use domain::change::Change;
use domain::decline::Reason;
use domain::id::{BillingKeyId, SagaId, SubscriptionId};
use domain::merchant::{ApiKey, KeyKind, Merchant, Status};
use domain::payment::State as PayState;
use domain::principal::Scope;
use domain::saga::{self, Intent};
use domain::subscription::{self, State};

use crate::billing::{active, inserted, registered, update};
use crate::samples::{self, at, raw, tenant};
use crate::stores::{Tested, on_every_store};
use crate::subscriptions::{LONG, open_cycle, subscribed, updated};

on_every_store!(
    what_waits_is_counted_by_merchant,
    what_a_suspended_merchant_leaves_is_marked,
    keys_that_end_soon_are_counted,
    merchants_without_room_are_passed_by,
    what_changed_since_it_was_taken_is_nobodys,
    a_card_is_needed_by_whatever_goes_on_with_it,
    cycles_that_were_not_told_are_found,
    the_default_is_found_among_any_number,
    registrations_that_nobody_used_are_forgotten,
    cards_that_wait_too_long_are_counted,
);

/// Cycles begin at whole seconds.
fn second(seconds: i64) -> Timestamp {
    at(seconds).trunc_subsecs(0)
}

fn by() -> CountedBy {
    CountedBy {
        now: at(100),
        late: at(2),
        paid_since: Some(at(50)),
    }
}

async fn counted(store: &dyn Store, scope: Scope) -> Option<CycleBacklog> {
    let all = store.dues().backlog(by()).await.expect("counted");
    all.into_iter().find(|line| line.scope == scope)
}

async fn what_waits_is_counted_by_merchant(tested: Tested) {
    let store = tested.store.as_ref();
    let (mine, theirs) = (tenant(store).await, tenant(store).await);
    assert_eq!(counted(store, mine.scope).await, None);
    let (_, all) = subscribed(store, &mine, 6).await;
    subscribed(store, &theirs, 1).await;
    let paid = |at| {
        let (payment, paid_at) = (domain::id::PaymentId::new(raw()), at);
        State::Paid { payment, paid_at }
    };
    let states = [
        State::Held { until: at(500) },
        State::Failed,
        paid(at(60)),
        paid(at(40)),
    ];
    for (subscription, mut state) in all.iter().zip(states) {
        let mut cycle = open_cycle(store, subscription).await;
        if let State::Paid { payment, .. } = &mut state {
            let (stored, _) = samples::stored(store, &mine).await;
            *payment = stored.facts.id;
            cycle.payment = Some(stored.facts.id);
        }
        cycle.reason = Some(Reason::CardUnusable);
        cycle.state = state;
        cycle.version += 1;
        store.commit(&[updated(cycle)]).await.expect("moved");
    }
    let (stored, _) = samples::stored(store, &mine).await;
    let charging = open_cycle(store, &all[4]).await.begin(stored.facts.id);
    let charging = updated(charging.expect("due"));
    store.commit(&[charging]).await.expect("begun");
    let expected = CycleBacklog {
        due: 1,
        oldest_due: Some(second(5)),
        charging: 1,
        held: 1,
        charged: 1,
        failed: 1,
        ..CycleBacklog::none(mine.scope)
    };
    assert_eq!(counted(store, mine.scope).await, Some(expected));
    let late = counted(store, theirs.scope).await.expect("theirs");
    assert_eq!(
        (late.due, late.late, late.oldest_due),
        (1, 1, Some(second(0)))
    );
    let by = CountedBy {
        paid_since: None,
        ..by()
    };
    let now = store.dues().backlog(by).await.expect("counted");
    let now = now.into_iter().find(|line| line.scope == mine.scope);
    let without_the_past = CycleBacklog {
        charged: 0,
        failed: 0,
        ..expected
    };
    assert_eq!(now, Some(without_the_past));
}

async fn what_a_suspended_merchant_leaves_is_marked(tested: Tested) {
    let store = tested.store.as_ref();
    let mine = tenant(store).await;
    subscribed(store, &mine, 1).await;
    let merchant = store.merchant(mine.scope.merchant).await.expect("read");
    let merchant = merchant.expect("there");
    let expected = merchant.version;
    let merchant = Merchant {
        status: Status::Suspended,
        version: expected + 1,
        ..merchant
    };
    let suspend = Change::UpdateMerchant { merchant, expected };
    store.commit(&[suspend]).await.expect("suspended");
    let line = counted(store, mine.scope).await.expect("counted");
    assert!(line.suspended && line.late == 1, "{line:?}");
}

async fn keys_that_end_soon_are_counted(tested: Tested) {
    let store = tested.store.as_ref();
    let mine = tenant(store).await;
    let ends = [
        Some(at(90)),
        Some(at(100)),
        Some(at(150)),
        Some(at(151)),
        None,
    ];
    for (end, used) in ends.into_iter().map(|end| (end, Some(at(60)))).chain([
        (Some(at(120)), None),
        (Some(at(120)), Some(at(50))),
        (Some(at(120)), Some(at(51))),
    ]) {
        let key = ApiKey {
            expires_at: end,
            ..samples::api_key(mine.scope, KeyKind::Secret)
        };
        let id = key.id;
        let insert = Change::InsertApiKey(Box::new(key));
        store.commit(&[insert]).await.expect("inserted");
        if let Some(used) = used {
            store.note_use(id, used).await.expect("noted");
        }
    }
    let counted = store.dues().keys_ending(at(100), at(150), at(50)).await;
    assert_eq!(counted.expect("counted"), 2, "at 150 and at 120");
}

async fn merchants_without_room_are_passed_by(tested: Tested) {
    let store = tested.store.as_ref();
    let (full, other) = (tenant(store).await, tenant(store).await);
    subscribed(store, &full, 3).await;
    let (_, theirs) = subscribed(store, &other, 1).await;
    let claim = async |except: &[_]| -> Vec<SubscriptionId> {
        let hold = samples::hold(LONG);
        let taken = store.claim_cycles(at(100), hold, except, 2).await;
        let taken = taken.expect("claimed");
        taken.iter().map(|cycle| cycle.key.subscription).collect()
    };
    let full = [full.scope.merchant];
    assert_eq!(claim(&full).await, [theirs[0].id]);
    assert!(claim(&full).await.is_empty());
    assert_eq!(claim(&[]).await.len(), 2, "they are there still");
}

async fn cycles_that_were_not_told_are_found(tested: Tested) {
    let store = tested.store.as_ref();
    let mine = tenant(store).await;
    let (_, all) = subscribed(store, &mine, 3).await;
    let found = async || -> Vec<SubscriptionId> {
        let untold = store.dues().untold_cycles(1_000).await.expect("read");
        let own = untold.iter().map(|cycle| cycle.key.subscription);
        own.filter(|id| all.iter().any(|one| one.id == *id))
            .collect()
    };
    let mut payments = Vec::new();
    for subscription in &all[..2] {
        let (payment, order) = samples::stored(store, &mine).await;
        let cycle = open_cycle(store, subscription).await;
        let begun = cycle.begin(payment.facts.id).expect("due");
        store.commit(&[updated(begun)]).await.expect("begun");
        payments.push((payment, order));
    }
    let (payment, order) = &payments[0];
    let saga = samples::saga(payment, order, saga::Kind::Approval);
    let state = PayState::InProgress { saga: saga.head.id };
    let begun = samples::update(&samples::next(payment, state));
    let open = samples::open(&saga, None);
    store.commit(&[begun, open]).await.expect("begun");
    assert_eq!(found().await, [all[1].id]);
    let none = store.dues().untold_cycles(0).await.expect("read");
    assert!(none.is_empty());
}

async fn what_changed_since_it_was_taken_is_nobodys(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    subscribed(store, &tenant, 1).await;
    let claim = async || {
        let hold = samples::hold(LONG);
        let taken = store.claim_cycles(at(100), hold, &[], 9).await;
        taken.expect("claimed").first().copied()
    };
    let mut cycle = claim().await.expect("due");
    assert_eq!(claim().await, None, "it is held");
    cycle.state = State::Waiting { next_at: at(99) };
    cycle.version += 1;
    store.commit(&[updated(cycle)]).await.expect("put off");
    let again = claim().await.expect("due again, and free at once");
    assert_eq!(again, cycle);
    assert_eq!(claim().await, None, "it is held as it stands now");
}

async fn a_card_is_needed_by_whatever_goes_on_with_it(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let (_, all) = subscribed(store, &tenant, 1).await;
    let (one, nobody) = (&all[0], SubscriptionId::new(raw()));
    let needed = async |card: BillingKeyId, but| {
        let told = store.dues().is_needed(card, but).await;
        told.expect("read")
    };
    assert!(needed(one.billing_key, (nobody, None)).await);
    assert!(!needed(one.billing_key, (one.id, None)).await);
    let mut ended = one.clone();
    ended.status = subscription::Status::Expired;
    ended.ended_at = Some(at(90));
    ended.version += 1;
    let ended = subscription::Change::UpdateSubscription {
        subscription: Box::new(ended),
        expected: one.version,
    };
    store.commit(&[ended.into()]).await.expect("ended");
    assert!(!needed(one.billing_key, (nobody, None)).await);

    let (payment, order) = samples::stored(store, &tenant).await;
    let key = active(&payment);
    let mut charge = samples::saga(&payment, &order, saga::Kind::Approval);
    charge.head.intent = Intent::Charge(key.id);
    let begun = [inserted(&key), samples::open(&charge, None)];
    store.commit(&begun).await.expect("charging");
    assert!(needed(key.id, (nobody, None)).await);
    assert!(needed(key.id, (nobody, Some(SagaId::new(raw())))).await);
    assert!(!needed(key.id, (nobody, Some(charge.head.id))).await);
}

async fn the_default_is_found_among_any_number(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let (payment, _) = samples::stored(store, &tenant).await;
    let key = active(&payment);
    let found = async || {
        let dues = store.dues();
        let found = dues.default_card(key.scope, &key.member).await;
        found.expect("read").map(|key| key.id)
    };
    assert_eq!(found().await, None);
    store.commit(&[inserted(&key)]).await.expect("the default");
    for number in 0..120 {
        let mut newer = registered(&payment);
        newer.created_at = at(10 + number);
        store.commit(&[inserted(&newer)]).await.expect("newer");
    }
    assert_eq!(found().await, Some(key.id));
    let other = "member-2".parse().expect("a member");
    let theirs = store.dues().default_card(key.scope, &other).await;
    assert_eq!(theirs.expect("read"), None);
}

async fn registrations_that_nobody_used_are_forgotten(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let (payment, _) = samples::stored(store, &tenant).await;
    let kept = active(&payment);
    let (old, older, young) = {
        let made = |seconds| {
            let mut key = registered(&payment);
            key.created_at = at(seconds);
            key
        };
        (made(2), made(1), made(3))
    };
    let all = [&kept, &old, &older, &young].map(inserted);
    store.commit(&all).await.expect("inserted");
    let sweep = async |limit| {
        let swept = store.dues().sweep_registrations(at(2), limit).await;
        swept.expect("swept")
    };
    assert_eq!(sweep(1).await, 1);
    assert_eq!(sweep(9).await, 1);
    assert_eq!(sweep(9).await, 0);
    let mut left = Vec::new();
    for key in [&kept, &old, &older, &young] {
        left.push(store.any_billing_key(key.id).await.expect("read").is_some());
    }
    assert_eq!(left, [true, false, false, true]);
}

async fn cards_that_wait_too_long_are_counted(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let (payment, _) = samples::stored(store, &tenant).await;
    let key = active(&payment);
    let deleting = key.clone().begin_delete(Work::begun(1, at(20)));
    let deleting = deleting.expect("active");
    let changes: [Change; 2] = [inserted(&key), update(&deleting, key.version)];
    let before = store.dues().stuck_cards(at(20)).await.expect("counted");
    for change in changes {
        store.commit(&[change]).await.expect("written");
    }
    let count = async |since| store.dues().stuck_cards(since).await.expect("counted");
    assert_eq!(count(at(20)).await, before + 1);
    assert_eq!(count(at(19)).await, before);
}
