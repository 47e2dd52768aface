//! A store that fails when the test says so.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use application::ports::Store;
use application::ports::store::{
    Access, Booked, Commit, CommitError, Error, Keys, KnownKey, OpenSagas, SagaAfter, Sagas,
    Secrets, Sighting, Standing, Switches, Watches,
};
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

use super::webhooks::is_of_a_job;

/// What is wrong with the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is away.
    Away,
    /// Every read finds a row that cannot be.
    Corrupt,
    /// What a version that is not known wrote into every event.
    Unreadable,
    /// Somebody else is always first.
    Contended,
    /// It panics.
    Panics,
    /// The answer of the next commit is lost; it is written.
    AnswerLost,
    /// The next commit is lost, and nobody can tell.
    CommitLost,
}

/// A store, and what is wrong with it.
pub(crate) struct Faulty {
    inner: Arc<dyn Store>,
    fault: Mutex<Option<Fault>>,
    /// How often something was to be written for good.
    pub(crate) commits: AtomicU64,
}

impl Faulty {
    pub(super) fn new(inner: Arc<dyn Store>) -> Self {
        Self {
            inner,
            fault: Mutex::new(None),
            commits: AtomicU64::new(0),
        }
    }

    /// Goes wrong from now on, or works again.
    pub(crate) fn is(&self, fault: Option<Fault>) {
        *self.fault.lock().unwrap() = fault;
    }

    /// Whether no event can be read.
    pub(super) fn is_unreadable(&self) -> bool {
        *self.fault.lock().unwrap() == Some(Fault::Unreadable)
    }

    /// Whether the commit at hand is lost, or only its answer; the next one is not.
    fn loses(&self) -> Option<Fault> {
        let mut fault = self.fault.lock().unwrap();
        fault.take_if(|fault| matches!(fault, Fault::AnswerLost | Fault::CommitLost))
    }

    /// What it stands before.
    pub(super) fn inner(&self) -> &dyn Store {
        self.inner.as_ref()
    }

    pub(super) fn reached(&self) -> Result<&Arc<dyn Store>, Error> {
        let fault = *self.fault.lock().unwrap();
        match fault {
            Some(Fault::Away) => Err(Error::Unavailable("pulled the plug".to_owned())),
            Some(Fault::Corrupt) => Err(Error::Corrupt {
                table: "secret_table",
                id: "secret_row".to_owned(),
                why: "secret_reason".to_owned(),
            }),
            Some(Fault::Panics) => panic!("secret panic"),
            Some(Fault::Contended | Fault::AnswerLost | Fault::CommitLost | Fault::Unreadable)
            | None => Ok(&self.inner),
        }
    }
}

#[async_trait]
impl Commit for Faulty {
    async fn commit(&self, changes: &[Change]) -> Result<(), CommitError> {
        if is_of_a_job(changes) {
            return self.reached()?.commit(changes).await;
        }
        self.commits.fetch_add(1, Ordering::SeqCst);
        let contended = *self.fault.lock().unwrap() == Some(Fault::Contended);
        if contended {
            return Err(CommitError::Conflict);
        }
        let lost = self.loses();
        if lost != Some(Fault::CommitLost) {
            self.reached()?.commit(changes).await?;
        }
        lost.map_or(Ok(()), |_| Err(CommitError::InDoubt))
    }
}

#[async_trait]
impl Sagas for Faulty {
    async fn saga(&self, id: SagaId) -> Result<Option<Saga>, Error> {
        self.reached()?.saga(id).await
    }

    async fn sagas_of(&self, payment: PaymentId) -> Result<Vec<Saga>, Error> {
        self.reached()?.sagas_of(payment).await
    }

    async fn claim_sagas(
        &self,
        now: Timestamp,
        hold: Hold,
        limit: u32,
    ) -> Result<Vec<Saga>, Error> {
        self.reached()?.claim_sagas(now, hold, limit).await
    }

    async fn renew_hold(&self, saga: SagaId, version: i64, hold: Hold) -> Result<bool, Error> {
        self.reached()?.renew_hold(saga, version, hold).await
    }

    async fn release_hold(
        &self,
        saga: SagaId,
        version: i64,
        holder: WorkerId,
    ) -> Result<(), Error> {
        self.reached()?.release_hold(saga, version, holder).await
    }

    async fn hasten(
        &self,
        payment: PaymentId,
        now: Timestamp,
        gap: TimeDelta,
    ) -> Result<u64, Error> {
        self.reached()?.hasten(payment, now, gap).await
    }

    async fn open_sagas(&self, stuck_since: Timestamp) -> Result<Vec<OpenSagas>, Error> {
        self.reached()?.open_sagas(stuck_since).await
    }

    async fn stuck_sagas(
        &self,
        since: Timestamp,
        after: Option<SagaAfter>,
        limit: u32,
    ) -> Result<Vec<Saga>, Error> {
        self.reached()?.stuck_sagas(since, after, limit).await
    }
}

