//! Owns `POST /v1/payments/{paymentKey}/cancel`: money given back, in full or in part.

use serde_json::Value;

use super::fields::Fields;
use super::{Context, current, refuse};
use crate::catalogue::Refusal;
use crate::config::{RefundableAmount, Settings, TaxFreeMismatch};
use crate::ids;
use crate::state::fact::{Entry, Fact, Movement};
use crate::state::payment::{Cancel, Payment, Status};
use crate::store::Transaction;

const REASON_CHARACTERS_MAX: usize = 200;

/// What a cancel asks for.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) reason: String,
    /// Absent: everything that is left.
    pub(crate) amount: Option<i64>,
    /// The balance the caller believes in: an optimistic lock.
    pub(crate) refundable: Option<i64>,
    /// The part of the amount without value added tax; none is none.
    pub(crate) tax_free: i64,
}

impl Request {
    pub(crate) fn read(context: Context, body: &Value) -> Result<Self, Refusal> {
        let fields = Fields::of(body, context.settings.typing)?;
        let request = Self {
            reason: fields.required_text("cancelReason")?,
            amount: fields.amount("cancelAmount")?,
            refundable: fields.amount("refundableAmount")?,
            tax_free: fields.amount("taxFreeAmount")?.unwrap_or(0),
        };
        let currency = fields.text("currency")?;
        let acceptable = request.reason.chars().count() <= REASON_CHARACTERS_MAX
            && request.amount.is_none_or(|amount| amount > 0)
            && request.tax_free >= 0
            && currency.is_none_or(|currency| currency == "KRW")
            && fields.amount("taxExemptionAmount")?.unwrap_or(0) == 0;
        if acceptable {
            Ok(request)
        } else {
            refuse("INVALID_REQUEST")
        }
    }
}

/// Gives money back, or says why not.
pub(crate) fn cancel(
    transaction: &mut Transaction,
    context: Context,
    payment_key: &str,
    body: &Value,
) -> Result<(), Refusal> {
    if transaction.state().payment(payment_key).is_none() {
        return refuse("NOT_FOUND_PAYMENT");
    }
    let request = Request::read(context, body)?;
    give_back(transaction, context, payment_key, request)
}

/// The rules themselves, shared with the merchant console.
pub(crate) fn give_back(
    transaction: &mut Transaction,
    context: Context,
    payment_key: &str,
    request: Request,
) -> Result<(), Refusal> {
    let now = transaction.now();
    let Some(payment) = current(transaction, context, payment_key) else {
        return refuse("NOT_FOUND_PAYMENT");
    };
    cancelable(payment, context.settings)?;
    let differs = |believed: i64| believed != payment.balance;
    if request.refundable.is_some_and(differs)
        && context.settings.refundable_amount == RefundableAmount::Checked
    {
        return refuse("NOT_MATCHES_REFUNDABLE_AMOUNT");
    }
    let amount = request.amount.unwrap_or(payment.balance);
    let Some(left) = payment
        .balance
        .checked_sub(amount)
        .filter(|left| *left >= 0)
    else {
        return refuse("NOT_CANCELABLE_AMOUNT");
    };
    if payment.past_refund_due(now, context.settings) {
        return refuse("EXCEED_MAX_REFUND_DUE");
    }
    if left > 0 && !payment.partial_cancelable {
        return refuse("NOT_ALLOWED_PARTIAL_REFUND");
    }
    let tax_free = tax_free_part(payment, (amount, left), request.tax_free, context.settings)?;
    let order_id = payment.order_id.clone();
    let transaction_key = ids::transaction_key(now);
    let cancel = Cancel {
        transaction_key: transaction_key.clone(),
        reason: request.reason.clone(),
        amount,
        tax_free,
        refundable: left,
        at: now,
    };
    let entry = Entry {
        sequence: transaction.state().next_sequence(),
        kind: Movement::Cancel,
        payment_key: payment_key.to_owned(),
        order_id,
        transaction_key,
        amount,
        tax_free,
        cancel_reason: Some(request.reason),
        idempotency_key: context.idempotency_key.map(str::to_owned),
        at: now,
    };
    transaction.record(Fact::Canceled { cancel, entry });
    Ok(())
}

fn cancelable(payment: &Payment, settings: &Settings) -> Result<(), Refusal> {
    match payment.status {
        Status::Ready | Status::InProgress | Status::Aborted | Status::Expired => {
            refuse(settings.unpaid_cancel_code)
        }
        Status::Canceled => refuse("ALREADY_CANCELED_PAYMENT"),
        Status::PartialCanceled if payment.balance == 0 => refuse("NOT_CANCELABLE_AMOUNT"),
        Status::Done | Status::PartialCanceled => Ok(()),
    }
}

/// How much of the amount is without tax: it must fit both the taxable and the tax-free rest,
/// and the last cancel takes what there is.
fn tax_free_part(
    payment: &Payment,
    (amount, left): (i64, i64),
    asked: i64,
    settings: &Settings,
) -> Result<i64, Refusal> {
    if asked > amount {
        return refuse("INVALID_REQUEST");
    }
    let taxable_left = payment.balance.saturating_sub(payment.tax_free);
    let least = amount.saturating_sub(taxable_left).max(0);
    let most = payment.tax_free.min(amount);
    // Who gives back everything need not say how it is made up.
    let asked = if left == 0 && asked == 0 {
        least
    } else {
        asked
    };
    if (least..=most).contains(&asked) {
        return Ok(asked);
    }
    match settings.tax_free_mismatch {
        TaxFreeMismatch::Refused => refuse("INVALID_REQUEST"),
        TaxFreeMismatch::Adjusted => Ok(asked.min(most).max(least)),
    }
}
