//! Owns one subscription beside a gateway of its own, which counts what it took, and a store that
//! refuses what its conditions do not allow.

use chrono::{DateTime, TimeDelta};
use domain::Timestamp;
use domain::calendar::{CycleNumber, Period};
use domain::change::Change as AnyChange;
use domain::decline::{Class, Decline, Reason};
use domain::id::{BillingKeyId, MerchantId, PaymentId, RawId, SubscriptionId};
use domain::member_event::{Facts, Kind, MemberEvent};
use domain::merchant::Zone;
use domain::money::{Currency, Money};
use domain::principal::{Actor, Mode, Scope};
use domain::subscription::{
    CancelRefusal, Change, Cycle, CycleStatus, Deed, Due, Dunning, Ending, Event, Manner, Missed,
    Moved, Plan, PlanKind, State, Status, Subscription, Terms, Wish,
};
use domain::webhook::Chance;

pub(crate) const START: Timestamp = DateTime::from_timestamp(1_801_353_600, 0).expect("a date");
const PRICE: i64 = 10_000;

pub(crate) fn days(days: i64) -> TimeDelta {
    TimeDelta::days(days)
}

pub(crate) fn card(number: u128) -> BillingKeyId {
    BillingKeyId::new(RawId::from_parts(1, number))
}

