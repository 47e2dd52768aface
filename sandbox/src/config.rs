//! Owns what a sandbox is started with, and the gateway behaviours that nobody has published.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use chrono::TimeDelta;

/// What a sandbox is started with.
#[derive(Clone)]
pub struct Config {
    /// Where to listen; port 0 picks a free one.
    pub listen: SocketAddr,
    /// The journal file; without one everything lives in memory only.
    pub data: Option<PathBuf>,
    /// The merchant id (MID) that payments carry.
    pub merchant_id: String,
    /// The secret key the API accepts.
    pub secret_key: String,
    /// The client key the payment window accepts.
    pub client_key: String,
    /// How long every API call takes before it has its effect.
    pub latency: Duration,
    /// The behaviours that are undocumented at the real gateway.
    pub settings: Settings,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            data: None,
            merchant_id: "tsimshop".to_owned(),
            secret_key: "test_sk_sandbox".to_owned(),
            client_key: "test_ck_sandbox".to_owned(),
            latency: Duration::ZERO,
            settings: Settings::default(),
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Config")
            .field("listen", &self.listen)
            .field("data", &self.data)
            .field("merchant_id", &self.merchant_id)
            .field("latency", &self.latency)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// The behaviours that are undocumented, or on which sources disagree; the defaults are the best
/// supported reading.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Answer to a confirm whose amount is not the authenticated one.
    pub wrong_amount_code: &'static str,
    /// Answer to a confirm whose order id is not the authenticated one.
    pub wrong_order_code: &'static str,
    /// Answer to a confirm of a payment key that does not exist.
    pub unknown_payment_key_code: &'static str,
    /// Whether an order id that was approved may be approved again with another payment key.
    pub second_approval: SecondApproval,
    /// What a temporary error at confirm does to the payment.
    pub temporary_error: TemporaryError,
    /// Whether 5xx answers are kept under their idempotency key.
    pub server_errors: ServerErrors,
    /// Whether payments carry a `secret` (they do since 2025, did not before).
    pub secret: Secret,
    /// Whether strings are taken for numbers and numbers for strings, as the real server does.
    pub typing: Typing,
    /// The `version` payments carry.
    pub api_version: &'static str,
    /// How long an opened window waits for authentication.
    pub window: TimeDelta,
    /// How long an authenticated payment waits for its confirm.
    pub confirmation: TimeDelta,
    /// How long an idempotency key is remembered after its first use.
    pub idempotency: TimeDelta,
    /// The smallest amount a card takes, in won.
    pub card_amount_min: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            wrong_amount_code: "FORBIDDEN_REQUEST",
            wrong_order_code: "FORBIDDEN_REQUEST",
            unknown_payment_key_code: "NOT_FOUND_PAYMENT_SESSION",
            second_approval: SecondApproval::Allowed,
            temporary_error: TemporaryError::KeepsInProgress,
            server_errors: ServerErrors::Stored,
            secret: Secret::Sent,
            typing: Typing::Lenient,
            api_version: "2022-11-16",
            window: TimeDelta::minutes(30),
            confirmation: TimeDelta::minutes(10),
            idempotency: TimeDelta::days(15),
            card_amount_min: 100,
        }
    }
}

/// Whether one order id may be approved twice, with two payment keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecondApproval {
    /// The gateway takes the money a second time; the merchant has to notice.
    Allowed,
    /// The gateway answers `DUPLICATED_ORDER_ID`.
    Refused,
}

/// What a temporary error at confirm does to the payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TemporaryError {
    /// It can be confirmed again.
    KeepsInProgress,
    /// It is over.
    Aborts,
}

/// Whether 5xx answers are kept under their idempotency key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerErrors {
    /// A repeat gets the same 5xx.
    Stored,
    /// A repeat is executed again.
    Forgotten,
}

/// Whether payments carry a `secret`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secret {
    /// `ps_…` once authenticated.
    Sent,
    /// Always null.
    Null,
}

/// How strictly the JSON types of request fields are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typing {
    /// `"1000"` is a number and `71` is a string.
    Lenient,
    /// Only the documented type is accepted.
    Strict,
}
