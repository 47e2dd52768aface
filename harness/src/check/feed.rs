//! Owns the feed's invariant: every event has one position or waits for one, positions have no
//! gaps, and those of a payment's events are in its order.

use std::collections::{BTreeMap, BTreeSet};

use super::{Findings, Invariant};
use crate::books::{Books, Place};

pub(super) fn check(books: &Books, findings: &mut Findings) {
    let mut places: BTreeMap<(&str, i64), &Place> = BTreeMap::new();
    let mut last: BTreeMap<&str, i64> = BTreeMap::new();
    for (place, position) in books.feed.iter().zip(1..) {
        if place.position != position {
            breach(findings, format!("a gap before, or twice: {place:?}"));
            break;
        }
        let before = last.insert(&place.payment, place.sequence).unwrap_or(0);
        if place.sequence <= before {
            breach(findings, format!("told after {before}: {place:?}"));
        }
        if places
            .insert((&place.payment, place.sequence), place)
            .is_some()
        {
            breach(findings, format!("told twice: {place:?}"));
        }
    }
    let mut waiting: BTreeSet<(&str, i64)> = books
        .unsequenced
        .iter()
        .map(|(payment, sequence)| (payment.as_str(), *sequence))
        .collect();
    if waiting.len() != books.unsequenced.len() {
        breach(findings, "an event waits twice for its position".to_owned());
    }
    for event in &books.events {
        let key = (event.payment.as_str(), event.sequence);
        let place = places.remove(&key);
        let waits = waiting.remove(&key);
        if place.is_some() == waits {
            let what = format!("{key:?} has no position, or one and waits for another");
            breach(findings, what);
        }
        if place.is_some_and(|place| place.merchant != event.merchant || place.mode != event.mode) {
            breach(findings, format!("{key:?} is shown to somebody else"));
        }
        if waits && last.get(key.0).is_some_and(|told| *told >= key.1) {
            breach(findings, format!("{key:?} waits behind a later one"));
        }
    }
    for key in places.keys().chain(&waiting) {
        breach(findings, format!("no event, and yet in the feed: {key:?}"));
    }
}

fn breach(findings: &mut Findings, what: String) {
    findings.breach(Invariant::Feed, what);
}
