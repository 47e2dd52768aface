//! Owns the writes of tenants and their API keys.

use diesel::prelude::{ExpressionMethods, QueryDsl};
use diesel::{QueryResult, insert_into, update};
use domain::Timestamp;
use domain::id::ApiKeyId;
use domain::merchant::{ApiKey, Merchant};

use crate::adapters::persistence::access::{ApiKeyRow, MerchantRow, MerchantStandingRow};
use crate::adapters::persistence::connection::{Connection, RunQueryDsl};
use crate::adapters::persistence::schema::{api_keys, merchants};
use crate::adapters::persistence::types::AsInstant;

pub(super) async fn insert_merchant(
    merchant: &Merchant,
    mut conn: Connection<'_>,
) -> QueryResult<usize> {
    let row = MerchantRow::from(merchant);
    insert_into(merchants::table)
        .values(row)
        .execute(&mut conn)
        .await
}

pub(super) async fn update_merchant(
    merchant: &Merchant,
    expected: i64,
    mut conn: Connection<'_>,
) -> QueryResult<usize> {
    let as_expected = merchants::table
        .find(merchant.id.to_string())
        .filter(merchants::version.eq(expected));
    update(as_expected)
        .set(MerchantStandingRow::from(merchant))
        .execute(&mut conn)
        .await
}

pub(super) async fn insert_api_key(key: &ApiKey, mut conn: Connection<'_>) -> QueryResult<usize> {
    let row = ApiKeyRow::from(key);
    insert_into(api_keys::table)
        .values(row)
        .execute(&mut conn)
        .await
}

pub(super) async fn end_api_key(
    key: ApiKeyId,
    expires_at: Timestamp,
    expected: Option<Timestamp>,
    mut conn: Connection<'_>,
) -> QueryResult<usize> {
    let key = api_keys::table.find(key.to_string());
    let end = api_keys::expires_at.eq(Some(AsInstant(expires_at)));
    match expected.map(AsInstant) {
        None => {
            let lasting = key.filter(api_keys::expires_at.is_null());
            update(lasting).set(end).execute(&mut conn).await
        }
        Some(expected) => {
            let ending = key.filter(api_keys::expires_at.eq(expected));
            update(ending).set(end).execute(&mut conn).await
        }
    }
}
