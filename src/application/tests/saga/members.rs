//! Owns worlds of members who pay again and again, and what is wrong about their cycles.

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
    Change as Row, Cycle, CycleStatus, Dunning, Manner, Missed, Plan, PlanKind, State,
    Subscription, Terms, Wish,
};
use domain::text::MemberId;
use tokio::time::{advance, sleep};

use crate::bugs::Bug;
use crate::charges::card_on_file;
use crate::faults::Fault;
use crate::world::{AMOUNT, START, World};

pub(crate) const MONTH: Duration = Duration::from_hours(31 * 24);

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

pub(crate) fn member(number: u8) -> MemberId {
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

pub(crate) fn subscription_id(number: u8) -> SubscriptionId {
    SubscriptionId::new(RawId::from_parts(8, number.into()))
}

impl World {
    /// A world of so many subscriptions, the first cycle of each due now.
    pub(crate) async fn with_subscriptions(members: u8, faults: &[Fault]) -> Self {
        Self::with_subscriptions_and(members, faults, None).await
    }

    /// The same, with a seeded bug.
    pub(crate) async fn with_subscriptions_and(
        members: u8,
        faults: &[Fault],
        bug: Option<Bug>,
    ) -> Self {
        let world = Self::new(&[], bug).await;
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
        world.watch_for(faults);
        world
    }

    /// What others gave back is found by whoever looks: a repeat is told what the first was told.
    pub(crate) fn watch_for(&self, faults: &[Fault]) {
        if faults.contains(&Fault::Elsewhere) {
            self.watch();
        }
    }

    /// Time for two declines, which are followed by tries after one hour and after two more.
    pub(crate) async fn hours_pass(&self) {
        for quiet in [0, 1, 3] {
            advance(Duration::from_hours(quiet)).await;
            sleep(Duration::from_mins(20)).await;
        }
    }

    /// So long passes, of which the last hour as it does; the time before in one leap.
    pub(crate) async fn leap(&self, time: Duration) {
        let quiet = time.saturating_sub(Duration::from_hours(1));
        advance(quiet).await;
        sleep(time.saturating_sub(quiet)).await;
    }

    pub(crate) async fn subscription(&self, number: u8) -> Subscription {
        let id = subscription_id(number);
        let found = self.memory.any_subscription(id).await.unwrap();
        found.unwrap()
    }

    pub(crate) async fn cycles_of(&self, number: u8) -> Vec<Cycle> {
        let id = subscription_id(number);
        self.memory.cycles(id, None, u32::MAX).await.unwrap()
    }

    pub(crate) async fn status_of(&self, payment: PaymentId) -> PayStatus {
        let found = self.memory.any_payment(payment).await.unwrap();
        found.unwrap().status()
    }

    pub(crate) async fn card_status(&self, number: u8) -> KeyStatus {
        let found = self.memory.any_billing_key(card(self, number).id).await;
        found.unwrap().unwrap().status()
    }

    /// Whether the log says of the cycle's payment that it was given up.
    pub(crate) async fn is_told_of_the_end(&self, cycle: &Cycle) -> bool {
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
