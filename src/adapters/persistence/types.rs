//! Owns the column types that the two databases store differently.

use std::error::Error;
use std::str::FromStr;

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{BigInt, Binary, SqlType, Text, Timestamptz};
use diesel::sqlite::{Sqlite, SqliteValue};
use domain::Timestamp;
use domain::event::Hash;
use domain::id::MerchantId;
use domain::principal::{Mode, Scope};

use super::declines::Why;

/// TIMESTAMPTZ in PostgreSQL, INTEGER microseconds since 1970 in SQLite.
#[derive(Clone, Copy, Debug, SqlType, diesel::query_builder::QueryId)]
#[diesel(postgres_type(oid = 1184, array_oid = 1185))]
#[diesel(sqlite_type(name = "Long"))]
pub struct Instant;

/// An instant on its way into or out of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Instant)]
pub(crate) struct AsInstant(pub(crate) Timestamp);

/// Free text from outside, fit for a column: PostgreSQL has no NUL in text, and a gateway's
/// message with one must not keep its payment from being settled.
pub(super) fn free_text(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

impl ToSql<Instant, Pg> for AsInstant {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        ToSql::<Timestamptz, Pg>::to_sql(&self.0, &mut out.reborrow())
    }
}

impl FromSql<Instant, Pg> for AsInstant {
    fn from_sql(bytes: PgValue<'_>) -> deserialize::Result<Self> {
        FromSql::<Timestamptz, Pg>::from_sql(bytes).map(Self)
    }
}

impl ToSql<Instant, Sqlite> for AsInstant {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.timestamp_micros());
        Ok(IsNull::No)
    }
}

impl FromSql<Instant, Sqlite> for AsInstant {
    fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        let micros = <i64 as FromSql<BigInt, Sqlite>>::from_sql(value)?;
        let instant = Timestamp::from_timestamp_micros(micros);
        instant
            .map(Self)
            .ok_or_else(|| format!("{micros} µs are no instant").into())
    }
}

/// A column's value as ours, read where it lies; or why it is none. A value that is none is no
/// fault of the other rows.
#[derive(Debug, FromSqlRow)]
pub(super) struct Read<T>(pub(super) Result<T, Why>);

/// Whose an event is, what it is of, and which of its events; none where its row does not say so.
pub(super) fn place<S: Copy>(
    (merchant, mode): (&Read<MerchantId>, &Read<Mode>),
    subject: &Read<S>,
    sequence: i64,
) -> Option<(Scope, S, i64)> {
    let scope = Scope {
        merchant: *merchant.0.as_ref().ok()?,
        mode: *mode.0.as_ref().ok()?,
    };
    Some((scope, *subject.0.as_ref().ok()?, sequence))
}

/// Whose a row is.
///
/// # Errors
/// It does not say so.
pub(super) fn scope(merchant: Read<MerchantId>, mode: Read<Mode>) -> Result<Scope, Why> {
    Ok(Scope {
        merchant: merchant.0?,
        mode: mode.0?,
    })
}

impl<T> FromSql<Text, Pg> for Read<T>
where
    T: FromStr<Err: Error + Send + Sync + 'static>,
{
    fn from_sql(bytes: PgValue<'_>) -> deserialize::Result<Self> {
        let text = std::str::from_utf8(bytes.as_bytes());
        Ok(Self(
            text.map_err(Why::from).and_then(|text| Ok(text.parse()?)),
        ))
    }
}

impl<T> FromSql<Text, Sqlite> for Read<T>
where
    T: FromStr<Err: Error + Send + Sync + 'static>,
{
    fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        let text = <String as FromSql<Text, Sqlite>>::from_sql(value)?;
        Ok(Self(text.parse().map_err(Why::from)))
    }
}

impl FromSql<Binary, Pg> for Read<Hash> {
    fn from_sql(bytes: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(hash(bytes.as_bytes())))
    }
}

impl FromSql<Binary, Sqlite> for Read<Hash> {
    fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        let bytes = <Vec<u8> as FromSql<Binary, Sqlite>>::from_sql(value)?;
        Ok(Self(hash(&bytes)))
    }
}

fn hash(bytes: &[u8]) -> Result<Hash, Why> {
    Ok(Hash(bytes.try_into()?))
}
