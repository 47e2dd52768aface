//! Owns what the two databases say differently: fragments with one spelling per database, and the
//! conditions that have to be literal for a partial index to serve them.

use std::time::Duration;

use diesel::backend::Backend;
use diesel::dsl::sql;
use diesel::expression::{
    AppearsOnTable, Expression, SelectableExpression, SqlLiteral, ValidGrouping, is_aggregate,
};
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use diesel::sqlite::Sqlite;
use diesel::{QueryResult, Selectable};

use super::schema::{
    billing_keys, cycle_holds, deliveries, idempotency_keys, issued_keys, step_up_challenges,
};
use super::types::Instant;

/// A select whose rows nobody else is given until the transaction ends. SQLite needs no word for
/// it: `BEGIN IMMEDIATE` excludes every other writer.
#[derive(Clone, Copy, Debug, QueryId)]
pub(super) struct SkipLocked<Q>(pub(super) Q);

impl<Q: Query> Query for SkipLocked<Q> {
    type SqlType = Q::SqlType;
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for SkipLocked<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(" FOR UPDATE SKIP LOCKED");
        Ok(())
    }
}

impl<Q: QueryFragment<Sqlite>> QueryFragment<Sqlite> for SkipLocked<Q> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }
}

/// A write whose text is the same every time, so that it is prepared once per connection. diesel
/// prepares each update anew, because a changeset may leave columns out; ours never do.
#[derive(Clone, Copy, Debug, QueryId)]
pub(super) struct Steady<Q>(pub(super) Q);

impl<Q: QueryFragment<DB>, DB: Backend> QueryFragment<DB> for Steady<Q> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }

    fn is_safe_to_cache_prepared(&self, _: &DB) -> QueryResult<bool> {
        Ok(true)
    }
}

/// An optional condition: itself, or `TRUE`. Boxing would fix the database instead.
#[derive(Clone, Copy, Debug)]
pub(super) struct When<E>(Option<E>);

/// The condition where there is one.
pub(super) fn when<E>(condition: Option<E>) -> When<E> {
    When(condition)
}

// The text depends on the value: statements are cached by their text, not by their type.
impl<E> QueryId for When<E> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<E: Expression> Expression for When<E> {
    type SqlType = E::SqlType;
}

impl<E: AppearsOnTable<T>, T> AppearsOnTable<T> for When<E> {}
impl<E: SelectableExpression<T>, T> SelectableExpression<T> for When<E> {}

impl<E, G> ValidGrouping<G> for When<E> {
    type IsAggregate = is_aggregate::No;
}

impl<E: QueryFragment<DB>, DB: Backend> QueryFragment<DB> for When<E> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        if let Some(condition) = &self.0 {
            condition.walk_ast(out)
        } else {
            out.push_sql("TRUE");
            Ok(())
        }
    }
}

/// Whether an idempotency key is among the keys that a query selects: diesel has no word for a
/// row on the left of IN, and neither database another that bounds a DELETE.
#[derive(Clone, Copy, Debug, QueryId)]
pub(super) struct KeyAmong<Q>(pub(super) Q);

impl<Q> Expression for KeyAmong<Q> {
    type SqlType = Bool;
}

impl<Q> AppearsOnTable<idempotency_keys::table> for KeyAmong<Q> {}
impl<Q> AppearsOnTable<issued_keys::table> for KeyAmong<Q> {}

impl<Q, G> ValidGrouping<G> for KeyAmong<Q> {
    type IsAggregate = is_aggregate::No;
}

impl<Q: QueryFragment<DB>, DB: Backend> QueryFragment<DB> for KeyAmong<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("(merchant_id, mode, member, key) IN (");
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(")");
        Ok(())
    }
}

/// Whether a row's id is among those that a query selects: diesel has no word for a table that is
/// asked about itself.
#[derive(Clone, Copy, Debug, QueryId)]
pub(super) struct IdAmong<Q>(pub(super) Q);

impl<Q> Expression for IdAmong<Q> {
    type SqlType = Bool;
}

impl<Q> AppearsOnTable<step_up_challenges::table> for IdAmong<Q> {}
impl<Q> AppearsOnTable<billing_keys::table> for IdAmong<Q> {}

impl<Q, G> ValidGrouping<G> for IdAmong<Q> {
    type IsAggregate = is_aggregate::No;
}

impl<Q: QueryFragment<DB>, DB: Backend> QueryFragment<DB> for IdAmong<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("id IN (");
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(")");
        Ok(())
    }
}

/// Whether a delivery is among those that a query selects, by endpoint and position.
#[derive(Clone, Copy, Debug, QueryId)]
pub(super) struct DeliveryAmong<Q>(pub(super) Q);

impl<Q> Expression for DeliveryAmong<Q> {
    type SqlType = Bool;
}

impl<Q> AppearsOnTable<deliveries::table> for DeliveryAmong<Q> {}

impl<Q, G> ValidGrouping<G> for DeliveryAmong<Q> {
    type IsAggregate = is_aggregate::No;
}

impl<Q: QueryFragment<DB>, DB: Backend> QueryFragment<DB> for DeliveryAmong<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("(endpoint_id, position) IN (");
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(")");
        Ok(())
    }
}

/// Whether a hold is of a cycle that a query selects, by subscription and number.
#[derive(Clone, Copy, Debug, QueryId)]
pub(super) struct CycleAmong<Q>(pub(super) Q);

impl<Q> Expression for CycleAmong<Q> {
    type SqlType = Bool;
}

