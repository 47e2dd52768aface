//! Owns what the sandbox knows about one payment, and the amounts that follow from it.

use chrono::{Datelike, TimeDelta};
use serde::{Deserialize, Serialize};

use crate::clock::{Timestamp, korean};
use crate::config::Settings;

/// The gateway's payment states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Status {
    Ready,
    InProgress,
    Done,
    PartialCanceled,
    Canceled,
    Aborted,
    Expired,
}

/// How the buyer pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Method {
    Card,
    EasyPay,
    Transfer,
    MobilePhone,
}

/// One payment: one opening of the payment window.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(
    clippy::struct_field_names,
    reason = "the gateway calls it a payment key"
)]
pub(crate) struct Payment {
    pub(crate) payment_key: String,
    pub(crate) order_id: String,
    pub(crate) order_name: String,
    pub(crate) status: Status,
    pub(crate) method: Option<Method>,
    pub(crate) total: i64,
    pub(crate) balance: i64,
    pub(crate) tax_free: i64,
    pub(crate) requested_at: Timestamp,
    pub(crate) authenticated_at: Option<Timestamp>,
    pub(crate) approved_at: Option<Timestamp>,
    pub(crate) last_transaction_key: Option<String>,
    pub(crate) secret: Option<String>,
    pub(crate) customer_key: Option<String>,
    /// The code confirm will answer; none approves.
    pub(crate) scenario: Option<String>,
    pub(crate) failure_code: Option<String>,
    pub(crate) metadata: Option<serde_json::Value>,
    pub(crate) success_url: Option<String>,
    pub(crate) fail_url: Option<String>,
    pub(crate) partial_cancelable: bool,
    pub(crate) cancels: Vec<Cancel>,
}

/// One cancellation of a payment, in full or in part.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Cancel {
    pub(crate) transaction_key: String,
    pub(crate) reason: String,
    pub(crate) amount: i64,
    pub(crate) tax_free: i64,
    /// What is left after this one.
    pub(crate) refundable: i64,
    pub(crate) at: Timestamp,
}

impl Method {
    /// The method by its SDK name, or by the Korean name of the API.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "CARD" | "카드" => Some(Self::Card),
            "EASY_PAY" | "간편결제" => Some(Self::EasyPay),
            "TRANSFER" | "계좌이체" => Some(Self::Transfer),
            "MOBILE_PHONE" | "휴대폰" => Some(Self::MobilePhone),
            _ => None,
        }
    }

    /// The text the API shows.
    pub(crate) fn korean(self) -> &'static str {
        match self {
            Self::Card => "카드",
            Self::EasyPay => "간편결제",
            Self::Transfer => "계좌이체",
            Self::MobilePhone => "휴대폰",
        }
    }
}

impl Payment {
    /// Whether its time ran out: 30 minutes to authenticate, then 10 to confirm.
    pub(crate) fn overdue(&self, now: Timestamp, settings: &Settings) -> bool {
        let (since, limit) = match self.status {
            Status::Ready => (Some(self.requested_at), settings.window),
            Status::InProgress => (self.authenticated_at, settings.confirmation),
            Status::Done
            | Status::PartialCanceled
            | Status::Canceled
            | Status::Aborted
            | Status::Expired => (None, TimeDelta::zero()),
        };
        since.is_some_and(|since| now.signed_duration_since(since) >= limit)
    }

    /// Whether money was taken for it at some time.
    pub(crate) fn was_approved(&self) -> bool {
        self.approved_at.is_some()
    }

    /// Whether the time in which this method can be given back is over.
    pub(crate) fn past_refund_due(&self, now: Timestamp) -> bool {
        let Some(approved_at) = self.approved_at else {
            return false;
        };
        match self.method {
            Some(Method::Transfer) => now.signed_duration_since(approved_at) > TimeDelta::days(180),
            Some(Method::MobilePhone) => {
                let (then, now) = (korean(approved_at), korean(now));
                (then.year(), then.month()) != (now.year(), now.month())
            }
            Some(Method::Card | Method::EasyPay) | None => false,
        }
    }

    /// Value added tax inside the balance: an eleventh of its taxable part, half up.
    pub(crate) fn vat(&self) -> i64 {
        let taxable = self.balance.saturating_sub(self.tax_free).max(0);
        taxable.saturating_mul(2).saturating_add(11).div_euclid(22)
    }

    /// The balance without tax and tax-free part.
    pub(crate) fn supplied(&self) -> i64 {
        self.balance
            .saturating_sub(self.vat())
            .saturating_sub(self.tax_free)
    }
}
