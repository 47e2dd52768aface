//! Owns books that are right, for tests: an approved payment, a wrong capture given back, a payment
//! of which a part was given back, and a charge for a cycle.

use serde_json::json;

use super::{fixture_billing, seal};
use crate::books::{Books, Entry, Event, Key, Payment, Place, Saga};
use crate::sandbox::{Line, Movement};

/// The approved payment.
pub(super) const DONE: &str = "pay_1";
/// The payment whose capture was wrong.
pub(super) const ABORTED: &str = "pay_2";
/// The payment of which a part was given back, and no more at a second try.
pub(super) const PARTIAL: &str = "pay_3";
/// The payment of a cycle, charged with a stored card.
pub(super) const CHARGED: &str = "pay_4";
/// The payment whose virtual account was closed before anybody paid in; not among the right books.
pub(super) const WITHDRAWN: &str = "pay_6";
/// What each payment is for.
pub(super) const AMOUNT: i64 = 1000;

/// One event of a payment's history.
struct Chapter {
    kind: &'static str,
    to: &'static str,
    actor: &'static str,
    balance: i64,
    saga: Option<&'static str>,
    /// A movement's name in the ledger and its amount.
    moves: Option<(&'static str, i64)>,
}

/// Books and the gateway's ledger, in agreement.
pub(super) fn right() -> (Books, Vec<Line>) {
    let mut books = Books::default();
    let mut lines = Vec::new();
    approved(&mut books, &mut lines);
    reversed(&mut books, &mut lines);
    partly_canceled(&mut books, &mut lines);
    charged(&mut books, &mut lines);
    fixture_billing::subscribed(&mut books);
    feed(&mut books);
    (books, lines)
}

/// Every event's place but the last one's, which waits for it.
fn feed(books: &mut Books) {
    for (position, event) in (1..).zip(&books.events) {
        books.feed.push(Place {
            position,
            merchant: event.merchant.clone(),
            mode: event.mode.clone(),
            payment: event.payment.clone(),
            sequence: event.sequence,
        });
    }
    let last = books.feed.pop().unwrap();
    // The first that was written of those who wait.
    books.unsequenced.insert(0, (last.payment, last.sequence));
}

fn approved(books: &mut Books, lines: &mut Vec<Line>) {
    payment(books, DONE, &[PREPARED, asked("sag_1"), taken("sag_1")]);
    paid(books, DONE, 0);
    saga(books, ("sag_1", "APPROVAL", AMOUNT), DONE, "APPROVED");
    movement(books, lines, DONE, ("capture", AMOUNT, "sag_1"));
}

fn reversed(books: &mut Books, lines: &mut Vec<Line>) {
    let wrong = |kind, to, moves| Chapter {
        kind,
        to,
        actor: "GATEWAY",
        balance: 0,
        saga: Some("sag_3"),
        moves,
    };
    let found = ("capture", 7000);
    let returned = ("cancel:cancel 2", 7000);
    let story = [
        PREPARED,
        asked("sag_2"),
        wrong("payment.wrong_capture_found", "IN_PROGRESS", Some(found)),
        wrong(
            "payment.wrong_capture_reversed",
            "IN_PROGRESS",
            Some(returned),
        ),
        wrong("payment.aborted", "ABORTED", None),
    ];
    payment(books, ABORTED, &story);
    saga(books, ("sag_2", "APPROVAL", AMOUNT), ABORTED, "MISFIT");
    saga(books, ("sag_3", "REVERSAL", 7000), ABORTED, "REVERSED");
    let reversal = books.sagas.get_mut("sag_3").unwrap();
    reversal.keyed = false;
    books
        .keys
        .retain(|key| key.saga.as_deref() != Some("sag_3"));
    movement(books, lines, ABORTED, ("capture", 7000, "sag_2"));
    movement(books, lines, ABORTED, ("cancel", 7000, "sag_3"));
}

fn charged(books: &mut Books, lines: &mut Vec<Line>) {
    let asked = Chapter {
        kind: "payment.charge_requested",
        actor: "SYSTEM",
        ..asked("sag_7")
    };
    payment(books, CHARGED, &[PREPARED, asked, taken("sag_7")]);
    paid(books, CHARGED, 0);
    saga(books, ("sag_7", "CHARGE", AMOUNT), CHARGED, "APPROVED");
    let charge = books.sagas.get_mut("sag_7").unwrap();
    (charge.keyed, charge.payment_key) = (false, None);
    let unkeyed = |key: &Key| key.saga.as_deref() != Some("sag_7");
    books.keys.retain(unkeyed);
    movement(books, lines, CHARGED, ("capture", AMOUNT, "sag_7"));
}

/// What its merchant calls the order of a payment.
fn order_of(payment: &str) -> String {
    if payment == CHARGED {
        return fixture_billing::ORDER.to_owned();
    }
    format!("order of {payment}")
}

fn partly_canceled(books: &mut Books, lines: &mut Vec<Line>) {
    let canceling = |kind, to, actor, balance| Chapter {
        kind,
        to,
        actor,
        balance,
        saga: None,
        moves: None,
    };
    let wanted = |balance, saga| Chapter {
        saga: Some(saga),
        ..canceling(
            "payment.cancel_requested",
            "CANCEL_REQUESTED",
            "MERCHANT",
            balance,
        )
    };
    let story = [
        PREPARED,
        asked("sag_4"),
        taken("sag_4"),
        wanted(AMOUNT, "sag_5"),
        Chapter {
            saga: Some("sag_5"),
            moves: Some(("cancel:cancel 3", 300)),
            ..canceling(
                "payment.partially_canceled",
                "PARTIAL_CANCELED",
                "GATEWAY",
                700,
            )
        },
        wanted(700, "sag_6"),
        Chapter {
            saga: Some("sag_6"),
            ..canceling("payment.cancel_refused", "PARTIAL_CANCELED", "GATEWAY", 700)
        },
    ];
    payment(books, PARTIAL, &story);
    paid(books, PARTIAL, 300);
    let cancels = json!([{ "transactionKey": "cancel 3", "amount": 300, "saga": "sag_5" }]);
    let payment = books.payments.get_mut(PARTIAL).unwrap();
    payment.cancels = Some(cancels.to_string());
    saga(books, ("sag_4", "APPROVAL", AMOUNT), PARTIAL, "APPROVED");
    saga(books, ("sag_5", "CANCELLATION", 300), PARTIAL, "CANCELED");
    saga(books, ("sag_6", "CANCELLATION", 700), PARTIAL, "DECLINED");
    movement(books, lines, PARTIAL, ("capture", AMOUNT, "sag_4"));
    movement(books, lines, PARTIAL, ("cancel", 300, "sag_5"));
}

/// A virtual account that nobody paid into, closed because its merchant cancels.
pub(super) fn withdrawn(books: &mut Books) {
    let step = |kind, to, actor, saga| Chapter {
        kind,
        to,
        actor,
        saga: Some(saga),
        ..PREPARED
    };
    let waiting = "WAITING_FOR_DEPOSIT";
    let story = [
        PREPARED,
        step(
            "payment.account_requested",
            "IN_PROGRESS",
            "MERCHANT",
            "sag_8",
        ),
        step("payment.account_issued", waiting, "GATEWAY", "sag_8"),
        step("payment.cancel_requested", waiting, "MERCHANT", "sag_9"),
        step("payment.withdrawn", "CANCELED", "MERCHANT", "sag_9"),
    ];
    payment(books, WITHDRAWN, &story);
    let payment = books.payments.get_mut(WITHDRAWN).unwrap();
    payment.account = Some(key_of(WITHDRAWN));
    saga(
        books,
        ("sag_8", "ACCOUNT_ISSUE", AMOUNT),
        WITHDRAWN,
        "ISSUED",
    );
    saga(
        books,
        ("sag_9", "ACCOUNT_CLOSE", AMOUNT),
        WITHDRAWN,
        "CLOSED",
    );
}

const PREPARED: Chapter = Chapter {
    kind: "payment.prepared",
    to: "READY",
    actor: "MERCHANT",
    balance: 0,
    saga: None,
    moves: None,
};

const fn asked(saga: &'static str) -> Chapter {
    Chapter {
        kind: "payment.approval_requested",
        to: "IN_PROGRESS",
        actor: "MERCHANT",
        balance: 0,
        saga: Some(saga),
        moves: None,
    }
}

const fn taken(saga: &'static str) -> Chapter {
    Chapter {
        kind: "payment.approved",
        to: "DONE",
        actor: "GATEWAY",
        balance: AMOUNT,
        saga: Some(saga),
        moves: Some(("capture", AMOUNT)),
    }
}

/// The payment key of a payment.
fn key_of(payment: &str) -> String {
    payment.replace("pay_", "key_")
}

fn paid(books: &mut Books, id: &str, canceled: i64) {
    let payment = books.payments.get_mut(id).unwrap();
    payment.captured = AMOUNT;
    payment.canceled = canceled;
    payment.paid_by = Some(key_of(id));
}

fn payment(books: &mut Books, id: &str, story: &[Chapter]) {
    let mut head = seal::GENESIS.to_vec();
    let mut status: Option<String> = None;
    for (sequence, chapter) in (1..).zip(story) {
        let mut event = event(id, sequence, chapter);
        event.from = status.replace(chapter.to.to_owned());
        event.previous.clone_from(&head);
        event.hash = seal::hash(&event.previous, &event);
        head.clone_from(&event.hash);
        books.events.push(event);
    }
    let payment = Payment {
        id: id.to_owned(),
        merchant: "mer_1".to_owned(),
        mode: "test".to_owned(),
        order_id: order_of(id),
        status: status.unwrap(),
        saga: None,
        amount: AMOUNT,
        currency: "KRW".to_owned(),
        captured: 0,
        canceled: 0,
        cancels: None,
        paid_by: None,
        account: None,
        head_sequence: i64::try_from(story.len()).unwrap(),
        head_hash: head,
    };
    books.payments.insert(id.to_owned(), payment);
    books
        .gateway_orders
        .insert(format!("order of {id}"), id.to_owned());
}

fn event(payment: &str, sequence: i64, chapter: &Chapter) -> Event {
    let mut payload = json!({
        "orderId": order_of(payment), "amount": AMOUNT, "currency": "KRW",
        "balance": chapter.balance,
    });
    if let Some(saga) = chapter.saga {
        payload["sagaId"] = saga.into();
    }
    if let Some((name, amount)) = chapter.moves {
        payload["movement"] = json!({ "paymentKey": key_of(payment), "amount": amount });
        if let Some(transaction) = name.strip_prefix("cancel:") {
            payload["movement"]["transactionKey"] = transaction.into();
        }
    }
    Event {
        merchant: "mer_1".to_owned(),
        mode: "test".to_owned(),
        payment: payment.to_owned(),
        sequence,
        kind: chapter.kind.to_owned(),
        from: None,
        to: chapter.to.to_owned(),
        actor: chapter.actor.to_owned(),
        reason: None,
        trace: "0".repeat(32),
        at: 1_700_000_000_000_000,
        payload: payload.to_string().into_bytes(),
        previous: Vec::new(),
        hash: Vec::new(),
    }
}

fn saga(books: &mut Books, (id, kind, amount): (&str, &str, i64), payment: &str, outcome: &str) {
    let saga = Saga {
        id: id.to_owned(),
        kind: kind.to_owned(),
        payment: payment.to_owned(),
        payment_key: Some(key_of(payment)),
        amount,
        phase: "CLOSED".to_owned(),
        outcome: Some(outcome.to_owned()),
        outcome_code: None,
        reversal: (outcome == "MISFIT").then(|| "sag_3".to_owned()),
        keyed: true,
        actor: "MERCHANT".to_owned(),
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

fn movement(
    books: &mut Books,
    lines: &mut Vec<Line>,
    payment: &str,
    (kind, amount, saga): (&str, i64, &str),
) {
    let capture = kind == "capture";
    let owner = if payment == ABORTED {
        "suspense"
    } else {
        "merchant_payable"
    };
    let transaction_key = payment.replace("pay_", &format!("{kind} "));
    let (debit, credit) = if capture {
        ("gateway_receivable", owner)
    } else {
        (owner, "gateway_receivable")
    };
    books.entries.push(Entry {
        payment: payment.to_owned(),
        payment_key: key_of(payment),
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
    lines.push(Line {
        kind: if capture {
            Movement::Capture
        } else {
            Movement::Cancel
        },
        payment_key: key_of(payment),
        order_id: format!("order of {payment}"),
        transaction_key,
        amount,
        currency: "KRW".to_owned(),
        idempotency_key: Some(format!("{saga}-1")),
    });
}
