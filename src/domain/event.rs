//! Owns the append-only event log's lines and the hash chain that ties them to their payment.

use std::fmt;

use serde::Serialize;

use crate::Timestamp;
use crate::decline::Reason;
use crate::id::{PaymentId, SagaId};
use crate::money::{Currency, Money};
use crate::payment::{PayStatus, ReasonCode};
use crate::principal::{Actor, Scope};
use crate::refund::RefundStatus;
use crate::trace::Trace;

/// A SHA-256 hash.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// What the first event of a payment points back to.
    pub const GENESIS: Self = Self([0; 32]);
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        f.write_str(std::str::from_utf8(&text).expect("digits are ASCII"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

words! {
    /// What happened.
    Kind {
        /// The payment exists.
        Prepared => "payment.prepared",
        /// A fresh gateway order was issued for another opening of the window.
        WindowReopened => "payment.window_reopened",
        /// An approval was asked for and is durable.
        ApprovalRequested => "payment.approval_requested",
        /// A charge was asked for and is durable.
        ChargeRequested => "payment.charge_requested",
        /// A virtual account was asked for and is durable.
        AccountRequested => "payment.account_requested",
        /// A virtual account was issued: the buyer can pay in.
        AccountIssued => "payment.account_issued",
        /// The buyer paid in; booked.
        Deposited => "payment.deposited",
        /// The bank took the deposit back; booked.
        DepositReversed => "payment.deposit_reversed",
        /// Captured and booked.
        Approved => "payment.approved",
        /// The gateway counts another part of the capture as without VAT than was asked for.
        TaxFreeDiffers => "payment.tax_free_differs",
        /// Declined; the buyer may try again.
        Declined => "payment.declined",
        /// Declined for good.
        Aborted => "payment.aborted",
        /// The subscription that it was to pay a cycle of has been given up.
        BillingFailed => "payment.billing_failed",
        /// Nobody paid in time.
        Expired => "payment.expired",
        /// The gateway captured what it should not have; booked to suspense, to be given back.
        WrongCaptureFound => "payment.wrong_capture_found",
        /// A wrong capture was given back.
        WrongCaptureReversed => "payment.wrong_capture_reversed",
        /// A cancellation was asked for and is durable.
        CancelRequested => "payment.cancel_requested",
        /// A cancellation was refused; what was held is held.
        CancelRefused => "payment.cancel_refused",
        /// Closed before any money was taken.
        Withdrawn => "payment.withdrawn",
        /// Part of the money was given back, by us or by others at the gateway.
        PartiallyCanceled => "payment.partially_canceled",
        /// All of the money was given back.
        Canceled => "payment.canceled",
        /// The buyer has the deposit that was given back.
        RefundCompleted => "payment.refund_completed",
        /// The bank did not take what was given back: the buyer does not have it.
        RefundFailed => "payment.refund_failed",
    }
}

/// What an event tells besides its kind; free of personal data, so it may be kept and published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Payload {
    /// The merchant's order id.
    pub order_id: String,
    /// What the payment is for, in minor units.
    pub amount: i64,
    /// The currency of every amount in here.
    pub currency: Currency,
    /// What is captured and not given back, in minor units, after this event.
    pub balance: i64,
    /// Which saga did it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saga_id: Option<SagaId>,
    /// Whether nobody has begun with it: a worker has to be woken.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub asynchronous: bool,
    /// The movement this event is about, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub movement: Option<MovementFacts>,
    /// Why not, where there is a decline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decline: Option<DeclineFacts>,
    /// In whose name money is given back, where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason_code: Option<ReasonCode>,
    /// What was asked and what was found, where the parts without VAT differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax_free: Option<TaxFreeFacts>,
    /// Where to pay in, without the account's number, where an account was issued.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub virtual_account: Option<AccountFacts>,
    /// How far the bank is with what was given back, where this is about that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refund_status: Option<RefundStatus>,
}

/// A virtual account without what is personal of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountFacts {
    /// The gateway's code of the bank.
    pub bank: String,
    /// Until when a deposit is taken, ISO 8601.
    pub due_at: String,
}

