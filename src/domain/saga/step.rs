//! Owns the steps that a saga can want: three actions, two questions, waiting and resting.

use crate::Timestamp;
use crate::id::{BillingKeyId, GatewayOrderId};
use crate::money::Money;
use crate::text::{GatewayKey, PaymentKey};
use crate::vault::Sealed;

/// What a saga wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Ask the gateway to capture.
    Confirm(ConfirmCall),
    /// Ask the gateway to give back.
    Cancel(CancelCall),
    /// Ask the gateway to capture with a billing key.
    Charge(ChargeCall),
    /// Ask the gateway for a virtual account.
    IssueAccount(IssueAccountCall),
    /// Ask what is true, by payment key.
    AskByKey(PaymentKey),
    /// Ask what is true, by gateway order.
    AskByOrder(GatewayOrderId),
    /// Nothing before this instant.
    Wait(Timestamp),
    /// Nothing any more.
    Rest,
}

/// A capture to be made (`toss-api.md §6.1`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfirmCall {
    /// At most one effect under this key.
    pub key: GatewayKey,
    /// Which authentication.
    pub payment_key: PaymentKey,
    /// Which order.
    pub order: GatewayOrderId,
    /// How much.
    pub amount: Money,
}

/// Money to be given back (`toss-api.md §6.3`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CancelCall {
    /// At most one effect under this key.
    pub key: GatewayKey,
    /// Which authentication.
    pub payment_key: PaymentKey,
    /// How much.
    pub amount: Money,
    /// The part of it without VAT, where there is one.
    pub tax_free: Option<Money>,
    /// The balance we expect there; the gateway refuses when it differs.
    pub refundable: Money,
    /// Carries the saga id, because the gateway shows no other reference of ours.
    pub reason: String,
    /// The account that a deposit goes back to, as the saga keeps it; opened where the call is
    /// made.
    pub to: Option<Sealed>,
}

/// A capture to be made with a billing key (`toss-api.md §11`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChargeCall {
    /// At most one effect under this key.
    pub key: GatewayKey,
    /// Which billing key; what it is sealed as is opened where the call is made.
    pub billing_key: BillingKeyId,
    /// Which order; the gateway captures once for it, whatever the key.
    pub order: GatewayOrderId,
    /// How much.
    pub amount: Money,
    /// The part of it without VAT, where there is one.
    pub tax_free: Option<Money>,
}

/// A virtual account to be issued (`toss-api.md §6.5`). What is personal of it is sealed in the
/// saga, and opened where the call is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssueAccountCall {
    /// At most one effect under this key.
    pub key: GatewayKey,
    /// Which order; the gateway issues once for it, whatever the key.
    pub order: GatewayOrderId,
    /// How much is to be paid in.
    pub amount: Money,
    /// The part of it without VAT, where there is one.
    pub tax_free: Option<Money>,
    /// What else is asked for.
    pub wish: Option<Sealed>,
}
