//! Owns a store that is the one in memory, except for what a test wants to go wrong.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use application::memory::Memory;
use application::ports::store::{
    Access, Booked, Challenges, Commit, CommitError, Error, Keys, KnownKey, OpenSagas, PageAfter,
    PaymentFilter, Payments, SagaAfter, Sagas, Secrets, Sighting, Standing, Watches, Whose,
};
use async_trait::async_trait;
use chrono::TimeDelta;
use domain::Timestamp;
use domain::change::{Change, GatewayOrder, Hold};
use domain::event::PaymentEvent;
use domain::id::{
    ApiKeyId, ChallengeId, DataKeyId, GatewayAccountId, GatewayOrderId, MerchantId, PaymentId,
    SagaId, WorkerId,
};
use domain::idempotency::{IssuedKey, KeyRef, Reservation};
use domain::ledger::Entry;
use domain::merchant::{ApiKey, GatewayAccount, Merchant};
use domain::payment::Payment;
use domain::principal::{Owner, Scope};
use domain::saga::Saga;
use domain::step_up::{Challenge, DeviceHash};
use domain::text::{MemberId, OrderId, PaymentKey};
use domain::vault::DataKey;

use crate::billing_keys::keeps_card;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Accounts cannot be read.
    AccountsAway,
    /// The answer of the next commit is lost; it is written.
    AnswerLost,
    /// The same, and what was written is seen only by the second who asks for its saga.
    AnswerLate,
    /// The next question about a key misses what is committed a moment later.
    KeyMissedOnce,
    /// A commit is never answered.
    CommitsHang,
    /// Asked to prolong a hold, it never answers.
    RenewalsHang,
    /// Keys cannot be swept.
    SweepsFail,
    /// The use of a key cannot be noted.
    NotesFail,
    /// Commits about this payment are refused, whatever they say.
    Refuses(PaymentId),
    /// The endpoints of this merchant are a later version's.
    EndpointsUnreadable(MerchantId),
    /// The events of deliveries are a later version's.
    EventsUnreadable,
    /// Somebody else is first at the next commit.
    RivalOnce,
    /// That an endpoint is disabled by the service itself cannot be written.
    DisablingFails,
    /// That it is has been written, but the answer is lost; once.
    DisablingUnanswered,
    /// That a card was issued cannot be written.
    CardsUnkept,
}

/// The store in memory, and what is wrong with it.
pub(crate) struct Flawed {
    pub(crate) memory: Arc<Memory>,
    fault: Mutex<Option<Fault>>,
    pub(crate) accounts_read: AtomicUsize,
}

impl Flawed {
    pub(crate) fn new(memory: Arc<Memory>) -> Self {
        let fault = Mutex::new(None);
        let accounts_read = AtomicUsize::default();
        Self {
            memory,
            fault,
            accounts_read,
        }
    }

    /// Goes wrong from now on, or works again.
    pub(crate) fn is(&self, fault: impl Into<Option<Fault>>) {
        *self.fault.lock().unwrap() = fault.into();
    }

    /// The store without its flaws.
    pub(crate) const fn memory(&self) -> &Arc<Memory> {
        &self.memory
    }

    pub(crate) fn suffers(&self, fault: Fault) -> bool {
        *self.fault.lock().unwrap() == Some(fault)
    }
}

#[async_trait]
impl Commit for Flawed {
    async fn commit(&self, changes: &[Change]) -> Result<(), CommitError> {
        if self.suffers(Fault::CommitsHang) {
            std::future::pending::<()>().await;
        }
        if self.suffers(Fault::RivalOnce) {
            self.is(None);
            return Err(CommitError::Conflict);
        }
        if let Some(struck) = self.disabling(changes).await {
            return struck;
        }
        let is_late = self.suffers(Fault::AnswerLate);
        if is_late || self.suffers(Fault::AnswerLost) {
            self.is(is_late.then_some(Fault::AnswerLate));
            self.memory.commit(changes).await?;
            return Err(CommitError::InDoubt);
        }
        if self.suffers(Fault::CardsUnkept) && changes.iter().any(keeps_card) {
            return Err(Error::Unavailable("no disk".to_owned()).into());
        }
        for change in changes {
            if let Change::UpdatePayment { payment, .. } = change
                && self.suffers(Fault::Refuses(payment.facts.id))
            {
                return Err(Error::Broken("a constraint".to_owned()).into());
            }
        }
        self.memory.commit(changes).await
    }
}

