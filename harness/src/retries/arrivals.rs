//! Owns what is read from the gateway's own record of arrivals: how often it was called about each
//! payment, under each key, and whether anybody had asked before a call came again.

use std::collections::{BTreeMap, HashMap};

use crate::sandbox::Call;

/// Arrivals that change something, by the key under which they came.
pub(super) fn by_key(calls: &[Call]) -> BTreeMap<&str, Vec<&Call>> {
    let mut keys: BTreeMap<&str, Vec<&Call>> = BTreeMap::new();
    for call in calls.iter().filter(|call| !call.is_question()) {
        if let Some(key) = &call.idempotency_key {
            keys.entry(key).or_default().push(call);
        }
    }
    keys
}

/// How many arrivals that change something came under no key.
pub(super) fn without_key(calls: &[Call]) -> usize {
    let bare = |call: &&Call| !call.is_question() && call.idempotency_key.is_none();
    calls.iter().filter(bare).count()
}

/// How often it was called about each payment, and whether every call was served.
fn by_payment(calls: &[Call]) -> BTreeMap<&str, (usize, bool)> {
    let both = |call: &'_ Call| call.order_id.is_some() && call.payment_key.is_some();
    let named = calls.iter().filter(|call| both(call));
    let keys: HashMap<&str, &str> = named
        .filter_map(|call| Some((call.order_id.as_deref()?, call.payment_key.as_deref()?)))
        .collect();
    let mut payments: BTreeMap<&str, (usize, bool)> = BTreeMap::new();
    for call in calls {
        let order = call.order_id.as_deref();
        let by_order = order.map(|order| keys.get(order).copied().unwrap_or(order));
        let Some(about) = call.payment_key.as_deref().or(by_order) else {
            continue;
        };
        let (count, served) = payments.entry(about).or_insert((0, true));
        *count = count.saturating_add(1);
        *served &= call.status == Some(200);
    }
    payments
}

/// What payments met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Met {
    /// How many met trouble: more than one call was made about them, or one was not served.
    pub(super) troubled: usize,
    /// How many calls were made about these.
    pub(super) calls: usize,
    /// The most calls about any payment.
    pub(super) most: usize,
}

/// What the payments of these calls met.
pub(super) fn met(calls: &[Call]) -> Met {
    let mut met = Met::default();
    for (count, served) in by_payment(calls).into_values() {
        met.most = met.most.max(count);
        if count > 1 || !served {
            met.troubled = met.troubled.saturating_add(1);
            met.calls = met.calls.saturating_add(count);
        }
    }
    met
}

/// Calls that came again although nobody had asked what became of the one before: a client library
/// sends such. Who was told that it is too early was told what became of it. The calls are in the
/// order of their arrival.
pub(super) fn unasked(calls: &[Call]) -> Vec<String> {
    let mut unasked = Vec::new();
    // When somebody last asked about a payment or an order, and what last came under a key.
    let mut asked: HashMap<&str, u64> = HashMap::new();
    let mut came: HashMap<&str, &Call> = HashMap::new();
    for call in calls {
        let about = [&call.payment_key, &call.order_id];
        let about = about.into_iter().filter_map(|name| name.as_deref());
        if call.is_question() {
            asked.extend(about.map(|name| (name, call.sequence)));
            continue;
        }
        let Some(key) = call.idempotency_key.as_deref() else {
            continue;
        };
        if let Some(first) = came.insert(key, call) {
            let since = |name| asked.get(name).is_some_and(|at| *at > first.sequence);
            if !about.into_iter().any(since) && first.status != Some(429) {
                unasked.push(format!("{key} came twice, and nobody had asked between"));
            }
        }
    }
    unasked
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(sequence: u64, operation: &str, status: Option<u16>) -> Call {
        Call {
            sequence,
            operation: operation.to_owned(),
            effect: false,
            payment_key: Some("pay".to_owned()),
            order_id: None,
            idempotency_key: (operation == "confirm").then(|| "key".to_owned()),
            status,
        }
    }

    #[test]
    fn a_call_that_comes_again_by_itself_is_found() {
        let again = [call(1, "confirm", None), call(2, "confirm", Some(200))];
        assert_eq!(unasked(&again).len(), 1);
        let asked = [
            call(1, "confirm", None),
            call(2, "get", Some(404)),
            call(3, "confirm", Some(200)),
        ];
        assert!(unasked(&asked).is_empty());
        let early = [call(1, "confirm", Some(429)), call(2, "confirm", Some(200))];
        assert!(unasked(&early).is_empty());
        let before = [
            call(1, "get", Some(404)),
            call(2, "confirm", None),
            call(3, "confirm", Some(200)),
        ];
        assert_eq!(unasked(&before).len(), 1, "asked too early");
    }

    #[test]
    fn a_question_about_another_payment_is_none() {
        let mut other = call(2, "get", Some(404));
        other.payment_key = Some("other".to_owned());
        let calls = [call(1, "confirm", None), other, call(3, "confirm", None)];
        assert_eq!(unasked(&calls).len(), 1);
    }

    #[test]
    fn payments_that_met_no_trouble_dilute_nothing() {
        let about = |mut call: Call, payment: &str| {
            call.payment_key = Some(payment.to_owned());
            call
        };
        let mut by_order = call(4, "getByOrder", Some(200));
        (by_order.payment_key, by_order.order_id) = (None, Some("order".to_owned()));
        let mut first = call(3, "confirm", None);
        first.order_id = Some("order".to_owned());
        let calls = [
            about(call(1, "confirm", Some(200)), "well"),
            about(call(2, "confirm", Some(503)), "refused"),
            first,
            by_order,
        ];
        let wanted = Met {
            troubled: 2,
            calls: 3,
            most: 2,
        };
        assert_eq!(met(&calls), wanted);
    }

    #[test]
    fn what_changes_something_under_no_key_is_counted() {
        let mut bare = call(2, "confirm", Some(200));
        bare.idempotency_key = None;
        let calls = [
            call(1, "confirm", Some(200)),
            bare,
            call(3, "get", Some(200)),
        ];
        assert_eq!(without_key(&calls), 1);
        assert_eq!(by_key(&calls).len(), 1);
    }
}
