//! Owns one simulated installation: a few subscriptions, two schedulers, a gateway with its own
//! count of what it took, and a clock that leaps.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use application::memory::Memory;
use application::ports::Clock;
use application::ports::store::{Commit as _, CommitError, Subscriptions as _};
use application::{Charged, Charges, CyclePass, Cycles, DueCycle};
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta};
use domain::Timestamp;
use domain::calendar::Period;
use domain::change::{Change as AnyChange, Hold};
use domain::decline::{Class, Decline, Reason};
use domain::id::{BillingKeyId, MerchantId, PaymentId, RawId, SubscriptionId, WorkerId};
use domain::merchant::Zone;
use domain::money::{Currency, Money};
use domain::principal::{Actor, Mode, Scope};
use domain::subscription::{
    Change, Cycle, CycleKey, CycleStatus, Deed, Dunning, Event, Manner, Missed, Plan, PlanKind,
    Subscription, Terms, Wish,
};
use domain::webhook::Chance;

const START: Timestamp = DateTime::from_timestamp(1_801_353_600, 0).unwrap();
const MEMBERS: u64 = 4;
const LEASE: Duration = Duration::from_mins(1);

/// Whose cards are declined.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Anybody's, now and then.
    Some,
    /// Nobody's.
    None,
    /// The first member's, always.
    FirstAlways,
}

/// A subscription and everything of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Life {
    pub(crate) subscription: Subscription,
    pub(crate) cycles: Vec<Cycle>,
    events: Vec<Event>,
}

struct Leaping(AtomicI64);

impl Clock for Leaping {
    fn now(&self) -> Timestamp {
        let micros = self.0.load(Ordering::Relaxed);
        DateTime::from_timestamp_micros(micros).unwrap()
    }
}

pub(crate) struct World {
    seed: u64,
    clock: Arc<Leaping>,
    store: Arc<Memory>,
    plan: Plan,
    ids: Vec<SubscriptionId>,
    gateway: Gateway,
    steps: u64,
    pub(crate) outages: u32,
    /// How often a scheduler came too late with what it had taken.
    pub(crate) late: u32,
}

/// The same number for the same numbers, and no other relation between them.
fn drawn(numbers: [u64; 4]) -> u64 {
    numbers.into_iter().fold(0, |state: u64, number| {
        let mut z = (state ^ number).wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    })
}

/// What it took, and what it has not told yet.
struct Gateway {
    seed: u64,
    trouble: Trouble,
    /// Nobody dies any more.
    calm: AtomicBool,
    clock: Arc<Leaping>,
    store: Arc<Memory>,
    captures: Mutex<BTreeMap<CycleKey, u32>>,
    untold: Mutex<Vec<(PaymentId, Charged)>>,
}

impl Gateway {
    fn member_of(due: &DueCycle) -> u64 {
        due.subscription.member.as_str()[7..].parse().unwrap()
    }

    fn answer(&self, due: &DueCycle) -> Charged {
        let number = u64::from(due.cycle.key.number.get());
        let member = Self::member_of(due);
        let tried = u64::from(due.cycle.declined);
        let refuses = match self.trouble {
            Trouble::None => false,
            Trouble::FirstAlways => member == 0,
            Trouble::Some => drawn([self.seed, member, number, tried]).is_multiple_of(6),
        };
        if !refuses {
            let at = self.clock.now();
            return Charged::Paid { at };
        }
        let decline = Decline {
            reason: Reason::InsufficientFunds,
            class: Class::Buyer,
            code: "REJECT_ACCOUNT_PAYMENT".to_owned(),
            message: String::new(),
        };
        Charged::Declined {
            decline,
            card: Some(due.subscription.billing_key),
        }
    }
}

