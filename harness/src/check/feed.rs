//! Owns the feed's invariant: every event has one position or waits for one, positions have no
//! gaps, and those of a payment's events are in its order.

use std::collections::{BTreeMap, BTreeSet};

use super::{Findings, Invariant};
use crate::books::{Books, MemberEvent, Place};

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
    let of_payments = books.events.iter().map(|event| {
        let whose = (event.merchant.as_str(), event.mode.as_str());
        ((event.payment.as_str(), event.sequence), whose)
    });
    let of_members = books.member_events.iter().map(|event| {
        let whose = (event.merchant.as_str(), event.mode.as_str());
        ((event.subject.as_str(), event.sequence), whose)
    });
    for (key, whose) in of_payments.chain(of_members) {
        let place = places.remove(&key);
        let waits = waiting.remove(&key);
        if place.is_some() == waits {
            let what = format!("{key:?} has no position, or one and waits for another");
            breach(findings, what);
        }
        if place.is_some_and(|place| (place.merchant.as_str(), place.mode.as_str()) != whose) {
            breach(findings, format!("{key:?} is shown to somebody else"));
        }
        if waits && last.get(key.0).is_some_and(|told| *told >= key.1) {
            breach(findings, format!("{key:?} waits behind a later one"));
        }
    }
    for key in places.keys().chain(&waiting) {
        breach(findings, format!("no event, and yet in the feed: {key:?}"));
    }
    told_of_subscriptions(books, findings);
}

/// Each line of a subscription's log is told, as it is, and nothing else is.
fn told_of_subscriptions(books: &Books, findings: &mut Findings) {
    let lines = books.subscription_events.iter();
    let mut lines: BTreeMap<(&str, i64), (&str, Option<&str>, &str)> = lines
        .map(|line| {
            let said = (line.kind.as_str(), line.from.as_deref(), line.to.as_str());
            ((line.subscription.as_str(), line.sequence), said)
        })
        .collect();
    let of_subscriptions = |told: &&MemberEvent| told.subject.starts_with("sub_");
    for told in books.member_events.iter().filter(of_subscriptions) {
        let said = (told.kind.as_str(), told.from.as_deref(), told.to.as_str());
        let line = lines.remove(&(told.subject.as_str(), told.sequence));
        if line != Some(said) {
            breach(
                findings,
                format!("told {told:?}, and the log says {line:?}"),
            );
        }
    }
    for (key, line) in lines {
        breach(findings, format!("nobody is told of {key:?}: {line:?}"));
    }
}

fn breach(findings: &mut Findings, what: String) {
    findings.breach(Invariant::Feed, what);
}
