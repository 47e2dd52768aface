//! Owns the writes about plans, subscriptions and their cycles.

use super::{Cycle, Event, Plan, Subscription};
use crate::principal::Scope;
use crate::text::PlanCode;

/// One write about what is charged when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A new plan; its code must be free for merchant and mode.
    InsertPlan(Box<Plan>),
    /// Replaces a plan's manner; its terms stay.
    UpdatePlan {
        /// The plan as it shall be; its version is `expected + 1`.
        plan: Box<Plan>,
        /// The version it must have now.
        expected: i64,
    },
    /// A new subscription.
    InsertSubscription(Box<Subscription>),
    /// Replaces a subscription's status, card, and until when it is paid.
    UpdateSubscription {
        /// The subscription as it shall be; its version is `expected + 1`.
        subscription: Box<Subscription>,
        /// The version it must have now.
        expected: i64,
    },
    /// A new cycle; the subscription must have none of this number.
    InsertCycle(Box<Cycle>),
    /// Replaces a cycle's state, and ends whoever's hold on it.
    UpdateCycle {
        /// The cycle as it shall be; its version is `expected + 1`.
        cycle: Box<Cycle>,
        /// The version it must have now: the fence.
        expected: i64,
    },
    /// A new line of a subscription's log; the sequence must be free.
    AppendEvent(Box<Event>),
}

impl Change {
    /// Where it stands in the order of locks, see [`crate::change::Change::lock_order`].
    pub(crate) fn lock_order(&self) -> (u8, String) {
        match self {
            Self::InsertPlan(plan) | Self::UpdatePlan { plan, .. } => {
                (50, plan_place(plan.scope, &plan.code))
            }
            Self::InsertSubscription(subscription)
            | Self::UpdateSubscription { subscription, .. } => (51, subscription.id.to_string()),
            Self::InsertCycle(cycle) | Self::UpdateCycle { cycle, .. } => {
                let key = cycle.key;
                (52, format!("{}/{:010}", key.subscription, key.number.get()))
            }
            Self::AppendEvent(event) => {
                (53, format!("{}/{:020}", event.subscription, event.sequence))
            }
        }
    }
}

fn plan_place(scope: Scope, code: &PlanCode) -> String {
    format!("{}/{}/{code}", scope.merchant, scope.mode)
}