#[async_trait]
impl Charges for Gateway {
    async fn begin(&self, due: &DueCycle) -> Result<(), CommitError> {
        let micros = self.clock.0.load(Ordering::Relaxed).unsigned_abs();
        let member = Self::member_of(due);
        let fate = drawn([self.seed, member, micros, 9]) % 8;
        if fate == 0 && !self.calm.load(Ordering::Relaxed) {
            // Dies before its commit: the hold ends, and another takes it.
            return Err(CommitError::InDoubt);
        }
        let number = u128::from(due.cycle.key.number.get());
        let raw = RawId::from_parts(2, u128::from(member) << 64 | number);
        let payment = PaymentId::new(raw);
        let begun = due.cycle.begin(payment).unwrap();
        let update = Change::UpdateCycle {
            cycle: Box::new(begun),
            expected: due.cycle.version,
        };
        self.store.commit(&[update.into()]).await?;
        let charged = self.answer(due);
        if matches!(charged, Charged::Paid { .. }) {
            let mut captures = self.captures.lock().unwrap();
            *captures.entry(due.cycle.key).or_default() += 1;
        }
        self.untold.lock().unwrap().push((payment, charged));
        Ok(())
    }
}

fn plan(missed: Missed) -> Plan {
    let krw = |minor| Money::new(minor, Currency::Krw).unwrap();
    let kind = PlanKind::Subscription;
    Plan {
        scope: Scope {
            merchant: MerchantId::new(RawId::from_parts(1, 1)),
            mode: Mode::Test,
        },
        code: "monthly".parse().unwrap(),
        terms: Terms::new(kind, Period::Monthly, krw(9_900), krw(0)).unwrap(),
        manner: Manner {
            name: "생수 정기배송".parse().unwrap(),
            benefits: None,
            offered: true,
            missed,
            dunning: Dunning::USUAL,
        },
        version: 1,
        created_at: START,
    }
}

impl World {
    pub(crate) async fn new(seed: u64, missed: Missed, trouble: Trouble) -> Self {
        let clock = Arc::new(Leaping(AtomicI64::new(START.timestamp_micros())));
        let store = Arc::new(Memory::new(Arc::<Leaping>::clone(&clock)));
        let plan = plan(missed);
        let mut changes: Vec<AnyChange> = vec![Change::InsertPlan(Box::new(plan.clone())).into()];
        let mut ids = Vec::new();
        for member in 0..MEMBERS {
            let id = SubscriptionId::new(RawId::from_parts(3, member.into()));
            let wish = Wish {
                id,
                member: format!("member-{member}").parse().unwrap(),
                billing_key: BillingKeyId::new(RawId::from_parts(4, member.into())),
                anchor: None,
                actor: Actor::Buyer,
            };
            let begun = START - TimeDelta::days(i64::try_from(member).unwrap());
            let moved = Subscription::begin(wish, &plan, Zone::SEOUL, begun).unwrap();
            changes.extend(moved.changes);
            ids.push(id);
        }
        store.commit(&changes).await.unwrap();
        let gateway = Gateway {
            seed,
            trouble,
            calm: AtomicBool::new(false),
            clock: Arc::clone(&clock),
            store: Arc::clone(&store),
            captures: Mutex::default(),
            untold: Mutex::default(),
        };
        Self {
            seed,
            clock,
            store,
            plan,
            ids,
            gateway,
            steps: 0,
            outages: 0,
            late: 0,
        }
    }

    fn draw(&mut self) -> u64 {
        self.steps += 1;
        drawn([self.seed, self.steps, 0, 1])
    }

