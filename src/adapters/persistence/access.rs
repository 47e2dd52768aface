//! Owns the reads of tenants and their credentials, and how they lie in their rows.

use application::ports::store::{Access, Error, KnownKey};
use async_trait::async_trait;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Integer;
use domain::id::{GatewayAccountId, MerchantId};
use domain::merchant::{ApiKey, GatewayAccount, Merchant};
use domain::principal::Scope;

use super::connection::Database;
use super::declines::Why;
use super::dialect::columns;
use super::error::corrupt;
use super::one;
use super::schema::{api_keys, gateway_accounts, merchants};
use super::types::AsInstant;

/// A tenant.
#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = merchants)]
pub(super) struct MerchantRow {
    id: String,
    name: String,
    created_at: AsInstant,
    #[diesel(embed)]
    standing: MerchantStandingRow,
}

/// What an update replaces.
#[derive(AsChangeset, Insertable, Queryable, Selectable)]
#[diesel(table_name = merchants)]
pub(super) struct MerchantStandingRow {
    status: String,
    currencies: String,
    version: i64,
}

impl From<&Merchant> for MerchantStandingRow {
    fn from(merchant: &Merchant) -> Self {
        Self {
            status: merchant.status.as_str().to_owned(),
            currencies: merchant.currencies.to_string(),
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
                version: row.standing.version,
                created_at: row.created_at.0,
            })
        };
        read().map_err(corrupt("merchants", &row.id))
    }
}

/// An API key.
#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = api_keys)]
pub(super) struct ApiKeyRow {
    id: String,
    merchant_id: String,
    mode: String,
    kind: String,
    hash: Vec<u8>,
    created_at: AsInstant,
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
        }
    }
}

impl TryFrom<ApiKeyRow> for ApiKey {
    type Error = Error;

    fn try_from(row: ApiKeyRow) -> Result<Self, Error> {
        let read = || -> Result<Self, Why> {
            Ok(Self {
                id: row.id.parse()?,
                scope: Scope {
                    merchant: row.merchant_id.parse()?,
                    mode: row.mode.parse()?,
                },
                kind: row.kind.parse()?,
                hash: row.hash.as_slice().try_into()?,
                created_at: row.created_at.0,
            })
        };
        read().map_err(corrupt("api_keys", &row.id))
    }
}

/// Credentials at a gateway.
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
}

impl From<&GatewayAccount> for GatewayAccountRow {
    fn from(account: &GatewayAccount) -> Self {
        Self {
            id: account.id.to_string(),
            merchant_id: account.scope.merchant.to_string(),
            mode: account.scope.mode.as_str().to_owned(),
            gateway: account.gateway.clone(),
            gateway_merchant_id: account.merchant_id.clone(),
            credential_version: account.credential_version,
            created_at: AsInstant(account.created_at),
        }
    }
}

impl TryFrom<GatewayAccountRow> for GatewayAccount {
    type Error = Error;

    fn try_from(row: GatewayAccountRow) -> Result<Self, Error> {
        let id = row.id.clone();
        let read = move || -> Result<Self, Why> {
            Ok(Self {
                id: row.id.parse()?,
                scope: Scope {
                    merchant: row.merchant_id.parse()?,
                    mode: row.mode.parse()?,
                },
                gateway: row.gateway,
                merchant_id: row.gateway_merchant_id,
                credential_version: row.credential_version,
                created_at: row.created_at.0,
            })
        };
        read().map_err(corrupt("gateway_accounts", id))
    }
}

#[async_trait]
impl Access for Database {
    async fn api_key(&self, hash: &[u8; 32]) -> Result<Option<KnownKey>, Error> {
        let query = api_keys::table
            .inner_join(merchants::table.on(merchants::id.eq(api_keys::merchant_id)))
            .filter(api_keys::hash.eq(hash.as_slice()))
            .select((columns::<ApiKeyRow>(), columns::<MerchantRow>()));
        let rows = self.load::<_, (ApiKeyRow, MerchantRow)>(query).await?;
        let known = |(key, merchant): (ApiKeyRow, MerchantRow)| {
            Ok(KnownKey {
                key: key.try_into()?,
                merchant: merchant.try_into()?,
            })
        };
        rows.into_iter().next().map(known).transpose()
    }

    async fn merchant(&self, id: MerchantId) -> Result<Option<Merchant>, Error> {
        let query = merchants::table
            .find(id.to_string())
            .select(columns::<MerchantRow>());
        one(self.load::<_, MerchantRow>(query).await?)
    }

    async fn merchants(&self) -> Result<Vec<Merchant>, Error> {
        let query = merchants::table
            .order((merchants::created_at.asc(), merchants::id.asc()))
            .select(columns::<MerchantRow>());
        let rows = self.load::<_, MerchantRow>(query).await?;
        rows.into_iter().map(Merchant::try_from).collect()
    }

    async fn gateway_accounts(&self, scope: Scope) -> Result<Vec<GatewayAccount>, Error> {
        let query = gateway_accounts::table
            .filter(gateway_accounts::merchant_id.eq(scope.merchant.to_string()))
            .filter(gateway_accounts::mode.eq(scope.mode.as_str()))
            .order((
                gateway_accounts::created_at.asc(),
                gateway_accounts::id.asc(),
            ))
            .select(columns::<GatewayAccountRow>());
        let rows = self.load::<_, GatewayAccountRow>(query).await?;
        rows.into_iter().map(GatewayAccount::try_from).collect()
    }

    async fn gateway_account(&self, id: GatewayAccountId) -> Result<Option<GatewayAccount>, Error> {
        let query = gateway_accounts::table
            .find(id.to_string())
            .select(columns::<GatewayAccountRow>());
        one(self.load::<_, GatewayAccountRow>(query).await?)
    }

    async fn ping(&self) -> Result<(), Error> {
        self.load::<_, i32>(diesel::select(sql::<Integer>("1")))
            .await
            .map(|_| ())
    }
}
