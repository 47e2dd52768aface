//! Owns the reads, claims and holds of billing keys.

mod row;

use application::ports::store::{BillingKeys, Error};
use async_trait::async_trait;
use diesel::QueryResult;
use diesel::prelude::{
    BoolExpressionMethods, ExpressionMethods, NullableExpressionMethods, QueryDsl,
};
use domain::Timestamp;
use domain::billing::{BillingKey, Status};
use domain::change::Hold;
use domain::id::{BillingKeyId, WorkerId};
use domain::principal::{Owner, Scope};
use domain::text::{CustomerKey, MemberId};

pub(super) use row::{KeyRow, MoveRow};

use super::connection::{Database, Lease, RunQueryDsl};
use super::dialect::{SkipLocked, Steady, columns, db_now, db_now_plus, saga_is_open};
use super::error::of_read;
use super::schema::{billing_keys, sagas};
use super::types::AsInstant;
use super::{one, readable};

/// What a member's list shows.
const SHOWN: [&str; 3] = [
    Status::Issuing.as_str(),
    Status::Active.as_str(),
    Status::Deleting.as_str(),
];

/// Selects and holds in one transaction; the selected rows are nobody else's until it ends.
#[expect(
    clippy::arithmetic_side_effects,
    reason = "the database adds, and checks"
)]
async fn claim(
    lease: &mut Lease,
    now: Timestamp,
    hold: Hold,
    limit: u32,
) -> QueryResult<Vec<KeyRow>> {
    lease.begin().await?;
    let is_free = billing_keys::lease_until
        .is_null()
        .or(billing_keys::lease_until.le(db_now().nullable()));
    let due = billing_keys::table
        .filter(billing_keys::due_at.le(Some(AsInstant(now))))
        .filter(is_free)
        .order((billing_keys::due_at.asc(), billing_keys::id.asc()))
        .limit(limit.into())
        .select(columns::<KeyRow>());
    let rows: Vec<KeyRow> = SkipLocked(due).load(&mut lease.connection()).await?;
    let ids: Vec<&str> = rows.iter().map(KeyRow::id).collect();
    if !ids.is_empty() {
        diesel::update(billing_keys::table.filter(billing_keys::id.eq_any(&ids)))
            .set((
                billing_keys::version.eq(billing_keys::version + 1),
                billing_keys::holder.eq(hold.holder.to_string()),
                billing_keys::lease_until.eq(db_now_plus(hold.lease).nullable()),
            ))
            .execute(&mut lease.connection())
            .await?;
    }
    lease.commit().await?;
    Ok(rows.into_iter().map(KeyRow::claimed).collect())
}

/// The key, where it is this owner's.
fn theirs(owner: &Owner, found: Option<BillingKey>) -> Option<BillingKey> {
    found.filter(|key| owner.owns(key.scope, Some(&key.member)))
}

#[async_trait]
impl BillingKeys for Database {
    async fn billing_key(
        &self,
        owner: &Owner,
        id: BillingKeyId,
    ) -> Result<Option<BillingKey>, Error> {
        Ok(theirs(owner, self.any_billing_key(id).await?))
    }

    async fn any_billing_key(&self, id: BillingKeyId) -> Result<Option<BillingKey>, Error> {
        let query = billing_keys::table
            .find(id.to_string())
            .select(columns::<KeyRow>());
        one(self.load::<_, KeyRow>(query).await?)
    }

    async fn billing_key_of(
        &self,
        owner: &Owner,
        customer: &CustomerKey,
    ) -> Result<Option<BillingKey>, Error> {
        let query = billing_keys::table
            .filter(billing_keys::customer_key.eq(customer.as_str()))
            .select(columns::<KeyRow>());
        Ok(theirs(owner, one(self.load::<_, KeyRow>(query).await?)?))
    }

    async fn billing_keys(
        &self,
        scope: Scope,
        member: &MemberId,
        limit: u32,
    ) -> Result<Vec<BillingKey>, Error> {
        let query = billing_keys::table
            .filter(billing_keys::merchant_id.eq(scope.merchant.to_string()))
            .filter(billing_keys::mode.eq(scope.mode.as_str()))
            .filter(billing_keys::member_id.eq(member.as_str()))
            .filter(billing_keys::status.eq_any(SHOWN))
            .order((billing_keys::created_at.desc(), billing_keys::id.desc()))
            .limit(limit.into())
            .select(columns::<KeyRow>());
        let rows = self.load::<_, KeyRow>(query).await?;
        rows.into_iter().map(BillingKey::try_from).collect()
    }

    async fn billing_key_by_index(
        &self,
        scope: Scope,
        index: &[u8; 32],
    ) -> Result<Option<BillingKey>, Error> {
        let query = billing_keys::table
            .filter(billing_keys::merchant_id.eq(scope.merchant.to_string()))
            .filter(billing_keys::mode.eq(scope.mode.as_str()))
            .filter(billing_keys::billing_key_index.eq(Some(index.to_vec())))
            .select(columns::<KeyRow>());
        one(self.load::<_, KeyRow>(query).await?)
    }

    async fn is_charging(&self, id: BillingKeyId) -> Result<bool, Error> {
        let query = sagas::table
            .filter(saga_is_open())
            .filter(sagas::billing_key_id.eq(Some(id.to_string())))
            .limit(1)
            .select(sagas::id);
        Ok(!self.load::<_, String>(query).await?.is_empty())
    }

    async fn claim_billing_keys(
        &self,
        now: Timestamp,
        hold: Hold,
        limit: u32,
    ) -> Result<Vec<BillingKey>, Error> {
        let mut lease = self.writer().await?;
        let claimed = claim(&mut lease, now, hold, limit);
        let claimed = tokio::time::timeout(self.patience, claimed).await;
        let claimed =
            claimed.map_err(|_| Error::Unavailable("the claim took too long".to_owned()))?;
        // What is left out stays held, so that it makes room for others until its lease is over.
        Ok(readable(claimed.map_err(|error| of_read(&error))?))
    }

    async fn renew_billing_key(
        &self,
        id: BillingKeyId,
        version: i64,
        hold: Hold,
    ) -> Result<bool, Error> {
        let ours = billing_keys::table
            .find(id.to_string())
            .filter(billing_keys::version.eq(version))
            .filter(billing_keys::holder.eq(hold.holder.to_string()));
        let until = db_now_plus(hold.lease).nullable();
        let renewed = Steady(diesel::update(ours).set(billing_keys::lease_until.eq(until)));
        Ok(self.execute(renewed).await? == 1)
    }

    async fn release_billing_key(
        &self,
        id: BillingKeyId,
        version: i64,
        holder: WorkerId,
    ) -> Result<(), Error> {
        let ours = billing_keys::table
            .find(id.to_string())
            .filter(billing_keys::version.eq(version))
            .filter(billing_keys::holder.eq(holder.to_string()));
        let nobody = (
            billing_keys::holder.eq(None::<&str>),
            billing_keys::lease_until.eq(None::<AsInstant>),
        );
        self.execute(Steady(diesel::update(ours).set(nobody)))
            .await?;
        Ok(())
    }
}
