//! Owns I7 within the books: what happened and what the log tells of it are the same, one to one.
//!
//! Every movement that is booked is told by one event, every saga's beginning and end by one, and
//! no event tells of anything else. That the log has no gap is part of I6.

use std::collections::{BTreeMap, BTreeSet};

use super::payload::{Payload, Told};
use super::{Findings, Invariant};
use crate::books::{Books, Entry, Event, Saga};

/// Of which payment, of which authentication, which movement.
type Name<'a> = (&'a str, &'a str, String);
/// An event and what it tells.
type Tale<'a> = (&'a Event, Payload);
/// The end of a closing that the buyer was quicker than.
const DEPOSITED: &str = "PAYFLOW_DEPOSITED";

pub(super) fn check(books: &Books, findings: &mut Findings) {
    let tales: Vec<Tale<'_>> = books
        .events
        .iter()
        .filter_map(|event| Some((event, Payload::of(event)?)))
        .collect();
    movements(books, &tales, findings);
    sagas(books, &tales, findings);
}

/// What an event of this kind must tell of; none when it tells of no movement.
fn moves(kind: &str) -> Option<&'static str> {
    match kind {
        "payment.approved" | "payment.wrong_capture_found" => Some("capture"),
        "payment.deposited" => Some("deposit"),
        "payment.deposit_reversed" => Some("reversal"),
        "payment.partially_canceled" | "payment.canceled" | "payment.wrong_capture_reversed" => {
            Some("cancel")
        }
        _ => None,
    }
}

fn movements(books: &Books, tales: &[Tale<'_>], findings: &mut Findings) {
    let mut booked: BTreeMap<Name<'_>, i64> = BTreeMap::new();
    for entry in &books.entries {
        booked.insert(of_entry(entry), entry.amount);
    }
    let mut told_by: BTreeMap<Name<'_>, u64> = BTreeMap::new();
    let mut reversed: BTreeSet<(&str, &str)> = BTreeSet::new();
    let mut taken_back: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    for (event, payload) in tales {
        let (movement, told) = match (moves(&event.kind), &payload.movement) {
            (None, None) => continue,
            (None, Some(_)) => {
                let what = format!("tells of money that it does not move: {event:?}");
                findings.breach(Invariant::I7, what);
                continue;
            }
            (Some(_), None) => {
                findings.breach(Invariant::I7, format!("moves money untold: {event:?}"));
                continue;
            }
            (Some(movement), Some(told)) => (movement, told),
        };
        let account = (&*event.payment, &*told.payment_key);
        let count = taken_back.entry(account).or_default();
        if movement == "reversal" {
            *count = count.saturating_add(1);
        }
        let name = (account.0, account.1, full(movement, told, *count));
        if booked.get(&name) != Some(&told.amount) {
            findings.breach(
                Invariant::I7,
                format!("tells of what was not booked: {event:?}"),
            );
        }
        if event.kind == "payment.wrong_capture_reversed" {
            reversed.insert((&event.payment, &told.payment_key));
        }
        let count = told_by.entry(name).or_default();
        *count = count.saturating_add(1);
    }
    for entry in &books.entries {
        let count = told_by.get(&of_entry(entry)).copied().unwrap_or(0);
        // A wrong capture may be given back in pieces, and is told of once.
        let piece = count == 0
            && entry.debit == "suspense"
            && reversed.contains(&(&*entry.payment, &*entry.payment_key));
        if count != 1 && !piece {
            findings.breach(Invariant::I7, format!("told {count} times: {entry:?}"));
        }
    }
}

fn of_entry(entry: &Entry) -> Name<'_> {
    (&entry.payment, &entry.payment_key, entry.movement.clone())
}

/// A movement as the ledger names it.
fn full(movement: &str, told: &Told, taken_back: u32) -> String {
    match (movement, taken_back) {
        ("capture", _) | ("deposit", 0) => "capture".to_owned(),
        ("deposit", count) => format!("deposit:{}", count.saturating_add(1)),
        ("reversal", count) => format!("reversal:{count}"),
        (movement, _) => {
            let key = told.transaction_key.as_deref().unwrap_or_default();
            format!("{movement}:{key}")
        }
    }
}