pub(crate) fn plan(kind: PlanKind, period: Period) -> Plan {
    let krw = |minor| Money::new(minor, Currency::Krw).unwrap();
    Plan {
        scope: Scope {
            merchant: MerchantId::new(RawId::from_parts(1, 1)),
            mode: Mode::Test,
        },
        code: "water-monthly".parse().unwrap(),
        terms: Terms::new(kind, period, krw(PRICE), krw(0)).unwrap(),
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

pub(crate) fn wish() -> Wish {
    Wish {
        id: SubscriptionId::new(RawId::from_parts(1, 7)),
        member: "member-1".parse().unwrap(),
        billing_key: card(1),
        anchor: None,
        actor: Actor::Buyer,
    }
}

pub(crate) struct Subscriber {
    pub(crate) plan: Plan,
    pub(crate) subscription: Subscription,
    pub(crate) cycles: Vec<Cycle>,
    pub(crate) events: Vec<Event>,
    pub(crate) now: Timestamp,
    pub(crate) captures: u32,
    /// Which cycle was tried first when.
    since: Option<(CycleNumber, Timestamp)>,
    chance: u64,
}

impl Subscriber {
    pub(crate) fn new(plan: Plan) -> Self {
        let moved = Subscription::begin(wish(), &plan, Zone::SEOUL, START).unwrap();
        let mut one = Self {
            plan,
            subscription: moved.subscription.clone(),
            cycles: Vec::new(),
            events: Vec::new(),
            now: START,
            captures: 0,
            since: None,
            chance: 1,
        };
        one.commit(moved);
        one
    }

    pub(crate) fn by_chance(seed: u64) -> Self {
        let kind = PlanKind::ALL[usize::from(!seed.is_multiple_of(5))];
        let period = Period::ALL[usize::try_from(seed / 5 % 3).unwrap()];
        let mut plan = plan(kind, period);
        plan.manner.missed = Missed::ALL[usize::try_from(seed % 2).unwrap()];
        let mut one = Self::new(plan);
        one.chance = seed + 1;
        one
    }

    /// Splitmix64: enough chance for a test, and the same for the same seed.
    fn draw(&mut self) -> u64 {
        self.chance = self.chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.chance;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// As a store does it: each condition must hold.
    fn commit(&mut self, moved: Moved) {
        let (lines, mut heard) = (self.events.len(), 0);
        for change in moved.changes {
            if let AnyChange::AppendMemberEvent(told) = &change {
                self.hear(told);
                heard += 1;
                continue;
            }
            let AnyChange::Subscription(change) = change else {
                panic!("{change:?}");
            };
            match *change {
                Change::InsertSubscription(row) => self.subscription = *row,
                Change::UpdateSubscription {
                    subscription,
                    expected,
                } => {
                    assert_eq!(self.subscription.version, expected);
                    assert_eq!(subscription.version, expected + 1);
                    self.subscription = *subscription;
                }
                Change::InsertCycle(cycle) => {
                    assert!(self.cycles.iter().all(|known| known.key != cycle.key));
                    self.cycles.push(*cycle);
                }
                Change::UpdateCycle { cycle, expected } => self.put(*cycle, expected),
                Change::AppendEvent(event) => self.events.push(*event),
                Change::InsertPlan(_) | Change::UpdatePlan { .. } => panic!("a plan moved"),
            }
        }
        assert_eq!(self.subscription, moved.subscription);
        assert_eq!(self.events.len() - lines, heard, "each line is told once");
    }

    /// What others are told is what the log says, and what comes next after a decline alone.
    fn hear(&self, told: &MemberEvent<Facts>) {
        let line = self.events.last().unwrap();
        let kind = Kind::Subscription(line.deed);
        let said = (told.sequence, told.kind, told.from, told.to);
        let from = line.from.map(Status::as_str);
        assert_eq!(said, (line.sequence, kind, from, line.to.as_str()));
        let whose = (told.scope, &told.member, told.actor);
        let own = &self.subscription;
        assert_eq!(whose, (own.scope, &own.member, line.actor));
        let facts = &told.payload;
        assert_eq!(facts.cycle, line.cycle.map(CycleNumber::get));
        assert_eq!(
            (facts.payment_id, facts.reason),
            (line.payment, line.reason)
        );
        let next = [&facts.next_try_at, &facts.card_wanted_until];
        let next = next.into_iter().flatten().count();
        assert_eq!(next, usize::from(line.deed == Deed::Declined), "{told:?}");
    }

    fn put(&mut self, cycle: Cycle, expected: i64) {
        let mut known = self.cycles.iter_mut();
        let row = known.find(|known| known.key == cycle.key).unwrap();
        assert_eq!((row.version, cycle.version), (expected, expected + 1));
        *row = cycle;
    }

    pub(crate) fn newest(&self) -> &Cycle {
        self.cycles.last().unwrap()
    }

    pub(crate) fn open(&self) -> &Cycle {
        let open = self.newest();
        assert!(!open.state.status().is_final(), "{open:?}");
        open
    }

    fn newest_paid(&self) -> Option<&Cycle> {
        let mut cycles = self.cycles.iter().rev();
        cycles.find(|cycle| cycle.state.status() == CycleStatus::Paid)
    }

    pub(crate) fn payment(&self) -> PaymentId {
        PaymentId::new(RawId::from_parts(2, self.newest().key.number.get().into()))
    }

    pub(crate) fn begin(&mut self) {
        let cycle = *self.open();
        let number = cycle.key.number;
        self.since = self.since.filter(|since| since.0 == number);
        self.since = self.since.or(Some((number, self.now)));
        let begun = cycle.begin(self.payment()).unwrap();
        self.put(begun, cycle.version);
    }

    pub(crate) fn pay(&mut self) {
        let (cycle, times) = (*self.open(), (self.now, self.now));
        let subscription = self.subscription.clone();
        self.captures += 1;
        let moved = subscription.charged(cycle, &self.plan, times).unwrap();
        self.commit(moved);
    }

    /// The gateway took it, and gave it back before anybody asked.
    pub(crate) fn pay_in_vain(&mut self) {
        let (cycle, times) = (*self.open(), (self.now, self.now));
        let subscription = self.subscription.clone();
        self.captures += 1;
        let moved = subscription.charged_in_vain(cycle, &self.plan, times);
        self.commit(moved.unwrap());
    }

    pub(crate) fn charge_and_pay(&mut self) {
        self.begin();
        self.pay();
    }

    pub(crate) fn decline(&mut self, reason: Reason) {
        self.decline_of(self.subscription.billing_key, reason);
    }

    pub(crate) fn decline_of(&mut self, card: BillingKeyId, reason: Reason) {
        let decline = Decline {
            reason,
            class: Class::Buyer,
            code: "CODE".to_owned(),
            message: String::new(),
        };
        let chance = Chance(u32::try_from(self.draw() >> 32).unwrap());
        let (cycle, subscription) = (*self.open(), self.subscription.clone());
        let when = (self.now, chance);
        let told = (&decline, Some(card), self.since.unwrap().1);
        let moved = subscription.declined(cycle, &self.plan, told, when);
        self.commit(moved.unwrap());
    }

    pub(crate) fn lose_card(&mut self) {
        let (cycle, subscription) = (*self.open(), self.subscription.clone());
        let moved = subscription.without_card(cycle, &self.plan, self.now);
        self.commit(moved.unwrap());
    }

    pub(crate) fn change_card(&mut self) {
        let (open, subscription) = (*self.open(), self.subscription.clone());
        let by = (Actor::Buyer, self.now);
        let other = if subscription.billing_key == card(2) {
            card(1)
        } else {
            card(2)
        };
        let moved = subscription.with_card(Some(&open), other, by).unwrap();
        self.commit(moved);
    }

    pub(crate) fn cancel(&mut self) -> Result<Ending, CancelRefusal> {
        let (open, paid) = (*self.newest(), self.newest_paid().copied());
        let cycles = (&open, paid.as_ref());
        let subscription = self.subscription.clone();
        let canceled = subscription.cancel(cycles, &self.plan, (Actor::Buyer, self.now))?;
        self.commit(canceled.moved);
        Ok(canceled.ending)
    }

    pub(crate) fn refund(&mut self, number: CycleNumber) {
        let mut cycles = self.cycles.iter();
        let cycle = *cycles.find(|cycle| cycle.key.number == number).unwrap();
        let open = *self.newest();
        let subscription = self.subscription.clone();
        let moved = subscription.refunded(&cycle, Some(&open), self.now);
        self.commit(moved.unwrap());
    }

    /// What the scheduler does; the gateway takes what it is asked for.
    pub(crate) fn tick(&mut self) {
        let (cycle, subscription) = (*self.newest(), self.subscription.clone());
        match subscription.due(&cycle, &self.plan, self.now).unwrap() {
            Due::Charge => self.charge_and_pay(),
            Due::Moved(moved) => self.commit(*moved),
            Due::Nothing => {}
        }
    }

    pub(crate) fn schedule(&self, count: u8) -> Vec<(CycleNumber, Timestamp)> {
        let ahead = (count, self.now);
        self.subscription.schedule(self.open(), &self.plan, ahead)
    }

    pub(crate) fn step_by_chance(&mut self) {
        // Hours as a rule, sometimes an outage of months.
        let longest = if self.draw().is_multiple_of(10) {
            24 * 200
        } else {
            48
        };
        let hours = i64::try_from(self.draw() % longest).unwrap();
        self.now += TimeDelta::hours(hours);
        if self.newest().state.status().is_final() {
            return;
        }
        if matches!(self.open().state, State::Charging { .. }) {
            return self.answer_by_chance();
        }
        match self.draw() % 40 {
            0 => drop(self.cancel()),
            1..=3 if self.subscription.status != Status::CancelScheduled => self.change_card(),
            4 if self.newest_paid().is_some() => {
                let number = self.newest_paid().unwrap().key.number;
                self.refund(number);
            }
            _ => {
                let (cycle, subscription) = (*self.open(), self.subscription.clone());
                match subscription.due(&cycle, &self.plan, self.now).unwrap() {
                    Due::Charge => self.begin(),
                    Due::Moved(moved) => self.commit(*moved),
                    Due::Nothing => {}
                }
            }
        }
    }

    fn answer_by_chance(&mut self) {
        match self.draw() % 24 {
            0..=10 => self.pay(),
            11 => self.pay_in_vain(),
            12..=17 => self.decline(Reason::InsufficientFunds),
            18 | 19 => self.decline(Reason::CardUnusable),
            20 | 21 => self.decline(Reason::MerchantSetup),
            // unknown still
            _ => {}
        }
    }

    /// What holds at every moment of every life.
    pub(crate) fn check(&self) {
        let periods = self.plan.terms.period();
        let anchor = self.subscription.anchor;
        let mut open = 0;
        let mut paid = 0;
        for (at, cycle) in (1..).zip(&self.cycles) {
            assert_eq!(
                i64::from(cycle.key.number.get()),
                at,
                "one row each, in order"
            );
            assert_eq!(cycle.due_at, anchor.due(periods, cycle.key.number));
            let status = cycle.state.status();
            let over = status.is_final() || status == CycleStatus::Paid;
            open += u32::from(!over);
            let was_paid = [CycleStatus::Paid, CycleStatus::Refunded].contains(&status);
            paid += u32::from(was_paid);
            // No card is asked for what is not due.
            assert!(cycle.payment.is_none() || cycle.due_at <= self.now);
            let skips = self.plan.manner.missed == Missed::ChargeNewest;
            assert!(status != CycleStatus::Skipped || skips);
        }
        assert_eq!(paid, self.captures, "each capture has its cycle");
        let ended = self.subscription.status.is_final();
        assert_eq!(open, u32::from(!ended), "{:?}", self.cycles);
        assert_eq!(self.subscription.ended_at.is_some(), ended);
        let versions: Vec<i64> = self.events.iter().map(|event| event.sequence).collect();
        let expected: Vec<i64> = (1..=self.subscription.version).collect();
        assert_eq!(versions, expected, "every version is one event");
        self.check_entitlement();
    }

    fn check_entitlement(&self) {
        let periods = self.plan.terms.period();
        let anchor = self.subscription.anchor;
        let covering = self.cycles.iter().any(|cycle| {
            let end = anchor.end(periods, cycle.key.number);
            cycle.state.status() == CycleStatus::Paid && end > self.now
        });
        let entitled = self.subscription.entitlement(self.now).is_some();
        assert!(
            !entitled || covering,
            "nobody has what they have not paid for"
        );
        let lost = matches!(self.subscription.status, Status::Canceled | Status::Expired);
        assert!(entitled || !covering || lost, "nor lacks what they have");
        let scheduled = self.subscription.status == Status::CancelScheduled;
        let closing = self.newest().state.status() == CycleStatus::Closing;
        assert_eq!(scheduled, closing);
    }
}
