//! Owns the way of billing keys through the flawed store.

use application::ports::store::{BillingKeys, Error};
use async_trait::async_trait;
use domain::Timestamp;
use domain::billing::{self, BillingKey, Status};
use domain::change::{Change, Hold};
use domain::id::{BillingKeyId, WorkerId};
use domain::principal::{Owner, Scope};
use domain::text::{CustomerKey, MemberId};

use crate::store::Flawed;

#[async_trait]
impl BillingKeys for Flawed {
    async fn billing_key(
        &self,
        owner: &Owner,
        id: BillingKeyId,
    ) -> Result<Option<BillingKey>, Error> {
        self.memory.billing_key(owner, id).await
    }

    async fn any_billing_key(&self, id: BillingKeyId) -> Result<Option<BillingKey>, Error> {
        self.memory.any_billing_key(id).await
    }

    async fn billing_key_of(
        &self,
        owner: &Owner,
        customer: &CustomerKey,
    ) -> Result<Option<BillingKey>, Error> {
        self.memory.billing_key_of(owner, customer).await
    }

    async fn billing_keys(
        &self,
        scope: Scope,
        member: &MemberId,
        limit: u32,
    ) -> Result<Vec<BillingKey>, Error> {
        self.memory.billing_keys(scope, member, limit).await
    }

    async fn billing_key_by_index(
        &self,
        scope: Scope,
        index: &[u8; 32],
    ) -> Result<Option<BillingKey>, Error> {
        self.memory.billing_key_by_index(scope, index).await
    }

    async fn is_charging(&self, id: BillingKeyId) -> Result<bool, Error> {
        self.memory.is_charging(id).await
    }

    async fn claim_billing_keys(
        &self,
        now: Timestamp,
        hold: Hold,
        limit: u32,
    ) -> Result<Vec<BillingKey>, Error> {
        self.memory.claim_billing_keys(now, hold, limit).await
    }

    async fn renew_billing_key(
        &self,
        id: BillingKeyId,
        version: i64,
        hold: Hold,
    ) -> Result<bool, Error> {
        self.memory.renew_billing_key(id, version, hold).await
    }

    async fn release_billing_key(
        &self,
        id: BillingKeyId,
        version: i64,
        holder: WorkerId,
    ) -> Result<(), Error> {
        self.memory.release_billing_key(id, version, holder).await
    }
}

/// Whether it keeps what the gateway issued.
pub(crate) fn keeps_card(change: &Change) -> bool {
    let Change::Billing(change) = change else {
        return false;
    };
    match change.as_ref() {
        billing::Change::Update { key, .. } => key.status() == Status::Active,
        billing::Change::Insert(_) => false,
    }
}
