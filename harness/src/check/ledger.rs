//! Owns I1, I2, I4 and the shape of I5: our ledger against the gateway's, line by line.

use std::collections::BTreeMap;

use super::{Findings, Invariant};
use crate::books::{Books, Entry};
use crate::sandbox::{Line, Movement};

/// A movement's name on both sides.
type Name<'a> = (&'a str, String);

pub(super) fn check(books: &Books, lines: &[Line], findings: &mut Findings) {
    one_to_one(books, lines, findings);
    kept_once(books, lines, findings);
    refunded(books, lines, findings);
    shapes(books, findings);
    suspense(books, findings);
}

/// What each line is called in our books. Deposits of one account and what its bank takes back are
/// counted; there is one capture of everything else.
fn names(lines: &[Line]) -> Vec<Name<'_>> {
    let mut reversals: BTreeMap<&str, u32> = BTreeMap::new();
    let named = |line| {
        let Line {
            kind,
            payment_key,
            transaction_key,
            ..
        }: &Line = line;
        let count = reversals.entry(payment_key).or_default();
        let movement = match kind {
            Movement::Capture if *count == 0 => "capture".to_owned(),
            Movement::Capture => format!("deposit:{}", count.saturating_add(1)),
            Movement::Cancel => format!("cancel:{transaction_key}"),
            Movement::Reversal => {
                *count = count.saturating_add(1);
                format!("reversal:{count}")
            }
        };
        (payment_key.as_str(), movement)
    };
    lines.iter().map(named).collect()
}

/// Whether it is money that came in.
fn is_capture(entry: &Entry) -> bool {
    entry.movement == "capture" || entry.movement.starts_with("deposit:")
}

/// I1: the same movements on both sides, once each, with the same amounts.
fn one_to_one(books: &Books, lines: &[Line], findings: &mut Findings) {
    let mut booked: BTreeMap<Name<'_>, Vec<&Entry>> = BTreeMap::new();
    for entry in &books.entries {
        let name = (entry.payment_key.as_str(), entry.movement.clone());
        booked.entry(name).or_default().push(entry);
    }
    let mut unexplained: u64 = 0;
    for (line, name) in lines.iter().zip(names(lines)) {
        let entries = booked.remove(&name).unwrap_or_default();
        let sum: i64 = entries
            .iter()
            .map(|entry| entry.amount)
            .fold(0, i64::saturating_add);
        unexplained = unexplained.saturating_add(line.amount.abs_diff(sum));
        match entries.as_slice() {
            [] => findings.breach(Invariant::I1, format!("not booked: {line:?}")),
            [entry] => same(books, line, entry, findings),
            [_, ..] => {
                let count = entries.len();
                findings.breach(Invariant::I1, format!("booked {count} times: {line:?}"));
            }
        }
    }
    for entry in booked.into_values().flatten() {
        unexplained = unexplained.saturating_add(entry.amount.unsigned_abs());
        findings.breach(
            Invariant::I1,
            format!("the gateway does not know {entry:?}"),
        );
    }
    findings.unexplained = unexplained;
}

fn same(books: &Books, line: &Line, entry: &Entry, findings: &mut Findings) {
    if entry.amount != line.amount || entry.currency != line.currency {
        findings.breach(Invariant::I1, format!("{entry:?} differs from {line:?}"));
    }
    let shown = entry.transaction_key.as_ref();
    if shown.is_some_and(|shown| *shown != line.transaction_key) {
        findings.breach(
            Invariant::I1,
            format!("{entry:?} names another than {line:?}"),
        );
    }
    if books.gateway_orders.get(&line.order_id) != Some(&entry.payment) {
        findings.breach(
            Invariant::I1,
            format!("{entry:?} is not for the order of {line:?}"),
        );
    }
}

/// I2 and I4, by what the gateway says.
fn kept_once(books: &Books, lines: &[Line], findings: &mut Findings) {
    let mut kept: BTreeMap<&str, BTreeMap<&str, i64>> = BTreeMap::new();
    for line in lines {
        let Some(payment) = books.gateway_orders.get(&line.order_id) else {
            findings.breach(
                Invariant::I1,
                format!("for an order we never issued: {line:?}"),
            );
            continue;
        };
        let keys = kept.entry(payment.as_str()).or_default();
        let left = keys.entry(&line.payment_key).or_default();
        *left = match line.kind {
            Movement::Capture => left.saturating_add(line.amount),
            Movement::Cancel | Movement::Reversal => left.saturating_sub(line.amount),
        };
        if *left < 0 {
            findings.breach(
                Invariant::I4,
                format!("more given back than captured: {line:?}"),
            );
        }
    }
    for (payment, keys) in kept {
        let captures = keys.values().filter(|left| **left > 0).count();
        if captures > 1 {
            findings.breach(
                Invariant::I2,
                format!("{payment} keeps {captures} captures: {keys:?}"),
            );
        }
    }
}

