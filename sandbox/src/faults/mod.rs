//! Owns what goes wrong on purpose: rules per call, scenarios per order, the stories of test
//! cards, then random faults.

mod chaos;
mod pattern;
mod rule;
mod scenario;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use serde::{Deserialize, Serialize};

pub(crate) use self::chaos::Chaos;
pub(crate) use self::rule::{Order, Rule};
use self::scenario::{Place, play};
pub(crate) use self::scenario::{Scenario, Script, Step};
use crate::calls::Operation;
use crate::cards::TestCard;
use crate::state::payment::{Kind, Payment};

/// Something that goes wrong with one call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", deny_unknown_fields)]
pub(crate) enum Fault {
    /// The call takes longer, then has its normal effect.
    Delay { milliseconds: u64 },
    /// The connection dies; nothing happened.
    DropBefore,
    /// The call has its effect, then the connection dies.
    DropAfter,
    /// The call has its effect; half of the answer arrives.
    CutBody,
    /// The edge answers a bare status, before or after the effect.
    Status {
        status: u16,
        when: When,
        #[serde(default)]
        html: bool,
    },
    /// The institution answers a documented code, which is kept under the idempotency key.
    Code { code: String },
    /// As `code`, with a code nobody has seen before.
    UnknownCode,
    /// The call has its effect; the answer speaks of something else.
    WrongBody { field: WrongField },
    /// Nothing happens: 429.
    TooManyRequests,
    /// Nothing happens: 409, as if the same key still ran.
    Processing,
    /// A read does not see the payment yet.
    NotFound,
    /// The connection dies now, and the request arrives later.
    Late { milliseconds: u64 },
    /// Another amount is taken than was asked for.
    OverCapture { amount: i64 },
}

/// Whether the effect happens although the edge fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum When {
    Before,
    After,
}

/// What an answer is wrong about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum WrongField {
    OrderId,
    Amount,
    PaymentKey,
    MId,
    Currency,
    /// Not JSON at all.
    Garbage,
}

/// What a call is about, as far as faults care.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    pub(crate) operation: Operation,
    pub(crate) payment_key: Option<String>,
    pub(crate) order_id: Option<String>,
    pub(crate) order_name: Option<String>,
    pub(crate) amount: Option<i64>,
    pub(crate) card: Option<&'static TestCard>,
    /// Whether a billing key is charged, or was.
    pub(crate) billing: bool,
}

/// All faults in force.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    plan: Mutex<Plan>,
}

#[derive(Debug, Default)]
struct Plan {
    rules: Vec<Rule>,
    chaos: Option<Chaos>,
    arrivals: u64,
    rules_ever: u64,
    scenarios: Vec<Scenario>,
    /// How far each order is in each scenario.
    in_scenario: HashMap<(usize, String), Place>,
    /// How far each payment is in the story of its card.
    with_card: HashMap<String, Place>,
}

/// The faults in force, as the control shows them.
#[derive(Debug, Serialize)]
pub(crate) struct Shown {
    rules: Vec<Rule>,
    random: Option<Chaos>,
}

/// A scenario in force, and how many orders go through it.
#[derive(Debug, Serialize)]
pub(crate) struct Staged {
    #[serde(flatten)]
    scenario: Scenario,
    orders: usize,
}

impl Fault {
    /// The name of its type, for the record of calls.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Delay { .. } => "delay",
            Self::DropBefore => "dropBefore",
            Self::DropAfter => "dropAfter",
            Self::CutBody => "cutBody",
            Self::Status { .. } => "status",
            Self::Code { .. } => "code",
            Self::UnknownCode => "unknownCode",
            Self::WrongBody { .. } => "wrongBody",
            Self::TooManyRequests => "tooManyRequests",
            Self::Processing => "processing",
            Self::NotFound => "notFound",
            Self::Late { .. } => "late",
            Self::OverCapture { .. } => "overCapture",
        }
    }

    /// Whether this can happen to such a call at all.
    fn can_strike(&self, operation: Operation) -> bool {
        match self {
            Self::NotFound => matches!(operation, Operation::Get | Operation::GetByOrder),
            Self::Late { .. } => !operation.is_read(),
            Self::Processing => operation.takes_idempotency_keys(),
            Self::OverCapture { .. } => {
                matches!(operation, Operation::Confirm | Operation::Charge)
            }
            Self::WrongBody { field } => field.is_in(operation),
            Self::Delay { .. }
            | Self::DropBefore
            | Self::DropAfter
            | Self::CutBody
            | Self::Status { .. }
            | Self::Code { .. }
            | Self::UnknownCode
            | Self::TooManyRequests => true,
        }
    }
}

impl WrongField {
    /// Whether an answer to such a call has the field at all.
    fn is_in(self, operation: Operation) -> bool {
        match operation {
            Operation::Authorize | Operation::DeleteBillingKey => self == Self::Garbage,
            Operation::IssueBillingKey => matches!(self, Self::Garbage | Self::MId),
            Operation::Confirm
            | Operation::Get
            | Operation::GetByOrder
            | Operation::Cancel
            | Operation::Create
            | Operation::Transactions
            | Operation::Settlements
            | Operation::IssueAccount
            | Operation::Charge => true,
        }
    }
}

