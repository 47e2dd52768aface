//! Owns `POST /v1/payments/confirm`: the moment money is taken.

use serde_json::Value;

use super::fields::Fields;
use super::{Context, account, current, refuse};
use crate::catalogue::{Class, Refusal};
use crate::config::{Decline, SecondApproval, TemporaryError};
use crate::ids;
use crate::state::fact::{Entry, Fact, Movement};
use crate::state::payment::{Payment, Status};
use crate::store::Transaction;

/// What a fault changes about a confirm that reaches the gateway's core.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Twist {
    /// Another amount is taken than was asked for.
    Amount(i64),
    /// The institution answers this code.
    Refuse(String),
}

/// Takes the money and returns the payment's key, or says why not.
pub(crate) fn confirm(
    transaction: &mut Transaction,
    context: Context,
    body: &Value,
    twist: Option<&Twist>,
) -> Result<String, Refusal> {
    let fields = Fields::of(body, context.settings.typing)?;
    let payment_key = fields.required_text("paymentKey")?;
    let order_id = fields.required_text("orderId")?;
    let amount = fields.required_amount("amount")?;
    let Some(payment) = current(transaction, context, &payment_key).cloned() else {
        return refuse(context.settings.unknown_payment_key_code);
    };
    admit(transaction, context, &payment, (&order_id, amount))?;
    let asked = match twist {
        Some(Twist::Refuse(code)) => Some(code),
        Some(Twist::Amount(_)) | None => payment.scenario.as_ref(),
    };
    if let Some(code) = asked {
        return Err(fail(transaction, context, &payment_key, code));
    }
    let taken = match twist {
        Some(Twist::Amount(amount)) => *amount,
        Some(Twist::Refuse(_)) | None => amount,
    };
    match &payment.funding.account {
        // Nothing is taken yet: the buyer is told where to pay in.
        Some(wish) => account::open(transaction, context, &payment, wish),
        None => capture(transaction, context, &payment, taken),
    }
    Ok(payment_key)
}

/// The refusals that leave the payment as it is.
fn admit(
    transaction: &Transaction,
    context: Context,
    payment: &Payment,
    (order_id, amount): (&str, i64),
) -> Result<(), Refusal> {
    let settings = context.settings;
    if matches!(payment.status, Status::Ready | Status::Expired) {
        return refuse("NOT_FOUND_PAYMENT_SESSION");
    }
    if payment.order_id != order_id {
        return refuse(settings.wrong_order_code);
    }
    if payment.status != Status::InProgress {
        return refuse("ALREADY_PROCESSED_PAYMENT");
    }
    if payment.total != amount {
        return refuse(settings.wrong_amount_code);
    }
    let taken_before = transaction
        .state()
        .approved_otherwise(&payment.order_id, &payment.payment_key);
    if taken_before && settings.second_approval == SecondApproval::Refused {
        return refuse("DUPLICATED_ORDER_ID");
    }
    Ok(())
}

/// Answers a code of the institution; a decline ends the payment, a temporary error does not.
pub(crate) fn fail(
    transaction: &mut Transaction,
    context: Context,
    payment_key: &str,
    code: &str,
) -> Refusal {
    let refusal = Refusal::of(code);
    let ends = match refusal.class {
        Class::Buyer | Class::Merchant => context.settings.decline == Decline::Aborts,
        Class::Temporary => context.settings.temporary_error == TemporaryError::Aborts,
        Class::State => false,
    };
    let open = transaction
        .state()
        .payment(payment_key)
        .is_some_and(|payment| payment.status == Status::InProgress);
    if ends && open {
        transaction.record(Fact::Aborted {
            payment_key: payment_key.to_owned(),
            transaction_key: ids::transaction_key(transaction.now()),
            code: refusal.code.clone(),
        });
    }
    refusal
}

/// Takes the money of a payment in progress.
pub(super) fn capture(
    transaction: &mut Transaction,
    context: Context,
    payment: &Payment,
    amount: i64,
) {
    let at = transaction.now();
    let entry = Entry {
        sequence: transaction.state().next_sequence(),
        kind: Movement::Capture,
        payment_key: payment.payment_key.clone(),
        order_id: payment.order_id.clone(),
        transaction_key: ids::transaction_key(at),
        amount,
        tax_free: payment.tax_free.min(amount),
        cancel_reason: None,
        idempotency_key: context.idempotency_key.map(str::to_owned),
        at,
    };
    transaction.record(Fact::Captured { entry });
}
