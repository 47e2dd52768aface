//! Owns the use cases of subscriptions: subscribe, end, pay with another card, read, and what a
//! member has paid for.

mod answered;
mod card;
mod end;
mod read;
mod subscribe;
mod view;

pub use answered::{Became, SubscriptionAnswer};
pub use card::CardError;
pub use end::{EndError, EndRefusal, EndSubscription};
pub use read::{
    CyclePage, Entitled, EntitledPage, Schedule, Scheduled, SubscriptionError, SubscriptionPage,
};
pub use subscribe::{Subscribe, SubscribeError, SubscribeRefusal};
pub use view::{CycleView, SubscriptionView};

use domain::change::Change as AnyChange;
use domain::subscription::{Change, Cycle, Subscription};

/// Subscription and newest cycle as these changes leave them.
pub(crate) fn after(
    mut subscription: Subscription,
    mut newest: Cycle,
    changes: &[AnyChange],
) -> (Subscription, Cycle) {
    for change in changes {
        let AnyChange::Subscription(change) = change else {
            continue;
        };
        match change.as_ref() {
            Change::InsertSubscription(moved)
            | Change::UpdateSubscription {
                subscription: moved,
                ..
            } if moved.id == subscription.id => subscription = moved.as_ref().clone(),
            Change::InsertCycle(cycle) | Change::UpdateCycle { cycle, .. }
                if cycle.key >= newest.key =>
            {
                newest = **cycle;
            }
            Change::InsertSubscription(_)
            | Change::UpdateSubscription { .. }
            | Change::InsertCycle(_)
            | Change::UpdateCycle { .. }
            | Change::InsertPlan(_)
            | Change::UpdatePlan { .. }
            | Change::AppendEvent(_) => {}
        }
    }
    (subscription, newest)
}
