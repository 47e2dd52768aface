//! Owns counting and timing at the store: every commit passes through here, so that no use case
//! counts anything.

mod billing;
mod feed;
mod payments;
mod settlements;
mod step_up;
mod subscriptions;
mod webhooks;

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use application::events::Bell;
use application::ports::Store;
use application::ports::store::{
    Access, Booked, Commit, CommitError, Error, Keys, KnownKey, OpenSagas, SagaAfter, Sagas,
    Secrets, Sighting, Standing, Switches, Watches,
};
use application::trace::{Open, Side};
use async_trait::async_trait;
use chrono::TimeDelta;
use domain::Timestamp;
use domain::change::{Change, Hold};
use domain::id::{
    ApiKeyId, DataKeyId, GatewayAccountId, GatewayOrderId, MerchantId, PaymentId, SagaId, WorkerId,
};
use domain::idempotency::{IssuedKey, KeyRef, Reservation};
use domain::merchant::{ApiKey, GatewayAccount, Merchant};
use domain::principal::Scope;
use domain::saga::Saga;
use domain::switch::Turn;
use domain::text::PaymentKey;
use domain::vault::DataKey;
use tokio::time::Instant;

use super::telemetry::Metrics;

/// Something, and the metrics that its use is counted in.
pub struct Metered<T> {
    inner: T,
    metrics: Arc<Metrics>,
    bell: Arc<Bell>,
}

impl<T> Metered<T> {
    /// Counts the use of `inner`, and rings when events were committed.
    pub const fn new(inner: T, metrics: Arc<Metrics>, bell: Arc<Bell>) -> Self {
        Self {
            inner,
            metrics,
            bell,
        }
    }
}

/// Tells of the span of a commit.
fn told(mut open: Open, changes: usize, went: bool) {
    open.number(
        "payflow.changes",
        i64::try_from(changes).unwrap_or(i64::MAX),
    );
    if !went {
        open.fail();
    }
}

#[async_trait]
impl Commit for Metered<Arc<dyn Store>> {
    async fn commit(&self, changes: &[Change]) -> Result<(), CommitError> {
        let started = Instant::now();
        let open = Open::here("commit", Side::Asks);
        let result = self.inner.commit(changes).await;
        let ended = result.as_ref().copied();
        if let Some(open) = open {
            told(open, changes.len(), ended.is_ok());
        }
        self.metrics.database.committed(ended, started.elapsed());
        let appends = |change: &Change| {
            matches!(
                change,
                Change::AppendEvent(_) | Change::AppendMemberEvent(_)
            )
        };
        if changes.iter().any(appends) {
            // Once for all of them; also where it is in doubt whether there are any.
            self.bell.ring();
        }
        let posts = |change: &Change| matches!(change, Change::Webhook(_));
        if changes.iter().any(posts) {
            self.bell.post();
        }
        if result.is_ok() {
            self.metrics.committed(changes);
        }
        result
    }
}

#[async_trait]
impl Sagas for Metered<Arc<dyn Store>> {
    async fn saga(&self, id: SagaId) -> Result<Option<Saga>, Error> {
        self.inner.saga(id).await
    }

    async fn sagas_of(&self, payment: PaymentId) -> Result<Vec<Saga>, Error> {
        self.inner.sagas_of(payment).await
    }

    async fn claim_sagas(
        &self,
        now: Timestamp,
        hold: Hold,
        limit: u32,
    ) -> Result<Vec<Saga>, Error> {
        self.inner.claim_sagas(now, hold, limit).await
    }

    async fn renew_hold(&self, saga: SagaId, version: i64, hold: Hold) -> Result<bool, Error> {
        self.inner.renew_hold(saga, version, hold).await
    }

    async fn release_hold(
        &self,
        saga: SagaId,
        version: i64,
        holder: WorkerId,
    ) -> Result<(), Error> {
        self.inner.release_hold(saga, version, holder).await
    }

    async fn hasten(
        &self,
        payment: PaymentId,
        now: Timestamp,
        gap: TimeDelta,
    ) -> Result<u64, Error> {
        self.inner.hasten(payment, now, gap).await
    }

    async fn open_sagas(&self, stuck_since: Timestamp) -> Result<Vec<OpenSagas>, Error> {
        self.inner.open_sagas(stuck_since).await
    }

    async fn stuck_sagas(
        &self,
        since: Timestamp,
        after: Option<SagaAfter>,
        limit: u32,
    ) -> Result<Vec<Saga>, Error> {
        self.inner.stuck_sagas(since, after, limit).await
    }
}

#[async_trait]
impl Keys for Metered<Arc<dyn Store>> {
    async fn reservation(&self, key: &KeyRef) -> Result<Option<Reservation>, Error> {
        self.inner.reservation(key).await
    }