impl Subject {
    /// What is known about a call from the payment it is about.
    pub(crate) fn of(operation: Operation, payment: Option<&Payment>) -> Self {
        Self {
            operation,
            payment_key: payment.map(|payment| payment.payment_key.clone()),
            order_id: payment.map(|payment| payment.order_id.clone()),
            order_name: payment.map(|payment| payment.order_name.clone()),
            amount: payment.map(|payment| payment.total),
            card: payment.and_then(Payment::test_card),
            billing: payment.is_some_and(|payment| payment.kind == Kind::Billing),
        }
    }
}

impl Plan {
    fn draw_from(&mut self, random: Option<Chaos>) {
        if let Some(chaos) = random {
            // Counting from here makes a run with the same seed the same run.
            self.arrivals = 0;
            self.chaos = Some(chaos);
        }
    }

    fn stage(&mut self, scenarios: Vec<Scenario>) {
        self.scenarios = scenarios;
        self.in_scenario.clear();
    }

    /// What the first scenario that means the call's order has in store for it.
    fn staged(&mut self, subject: &Subject) -> Option<Fault> {
        let order_id = subject.order_id.as_ref()?;
        let mut scenarios = self.scenarios.iter().enumerate();
        let (index, scenario) = scenarios.find(|(_, scenario)| scenario.means(subject))?;
        let place = self.in_scenario.entry((index, order_id.clone()));
        play(&scenario.steps, place.or_default(), subject.operation)
    }

    /// What the story of the payment's card has in store for the call.
    fn of_card(&mut self, subject: &Subject) -> Option<Fault> {
        let card = subject.card.filter(|card| !card.steps.is_empty())?;
        // A charge has no payment key before it is made: its story is its order's.
        let payment = subject.payment_key.as_ref().filter(|_| !subject.billing);
        let payment = payment.or(subject.order_id.as_ref())?;
        let place = self.with_card.entry(payment.clone()).or_default();
        // What the gateway's confirm is, a charge is, and the card company's authorisation.
        let operation = match subject.operation {
            Operation::Charge | Operation::Authorize => Operation::Confirm,
            Operation::Confirm
            | Operation::Get
            | Operation::GetByOrder
            | Operation::Cancel
            | Operation::Create
            | Operation::Transactions
            | Operation::Settlements
            | Operation::IssueAccount
            | Operation::IssueBillingKey
            | Operation::DeleteBillingKey => subject.operation,
        };
        play(&card.steps, place, operation)
    }
}

impl Faults {
    /// The fault this call meets; counts it.
    pub(crate) fn strike(&self, subject: &Subject) -> Option<Fault> {
        let mut plan = self.lock();
        plan.arrivals = plan.arrivals.saturating_add(1);
        let arrival = plan.arrivals;
        if let Some(rule) = plan
            .rules
            .iter_mut()
            .find(|rule| rule.strikes(subject, arrival))
        {
            return Some(rule.spend());
        }
        let scripted = plan.staged(subject).or_else(|| plan.of_card(subject));
        if scripted.is_some() {
            return scripted;
        }
        let fault = plan.chaos.as_ref()?.draw(arrival)?;
        fault.can_strike(subject.operation).then_some(fault)
    }

    /// Adds what the order asks for.
    pub(crate) fn add(&self, order: Order) {
        let mut plan = self.lock();
        for mut rule in order.rules {
            plan.rules_ever = plan.rules_ever.saturating_add(1);
            rule.number(plan.rules_ever);
            plan.rules.push(rule);
        }
        plan.draw_from(order.random);
    }

    pub(crate) fn shown(&self) -> Shown {
        let plan = self.lock();
        Shown {
            rules: plan.rules.clone(),
            random: plan.chaos.clone(),
        }
    }

    /// Nothing goes wrong any more, but what buyers choose with their cards.
    pub(crate) fn heal(&self) {
        let mut plan = self.lock();
        plan.rules.clear();
        plan.chaos = None;
        plan.stage(Vec::new());
    }

    /// Puts these scenarios in the place of all others; every order begins anew.
    pub(crate) fn stage(&self, script: Script) {
        let mut plan = self.lock();
        plan.stage(script.scenario);
        plan.draw_from(script.random);
    }

    pub(crate) fn staged(&self) -> Vec<Staged> {
        let plan = self.lock();
        let scenarios = plan.scenarios.iter().enumerate();
        scenarios
            .map(|(index, scenario)| Staged {
                scenario: scenario.clone(),
                orders: plan
                    .in_scenario
                    .keys()
                    .filter(|(played, _)| *played == index)
                    .count(),
            })
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Plan> {
        self.plan
            .lock()
            .expect("nothing panics while the faults are locked")
    }
}

/// A number below `limit` that depends on the seed and the arrival alone.
pub(crate) fn dice(seed: u64, arrival: u64, limit: u64) -> u64 {
    // SplitMix64: one step per arrival, well mixed even for neighbouring seeds.
    let mut mixed = seed.wrapping_add(arrival.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (mixed ^ (mixed >> 31)).checked_rem(limit).unwrap_or(0)
}
