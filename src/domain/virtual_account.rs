//! Owns the virtual account: where a buyer pays in and until when, and what of it lies sealed.

use std::fmt;
use std::str::FromStr;

use crate::Timestamp;
use crate::id::SagaId;
use crate::principal::UnknownWord;
use crate::refund::{Refund, RefundStatus};
use crate::text::PaymentKey;
use crate::vault::Sealed;

/// The banks that issue virtual accounts, by their codes (`toss-api.md §10`).
const ISSUING: [&str; 13] = [
    "03", "06", "07", "11", "20", "31", "32", "34", "39", "45", "71", "81", "88",
];
/// More is no bank's code.
const CODE_CHARS_MAX: usize = 10;

/// A text that no log shows: an account's number, its holder, what notifications prove themselves
/// with.
#[derive(Clone, PartialEq, Eq)]
pub struct Concealed(Box<str>);

impl Concealed {
    /// Takes a text into custody.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The text, for who has to use it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Concealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// No code of a bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no code of a bank")]
pub struct NoBank;

/// A bank, by the gateway's code of it: 1-10 letters and digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BankCode(Box<str>);

impl BankCode {
    /// Whether the bank issues virtual accounts.
    #[must_use]
    pub fn is_issuing(&self) -> bool {
        ISSUING.contains(&self.0.as_ref())
    }

    /// The code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for BankCode {
    type Err = NoBank;

    fn from_str(text: &str) -> Result<Self, NoBank> {
        let is_code = (1..=CODE_CHARS_MAX).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        is_code.then(|| Self(text.into())).ok_or(NoBank)
    }
}

impl fmt::Display for BankCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An account as the gateway shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownAccount {
    /// At which bank.
    pub bank: BankCode,
    /// Its number.
    pub number: Concealed,
    /// In whose name it is.
    pub holder: Option<Concealed>,
    /// Until when a deposit is taken.
    pub due_at: Timestamp,
    /// What notifications of deposits prove themselves with (`toss-api.md §10`).
    pub secret: Option<Concealed>,
    /// How far the bank is with what was given back; none where that is not said.
    pub refund: Option<RefundStatus>,
    /// All of it that is not to lie open, as it is kept; sealed where the answer came in.
    pub sealed: Option<Sealed>,
}

/// An account that was issued for a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirtualAccount {
    /// What the gateway calls the payment.
    pub payment_key: PaymentKey,
    /// At which bank.
    pub bank: BankCode,
    /// Until when a deposit is taken.
    pub due_at: Timestamp,
    /// Number, holder and secret.
    pub sealed: Sealed,
    /// How often the bank took a deposit back.
    pub reversals: u32,
    /// The saga that closes it at the gateway, while one does.
    pub closing: Option<SagaId>,
    /// What one answer alone said against our books; believed when a later one says it too.
    pub doubt: Option<Doubt>,
    /// When the gateway is asked about it next, though nobody says that anything moved.
    pub look_at: Option<Timestamp>,
    /// How far the bank is with what was given back; none before anything was.
    pub refund: Option<Refund>,
}

/// What an answer can say of an account against our books: that less is held than we think.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// The deposit: the account waits again.
    Deposit,
    /// The account itself: it is closed, and nobody has paid in.
    Account,
}

impl Denied {
    /// The stored word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deposit => "DEPOSIT",
            Self::Account => "ACCOUNT",
        }
    }
}

impl FromStr for Denied {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        [Self::Deposit, Self::Account]
            .into_iter()
            .find(|denied| denied.as_str() == text)
            .ok_or_else(|| UnknownWord(text.to_owned()))
    }
}

/// Something that was denied, and since when without an answer that says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// What.
    pub denied: Denied,
    /// When it was denied first.
    pub since: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn banks_are_named_by_their_codes() {
        let bank: BankCode = "20".parse().unwrap();
        assert!(bank.is_issuing());
        assert_eq!((bank.as_str(), bank.to_string()), ("20", "20".to_owned()));
        assert!(!"92".parse::<BankCode>().unwrap().is_issuing());
        for odd in ["", "2 0", "우리", "12345678901"] {
            assert_eq!(odd.parse::<BankCode>(), Err(NoBank), "{odd}");
        }
    }

    #[test]
    fn what_is_concealed_is_not_shown() {
        let number = Concealed::new("X6505636518308");
        assert_eq!(format!("{number:?}"), "…");
        assert_eq!(number.expose(), "X6505636518308");
    }
}