    async fn issued_key(&self, key: &KeyRef) -> Result<Option<IssuedKey>, Error> {
        self.inner.issued_key(key).await
    }

    async fn sweep_keys(&self, first_used: Range<Timestamp>, limit: u32) -> Result<u64, Error> {
        self.inner.sweep_keys(first_used, limit).await
    }
}

#[async_trait]
impl Access for Metered<Arc<dyn Store>> {
    async fn api_key(&self, hash: &[u8; 32]) -> Result<Option<KnownKey>, Error> {
        self.inner.api_key(hash).await
    }

    async fn any_api_key(&self, id: ApiKeyId) -> Result<Option<ApiKey>, Error> {
        self.inner.any_api_key(id).await
    }

    async fn api_keys(
        &self,
        scope: Scope,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<ApiKey>, Error> {
        self.inner.api_keys(scope, since, limit).await
    }

    async fn note_use(&self, key: ApiKeyId, at: Timestamp) -> Result<(), Error> {
        self.inner.note_use(key, at).await
    }

    async fn merchant(&self, id: MerchantId) -> Result<Option<Merchant>, Error> {
        self.inner.merchant(id).await
    }

    async fn merchants(&self) -> Result<Vec<Merchant>, Error> {
        self.inner.merchants().await
    }

    async fn gateway_accounts(&self, scope: Scope) -> Result<Vec<GatewayAccount>, Error> {
        self.inner.gateway_accounts(scope).await
    }

    async fn gateway_account(&self, id: GatewayAccountId) -> Result<Option<GatewayAccount>, Error> {
        self.inner.gateway_account(id).await
    }

    async fn ping(&self) -> Result<(), Error> {
        self.inner.ping().await
    }
}

#[async_trait]
impl Watches for Metered<Arc<dyn Store>> {
    async fn accounts_to_watch(&self) -> Result<Vec<GatewayAccount>, Error> {
        self.inner.accounts_to_watch().await
    }

    async fn claim_watch(
        &self,
        account: GatewayAccountId,
        begin: Timestamp,
        every: Duration,
    ) -> Result<Option<Timestamp>, Error> {
        self.inner.claim_watch(account, begin, every).await
    }

    async fn move_watch(
        &self,
        account: GatewayAccountId,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<bool, Error> {
        self.inner.move_watch(account, from, until).await
    }

    async fn booked(
        &self,
        account: GatewayAccountId,
        keys: &[PaymentKey],
    ) -> Result<Vec<Booked>, Error> {
        self.inner.booked(account, keys).await
    }

    async fn release_watch(&self, account: GatewayAccountId, pause: Duration) -> Result<(), Error> {
        self.inner.release_watch(account, pause).await
    }

    async fn own_orders(
        &self,
        account: GatewayAccountId,
        orders: &[GatewayOrderId],
    ) -> Result<Vec<GatewayOrderId>, Error> {
        self.inner.own_orders(account, orders).await
    }

    async fn sight(&self, sightings: &[Sighting]) -> Result<(), Error> {
        self.inner.sight(sightings).await
    }

    async fn claim_sighting(
        &self,
        account: GatewayAccountId,
        lease: Duration,
    ) -> Result<Option<Sighting>, Error> {
        self.inner.claim_sighting(account, lease).await
    }

    async fn keep_sighting(&self, sighting: &Sighting, pause: Duration) -> Result<bool, Error> {
        self.inner.keep_sighting(sighting, pause).await
    }

    async fn settle_sighting(&self, sighting: &Sighting) -> Result<(), Error> {
        self.inner.settle_sighting(sighting).await
    }

    async fn standing(&self) -> Result<Standing, Error> {
        self.inner.standing().await
    }
}

#[async_trait]
impl Secrets for Metered<Arc<dyn Store>> {
    async fn every_gateway_account(&self) -> Result<Vec<GatewayAccount>, Error> {
        self.inner.every_gateway_account().await
    }

    async fn data_key(&self, id: DataKeyId) -> Result<Option<DataKey>, Error> {
        self.inner.data_key(id).await
    }

    async fn data_key_of(&self, merchant: MerchantId) -> Result<Option<DataKey>, Error> {
        self.inner.data_key_of(merchant).await
    }

    async fn data_keys(&self, after: Option<DataKeyId>, limit: u32) -> Result<Vec<DataKey>, Error> {
        self.inner.data_keys(after, limit).await
    }
}

#[async_trait]
impl Switches for Metered<Arc<dyn Store>> {
    async fn switches(&self) -> Result<Vec<Turn>, Error> {
        self.inner.switches().await
    }

    async fn turns(&self, limit: u32) -> Result<Vec<Turn>, Error> {
        self.inner.turns(limit).await
    }
}
