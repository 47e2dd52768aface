//! Owns `POST /v1/payments/{paymentKey}/cancel`: money given back, in full or in part.

use serde_json::Value;

use super::fields::Fields;
use super::{Context, banks, current, refuse};
use crate::catalogue::Refusal;
use crate::clock::Timestamp;
use crate::config::{RefundBegins, RefundableAmount, Settings, TaxFreeMismatch};
use crate::ids;
use crate::state::account::RefundStatus;
use crate::state::fact::{Entry, Fact, Movement};
use crate::state::payment::{Cancel, CashReceipt, Payment, Status};
use crate::store::Transaction;

const REASON_CHARACTERS_MAX: usize = 200;
const ACCOUNT_DIGITS_MAX: usize = 20;
const HOLDER_CHARACTERS_MAX: usize = 60;

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
    /// Where a deposit goes back to.
    pub(crate) refund: RefundAccount,
}

/// The account that gets a deposit back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefundAccount {
    /// None is named.
    Missing,
    /// One that may exist; which one is nobody's business here.
    Named,
    /// The merchant console knows it.
    Console,
}

impl Request {
    pub(crate) fn read(context: Context, body: &Value) -> Result<Self, Refusal> {
        let fields = Fields::of(body, context.settings.typing)?;
        let request = Self {
            reason: fields.required_text("cancelReason")?,
            amount: fields.amount("cancelAmount")?,
            refundable: fields.amount("refundableAmount")?,
            tax_free: fields.amount("taxFreeAmount")?.unwrap_or(0),
            refund: RefundAccount::read(fields.value("refundReceiveAccount"), context)?,
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
    let waits = payment.status == Status::WaitingForDeposit;
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
    check_refund_account(payment, request.refund, context.settings)?;
    if left > 0 && waits {
        return refuse("NOT_ALLOWED_PARTIAL_REFUND_WAITING_DEPOSIT");
    }
    if left > 0 && !payment.partial_cancelable {
        return refuse("NOT_ALLOWED_PARTIAL_REFUND");
    }
    let tax_free = tax_free_part(payment, (amount, left), request.tax_free, context.settings)?;
    let order_id = payment.order_id.clone();
    let (receipt, refund) = after_deposit(payment, now, context.settings);
    let transaction_key = ids::transaction_key(now);
    let cancel = Cancel {
        transaction_key: transaction_key.clone(),
        reason: request.reason.clone(),
        amount,
        tax_free,
        refundable: left,
        at: now,
        receipt,
        refund,
    };
    let entry = Entry {
        sequence: transaction.state().next_sequence(),
        kind: if waits {
            Movement::Close
        } else {
            Movement::Cancel
        },
        payment_key: payment_key.to_owned(),
        order_id,
        transaction_key,
        // Nobody has paid in to an account that is closed.
        amount: if waits { 0 } else { amount },
        tax_free: if waits { 0 } else { tax_free },
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
        Status::WaitingForDeposit | Status::Done | Status::PartialCanceled => Ok(()),
    }
}

/// Who gives back a deposit says where to; nobody else may (`toss-api.md` §6.3).
fn check_refund_account(
    payment: &Payment,
    named: RefundAccount,
    settings: &Settings,
) -> Result<(), Refusal> {
    let deposited = payment.virtual_account.is_some() && payment.was_approved();
    match named {
        RefundAccount::Missing if deposited => refuse(settings.missing_refund_account_code),
        RefundAccount::Named if payment.virtual_account.is_none() => refuse("INVALID_REQUEST"),
        RefundAccount::Missing | RefundAccount::Named | RefundAccount::Console => Ok(()),
    }
}

/// What giving back a deposit begins with, and what it takes back of a cash receipt.
fn after_deposit(
    payment: &Payment,
    now: Timestamp,
    settings: &Settings,
) -> (Option<CashReceipt>, Option<(RefundStatus, Timestamp)>) {
    if payment.virtual_account.is_none() || !payment.was_approved() {
        return (None, None);
    }
    let receipt = payment.funding.cash_receipt.as_ref();
    let receipt = receipt.map(|issued| CashReceipt {
        receipt_key: format!("c_{}", issued.receipt_key),
        issue_number: ids::issue_number(),
        ..issued.clone()
    });
    let begins = match settings.refund_begins {
        RefundBegins::None => RefundStatus::None,
        RefundBegins::Pending => RefundStatus::Pending,
    };
    let at = now.checked_add_signed(settings.refund).unwrap_or(now);
    (receipt, Some((begins, at)))
}

impl RefundAccount {
    /// `bank`, not `bankCode`; the owner's name is not known here, so that any will do.
    fn read(named: Option<&Value>, context: Context) -> Result<Self, Refusal> {
        let Some(named) = named else {
            return Ok(Self::Missing);
        };
        let fields = Fields::of(named, context.settings.typing)?;
        if banks::code_of(&fields.required_text("bank")?).is_none() {
            return refuse("INVALID_BANK");
        }
        let number = fields.required_text("accountNumber")?;
        let digits = number.bytes().all(|byte| byte.is_ascii_digit());
        if !digits || number.len() > ACCOUNT_DIGITS_MAX {
            return refuse("INVALID_REFUND_ACCOUNT_NUMBER");
        }
        let holder = fields.required_text("holderName")?;
        if holder.chars().count() > HOLDER_CHARACTERS_MAX {
            return refuse("INVALID_REFUND_ACCOUNT_INFO");
        }
        Ok(Self::Named)
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
