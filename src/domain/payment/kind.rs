//! Owns the kinds of payments: how the money is taken.

use std::fmt;
use std::str::FromStr;

use crate::principal::UnknownWord;

/// How the money is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Once, by the buyer in the payment window.
    OneOff,
    /// One cycle of a subscription, by billing key.
    Billing,
    /// By deposit to an issued account.
    VirtualAccount,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::OneOff, Self::Billing, Self::VirtualAccount];

    /// The stored and shown word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OneOff => "ONE_OFF",
            Self::Billing => "BILLING",
            Self::VirtualAccount => "VIRTUAL_ACCOUNT",
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
