//! Owns the endpoint that has a virtual account issued, and the JSON of accounts.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use application::ports::gateway::{CashReceipt, ReceiptKind};
use application::ports::vault::Secret;
use application::{AskAccount, Caller, Due, view};
use axum::Extension;
use axum::extract::State;
use axum::http::Method;
use axum::response::Response;
use chrono::{DateTime, Utc};
use domain::Timestamp;
use domain::text;
use domain::virtual_account::{BankCode, NoBank};
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::bodies::{Payment, Success};
use super::body::JsonBody;
use super::catalogue::Code;
use super::envelope::Failure;
use super::extract::{KeyHeader, PaymentPath};
use super::json::Form;
use super::payments::answer;
use super::reach::Named;
use super::refusals;
use super::table::{Route, SERVER_OR_MEMBER};

/// The route.
pub(super) const ISSUE: Route = Route {
    method: &Method::POST,
    path: "/api/v1/payments/{paymentId}/virtual-account",
    named: Named::Payment,
    principals: SERVER_OR_MEMBER,
    body: true,
    refusals: refusals::ACCOUNT,
};

/// A week, as the gateway has it (`toss-api.md §6.5`).
const HOURS: u64 = 168;
/// Ninety days, as the gateway has it (`toss-api.md §6.5`).
const HOURS_MAX: u64 = 2160;
const HOUR_SECONDS: u64 = 3600;
/// The longest number of a receipt (`toss-api.md §6.5`).
const RECEIPT_MAX: usize = 30;

/// What a virtual account shall be like.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct AskVirtualAccount {
    /// The code of a bank that issues virtual accounts.
    #[schema(example = "20", pattern = "^(03|06|07|11|20|31|32|34|39|45|71|81|88)$")]
    bank: String,
    /// For how many hours a deposit is taken; not beside `dueAt`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 24, minimum = 1, maximum = 2160, default = 168)]
    valid_hours: Option<u64>,
    /// Until when a deposit is taken, ISO 8601, within 90 days; not beside `validHours`.
    #[serde(skip_serializing_if = "Option::is_none")]
    due_at: Option<DateTime<Utc>>,
    /// In whose name it shall be; the payment's customer where none is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "홍길동", min_length = 1, max_length = 100)]
    customer_name: Option<String>,
    /// The receipt for cash that is issued with the deposit.
    #[serde(skip_serializing_if = "Option::is_none")]
    cash_receipt: Option<AskReceipt>,
}

/// A receipt for cash.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct AskReceipt {
    /// `INCOME_DEDUCTION` (소득공제) or `EXPENSE_PROOF` (지출증빙).
    #[serde(rename = "type")]
    #[schema(
        example = "INCOME_DEDUCTION",
        pattern = "^(INCOME_DEDUCTION|EXPENSE_PROOF)$"
    )]
    kind: String,
    /// A phone number, or that of a business.
    #[schema(example = "01000000000", pattern = "^[0-9]{1,30}$")]
    registration_number: String,
}

/// Where the buyer pays in.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VirtualAccount {
    /// The code of the bank.
    #[schema(example = "20")]
    pub bank: String,
    /// The account's number; told of one payment, not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "X6505636518308")]
    pub account_number: Option<String>,
    /// In whose name it is; told of one payment, not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "홍길동")]
    pub holder: Option<String>,
    /// Until when a deposit is taken.
    pub due_at: DateTime<Utc>,
    /// How far the bank is with what was given back: `PENDING`, `COMPLETED`, `FAILED`, or
    /// `PARTIAL_FAILED` where of several one failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "COMPLETED")]
    pub refund_status: Option<String>,
    /// Since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refund_status_at: Option<DateTime<Utc>>,
}

impl From<view::AccountView> for VirtualAccount {
    fn from(view: view::AccountView) -> Self {
        Self {
            bank: view.bank,
            account_number: view.account_number,
            holder: view.holder,
            due_at: view.due_at,
            refund_status: view.refund_status,
            refund_status_at: view.refund_status_at,
        }
    }
}

impl From<NoBank> for Code {
    fn from(NoBank: NoBank) -> Self {
        Self::FieldWord
    }
}

/// An instant as ISO 8601 with an offset, where there is one.
struct DueAt(Option<Timestamp>);

/// No such instant.
struct NoInstant;

