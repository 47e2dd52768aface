//! Owns virtual accounts: their issue, the deposits banks report, and what banks take back.

use chrono::{NaiveDateTime, TimeDelta};
use serde_json::Value;

use super::create::{self, Opening};
use super::fields::Fields;
use super::{Context, banks, current, refuse};
use crate::catalogue::Refusal;
use crate::clock::{Timestamp, from_korean};
use crate::config::Secret;
use crate::ids;
use crate::state::account::{Due, HOURS_DEFAULT, RefundStatus, VirtualAccount, Wish};
use crate::state::fact::{Entry, Fact, Movement};
use crate::state::payment::{CashReceipt, Funding, Method, Payment, Status};
use crate::store::Transaction;

const HOURS_MAX: i64 = 2160;
const CUSTOMER_NAME_CHARACTERS_MAX: usize = 100;
const REGISTRATION_CHARACTERS_MAX: usize = 30;
const NO_RECEIPT: &str = "미발행";

/// Who a deposit or a refund is about.
#[derive(Debug)]
pub(crate) struct Deposit {
    pub(crate) payment_key: String,
    /// Nothing is the amount that is waited for.
    pub(crate) amount: Option<i64>,
    pub(crate) depositor: Option<String>,
    /// The bank takes it although the due date is over.
    pub(crate) late: bool,
}

/// `POST /v1/virtual-accounts`: an account without a window.
pub(crate) fn issue(
    transaction: &mut Transaction,
    context: Context,
    body: &Value,
) -> Result<String, Refusal> {
    let fields = Fields::of(body, context.settings.typing)?;
    check_kind(fields)?;
    let wish = wish(fields, transaction.now(), true)?;
    let cash_receipt = receipt(fields.value("cashReceipt"), context)?;
    let opening = Opening {
        order_id: fields.required_text("orderId")?,
        order_name: fields.required_text("orderName")?,
        amount: fields.required_amount("amount")?,
        tax_free: fields.amount("taxFreeAmount")?.unwrap_or(0),
        metadata: fields.value("metadata").cloned(),
        partial_cancelable: true,
        ..Opening::default()
    };
    create::check(&opening, context.settings.order_id_characters)?;
    if opening.amount < create::least(Method::VirtualAccount, context.settings) {
        return refuse("BELOW_MINIMUM_AMOUNT");
    }
    if transaction.state().is_used(&opening.order_id) {
        return refuse("DUPLICATED_ORDER_ID");
    }
    let payment = Payment {
        method: Some(Method::VirtualAccount),
        authenticated_at: Some(transaction.now()),
        secret: match context.settings.secret {
            Secret::Sent => Some(ids::payment_secret()),
            Secret::Null => None,
        },
        funding: Funding {
            account: Some(wish.clone()),
            cash_receipt,
            ..Funding::default()
        },
        ..create::ready(transaction, context, opening)
    };
    transaction.record(Fact::Created {
        payment: Box::new(payment.clone()),
    });
    open(transaction, context, &payment, &wish);
    Ok(payment.payment_key)
}

/// The bank gives out a number: from here on the payment waits for its deposit.
pub(super) fn open(
    transaction: &mut Transaction,
    context: Context,
    payment: &Payment,
    wish: &Wish,
) {
    let account = VirtualAccount {
        number: ids::account_number(),
        bank_code: wish.bank_code.clone(),
        customer_name: wish.customer_name.clone(),
        due_at: wish.due.at(transaction.now()),
        expired: false,
        depositor: None,
        refund: RefundStatus::None,
        refund_at: None,
    };
    let entry = entry(transaction, context, payment, (Movement::Issue, 0));
    transaction.record(Fact::AccountIssued { account, entry });
}

/// The buyer pays in: the exact amount, at once, in time.
pub(crate) fn deposit(
    transaction: &mut Transaction,
    context: Context,
    deposit: Deposit,
) -> Result<(), Refusal> {
    let Some(payment) = current(transaction, context, &deposit.payment_key).cloned() else {
        return refuse("NOT_FOUND_PAYMENT");
    };
    let bank = |code| Err(Refusal::undocumented(code, 400));
    let Some(account) = payment
        .virtual_account
        .as_ref()
        .filter(|_| payment.status == Status::WaitingForDeposit)
    else {
        return bank("ACCOUNT_CLOSED");
    };
    if account.expired && !deposit.late {
        return bank("ACCOUNT_CLOSED");
    }
    if deposit.amount.is_some_and(|amount| amount != payment.total) {
        return bank("DEPOSIT_AMOUNT_MISMATCH");
    }
    let depositor = deposit.depositor;
    let depositor = depositor.unwrap_or_else(|| account.customer_name.clone());
    let movement = (Movement::Capture, payment.total);
    let entry = entry(transaction, context, &payment, movement);
    transaction.record(Fact::Deposited { entry, depositor });
    Ok(())
}

/// The bank takes a deposit back: the payment waits again.
pub(crate) fn reverse(
    transaction: &mut Transaction,
    context: Context,
    payment_key: &str,
) -> Result<(), Refusal> {
    let Some(payment) = current(transaction, context, payment_key).cloned() else {
        return refuse("NOT_FOUND_PAYMENT");
    };
    if payment.virtual_account.is_none() || payment.status != Status::Done {
        return Err(Refusal::undocumented("NOTHING_TO_REVERSE", 400));
    }
    let movement = (Movement::Reversal, payment.total);
    let entry = entry(transaction, context, &payment, movement);
    transaction.record(Fact::Reversed { entry });
    Ok(())
}