impl<Q> AppearsOnTable<cycle_holds::table> for CycleAmong<Q> {}

impl<Q, G> ValidGrouping<G> for CycleAmong<Q> {
    type IsAggregate = is_aggregate::No;
}

impl<Q: QueryFragment<DB>, DB: Backend> QueryFragment<DB> for CycleAmong<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("(subscription_id, number) IN (");
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(")");
        Ok(())
    }
}

/// The database's own time, so many microseconds from now. Leases are measured by it, because
/// the clocks of several services differ.
#[derive(Clone, Copy, Debug, QueryId)]
pub(super) struct DbTime {
    ahead_micros: i64,
}

/// The database's time.
pub(super) fn db_now() -> DbTime {
    DbTime { ahead_micros: 0 }
}

/// The database's time, `pause` from now.
pub(super) fn db_now_plus(pause: Duration) -> DbTime {
    // No lease is longer than a century, and a century added to a date overflows nothing.
    const CENTURY_MICROS: i64 = 3_155_760_000_000_000;
    let micros = i64::try_from(pause.as_micros()).unwrap_or(CENTURY_MICROS);
    DbTime {
        ahead_micros: micros.min(CENTURY_MICROS),
    }
}

impl Expression for DbTime {
    type SqlType = Instant;
}

impl<T> AppearsOnTable<T> for DbTime {}
impl<T> SelectableExpression<T> for DbTime {}

impl<G> ValidGrouping<G> for DbTime {
    type IsAggregate = is_aggregate::Never;
}

impl QueryFragment<Pg> for DbTime {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("(statement_timestamp() + ");
        out.push_bind_param::<BigInt, _>(&self.ahead_micros)?;
        out.push_sql(" * INTERVAL '1 microsecond')");
        Ok(())
    }
}

impl QueryFragment<Sqlite> for DbTime {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("(CAST(ROUND(unixepoch('subsec') * 1000000) AS INTEGER) + ");
        out.push_bind_param::<BigInt, _>(&self.ahead_micros)?;
        out.push_sql(")");
        Ok(())
    }
}

/// The columns of a row struct, free of any backend.
pub(super) fn columns<R: Selectable<Sqlite>>() -> R::SelectExpression {
    R::construct_selection()
}

/// The saga is open: the predicate of its partial indexes.
pub(super) fn saga_is_open() -> SqlLiteral<Bool> {
    sql("phase <> 'CLOSED'")
}

/// The cycle stands as operators are told of it: the predicate of a partial index.
pub(super) fn cycle_is_counted() -> SqlLiteral<Bool> {
    sql("status IN ('CHARGING', 'HELD', 'FAILED')")
}

/// The cycle is being charged, or waits for another card: the predicate of a partial index.
pub(super) fn cycle_is_under_way() -> SqlLiteral<Bool> {
    sql("status IN ('CHARGING', 'HELD')")
}

/// The card's registration was not used yet: the predicate of a partial index.
pub(super) fn key_is_registered() -> SqlLiteral<Bool> {
    sql("status = 'REGISTERED'")
}

/// The payment waits for its buyer: the predicate of a partial index.
pub(super) fn payment_is_ready() -> SqlLiteral<Bool> {
    sql("status = 'READY'")
}

/// The delivery is not over: the predicate of its partial index.
pub(super) fn delivery_is_pending() -> SqlLiteral<Bool> {
    sql("state = 'PENDING'")
}

/// The delivery is over: the predicate of its other partial index.
pub(super) fn delivery_is_over() -> SqlLiteral<Bool> {
    sql("state <> 'PENDING'")
}

/// Nothing became of the notification yet: the predicate of its partial index.
pub(super) fn inbound_is_waiting() -> SqlLiteral<Bool> {
    sql("verdict = 'WAITING'")
}

/// How many deliveries wait of endpoints that were not deleted, counted up to `most`: diesel has no
/// word for a query to count in.
pub(super) fn pending_deliveries(most: u64) -> SqlLiteral<BigInt> {
    sql(&format!(
        "(SELECT COUNT(*) FROM (SELECT 1 FROM webhook_endpoints INNER JOIN deliveries \
         ON deliveries.endpoint_id = webhook_endpoints.id \
         WHERE webhook_endpoints.status <> 'DELETED' AND deliveries.state = 'PENDING' \
         LIMIT {most}) AS waiting)"
    ))
}

/// When the first delivery was due that waits, of all endpoints that are selected.
pub(super) fn oldest_pending() -> SqlLiteral<Nullable<Instant>> {
    sql("MIN((SELECT MIN(deliveries.due_at) FROM deliveries \
         WHERE deliveries.endpoint_id = webhook_endpoints.id AND deliveries.state = 'PENDING'))")
}

/// No later turn of the same switch: diesel would have to name the table twice.
pub(super) fn is_newest_turn() -> SqlLiteral<Bool> {
    sql(
        "NOT EXISTS (SELECT 1 FROM switches AS later WHERE later.operation = switches.operation \
         AND later.reach = switches.reach AND later.number > switches.number)",
    )
}

diesel::define_sql_function! {
    /// The first of the two that is there.
    fn coalesce(one: Nullable<Text>, other: Nullable<Text>) -> Nullable<Text>;
}

/// The position of an event among those that are given theirs together: after the last one that
/// was given, in the order of insertion.
pub(super) fn next_position() -> SqlLiteral<BigInt> {
    sql("(SELECT COALESCE(MAX(position), 0) FROM feed) \
         + ROW_NUMBER() OVER (ORDER BY unsequenced.id)")
}
