//! Owns the proof that the checks can fail: books that are right are corrupted in ways that bugs
//! would, and each corruption has to be found for what it is.

use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use serde::Serialize;

use super::{Findings, Invariant, compare, seal};
use crate::books::{Books, Target};
use crate::output;
use crate::sandbox::{Line, Movement};

/// One way to be wrong.
struct Corruption {
    name: &'static str,
    /// The invariant that it breaks.
    breaks: Invariant,
    how: How,
}

/// Where it is put in.
enum How {
    /// Into a copy of the database; it must change a row.
    Sql(&'static str),
    /// Into what was read: it takes more than SQL to do it well.
    Read(fn(&mut Books, &mut Vec<Line>) -> Option<()>),
}

/// A payment that is approved and untouched since.
const DONE: &str = "(SELECT MIN(id) FROM payments WHERE status = 'DONE')";

const CORRUPTIONS: &[Corruption] = &[
    sql(
        "capture not booked",
        Invariant::I1,
        "DELETE FROM entries WHERE payment_id = $done",
    ),
    sql(
        "capture booked with another amount",
        Invariant::I1,
        "UPDATE entries SET amount = amount + 1 WHERE payment_id = $done",
    ),
    sql(
        "booked under a payment key that took nothing",
        Invariant::I1,
        "UPDATE entries SET payment_key = payment_key || 'x' WHERE payment_id = $done",
    ),
    read("two captures of one order kept", Invariant::I2, keep_two),
    sql(
        "cycle that was paid left out",
        Invariant::I3,
        "UPDATE cycles SET status = 'SKIPPED' WHERE status = 'PAID'",
    ),
    sql(
        "cycle paid by nobody",
        Invariant::I3,
        "UPDATE cycles SET status = 'PAID' WHERE status = 'WAITING'",
    ),
    sql(
        "cycle missing",
        Invariant::I3,
        "DELETE FROM cycles WHERE status = 'PAID'",
    ),
    sql(
        "charge approved and nothing booked for its payment",
        Invariant::I8,
        "UPDATE payments SET payment_key = 'x'
         WHERE id = (SELECT MIN(payment_id) FROM sagas WHERE kind = 'CHARGE')",
    ),
    read(
        "more given back than captured",
        Invariant::I4,
        give_back_too_much,
    ),
    sql(
        "given back in the sums and told by no event",
        Invariant::I4,
        "UPDATE payments SET canceled = canceled + 1 WHERE id = $done",
    ),
    sql(
        "given back in the books alone",
        Invariant::I4,
        "INSERT INTO entries (merchant_id, mode, gateway_account_id, payment_key, movement,
             payment_id, debit, credit, currency, amount, booked_at)
         SELECT merchant_id, mode, gateway_account_id, payment_key, 'cancel:x', payment_id, credit,
             debit, currency, 1, booked_at
         FROM entries WHERE payment_id = $done",
    ),
    sql(
        "wrong capture forgotten in suspense",
        Invariant::I5,
        "UPDATE entries SET credit = 'suspense' WHERE payment_id = $done",
    ),
    sql(
        "captured sum not that of the entries",
        Invariant::I5,
        "UPDATE payments SET captured = captured + 10, amount = amount + 10 WHERE id = $done",
    ),
    sql(
        "cancellation listed that no entry knows",
        Invariant::I5,
        r#"UPDATE payments SET cancels = '[{"transactionKey":"x","amount":0}]' WHERE id = $done"#,
    ),
    sql(
        "event lost from the middle",
        Invariant::I6,
        "DELETE FROM events WHERE payment_id = $done AND sequence = 2",
    ),
    sql(
        "reason of an event rewritten",
        Invariant::I6,
        "UPDATE events SET reason = 'rewritten' WHERE payment_id = $done AND sequence = 1",
    ),
    read(
        "forbidden shortcut, hashes recomputed",
        Invariant::I6,
        shortcut,
    ),
    sql(
        "capture booked and told by no event",
        Invariant::I7,
        "DELETE FROM events WHERE payment_id = $done AND kind = 'payment.approved'",
    ),
    sql(
        "event tells of another saga",
        Invariant::I7,
        "UPDATE events SET payload = CAST(replace(payload, 'sag_', 'sag_x') AS BLOB)
         WHERE payment_id = $done AND kind = 'payment.approved'",
    ),
    sql(
        "saga never finished",
        Invariant::I8,
        "UPDATE sagas SET phase = 'ASK', outcome = NULL WHERE payment_id = $done",
    ),
    sql(
        "payment that waits for nobody",
        Invariant::I8,
        "UPDATE payments SET status = 'IN_PROGRESS', captured = 0 WHERE id = $done",
    ),
    sql(
        "outcome lost from its key",
        Invariant::I9,
        "UPDATE idempotency_keys SET outcome = NULL WHERE payment_id = $done",
    ),
    read("one saga moved money twice", Invariant::I9, move_twice),
    sql(
        "CANCELED with money left",
        Invariant::Balance,
        "UPDATE payments SET status = 'CANCELED' WHERE id = $done",
    ),
    sql(
        "event that has no position and waits for none",
        Invariant::Feed,
        "DELETE FROM feed WHERE position = (SELECT MAX(position) FROM feed)",
    ),
    sql(
        "position skipped",
        Invariant::Feed,
        "UPDATE feed SET position = position + 1
         WHERE position = (SELECT MAX(position) FROM feed)",
    ),
    sql(
        "subscription of whose beginning nobody is told",
        Invariant::Feed,
        "UPDATE subscription_events SET kind = 'subscription.refunded' WHERE sequence = 1",
    ),
    sql(
        "event told out of its payment's order",
        Invariant::Feed,
        "UPDATE feed SET sequence = 99 WHERE payment_id = $done AND sequence = 1",
    ),
];

