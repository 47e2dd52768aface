//! Owns the writes of billing keys: their start and, under the fence, every move.

use diesel::prelude::{ExpressionMethods, NullableExpressionMethods, QueryDsl};
use diesel::{QueryResult, insert_into, update};
use domain::billing::{BillingKey, Change};
use domain::change::Hold;

use super::Touched;
use crate::adapters::persistence::billing::{KeyRow, MoveRow};
use crate::adapters::persistence::connection::{Connection, RunQueryDsl};
use crate::adapters::persistence::dialect::{Steady, db_now_plus};
use crate::adapters::persistence::schema::billing_keys;
use crate::adapters::persistence::types::AsInstant;

/// The one statement that a change is.
pub(super) fn statement<'c>(change: &'c Change, conn: Connection<'c>) -> Touched<'c> {
    match change {
        Change::Insert(key) => Box::pin(insert(key, conn)),
        Change::Update {
            key,
            expected,
            hold,
        } => Box::pin(moved(key, *expected, *hold, conn)),
    }
}

async fn insert(key: &BillingKey, mut conn: Connection<'_>) -> QueryResult<usize> {
    insert_into(billing_keys::table)
        .values(KeyRow::from(key))
        .execute(&mut conn)
        .await
}

/// A key without work loses its holder; any other keeps the one it has, or gets the one who begins.
async fn moved(
    key: &BillingKey,
    expected: i64,
    hold: Option<Hold>,
    mut conn: Connection<'_>,
) -> QueryResult<usize> {
    let as_expected = billing_keys::table
        .find(key.id.to_string())
        .filter(billing_keys::version.eq(expected));
    let row = MoveRow::from(key);
    if let Some(hold) = hold {
        let taken = (
            billing_keys::holder.eq(hold.holder.to_string()),
            billing_keys::lease_until.eq(db_now_plus(hold.lease).nullable()),
        );
        return Steady(update(as_expected).set((row, taken)))
            .execute(&mut conn)
            .await;
    }
    if key.work().is_some() {
        return Steady(update(as_expected).set(row))
            .execute(&mut conn)
            .await;
    }
    let nobody = (
        billing_keys::holder.eq(None::<&str>),
        billing_keys::lease_until.eq(None::<AsInstant>),
    );
    Steady(update(as_expected).set((row, nobody)))
        .execute(&mut conn)
        .await
}
