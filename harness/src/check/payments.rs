//! Owns the agreement of each payment with its ledger lines, its saga and its own status.

use std::collections::BTreeMap;

use super::{Findings, Invariant};
use crate::books::{Books, Payment};

pub(super) fn check(books: &Books, findings: &mut Findings) {
    let mut sums: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for entry in &books.entries {
        let (captured, canceled) = sums.entry(&entry.payment).or_default();
        if entry.credit == "merchant_payable" {
            *captured = captured.saturating_add(entry.amount);
        }
        if entry.debit == "merchant_payable" && entry.movement.starts_with("reversal:") {
            *captured = captured.saturating_sub(entry.amount);
        } else if entry.debit == "merchant_payable" {
            *canceled = canceled.saturating_add(entry.amount);
        }
    }
    for payment in books.payments.values() {
        let (captured, canceled) = sums.get(payment.id.as_str()).copied().unwrap_or_default();
        if (payment.captured, payment.canceled) != (captured, canceled) {
            findings.breach(
                Invariant::I5,
                format!(
                    "{} says captured {} canceled {}, its entries {captured} and {canceled}",
                    payment.id, payment.captured, payment.canceled
                ),
            );
        }
        if !fits(payment) {
            findings.breach(
                Invariant::Balance,
                format!("its sums do not fit: {payment:?}"),
            );
        }
        waits_for_its_saga(books, payment, findings);
    }
    unique_orders(books, findings);
}

/// Whether status and sums agree; CANCELED exactly when nothing of a capture is left.
fn fits(payment: &Payment) -> bool {
    let Payment {
        amount,
        captured,
        canceled,
        ..
    } = *payment;
    let sums = captured == 0 && canceled == 0;
    let paid = payment.paid_by.is_some() == (captured > 0);
    paid && match payment.status.as_str() {
        "READY" | "IN_PROGRESS" | "WAITING_FOR_DEPOSIT" | "ABORTED" | "EXPIRED" => sums,
        "DONE" => captured == amount && canceled == 0,
        "PARTIAL_CANCELED" => captured == amount && 0 < canceled && canceled < captured,
        "CANCEL_REQUESTED" => captured == amount && canceled < captured,
        "CANCELED" => captured == canceled,
        _ => false,
    }
}

/// I8: whoever waits, waits for a saga that is open, or waits for ever.
fn waits_for_its_saga(books: &Books, payment: &Payment, findings: &mut Findings) {
    let waits = matches!(payment.status.as_str(), "IN_PROGRESS" | "CANCEL_REQUESTED");
    let saga = payment.saga.as_ref().and_then(|id| books.sagas.get(id));
    let open = saga.is_some_and(|saga| saga.is_open() && saga.payment == payment.id);
    if waits && !open {
        findings.breach(
            Invariant::I8,
            format!("waits for no open saga: {payment:?}"),
        );
    }
    if !waits && payment.saga.is_some() {
        findings.breach(
            Invariant::I8,
            format!("does not wait, yet names a saga: {payment:?}"),
        );
    }
}

/// I2: one payment per order.
fn unique_orders(books: &Books, findings: &mut Findings) {
    let mut orders: BTreeMap<(&str, &str, &str), &str> = BTreeMap::new();
    for payment in books.payments.values() {
        let order = (&*payment.merchant, &*payment.mode, &*payment.order_id);
        if let Some(other) = orders.insert(order, &payment.id) {
            let what = format!("{other} and {} are for one order", payment.id);
            findings.breach(Invariant::I2, what);
        }
    }
}
