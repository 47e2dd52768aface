//! Owns what members pay for again and again: plans, subscriptions, their cycles, and what follows
//! when money does not come, or is wanted back.

mod cancel;
mod change;
mod cycle;
mod dunning;
mod plan;
mod read;
mod renew;
mod status;
mod tell;

use crate::Timestamp;
use crate::calendar::{Anchor, CycleNumber};
use crate::change::Change as AnyChange;
use crate::decline::Reason;
use crate::id::{BillingKeyId, PaymentId, SubscriptionId};
use crate::money::Money;
use crate::principal::{Actor, Scope};
use crate::text::{MemberId, PlanCode};

pub use cancel::{CancelRefusal, Canceled, Ending, REFUND_DAYS};
pub use change::Change;
pub use cycle::{
    CYCLE_TRANSITIONS, Cycle, CycleKey, CycleStatus, CycleTrigger, IllegalCycle, State,
};
pub use dunning::{Dunning, Fault, SET_UP_PATIENCE, Verdict};
pub use plan::{Manner, Missed, OtherTerms, Plan, PlanKind, Terms, TermsError};
pub use read::{Entitlement, Summary};
pub use renew::{Due, Failure};
pub use status::{Deed, Illegal, Status, TRANSITIONS, Transition, check};

/// What a member pays for again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// Its id.
    pub id: SubscriptionId,
    /// Whose, and in which mode.
    pub scope: Scope,
    /// Who pays, and is given what the plan gives.
    pub member: MemberId,
    /// To what.
    pub plan: PlanCode,
    /// With which card.
    pub billing_key: BillingKeyId,
    /// What every date is computed from.
    pub anchor: Anchor,
    /// Where it stands.
    pub status: Status,
    /// Until when it is paid; none before the first payment.
    pub paid_until: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Raised by every change, each of which is one event.
    pub version: i64,
    /// Since when it exists.
    pub created_at: Timestamp,
}

/// One line of a subscription's log. It is free of personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Whose, and in which mode.
    pub scope: Scope,
    /// Of which subscription.
    pub subscription: SubscriptionId,
    /// 1 for the first, without gaps: the version that it led to.
    pub sequence: i64,
    /// What was done.
    pub deed: Deed,
    /// Status before; none for the first.
    pub from: Option<Status>,
    /// Status after.
    pub to: Status,
    /// About which cycle, where it is about one.
    pub cycle: Option<CycleNumber>,
    /// By which payment, where there is one.
    pub payment: Option<PaymentId>,
    /// Why, where something was declined.
    pub reason: Option<Reason>,
    /// Who did it.
    pub actor: Actor,
    /// When, by the Clock.
    pub at: Timestamp,
}

/// What somebody wants to pay for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// An unused id.
    pub id: SubscriptionId,
    /// Who pays.
    pub member: MemberId,
    /// With which card.
    pub billing_key: BillingKeyId,
    /// The first due date; none for now.
    pub anchor: Option<Anchor>,
    /// Who asks.
    pub actor: Actor,
}

/// Why nobody is subscribed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nobody new can have the plan.
    #[error("the plan is not offered any more")]
    NotOffered,
    /// The first due date is over.
    #[error("the first charge cannot be due in the past")]
    AnchorPast,
    /// The first due date is too far ahead.
    #[error("the first charge cannot be due later than a year from now")]
    AnchorFar,
}

/// What a decision leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The subscription from now on.
    pub subscription: Subscription,
    /// What has to be committed for it.
    pub changes: Vec<AnyChange>,
}

/// What comes after a decline that is not the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Another try, then.
    Try(Timestamp),
    /// Nothing but another card, which is waited for until then.
    Card(Timestamp),
}

/// What was done, for the log.
struct Telling {
    deed: Deed,
    to: Status,
    actor: Actor,
    cycle: Option<CycleNumber>,
    payment: Option<PaymentId>,
    reason: Option<Reason>,
    /// What the cycle costs that it is about.
    amount: Option<Money>,
    next: Option<Next>,
}

impl Telling {
    const fn of(deed: Deed, to: Status, actor: Actor) -> Self {
        Self {
            deed,
            to,
            actor,
            cycle: None,
            payment: None,
            reason: None,
            amount: None,
            next: None,
        }
    }

    /// The same, about this cycle.
    fn about(self, cycle: &Cycle) -> Self {
        Self {
            cycle: Some(cycle.key.number),
            payment: cycle.payment,
            amount: Some(cycle.amount),
            ..self
        }
    }
}

