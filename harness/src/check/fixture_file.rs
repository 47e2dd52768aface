//! Owns writing fixture books into a SQLite file with the service's own tables.

use std::path::Path;

use rusqlite::{Connection, params};

use super::fixture_billing;
use crate::books::{Books, Entry, Event, Key, Payment, Saga};

const MIGRATIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations/sqlite");

/// Writes everything but what no check looks at, which gets some value.
pub(super) fn write(file: &Path, books: &Books) {
    let database = Connection::open(file).unwrap();
    migrate(&database);
    // Short ids read better in failures; the service's own writes obey every CHECK.
    database
        .execute_batch("PRAGMA ignore_check_constraints = ON")
        .unwrap();
    database.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    for row in books.payments.values() {
        payment(&database, row);
    }
    for (id, of) in &books.gateway_orders {
        let sql = "INSERT INTO gateway_orders (id, payment_id, created_at) VALUES (?1, ?2, 0)";
        database.execute(sql, params![id, of]).unwrap();
    }
    books.sagas.values().for_each(|row| saga(&database, row));
    books.entries.iter().for_each(|row| entry(&database, row));
    books.events.iter().for_each(|row| event(&database, row));
    books.keys.iter().for_each(|row| key(&database, row));
    fixture_billing::write(&database, books);
    feed(&database, books);
}

/// The event log's own trigger let every event wait.
fn feed(database: &Connection, books: &Books) {
    for row in &books.feed {
        let sql = "INSERT INTO feed (position, merchant_id, mode, payment_id, sequence)
                   VALUES (?1, ?2, ?3, ?4, ?5)";
        let values = params![
            row.position,
            row.merchant,
            row.mode,
            row.payment,
            row.sequence
        ];
        database.execute(sql, values).unwrap();
        let sql = "DELETE FROM unsequenced WHERE payment_id = ?1 AND sequence = ?2";
        database
            .execute(sql, params![row.payment, row.sequence])
            .unwrap();
    }
}

fn migrate(database: &Connection) {
    let listed = std::fs::read_dir(MIGRATIONS).unwrap();
    let mut folders: Vec<_> = listed.map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    for folder in folders {
        let sql = std::fs::read_to_string(folder.join("up.sql")).unwrap();
        database.execute_batch(&sql).unwrap();
    }
}

fn payment(database: &Connection, row: &Payment) {
    let sql = "
        INSERT INTO payments (
            id, merchant_id, mode, order_id, status, saga_id, amount, currency, captured, canceled,
            payment_key, event_sequence, event_hash, gateway_account_id, order_name, tax_free,
            kind, created_at, expires_at, version, cancels, account_key
        )
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, 'gwa', 'x', 0, 'ONE_OFF',
            0, 0, 1, ?14, ?15)";
    let values = params![
        row.id,
        row.merchant,
        row.mode,
        row.order_id,
        row.status,
        row.saga,
        row.amount,
        row.currency,
        row.captured,
        row.canceled,
        row.paid_by,
        row.head_sequence,
        row.head_hash,
        row.cancels,
        row.account,
    ];
    database.execute(sql, values).unwrap();
}

fn saga(database: &Connection, row: &Saga) {
    let sql = "
        INSERT INTO sagas (
            id, kind, payment_id, payment_key, amount, phase, outcome, keyed, merchant_id, mode,
            gateway_account_id, gateway_order_id, currency, tax_free, actor, credential_version,
            trace_id, created_at, n, unanswered, asks, heard, refundable, intent_at, due_at,
            version, reversal_id
        )
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'mer', 'test', 'gwa', 'gwo', 'KRW', 0, ?10,
            1, '', 0, 1, 0, 0, 'NOTHING', 0, 0, 0, 1, ?9)";
    let values = params![
        row.id,
        row.kind,
        row.payment,
        row.payment_key,
        row.amount,
        row.phase,
        row.outcome,
        row.keyed,
        row.reversal,
        row.actor,
    ];
    database.execute(sql, values).unwrap();
}

fn entry(database: &Connection, row: &Entry) {
    let sql = "
        INSERT INTO entries (
            payment_id, payment_key, movement, debit, credit, amount, currency, transaction_key,
            merchant_id, mode, gateway_account_id, booked_at
        )
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'mer', 'test', 'gwa', 0)";
    let values = params![
        row.payment,
        row.payment_key,
        row.movement,
        row.debit,
        row.credit,
        row.amount,
        row.currency,
        row.transaction_key,
    ];
    database.execute(sql, values).unwrap();
}

fn event(database: &Connection, row: &Event) {
    let sql = "
        INSERT INTO events (
            merchant_id, mode, payment_id, sequence, kind, from_status, to_status, actor, reason,
            trace_id, occurred_at, payload, previous_hash, hash
        )
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
    let values = params![
        row.merchant,
        row.mode,
        row.payment,
        row.sequence,
        row.kind,
        row.from,
        row.to,
        row.actor,
        row.reason,
        row.trace,
        row.at,
        row.payload,
        row.previous,
        row.hash,
    ];
    database.execute(sql, values).unwrap();
}

fn key(database: &Connection, row: &Key) {
    let sql = "
        INSERT INTO idempotency_keys (
            merchant_id, mode, member, key, payment_id, saga_id, outcome, fingerprint,
            patience_until, created_at
        )
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, x'00', 0, 0)";
    let outcome = row.has_outcome.then_some(b"{}");
    let values = params![
        row.merchant,
        row.mode,
        row.member,
        row.name,
        row.payment,
        row.saga,
        outcome
    ];
    database.execute(sql, values).unwrap();
}
