//! Owns the writes of payments and their gateway orders.

use diesel::prelude::{ExpressionMethods, QueryDsl};
use diesel::{QueryResult, insert_into};
use domain::change::GatewayOrder;
use domain::payment::Payment;

use crate::adapters::persistence::connection::{Connection, RunQueryDsl};
use crate::adapters::persistence::dialect::Steady;
use crate::adapters::persistence::payments::{GatewayOrderRow, PaymentRow, StandingRow};
use crate::adapters::persistence::schema::{gateway_orders, payments};

pub(super) async fn insert(payment: &Payment, mut conn: Connection<'_>) -> QueryResult<usize> {
    let row = PaymentRow::from(payment);
    insert_into(payments::table)
        .values(row)
        .execute(&mut conn)
        .await
}

pub(super) async fn update(
    payment: &Payment,
    expected: i64,
    mut conn: Connection<'_>,
) -> QueryResult<usize> {
    let as_expected = payments::table
        .find(payment.facts.id.to_string())
        .filter(payments::version.eq(expected));
    Steady(diesel::update(as_expected).set(StandingRow::from(payment)))
        .execute(&mut conn)
        .await
}

pub(super) async fn insert_order(
    order: &GatewayOrder,
    mut conn: Connection<'_>,
) -> QueryResult<usize> {
    let row = GatewayOrderRow::from(order);
    insert_into(gateway_orders::table)
        .values(row)
        .execute(&mut conn)
        .await
}