impl Subscription {
    /// A new subscription with its first cycle, due now or at the anchor that was asked for.
    ///
    /// # Errors
    /// The plan or the date is not to be had; nothing is to be stored.
    pub fn begin(
        wish: Wish,
        plan: &Plan,
        zone: crate::merchant::Zone,
        now: Timestamp,
    ) -> Result<Moved, Refusal> {
        const DAYS_AHEAD_MAX: i64 = 366;
        if !plan.manner.offered {
            return Err(Refusal::NotOffered);
        }
        let anchor = match wish.anchor {
            None => Anchor::at(now, zone),
            Some(anchor) => {
                let due = anchor.due(plan.terms.period(), CycleNumber::FIRST);
                let ahead = due.signed_duration_since(now);
                if ahead < chrono::TimeDelta::zero() {
                    return Err(Refusal::AnchorPast);
                }
                if ahead.num_days() > DAYS_AHEAD_MAX {
                    return Err(Refusal::AnchorFar);
                }
                anchor
            }
        };
        let subscription = Self {
            id: wish.id,
            scope: plan.scope,
            member: wish.member,
            plan: plan.code.clone(),
            billing_key: wish.billing_key,
            anchor,
            status: Status::Pending,
            paid_until: None,
            ended_at: None,
            version: 1,
            created_at: now,
        };
        let first = subscription.cycle(plan, CycleNumber::FIRST);
        let telling = Telling::of(Deed::Created, Status::Pending, wish.actor);
        let event = subscription.event(None, &telling, now);
        let told = subscription.told(None, &telling, now);
        let changes = vec![
            Change::InsertSubscription(Box::new(subscription.clone())).into(),
            Change::InsertCycle(Box::new(first)).into(),
            Change::AppendEvent(Box::new(event)).into(),
            told,
        ];
        Ok(Moved {
            subscription,
            changes,
        })
    }

    /// The cycle of this number as it begins to exist: it waits for its date.
    fn cycle(&self, plan: &Plan, number: CycleNumber) -> Cycle {
        let due_at = self.anchor.due(plan.terms.period(), number);
        Cycle {
            key: CycleKey {
                subscription: self.id,
                number,
            },
            scope: self.scope,
            due_at,
            amount: plan.terms.price(),
            state: State::Waiting { next_at: due_at },
            declined: 0,
            reason: None,
            payment: None,
            version: 1,
        }
    }

    fn event(&self, from: Option<Status>, telling: &Telling, at: Timestamp) -> Event {
        Event {
            scope: self.scope,
            subscription: self.id,
            sequence: self.version,
            deed: telling.deed,
            from,
            to: telling.to,
            cycle: telling.cycle,
            payment: telling.payment,
            reason: telling.reason,
            actor: telling.actor,
            at,
        }
    }

    /// The one place that moves a subscription: by the table, with a line of the log, fenced.
    fn shift(mut self, telling: &Telling, now: Timestamp) -> Result<Moved, Illegal> {
        let (from, expected) = (self.status, self.version);
        check(from, telling.deed, telling.to, telling.actor)?;
        self.status = telling.to;
        self.version = expected.saturating_add(1);
        if telling.to.is_final() && !from.is_final() {
            self.ended_at = Some(now);
        }
        let event = self.event(Some(from), telling, now);
        let told = self.told(Some(from), telling, now);
        let changes = vec![
            Change::UpdateSubscription {
                subscription: Box::new(self.clone()),
                expected,
            }
            .into(),
            Change::AppendEvent(Box::new(event)).into(),
            told,
        ];
        Ok(Moved {
            subscription: self,
            changes,
        })
    }
}

impl Moved {
    /// With a change of a cycle, which must be as it was read.
    fn with_cycle(mut self, cycle: Cycle) -> Self {
        let expected = cycle.version.saturating_sub(1);
        let cycle = Box::new(cycle);
        self.changes
            .push(Change::UpdateCycle { cycle, expected }.into());
        self
    }

    fn with_new_cycle(mut self, cycle: Cycle) -> Self {
        self.changes
            .push(Change::InsertCycle(Box::new(cycle)).into());
        self
    }

    /// One more move on top of this one.
    fn and(mut self, next: Self) -> Self {
        self.changes.extend(next.changes);
        Self {
            subscription: next.subscription,
            changes: self.changes,
        }
    }
}

impl From<Change> for AnyChange {
    fn from(change: Change) -> Self {
        Self::Subscription(Box::new(change))
    }
}
