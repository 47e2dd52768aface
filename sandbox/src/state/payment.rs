//! Owns what the sandbox knows about one payment, and the amounts that follow from it.

use chrono::{Datelike, TimeDelta};
use serde::{Deserialize, Serialize};

use super::account::{RefundStatus, VirtualAccount, Wish};
use crate::cards::{self, TestCard};
use crate::clock::{Timestamp, korean};
use crate::config::Settings;

/// The gateway's payment states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Status {
    Ready,
    InProgress,
    WaitingForDeposit,
    Done,
    PartialCanceled,
    Canceled,
    Aborted,
    Expired,
}

/// What a payment came from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Kind {
    /// A window, or a call of the merchant.
    #[default]
    Normal,
    /// A billing key that was charged.
    Billing,
}

/// How the buyer pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Method {
    Card,
    EasyPay,
    Transfer,
    VirtualAccount,
    MobilePhone,
    CultureGiftCertificate,
    BookGiftCertificate,
    GameGiftCertificate,
}

/// What the buyer pays with, beside the method.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Funding {
    /// The masked number of a test card.
    pub(crate) card: Option<String>,
    /// The easy-pay service takes it from its own money, and this much from points.
    pub(crate) points: Option<i64>,
    pub(crate) cash_receipt: Option<CashReceipt>,
    /// What the virtual account is to be like.
    #[serde(default)]
    pub(crate) account: Option<Wish>,
}

/// A cash receipt the buyer asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CashReceipt {
    /// `소득공제` or `지출증빙`.
    pub(crate) kind: String,
    pub(crate) receipt_key: String,
    pub(crate) issue_number: String,
    /// Whose it is: a telephone or a business number.
    #[serde(default)]
    pub(crate) identity: Option<String>,
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
    #[serde(default)]
    pub(crate) kind: Kind,
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
    #[serde(default)]
    pub(crate) funding: Funding,
    #[serde(default)]
    pub(crate) virtual_account: Option<VirtualAccount>,
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
    /// What it takes back of the cash receipt.
    #[serde(default)]
    pub(crate) receipt: Option<CashReceipt>,
    /// How giving back the deposit begins, and when it has reached the buyer.
    #[serde(default)]
    pub(crate) refund: Option<(RefundStatus, Timestamp)>,
}

impl Method {
    /// The method by its SDK name, or by the Korean name of the API.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "CARD" | "카드" => Some(Self::Card),
            "EASY_PAY" | "간편결제" => Some(Self::EasyPay),
            "TRANSFER" | "계좌이체" => Some(Self::Transfer),
            "VIRTUAL_ACCOUNT" | "가상계좌" => Some(Self::VirtualAccount),
            "MOBILE_PHONE" | "휴대폰" => Some(Self::MobilePhone),
            "CULTURE_GIFT_CERTIFICATE" | "문화상품권" => Some(Self::CultureGiftCertificate),
            "BOOK_GIFT_CERTIFICATE" | "도서문화상품권" => Some(Self::BookGiftCertificate),
            "GAME_GIFT_CERTIFICATE" | "게임문화상품권" => Some(Self::GameGiftCertificate),
            _ => None,
        }
    }

    /// The text the API shows.
    pub(crate) fn korean(self) -> &'static str {
        match self {
            Self::Card => "카드",
            Self::EasyPay => "간편결제",
            Self::Transfer => "계좌이체",
            Self::VirtualAccount => "가상계좌",
            Self::MobilePhone => "휴대폰",
            Self::CultureGiftCertificate => "문화상품권",
            Self::BookGiftCertificate => "도서문화상품권",
            Self::GameGiftCertificate => "게임문화상품권",
        }
    }

    pub(crate) fn is_gift_certificate(self) -> bool {
        match self {
            Self::CultureGiftCertificate
            | Self::BookGiftCertificate
            | Self::GameGiftCertificate => true,
            Self::Card
            | Self::EasyPay
            | Self::Transfer
            | Self::VirtualAccount
            | Self::MobilePhone => false,
        }
    }
}

impl Payment {
    /// Whether its time ran out: 30 minutes to authenticate, then 10 to confirm.
    pub(crate) fn overdue(&self, now: Timestamp, settings: &Settings) -> bool {
        let (since, limit) = match self.status {
            Status::Ready => (Some(self.requested_at), settings.window),
            Status::InProgress => (self.authenticated_at, settings.confirmation),
            Status::WaitingForDeposit
            | Status::Done
            | Status::PartialCanceled
            | Status::Canceled
            | Status::Aborted
            | Status::Expired => (None, TimeDelta::zero()),
        };
        since.is_some_and(|since| now.signed_duration_since(since) >= limit)
    }

    /// Whether waiting is enough to change it.
    pub(crate) fn can_change_by_itself(&self) -> bool {
        let account = self.virtual_account.as_ref();
        match self.status {
            Status::Ready | Status::InProgress => true,
            Status::WaitingForDeposit => account.is_some_and(|account| !account.expired),
            Status::PartialCanceled | Status::Canceled => {
                account.is_some_and(|account| account.refund_at.is_some())
            }
            Status::Done | Status::Aborted | Status::Expired => false,
        }
    }

    pub(crate) fn test_card(&self) -> Option<&'static TestCard> {
        self.funding.card.as_deref().and_then(cards::masked_as)
    }

    /// Whether money was taken for it at some time.
    pub(crate) fn was_approved(&self) -> bool {
        self.approved_at.is_some()
    }

    /// Whether there is something for the buyer to read: of an account, from its issue on.
    pub(crate) fn has_receipt(&self) -> bool {
        self.was_approved() || self.virtual_account.is_some()
    }

    /// Whether the time in which this method can be given back is over.
    pub(crate) fn past_refund_due(&self, now: Timestamp, settings: &Settings) -> bool {
        let Some(approved_at) = self.approved_at else {
            return false;
        };
        let elapsed = now.signed_duration_since(approved_at);
        match self.method {
            Some(Method::Transfer) => elapsed > TimeDelta::days(180),
            Some(Method::VirtualAccount) => elapsed > TimeDelta::days(365),
            Some(Method::Card) => {
                let days = settings.card_refund_days;
                days > 0 && elapsed > TimeDelta::days(days)
            }
            Some(Method::MobilePhone) => {
                let (then, now) = (korean(approved_at), korean(now));
                (then.year(), then.month()) != (now.year(), now.month())
            }
            Some(
                Method::EasyPay
                | Method::CultureGiftCertificate
                | Method::BookGiftCertificate
                | Method::GameGiftCertificate,
            )
            | None => false,
        }
    }

    /// The cancellation a transaction key stands for.
    pub(crate) fn canceled_by(&self, transaction_key: &str) -> Option<&Cancel> {
        self.cancels
            .iter()
            .find(|cancel| cancel.transaction_key == transaction_key)
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
