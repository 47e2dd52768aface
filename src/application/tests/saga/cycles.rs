//! Owns the scripts of cycles: three schedulers at once, each commit and call struck, and each
//! cycle taken at the gateway exactly once.

use std::time::Duration;

use application::ports::store::{BillingKeys as _, Payments as _};
use chrono::TimeDelta;
use domain::billing::{self, Status as KeyStatus};
use domain::change::Change;
use domain::event::Kind as EventKind;
use domain::merchant::Zone;
use domain::payment::PayStatus;
use domain::principal::Actor;
use domain::subscription::{Cycle, CycleStatus, State, Status, Subscription, Wish};
use tokio::time::sleep;

use crate::bugs::Bug;
use crate::faults::{Fault, OF_CHARGE};
use crate::judge::movements;
use crate::members::{MONTH, card, member, plan, subscription_id};
use crate::scripts::{all_well, some_well};
use crate::world::{AMOUNT, START, World, in_virtual_time};

/// Runs one script to its end; what is wrong afterwards.
fn run(faults: &[Fault]) -> Vec<String> {
    run_with(faults, None)
}

pub(crate) fn run_with(faults: &[Fault], bug: Option<Bug>) -> Vec<String> {
    in_virtual_time(async {
        let world = World::with_subscriptions_and(1, faults, bug).await;
        world.hours_pass().await;
        let mut wrong = world.astray().await;
        if !world.settle().await {
            wrong.push("a saga is still open".to_owned());
        }
        movements(&world, &mut wrong);
        let spoilt = [Fault::WrongAmount, Fault::WrongCurrency, Fault::Elsewhere];
        let status = world.subscription(0).await.status;
        if !faults.iter().any(|fault| spoilt.contains(fault)) && status != Status::Active {
            wrong.push(format!("nothing forbids the charge, and it is {status}"));
        }
        wrong
    })
}

#[test]
fn a_cycle_is_charged_once_by_three_schedulers() {
    in_virtual_time(async {
        let world = World::with_subscriptions(1, &[]).await;
        sleep(Duration::from_mins(1)).await;
        let subscription = world.subscription(0).await;
        assert_eq!(subscription.status, Status::Active);
        assert!(subscription.entitlement(START).is_some());
        let cycles = world.cycles_of(0).await;
        assert_eq!(cycles.len(), 2);
        assert_eq!(cycles[0].state.status(), CycleStatus::Waiting);
        assert_eq!(cycles[1].state.status(), CycleStatus::Paid);
        assert_eq!(world.held(), AMOUNT);
        assert_eq!(world.gateway.books.lock().unwrap().stored.len(), 1);
        assert!(world.settle().await);
        assert_eq!(world.astray().await, Vec::<String>::new());
    });
}

#[test]
fn every_fault_is_reached() {
    for fault in OF_CHARGE {
        let script = fault.with_a_reason();
        let used = in_virtual_time(async {
            let world = World::with_subscriptions(1, &script).await;
            world.hours_pass().await;
            world.is_used_up()
        });
        assert!(used, "{fault:?} never struck");
    }
}

#[test]
fn scripts_of_length_0_to_1() {
    (0..=1).for_each(|length| all_well(&OF_CHARGE, length, run));
}

/// Of 529 one in nine; `scripts/prove` runs them all. The quick run leaves tests named so out.
#[test]
fn exhaustive_scripts_of_length_2() {
    some_well(&OF_CHARGE, 2, run);
}

/// Others gave the money back at the gateway before our question found that it was taken.
#[test]
fn what_was_given_back_before_anybody_asked_entitles_nobody() {
    in_virtual_time(async {
        let world = World::with_subscriptions(1, &[Fault::Elsewhere]).await;
        sleep(Duration::from_mins(2)).await;
        let subscription = world.subscription(0).await;
        assert_eq!(subscription.status, Status::Canceled);
        assert_eq!(subscription.entitlement(START), None);
        let cycles = world.cycles_of(0).await;
        let states: Vec<_> = cycles.iter().map(|cycle| cycle.state.status()).collect();
        assert_eq!(states, [CycleStatus::Void, CycleStatus::Refunded]);
        assert!(world.settle().await);
        let mut wrong = world.astray().await;
        movements(&world, &mut wrong);
        assert!(wrong.is_empty(), "{wrong:?}");
        assert_eq!(world.held(), 0);
    });
}