#[async_trait]
impl Payments for Flawed {
    async fn payment(&self, owner: &Owner, id: PaymentId) -> Result<Option<Payment>, Error> {
        self.memory.payment(owner, id).await
    }
    async fn any_payment(&self, id: PaymentId) -> Result<Option<Payment>, Error> {
        self.memory.any_payment(id).await
    }
    async fn members_of(&self, payments: &[PaymentId]) -> Result<Vec<Whose>, Error> {
        self.memory.members_of(payments).await
    }
    async fn payment_of_order(&self, scope: Scope, o: &OrderId) -> Result<Option<Payment>, Error> {
        self.memory.payment_of_order(scope, o).await
    }
    async fn gateway_order(&self, id: GatewayOrderId) -> Result<Option<GatewayOrder>, Error> {
        self.memory.gateway_order(id).await
    }
    async fn gateway_orders(&self, payment: PaymentId) -> Result<Vec<GatewayOrder>, Error> {
        self.memory.gateway_orders(payment).await
    }
    async fn payments(
        &self,
        scope: Scope,
        filter: &PaymentFilter,
        after: Option<PageAfter>,
        limit: u32,
    ) -> Result<Vec<Payment>, Error> {
        self.memory.payments(scope, filter, after, limit).await
    }
    async fn accounts_to_ask(&self, now: Timestamp, limit: u32) -> Result<Vec<Payment>, Error> {
        self.memory.accounts_to_ask(now, limit).await
    }
    async fn payments_to_expire(&self, now: Timestamp, limit: u32) -> Result<Vec<Payment>, Error> {
        self.memory.payments_to_expire(now, limit).await
    }
    async fn events(
        &self,
        payment: PaymentId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<PaymentEvent>, Error> {
        self.memory.events(payment, after, limit).await
    }
    async fn entries(&self, payment: PaymentId) -> Result<Vec<Entry>, Error> {
        self.memory.entries(payment).await
    }
}

#[async_trait]
impl Sagas for Flawed {
    async fn saga(&self, id: SagaId) -> Result<Option<Saga>, Error> {
        if self.suffers(Fault::AnswerLate) {
            self.is(None);
            return Ok(None);
        }
        self.memory.saga(id).await
    }
    async fn sagas_of(&self, payment: PaymentId) -> Result<Vec<Saga>, Error> {
        self.memory.sagas_of(payment).await
    }
    async fn claim_sagas(
        &self,
        now: Timestamp,
        hold: Hold,
        limit: u32,
    ) -> Result<Vec<Saga>, Error> {
        self.memory.claim_sagas(now, hold, limit).await
    }
    async fn renew_hold(&self, saga: SagaId, version: i64, hold: Hold) -> Result<bool, Error> {
        if self.suffers(Fault::RenewalsHang) {
            std::future::pending::<()>().await;
        }
        self.memory.renew_hold(saga, version, hold).await
    }
    async fn release_hold(
        &self,
        saga: SagaId,
        version: i64,
        holder: WorkerId,
    ) -> Result<(), Error> {
        self.memory.release_hold(saga, version, holder).await
    }
    async fn hasten(
        &self,
        payment: PaymentId,
        now: Timestamp,
        gap: TimeDelta,
    ) -> Result<u64, Error> {
        self.memory.hasten(payment, now, gap).await
    }
    async fn open_sagas(&self, stuck_since: Timestamp) -> Result<Vec<OpenSagas>, Error> {
        self.memory.open_sagas(stuck_since).await
    }
    async fn stuck_sagas(
        &self,
        since: Timestamp,
        after: Option<SagaAfter>,
        limit: u32,
    ) -> Result<Vec<Saga>, Error> {
        self.memory.stuck_sagas(since, after, limit).await
    }
}

#[async_trait]
impl Keys for Flawed {
    async fn reservation(&self, key: &KeyRef) -> Result<Option<Reservation>, Error> {
        if self.suffers(Fault::KeyMissedOnce) {
            self.is(None);
            return Ok(None);
        }
        self.memory.reservation(key).await
    }
    async fn issued_key(&self, key: &KeyRef) -> Result<Option<IssuedKey>, Error> {
        self.memory.issued_key(key).await
    }
    async fn sweep_keys(&self, first_used: Range<Timestamp>, limit: u32) -> Result<u64, Error> {
        if self.suffers(Fault::SweepsFail) {
            return Err(Error::Unavailable("pulled the plug".to_owned()));
        }
        self.memory.sweep_keys(first_used, limit).await
    }
}

#[async_trait]
impl Access for Flawed {
    async fn api_key(&self, hash: &[u8; 32]) -> Result<Option<KnownKey>, Error> {
        self.memory.api_key(hash).await
    }
    async fn any_api_key(&self, id: ApiKeyId) -> Result<Option<ApiKey>, Error> {
        self.memory.any_api_key(id).await
    }
    async fn api_keys(
        &self,
        scope: Scope,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<ApiKey>, Error> {
        self.memory.api_keys(scope, since, limit).await
    }
    async fn note_use(&self, key: ApiKeyId, at: Timestamp) -> Result<(), Error> {
        if self.suffers(Fault::NotesFail) {
            return Err(Error::Unavailable("pulled the plug".to_owned()));
        }
        self.memory.note_use(key, at).await
    }
    async fn merchant(&self, id: MerchantId) -> Result<Option<Merchant>, Error> {
        self.memory.merchant(id).await
    }
    async fn merchants(&self) -> Result<Vec<Merchant>, Error> {
        self.memory.merchants().await
    }
    async fn gateway_accounts(&self, scope: Scope) -> Result<Vec<GatewayAccount>, Error> {
        self.memory.gateway_accounts(scope).await
    }
    async fn gateway_account(&self, id: GatewayAccountId) -> Result<Option<GatewayAccount>, Error> {
        if self.suffers(Fault::AccountsAway) {
            return Err(Error::Unavailable("pulled the plug".to_owned()));
        }
        self.accounts_read.fetch_add(1, Ordering::Relaxed);
        self.memory.gateway_account(id).await
    }
    async fn ping(&self) -> Result<(), Error> {
        self.memory.ping().await
    }
}

#[async_trait]
impl Watches for Flawed {
    async fn accounts_to_watch(&self) -> Result<Vec<GatewayAccount>, Error> {
        self.memory.accounts_to_watch().await
    }
    async fn claim_watch(
        &self,
        account: GatewayAccountId,
        begin: Timestamp,
        every: Duration,
    ) -> Result<Option<Timestamp>, Error> {
        self.memory.claim_watch(account, begin, every).await
    }
    async fn move_watch(
        &self,
        account: GatewayAccountId,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<bool, Error> {
        self.memory.move_watch(account, from, until).await
    }
    async fn booked(
        &self,
        account: GatewayAccountId,
        keys: &[PaymentKey],
    ) -> Result<Vec<Booked>, Error> {
        self.memory.booked(account, keys).await
    }
    async fn release_watch(&self, account: GatewayAccountId, pause: Duration) -> Result<(), Error> {
        self.memory.release_watch(account, pause).await
    }
    async fn own_orders(
        &self,
        account: GatewayAccountId,
        orders: &[GatewayOrderId],
    ) -> Result<Vec<GatewayOrderId>, Error> {
        self.memory.own_orders(account, orders).await
    }
    async fn sight(&self, sightings: &[Sighting]) -> Result<(), Error> {
        self.memory.sight(sightings).await
    }
    async fn claim_sighting(
        &self,
        account: GatewayAccountId,
        lease: Duration,
    ) -> Result<Option<Sighting>, Error> {
        self.memory.claim_sighting(account, lease).await
    }
    async fn keep_sighting(&self, sighting: &Sighting, pause: Duration) -> Result<bool, Error> {
        self.memory.keep_sighting(sighting, pause).await
    }
    async fn settle_sighting(&self, sighting: &Sighting) -> Result<(), Error> {
        self.memory.settle_sighting(sighting).await
    }
    async fn standing(&self) -> Result<Standing, Error> {
        self.memory.standing().await
    }
}

#[async_trait]
impl Secrets for Flawed {
    async fn every_gateway_account(&self) -> Result<Vec<GatewayAccount>, Error> {
        self.memory.every_gateway_account().await
    }
    async fn data_key(&self, id: DataKeyId) -> Result<Option<DataKey>, Error> {
        self.memory.data_key(id).await
    }
    async fn data_key_of(&self, merchant: MerchantId) -> Result<Option<DataKey>, Error> {
        self.memory.data_key_of(merchant).await
    }
    async fn data_keys(&self, after: Option<DataKeyId>, limit: u32) -> Result<Vec<DataKey>, Error> {
        self.memory.data_keys(after, limit).await
    }
}

#[async_trait]
impl Challenges for Flawed {
    async fn challenge(
        &self,
        scope: Scope,
        member: &MemberId,
        id: ChallengeId,
    ) -> Result<Option<Challenge>, Error> {
        self.memory.challenge(scope, member, id).await
    }
    async fn is_known_device(
        &self,
        scope: Scope,
        member: &MemberId,
        device: DeviceHash,
        since: Timestamp,
    ) -> Result<bool, Error> {
        let store = &self.memory;
        store.is_known_device(scope, member, device, since).await
    }
    async fn sweep_challenges(&self, now: Timestamp, limit: u32) -> Result<u64, Error> {
        self.memory.sweep_challenges(now, limit).await
    }
}
