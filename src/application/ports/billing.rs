//! Owns the part of the store's port that is about billing keys.

use async_trait::async_trait;
use domain::Timestamp;
use domain::billing::BillingKey;
use domain::change::Hold;
use domain::id::{BillingKeyId, WorkerId};
use domain::principal::{Owner, Scope};
use domain::text::{CustomerKey, MemberId};

use super::store::Error;

/// Reads and claims of billing keys.
#[async_trait]
pub trait BillingKeys: Send + Sync {
    /// A key of this owner's.
    async fn billing_key(
        &self,
        owner: &Owner,
        id: BillingKeyId,
    ) -> Result<Option<BillingKey>, Error>;

    /// A key for the service itself.
    async fn any_billing_key(&self, id: BillingKeyId) -> Result<Option<BillingKey>, Error>;

    /// The key of this owner's that this customer key was handed out for.
    async fn billing_key_of(
        &self,
        owner: &Owner,
        customer: &CustomerKey,
    ) -> Result<Option<BillingKey>, Error>;

    /// A member's keys that the gateway issued or is asked to issue and that are not gone, newest
    /// first, `limit` at most.
    async fn billing_keys(
        &self,
        scope: Scope,
        member: &MemberId,
        limit: u32,
    ) -> Result<Vec<BillingKey>, Error>;

    /// The key with this index, of any member: what the gateway calls it is known to us by it.
    async fn billing_key_by_index(
        &self,
        scope: Scope,
        index: &[u8; 32],
    ) -> Result<Option<BillingKey>, Error>;

    /// Whether a charge with this key is unresolved.
    async fn is_charging(&self, id: BillingKeyId) -> Result<bool, Error>;

    /// Takes keys with a call that is due (`due_at <= now`) and held by nobody, or by somebody
    /// whose lease is over by the database's clock; oldest due first. Raises their version and
    /// holds them. One that cannot be read is left out and logged.
    async fn claim_billing_keys(
        &self,
        now: Timestamp,
        hold: Hold,
        limit: u32,
    ) -> Result<Vec<BillingKey>, Error>;

    /// Prolongs a hold; `false` when the key has moved on or is held by somebody else.
    async fn renew_billing_key(
        &self,
        id: BillingKeyId,
        version: i64,
        hold: Hold,
    ) -> Result<bool, Error>;

    /// Gives a hold up early; does nothing when the key is not held by `holder` at `version`.
    async fn release_billing_key(
        &self,
        id: BillingKeyId,
        version: i64,
        holder: WorkerId,
    ) -> Result<(), Error>;
}
