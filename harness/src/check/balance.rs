//! Owns I4 within the books: at every event, and with what is reserved, no more is given back than
//! was captured, and what each event says is held is what the events before it add up to.

use std::collections::BTreeMap;

use super::payload::Payload;
use super::{Findings, Invariant};
use crate::books::{Books, Event, Payment, Saga};

/// What the events of a payment add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sums {
    captured: i64,
    canceled: i64,
}

impl Sums {
    const fn held(self) -> i64 {
        self.captured.saturating_sub(self.canceled)
    }
}

pub(super) fn check(books: &Books, findings: &mut Findings) {
    let mut sums: BTreeMap<&str, Sums> = BTreeMap::new();
    let mut events: Vec<&Event> = books.events.iter().collect();
    events.sort_by_key(|event| (&event.payment, event.sequence));
    for event in events {
        let sums = sums.entry(&event.payment).or_default();
        let told = Payload::of(event);
        let moved = told.as_ref().and_then(|told| told.movement.as_ref());
        let moved = moved.map_or(0, |moved| moved.amount);
        match event.kind.as_str() {
            "payment.approved" | "payment.deposited" => {
                sums.captured = sums.captured.saturating_add(moved);
            }
            // As if nobody had paid in.
            "payment.deposit_reversed" => sums.captured = sums.captured.saturating_sub(moved),
            "payment.partially_canceled" | "payment.canceled" => {
                sums.canceled = sums.canceled.saturating_add(moved);
            }
            _ => {}
        }
        if sums.canceled < 0 || sums.held() < 0 {
            findings.breach(
                Invariant::I4,
                format!("gave back more than it had: {event:?}"),
            );
        }
        if told.is_some_and(|told| told.balance != sums.held()) {
            let what = format!(
                "{} is held, which is not what it says: {event:?}",
                sums.held()
            );
            findings.breach(Invariant::I4, what);
        }
    }
    let mut open: BTreeMap<&str, Vec<&Saga>> = BTreeMap::new();
    for saga in books.sagas.values() {
        if saga.kind == "CANCELLATION" && saga.is_open() {
            open.entry(&saga.payment).or_default().push(saga);
        }
    }
    for payment in books.payments.values() {
        let sums = sums.get(&*payment.id).copied().unwrap_or_default();
        agrees(payment, sums, findings);
        if let Some(open) = open.get(&*payment.id) {
            reserved(payment, open, findings);
        }
    }
}

fn agrees(payment: &Payment, sums: Sums, findings: &mut Findings) {
    let said = Sums {
        captured: payment.captured,
        canceled: payment.canceled,
    };
    if said != sums {
        let what = format!("{} says {said:?}, its events {sums:?}", payment.id);
        findings.breach(Invariant::I4, what);
    }
}

/// What open cancellations may still give back is held, and there is one of them at most.
fn reserved(payment: &Payment, open: &[&Saga], findings: &mut Findings) {
    let sum = open
        .iter()
        .map(|saga| saga.amount)
        .fold(0, i64::saturating_add);
    let held = payment.captured.saturating_sub(payment.canceled);
    if sum > held || open.len() > 1 {
        findings.breach(
            Invariant::I4,
            format!("{sum} is reserved of {held}: {open:?}"),
        );
    }
}
