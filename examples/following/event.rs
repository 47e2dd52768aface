//! Owns an event as Payflow tells it, as far as these services need it. What else is told, now or
//! in later versions, is skipped.

use serde::Deserialize;
use serde_json::Value;

/// Every type that this version knows of, whether it means something here or not. Later versions of
/// Payflow may tell of others.
const KNOWN: [&str; 34] = [
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
    /// What it tells, which is different with types that are not known.
    payload: Value,
}

/// What an event of a known type tells.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Payload {
    /// The merchant's own id of the order.
    pub order_id: String,
    /// What the payment is for, in the smallest unit of its currency.
    pub amount: i64,
    /// Of every amount.
    pub currency: String,
    /// What is taken and not given back, after this event.
    pub balance: i64,
}

impl Event {
    /// The same wherever and however often it is told.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}/{}", self.subject, self.sequence)
    }

    /// What it tells, where its type is known.
    pub(crate) fn payload(&self) -> serde_json::Result<Payload> {
        Payload::deserialize(&self.payload)
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
    /// Whose payment it is.
    pub member: &'a str,
}