fn sagas(books: &Books, tales: &[Tale<'_>], findings: &mut Findings) {
    let mut kinds: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for (event, payload) in tales {
        if let Some(saga) = &payload.saga_id {
            let told = (&*event.kind, &*event.payment);
            kinds.entry(saga).or_default().push(told);
        }
    }
    for saga in books.sagas.values() {
        let told = kinds.remove(&*saga.id).unwrap_or_default();
        let is_too_late = is_too_late(saga, &told, books);
        let end = end(saga).filter(|_| !is_too_late);
        for wanted in [beginning(saga), end].into_iter().flatten() {
            let count = told
                .iter()
                .filter(|(kind, payment)| wanted.contains(kind) && *payment == saga.payment)
                .count();
            if count != 1 {
                findings.breach(
                    Invariant::I7,
                    format!("{wanted:?} is told {count} times of {saga:?}"),
                );
            }
        }
    }
    for (saga, told) in kinds {
        findings.breach(
            Invariant::I7,
            format!("{told:?} is told of no saga: {saga}"),
        );
    }
}

/// Whether the deposit came before somebody's closing of the account, and tells of its end.
fn is_too_late(saga: &Saga, told: &[(&str, &str)], books: &Books) -> bool {
    let deposited =
        |event: &Event| event.kind == "payment.deposited" && event.payment == saga.payment;
    saga.outcome_code.as_deref() == Some(DEPOSITED)
        && told
            .iter()
            .all(|(kind, _)| *kind != "payment.cancel_refused")
        && books.events.iter().any(deposited)
}

/// The event that tells of its beginning; nobody is told that a due date is over.
fn beginning(saga: &Saga) -> Option<&'static [&'static str]> {
    match saga.kind.as_str() {
        "APPROVAL" => Some(&["payment.approval_requested"]),
        "CHARGE" => Some(&["payment.charge_requested"]),
        "ACCOUNT_ISSUE" => Some(&["payment.account_requested"]),
        "ACCOUNT_CLOSE" if is_past_due(saga) => None,
        "CANCELLATION" | "ACCOUNT_CLOSE" => Some(&["payment.cancel_requested"]),
        _ => Some(&["payment.wrong_capture_found"]),
    }
}

/// Whether it is the clock that closes the account, and nobody who cancels.
fn is_past_due(saga: &Saga) -> bool {
    saga.actor == "SYSTEM"
}

/// The events of which one tells of its end; a misfit's end is the beginning of its reversal.
fn end(saga: &Saga) -> Option<&'static [&'static str]> {
    match (saga.kind.as_str(), saga.outcome.as_deref()?) {
        ("APPROVAL" | "CHARGE", "APPROVED") => Some(&["payment.approved"]),
        ("APPROVAL" | "CHARGE" | "ACCOUNT_ISSUE", "DECLINED") => {
            Some(&["payment.declined", "payment.aborted"])
        }
        ("ACCOUNT_ISSUE", "ISSUED") => Some(&["payment.account_issued"]),
        ("ACCOUNT_CLOSE", "CLOSED") if is_past_due(saga) => Some(&["payment.expired"]),
        ("ACCOUNT_CLOSE", "CLOSED") => Some(&["payment.withdrawn"]),
        ("ACCOUNT_CLOSE", "DECLINED") if !is_past_due(saga) => Some(&["payment.cancel_refused"]),
        ("CANCELLATION", "CANCELED") => Some(&["payment.partially_canceled", "payment.canceled"]),
        ("CANCELLATION", "DECLINED") => Some(&["payment.cancel_refused"]),
        ("REVERSAL", "REVERSED") => Some(&["payment.wrong_capture_reversed"]),
        _ => None,
    }
}
