//! Owns I8 and what a saga's end must have left behind.

use std::collections::BTreeMap;

use super::{Findings, Invariant};
use crate::books::{Books, Entry, Saga};

/// The ledger's lines of each payment.
type Entries<'a> = BTreeMap<&'a str, Vec<&'a Entry>>;

pub(super) fn check(books: &Books, findings: &mut Findings) {
    let mut entries = Entries::new();
    for entry in &books.entries {
        entries.entry(&entry.payment).or_default().push(entry);
    }
    for saga in books.sagas.values() {
        if saga.is_open() != saga.outcome.is_none() {
            findings.breach(Invariant::I8, format!("neither open nor closed: {saga:?}"));
        }
        if saga.is_open() {
            findings.breach(Invariant::I8, format!("still open: {saga:?}"));
        } else if let Some(missing) = missing(books, &entries, saga) {
            findings.breach(Invariant::I8, format!("{missing}: {saga:?}"));
        }
        if !books.payments.contains_key(&saga.payment) {
            findings.breach(Invariant::I8, format!("for no payment: {saga:?}"));
        }
    }
}

/// What the end of `saga` should have left in the books and has not.
fn missing(books: &Books, entries: &Entries<'_>, saga: &Saga) -> Option<&'static str> {
    let entries = entries.get(&*saga.payment).map_or(&[][..], Vec::as_slice);
    let booked = |key: Option<&str>, fits: fn(&Entry) -> bool| {
        let mut entries = entries.iter();
        entries.any(|entry| Some(&*entry.payment_key) == key && fits(entry))
    };
    let payment = books.payments.get(&saga.payment);
    let own = saga.payment_key.as_deref();
    match (saga.kind.as_str(), saga.outcome.as_deref()?) {
        ("APPROVAL", "APPROVED") => {
            let captured = booked(own, |entry| takes(entry, "merchant_payable"));
            (!captured).then_some("approved and nothing booked")
        }
        // The answer told under which payment key; that is the payment's from then on.
        ("CHARGE", "APPROVED") => {
            let learnt = payment.and_then(|payment| payment.paid_by.as_deref());
            let captured = booked(learnt, |entry| takes(entry, "merchant_payable"));
            (!captured).then_some("charged and nothing booked")
        }
        ("APPROVAL" | "CHARGE" | "ACCOUNT_ISSUE", "MISFIT") => {
            let reversal = saga.reversal.as_ref().and_then(|id| books.sagas.get(id));
            let reversal = reversal.filter(|other| {
                let same = own.is_none() || other.payment_key.as_deref() == own;
                other.kind == "REVERSAL" && other.payment == saga.payment && same
            });
            let learnt = reversal.and_then(|other| other.payment_key.as_deref());
            let suspended = booked(learnt, |entry| takes(entry, "suspense"));
            (!suspended).then_some("a misfit without suspense or reversal")
        }
        ("REVERSAL", "REVERSED") => {
            let given_back = booked(own, |entry| gives_back(entry, "suspense"));
            (!given_back).then_some("reversed and nothing booked")
        }
        ("CANCELLATION", "CANCELED") => {
            let given_back = booked(own, |entry| gives_back(entry, "merchant_payable"));
            (!given_back).then_some("given back and nothing booked")
        }
        ("ACCOUNT_ISSUE", "ISSUED") => {
            let known = payment.is_some_and(|payment| payment.account.is_some());
            (!known).then_some("issued and no account known")
        }
        ("APPROVAL" | "CANCELLATION" | "CHARGE" | "ACCOUNT_ISSUE", "DECLINED")
        | ("ACCOUNT_CLOSE", "CLOSED" | "DECLINED") => None,
        _ => Some("an end that this kind does not have"),
    }
}

/// Whether it brought money to this account.
fn takes(entry: &Entry, account: &str) -> bool {
    let came = entry.movement == "capture" || entry.movement.starts_with("deposit:");
    came && entry.credit == account
}

/// Whether it gave money back from this account.
fn gives_back(entry: &Entry, account: &str) -> bool {
    entry.movement.starts_with("cancel:") && entry.debit == account
}
