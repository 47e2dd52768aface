//! Owns the writes about who reads what of the feed.

use std::time::Duration;

use diesel::prelude::{ExpressionMethods, QueryDsl};
use diesel::{QueryResult, delete, insert_into, update};
use domain::feed::{Change, Cursor, Epoch, Parked, ParkedKey, Reader};
use domain::lease::Tenure;

use super::Touched;
use crate::adapters::persistence::connection::{Connection, RunQueryDsl};
use crate::adapters::persistence::dialect::{Steady, db_now_plus};
use crate::adapters::persistence::feed::ParkedRow;
use crate::adapters::persistence::schema::{cursors, epochs, leases, parked};
use crate::adapters::persistence::types::{AsInstant, free_text};

/// The one statement that a change is.
pub(super) fn statement<'c>(change: &'c Change, conn: Connection<'c>) -> Touched<'c> {
    match change {
        Change::KeepLease { tenure, lease } => Box::pin(keep_lease(tenure, *lease, conn)),
        Change::StartCursor { reader, at } => Box::pin(start_cursor(reader, *at, conn)),
        Change::MoveCursor { reader, from, to } => {
            Box::pin(move_cursor(reader, (*from, *to), conn))
        }
        Change::Park(event) => Box::pin(park(event, conn)),
        Change::KeepParked { key, reason } => Box::pin(keep_parked(key, reason, conn)),
        Change::AskReplay(key) => Box::pin(ask_replay(key, conn)),
        Change::Unpark(key) => Box::pin(unpark(key, conn)),
        Change::RaiseEpoch(epoch) => Box::pin(raise_epoch(epoch, conn)),
    }
}

/// Holds the row until the transaction ends, so that nobody takes the job before.
pub(in crate::adapters::persistence) async fn keep_lease(
    tenure: &Tenure,
    lease: Duration,
    mut conn: Connection<'_>,
) -> QueryResult<usize> {
    let ours = leases::table
        .find(tenure.job.as_str())
        .filter(leases::fence.eq(tenure.fence));
    Steady(update(ours).set(leases::until.eq(db_now_plus(lease))))
        .execute(&mut conn)
        .await
}

async fn start_cursor(reader: &Reader, at: Cursor, mut conn: Connection<'_>) -> QueryResult<usize> {
    insert_into(cursors::table)
        .values((
            cursors::reader.eq(reader.as_str()),
            cursors::epoch.eq(at.epoch),
            cursors::position.eq(at.position),
        ))
        .execute(&mut conn)
        .await
}

async fn move_cursor(
    reader: &Reader,
    (from, to): (Cursor, Cursor),
    mut conn: Connection<'_>,
) -> QueryResult<usize> {
    let as_expected = cursors::table
        .find(reader.as_str())
        .filter(cursors::epoch.eq(from.epoch))
        .filter(cursors::position.eq(from.position));
    let there = (
        cursors::epoch.eq(to.epoch),
        cursors::position.eq(to.position),
    );
    Steady(update(as_expected).set(there))
        .execute(&mut conn)
        .await
}

async fn park(event: &Parked, mut conn: Connection<'_>) -> QueryResult<usize> {
    insert_into(parked::table)
        .values(ParkedRow::from(event))
        .execute(&mut conn)
        .await
}

async fn keep_parked(
    key: &ParkedKey,
    reason: &str,
    mut conn: Connection<'_>,
) -> QueryResult<usize> {
    let row = parked::table.find(key_of(key));
    update(row)
        .set((
            parked::reason.eq(free_text(reason)),
            parked::asked.eq(false),
        ))
        .execute(&mut conn)
        .await
}

async fn ask_replay(key: &ParkedKey, mut conn: Connection<'_>) -> QueryResult<usize> {
    let row = parked::table.find(key_of(key));
    update(row)
        .set(parked::asked.eq(true))
        .execute(&mut conn)
        .await
}

async fn unpark(key: &ParkedKey, mut conn: Connection<'_>) -> QueryResult<usize> {
    delete(parked::table.find(key_of(key)))
        .execute(&mut conn)
        .await
}

fn key_of(key: &ParkedKey) -> (&str, String, i64) {
    (key.reader.as_str(), key.subject.to_string(), key.sequence)
}

async fn raise_epoch(epoch: &Epoch, mut conn: Connection<'_>) -> QueryResult<usize> {
    insert_into(epochs::table)
        .values((
            epochs::number.eq(epoch.number),
            epochs::raised_at.eq(AsInstant(epoch.raised_at)),
            epochs::why.eq(free_text(&epoch.why)),
        ))
        .execute(&mut conn)
        .await
}
