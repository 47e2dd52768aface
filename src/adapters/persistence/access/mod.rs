//! Owns the reads of tenants, their keys and their credentials.

mod row;

use application::ports::store::{Access, Error, KnownKey};
use async_trait::async_trait;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Integer;
use domain::Timestamp;
use domain::id::{ApiKeyId, GatewayAccountId, MerchantId};
use domain::merchant::{ApiKey, GatewayAccount, Merchant};
use domain::principal::Scope;

use super::accounts::GatewayAccountRow;
use super::connection::Database;
use super::dialect::columns;
use super::one;
use super::schema::{api_keys, gateway_accounts, merchants};
use super::types::AsInstant;

pub(super) use row::{ApiKeyRow, MerchantRow, MerchantStandingRow};

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

    async fn any_api_key(&self, id: ApiKeyId) -> Result<Option<ApiKey>, Error> {
        let query = api_keys::table
            .find(id.to_string())
            .select(columns::<ApiKeyRow>());
        one(self.load::<_, ApiKeyRow>(query).await?)
    }

    async fn api_keys(
        &self,
        scope: Scope,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<ApiKey>, Error> {
        let lasts = api_keys::expires_at.is_null();
        let query = api_keys::table
            .filter(api_keys::merchant_id.eq(scope.merchant.to_string()))
            .filter(api_keys::mode.eq(scope.mode.as_str()))
            .filter(lasts.or(api_keys::expires_at.gt(AsInstant(since))))
            .order((api_keys::created_at.desc(), api_keys::id.desc()))
            .limit(limit.into())
            .select(columns::<ApiKeyRow>());
        let rows = self.load::<_, ApiKeyRow>(query).await?;
        rows.into_iter().map(ApiKey::try_from).collect()
    }

    async fn note_use(&self, key: ApiKeyId, at: Timestamp) -> Result<(), Error> {
        let unused = api_keys::last_used_at.is_null();
        let earlier = api_keys::table
            .find(key.to_string())
            .filter(unused.or(api_keys::last_used_at.lt(AsInstant(at))));
        let noted = diesel::update(earlier).set(api_keys::last_used_at.eq(Some(AsInstant(at))));
        self.execute(noted).await.map(|_| ())
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