    fn cycles(&self) -> Cycles<'_> {
        Cycles {
            store: self.store.as_ref(),
            clock: self.clock.as_ref(),
        }
    }

    fn pass_time(&self, by: TimeDelta) {
        let micros = by.num_microseconds().unwrap();
        self.clock.0.fetch_add(micros, Ordering::Relaxed);
    }

    fn hold(number: u128) -> Hold {
        Hold {
            holder: WorkerId::new(RawId::from_parts(5, number)),
            lease: LEASE,
        }
    }

    /// So many years, with an outage of up to 120 days every few weeks.
    pub(crate) async fn live(&mut self, years: i64) {
        let end = START + TimeDelta::days(365 * years);
        while self.clock.now() < end {
            let is_outage = self.draw().is_multiple_of(16);
            let hours = if is_outage { 24 * 120 } else { 36 };
            let hours = 1 + i64::try_from(self.draw() % hours).unwrap();
            self.outages += u32::from(is_outage);
            self.pass_time(TimeDelta::hours(hours));
            if self.draw().is_multiple_of(5) {
                self.come_late().await;
            }
            for _ in 0..8 {
                self.schedule().await;
                self.tell(false).await;
                self.pass_time(TimeDelta::minutes(2));
            }
        }
    }

    async fn schedule(&self) -> CyclePass {
        let pass = self.cycles().pass(&self.gateway, Self::hold(1), 9).await;
        pass.unwrap()
    }

    /// A scheduler takes what is due, sleeps until its hold is over, and goes on when another one
    /// has dealt with it.
    async fn come_late(&mut self) {
        let claimed = self
            .store
            .claim_cycles(self.clock.now(), Self::hold(2), &[], 9);
        let claimed = claimed.await.unwrap();
        self.pass_time(TimeDelta::minutes(2));
        self.schedule().await;
        for cycle in claimed {
            let mut pass = CyclePass::default();
            let dealt = self.cycles().deal(cycle, &self.gateway, &mut pass).await;
            dealt.unwrap();
            assert_eq!(pass, CyclePass::default(), "{cycle:?}");
            self.late += 1;
        }
    }

    /// Charges end: soon, late, and some are told twice.
    async fn tell(&self, all: bool) {
        let untold = std::mem::take(&mut *self.gateway.untold.lock().unwrap());
        for (payment, charged) in untold {
            let micros = self.clock.0.load(Ordering::Relaxed).unsigned_abs();
            let raw = payment
                .to_string()
                .bytes()
                .fold(0, |sum, byte| sum * 31 % 99_991 + u64::from(byte));
            let fate = drawn([self.seed, raw, micros, 3]) % 4;
            let chance = Chance(u32::try_from(fate << 20).unwrap());
            let times = if all { 1 } else { fate };
            for _ in 0..times.min(2) {
                let changes = self.cycles().outcome(payment, &charged, chance).await;
                self.store.commit(&changes.unwrap()).await.unwrap();
            }
            if times == 0 {
                self.gateway.untold.lock().unwrap().push((payment, charged));
            }
        }
    }

    /// Nothing fails any more, until nothing is left to do.
    pub(crate) async fn settle_all(&mut self) {
        self.gateway.calm.store(true, Ordering::Relaxed);
        for _ in 0..400 {
            self.tell(true).await;
            self.pass_time(TimeDelta::minutes(3));
            self.schedule().await;
        }
        self.tell(true).await;
    }

    pub(crate) async fn lives(&self) -> Vec<Life> {
        let mut lives = Vec::new();
        for id in &self.ids {
            let subscription = self.store.any_subscription(*id).await.unwrap();
            let mut cycles = self.store.cycles(*id, None, 9_999).await.unwrap();
            cycles.reverse();
            lives.push(Life {
                subscription: subscription.unwrap(),
                cycles,
                events: self.store.subscription_events(*id, 0, 9_999).await.unwrap(),
            });
        }
        lives
    }

    pub(crate) fn check(&self, life: &Life) {
        let (anchor, now) = (life.subscription.anchor, self.clock.now());
        let period = self.plan.terms.period();
        let captures = self.gateway.captures.lock().unwrap();
        for (number, cycle) in (1..).zip(&life.cycles) {
            assert_eq!(cycle.key.number.get(), number, "none is missing");
            assert_eq!(cycle.due_at, anchor.due(period, cycle.key.number));
            let taken = captures.get(&cycle.key).copied().unwrap_or_default();
            let paid = cycle.state.status() == CycleStatus::Paid;
            assert_eq!(taken, u32::from(paid), "{cycle:?}");
        }
        let newest = life.cycles.last().unwrap();
        if !life.subscription.status.is_final() {
            let next_at = newest.next_at().unwrap();
            assert!(next_at > now, "all that is due is dealt with: {newest:?}");
        }
        for event in life.events.iter().filter(|e| e.deed == Deed::Skipped) {
            assert_eq!(self.plan.manner.missed, Missed::ChargeNewest);
            let over = anchor.end(period, event.cycle.unwrap());
            assert!(event.at >= over, "only what is over is skipped");
        }
        let versions = life.events.iter().map(|event| event.sequence);
        assert!(versions.eq(1..=life.subscription.version));
    }
}
