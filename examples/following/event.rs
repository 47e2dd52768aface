//! Owns an event as Payflow tells it, as far as these services need it. What else is told, now or
//! in later versions, is skipped.

use serde::Deserialize;
use serde_json::Value;

/// Every type that this version knows of, whether it means something here or not. Later versions of
/// Payflow may tell of others.
const KNOWN: [&str; 36] = [
    "payment.prepared",
    "payment.window_reopened",
    "payment.approval_requested",
    "payment.charge_requested",
    "payment.approved",
    "payment.tax_free_differs",
    "payment.declined",
    "payment.aborted",
    "payment.billing_failed",
    "payment.expired",
    "payment.wrong_capture_found",
    "payment.wrong_capture_reversed",
    "payment.cancel_requested",
    "payment.cancel_refused",
    "payment.withdrawn",
    "payment.partially_canceled",
    "payment.canceled",
    "payment.account_requested",
    "payment.account_issued",
    "payment.deposited",
    "payment.deposit_reversed",
    "payment.refund_completed",
    "payment.refund_failed",
    "subscription.created",
    "subscription.paid",
    "subscription.payment_declined",
    "subscription.payment_failed",
    "subscription.cycle_skipped",
    "subscription.card_changed",
    "subscription.cancel_scheduled",
    "subscription.canceled",
    "subscription.refunded",
    "subscription.refund_refused",
    "subscription.expired",
    "billing_key.issued",
    "billing_key.deleted",
];

/// Of an id, behind its prefix.
const ID_CHARS: usize = 34;

/// Something that happened.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// To which one: to a payment, a subscription or a stored card.
    #[serde(alias = "paymentId", alias = "subscriptionId", alias = "billingKeyId")]
    pub subject: String,
    /// The how manieth of its events, from 1, without gaps.
    pub sequence: i64,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: String,
    /// How it stood before; as after it, where that is not said.
    from: Option<String>,
    /// How it stands after it.
    to: Option<String>,
    /// What it tells, which is different with types that are not known.
    payload: Value,
}

/// What an event of a known type tells.
#[derive(Debug, Clone)]
pub enum Payload {
    /// Of a payment.
    Payment(OfPayment),
    /// Of a subscription.
    Subscription(OfSubscription),
    /// Of a stored card: nothing that these services need.
    Card,
}

/// What an event of a payment tells.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OfPayment {
    /// The merchant's own id of the order.
    pub order_id: String,
    /// What the payment is for, in the smallest unit of its currency.
    pub amount: i64,
    /// Of every amount.
    pub currency: String,
    /// What is taken and not given back, after this event.
    pub balance: i64,
}

impl OfPayment {
    /// Whether it pays a cycle of a subscription: its order is named `{subscription}-{cycle}`.
    #[must_use]
    pub fn is_of_a_cycle(&self) -> bool {
        let named = self.order_id.strip_prefix("sub_");
        named
            .and_then(|rest| rest.split_once('-'))
            .is_some_and(|(id, _)| id.len() == ID_CHARS)
    }
}

/// What an event of a subscription tells.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OfSubscription {
    /// To which plan.
    pub plan_code: String,
    /// What the cycle costs, in the smallest unit of its currency, where it is about one.
    pub amount: Option<i64>,
    /// Of the amount.
    pub currency: Option<String>,
    /// When it is charged again, where it is.
    pub next_try_at: Option<String>,
    /// Until when it is paid, where it is.
    pub paid_until: Option<String>,
}

/// What events are of; each is asked for at a place of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Payment,
    Subscription,
    Card,
}

impl Event {
    /// Of what it is; none where this version knows no such thing.
    pub(crate) fn of(&self) -> Option<Kind> {
        match self.kind.split_once('.')?.0 {
            "payment" => Some(Kind::Payment),
            "subscription" => Some(Kind::Subscription),
            "billing_key" => Some(Kind::Card),
            _ => None,
        }
    }

    /// Whether it brought its subject into this status, in which it was not before.
    #[must_use]
    pub fn leads_to(&self, status: &str) -> bool {
        self.to.as_deref() == Some(status) && self.from != self.to
    }

    /// The same wherever and however often it is told.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}/{}", self.subject, self.sequence)
    }

    /// What it tells, where its type is known.
    pub(crate) fn payload(&self, kind: Kind) -> serde_json::Result<Payload> {
        match kind {
            Kind::Payment => OfPayment::deserialize(&self.payload).map(Payload::Payment),
            Kind::Subscription => {
                OfSubscription::deserialize(&self.payload).map(Payload::Subscription)
            }
            Kind::Card => Ok(Payload::Card),
        }
    }

    /// Whether this version has heard of its type.
    pub(crate) fn is_known(&self) -> bool {
        KNOWN.contains(&self.kind.as_str())
    }
}

/// Something that means something to a service, with all that it has to know.
#[derive(Debug)]
pub struct Happened<'a> {
    /// The event.
    pub event: &'a Event,
    /// What it tells.
    pub payload: Payload,
    /// Whose payment, subscription or card it is.
    pub member: &'a str,
}
