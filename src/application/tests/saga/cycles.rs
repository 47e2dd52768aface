//! Owns the scripts of cycles: three schedulers at once, each commit and call struck, and each
//! cycle taken at the gateway exactly once.

use std::time::Duration;

use application::ports::store::{BillingKeys as _, Payments as _, Subscriptions as _};
use chrono::TimeDelta;
use domain::billing::{self, BillingKey, Stage, Status as KeyStatus};
use domain::calendar::Period;
use domain::change::Change;
use domain::event::{Kind as EventKind, PaymentEvent};
use domain::id::{BillingKeyId, PaymentId, RawId, SubscriptionId};
use domain::merchant::Zone;
use domain::money::{Currency, Money};
use domain::payment::PayStatus;
use domain::principal::Actor;
use domain::subscription::{
    Change as Row, Cycle, CycleStatus, Dunning, Manner, Missed, Plan, PlanKind, State, Status,
    Subscription, Terms, Wish,
};
use domain::text::MemberId;
use tokio::time::{advance, sleep};

use crate::charges::card_on_file;
use crate::faults::{Fault, OF_CHARGE};
use crate::judge::movements;
use crate::scripts::{all_well, some_well};
use crate::world::{AMOUNT, START, World, in_virtual_time};

const MONTH: Duration = Duration::from_hours(31 * 24);

pub(crate) fn plan(world: &World) -> Plan {
    let krw = |minor| Money::new(minor, Currency::Krw).unwrap();
    let kind = PlanKind::Subscription;
    Plan {
        scope: world.caller.scope,
        code: "monthly".parse().unwrap(),
        terms: Terms::new(kind, Period::Monthly, krw(AMOUNT), krw(3_000)).unwrap(),
        manner: Manner {
            name: "생수 정기배송".parse().unwrap(),
            benefits: None,
            offered: true,
            missed: Missed::ChargeEach,
            dunning: Dunning::USUAL,
        },
        version: 1,
        created_at: START,
    }
}

fn member(number: u8) -> MemberId {
    format!("member-{number}").parse().unwrap()
}

pub(crate) fn card(world: &World, number: u8) -> BillingKey {
    let mut card = card_on_file(world);
    card.id = BillingKeyId::new(RawId::from_parts(9, number.into()));
    card.member = member(number);
    card.customer_key = format!("cus_{number}").parse().unwrap();
    if let Stage::Active { stored, .. } = &mut card.stage {
        stored.index = [number; 32];
    }
    card
}

fn subscription_id(number: u8) -> SubscriptionId {
    SubscriptionId::new(RawId::from_parts(8, number.into()))
}

impl World {
    /// A world of so many subscriptions, the first cycle of each due now.
    pub(crate) async fn with_subscriptions(members: u8, faults: &[Fault]) -> Self {
        let world = Self::new(&[], None).await;
        let plan = plan(&world);
        let mut changes: Vec<Change> = vec![Row::InsertPlan(Box::new(plan.clone())).into()];
        for number in 0..members {
            let card = card(&world, number);
            let wish = Wish {
                id: subscription_id(number),
                member: member(number),
                billing_key: card.id,
                anchor: None,
                actor: Actor::Buyer,
            };
            let insert = billing::Change::Insert(Box::new(card));
            changes.push(Change::Billing(Box::new(insert)));
            // Each a day earlier than the one before.
            let begun = START - TimeDelta::days(number.into());
            let moved = Subscription::begin(wish, &plan, Zone::SEOUL, begun).unwrap();
            changes.extend(moved.changes);
        }
        world.memory.commit_now(&changes).unwrap();
        world.strike(faults);
        world.schedule();
        world
    }

    /// Time for two declines, which are followed by tries after one hour and after two more.
    pub(crate) async fn hours_pass(&self) {
        for quiet in [0, 1, 3] {
            advance(Duration::from_hours(quiet)).await;
            sleep(Duration::from_mins(20)).await;
        }
    }

    /// So long passes, of which the last hour as it does; the time before in one leap.
    async fn leap(&self, time: Duration) {
        let quiet = time.saturating_sub(Duration::from_hours(1));
        advance(quiet).await;
        sleep(time.saturating_sub(quiet)).await;
    }

