//! Owns I6: each payment's events form a path, without gaps, and their hashes are intact.

use std::collections::BTreeMap;

use super::payload::Payload;
use super::{Findings, Invariant, graph, seal};
use crate::books::{Books, Event, Payment};

pub(super) fn check(books: &Books, findings: &mut Findings) {
    let mut histories: BTreeMap<&str, Vec<&Event>> = BTreeMap::new();
    for event in &books.events {
        histories.entry(&event.payment).or_default().push(event);
    }
    for payment in books.payments.values() {
        let mut events = histories.remove(payment.id.as_str()).unwrap_or_default();
        events.sort_by_key(|event| event.sequence);
        path(payment, &events, findings);
        chain(payment, &events, findings);
    }
    for payment in histories.keys() {
        findings.breach(Invariant::I6, format!("events of no payment: {payment}"));
    }
}

fn path(payment: &Payment, events: &[&Event], findings: &mut Findings) {
    let mut status: Option<&str> = None;
    for (expected, event) in (1_i64..).zip(events) {
        if event.sequence != expected {
            let what = format!("a gap before event {} of {}", event.sequence, payment.id);
            findings.breach(Invariant::I6, what);
            return;
        }
        if event.from.as_deref() != status {
            findings.breach(
                Invariant::I6,
                format!("does not begin where it was: {event:?}"),
            );
        }
        if !graph::allows(&event.kind, event.from.as_deref(), &event.to, &event.actor) {
            findings.breach(Invariant::I6, format!("not on the graph: {event:?}"));
        }
        tells(payment, event, findings);
        status = Some(&event.to);
    }
    if status != Some(payment.status.as_str()) {
        let what = format!(
            "{} is {}, its history says {status:?}",
            payment.id, payment.status
        );
        findings.breach(Invariant::I6, what);
    }
}

/// Whether the payload speaks of this payment.
fn tells(payment: &Payment, event: &Event, findings: &mut Findings) {
    let told = Payload::of(event).is_some_and(|payload| {
        payload.order_id == payment.order_id
            && payload.amount == payment.amount
            && payload.currency == payment.currency
    });
    if !told || event.merchant != payment.merchant || event.mode != payment.mode {
        findings.breach(
            Invariant::I6,
            format!("does not tell of its payment: {event:?}"),
        );
    }
}

fn chain(payment: &Payment, events: &[&Event], findings: &mut Findings) {
    let mut head = seal::GENESIS.to_vec();
    let mut sequence = 0;
    for event in events {
        if event.previous != head {
            findings.breach(
                Invariant::I6,
                format!("points back to something else: {event:?}"),
            );
        }
        if event.hash != seal::hash(&event.previous, event) {
            findings.breach(Invariant::I6, format!("was altered: {event:?}"));
        }
        head.clone_from(&event.hash);
        sequence = event.sequence;
    }
    if (payment.head_sequence, &payment.head_hash) != (sequence, &head) {
        let what = format!("{} does not end where its events do", payment.id);
        findings.breach(Invariant::I6, what);
    }
}
