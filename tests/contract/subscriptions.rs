//! Plans, subscriptions and cycles: written on top of their version, read back by their owner, and
//! taken by one when they are due.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use application::ports::Store;
use application::ports::store::CommitError;
use domain::Timestamp;
use domain::calendar::{CycleNumber, Period};
use domain::change::Change;
use domain::decline::{Class, Decline, Reason};
use domain::id::{BillingKeyId, SubscriptionId};
use domain::merchant::Zone;
use domain::payment::Payment;
use domain::principal::{Actor, Mode, Owner, Scope};
use domain::subscription::{
    self, Cycle, CycleKey, Dunning, Manner, Missed, Moved, Plan, PlanKind, State, Status,
    Subscription, Terms, Wish,
};
use domain::webhook::Chance;

use crate::samples::{self, Tenant, at, raw, tenant, won};
use crate::stores::{Tested, on_every_store};

on_every_store!(
    plans_read_back_and_change_on_top_of_their_version,
    a_life_reads_back,
    subscriptions_are_their_member_s,
    a_subscription_has_one_open_cycle,
    a_payment_pays_one_cycle,
    eight_schedulers_take_each_due_cycle_once,
    a_hold_that_is_over_is_taken_again,
    what_is_not_due_is_not_taken,
);

pub(crate) const LONG: Duration = Duration::from_mins(1);

fn written(change: subscription::Change) -> Change {
    change.into()
}

pub(crate) fn plan(scope: Scope, code: &str) -> Plan {
    Plan {
        scope,
        code: code.parse().expect("a code"),
        terms: Terms::new(
            PlanKind::Subscription,
            Period::Monthly,
            won(9_900),
            won(100),
        )
        .expect("terms"),
        manner: Manner {
            name: "생수 정기배송".parse().expect("a name"),
            benefits: Some("매달 한 상자".parse().expect("benefits")),
            offered: true,
            missed: Missed::ChargeEach,
            dunning: Dunning::USUAL,
        },
        version: 1,
        created_at: at(5),
    }
}

pub(crate) fn made(plan: &Plan) -> Change {
    written(subscription::Change::InsertPlan(Box::new(plan.clone())))
}

pub(crate) fn begun(plan: &Plan, member: &str, now: Timestamp) -> Moved {
    let wish = Wish {
        id: SubscriptionId::new(raw()),
        member: member.parse().expect("a member"),
        billing_key: BillingKeyId::new(raw()),
        anchor: None,
        actor: Actor::Buyer,
    };
    Subscription::begin(wish, plan, Zone::SEOUL, now).expect("begun")
}

pub(crate) fn updated(cycle: Cycle) -> Change {
    written(subscription::Change::UpdateCycle {
        expected: cycle.version - 1,
        cycle: Box::new(cycle),
    })
}

async fn conflicts(store: &dyn Store, changes: &[Change]) {
    let told = store.commit(changes).await;
    assert!(matches!(told, Err(CommitError::Conflict)), "{told:?}");
}

pub(crate) async fn open_cycle(store: &dyn Store, of: &Subscription) -> Cycle {
    let cycles = store.cycles(of.id, None, 1).await.expect("read");
    cycles[0]
}

/// A valid row in each table: the cycle was tried once.
pub(crate) fn one_of_each(payment: &Payment) -> Vec<Change> {
    let plan = plan(payment.facts.scope, "monthly");
    let mut changes = vec![made(&plan)];
    for change in begun(&plan, "member-1", at(10)).changes {
        let Change::Subscription(change) = change else {
            // What is told of it has no row of its own here.
            assert!(matches!(change, Change::AppendMemberEvent(_)), "{change:?}");
            continue;
        };
        changes.push(match *change {
            subscription::Change::InsertCycle(mut cycle) => {
                cycle.payment = Some(payment.facts.id);
                written(subscription::Change::InsertCycle(cycle))
            }
            other @ (subscription::Change::InsertPlan(_)
            | subscription::Change::UpdatePlan { .. }
            | subscription::Change::InsertSubscription(_)
            | subscription::Change::UpdateSubscription { .. }
            | subscription::Change::UpdateCycle { .. }
            | subscription::Change::AppendEvent(_)) => written(other),
        });
    }
    changes
}

/// So many subscriptions to a plan, each begun a second after the other.
pub(crate) async fn subscribed(
    store: &dyn Store,
    tenant: &Tenant,
    count: i64,
) -> (Plan, Vec<Subscription>) {
    let plan = plan(tenant.scope, "monthly");
    store.commit(&[made(&plan)]).await.expect("offered");
    let mut subscriptions = Vec::new();
    for number in 0..count {
        let moved = begun(&plan, "member-1", at(number));
        store.commit(&moved.changes).await.expect("subscribed");
        subscriptions.push(moved.subscription);
    }
    (plan, subscriptions)
}

