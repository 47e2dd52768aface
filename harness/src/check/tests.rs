//! Owns the proof, on books in memory, that every rule can be broken and is then named.

use serde_json::{Value, json};

use super::fixture::{ABORTED, DONE, PARTIAL, right};
use super::{Invariant, compare, fixture_file, seal, self_test};
use crate::books::{Books, Entry, Event, Target};
use crate::sandbox::Line;

#[track_caller]
pub(super) fn breaks(invariant: Invariant, corrupt: impl FnOnce(&mut Books, &mut Vec<Line>)) {
    let (mut books, mut lines) = right();
    corrupt(&mut books, &mut lines);
    let findings = compare(&books, &lines);
    assert!(
        findings
            .breaches
            .iter()
            .any(|breach| breach.invariant == invariant),
        "{invariant} was not found among {:?}",
        findings.breaches
    );
}

#[test]
fn what_is_right_is_not_complained_about() {
    let (books, lines) = right();
    let findings = compare(&books, &lines);
    assert_eq!(findings.breaches, []);
    assert_eq!(findings.unexplained, 0);
    assert_eq!(
        (findings.payments, findings.entries, findings.lines),
        (4, 6, 6)
    );
    assert_eq!(
        (findings.refunded_at_gateway, findings.refunded_in_books),
        (7300, 7300)
    );
    assert_eq!((findings.cycles, findings.cycles_paid), (2, 1));
}

#[test]
fn tells_how_much_is_unexplained() {
    let (mut books, mut lines) = right();
    books.entries.remove(0);
    lines.remove(4);
    assert_eq!(compare(&books, &lines).unexplained, 1300);
}

#[test]
fn movements_are_booked_once_and_for_the_right_payment() {
    breaks(Invariant::I1, |books, _| drop(books.entries.remove(0)));
    breaks(Invariant::I1, |_, lines| drop(lines.remove(0)));
    breaks(Invariant::I1, |books, _| books.entries[0].amount += 1);
    breaks(Invariant::I1, |books, _| {
        books.entries[0].currency = "USD".to_owned();
    });
    breaks(Invariant::I1, |books, _| {
        books.entries[0].transaction_key = Some("x".to_owned());
    });
    breaks(Invariant::I1, |books, _| {
        books.entries.push(books.entries[0].clone());
    });
    breaks(Invariant::I1, |books, _| {
        books.entries[0].payment = ABORTED.to_owned();
    });
    breaks(Invariant::I1, |_, lines| {
        lines[0].order_id = "not ours".to_owned();
    });
}

#[test]
fn one_capture_is_kept_and_no_more_given_back() {
    breaks(Invariant::I2, |books, lines| {
        let mut line = lines[0].clone();
        let mut entry = books.entries[0].clone();
        line.payment_key = "key_9".to_owned();
        entry.payment_key = "key_9".to_owned();
        lines.push(line);
        books.entries.push(entry);
    });
    breaks(Invariant::I4, |_, lines| lines[2].amount += 1);
}

/// Rewrites what an event tells, and every hash after it, as a bug in the service would: null
/// takes the field away.
pub(super) fn retell(
    books: &mut Books,
    (payment, sequence): (&str, i64),
    path: &str,
    told: &Value,
) {
    let mut head = seal::GENESIS.to_vec();
    let of_payment = |event: &&mut Event| event.payment == payment;
    for event in books.events.iter_mut().filter(of_payment) {
        if event.sequence == sequence {
            let mut payload: Value = serde_json::from_slice(&event.payload).unwrap();
            let (object, field) = path.rsplit_once('/').unwrap();
            let object = payload.pointer_mut(object).unwrap();
            object[field] = told.clone();
            if told.is_null() {
                object.as_object_mut().unwrap().remove(field);
            }
            event.payload = payload.to_string().into_bytes();
        }
        event.previous.clone_from(&head);
        head = seal::hash(&event.previous, event);
        event.hash.clone_from(&head);
    }
    books.payments.get_mut(payment).unwrap().head_hash = head;
}

#[test]
fn no_instant_sees_more_given_back_than_taken() {
    breaks(Invariant::I4, |books, _| {
        retell(books, (PARTIAL, 5), "/movement/amount", &1300.into());
    });
    breaks(Invariant::I4, |books, _| {
        retell(books, (PARTIAL, 4), "/balance", &700.into());
    });
    breaks(Invariant::I4, |books, _| {
        books.payments.get_mut(PARTIAL).unwrap().canceled = 400;
    });
    breaks(Invariant::I4, |_, lines| lines[4].amount += 1);
    breaks(Invariant::I4, |books, _| books.entries[4].amount += 1);
    for (reserved, of_both) in [(701, false), (1, true)] {
        breaks(Invariant::I4, |books, _| {
            let saga = books.sagas.get_mut("sag_6").unwrap();
            saga.phase = "ASK".to_owned();
            saga.outcome = None;
            saga.amount = reserved;
            if of_both {
                let mut other = saga.clone();
                other.id = "sag_7".to_owned();
                books.sagas.insert("sag_7".to_owned(), other);
            }
        });
    }
}