impl From<NoInstant> for Code {
    fn from(NoInstant: NoInstant) -> Self {
        Self::InstantMalformed
    }
}

impl FromStr for DueAt {
    type Err = NoInstant;

    fn from_str(text: &str) -> Result<Self, NoInstant> {
        let instant = DateTime::parse_from_rfc3339(text).map_err(|_| NoInstant)?;
        Ok(Self(Some(instant.to_utc())))
    }
}

/// The number of a receipt: 1-30 digits.
struct ReceiptNumber(Secret);

impl FromStr for ReceiptNumber {
    type Err = text::Error;

    fn from_str(text: &str) -> Result<Self, text::Error> {
        if text.is_empty() || text.len() > RECEIPT_MAX {
            return Err(text::Error::Length);
        }
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(Secret::from(text)))
        } else {
            Err(text::Error::Character)
        }
    }
}

/// Have a virtual account issued
///
/// The payment waits for the exact amount in one deposit, and is `DONE` with it. What is deposited
/// can be taken back by the bank: then it waits again. 202 means that the gateway has not told the
/// outcome in time: read the payment until it has one. Nothing has to be sent again.
#[utoipa::path(
    post,
    path = "/api/v1/payments/{paymentId}/virtual-account",
    tag = "virtual accounts",
    params(
        ("paymentId" = String, Path, description = "The payment, of kind VIRTUAL_ACCOUNT"),
        ("Idempotency-Key" = String, Header, description = "Makes repeats safe",
         pattern = r#"^([!#-~][!-~]{0,254}|"([!#-\[\]-~]|\\["\\]){1,255}")$"#),
        ("Step-Up-Proof" = Option<String>, Header,
         description = "Of a member: a signed proof of the person, where it is asked for"),
        ("Device-Id" = Option<String>, Header, min_length = 16, max_length = 128,
         pattern = "^[!-~]+$", description = "Of a member: the device that the proof is bound to"),
    ),
    request_body = AskVirtualAccount,
    responses(
        (status = 200, description = "The payment, WAITING_FOR_DEPOSIT, and where to pay in",
         body = Success<Payment>),
        (status = 202, description = "PAYMENT_PENDING: see `Location`", body = Success<Payment>,
         headers(("Location" = String, description = "Where the payment is to be read"),
                 ("Retry-After" = u64, description = "When, in seconds"))),
    ),
)]
pub(super) async fn issue(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    PaymentPath(payment): PaymentPath,
    key: KeyHeader,
    body: JsonBody,
) -> Result<Response, Failure> {
    let key = key.required()?;
    let mut form = body.form()?;
    let bank = bank(&mut form);
    let due = due(&mut form);
    let customer_name = form.optional("customerName");
    let receipt = form.nested("cashReceipt", "cashReceipt.", receipt);
    let command = (|| {
        Some(AskAccount {
            payment,
            bank: bank?,
            due: due?,
            customer_name,
            receipt: receipt.flatten(),
        })
    })();
    let command = form.finish(command)?;
    answer(
        api.app
            .ask_account(caller, command, body.keyed(key))
            .await?,
    )
}

fn bank(form: &mut Form) -> Option<BankCode> {
    let bank: BankCode = form.required("bank")?;
    if bank.is_issuing() {
        return Some(bank);
    }
    form.refuse("bank", Code::FieldWord);
    None
}

fn due(form: &mut Form) -> Option<Due> {
    let hours = form.optional_number("validHours", 1..=HOURS_MAX);
    let DueAt(at) = form.optional_as("dueAt", DueAt(None))?;
    match (hours, at) {
        (Some(_), Some(_)) => {
            // One of the two, once.
            form.refuse("validHours", Code::FieldRepeated);
            None
        }
        (None, Some(at)) => Some(Due::At(at)),
        (hours, None) => {
            let seconds = hours.unwrap_or(HOURS).saturating_mul(HOUR_SECONDS);
            Some(Due::Within(Duration::from_secs(seconds)))
        }
    }
}

fn receipt(form: &mut Form) -> Option<CashReceipt> {
    let kind = form.required::<ReceiptKind>("type");
    let number = form.required::<ReceiptNumber>("registrationNumber");
    Some(CashReceipt {
        kind: kind?,
        number: number?.0,
    })
}
