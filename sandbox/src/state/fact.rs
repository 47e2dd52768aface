//! Owns the facts the journal holds: everything that ever changed the sandbox's state.

use serde::{Deserialize, Serialize};

use super::account::{RefundStatus, VirtualAccount};
use super::billing::{Auth, BillingKey, Window};
use super::hooks::{Delivery, Endpoint, Next, Try};
use super::idempotency::Answered;
use super::payment::{Cancel, Funding, Method, Payment};
use crate::clock::Timestamp;

/// One change of state; a journal line holds those that happened together.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(
    tag = "fact",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub(crate) enum Fact {
    /// The clock was moved; the offset is absolute.
    ClockMoved { offset_seconds: i64 },
    /// A payment window was opened, or a payment created by call.
    Created { payment: Box<Payment> },
    /// The buyer passed authentication.
    Authenticated {
        payment_key: String,
        authentication: Authentication,
    },
    /// Its 30 or 10 minutes were over.
    Expired { payment_key: String },
    /// Confirm was refused for good.
    Aborted {
        payment_key: String,
        transaction_key: String,
        code: String,
    },
    /// Money was taken.
    Captured { entry: Entry },
    /// A virtual account was issued.
    AccountIssued {
        account: VirtualAccount,
        entry: Entry,
    },
    /// A virtual account's due date passed.
    DuePassed { payment_key: String },
    /// The buyer paid in.
    Deposited { entry: Entry, depositor: String },
    /// The bank took the deposit back.
    Reversed { entry: Entry },
    /// A deposit that was given back reached the buyer, or did not.
    Refunded {
        payment_key: String,
        status: RefundStatus,
    },
    /// Money was given back, or an account closed that nobody had paid in to.
    Canceled { cancel: Cancel, entry: Entry },
    /// The card company authorised a payment.
    Authorized { authorization: Authorization },
    /// The card company declined a payment.
    Declined {
        tid: String,
        amount: i64,
        reason: String,
    },
    /// A window for a billing key was opened.
    BillingOpened { window: Window },
    /// A buyer consented to be charged.
    BillingAuthenticated { auth: Auth, window: Option<String> },
    /// The consent became a billing key.
    BillingIssued { auth_key: String, key: BillingKey },
    /// Another card stands behind a billing key now.
    BillingCardChanged {
        billing_key: String,
        card: Option<String>,
    },
    /// A billing key was deleted.
    BillingRemoved { billing_key: String, at: Timestamp },
    /// An address wants to be told by webhook.
    HookRegistered { endpoint: Endpoint },
    /// It does no longer.
    HookRemoved { id: u64 },
    /// Something is to be told to an address.
    Notified { delivery: Box<Delivery> },
    /// It was tried.
    Tried {
        sequence: u64,
        made: Try,
        next: Next,
    },
    /// It is to be tried once more, whatever came of it.
    Resent { sequence: u64, at: Timestamp },
    /// An answer was given under an idempotency key.
    Answered { answered: Box<Answered> },
}

/// What the buyer's authentication settles.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Authentication {
    pub(crate) at: Timestamp,
    pub(crate) method: Method,
    pub(crate) secret: Option<String>,
    pub(crate) scenario: Option<String>,
    pub(crate) customer_key: Option<String>,
    #[serde(default)]
    pub(crate) funding: Funding,
}

/// Which way money moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Movement {
    Capture,
    Cancel,
    /// A virtual account was issued: no money yet.
    Issue,
    /// The bank took a deposit back.
    Reversal,
    /// A virtual account was cancelled before a deposit: no money.
    Close,
}

impl Movement {
    /// Whether it is one of money at all.
    pub(crate) fn moves_money(self) -> bool {
        match self {
            Self::Capture | Self::Cancel | Self::Reversal => true,
            Self::Issue | Self::Close => false,
        }
    }
}

/// One line of the ledger: the money that really moved.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Entry {
    pub(crate) sequence: u64,
    pub(crate) kind: Movement,
    pub(crate) payment_key: String,
    pub(crate) order_id: String,
    pub(crate) transaction_key: String,
    pub(crate) amount: i64,
    /// The part of it without value added tax.
    #[serde(default)]
    pub(crate) tax_free: i64,
    pub(crate) cancel_reason: Option<String>,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) at: Timestamp,
}

/// What the card company said yes to.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Authorization {
    pub(crate) sequence: u64,
    /// The caller's own name for the payment.
    pub(crate) tid: String,
    pub(crate) merchant_name: String,
    pub(crate) amount: i64,
    pub(crate) ref_no: String,
    pub(crate) auth_code: String,
    pub(crate) at: Timestamp,
}
