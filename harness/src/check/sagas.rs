//! Owns I8 and what a saga's end must have left behind.

use super::{Findings, Invariant};
use crate::books::{Books, Entry, Saga};

pub(super) fn check(books: &Books, findings: &mut Findings) {
    for saga in books.sagas.values() {
        if saga.is_open() != saga.outcome.is_none() {
            findings.breach(Invariant::I8, format!("neither open nor closed: {saga:?}"));
        }
        if saga.is_open() {
            findings.breach(Invariant::I8, format!("still open: {saga:?}"));
        } else if let Some(missing) = missing(books, saga) {
            findings.breach(Invariant::I8, format!("{missing}: {saga:?}"));
        }
        if !books.payments.contains_key(&saga.payment) {
            findings.breach(Invariant::I8, format!("for no payment: {saga:?}"));
        }
    }
}

/// What the end of `saga` should have left in the books and has not.
fn missing(books: &Books, saga: &Saga) -> Option<&'static str> {
    let booked = |fits: fn(&Entry) -> bool| {
        books.entries.iter().any(|entry| {
            entry.payment == saga.payment && entry.payment_key == saga.payment_key && fits(entry)
        })
    };
    match (saga.kind.as_str(), saga.outcome.as_deref()?) {
        ("APPROVAL", "APPROVED") => {
            let captured =
                booked(|entry| entry.movement == "capture" && entry.credit == "merchant_payable");
            (!captured).then_some("approved and nothing booked")
        }
        ("APPROVAL", "MISFIT") => {
            let suspended =
                booked(|entry| entry.movement == "capture" && entry.credit == "suspense");
            let reversal = books
                .sagas
                .values()
                .any(|other| other.kind == "REVERSAL" && other.payment_key == saga.payment_key);
            (!(suspended && reversal)).then_some("a misfit without suspense or reversal")
        }
        ("REVERSAL", "REVERSED") => {
            let given_back =
                booked(|entry| entry.movement != "capture" && entry.debit == "suspense");
            (!given_back).then_some("reversed and nothing booked")
        }
        ("CANCELLATION", "CANCELED") => {
            let given_back =
                booked(|entry| entry.movement != "capture" && entry.debit == "merchant_payable");
            (!given_back).then_some("given back and nothing booked")
        }
        ("APPROVAL" | "CANCELLATION" | "ACCOUNT_ISSUE", "DECLINED")
        | ("ACCOUNT_ISSUE", "ISSUED") => None,
        _ => Some("an end that this kind does not have"),
    }
}
