//! Owns the proof that what was told of a closing that somebody wanted is asked for.

use serde_json::Value;

use super::fixture::{WITHDRAWN, right, withdrawn};
use super::tests::retell;
use super::{Breach, Invariant, compare};
use crate::books::{Books, Saga};

/// What is untold of a closing that `corrupt` has changed.
fn untold(corrupt: impl FnOnce(&mut Books)) -> Vec<Breach> {
    let (mut books, lines) = right();
    withdrawn(&mut books);
    corrupt(&mut books);
    let mut findings = compare(&books, &lines);
    let breaches = &mut findings.breaches;
    breaches.retain(|breach| breach.invariant == Invariant::I7);
    findings.breaches
}

fn closing(books: &mut Books) -> &mut Saga {
    books.sagas.get_mut("sag_9").unwrap()
}

/// The gateway did not close it, for this reason.
fn refuse(books: &mut Books, code: &str) {
    let saga = closing(books);
    saga.outcome = Some("DECLINED".to_owned());
    saga.outcome_code = Some(code.to_owned());
}

fn say(books: &mut Books, kind: &str) {
    let mut events = books.events.iter_mut();
    let last = events.find(|event| event.payment == WITHDRAWN && event.sequence == 5);
    last.unwrap().kind = kind.to_owned();
}

#[test]
fn who_has_an_account_closed_is_told_of_its_begin_and_its_end() {
    assert_eq!(untold(|_| {}), []);
    for sequence in [4, 5] {
        let missing = |books: &mut Books| {
            retell(books, (WITHDRAWN, sequence), "/sagaId", &Value::Null);
        };
        assert_ne!(untold(missing), [], "{sequence}");
    }
    assert_ne!(untold(|books| say(books, "payment.expired")), []);
    let by_the_clock = |books: &mut Books| closing(books).actor = "SYSTEM".to_owned();
    assert_ne!(untold(by_the_clock), []);
}

#[test]
fn a_closing_that_is_refused_is_told_of() {
    let refused = |books: &mut Books| {
        refuse(books, "NOT_CANCELABLE_PAYMENT");
        say(books, "payment.cancel_refused");
    };
    assert_eq!(untold(refused), []);
    assert_ne!(untold(|books| refuse(books, "NOT_CANCELABLE_PAYMENT")), []);
    let silent = |books: &mut Books| {
        refused(books);
        retell(books, (WITHDRAWN, 5), "/sagaId", &Value::Null);
    };
    assert_ne!(untold(silent), []);
}

#[test]
fn a_deposit_tells_of_the_closing_that_came_too_late() {
    let no_deposit = |books: &mut Books| {
        refuse(books, "PAYFLOW_DEPOSITED");
        retell(books, (WITHDRAWN, 5), "/sagaId", &Value::Null);
        say(books, "payment.cancel_refused");
    };
    let about_saga = |breaches: Vec<Breach>| {
        let mut breaches = breaches.into_iter();
        breaches.any(|breach| breach.what.contains("ACCOUNT_CLOSE"))
    };
    assert!(about_saga(untold(no_deposit)));
    let deposit = |books: &mut Books| {
        no_deposit(books);
        say(books, "payment.deposited");
    };
    assert!(!about_saga(untold(deposit)));
}