/// A refund that was asked for comes to its end before its time, or comes to nothing.
pub(crate) fn refund(
    transaction: &mut Transaction,
    context: Context,
    (payment_key, status): (&str, RefundStatus),
) -> Result<(), Refusal> {
    let Some(payment) = current(transaction, context, payment_key) else {
        return refuse("NOT_FOUND_PAYMENT");
    };
    if payment.virtual_account.is_none() || payment.cancels.is_empty() {
        return Err(Refusal::undocumented("NOTHING_TO_REFUND", 400));
    }
    transaction.record(Fact::Refunded {
        payment_key: payment_key.to_owned(),
        status,
    });
    Ok(())
}

fn entry(
    transaction: &Transaction,
    context: Context,
    payment: &Payment,
    (kind, amount): (Movement, i64),
) -> Entry {
    let at = transaction.now();
    Entry {
        sequence: transaction.state().next_sequence(),
        kind,
        payment_key: payment.payment_key.clone(),
        order_id: payment.order_id.clone(),
        transaction_key: ids::transaction_key(at),
        amount,
        tax_free: payment.tax_free.min(amount),
        cancel_reason: None,
        idempotency_key: context.idempotency_key.map(str::to_owned),
        at,
    }
}

/// What is asked for, all of it checked; a call has to name bank and customer, a window need not.
pub(crate) fn wish(fields: Fields, now: Timestamp, by_call: bool) -> Result<Wish, Refusal> {
    let usual = Wish::default();
    let (bank, customer_name) = if by_call {
        (
            fields.required_text("bank")?,
            fields.required_text("customerName")?,
        )
    } else {
        (
            fields.text("bank")?.unwrap_or(usual.bank_code),
            fields.text("customerName")?.unwrap_or(usual.customer_name),
        )
    };
    if customer_name.chars().count() > CUSTOMER_NAME_CHARACTERS_MAX {
        return refuse("INVALID_REQUEST");
    }
    let Some(bank_code) = banks::issuing(&bank) else {
        return refuse("INVALID_BANK");
    };
    Ok(Wish {
        bank_code: bank_code.to_owned(),
        customer_name,
        due: due(fields, now)?,
    })
}

/// `validHours` or `dueDate`, which is in Korean time.
fn due(fields: Fields, now: Timestamp) -> Result<Due, Refusal> {
    let latest = now.checked_add_signed(TimeDelta::hours(HOURS_MAX));
    match (fields.amount("validHours")?, fields.text("dueDate")?) {
        (Some(_), Some(_)) => refuse("INVALID_VALID_HOURS_WITH_DUE_DATE_AND_SINGLE"),
        (None, None) => Ok(Due::Hours(HOURS_DEFAULT)),
        (Some(hours), None) if hours > HOURS_MAX => refuse("EXCEED_MAX_VALID_HOURS"),
        (Some(hours), None) if hours >= 1 => Ok(Due::Hours(hours)),
        (Some(_), None) => refuse("INVALID_REQUEST"),
        (None, Some(text)) => {
            let local: NaiveDateTime = text.parse().or_else(|_| refuse("INVALID_DATE"))?;
            match from_korean(local) {
                at if at <= now => refuse("INVALID_DATE"),
                at if latest.is_some_and(|latest| at > latest) => refuse("EXCEED_MAX_DUE_DATE"),
                at => Ok(Due::At(at)),
            }
        }
    }
}

/// Accounts of their own for every payment are the only kind; there is no escrow.
fn check_kind(fields: Fields) -> Result<(), Refusal> {
    let escrow = fields.value("useEscrow").and_then(Value::as_bool);
    match fields.text("accountType")?.as_deref() {
        None | Some("일반") if escrow == Some(true) => refuse("NOT_SUPPORTED_METHOD"),
        None | Some("일반") => Ok(()),
        Some("고정") if fields.value("accountKey").is_none() => refuse("REQUIRED_ACCOUNT_KEY"),
        Some("고정") => refuse("NOT_SUPPORTED_METHOD"),
        Some(_) => refuse("INVALID_VIRTUAL_ACCOUNT_TYPE"),
    }
}

/// The receipt that is issued once the deposit is there.
fn receipt(asked: Option<&Value>, context: Context) -> Result<Option<CashReceipt>, Refusal> {
    let Some(asked) = asked else { return Ok(None) };
    let fields = Fields::of(asked, context.settings.typing)?;
    let kind = fields.required_text("type")?;
    if kind == NO_RECEIPT {
        return Ok(None);
    }
    let number = fields.text("registrationNumber")?.unwrap_or_default();
    let is_number = number.len() <= REGISTRATION_CHARACTERS_MAX
        && !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit());
    if !create::CASH_RECEIPTS.contains(&kind.as_str()) || !is_number {
        return refuse("INVALID_REGISTRATION_NUMBER_TYPE");
    }
    Ok(Some(CashReceipt {
        kind,
        receipt_key: ids::receipt_key(),
        issue_number: ids::issue_number(),
        identity: Some(number),
    }))
}