const fn sql(name: &'static str, breaks: Invariant, statement: &'static str) -> Corruption {
    Corruption {
        name,
        breaks,
        how: How::Sql(statement),
    }
}

const fn read(
    name: &'static str,
    breaks: Invariant,
    change: fn(&mut Books, &mut Vec<Line>) -> Option<()>,
) -> Corruption {
    Corruption {
        name,
        breaks,
        how: How::Read(change),
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Figures {
    corruptions: usize,
    found: usize,
    missed: Vec<&'static str>,
}

/// Corrupts a copy each; whether all were found.
pub(super) async fn run(target: &Target, lines: &[Line]) -> anyhow::Result<bool> {
    let Target::Sqlite(path) = target else {
        bail!("the self-test corrupts copies of a SQLite file");
    };
    let mut missed = Vec::new();
    for corruption in CORRUPTIONS {
        let findings = findings(corruption, path, lines)
            .await
            .context(corruption.name)?;
        let found = findings
            .breaches
            .iter()
            .find(|breach| breach.invariant == corruption.breaks);
        match found {
            Some(breach) => {
                output::say(&format!("found {}: {}", corruption.name, breach.invariant));
            }
            None => missed.push(corruption.name),
        }
    }
    let found = CORRUPTIONS.len().saturating_sub(missed.len());
    let all = missed.is_empty();
    output::print_json(&Figures {
        corruptions: CORRUPTIONS.len(),
        found,
        missed,
    });
    Ok(all)
}

async fn findings(
    corruption: &Corruption,
    original: &Path,
    lines: &[Line],
) -> anyhow::Result<Findings> {
    let folder = tempfile::tempdir()?;
    let copy = folder.path().join("copy.db");
    copy_file(original, &copy)?;
    let mut lines = lines.to_vec();
    if let How::Sql(statement) = corruption.how {
        corrupt(&copy, statement)?;
    }
    let mut books = Books::read(&Target::Sqlite(copy)).await?;
    if let How::Read(change) = corruption.how {
        change(&mut books, &mut lines).context("the books hold nothing to corrupt so")?;
    }
    Ok(compare(&books, &lines))
}

fn copy_file(original: &Path, copy: &Path) -> anyhow::Result<()> {
    let connection = rusqlite::Connection::open(original)?;
    let copy = copy.to_str().context("a path that is not UTF-8")?;
    connection.execute("VACUUM INTO ?1", [copy])?;
    Ok(())
}

/// Changes rows that the database itself would protect.
fn corrupt(path: &Path, statement: &str) -> anyhow::Result<()> {
    let connection = rusqlite::Connection::open(path)?;
    connection.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON")?;
    let mut listed = connection.prepare("SELECT name FROM sqlite_master WHERE type = 'trigger'")?;
    let triggers: Result<Vec<String>, _> = listed.query_map([], |row| row.get(0))?.collect();
    for trigger in triggers? {
        connection.execute_batch(&format!("DROP TRIGGER \"{trigger}\""))?;
    }
    let changed = connection.execute(&statement.replace("$done", DONE), [])?;
    ensure!(changed > 0, "the books hold no row to corrupt so");
    Ok(())
}

/// The capture of some payment that is DONE.
fn capture(books: &Books, lines: &[Line]) -> Option<Line> {
    let kept = lines.iter().find(|line| {
        let payment = books.gateway_orders.get(&line.order_id);
        let payment = payment.and_then(|id| books.payments.get(id));
        line.kind == Movement::Capture && payment.is_some_and(|payment| payment.status == "DONE")
    });
    kept.cloned()
}

/// Both sides agree on a second capture of an order that was captured already.
fn keep_two(books: &mut Books, lines: &mut Vec<Line>) -> Option<()> {
    let mut line = capture(books, lines)?;
    let mut entry = books
        .entries
        .iter()
        .find(|entry| entry.payment_key == line.payment_key)?
        .clone();
    line.payment_key.push('2');
    line.idempotency_key = None;
    entry.payment_key.clone_from(&line.payment_key);
    lines.push(line);
    books.entries.push(entry);
    Some(())
}

/// Both sides agree on a cancellation that is larger than the capture.
fn give_back_too_much(books: &mut Books, lines: &mut Vec<Line>) -> Option<()> {
    let mut line = capture(books, lines)?;
    let mut entry = books
        .entries
        .iter()
        .find(|entry| entry.payment_key == line.payment_key)?
        .clone();
    line.kind = Movement::Cancel;
    line.transaction_key.push('c');
    line.amount = line.amount.saturating_add(1);
    line.idempotency_key = None;
    entry.movement = format!("cancel:{}", line.transaction_key);
    entry.transaction_key = Some(line.transaction_key.clone());
    entry.amount = line.amount;
    std::mem::swap(&mut entry.debit, &mut entry.credit);
    lines.push(line);
    books.entries.push(entry);
    Some(())
}

/// READY straight to DONE, and every hash after it made to fit.
#[expect(clippy::ptr_arg, reason = "of the shape of its siblings")]
fn shortcut(books: &mut Books, lines: &mut Vec<Line>) -> Option<()> {
    let line = capture(books, lines)?;
    let id = books.gateway_orders.get(&line.order_id)?.clone();
    books
        .events
        .retain(|event| event.payment != id || event.sequence != 2);
    let mut events: Vec<_> = books
        .events
        .iter_mut()
        .filter(|event| event.payment == id)
        .collect();
    events.sort_by_key(|event| event.sequence);
    let mut head = seal::GENESIS.to_vec();
    let mut status: Option<String> = None;
    for (sequence, event) in (1..).zip(events) {
        event.sequence = sequence;
        event.from = status.replace(event.to.clone());
        event.previous.clone_from(&head);
        head = seal::hash(&event.previous, event);
        event.hash.clone_from(&head);
    }
    let payment = books.payments.get_mut(&id)?;
    payment.head_sequence = payment.head_sequence.checked_sub(1)?;
    payment.head_hash = head;
    Some(())
}

/// The same saga under its next key, at the gateway and in the books.
fn move_twice(books: &mut Books, lines: &mut Vec<Line>) -> Option<()> {
    let mut line = capture(books, lines)?;
    let (saga, _) = line.idempotency_key.as_ref()?.rsplit_once('-')?;
    line.idempotency_key = Some(format!("{saga}-2"));
    lines.push(line);
    Some(())
}