async fn plans_read_back_and_change_on_top_of_their_version(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let (mut one, two) = (plan(tenant.scope, "b"), plan(tenant.scope, "a"));
    one.manner.benefits = None;
    store.commit(&[made(&one), made(&two)]).await.expect("made");
    conflicts(store, &[made(&one)]).await;
    let mut manner = one.manner.clone();
    manner.offered = false;
    manner.missed = Missed::ChargeNewest;
    manner.dunning.tries_max = 3;
    let revised = one.revised(&one.terms, &manner).expect("same terms");
    let revised = revised.expect("another manner");
    let update = written(subscription::Change::UpdatePlan {
        plan: Box::new(revised.clone()),
        expected: 1,
    });
    let update = std::slice::from_ref(&update);
    store.commit(update).await.expect("changed");
    conflicts(store, update).await;
    let found = store.plans(tenant.scope, 9).await.expect("read");
    assert_eq!(found, [two.clone(), revised]);
    assert_eq!(store.plans(tenant.scope, 1).await.expect("read"), [two]);
    let elsewhere = Scope {
        mode: Mode::Live,
        ..tenant.scope
    };
    let found = store.plan(elsewhere, &one.code).await.expect("read");
    assert_eq!(found, None);
}

async fn a_life_reads_back(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let (plan, mut subscriptions) = subscribed(store, &tenant, 1).await;
    let subscription = subscriptions.remove(0);
    let first = open_cycle(store, &subscription).await;
    let (payment, _) = samples::stored(store, &tenant).await;
    let charging = first.begin(payment.facts.id).expect("due");
    store.commit(&[updated(charging)]).await.expect("begun");
    conflicts(store, &[updated(charging)]).await;
    assert_eq!(open_cycle(store, &subscription).await, charging);

    let decline = Decline {
        reason: Reason::CardUnusable,
        class: Class::Buyer,
        code: "INVALID_STOPPED_CARD".to_owned(),
        message: String::new(),
    };
    let when = (at(60), Chance(7));
    let held = subscription.declined(charging, &plan, (&decline, None, when.0), when);
    let held = held.expect("declined");
    store.commit(&held.changes).await.expect("held");
    conflicts(store, &held.changes).await;
    let cycle = open_cycle(store, &held.subscription).await;
    assert!(matches!(cycle.state, State::Held { .. }), "{cycle:?}");
    assert_eq!(cycle.reason, Some(Reason::CardUnusable));

    let card = BillingKeyId::new(raw());
    let by = (Actor::Merchant, at(70));
    let again = held.subscription.with_card(Some(&cycle), card, by);
    let again = again.expect("changed");
    store.commit(&again.changes).await.expect("another card");
    let cycle = open_cycle(store, &again.subscription).await;
    let charging = cycle.begin(payment.facts.id).expect("due");
    store.commit(&[updated(charging)]).await.expect("begun");
    let paid = again
        .subscription
        .charged(charging, &plan, (at(80), at(81)));
    let paid = paid.expect("paid");
    store.commit(&paid.changes).await.expect("paid");

    let found = store.any_subscription(paid.subscription.id).await;
    assert_eq!(found.expect("read").as_ref(), Some(&paid.subscription));
    let cycles = store.cycles(paid.subscription.id, None, 9).await;
    let cycles = cycles.expect("read");
    let numbers: Vec<u32> = cycles.iter().map(|cycle| cycle.key.number.get()).collect();
    assert_eq!(numbers, [2, 1]);
    let before = store
        .cycles(paid.subscription.id, CycleNumber::new(2), 9)
        .await;
    assert_eq!(before.expect("read"), [cycles[1]]);
    let of = store.cycle_of(payment.facts.id).await.expect("read");
    assert_eq!(of, Some(cycles[1]));
    assert!(matches!(cycles[1].state, State::Paid { paid_at, .. } if paid_at == at(80)));
    let events = store.subscription_events(paid.subscription.id, 1, 9).await;
    let kinds: Vec<&str> = events
        .as_ref()
        .expect("read")
        .iter()
        .map(|e| e.deed.as_str())
        .collect();
    assert_eq!(
        kinds,
        [
            "subscription.payment_declined",
            "subscription.card_changed",
            "subscription.paid"
        ]
    );
}

async fn subscriptions_are_their_member_s(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let (plan, all) = subscribed(store, &tenant, 3).await;
    let other = begun(&plan, "member-2", at(9));
    store.commit(&other.changes).await.expect("subscribed");
    let member = |name: &str| Owner {
        scope: tenant.scope,
        member: Some(name.parse().expect("a member")),
    };
    let ids = async |owner: &Owner, before, limit| -> Vec<SubscriptionId> {
        let found = store.subscriptions(owner, before, limit).await;
        found.expect("read").iter().map(|row| row.id).collect()
    };
    let (one, server) = (member("member-1"), Owner::from(tenant.scope));
    assert_eq!(ids(&one, None, 9).await, [all[2].id, all[1].id, all[0].id]);
    assert_eq!(ids(&one, Some(all[2].id), 1).await, [all[1].id]);
    assert_eq!(ids(&server, None, 9).await.len(), 4);
    assert_eq!(ids(&member("MEMBER-1"), None, 9).await, []);
    let id = other.subscription.id;
    assert_eq!(store.subscription(&one, id).await.expect("read"), None);
    let found = store.subscription(&server, id).await.expect("read");
    assert_eq!(found.map(|row| row.status), Some(Status::Pending));
    let elsewhere = Owner::from(Scope {
        mode: Mode::Live,
        ..tenant.scope
    });
    assert_eq!(
        store.subscription(&elsewhere, id).await.expect("read"),
        None
    );
}

