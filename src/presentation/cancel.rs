//! Owns the endpoint that gives money back.

use std::str::FromStr;
use std::sync::Arc;

use application::ports::gateway::RefundAccount;
use application::ports::vault::Secret;
use application::{Caller, Cancel};
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use domain::money::Money;
use domain::text::{self, CustomerName};
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

/// What is to be given back.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct CancelPayment {
    /// Why, as the gateway and the merchant's people read it.
    #[schema(example = "구매자가 주문을 취소함", min_length = 1, max_length = 150)]
    reason: String,
    /// How much, in minor units; all that is left when it is not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 5000, minimum = 1)]
    amount: Option<i64>,
    /// How much of it is without VAT; as little as possible when it is not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0)]
    tax_free_amount: Option<i64>,
    /// Where a deposit goes back to; needed once a virtual account was paid into, and taken of no
    /// other payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    refund_receive_account: Option<RefundReceiveAccount>,
}

/// The buyer's own account. It is passed on to the gateway, kept sealed until that is done, and
/// shown to nobody.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RefundReceiveAccount {
    /// The code of its bank, as the gateway has it.
    #[schema(example = "88", pattern = "^[0-9A-Za-z]{1,10}$")]
    bank: String,
    /// Its number, without hyphens.
    #[schema(example = "110123456789", pattern = "^[0-9]{1,20}$")]
    account_number: String,
    /// Whose it is, as the bank has the name: the gateway compares.
    #[schema(example = "홍길동", min_length = 1, max_length = 60)]
    holder_name: String,
}

/// The longest number and name that the gateway takes (`toss-api.md §6.3`).
const NUMBER_MAX: usize = 20;
const HOLDER_CHARS_MAX: usize = 60;

/// The number of an account: 1-20 digits.
struct AccountNumber(Secret);

impl FromStr for AccountNumber {
    type Err = text::Error;

    fn from_str(text: &str) -> Result<Self, text::Error> {
        if text.is_empty() || text.len() > NUMBER_MAX {
            return Err(text::Error::Length);
        }
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(Secret::from(text)))
        } else {
            Err(text::Error::Character)
        }
    }
}

/// Whose an account is: 1-60 characters of free text.
struct Holder(Secret);

impl FromStr for Holder {
    type Err = text::Error;

    fn from_str(text: &str) -> Result<Self, text::Error> {
        if text.chars().count() > HOLDER_CHARS_MAX {
            return Err(text::Error::Length);
        }
        let name: CustomerName = text.parse()?;
        Ok(Self(Secret::from(name.as_str())))
    }
}

/// Give money back
///
/// All that is left, or a part; as often as something is left, one at a time. A payment that
/// nobody has paid is closed. What was paid into a virtual account goes to the buyer's own account,
/// which has to be named; `virtualAccount.refundStatus` tells when it is there. 202 means that the
/// gateway has not told the outcome in time: read the payment until it has one. Nothing has to be
/// sent again.
#[utoipa::path(
    post,
    path = "/api/v1/payments/{paymentId}/cancel",
    tag = "payments",
    params(
        ("paymentId" = String, Path, description = "The payment"),
        ("Idempotency-Key" = String, Header, description = "Makes repeats safe",
         pattern = r#"^([!#-~][!-~]{0,254}|"([!#-\[\]-~]|\\["\\]){1,255}")$"#),
        ("Step-Up-Proof" = Option<String>, Header,
         description = "Of a member: a signed proof of the person, where it is asked for"),
        ("Device-Id" = Option<String>, Header, min_length = 16, max_length = 128,
         pattern = "^[!-~]+$", description = "Of a member: the device that the proof is bound to"),
    ),
    request_body = CancelPayment,
    responses(
        (status = 200, description = "The money is given back", body = Success<Payment>),
        (status = 202, description = "PAYMENT_PENDING: see `Location`", body = Success<Payment>,
         headers(("Location" = String, description = "Where the payment is to be read"),
                 ("Retry-After" = u64, description = "When, in seconds"))),
    ),
)]
pub(super) async fn cancel(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    PaymentPath(payment): PaymentPath,
    key: KeyHeader,
    body: JsonBody,
) -> Result<Response, Failure> {
    let key = key.required()?;
    let mut form = body.form()?;
    let reason = form.required("reason");
    let amount_minor = part(&mut form);
    let tax_free_minor = form.optional_amount("taxFreeAmount");
    let to = form.nested(
        "refundReceiveAccount",
        "refundReceiveAccount.",
        refund_account,
    );
    let command = reason.map(|reason| Cancel {
        payment,
        amount_minor,
        tax_free_minor,
        reason,
        to: to.flatten(),
    });
    let command = form.finish(command)?;
    let answered = api.app.cancel(caller, command, body.keyed(key)).await?;
    answer(answered)
}

fn refund_account(form: &mut Form) -> Option<RefundAccount> {
    let bank = form.required("bank");
    let number = form.required::<AccountNumber>("accountNumber");
    let holder = form.required::<Holder>("holderName");
    Some(RefundAccount {
        bank: bank?,
        number: number?.0,
        holder: holder?.0,
    })
}

/// A part above zero, where one is asked for; more than is left is refused where that is known.
fn part(form: &mut Form) -> Option<i64> {
    let minor = form.optional_amount("amount")?;
    let refused = if minor == 0 {
        Code::AmountZero
    } else if minor > Money::MINOR_MAX {
        Code::AmountOverLimit
    } else {
        return Some(minor);
    };
    form.refuse("amount", refused);
    None
}