#[async_trait]
impl Keys for Faulty {
    async fn reservation(&self, key: &KeyRef) -> Result<Option<Reservation>, Error> {
        self.reached()?.reservation(key).await
    }

    async fn issued_key(&self, key: &KeyRef) -> Result<Option<IssuedKey>, Error> {
        self.reached()?.issued_key(key).await
    }

    async fn sweep_keys(&self, first_used: Range<Timestamp>, limit: u32) -> Result<u64, Error> {
        self.reached()?.sweep_keys(first_used, limit).await
    }
}

#[async_trait]
impl Access for Faulty {
    async fn api_key(&self, hash: &[u8; 32]) -> Result<Option<KnownKey>, Error> {
        self.reached()?.api_key(hash).await
    }

    async fn any_api_key(&self, id: ApiKeyId) -> Result<Option<ApiKey>, Error> {
        self.reached()?.any_api_key(id).await
    }

    async fn api_keys(
        &self,
        scope: Scope,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<ApiKey>, Error> {
        self.reached()?.api_keys(scope, since, limit).await
    }

    async fn note_use(&self, key: ApiKeyId, at: Timestamp) -> Result<(), Error> {
        self.reached()?.note_use(key, at).await
    }

    async fn merchant(&self, id: MerchantId) -> Result<Option<Merchant>, Error> {
        self.reached()?.merchant(id).await
    }

    async fn merchants(&self) -> Result<Vec<Merchant>, Error> {
        self.reached()?.merchants().await
    }

    async fn gateway_accounts(&self, scope: Scope) -> Result<Vec<GatewayAccount>, Error> {
        self.reached()?.gateway_accounts(scope).await
    }

    async fn gateway_account(&self, id: GatewayAccountId) -> Result<Option<GatewayAccount>, Error> {
        self.reached()?.gateway_account(id).await
    }

    async fn ping(&self) -> Result<(), Error> {
        self.reached()?.ping().await
    }
}

#[async_trait]
impl Watches for Faulty {
    async fn accounts_to_watch(&self) -> Result<Vec<GatewayAccount>, Error> {
        self.reached()?.accounts_to_watch().await
    }

    async fn claim_watch(
        &self,
        account: GatewayAccountId,
        begin: Timestamp,
        every: Duration,
    ) -> Result<Option<Timestamp>, Error> {
        self.reached()?.claim_watch(account, begin, every).await
    }

    async fn move_watch(
        &self,
        account: GatewayAccountId,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<bool, Error> {
        self.reached()?.move_watch(account, from, until).await
    }

    async fn booked(
        &self,
        account: GatewayAccountId,
        keys: &[PaymentKey],
    ) -> Result<Vec<Booked>, Error> {
        self.reached()?.booked(account, keys).await
    }

    async fn release_watch(&self, account: GatewayAccountId, pause: Duration) -> Result<(), Error> {
        self.reached()?.release_watch(account, pause).await
    }

    async fn own_orders(
        &self,
        account: GatewayAccountId,
        orders: &[GatewayOrderId],
    ) -> Result<Vec<GatewayOrderId>, Error> {
        self.reached()?.own_orders(account, orders).await
    }

    async fn sight(&self, sightings: &[Sighting]) -> Result<(), Error> {
        self.reached()?.sight(sightings).await
    }

    async fn claim_sighting(
        &self,
        account: GatewayAccountId,
        lease: Duration,
    ) -> Result<Option<Sighting>, Error> {
        self.reached()?.claim_sighting(account, lease).await
    }

    async fn keep_sighting(&self, sighting: &Sighting, pause: Duration) -> Result<bool, Error> {
        self.reached()?.keep_sighting(sighting, pause).await
    }

    async fn settle_sighting(&self, sighting: &Sighting) -> Result<(), Error> {
        self.reached()?.settle_sighting(sighting).await
    }

    async fn standing(&self) -> Result<Standing, Error> {
        self.reached()?.standing().await
    }
}

#[async_trait]
impl Secrets for Faulty {
    async fn every_gateway_account(&self) -> Result<Vec<GatewayAccount>, Error> {
        self.reached()?.every_gateway_account().await
    }

    async fn data_key(&self, id: DataKeyId) -> Result<Option<DataKey>, Error> {
        self.reached()?.data_key(id).await
    }

    async fn data_key_of(&self, merchant: MerchantId) -> Result<Option<DataKey>, Error> {
        self.reached()?.data_key_of(merchant).await
    }

    async fn data_keys(&self, after: Option<DataKeyId>, limit: u32) -> Result<Vec<DataKey>, Error> {
        self.reached()?.data_keys(after, limit).await
    }
}

#[async_trait]
impl Switches for Faulty {
    async fn switches(&self) -> Result<Vec<Turn>, Error> {
        self.reached()?.switches().await
    }

    async fn turns(&self, limit: u32) -> Result<Vec<Turn>, Error> {
        self.reached()?.turns(limit).await
    }
}
