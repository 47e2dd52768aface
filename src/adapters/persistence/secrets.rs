//! Owns the reads of data keys and of everything they seal, and how data keys lie in their rows.

use application::ports::store::{Error, Secrets};
use async_trait::async_trait;
use diesel::prelude::*;
use domain::account::GatewayAccount;
use domain::id::{DataKeyId, MerchantId};
use domain::vault::{DataKey, Wrapped};

use super::accounts::GatewayAccountRow;
use super::connection::Database;
use super::declines::Why;
use super::dialect::{columns, when};
use super::error::corrupt;
use super::schema::{data_keys, gateway_accounts};
use super::types::AsInstant;
use super::{one, readable};

/// A data key.
#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = data_keys)]
pub(super) struct DataKeyRow {
    id: String,
    merchant_id: String,
    master_key_id: String,
    wrapped: Vec<u8>,
    created_at: AsInstant,
}

impl From<&DataKey> for DataKeyRow {
    fn from(key: &DataKey) -> Self {
        Self {
            id: key.id.to_string(),
            merchant_id: key.merchant.to_string(),
            master_key_id: key.wrapped.master_key.clone(),
            wrapped: key.wrapped.bytes.clone(),
            created_at: AsInstant(key.created_at),
        }
    }
}

impl TryFrom<DataKeyRow> for DataKey {
    type Error = Error;

    fn try_from(row: DataKeyRow) -> Result<Self, Error> {
        let id = row.id.clone();
        let read = move || -> Result<Self, Why> {
            Ok(Self {
                id: row.id.parse()?,
                merchant: row.merchant_id.parse()?,
                wrapped: Wrapped {
                    master_key: row.master_key_id,
                    bytes: row.wrapped,
                },
                created_at: row.created_at.0,
            })
        };
        read().map_err(corrupt("data_keys", id))
    }
}

#[async_trait]
impl Secrets for Database {
    async fn every_gateway_account(&self) -> Result<Vec<GatewayAccount>, Error> {
        let query = gateway_accounts::table
            .order((
                gateway_accounts::created_at.asc(),
                gateway_accounts::id.asc(),
            ))
            .select(columns::<GatewayAccountRow>());
        Ok(readable(self.load::<_, GatewayAccountRow>(query).await?))
    }

    async fn data_key(&self, id: DataKeyId) -> Result<Option<DataKey>, Error> {
        let query = data_keys::table
            .find(id.to_string())
            .select(columns::<DataKeyRow>());
        one(self.load::<_, DataKeyRow>(query).await?)
    }

    async fn data_key_of(&self, merchant: MerchantId) -> Result<Option<DataKey>, Error> {
        let query = data_keys::table
            .filter(data_keys::merchant_id.eq(merchant.to_string()))
            .select(columns::<DataKeyRow>());
        one(self.load::<_, DataKeyRow>(query).await?)
    }

    async fn data_keys(&self, after: Option<DataKeyId>, limit: u32) -> Result<Vec<DataKey>, Error> {
        let later = after.map(|id| data_keys::id.gt(id.to_string()));
        let query = data_keys::table
            .filter(when(later))
            .order(data_keys::id.asc())
            .limit(limit.into())
            .select(columns::<DataKeyRow>());
        let rows = self.load::<_, DataKeyRow>(query).await?;
        rows.into_iter().map(DataKey::try_from).collect()
    }
}
