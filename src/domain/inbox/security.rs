//! Owns the keys that gateways sign some of their notifications with (`toss-api.md §15.4`).

use crate::Timestamp;
use crate::id::GatewayAccountId;
use crate::vault::Sealed;

/// Which of an account's security keys: the first is 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Number(i64);

impl Number {
    /// That of an account's first key.
    pub const FIRST: Self = Self(1);

    /// The number of a row; none where it is none.
    #[must_use]
    pub fn new(number: i64) -> Option<Self> {
        (number >= 1).then_some(Self(number))
    }

    /// The one after it.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// As it is stored.
    #[must_use]
    pub fn get(self) -> i64 {
        self.0
    }
}

/// A key that an account's gateway signs with. Two are good while it is replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityKey {
    /// Whose.
    pub account: GatewayAccountId,
    /// Which of the account's.
    pub number: Number,
    /// The key, sealed for its row.
    pub sealed: Sealed,
    /// Since when it is kept.
    pub created_at: Timestamp,
    /// From when on it proves nothing: it was replaced or revoked.
    pub expires_at: Option<Timestamp>,
}

impl SecurityKey {
    /// What its row is called where it is sealed.
    #[must_use]
    pub fn row_of(account: GatewayAccountId, number: Number) -> String {
        format!("{account}/{}", number.get())
    }

    /// What its own row is called.
    #[must_use]
    pub fn row(&self) -> String {
        Self::row_of(self.account, self.number)
    }

    /// Whether it proves anything.
    #[must_use]
    pub fn is_usable(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}