fn second(of: &Cycle) -> Cycle {
    Cycle {
        key: CycleKey {
            number: of.key.number.next(),
            ..of.key
        },
        version: 1,
        ..*of
    }
}

async fn a_subscription_has_one_open_cycle(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let (_, all) = subscribed(store, &tenant, 1).await;
    let first = open_cycle(store, &all[0]).await;
    let insert = |cycle| written(subscription::Change::InsertCycle(Box::new(cycle)));
    conflicts(store, &[insert(first)]).await;
    conflicts(store, &[insert(second(&first))]).await;
    let over = Cycle {
        state: State::Skipped,
        version: 2,
        ..first
    };
    let next = insert(second(&first));
    store
        .commit(&[next, updated(over)])
        .await
        .expect("the first is over");
    assert_eq!(open_cycle(store, &all[0]).await, second(&first));
}

async fn a_payment_pays_one_cycle(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let (_, all) = subscribed(store, &tenant, 2).await;
    let (payment, _) = samples::stored(store, &tenant).await;
    let mut begun = Vec::new();
    for subscription in &all {
        let cycle = open_cycle(store, subscription).await;
        begun.push(updated(cycle.begin(payment.facts.id).expect("due")));
    }
    store.commit(&begun[..1]).await.expect("the first");
    conflicts(store, &begun[1..]).await;
}

async fn eight_schedulers_take_each_due_cycle_once(tested: Tested) {
    let store = &tested.store;
    let tenant = tenant(store.as_ref()).await;
    let (_, all) = subscribed(store.as_ref(), &tenant, 40).await;
    let schedulers = (0..8).map(|_| {
        let store = Arc::clone(store);
        async move {
            let hold = samples::hold(LONG);
            let mut mine = Vec::new();
            loop {
                let some = store
                    .claim_cycles(at(100), hold, &[], 3)
                    .await
                    .expect("claimed");
                if some.is_empty() {
                    return mine;
                }
                mine.extend(some.iter().map(|cycle| cycle.key));
            }
        }
    });
    let taken = crate::races::all_at_once(schedulers).await.concat();
    let distinct: BTreeSet<CycleKey> = taken.iter().copied().collect();
    assert_eq!(taken.len(), distinct.len(), "none is taken twice");
    let rest = store
        .claim_cycles(at(100), samples::hold(LONG), &[], 99)
        .await;
    assert_eq!(distinct.len() + rest.expect("claimed").len(), all.len());
}

async fn a_hold_that_is_over_is_taken_again(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    subscribed(store, &tenant, 1).await;
    let claim = async |lease| {
        let hold = samples::hold(lease);
        let taken = store.claim_cycles(at(100), hold, &[], 9).await;
        taken.expect("claimed").first().copied()
    };
    let first = claim(Duration::ZERO).await.expect("due");
    let second = claim(LONG).await.expect("its hold is over");
    assert_eq!(claim(LONG).await, None, "it is held");
    // Of the two only one decides, whichever comes first.
    let (payment, _) = samples::stored(store, &tenant).await;
    let (other, _) = samples::stored(store, &tenant).await;
    let begun = updated(first.begin(payment.facts.id).expect("due"));
    store.commit(&[begun]).await.expect("begun");
    let again = second.begin(other.facts.id).expect("due, as it was");
    conflicts(store, &[updated(again)]).await;
}

async fn what_is_not_due_is_not_taken(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let (_, all) = subscribed(store, &tenant, 4).await;
    let claim = async |seconds, limit| -> Vec<SubscriptionId> {
        let hold = samples::hold(LONG);
        let taken = store.claim_cycles(at(seconds), hold, &[], limit).await;
        let taken = taken.expect("claimed");
        taken.iter().map(|cycle| cycle.key.subscription).collect()
    };
    // An anchor is to the second: the third is due within the second of the others' time.
    assert_eq!(claim(1, 1).await, [all[0].id], "longest due first");
    let (payment, _) = samples::stored(store, &tenant).await;
    let charging = open_cycle(store, &all[1]).await.begin(payment.facts.id);
    store
        .commit(&[updated(charging.expect("due"))])
        .await
        .expect("begun");
    assert_eq!(claim(1, 9).await, [], "one is held, one is being charged");
    assert_eq!(claim(2, 9).await, [all[2].id]);
    assert_eq!(claim(1_000, 9).await, [all[3].id]);
}
