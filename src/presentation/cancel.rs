//! Owns the endpoint that gives money back.

use std::sync::Arc;

use application::{Caller, Cancel};
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use domain::money::Money;

use super::Api;
use super::bodies::{CancelPayment, Payment, Success};
use super::body::JsonBody;
use super::catalogue::Code;
use super::envelope::Failure;
use super::extract::{KeyHeader, PaymentPath};
use super::json::Form;
use super::payments::answer;

/// Give money back
///
/// All that is left, or a part; as often as something is left, one at a time. A payment that
/// nobody has paid is closed. 202 means that the gateway has not told the outcome in time: read
/// the payment until it has one. Nothing has to be sent again.
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
    let command = reason.map(|reason| Cancel {
        payment,
        amount_minor,
        tax_free_minor,
        reason,
    });
    let command = form.finish(command)?;
    let answered = api.app.cancel(caller, command, body.keyed(key)).await?;
    answer(answered)
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
