//! Owns what never changes about a saga: what it is for, about which money, whose, and since when.

use std::fmt;
use std::str::FromStr;

use super::Saga;
use crate::Timestamp;
use crate::id::{BillingKeyId, GatewayAccountId, GatewayOrderId, PaymentId, SagaId};
use crate::money::Money;
use crate::principal::{Actor, Scope, UnknownWord};
use crate::snapshot::Snapshot;
use crate::text::PaymentKey;
use crate::trace::Trace;

/// What a saga is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Take the money of an authenticated payment.
    Approval,
    /// Give back what should not have been captured.
    Reversal,
    /// Give back what somebody wants back.
    Cancellation,
    /// Take money with a billing key.
    Charge,
    /// Have a virtual account issued.
    AccountIssue,
    /// Close a virtual account that nobody has paid into.
    AccountClose,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::Approval,
        Self::Reversal,
        Self::Cancellation,
        Self::Charge,
        Self::AccountIssue,
        Self::AccountClose,
    ];

    /// The stored and shown word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approval => "APPROVAL",
            Self::Reversal => "REVERSAL",
            Self::Cancellation => "CANCELLATION",
            Self::Charge => "CHARGE",
            Self::AccountIssue => "ACCOUNT_ISSUE",
            Self::AccountClose => "ACCOUNT_CLOSE",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| UnknownWord(text.to_owned()))
    }
}

/// What a saga is for, and about which money, as far as that is known from the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Intent {
    /// Take the money of this authentication.
    Approve(PaymentKey),
    /// Give back what was captured wrongly under this payment key.
    Reverse(PaymentKey),
    /// Give back what somebody wants back of this payment key.
    Cancel(PaymentKey),
    /// Take money with this billing key. The gateway names the payment in its answer only: until
    /// then the order is all that it is known by.
    Charge(BillingKeyId),
    /// Have a virtual account issued; the payment key is in the answer, as a charge's is.
    IssueAccount,
    /// Close the virtual account of this payment key.
    CloseAccount(PaymentKey),
}

impl Intent {
    /// The intent of this kind about this key; none where the key is of the wrong sort.
    #[must_use]
    pub fn of(
        kind: Kind,
        payment_key: Option<PaymentKey>,
        billing_key: Option<BillingKeyId>,
    ) -> Option<Self> {
        match (kind, payment_key, billing_key) {
            (Kind::Approval, Some(key), None) => Some(Self::Approve(key)),
            (Kind::Reversal, Some(key), None) => Some(Self::Reverse(key)),
            (Kind::Cancellation, Some(key), None) => Some(Self::Cancel(key)),
            (Kind::Charge, None, Some(key)) => Some(Self::Charge(key)),
            (Kind::AccountIssue, None, None) => Some(Self::IssueAccount),
            (Kind::AccountClose, Some(key), None) => Some(Self::CloseAccount(key)),
            (
                Kind::Approval
                | Kind::Reversal
                | Kind::Cancellation
                | Kind::Charge
                | Kind::AccountIssue
                | Kind::AccountClose,
                _,
                _,
            ) => None,
        }
    }

    /// What it is for.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Approve(_) => Kind::Approval,
            Self::Reverse(_) => Kind::Reversal,
            Self::Cancel(_) => Kind::Cancellation,
            Self::Charge(_) => Kind::Charge,
            Self::IssueAccount => Kind::AccountIssue,
            Self::CloseAccount(_) => Kind::AccountClose,
        }
    }

    /// The payment key, where it is known from the start.
    #[must_use]
    pub const fn payment_key(&self) -> Option<&PaymentKey> {
        match self {
            Self::Approve(key)
            | Self::Reverse(key)
            | Self::Cancel(key)
            | Self::CloseAccount(key) => Some(key),
            Self::Charge(_) | Self::IssueAccount => None,
        }
    }

    /// The billing key that is charged, where one is.
    #[must_use]
    pub const fn billing_key(&self) -> Option<BillingKeyId> {
        match self {
            Self::Charge(key) => Some(*key),
            Self::Approve(_)
            | Self::Reverse(_)
            | Self::Cancel(_)
            | Self::IssueAccount
            | Self::CloseAccount(_) => None,
        }
    }
}

/// What never changes about a saga.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its id; with `n` it makes the gateway key.
    pub id: SagaId,
    /// What it is for, and about which money.
    pub intent: Intent,
    /// Whose.
    pub scope: Scope,
    /// At which gateway account.
    pub account: GatewayAccountId,
    /// For which payment.
    pub payment: PaymentId,
    /// The order id that the gateway knows.
    pub gateway_order: GatewayOrderId,
    /// How much to take, or to give back.
    pub amount: Money,
    /// The part of it without VAT, of a cancellation or a charge.
    pub tax_free: Money,
    /// Who asked.
    pub actor: Actor,
    /// Why, where somebody said.
    pub reason: Option<String>,
    /// With which of the account's secret keys: the gateway's key scope includes it.
    pub credential_version: i32,
    /// The trace of the request that opened it, and the span that did.
    pub trace: Trace,
    /// Whether an idempotency key waits for its outcome.
    pub keyed: bool,
    /// Since when.
    pub created_at: Timestamp,
}

impl Head {
    /// What it is for.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.intent.kind()
    }
}

impl Saga {
    /// The order id that it calls and asks with.
    #[must_use]
    pub fn order(&self) -> GatewayOrderId {
        self.progress.order.unwrap_or(self.head.gateway_order)
    }

    /// Whether the snapshot is about this saga's money: its payment key, where it knows one, and an
    /// order that it called with.
    pub(crate) fn concerns(&self, snapshot: &Snapshot) -> bool {
        let key = self.head.intent.payment_key();
        let mut orders = std::iter::once(self.head.gateway_order).chain(self.progress.order);
        key.is_none_or(|key| *key == snapshot.payment_key)
            && orders.any(|order| order.to_string() == snapshot.order_id)
    }

    /// Which of its orders the snapshot is about.
    pub(crate) fn order_of(&self, snapshot: &Snapshot) -> GatewayOrderId {
        let renewed = self.progress.order;
        let renewed = renewed.filter(|order| order.to_string() == snapshot.order_id);
        renewed.unwrap_or(self.head.gateway_order)
    }

    /// Whether it asked for the money that the snapshot shows.
    pub(crate) fn asked_for(&self, snapshot: &Snapshot) -> bool {
        let asks = match self.head.kind() {
            Kind::Approval | Kind::Charge | Kind::AccountIssue => true,
            Kind::Reversal | Kind::Cancellation | Kind::AccountClose => false,
        };
        asks && self.concerns(snapshot)
    }

    /// Whether it gives back what somebody wants back, or what nobody has paid yet.
    #[must_use]
    pub const fn gives_up_money(&self) -> bool {
        matches!(self.head.kind(), Kind::Cancellation | Kind::AccountClose)
    }

    /// Whether it works on this payment key, or may turn out to.
    pub(crate) fn works_on(&self, key: &PaymentKey) -> bool {
        let known = self.head.intent.payment_key();
        !self.is_closed() && known.is_none_or(|known| known == key)
    }

    /// Whether it gives back what this payment key took wrongly.
    pub(crate) fn gives_back(&self, key: &PaymentKey) -> bool {
        matches!(&self.head.intent, Intent::Reverse(own) if own == key)
    }
}
