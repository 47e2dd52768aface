//! Owns the writes of data keys.

use diesel::prelude::{ExpressionMethods, QueryDsl};
use diesel::{QueryResult, insert_into, update};
use domain::id::DataKeyId;
use domain::vault::{DataKey, Wrapped};

use crate::adapters::persistence::connection::{Connection, RunQueryDsl};
use crate::adapters::persistence::schema::data_keys;
use crate::adapters::persistence::secrets::DataKeyRow;

pub(super) async fn insert_data_key(key: &DataKey, mut conn: Connection<'_>) -> QueryResult<usize> {
    let row = DataKeyRow::from(key);
    insert_into(data_keys::table)
        .values(row)
        .execute(&mut conn)
        .await
}

pub(super) async fn rewrap(
    id: DataKeyId,
    wrapped: &Wrapped,
    expected: &str,
    mut conn: Connection<'_>,
) -> QueryResult<usize> {
    let as_expected = data_keys::table
        .find(id.to_string())
        .filter(data_keys::master_key_id.eq(expected));
    update(as_expected)
        .set((
            data_keys::master_key_id.eq(&wrapped.master_key),
            data_keys::wrapped.eq(&wrapped.bytes),
        ))
        .execute(&mut conn)
        .await
}
