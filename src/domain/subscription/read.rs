//! Owns what is read off subscriptions: who is entitled until when, what will be charged when, and
//! what was.

use std::collections::BTreeMap;

use super::{Cycle, CycleStatus, Missed, Plan, PlanKind, State, Status, Subscription};
use crate::Timestamp;
use crate::calendar::CycleNumber;
use crate::id::PaymentId;
use crate::money::{Error as MoneyError, Money};
use crate::text::PlanCode;

/// What a member has paid for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entitlement {
    /// Which plan.
    pub plan: PlanCode,
    /// Until when.
    pub until: Timestamp,
    /// Whether it is going to renew.
    pub renews: bool,
}

/// What became of a subscription's cycles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// How many were paid and not given back.
    pub paid: u32,
    /// What they came to, without what was given back of them.
    pub total: Money,
    /// How many were paid and given back as a whole.
    pub refunded: u32,
    /// What was given back, of those and of the ones that stay paid.
    pub given_back: Money,
    /// How many were missed and not charged.
    pub skipped: u32,
    /// How many were given up.
    pub failed: u32,
}

impl Subscription {
    /// What its member is entitled to at `now`, where it is anything: what was paid for and not
    /// given back, and not a moment more.
    #[must_use]
    pub fn entitlement(&self, now: Timestamp) -> Option<Entitlement> {
        let renews = match self.status {
            Status::Active | Status::PastDue => true,
            Status::CancelScheduled => false,
            Status::Pending | Status::Canceled | Status::Expired => return None,
        };
        let until = self.paid_until.filter(|until| *until > now)?;
        Some(Entitlement {
            plan: self.plan.clone(),
            until,
            renews,
        })
    }

    /// When the next cycles are due, `count` of them at most, from the open one on; none where it
    /// does not renew. What was missed and will be skipped at `now` is none of them.
    #[must_use]
    pub fn schedule(
        &self,
        open: &Cycle,
        plan: &Plan,
        (count, now): (u8, Timestamp),
    ) -> Vec<(CycleNumber, Timestamp)> {
        let count = match open.state {
            State::Waiting { .. } | State::Charging { .. } | State::Held { .. } => {
                match plan.terms.kind() {
                    PlanKind::OneTime => count.min(1),
                    PlanKind::Subscription => count,
                }
            }
            State::Closing
            | State::Paid { .. }
            | State::Failed
            | State::Skipped
            | State::Void
            | State::Refunded { .. } => 0,
        };
        let period = plan.terms.period();
        let skips = plan.manner.missed == Missed::ChargeNewest
            && plan.terms.kind() == PlanKind::Subscription
            && matches!(open.state, State::Waiting { .. });
        let numbers = std::iter::successors(Some(open.key.number), |number| Some(number.next()));
        numbers
            .skip_while(|number| skips && self.anchor.end(period, *number) <= now)
            .take(usize::from(count))
            .map(|number| (number, self.anchor.due(period, number)))
            .collect()
    }
}

impl Summary {
    /// What became of these cycles, which are all of one subscription's. `given_back` says what
    /// of a payment was given back, in minor units, where something was.
    ///
    /// # Errors
    /// They are of several currencies, or beyond all sums.
    pub fn of(
        cycles: &[Cycle],
        plan: &Plan,
        given_back: &BTreeMap<PaymentId, i64>,
    ) -> Result<Self, MoneyError> {
        let count = |status: CycleStatus| {
            let found = cycles.iter().filter(|c| c.state.status() == status);
            u32::try_from(found.count()).unwrap_or(u32::MAX)
        };
        let currency = plan.terms.price().currency();
        let (mut total, mut back) = (Money::zero(currency), Money::zero(currency));
        for cycle in cycles {
            match cycle.state {
                State::Paid { payment, .. } => {
                    let part = given_back.get(&payment).copied().unwrap_or_default();
                    let part = Money::new(part, currency)?;
                    total = total.plus(cycle.amount)?.minus(part)?;
                    back = back.plus(part)?;
                }
                State::Refunded { .. } => back = back.plus(cycle.amount)?,
                State::Waiting { .. }
                | State::Charging { .. }
                | State::Held { .. }
                | State::Closing
                | State::Failed
                | State::Skipped
                | State::Void => {}
            }
        }
        Ok(Self {
            paid: count(CycleStatus::Paid),
            total,
            refunded: count(CycleStatus::Refunded),
            given_back: back,
            skipped: count(CycleStatus::Skipped),
            failed: count(CycleStatus::Failed),
        })
    }
}
