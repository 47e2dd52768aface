//! Owns the two reads: by payment key and by order id.

use super::{Context, current, refuse};
use crate::catalogue::Refusal;
use crate::store::Transaction;

/// The payment's key, once its windows were looked at.
pub(crate) fn by_key(
    transaction: &mut Transaction,
    context: Context,
    payment_key: &str,
) -> Result<String, Refusal> {
    match current(transaction, context, payment_key) {
        Some(payment) => Ok(payment.payment_key.clone()),
        None => refuse("NOT_FOUND_PAYMENT"),
    }
}

/// The key of the payment an order id stands for.
pub(crate) fn by_order(
    transaction: &mut Transaction,
    context: Context,
    order_id: &str,
) -> Result<String, Refusal> {
    let payment_key = transaction
        .state()
        .payment_of_order(order_id, context.settings)
        .map(|payment| payment.payment_key.clone());
    match payment_key {
        Some(payment_key) => by_key(transaction, context, &payment_key),
        None => refuse("NOT_FOUND_PAYMENT"),
    }
}
