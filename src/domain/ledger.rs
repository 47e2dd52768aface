//! Owns the ledger's lines: append-only, each movement at the gateway booked exactly once.

use std::fmt;
use std::str::FromStr;

use crate::Timestamp;
use crate::id::{GatewayAccountId, PaymentId, SagaId};
use crate::money::Money;
use crate::principal::{Scope, UnknownWord};
use crate::text::{PaymentKey, TransactionKey};

/// An account of the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Account {
    /// What the gateway holds for us.
    GatewayReceivable,
    /// What we owe the merchant.
    MerchantPayable,
    /// Captures that should not have happened, until they are given back.
    Suspense,
}

impl Account {
    /// Every account.
    pub const ALL: [Self; 3] = [
        Self::GatewayReceivable,
        Self::MerchantPayable,
        Self::Suspense,
    ];

    /// The stored and shown word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GatewayReceivable => "gateway_receivable",
            Self::MerchantPayable => "merchant_payable",
            Self::Suspense => "suspense",
        }
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Account {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|account| account.as_str() == text)
            .ok_or_else(|| UnknownWord(text.to_owned()))
    }
}

/// Which movement of a payment key an entry books; with gateway account and payment key it is
/// unique, so one movement is never booked twice.
///
/// A deposit and what the bank takes back are counted: neither is always shown with a name, and a
/// payment knows how often it came and went. A capture is named by the word alone: the gateway
/// shows its transaction key only until the first cancellation replaces it (`toss-api.md §7`), so
/// a recovery after one could not find it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Movement {
    /// The one capture of a payment key; of a virtual account, its first deposit.
    Capture,
    /// A later deposit, by its count: 2 for the one after the first reversal.
    Deposit(u32),
    /// The bank took a deposit back, by its count from 1.
    Reversal(u32),
    /// The cancellation with this transaction key.
    Cancel(TransactionKey),
}

impl Movement {
    /// What it is called when the bank takes this deposit back; none of what is no deposit.
    #[must_use]
    pub const fn taken_back_by(&self) -> Option<Self> {
        match self {
            Self::Capture => Some(Self::Reversal(1)),
            Self::Deposit(count) => Some(Self::Reversal(*count)),
            Self::Reversal(_) | Self::Cancel(_) => None,
        }
    }
}

impl fmt::Display for Movement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Capture => f.write_str("capture"),
            Self::Deposit(count) => write!(f, "deposit:{count}"),
            Self::Reversal(count) => write!(f, "reversal:{count}"),
            Self::Cancel(key) => write!(f, "cancel:{key}"),
        }
    }
}

impl FromStr for Movement {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        if text == "capture" {
            return Ok(Self::Capture);
        }
        let (word, rest) = text.split_once(':').unwrap_or((text, ""));
        let movement = match word {
            "cancel" => rest.parse().ok().map(Self::Cancel),
            "deposit" => rest.parse().ok().map(Self::Deposit),
            "reversal" => rest.parse().ok().map(Self::Reversal),
            _ => None,
        };
        movement.ok_or_else(|| UnknownWord(text.to_owned()))
    }
}

/// One line of the ledger: `amount` moves from the credited to the debited account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Whose books.
    pub scope: Scope,
    /// At which gateway account the money moved.
    pub account: GatewayAccountId,
    /// Of which authentication.
    pub payment_key: PaymentKey,
    /// Which movement of it.
    pub movement: Movement,
    /// For which payment.
    pub payment: PaymentId,
    /// Which saga found or caused it; none when it was observed without one.
    pub saga: Option<SagaId>,
    /// The account that grows.
    pub debit: Account,
    /// The account that gives.
    pub credit: Account,
    /// How much; never zero.
    pub amount: Money,
    /// The gateway's name of the movement, where it was shown.
    pub transaction_key: Option<TransactionKey>,
    /// When the gateway says it happened.
    pub occurred_at: Option<Timestamp>,
    /// When it was booked.
    pub booked_at: Timestamp,
}