/// A movement of money as the gateway showed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MovementFacts {
    /// Of which authentication.
    pub payment_key: String,
    /// The gateway's name of the movement, where it was shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction_key: Option<String>,
    /// Minor units moved.
    pub amount: i64,
    /// Card, easy pay …, as the gateway words it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
}

/// The part without VAT, in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TaxFreeFacts {
    /// As the merchant prepared it.
    pub asked: i64,
    /// As the gateway counts it.
    pub captured: i64,
}

/// A decline without the gateway's free text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeclineFacts {
    /// Our reason.
    pub reason: Reason,
    /// The gateway's code.
    pub code: String,
}

/// An event before it is serialised and hashed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Whose.
    pub scope: Scope,
    /// Of which payment.
    pub payment: PaymentId,
    /// 1 for the first event of a payment, without gaps.
    pub sequence: i64,
    /// What happened.
    pub kind: Kind,
    /// Status before; none for the first event.
    pub from: Option<PayStatus>,
    /// Status after; equal to `from` when the event is no transition.
    pub to: PayStatus,
    /// Who caused it.
    pub actor: Actor,
    /// Why, in the actor's words or ours.
    pub reason: Option<String>,
    /// The trace that it belongs to, and the span that caused it.
    pub trace: Trace,
    /// When, by the Clock.
    pub at: Timestamp,
    /// What it tells.
    pub payload: Payload,
}

/// What sealing adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The payload's bytes, stored and published verbatim.
    pub payload: Vec<u8>,
    /// Over the previous hash and everything the event says.
    pub hash: Hash,
}

/// One line of the event log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentEvent {
    /// Whose.
    pub scope: Scope,
    /// Of which payment.
    pub payment: PaymentId,
    /// 1 for the first event of a payment, without gaps.
    pub sequence: i64,
    /// What happened.
    pub kind: Kind,
    /// Status before; none for the first event.
    pub from: Option<PayStatus>,
    /// Status after.
    pub to: PayStatus,
    /// Who caused it.
    pub actor: Actor,
    /// Why.
    pub reason: Option<String>,
    /// The trace that it belongs to, and the span that caused it.
    pub trace: Trace,
    /// When, by the Clock.
    pub at: Timestamp,
    /// The payload's bytes.
    pub payload: Vec<u8>,
    /// The hash of the event before, [`Hash::GENESIS`] for the first.
    pub previous: Hash,
    /// This event's hash.
    pub hash: Hash,
}

/// Where a payment's chain of events ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The newest event's sequence; 0 before the first.
    pub sequence: i64,
    /// The newest event's hash.
    pub hash: Hash,
}

impl Head {
    /// The head of a payment that has no event yet.
    pub const START: Self = Self {
        sequence: 0,
        hash: Hash::GENESIS,
    };
}

impl Payload {
    /// A payload about `amount`, of which `balance` is held.
    #[must_use]
    pub fn new(order_id: String, amount: Money, balance: Money) -> Self {
        Self {
            order_id,
            amount: amount.minor(),
            currency: amount.currency(),
            balance: balance.minor(),
            saga_id: None,
            asynchronous: false,
            movement: None,
            decline: None,
            reason_code: None,
            tax_free: None,
            virtual_account: None,
            refund_status: None,
        }
    }
}

impl Draft {
    /// The event that sealing made of this draft.
    #[must_use]
    pub fn into_event(self, previous: Hash, sealed: Sealed) -> PaymentEvent {
        PaymentEvent {
            scope: self.scope,
            payment: self.payment,
            sequence: self.sequence,
            kind: self.kind,
            from: self.from,
            to: self.to,
            actor: self.actor,
            reason: self.reason,
            trace: self.trace,
            at: self.at,
            payload: sealed.payload,
            previous,
            hash: sealed.hash,
        }
    }
}
