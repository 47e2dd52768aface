//! A subscription's life, led by its own moves: each rule once by hand, then thousands of lives
//! drawn by chance, with outages, declines, refunds and changes of mind.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
#![expect(
    clippy::arithmetic_side_effects,
    reason = "days and counts of a few simulated years"
)]

#[path = "subscriber/mod.rs"]
mod subscriber;

use std::collections::BTreeMap;

use chrono::TimeDelta;
use domain::calendar::{Anchor, CycleNumber, Period};
use domain::decline::Reason;
use domain::subscription::{
    CancelRefusal, CycleStatus, Due, Ending, Missed, PlanKind, Refusal, Status, Subscription,
    Summary,
};
use subscriber::{START, Subscriber, card, days, plan, wish};

#[test]
fn it_is_paid_until_the_next_cycle_and_renews_only_when_that_is_paid() {
    let mut one = Subscriber::new(plan(PlanKind::Subscription, Period::Monthly));
    assert_eq!(one.subscription.status, Status::Pending);
    assert_eq!(one.subscription.entitlement(one.now), None);
    one.charge_and_pay();
    assert_eq!(one.subscription.status, Status::Active);
    let first = one.open().due_at;
    assert_eq!(one.subscription.paid_until, Some(first));
    assert!(one.subscription.entitlement(one.now).unwrap().renews);

    one.now = first;
    assert_eq!(one.subscription.entitlement(one.now), None);
    one.charge_and_pay();
    let until = one.subscription.entitlement(one.now).unwrap().until;
    assert_eq!(until, one.open().due_at);
    assert_eq!(one.open().key.number.get(), 3);
}

#[test]
fn what_is_paid_once_runs_out() {
    let mut one = Subscriber::new(plan(PlanKind::OneTime, Period::Yearly));
    one.charge_and_pay();
    assert_eq!(one.subscription.status, Status::CancelScheduled);
    assert!(!one.subscription.entitlement(one.now).unwrap().renews);
    assert!(one.schedule(24).is_empty());
    one.now = one.open().due_at;
    one.tick();
    assert_eq!(one.subscription.status, Status::Expired);
    assert_eq!(one.subscription.ended_at, Some(one.now));
    assert_eq!(one.newest().state.status(), CycleStatus::Void);
}

#[test]
fn it_is_refunded_within_seven_days_of_the_payment_and_runs_out_later() {
    for (late, refunds) in [
        (TimeDelta::zero(), true),
        (days(7), true),
        (days(7) + TimeDelta::microseconds(1), false),
        (days(20), false),
    ] {
        let mut one = Subscriber::new(plan(PlanKind::Subscription, Period::Monthly));
        one.charge_and_pay();
        let until = one.open().due_at;
        one.now += late;
        let ending = one.cancel().unwrap();
        if refunds {
            assert!(matches!(ending, Ending::Refund(_)), "{late}");
            assert_eq!(one.subscription.status, Status::Canceled);
            assert_eq!(one.subscription.entitlement(one.now), None);
        } else {
            assert_eq!(ending, Ending::RunsOut(until), "{late}");
            assert_eq!(one.subscription.status, Status::CancelScheduled);
            assert_eq!(one.subscription.entitlement(one.now).unwrap().until, until);
            assert_eq!(one.cancel(), Err(CancelRefusal::Scheduled));
            one.now = until;
            one.tick();
            assert_eq!(one.subscription.status, Status::Expired);
        }
        assert_eq!(one.captures, 1, "nothing is charged after the end");
        assert!(matches!(one.cancel(), Err(CancelRefusal::Ended(_))));
    }
}

#[test]
fn one_that_nobody_paid_ends_at_once() {
    let mut one = Subscriber::new(plan(PlanKind::Subscription, Period::Monthly));
    assert_eq!(one.cancel(), Ok(Ending::Now));
    assert_eq!(one.subscription.status, Status::Canceled);
}

