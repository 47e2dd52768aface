//! Owns the writes of the ledger and the event log: only ever a new line.

use diesel::{QueryResult, insert_into};
use domain::event::PaymentEvent;
use domain::ledger::Entry;

use crate::adapters::persistence::books::{EntryRow, EventRow};
use crate::adapters::persistence::connection::{Connection, RunQueryDsl};
use crate::adapters::persistence::schema::{entries, events};

pub(super) async fn insert_entry(entry: &Entry, mut conn: Connection<'_>) -> QueryResult<usize> {
    let row = EntryRow::from(entry);
    insert_into(entries::table)
        .values(row)
        .execute(&mut conn)
        .await
}

pub(super) async fn append_event(
    event: &PaymentEvent,
    mut conn: Connection<'_>,
) -> QueryResult<usize> {
    let row = EventRow::from(event);
    insert_into(events::table)
        .values(row)
        .execute(&mut conn)
        .await
}
