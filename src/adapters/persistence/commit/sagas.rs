//! Owns the writes of sagas: their start and, under the fence, their progress.

use diesel::prelude::{ExpressionMethods, NullableExpressionMethods, QueryDsl};
use diesel::{QueryResult, insert_into};
use domain::change::Hold;
use domain::saga::Saga;

use crate::adapters::persistence::connection::{Connection, RunQueryDsl};
use crate::adapters::persistence::dialect::{Steady, db_now_plus};
use crate::adapters::persistence::sagas::{ProgressRow, SagaRow};
use crate::adapters::persistence::schema::sagas;
use crate::adapters::persistence::types::AsInstant;

pub(super) async fn insert(
    saga: &Saga,
    hold: Option<Hold>,
    mut conn: Connection<'_>,
) -> QueryResult<usize> {
    let row = SagaRow::from(saga);
    let Some(hold) = hold else {
        return insert_into(sagas::table)
            .values(row)
            .execute(&mut conn)
            .await;
    };
    let taken = (
        sagas::holder.eq(hold.holder.to_string()),
        sagas::lease_until.eq(db_now_plus(hold.lease).nullable()),
    );
    insert_into(sagas::table)
        .values((row, taken))
        .execute(&mut conn)
        .await
}

/// A saga that rests loses its holder; any other keeps it.
pub(super) async fn update(
    saga: &Saga,
    expected: i64,
    mut conn: Connection<'_>,
) -> QueryResult<usize> {
    let as_expected = sagas::table
        .find(saga.head.id.to_string())
        .filter(sagas::version.eq(expected));
    let progress = ProgressRow::from(saga);
    if !saga.is_closed() {
        return Steady(diesel::update(as_expected).set(progress))
            .execute(&mut conn)
            .await;
    }
    let no_hold = (
        sagas::holder.eq(None::<&str>),
        sagas::lease_until.eq(None::<AsInstant>),
    );
    Steady(diesel::update(as_expected).set((progress, no_hold)))
        .execute(&mut conn)
        .await
}