#[test]
fn an_unresolved_charge_blocks_the_next_try_and_the_cancellation() {
    let mut one = Subscriber::new(plan(PlanKind::Subscription, Period::Monthly));
    one.begin();
    one.now += days(400);
    let cycle = *one.open();
    let due = one.subscription.clone().due(&cycle, &one.plan, one.now);
    assert_eq!(due, Ok(Due::Nothing));
    assert!(cycle.begin(one.payment()).is_err());
    assert_eq!(cycle.next_at(), None);
    let refused = one.cancel();
    assert!(matches!(refused, Err(CancelRefusal::ChargeUnresolved(_))));
}

#[test]
fn the_fifth_soft_decline_ends_it() {
    let mut one = Subscriber::new(plan(PlanKind::Subscription, Period::Monthly));
    one.charge_and_pay();
    one.now = one.open().due_at;
    for tried in 1..=5 {
        assert!(!one.subscription.status.is_final(), "{tried}");
        one.begin();
        one.decline(Reason::InsufficientFunds);
        if let Some(next_at) = one.newest().next_at() {
            assert_eq!(one.subscription.status, Status::PastDue);
            one.now = next_at;
        }
    }
    assert_eq!(one.subscription.status, Status::Expired);
    assert_eq!(one.newest().state.status(), CycleStatus::Failed);
    assert_eq!(one.newest().declined, 5);
}

#[test]
fn a_hard_decline_waits_for_another_card_and_has_the_tries_that_are_left() {
    let mut one = Subscriber::new(plan(PlanKind::Subscription, Period::Monthly));
    one.charge_and_pay();
    one.now = one.open().due_at;
    one.begin();
    one.decline(Reason::CardUnusable);
    assert_eq!(one.open().state.status(), CycleStatus::Held);
    one.now += days(3);
    one.change_card();
    assert_eq!(one.subscription.billing_key, card(2));
    assert_eq!(
        (one.open().declined, one.open().next_at()),
        (1, Some(one.now))
    );
    one.charge_and_pay();
    assert_eq!(one.subscription.status, Status::Active);

    let mut one = Subscriber::new(plan(PlanKind::Subscription, Period::Monthly));
    one.begin();
    one.decline(Reason::CardUnusable);
    one.now += days(7);
    one.tick();
    assert_eq!(one.subscription.status, Status::Expired);
}

#[test]
fn a_card_that_is_gone_costs_no_try() {
    let mut one = Subscriber::new(plan(PlanKind::Subscription, Period::Monthly));
    one.charge_and_pay();
    one.now = one.open().due_at;
    for _ in 1..=4 {
        one.begin();
        one.decline(Reason::InsufficientFunds);
        one.now = one.open().next_at().unwrap();
    }
    one.begin();
    one.lose_card();
    assert_eq!(one.open().state.status(), CycleStatus::Held);
    assert_eq!(one.subscription.status, Status::PastDue);
    assert_eq!(one.open().declined, 4, "nothing was sent");
    one.change_card();
    one.charge_and_pay();
    assert_eq!(one.subscription.status, Status::Active);
}

#[test]
fn a_card_is_not_blamed_for_what_the_one_before_it_did() {
    for reason in [Reason::CardUnusable, Reason::InsufficientFunds] {
        let mut one = Subscriber::new(plan(PlanKind::Subscription, Period::Monthly));
        one.plan.manner.dunning.tries_max = 2;
        one.begin();
        // Changed while the old one's call is out.
        one.change_card();
        one.now += days(1);
        one.decline_of(card(1), reason);
        assert_eq!(one.open().next_at(), Some(one.now), "{reason}");
        assert_eq!(one.open().declined, 1, "{reason}");
        one.begin();
        one.decline_of(card(2), reason);
        assert_eq!(one.subscription.status, Status::Expired, "{reason}");
    }
}