/// What ended a charge could not be decided for its cycle then: upkeep tells it.
#[test]
fn a_cycle_that_was_not_told_is_told_by_upkeep() {
    for (faults, expected) in [
        (vec![], CycleStatus::Paid),
        (vec![Fault::Decline], CycleStatus::Waiting),
    ] {
        in_virtual_time(async {
            let bug = Some(Bug::CycleUntold);
            let world = World::with_subscriptions_and(1, &faults, bug).await;
            sleep(Duration::from_mins(30)).await;
            let untold = world.cycles_of(0).await.remove(0);
            assert_eq!(untold.state.status(), CycleStatus::Charging, "{faults:?}");
            assert_eq!(world.app.tell_cycles().await.unwrap(), 1);
            let told = world.cycles_of(0).await.pop().unwrap();
            assert_eq!(told.state.status(), expected, "{faults:?}");
            assert_eq!(world.astray().await, Vec::<String>::new());
            assert_eq!(world.app.tell_cycles().await.unwrap(), 0, "once");
        });
    }
}

#[test]
fn an_unknown_outcome_blocks_the_next_try() {
    in_virtual_time(async {
        let lost = [Fault::AnswerLost, Fault::QuestionLost, Fault::QuestionLost];
        let world = World::with_subscriptions(1, &lost).await;
        sleep(Duration::from_secs(6)).await;
        let open = world.cycles_of(0).await.remove(0);
        assert_eq!(open.state.status(), CycleStatus::Charging);
        assert_eq!(world.subscription(0).await.status, Status::Pending);
        sleep(Duration::from_mins(10)).await;
        assert_eq!(world.subscription(0).await.status, Status::Active);
        assert_eq!(world.held(), AMOUNT);
    });
}

#[test]
fn a_card_that_is_gone_is_asked_for_and_nothing_is_sent() {
    in_virtual_time(async {
        let world = World::with_subscriptions(1, &[]).await;
        sleep(Duration::from_mins(1)).await;
        let key = world.memory.any_billing_key(card(&world, 0).id).await;
        let key = key.unwrap().unwrap();
        let expected = key.version;
        let gone = billing::Change::Update {
            key: Box::new(key.deleted().unwrap()),
            expected,
            hold: None,
        };
        let gone = Change::Billing(Box::new(gone));
        world.memory.commit_now(&[gone]).unwrap();
        world.leap(MONTH).await;
        let open = world.cycles_of(0).await.remove(0);
        assert_eq!(open.state.status(), CycleStatus::Held);
        assert_eq!(open.payment, None);
        assert_eq!(world.subscription(0).await.status, Status::PastDue);
        assert_eq!(world.held(), AMOUNT);
        // Nobody brings another: it ends, and nothing was taken.
        world.leap(Duration::from_hours(8 * 24)).await;
        assert_eq!(world.subscription(0).await.status, Status::Expired);
        assert_eq!(world.held(), AMOUNT);
        // The member is told by a payment, though none was tried.
        let order = world.cycles_of(0).await[0].key.order_id();
        let scope = world.caller.scope;
        let payment = world.memory.payment_of_order(scope, &order).await;
        let payment = payment.unwrap().expect("one to tell by");
        assert_eq!(payment.status(), PayStatus::Expired);
        let events = world.memory.events(payment.facts.id, 0, 9).await.unwrap();
        let kinds: Vec<_> = events.iter().map(|event| event.kind).collect();
        let told = [
            EventKind::Prepared,
            EventKind::Expired,
            EventKind::BillingFailed,
        ];
        assert_eq!(kinds, told);
    });
}

