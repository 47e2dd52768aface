//! Owns the writes of idempotency keys.

use diesel::prelude::{ExpressionMethods, QueryDsl};
use diesel::{QueryResult, insert_into, update};
use domain::id::SagaId;
use domain::idempotency::{IssuedKey, Reservation};

use crate::adapters::persistence::connection::{Connection, RunQueryDsl};
use crate::adapters::persistence::dialect::Steady;
use crate::adapters::persistence::keys::{IssuedKeyRow, ReservationRow};
use crate::adapters::persistence::schema::{idempotency_keys, issued_keys};

pub(super) async fn reserve(
    reservation: &Reservation,
    mut conn: Connection<'_>,
) -> QueryResult<usize> {
    let row = ReservationRow::from(reservation);
    insert_into(idempotency_keys::table)
        .values(row)
        .execute(&mut conn)
        .await
}

pub(super) async fn finish(
    saga: SagaId,
    outcome: &[u8],
    mut conn: Connection<'_>,
) -> QueryResult<usize> {
    let waiting = idempotency_keys::table
        .filter(idempotency_keys::saga_id.eq(saga.to_string()))
        .filter(idempotency_keys::outcome.is_null());
    Steady(update(waiting).set(idempotency_keys::outcome.eq(outcome)))
        .execute(&mut conn)
        .await
}

pub(super) async fn issue(issued: &IssuedKey, mut conn: Connection<'_>) -> QueryResult<usize> {
    let row = IssuedKeyRow::from(issued);
    insert_into(issued_keys::table)
        .values(row)
        .execute(&mut conn)
        .await
}