/// Whoever tries out cards, one after the other or while a call is out, has five tries, too.
#[test]
fn changing_cards_wins_no_tries() {
    for reason in [Reason::CardUnusable, Reason::InsufficientFunds] {
        for during in [false, true] {
            let mut one = Subscriber::new(plan(PlanKind::Subscription, Period::Monthly));
            let mut tries = 0;
            while !one.subscription.status.is_final() {
                one.begin();
                tries += 1;
                assert!(tries <= 5, "{reason}");
                let charged = one.subscription.billing_key;
                if during {
                    one.change_card();
                }
                one.decline_of(charged, reason);
                if !during && !one.subscription.status.is_final() {
                    one.change_card();
                }
                one.now = one.newest().next_at().unwrap_or(one.now);
            }
            assert_eq!((tries, one.newest().declined), (5, 5), "{reason}");
        }
    }
}

#[test]
fn whoever_read_the_former_card_begins_no_charge() {
    let mut one = Subscriber::new(plan(PlanKind::Subscription, Period::Monthly));
    let read = *one.open();
    one.change_card();
    let (now, open) = (read.next_at(), *one.open());
    assert_eq!(open.next_at(), now, "its date stays");
    assert!(open.version > read.version, "a begin on it conflicts");
}

#[test]
fn what_is_paid_once_is_not_charged_for_a_period_that_is_over() {
    for missed in Missed::ALL {
        let mut plan = plan(PlanKind::OneTime, Period::Monthly);
        plan.manner.missed = *missed;
        let mut one = Subscriber::new(plan);
        one.now = START + days(30);
        one.begin();
        one.decline(Reason::InsufficientFunds);
        one.now = START + days(32);
        one.tick();
        assert_eq!(one.captures, 0, "{missed}");
        assert_eq!(one.subscription.status, Status::Expired);
        assert_eq!(one.newest().state.status(), CycleStatus::Void);
    }
}

#[test]
fn a_merchant_s_set_up_that_stays_ends_it_after_a_month_and_not_before() {
    let mut one = Subscriber::new(plan(PlanKind::Subscription, Period::Yearly));
    while !one.subscription.status.is_final() {
        one.begin();
        one.decline(Reason::MerchantSetup);
        one.now = one.newest().next_at().unwrap_or(one.now);
        assert!(one.now <= START + days(31), "it is tried without an end");
    }
    assert!(one.now >= START + days(30));
    assert_eq!(one.subscription.status, Status::Expired);
    assert_eq!(one.newest().state.status(), CycleStatus::Failed);
}

#[test]
fn a_merchant_s_set_up_ends_nobody_soon() {
    let mut one = Subscriber::new(plan(PlanKind::Subscription, Period::Monthly));
    for _ in 0..20 {
        one.begin();
        one.decline(Reason::MerchantSetup);
        assert_eq!(one.open().declined, 0);
        one.now = one.open().next_at().unwrap();
    }
    one.charge_and_pay();
    assert_eq!(one.subscription.status, Status::Active);
}

#[test]
fn what_was_missed_is_charged_as_the_plan_says() {
    for (missed, captures, skipped) in [(Missed::ChargeEach, 5, 0), (Missed::ChargeNewest, 2, 3)] {
        let mut plan = plan(PlanKind::Subscription, Period::Monthly);
        plan.manner.missed = missed;
        let mut one = Subscriber::new(plan);
        one.charge_and_pay();
        // away from before the second until within the fifth
        one.now = START + days(130);
        let next = one.schedule(1)[0].0.get();
        assert_eq!(next, 2 + skipped, "{missed}: what is skipped is not ahead");
        while one
            .open()
            .next_at()
            .is_some_and(|next_at| next_at <= one.now)
        {
            one.tick();
        }
        let cycles: Vec<_> = one.cycles.clone();
        let summary = Summary::of(&cycles, &one.plan, &BTreeMap::new()).unwrap();
        assert_eq!(
            (summary.paid, summary.skipped),
            (captures, skipped),
            "{missed}"
        );
        assert_eq!(summary.total.minor(), i64::from(captures) * 10_000);
        assert!(one.subscription.entitlement(one.now).is_some());
        let numbers: Vec<u32> = cycles.iter().map(|cycle| cycle.key.number.get()).collect();
        assert_eq!(numbers, [1, 2, 3, 4, 5, 6], "{missed}");
    }
}