    async fn subscription(&self, number: u8) -> Subscription {
        let id = subscription_id(number);
        let found = self.memory.any_subscription(id).await.unwrap();
        found.unwrap()
    }

    async fn cycles_of(&self, number: u8) -> Vec<Cycle> {
        let id = subscription_id(number);
        self.memory.cycles(id, None, u32::MAX).await.unwrap()
    }

    async fn status_of(&self, payment: PaymentId) -> PayStatus {
        let found = self.memory.any_payment(payment).await.unwrap();
        found.unwrap().status()
    }

    async fn card_status(&self, number: u8) -> KeyStatus {
        let found = self.memory.any_billing_key(card(self, number).id).await;
        found.unwrap().unwrap().status()
    }

    /// Whether the log says of the cycle's payment that it was given up.
    async fn is_told_of_the_end(&self, cycle: &Cycle) -> bool {
        let payment = cycle.payment.unwrap();
        let events = self.memory.events(payment, 0, 99).await.unwrap();
        let failed = |event: &&PaymentEvent| event.kind == EventKind::BillingFailed;
        events.iter().filter(failed).count() == 1
    }

    /// What the gateway holds for cycles.
    pub(crate) fn held(&self) -> i64 {
        let books = self.gateway.books.lock().unwrap();
        let left = |account: &crate::books::Account| {
            let taken = account.captured.map_or(0, Money::minor);
            let back = account.cancels.iter().map(|cancel| cancel.amount.minor());
            taken - back.sum::<i64>()
        };
        books.accounts.iter().map(left).sum()
    }

    /// What is wrong about cycles: money without a paid cycle, or the other way round, and a
    /// cycle that is not where its payment is.
    pub(crate) async fn astray(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let cycles = self.memory.all_cycles();
        let paid = |cycle: &&Cycle| matches!(cycle.state, State::Paid { .. });
        let count = i64::try_from(cycles.iter().filter(paid).count()).unwrap();
        if self.held() != count * AMOUNT {
            wrong.push(format!("{} held for {count} paid cycles", self.held()));
        }
        for cycle in &cycles {
            let Some(payment) = cycle.payment else {
                continue;
            };
            let (payment, status) = (self.status_of(payment).await, cycle.state.status());
            let fits = match payment {
                PayStatus::Done => status == CycleStatus::Paid,
                PayStatus::InProgress => status == CycleStatus::Charging,
                PayStatus::Ready
                | PayStatus::WaitingForDeposit
                | PayStatus::CancelRequested
                | PayStatus::PartialCanceled
                | PayStatus::Canceled
                | PayStatus::Aborted
                | PayStatus::Expired => {
                    ![CycleStatus::Paid, CycleStatus::Charging].contains(&status)
                }
            };
            if !fits {
                wrong.push(format!(
                    "{:?} is {status}, its payment {payment}",
                    cycle.key
                ));
            }
        }
        wrong
    }
}

/// Runs one script to its end; what is wrong afterwards.
fn run(faults: &[Fault]) -> Vec<String> {
    in_virtual_time(async {
        let world = World::with_subscriptions(1, faults).await;
        world.hours_pass().await;
        let mut wrong = world.astray().await;
        if !world.settle().await {
            wrong.push("a saga is still open".to_owned());
        }
        movements(&world, &mut wrong);
        let spoilt = [Fault::WrongAmount, Fault::WrongCurrency];
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

/// Of 484 one in nine; `scripts/prove` runs them all. The quick run leaves tests named so out.
#[test]
fn exhaustive_scripts_of_length_2() {
    some_well(&OF_CHARGE, 2, run);
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

/// So many members' cycles over so many months, with three faults in each of them.
fn lives(members: u8, months: usize) {
    in_virtual_time(async {
        let world = World::with_subscriptions(members, &[]).await;
        for month in 0..months {
            let strikes = (0..3).map(|place| OF_CHARGE[(month * 3 + place) % OF_CHARGE.len()]);
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
