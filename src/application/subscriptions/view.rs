//! Owns what a caller is shown of a subscription and its cycles, and what a stored outcome keeps.

use domain::Timestamp;
use domain::subscription::{Cycle, State, Subscription};
use serde::{Deserialize, Serialize};

/// A subscription as shown. Words, not enums, as in [`crate::PaymentView`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubscriptionView {
    /// Its id.
    pub subscription_id: String,
    /// Who pays. Never in a stored outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member_id: Option<String>,
    /// To which plan.
    pub plan_code: String,
    /// With which card.
    pub billing_key_id: String,
    /// Where it stands.
    pub status: String,
    /// Whose clocks its dates are by.
    pub time_zone: String,
    /// Until when it is paid; none before the first payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid_until: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Its newest cycle; in lists not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cycle: Option<CycleView>,
    /// Since when it exists.
    pub created_at: Timestamp,
}

/// A cycle as shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CycleView {
    /// The how-manieth.
    pub number: u32,
    /// Where it stands.
    pub status: String,
    /// When it begins.
    pub due_at: Timestamp,
    /// What it costs, in minor units.
    pub amount: i64,
    /// Of the amount.
    pub currency: String,
    /// When something is done about it; none while others have to do something first, and once
    /// it is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Timestamp>,
    /// How often it was declined with its card, where that counts.
    #[serde(default)]
    pub declined: u32,
    /// Why it was declined last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decline_reason: Option<String>,
    /// The payment of its newest try.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<String>,
    /// When the gateway took the money.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid_at: Option<Timestamp>,
}

impl SubscriptionView {
    /// What is shown of it, without personal data.
    #[must_use]
    pub fn impersonal(subscription: &Subscription, cycle: Option<&Cycle>) -> Self {
        Self {
            subscription_id: subscription.id.to_string(),
            member_id: None,
            plan_code: subscription.plan.to_string(),
            billing_key_id: subscription.billing_key.to_string(),
            status: subscription.status.to_string(),
            time_zone: subscription.anchor.zone().to_string(),
            paid_until: subscription.paid_until,
            ended_at: subscription.ended_at,
            cycle: cycle.map(CycleView::of),
            created_at: subscription.created_at,
        }
    }

    /// What its owner is shown.
    #[must_use]
    pub fn of(subscription: &Subscription, cycle: Option<&Cycle>) -> Self {
        Self {
            member_id: Some(subscription.member.to_string()),
            ..Self::impersonal(subscription, cycle)
        }
    }
}

impl CycleView {
    /// What is shown of `cycle`.
    #[must_use]
    pub fn of(cycle: &Cycle) -> Self {
        let paid_at = match cycle.state {
            State::Paid { paid_at, .. } | State::Refunded { paid_at, .. } => Some(paid_at),
            State::Waiting { .. }
            | State::Charging { .. }
            | State::Held { .. }
            | State::Closing
            | State::Failed
            | State::Skipped
            | State::Void => None,
        };
        Self {
            number: cycle.key.number.get(),
            status: cycle.state.status().to_string(),
            due_at: cycle.due_at,
            amount: cycle.amount.minor(),
            currency: cycle.amount.currency().to_string(),
            next_at: cycle.next_at(),
            declined: cycle.declined,
            decline_reason: cycle.reason.map(|reason| reason.to_string()),
            payment_id: cycle.payment.map(|payment| payment.to_string()),
            paid_at,
        }
    }
}
