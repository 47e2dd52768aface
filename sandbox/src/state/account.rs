//! Owns what the sandbox knows about a virtual account: where a buyer pays in, and until when.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// A week (`toss-api.md` §6.5).
pub(crate) const HOURS_DEFAULT: i64 = 168;

/// An account that was issued for one payment.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VirtualAccount {
    pub(crate) number: String,
    /// Two characters.
    pub(crate) bank_code: String,
    pub(crate) customer_name: String,
    pub(crate) due_at: Timestamp,
    /// Whether its due date was seen to have passed; that alone changes no status.
    #[serde(default)]
    pub(crate) expired: bool,
    #[serde(default)]
    pub(crate) depositor: Option<String>,
    #[serde(default)]
    pub(crate) refund: RefundStatus,
    /// When a refund that was asked for reaches the buyer.
    #[serde(default)]
    pub(crate) refund_at: Option<Timestamp>,
}

/// How giving back a deposit goes, as `refundStatus` shows it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum RefundStatus {
    #[default]
    None,
    Pending,
    Failed,
    PartialFailed,
    Completed,
}

/// What an account is to be like, before it is issued.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Wish {
    pub(crate) bank_code: String,
    pub(crate) customer_name: String,
    pub(crate) due: Due,
}

/// Until when a deposit is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Due {
    /// So many hours after the issue.
    Hours(i64),
    At(Timestamp),
}

impl Default for Wish {
    /// Where nobody chose: the bank and the name of the captured examples, and a week.
    fn default() -> Self {
        Self {
            bank_code: "20".to_owned(),
            customer_name: "홍길동".to_owned(),
            due: Due::Hours(HOURS_DEFAULT),
        }
    }
}

impl Due {
    /// The instant, for an account that is issued now.
    pub(crate) fn at(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Hours(hours) => now
                .checked_add_signed(TimeDelta::hours(hours))
                .unwrap_or(now),
        }
    }
}

impl VirtualAccount {
    /// Whether its due date has passed without anybody having looked.
    pub(crate) fn falls_due(&self, now: Timestamp) -> bool {
        !self.expired && now >= self.due_at
    }

    /// Whether a refund has reached the buyer without anybody having looked.
    pub(crate) fn is_refunded(&self, now: Timestamp) -> bool {
        self.refund_at.is_some_and(|at| now >= at)
    }
}
