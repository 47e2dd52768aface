//! Owns books that are right, for tests: an approved payment and a wrong capture given back.

use serde_json::json;

use super::seal;
use crate::books::{Books, Entry, Event, Key, Payment, Saga};
use crate::sandbox::{Line, Movement};

/// The approved payment.
pub(super) const DONE: &str = "pay_1";
/// The payment whose capture was wrong.
pub(super) const ABORTED: &str = "pay_2";

/// Books and the gateway's ledger, in agreement.
pub(super) fn right() -> (Books, Vec<Line>) {
    let mut books = Books::default();
    let mut lines = Vec::new();
    approved(&mut books, &mut lines);
    reversed(&mut books, &mut lines);
    (books, lines)
}

fn approved(books: &mut Books, lines: &mut Vec<Line>) {
    let story = [
        ("payment.prepared", None, "READY", "MERCHANT", 0),
        (
            "payment.approval_requested",
            Some("READY"),
            "IN_PROGRESS",
            "MERCHANT",
            0,
        ),
        (
            "payment.approved",
            Some("IN_PROGRESS"),
            "DONE",
            "GATEWAY",
            1000,
        ),
    ];
    payment(books, DONE, &story);
    let payment = books.payments.get_mut(DONE).unwrap();
    payment.captured = 1000;
    payment.paid_by = Some("key_1".to_owned());
    saga(books, "sag_1", DONE, "APPROVED", "key_1");
    movement(books, lines, DONE, "capture", 1000);
}

fn reversed(books: &mut Books, lines: &mut Vec<Line>) {
    let story = [
        ("payment.prepared", None, "READY", "MERCHANT", 0),
        (
            "payment.approval_requested",
            Some("READY"),
            "IN_PROGRESS",
            "MERCHANT",
            0,
        ),
        (
            "payment.wrong_capture_found",
            Some("IN_PROGRESS"),
            "IN_PROGRESS",
            "GATEWAY",
            0,
        ),
        (
            "payment.wrong_capture_reversed",
            Some("IN_PROGRESS"),
            "IN_PROGRESS",
            "GATEWAY",
            0,
        ),
        (
            "payment.aborted",
            Some("IN_PROGRESS"),
            "ABORTED",
            "GATEWAY",
            0,
        ),
    ];
    payment(books, ABORTED, &story);
    saga(books, "sag_2", ABORTED, "MISFIT", "key_2");
    saga(books, "sag_3", ABORTED, "REVERSED", "key_2");
    let reversal = books.sagas.get_mut("sag_3").unwrap();
    reversal.kind = "REVERSAL".to_owned();
    reversal.keyed = false;
    books
        .keys
        .retain(|key| key.saga.as_deref() != Some("sag_3"));
    movement(books, lines, ABORTED, "capture", 7000);
    movement(books, lines, ABORTED, "cancel", 7000);
}

type Chapter = (
    &'static str,
    Option<&'static str>,
    &'static str,
    &'static str,
    i64,
);

fn payment(books: &mut Books, id: &str, story: &[Chapter]) {
    let mut head = seal::GENESIS.to_vec();
    for (sequence, (kind, from, to, actor, balance)) in (1..).zip(story) {
        let payload = json!({
            "orderId": format!("order of {id}"), "amount": 1000, "currency": "KRW",
            "balance": balance,
        });
        let mut event = Event {
            merchant: "mer_1".to_owned(),
            mode: "test".to_owned(),
            payment: id.to_owned(),
            sequence,
            kind: (*kind).to_owned(),
            from: from.map(str::to_owned),
            to: (*to).to_owned(),
            actor: (*actor).to_owned(),
            reason: None,
            trace: "0".repeat(32),
            at: 1_700_000_000_000_000,
            payload: payload.to_string().into_bytes(),
            previous: head.clone(),
            hash: Vec::new(),
        };
        event.hash = seal::hash(&event.previous, &event);
        head.clone_from(&event.hash);
        books.events.push(event);
    }
    let (_, _, status, _, _) = story.last().unwrap();
    let payment = Payment {
        id: id.to_owned(),
        merchant: "mer_1".to_owned(),
        mode: "test".to_owned(),
        order_id: format!("order of {id}"),
        status: (*status).to_owned(),
        saga: None,
        amount: 1000,
        currency: "KRW".to_owned(),
        captured: 0,
        canceled: 0,
        paid_by: None,
        head_sequence: i64::try_from(story.len()).unwrap(),
        head_hash: head,
    };
    books.payments.insert(id.to_owned(), payment);
    books
        .gateway_orders
        .insert(format!("order of {id}"), id.to_owned());
}

fn saga(books: &mut Books, id: &str, payment: &str, outcome: &str, payment_key: &str) {
    let saga = Saga {
        id: id.to_owned(),
        kind: "APPROVAL".to_owned(),
        payment: payment.to_owned(),
        payment_key: payment_key.to_owned(),
        phase: "CLOSED".to_owned(),
        outcome: Some(outcome.to_owned()),
        keyed: true,
    };
    books.sagas.insert(id.to_owned(), saga);
    books.keys.push(Key {
        merchant: "mer_1".to_owned(),
        mode: "test".to_owned(),
        member: String::new(),
        name: format!("idempotency key of {id}"),
        payment: payment.to_owned(),
        saga: Some(id.to_owned()),
        has_outcome: true,
    });
}

fn movement(books: &mut Books, lines: &mut Vec<Line>, payment: &str, kind: &str, amount: i64) {
    let number = payment.trim_start_matches("pay_");
    let capture = kind == "capture";
    let owner = if payment == DONE {
        "merchant_payable"
    } else {
        "suspense"
    };
    let transaction_key = format!("{kind} {number}");
    let (debit, credit) = if capture {
        ("gateway_receivable", owner)
    } else {
        (owner, "gateway_receivable")
    };
    books.entries.push(Entry {
        payment: payment.to_owned(),
        payment_key: format!("key_{number}"),
        movement: if capture {
            kind.to_owned()
        } else {
            format!("cancel:{transaction_key}")
        },
        debit: debit.to_owned(),
        credit: credit.to_owned(),
        amount,
        currency: "KRW".to_owned(),
        transaction_key: Some(transaction_key.clone()),
    });
    let saga = if capture {
        number.to_owned()
    } else {
        "3".to_owned()
    };
    lines.push(Line {
        kind: if capture {
            Movement::Capture
        } else {
            Movement::Cancel
        },
        payment_key: format!("key_{number}"),
        order_id: format!("order of {payment}"),
        transaction_key,
        amount,
        currency: "KRW".to_owned(),
        idempotency_key: Some(format!("sag_{saga}-1")),
    });
}
