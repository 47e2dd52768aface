//! Owns the agreement of what a payment says about how it was given back with the ledger: the same
//! movements, by transaction key, with the same amounts.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{Findings, Invariant};
use crate::books::{Books, Payment};

/// One cancellation as the payment's own list has it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cancel {
    transaction_key: String,
    amount: i64,
    saga: Option<String>,
}

pub(super) fn check(books: &Books, findings: &mut Findings) {
    let mut booked: BTreeMap<&str, Vec<(String, i64)>> = BTreeMap::new();
    for entry in &books.entries {
        // What was given back of a wrong capture was never the payment's, and what a bank took back
        // is not given back by anybody.
        if entry.debit == "merchant_payable" && !entry.movement.starts_with("reversal:") {
            let cancels = booked.entry(&entry.payment).or_default();
            let name = entry.movement.strip_prefix("cancel:");
            cancels.push((name.unwrap_or_default().to_owned(), entry.amount));
        }
    }
    let mut ended = ended(books);
    for payment in books.payments.values() {
        let mut booked = booked.remove(&*payment.id).unwrap_or_default();
        let Some(listed) = listed(payment) else {
            let what = format!("its cancels are unreadable: {payment:?}");
            findings.breach(Invariant::I5, what);
            continue;
        };
        let mut told: Vec<(String, i64)> = listed
            .iter()
            .map(|cancel| (cancel.transaction_key.clone(), cancel.amount))
            .collect();
        told.sort();
        booked.sort();
        if told != booked {
            findings.breach(
                Invariant::I5,
                format!("{} lists {told:?}, its entries {booked:?}", payment.id),
            );
        }
        let sum = listed.iter().map(|cancel| cancel.amount);
        if sum.fold(0, i64::saturating_add) != payment.canceled {
            findings.breach(
                Invariant::I5,
                format!("its cancels do not add up: {payment:?}"),
            );
        }
        let ended = ended.remove(&*payment.id).unwrap_or_default();
        by_its_sagas(payment, &ended, &listed, findings);
    }
}

/// The list; none when it is unreadable, and empty where there is none.
fn listed(payment: &Payment) -> Option<Vec<Cancel>> {
    let text = payment.cancels.as_deref().unwrap_or("[]");
    serde_json::from_str(text).ok()
}

/// Our cancellations that ended well, by payment.
fn ended(books: &Books) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut ended: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for saga in books.sagas.values() {
        if saga.kind == "CANCELLATION" && saga.outcome.as_deref() == Some("CANCELED") {
            ended.entry(&saga.payment).or_default().insert(&saga.id);
        }
    }
    ended
}

/// Each of our cancellations that ended well is in the list once, and no other saga is.
fn by_its_sagas(
    payment: &Payment,
    ended: &BTreeSet<&str>,
    listed: &[Cancel],
    findings: &mut Findings,
) {
    let named: Vec<&str> = listed
        .iter()
        .filter_map(|cancel| cancel.saga.as_deref())
        .collect();
    let once: BTreeSet<&str> = named.iter().copied().collect();
    if *ended != once || once.len() != named.len() {
        findings.breach(
            Invariant::I5,
            format!("{} names the sagas {named:?}, not {ended:?}", payment.id),
        );
    }
}
