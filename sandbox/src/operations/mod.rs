//! Owns the rules of the gateway: what each API call decides about a payment.

pub(crate) mod account;
pub(crate) mod authorize;
pub(crate) mod banks;
pub(crate) mod billing;
pub(crate) mod cancel;
pub(crate) mod confirm;
pub(crate) mod create;
pub(crate) mod fields;
pub(crate) mod list;
pub(crate) mod read;

use crate::catalogue::Refusal;
use crate::config::Settings;
use crate::state::account::RefundStatus;
use crate::state::fact::Fact;
use crate::state::payment::{Payment, Status};
use crate::store::Transaction;

/// What every operation may look at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) merchant_id: &'a str,
    pub(crate) settings: &'a Settings,
    pub(crate) idempotency_key: Option<&'a str>,
}

/// The payment after its windows were looked at; the one way operations reach a payment.
fn current<'t>(
    transaction: &'t mut Transaction,
    context: Context,
    payment_key: &str,
) -> Option<&'t Payment> {
    let now = transaction.now();
    let payment = transaction.state().payment(payment_key)?;
    let payment_key = payment_key.to_owned();
    let account = payment.virtual_account.as_ref();
    let waits = payment.status == Status::WaitingForDeposit;
    let changed = if payment.overdue(now, context.settings) {
        Some(Fact::Expired { payment_key })
    } else if account.is_some_and(|account| waits && account.falls_due(now)) {
        Some(Fact::DuePassed { payment_key })
    } else if account.is_some_and(|account| account.is_refunded(now)) {
        let status = RefundStatus::Completed;
        Some(Fact::Refunded {
            payment_key,
            status,
        })
    } else {
        None
    };
    let payment_key = payment.payment_key.clone();
    if let Some(fact) = changed {
        transaction.record(fact);
    }
    transaction.state().payment(&payment_key)
}

/// Looks at the windows of every open payment, whether or not anybody asks about it.
pub(crate) fn look_at_all(transaction: &mut Transaction, context: Context) {
    let open: Vec<String> = transaction.state().open().cloned().collect();
    for payment_key in open {
        current(transaction, context, &payment_key);
    }
}

fn refuse<T>(code: &str) -> Result<T, Refusal> {
    Err(Refusal::of(code))
}
