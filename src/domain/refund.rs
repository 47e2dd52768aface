//! Owns how far the bank is with a deposit that was given back: the gateway does so at once, and
//! the buyer has the money days later, or not at all (`toss-api.md §7, §10`).

use crate::Timestamp;

words! {
    /// How far the bank is.
    RefundStatus {
        /// The gateway has taken the cancellation on; the bank has not said how it ended.
        Pending => "PENDING",
        /// The buyer has the money.
        Completed => "COMPLETED",
        /// The bank did not take the money: the buyer does not have it.
        Failed => "FAILED",
        /// Of several the bank did not take one.
        PartialFailed => "PARTIAL_FAILED",
    }
}

impl RefundStatus {
    /// Whether the bank has said how it ended.
    #[must_use]
    pub const fn is_final(self) -> bool {
        match self {
            Self::Pending => false,
            Self::Completed | Self::Failed | Self::PartialFailed => true,
        }
    }

    /// Whether somebody lacks money that was given back to them.
    #[must_use]
    pub const fn is_failed(self) -> bool {
        match self {
            Self::Pending | Self::Completed => false,
            Self::Failed | Self::PartialFailed => true,
        }
    }
}

/// How far the bank is with all that was given back of one payment, as the books have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refund {
    /// How far.
    pub status: RefundStatus,
    /// Since when: the newest cancellation, or the bank's word.
    pub since: Timestamp,
    /// What answers say otherwise; believed when a later one says the same.
    pub doubted: Option<Doubted>,
}

/// What one answer says of a refund, against what the books have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Doubted {
    /// The word that is not believed yet.
    pub word: RefundStatus,
    /// Since when it is said.
    pub since: Timestamp,
}

impl Refund {
    /// Something was given back just now.
    #[must_use]
    pub const fn begun(since: Timestamp) -> Self {
        Self {
            status: RefundStatus::Pending,
            since,
            doubted: None,
        }
    }
}