#[test]
fn what_happened_is_told_once() {
    for (event, path, told) in [
        ((DONE, 3), "/movement", Value::Null),
        ((DONE, 3), "/sagaId", Value::Null),
        ((PARTIAL, 4), "/sagaId", Value::Null),
        ((PARTIAL, 7), "/sagaId", Value::Null),
        ((DONE, 2), "/sagaId", "sag_9".into()),
        (
            (DONE, 2),
            "/movement",
            json!({ "paymentKey": "key_1", "amount": 5 }),
        ),
        ((PARTIAL, 5), "/movement/transactionKey", "x".into()),
    ] {
        breaks(Invariant::I7, |books, _| {
            retell(books, event, path, &told);
        });
    }
    breaks(Invariant::I7, |books, _| books.entries[4].amount += 1);
    breaks(Invariant::I7, |books, _| drop(books.entries.remove(3)));
    breaks(Invariant::I7, |books, _| {
        let other = books.entries[4].clone();
        books.entries.push(Entry {
            movement: "cancel:x".to_owned(),
            ..other
        });
    });
}

#[test]
fn a_wrong_capture_may_be_given_back_in_pieces() {
    let (mut books, mut lines) = right();
    let (mut entry, mut line) = (books.entries[2].clone(), lines[2].clone());
    books.entries[2].amount = 5000;
    lines[2].amount = 5000;
    retell(&mut books, (ABORTED, 4), "/movement/amount", &5000.into());
    entry.amount = 2000;
    entry.movement = "cancel:x".to_owned();
    entry.transaction_key = Some("x".to_owned());
    line.amount = 2000;
    line.transaction_key = "x".to_owned();
    line.idempotency_key = None;
    books.entries.push(entry);
    lines.push(line);
    assert_eq!(compare(&books, &lines).breaches, []);
}

#[test]
fn accounts_agree() {
    breaks(Invariant::I5, |books, _| {
        books.entries[0].credit = "suspense".to_owned();
    });
    breaks(Invariant::I5, |books, _| {
        books.entries[0].credit = "gateway_receivable".to_owned();
    });
    breaks(Invariant::I5, |books, _| {
        books.entries[2].debit = "merchant_payable".to_owned();
    });
    breaks(Invariant::I5, |books, _| drop(books.entries.remove(2)));
    breaks(Invariant::I5, |books, _| {
        books.payments.get_mut(DONE).unwrap().captured += 1;
    });
    breaks(Invariant::I5, |books, _| {
        books.payments.get_mut(DONE).unwrap().canceled += 1;
    });
}

fn told(key: &str, amount: i64, saga: &str) -> Value {
    json!({ "transactionKey": key, "amount": amount, "saga": saga })
}

#[test]
fn what_a_payment_lists_as_given_back_is_what_was_booked() {
    let right = told("cancel 3", 300, "sag_5");
    for wrong in [
        json!([]),
        json!([told("cancel 3", 200, "sag_5")]),
        json!([told("x", 300, "sag_5")]),
        json!([told("cancel 3", 300, "sag_6")]),
        json!([{ "transactionKey": "cancel 3", "amount": 300 }]),
        json!([right, right]),
        json!([right, told("y", 0, "sag_6")]),
        json!("nothing"),
    ] {
        breaks(Invariant::I5, |books, _| {
            books.payments.get_mut(PARTIAL).unwrap().cancels = Some(wrong.to_string());
        });
    }
    breaks(Invariant::I5, |books, _| {
        books.payments.get_mut(PARTIAL).unwrap().cancels = None;
    });
    breaks(Invariant::I5, |books, _| {
        books.payments.get_mut(DONE).unwrap().cancels = Some(json!([right]).to_string());
    });
}

#[test]
fn histories_are_whole() {
    breaks(Invariant::I6, |books, _| drop(books.events.remove(1)));
    breaks(Invariant::I6, |books, _| drop(books.events.remove(2)));
    breaks(Invariant::I6, |books, _| {
        books.events[0].reason = Some("else".to_owned());
    });
    breaks(Invariant::I6, |books, _| books.events[1].at += 1);
    breaks(Invariant::I6, |books, _| books.events[1].payload.push(b' '));
    breaks(Invariant::I6, |books, _| books.events[1].previous[0] ^= 1);
    breaks(Invariant::I6, |books, _| {
        books.events[2].to = "READY".to_owned();
    });
    breaks(Invariant::I6, |books, _| {
        books.payments.get_mut(DONE).unwrap().head_hash[0] ^= 1;
    });
    breaks(Invariant::I6, |books, _| {
        drop(books.payments.remove(ABORTED));
    });
}

