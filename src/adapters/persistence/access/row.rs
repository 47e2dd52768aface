//! Owns how tenants and their keys lie in their rows.

use application::ports::store::Error;
use diesel::prelude::*;
use domain::merchant::{ApiKey, Merchant};
use domain::principal::Scope;

use crate::adapters::persistence::declines::Why;
use crate::adapters::persistence::error::corrupt;
use crate::adapters::persistence::schema::{api_keys, merchants};
use crate::adapters::persistence::types::AsInstant;

/// A tenant.
#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = merchants)]
pub(in crate::adapters::persistence) struct MerchantRow {
    id: String,
    name: String,
    created_at: AsInstant,
    #[diesel(embed)]
    standing: MerchantStandingRow,
}

/// What an update replaces.
#[derive(AsChangeset, Insertable, Queryable, Selectable)]
#[diesel(table_name = merchants)]
pub(in crate::adapters::persistence) struct MerchantStandingRow {
    status: String,
    currencies: String,
    zone: String,
    version: i64,
}

impl From<&Merchant> for MerchantStandingRow {
    fn from(merchant: &Merchant) -> Self {
        Self {
            status: merchant.status.as_str().to_owned(),
            currencies: merchant.currencies.to_string(),
            zone: merchant.zone.to_string(),
            version: merchant.version,
        }
    }
}

impl From<&Merchant> for MerchantRow {
    fn from(merchant: &Merchant) -> Self {
        Self {
            id: merchant.id.to_string(),
            name: merchant.name.to_string(),
            created_at: AsInstant(merchant.created_at),
            standing: merchant.into(),
        }
    }
}

impl TryFrom<MerchantRow> for Merchant {
    type Error = Error;

    fn try_from(row: MerchantRow) -> Result<Self, Error> {
        let read = || -> Result<Self, Why> {
            Ok(Self {
                id: row.id.parse()?,
                name: row.name.parse()?,
                status: row.standing.status.parse()?,
                currencies: row.standing.currencies.parse()?,
                zone: row.standing.zone.parse()?,
                version: row.standing.version,
                created_at: row.created_at.0,
            })
        };
        read().map_err(corrupt("merchants", &row.id))
    }
}

/// An API key.
#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = api_keys, treat_none_as_default_value = false)]
pub(in crate::adapters::persistence) struct ApiKeyRow {
    id: String,
    merchant_id: String,
    mode: String,
    kind: String,
    hash: Vec<u8>,
    created_at: AsInstant,
    prefix: String,
    name: Option<String>,
    last_used_at: Option<AsInstant>,
    expires_at: Option<AsInstant>,
}

impl From<&ApiKey> for ApiKeyRow {
    fn from(key: &ApiKey) -> Self {
        Self {
            id: key.id.to_string(),
            merchant_id: key.scope.merchant.to_string(),
            mode: key.scope.mode.as_str().to_owned(),
            kind: key.kind.as_str().to_owned(),
            hash: key.hash.to_vec(),
            created_at: AsInstant(key.created_at),
            prefix: key.prefix.clone(),
            name: key.name.as_ref().map(ToString::to_string),
            last_used_at: key.last_used_at.map(AsInstant),
            expires_at: key.expires_at.map(AsInstant),
        }
    }
}

impl TryFrom<ApiKeyRow> for ApiKey {
    type Error = Error;

    fn try_from(row: ApiKeyRow) -> Result<Self, Error> {
        let id = row.id.clone();
        let read = move || -> Result<Self, Why> {
            Ok(Self {
                id: row.id.parse()?,
                scope: Scope {
                    merchant: row.merchant_id.parse()?,
                    mode: row.mode.parse()?,
                },
                kind: row.kind.parse()?,
                hash: row.hash.as_slice().try_into()?,
                prefix: row.prefix,
                name: row.name.as_deref().map(str::parse).transpose()?,
                created_at: row.created_at.0,
                last_used_at: row.last_used_at.map(|at| at.0),
                expires_at: row.expires_at.map(|at| at.0),
            })
        };
        read().map_err(corrupt("api_keys", id))
    }
}
