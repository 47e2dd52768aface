//! Owns how accounts at gateways lie in their rows.

use application::ports::store::Error;
use diesel::prelude::*;
use domain::account::{Credentials, GatewayAccount};
use domain::principal::Scope;
use domain::vault::Sealed;

use super::declines::Why;
use super::error::corrupt;
use super::schema::gateway_accounts;
use super::types::AsInstant;

/// An account at a gateway.
#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = gateway_accounts, treat_none_as_default_value = false)]
pub(super) struct GatewayAccountRow {
    id: String,
    merchant_id: String,
    mode: String,
    gateway: String,
    gateway_merchant_id: Option<String>,
    credential_version: i32,
    created_at: AsInstant,
    name: String,
    status: String,
    secret_key: Option<Vec<u8>>,
    client_key: Option<Vec<u8>>,
    seeded: bool,
    methods: Option<String>,
}

/// Its credentials, which are replaced together.
#[derive(AsChangeset)]
#[diesel(table_name = gateway_accounts, treat_none_as_null = true)]
pub(super) struct CredentialsRow {
    secret_key: Option<Vec<u8>>,
    client_key: Option<Vec<u8>>,
    seeded: bool,
}

impl From<&Credentials> for CredentialsRow {
    fn from(credentials: &Credentials) -> Self {
        Self {
            secret_key: Some(credentials.secret_key.0.clone()),
            client_key: Some(credentials.client_key.0.clone()),
            seeded: credentials.seeded,
        }
    }
}

impl From<&GatewayAccount> for GatewayAccountRow {
    fn from(account: &GatewayAccount) -> Self {
        let credentials = account.credentials.as_ref();
        Self {
            id: account.id.to_string(),
            merchant_id: account.scope.merchant.to_string(),
            mode: account.scope.mode.as_str().to_owned(),
            gateway: account.gateway.clone(),
            gateway_merchant_id: account.merchant_id.clone(),
            credential_version: account.credential_version,
            created_at: AsInstant(account.created_at),
            name: account.name.clone(),
            status: account.status.as_str().to_owned(),
            secret_key: credentials.map(|credentials| credentials.secret_key.0.clone()),
            client_key: credentials.map(|credentials| credentials.client_key.0.clone()),
            seeded: credentials.is_some_and(|credentials| credentials.seeded),
            methods: account.methods.map(|methods| methods.to_string()),
        }
    }
}

impl TryFrom<GatewayAccountRow> for GatewayAccount {
    type Error = Error;

    fn try_from(row: GatewayAccountRow) -> Result<Self, Error> {
        let id = row.id.clone();
        let read = move || -> Result<Self, Why> {
            let credentials = match (row.secret_key, row.client_key) {
                (None, None) => None,
                (Some(secret_key), Some(client_key)) => Some(Credentials {
                    secret_key: Sealed(secret_key),
                    client_key: Sealed(client_key),
                    seeded: row.seeded,
                }),
                (_, _) => return Err("half of its credentials".into()),
            };
            Ok(Self {
                id: row.id.parse()?,
                scope: Scope {
                    merchant: row.merchant_id.parse()?,
                    mode: row.mode.parse()?,
                },
                name: row.name,
                status: row.status.parse()?,
                gateway: row.gateway,
                methods: row.methods.map(|words| words.parse()).transpose()?,
                merchant_id: row.gateway_merchant_id,
                credential_version: row.credential_version,
                credentials,
                created_at: row.created_at.0,
            })
        };
        read().map_err(corrupt("gateway_accounts", id))
    }
}
