//! Owns the proof that each rule about cycles and charges can be broken and is then named.

use super::Invariant;
use super::fixture::{AMOUNT, CHARGED};
use super::tests::breaks;
use crate::books::{Books, Cycle};
use crate::sandbox::Movement;

#[test]
fn a_cycle_is_paid_by_one_capture_that_is_kept() {
    breaks(Invariant::I3, |_, lines| drop(lines.remove(5)));
    breaks(Invariant::I3, |books, _| {
        books.cycles[0].status = "SKIPPED".to_owned();
    });
    breaks(Invariant::I3, |books, _| {
        books.cycles[0].status = "REFUNDED".to_owned();
    });
    breaks(Invariant::I3, |books, _| {
        books.cycles[1].status = "PAID".to_owned();
    });
    breaks(Invariant::I3, |books, _| {
        books.cycles[0].payment = Some("pay_1".to_owned());
    });
    breaks(Invariant::I3, |_, lines| {
        let mut line = lines[5].clone();
        line.kind = Movement::Cancel;
        lines.push(line);
    });
    breaks(Invariant::I3, |books, _| {
        books.cycles[0].amount = AMOUNT + 1;
    });
}

/// A second payment for the same cycle takes its money again, and all books agree on it.
#[test]
fn a_second_capture_under_another_payment_is_one_too_many() {
    breaks(Invariant::I3, |books, lines| {
        let mut payment = books.payments[CHARGED].clone();
        payment.id = "pay_5".to_owned();
        payment.order_id = "sub_1-1-r2".to_owned();
        payment.paid_by = Some("key_5".to_owned());
        books.payments.insert(payment.id.clone(), payment);
        let order = ("another order".to_owned(), "pay_5".to_owned());
        books.gateway_orders.extend([order.clone()]);
        let (mut line, mut entry) = (lines[5].clone(), books.entries[5].clone());
        line.order_id = order.0;
        line.payment_key = "key_5".to_owned();
        entry.payment_key = "key_5".to_owned();
        entry.payment = "pay_5".to_owned();
        lines.push(line);
        books.entries.push(entry);
    });
}

#[test]
fn no_cycle_is_missing_or_left_out_against_its_plan() {
    breaks(Invariant::I3, |books, _| drop(books.cycles.remove(0)));
    breaks(Invariant::I3, |books, _| drop(books.cycles.remove(1)));
    breaks(Invariant::I3, |books, _| books.cycles[1].due_at += 1);
    breaks(Invariant::I3, |books, _| {
        books.subscriptions.get_mut("sub_1").unwrap().zone = "Europe/Paris".to_owned();
        books.cycles[1].due_at = books.cycles[0].due_at;
    });
    breaks(Invariant::I3, |books, _| books.plans[0].price = 1);
    breaks(Invariant::I3, |books, _| drop(books.plans.remove(0)));
    breaks(Invariant::I3, |books, _| {
        drop(books.subscriptions.remove("sub_1"));
    });
    let skipped = |books: &mut Books| {
        let cycle: Cycle = books.cycles[1].clone();
        books.cycles[1].status = "SKIPPED".to_owned();
        books.cycles.push(Cycle { number: 3, ..cycle });
    };
    breaks(Invariant::I3, |books, _| skipped(books));
    breaks(Invariant::I3, |books, _| {
        books.subscriptions.get_mut("sub_1").unwrap().status = "EXPIRED".to_owned();
    });
}

#[test]
fn the_log_of_a_subscription_tells_of_each_cycle_once() {
    breaks(Invariant::I3, |books, _| {
        drop(books.subscription_events.remove(1));
    });
    breaks(Invariant::I3, |books, _| {
        books.subscription_events[1].cycle = 2;
    });
    breaks(Invariant::I3, |books, _| {
        books.subscription_events[1].from = Some("ACTIVE".to_owned());
    });
    breaks(Invariant::I3, |books, _| {
        let told = books.subscription_events[1].clone();
        books.subscription_events.push(told);
    });
}

#[test]
fn what_is_told_of_a_subscription_is_its_log() {
    breaks(Invariant::Feed, |books, _| {
        drop(books.member_events.pop());
        drop(books.unsequenced.pop());
    });
    breaks(Invariant::Feed, |books, _| {
        books.member_events[1].to = "CANCELED".to_owned();
    });
    breaks(Invariant::Feed, |books, _| {
        let mut more = books.member_events[1].clone();
        more.sequence = 3;
        books.unsequenced.push((more.subject.clone(), 3));
        books.member_events.push(more);
    });
}

#[test]
fn a_charge_leaves_what_its_answer_told() {
    breaks(Invariant::I8, |books, _| {
        books.payments.get_mut(CHARGED).unwrap().paid_by = Some("x".to_owned());
    });
    breaks(Invariant::I8, |books, _| {
        let saga = books.sagas.get_mut("sag_7").unwrap();
        saga.outcome = Some("MISFIT".to_owned());
        saga.reversal = Some("sag_3".to_owned());
    });
    breaks(Invariant::I8, |books, _| {
        let saga = books.sagas.get_mut("sag_7").unwrap();
        saga.kind = "ACCOUNT_ISSUE".to_owned();
        saga.outcome = Some("ISSUED".to_owned());
    });
    breaks(Invariant::I7, |books, _| {
        books.sagas.get_mut("sag_7").unwrap().kind = "APPROVAL".to_owned();
    });
}
