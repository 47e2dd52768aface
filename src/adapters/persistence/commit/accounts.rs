//! Owns the writes of accounts at gateways.

use diesel::prelude::{BoolExpressionMethods, ExpressionMethods, QueryDsl};
use diesel::{QueryResult, insert_into, update};
use domain::account::{Credentials, GatewayAccount, Status};
use domain::id::GatewayAccountId;

use crate::adapters::persistence::accounts::{CredentialsRow, GatewayAccountRow};
use crate::adapters::persistence::connection::{Connection, RunQueryDsl};
use crate::adapters::persistence::schema::gateway_accounts;
use crate::adapters::persistence::types::free_text;

pub(super) async fn insert(
    account: &GatewayAccount,
    mut conn: Connection<'_>,
) -> QueryResult<usize> {
    let row = GatewayAccountRow::from(account);
    insert_into(gateway_accounts::table)
        .values(row)
        .execute(&mut conn)
        .await
}

pub(super) async fn pin_merchant_id(
    account: GatewayAccountId,
    merchant_id: &str,
    mut conn: Connection<'_>,
) -> QueryResult<usize> {
    let unpinned = gateway_accounts::table
        .find(account.to_string())
        .filter(gateway_accounts::gateway_merchant_id.is_null());
    update(unpinned)
        .set(gateway_accounts::gateway_merchant_id.eq(free_text(merchant_id)))
        .execute(&mut conn)
        .await
}

pub(super) async fn set_credentials(
    account: GatewayAccountId,
    credentials: &Credentials,
    replaced: Option<i32>,
    mut conn: Connection<'_>,
) -> QueryResult<usize> {
    let row = CredentialsRow::from(credentials);
    let account = gateway_accounts::table.find(account.to_string());
    let Some(version) = replaced else {
        let without = account.filter(gateway_accounts::secret_key.is_null());
        return update(without).set(row).execute(&mut conn).await;
    };
    let as_expected = gateway_accounts::secret_key
        .is_not_null()
        .and(gateway_accounts::credential_version.eq(version));
    let next = gateway_accounts::credential_version.eq(version.saturating_add(1));
    update(account.filter(as_expected))
        .set((row, next))
        .execute(&mut conn)
        .await
}

pub(super) async fn set_status(
    account: GatewayAccountId,
    status: Status,
    mut conn: Connection<'_>,
) -> QueryResult<usize> {
    let other = gateway_accounts::table
        .find(account.to_string())
        .filter(gateway_accounts::status.eq(status.other().as_str()));
    update(other)
        .set(gateway_accounts::status.eq(status.as_str()))
        .execute(&mut conn)
        .await
}