/// It makes no difference whether we ask before the money is given back or after.
#[test]
fn what_was_given_back_before_anybody_asked_is_as_if_given_back_after() {
    for kind in PlanKind::ALL {
        let lives = [false, true].map(|together| {
            let mut one = Subscriber::new(plan(*kind, Period::Monthly));
            one.begin();
            if together {
                one.pay_in_vain();
            } else {
                one.pay();
                one.refund(CycleNumber::FIRST);
            }
            one.check();
            assert_eq!(one.subscription.status, Status::Canceled);
            assert_eq!(one.subscription.entitlement(one.now), None);
            (one.subscription, one.cycles, one.events)
        });
        assert_eq!(lives[0], lives[1], "{kind}");
    }
}

#[test]
fn a_refund_by_others_ends_what_it_paid_for() {
    let mut one = Subscriber::new(plan(PlanKind::Subscription, Period::Monthly));
    one.charge_and_pay();
    one.now += days(20);
    one.refund(CycleNumber::FIRST);
    assert_eq!(one.subscription.status, Status::Canceled);
    assert_eq!(one.newest().state.status(), CycleStatus::Void);

    // The next one is being charged: what comes of that is not forestalled.
    let mut one = Subscriber::new(plan(PlanKind::Subscription, Period::Monthly));
    one.charge_and_pay();
    one.now = one.open().due_at;
    one.begin();
    one.refund(CycleNumber::FIRST);
    assert_eq!(one.subscription.status, Status::Active);
    one.pay();
    assert!(one.subscription.entitlement(one.now).is_some());
    // An older one changes nothing.
    let mut one = Subscriber::new(plan(PlanKind::Subscription, Period::Monthly));
    one.charge_and_pay();
    one.now = one.open().due_at;
    one.charge_and_pay();
    one.refund(CycleNumber::FIRST);
    assert_eq!(one.subscription.status, Status::Active);
    assert!(one.subscription.entitlement(one.now).is_some());
}

#[test]
fn the_first_date_is_ahead_and_not_too_far() {
    let mut plan = plan(PlanKind::Subscription, Period::Monthly);
    let zone = domain::merchant::Zone::SEOUL;
    let begin = |plan: &_, ahead| {
        let mut wish = wish();
        wish.anchor = Some(Anchor::at(START + ahead, zone));
        Subscription::begin(wish, plan, zone, START).map(|moved| moved.subscription)
    };
    assert_eq!(begin(&plan, -days(1)), Err(Refusal::AnchorPast));
    assert_eq!(begin(&plan, days(400)), Err(Refusal::AnchorFar));
    let later = begin(&plan, days(10)).unwrap();
    assert_eq!((later.status, later.version), (Status::Pending, 1));
    plan.manner.offered = false;
    assert_eq!(begin(&plan, days(10)), Err(Refusal::NotOffered));
}

#[test]
fn the_schedule_is_what_will_be_charged() {
    let mut one = Subscriber::new(plan(PlanKind::Subscription, Period::Monthly));
    let schedule = one.schedule(24);
    assert_eq!(schedule.len(), 24);
    for (number, due_at) in schedule {
        assert_eq!((one.open().key.number, one.open().due_at), (number, due_at));
        one.now = due_at.max(one.now);
        one.charge_and_pay();
    }
    one.now += days(10);
    one.cancel().unwrap();
    assert!(one.schedule(24).is_empty());
}

#[test]
fn no_life_skips_a_cycle_or_charges_it_twice() {
    let mut ended = 0;
    for seed in 0..2_000 {
        let mut one = Subscriber::by_chance(seed);
        for _ in 0..60 {
            one.step_by_chance();
            one.check();
        }
        ended += u32::from(one.subscription.status.is_final());
    }
    assert!((500..1_990).contains(&ended), "{ended}");
}