/// I4, in the end: per payment as much was given back at the gateway as the books say, whatever
/// the movements are called.
fn refunded(books: &Books, lines: &[Line], findings: &mut Findings) {
    let mut sums: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    let mut totals = (0_i64, 0_i64);
    for line in lines.iter().filter(|line| line.kind != Movement::Capture) {
        totals.0 = totals.0.saturating_add(line.amount);
        if let Some(payment) = books.gateway_orders.get(&line.order_id) {
            let sum = sums.entry(payment).or_default();
            sum.0 = sum.0.saturating_add(line.amount);
        }
    }
    for entry in &books.entries {
        if entry.credit == "gateway_receivable" {
            totals.1 = totals.1.saturating_add(entry.amount);
            let sum = sums.entry(&entry.payment).or_default();
            sum.1 = sum.1.saturating_add(entry.amount);
        }
    }
    (findings.refunded_at_gateway, findings.refunded_in_books) = totals;
    for (payment, (there, here)) in sums.into_iter().filter(|(_, sum)| sum.0 != sum.1) {
        findings.breach(
            Invariant::I4,
            format!("{payment} was given back {there} at the gateway and {here} in the books"),
        );
    }
}

/// I5: every entry moves money between two accounts that such a movement joins.
fn shapes(books: &Books, findings: &mut Findings) {
    let captures: BTreeMap<&str, &Entry> = books
        .entries
        .iter()
        .filter(|entry| entry.movement == "capture")
        .map(|entry| (entry.payment_key.as_str(), entry))
        .collect();
    for entry in &books.entries {
        let owner = |account: &str| matches!(account, "merchant_payable" | "suspense");
        let (gateway, ours) = if is_capture(entry) {
            (&entry.debit, &entry.credit)
        } else {
            (&entry.credit, &entry.debit)
        };
        if gateway != "gateway_receivable" || !owner(ours) || entry.amount <= 0 {
            findings.breach(Invariant::I5, format!("no such movement: {entry:?}"));
        }
        let origin = captures.get(entry.payment_key.as_str());
        if origin.is_none_or(|capture| capture.payment != entry.payment) {
            findings.breach(Invariant::I5, format!("nothing was captured for {entry:?}"));
        } else if origin.is_some_and(|capture| capture.credit != *ours) {
            findings.breach(
                Invariant::I5,
                format!("not taken from where it lies: {entry:?}"),
            );
        }
        let payment = books.payments.get(&entry.payment);
        if payment.is_none_or(|payment| payment.currency != entry.currency) {
            findings.breach(
                Invariant::I5,
                format!("not in its payment's currency: {entry:?}"),
            );
        }
    }
}

/// I5: debits equal credits per currency, and nothing is left in suspense.
fn suspense(books: &Books, findings: &mut Findings) {
    let mut accounts: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    let mut held: BTreeMap<&str, i64> = BTreeMap::new();
    for entry in &books.entries {
        for (account, amount) in [
            (&entry.debit, entry.amount),
            (&entry.credit, entry.amount.saturating_neg()),
        ] {
            let balance = accounts.entry((&entry.currency, account)).or_default();
            *balance = balance.saturating_add(amount);
            if account == "suspense" {
                let left = held.entry(&entry.payment_key).or_default();
                *left = left.saturating_sub(amount);
            }
        }
    }
    let mut sums: BTreeMap<&str, i64> = BTreeMap::new();
    for ((currency, _), balance) in &accounts {
        let sum = sums.entry(currency).or_default();
        *sum = sum.saturating_add(*balance);
    }
    for (currency, sum) in sums.into_iter().filter(|(_, sum)| *sum != 0) {
        findings.breach(
            Invariant::I5,
            format!("{currency} accounts add up to {sum}: {accounts:?}"),
        );
    }
    for (key, left) in held.into_iter().filter(|(_, left)| *left != 0) {
        findings.breach(
            Invariant::I5,
            format!("{left} of {key} is left in suspense"),
        );
    }
}