#[test]
fn declines_are_followed_by_five_tries_at_most() {
    in_virtual_time(async {
        let world = World::with_subscriptions(1, &[Fault::Decline; 5]).await;
        sleep(Duration::from_hours(24)).await;
        let subscription = world.subscription(0).await;
        assert_eq!(subscription.status, Status::Expired);
        let cycles = world.cycles_of(0).await;
        assert_eq!(cycles.len(), 1);
        assert_eq!((cycles[0].state, cycles[0].declined), (State::Failed, 5));
        assert_eq!(world.gateway.books.lock().unwrap().stored.len(), 5);
        assert!(world.is_used_up());
        assert_eq!(world.card_status(0).await, KeyStatus::Deleting);
        assert!(world.is_told_of_the_end(&cycles[0]).await);
    });
}

#[test]
fn the_end_of_one_subscription_leaves_a_card_that_another_needs() {
    in_virtual_time(async {
        let world = World::with_subscriptions(1, &[]).await;
        sleep(Duration::from_mins(1)).await;
        let wish = Wish {
            id: subscription_id(99),
            member: member(0),
            billing_key: card(&world, 0).id,
            anchor: None,
            actor: Actor::Buyer,
        };
        world.strike(&[Fault::Decline; 5]);
        let now = START + TimeDelta::minutes(2);
        let moved = Subscription::begin(wish, &plan(&world), Zone::SEOUL, now).unwrap();
        world.memory.commit_now(&moved.changes).unwrap();
        sleep(Duration::from_hours(24)).await;
        assert_eq!(world.subscription(99).await.status, Status::Expired);
        assert_eq!(world.card_status(0).await, KeyStatus::Active);
        assert_eq!(world.subscription(0).await.status, Status::Active);
    });
}

/// What another member's charges were, whatever becomes of the first one's.
#[test]
fn one_member_s_declines_change_no_row_of_another() {
    let lives = |faults: &'static [Fault]| {
        in_virtual_time(async move {
            let world = World::with_subscriptions(2, &[]).await;
            // The other's second cycle is paid by then, the first's is due a few hours later.
            world
                .leap(MONTH.saturating_sub(Duration::from_hours(10)))
                .await;
            world.strike(faults);
            sleep(Duration::from_hours(48)).await;
            assert!(world.is_used_up());
            let first = world.subscription(0).await.status;
            assert_eq!(first == Status::Active, faults.is_empty());
            let cycles = world.cycles_of(1).await;
            let second = world.subscription(1).await;
            let of_cycles: Vec<_> = cycles.iter().map(|cycle| cycle.state.status()).collect();
            (second.status, second.paid_until, second.version, of_cycles)
        })
    };
    assert_eq!(lives(&[]), lives(&[Fault::Decline; 5]));
}

/// All that can go wrong but that others give the money back: that ends a subscription.
fn of_lives() -> Vec<Fault> {
    let lasting = OF_CHARGE.into_iter();
    lasting.filter(|fault| *fault != Fault::Elsewhere).collect()
}

/// So many members' cycles over so many months, with three faults in each of them.
fn lives(members: u8, months: usize) {
    let faults = of_lives();
    in_virtual_time(async {
        let world = World::with_subscriptions(members, &[]).await;
        for month in 0..months {
            let strikes = (0..3).map(|place| faults[(month * 3 + place) % faults.len()]);
            world.strike(&strikes.collect::<Vec<_>>());
            world.leap(MONTH).await;
        }
        assert!(world.settle().await);
        let mut wrong = world.astray().await;
        movements(&world, &mut wrong);
        assert!(wrong.is_empty(), "{wrong:?}");
        let cycles = world.memory.all_cycles();
        let paid = |cycle: &&Cycle| cycle.state.status() == CycleStatus::Paid;
        let count = cycles.iter().filter(paid).count();
        assert!(count >= usize::from(members) * (months - 1), "{count}");
    });
}

#[test]
fn a_hundred_cycles_are_each_charged_once() {
    lives(10, 10);
}

#[test]
fn exhaustive_two_thousand_cycles_are_each_charged_once() {
    lives(50, 40);
}
