//! Owns the JSON of Payflow's API, as far as a shop needs it.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// Every answer's envelope.
#[derive(Debug, Deserialize)]
pub(super) struct Envelope {
    /// A stable code; `OK` where nothing finer is to be said.
    pub(super) code: String,
    /// What was asked for; with a failure, what helps to go on.
    #[serde(default)]
    pub(super) data: serde_json::Value,
}

/// Where a payment is. The API is additive: a word that is new to the shop is no error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum PaymentStatus {
    /// Nobody has paid.
    Ready,
    /// An approval is not resolved.
    InProgress,
    /// Its account was issued, and nobody has paid in, or the bank took that back.
    WaitingForDeposit,
    /// Paid.
    Done,
    /// A cancellation is not resolved.
    CancelRequested,
    /// Paid, and a part given back.
    PartialCanceled,
    /// Given back in full, or withdrawn before anybody paid.
    Canceled,
    /// Declined for good.
    Aborted,
    /// Nobody paid in time.
    Expired,
    /// Something that this shop does not know.
    #[serde(other)]
    Unknown,
}

/// A payment as Payflow shows it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Payment {
    /// Its id.
    #[serde(rename = "paymentId")]
    pub(crate) id: String,
    /// The shop's order.
    pub(crate) order_id: String,
    /// What is higher is later, in answers and in messages.
    #[serde(default)]
    pub(crate) sequence: i64,
    /// Where it is.
    pub(crate) status: PaymentStatus,
    /// What is to be paid, in won.
    pub(crate) amount: i64,
    /// Given back, in won.
    pub(crate) canceled_amount: i64,
    /// How it was given back, oldest first.
    #[serde(default)]
    pub(crate) cancels: Vec<Cancel>,
    /// What to open the payment window with.
    pub(crate) gateway_order_id: Option<String>,
    /// Card, easy pay …, as the gateway words it.
    pub(crate) method: Option<String>,
    /// Where the receipt is.
    pub(crate) receipt_url: Option<String>,
    /// Why the last attempt was declined.
    pub(crate) decline: Option<Decline>,
    /// Where it is to be paid in.
    #[serde(default)]
    pub(crate) virtual_account: Option<Account>,
    /// When it was paid.
    pub(crate) approved_at: Option<Timestamp>,
}

/// An account that a bank issued for one payment.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Account {
    /// The code of the bank.
    pub(crate) bank: String,
    /// Its number.
    #[serde(rename = "accountNumber")]
    pub(crate) number: Option<String>,
    /// In whose name it is.
    pub(crate) holder: Option<String>,
    /// Until when a deposit is taken.
    pub(crate) due_at: Timestamp,
}

/// One time that money was given back.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Cancel {
    /// How much, in won.
    pub(crate) amount: i64,
    /// When.
    pub(crate) canceled_at: Timestamp,
}

/// Why an attempt was declined.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Decline {
    /// Payflow's stable reason.
    pub(crate) reason: String,
}

/// What is to be paid.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Prepare<'a> {
    pub(super) order_id: &'a str,
    pub(super) order_name: &'a str,
    pub(super) amount: i64,
    pub(super) currency: &'static str,
    pub(super) kind: &'static str,
    pub(super) customer: Customer<'a>,
}

/// Who buys.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Customer<'a> {
    pub(super) member_id: &'a str,
}

/// What the payment window brought back.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Approve<'a> {
    pub(super) payment_key: &'a str,
    pub(super) gateway_order_id: &'a str,
    pub(super) amount: i64,
}

/// What account is to be issued.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AskAccount<'a> {
    pub(super) bank: &'a str,
    pub(super) valid_hours: u32,
    pub(super) customer_name: &'a str,
}

/// What is to be given back; everything where no amount is said.
#[derive(Debug, Serialize)]
pub(super) struct Cancellation {
    pub(super) reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) amount: Option<i64>,
}