#[test]
fn events_have_one_position_each() {
    breaks(Invariant::Feed, |books, _| drop(books.feed.remove(1)));
    breaks(Invariant::Feed, |books, _| drop(books.feed.pop()));
    breaks(Invariant::Feed, |books, _| drop(books.unsequenced.pop()));
    breaks(Invariant::Feed, |books, _| {
        books.unsequenced.push(books.unsequenced[0].clone());
    });
    breaks(Invariant::Feed, |books, _| {
        let place = &books.feed[0];
        books
            .unsequenced
            .push((place.payment.clone(), place.sequence));
    });
    breaks(Invariant::Feed, |books, _| books.feed[0].position = 2);
    breaks(Invariant::Feed, |books, _| {
        let sequence = books.feed[0].sequence;
        books.feed[0].sequence = books.feed[1].sequence;
        books.feed[1].sequence = sequence;
    });
    breaks(Invariant::Feed, |books, _| {
        books.feed[0].merchant = "mer_2".to_owned();
    });
    breaks(Invariant::Feed, |books, _| drop(books.events.pop()));
    breaks(Invariant::Feed, |books, _| {
        let mut place = books.feed[0].clone();
        place.position = 1 + i64::try_from(books.feed.len()).unwrap();
        place.sequence = 99;
        books.feed.push(place);
    });
}

#[test]
fn nothing_waits_for_ever() {
    let saga = |books: &mut Books, id: &str, phase: &str, outcome: Option<&str>| {
        let saga = books.sagas.get_mut(id).unwrap();
        saga.phase = phase.to_owned();
        saga.outcome = outcome.map(str::to_owned);
    };
    breaks(Invariant::I8, |books, _| saga(books, "sag_1", "ASK", None));
    breaks(Invariant::I8, |books, _| {
        saga(books, "sag_1", "CLOSED", None);
    });
    breaks(Invariant::I8, |books, _| {
        saga(books, "sag_1", "CLOSED", Some("REVERSED"));
    });
    breaks(Invariant::I8, |books, _| {
        saga(books, "sag_2", "CLOSED", Some("APPROVED"));
    });
    breaks(Invariant::I8, |books, _| drop(books.sagas.remove("sag_3")));
    breaks(Invariant::I8, |books, _| {
        books.payments.get_mut(DONE).unwrap().status = "IN_PROGRESS".to_owned();
    });
    breaks(Invariant::I8, |books, _| {
        books.payments.get_mut(DONE).unwrap().saga = Some("sag_1".to_owned());
    });
}

#[test]
fn keys_have_one_outcome() {
    breaks(Invariant::I9, |books, _| books.keys[0].has_outcome = false);
    breaks(Invariant::I9, |books, _| books.keys[0].saga = None);
    breaks(Invariant::I9, |books, _| {
        books.keys[0].saga = Some("sag_9".to_owned());
    });
    breaks(Invariant::I9, |books, _| {
        books.keys.push(books.keys[0].clone());
    });
    breaks(Invariant::I9, |books, _| drop(books.keys.remove(0)));
    breaks(Invariant::I9, |books, _| {
        books.keys[0].payment = ABORTED.to_owned();
    });
    breaks(Invariant::I9, |_, lines| {
        let mut line = lines[0].clone();
        line.idempotency_key = Some("sag_1-2".to_owned());
        lines.push(line);
    });
}

#[test]
fn status_and_sums_fit() {
    for status in [
        "CANCELED",
        "PARTIAL_CANCELED",
        "READY",
        "ABORTED",
        "SOMETHING",
    ] {
        breaks(Invariant::Balance, |books, _| {
            books.payments.get_mut(DONE).unwrap().status = status.to_owned();
        });
    }
    breaks(Invariant::Balance, |books, _| {
        books.payments.get_mut(DONE).unwrap().canceled = 1000;
    });
    breaks(Invariant::Balance, |books, _| {
        books.payments.get_mut(DONE).unwrap().paid_by = None;
    });
}

#[tokio::test]
async fn what_is_written_is_read_back_and_each_seeded_corruption_of_it_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("right.db");
    let (books, lines) = right();
    fixture_file::write(&file, &books);
    let target = Target::Sqlite(file);
    let read = Books::read(&target).await.unwrap();
    assert_eq!(format!("{read:?}"), format!("{books:?}"));
    assert!(self_test::run(&target, &lines).await.unwrap());
}
