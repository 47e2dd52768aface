//! Owns a store that is the one in memory, except for what a script or a seeded bug does to it.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use application::memory::Memory;
use application::ports::store::{
    Access, Booked, Challenges, Commit, CommitError, Error, Keys, KnownKey, OpenSagas, PageAfter,
    PaymentFilter, Payments, SagaAfter, Sagas, Secrets, Sighting, Standing, Switches, Watches,
    Whose,
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
use domain::switch::Turn;
use domain::text::{MemberId, OrderId, PaymentKey};
use domain::vault::DataKey;
use tokio::sync::Notify;

use crate::bugs::Bug;
use crate::faults::{Fault, Place, Script};
use crate::turnstile::Pass;

pub(crate) struct Faulty {
    pub(crate) memory: Arc<Memory>,
    pub(crate) script: Script,
    pub(crate) bug: Option<Bug>,
    /// Tells the rival to look for work now.
    pub(crate) rival: Arc<Notify>,
    /// Through which every call has to go first.
    pub(crate) pass: Pass,
}

impl Faulty {
    fn write(&self, changes: &[Change]) -> Result<(), CommitError> {
        self.memory
            .commit_now(&Bug::torn(self.bug, &self.memory, changes))
    }
}

fn away() -> CommitError {
    CommitError::Store(Error::Unavailable("the script says so".to_owned()))
}

#[async_trait]
impl Commit for Faulty {
    async fn commit(&self, changes: &[Change]) -> Result<(), CommitError> {
        self.pass.through().await;
        // Every port call is a point where other tasks may run.
        tokio::task::yield_now().await;
        match self.script.strike(Place::Commit) {
            Some(Fault::CommitLost) => return Err(away()),
            Some(Fault::CommitInDoubtUnwritten) => return Bug::doubt(self.bug),
            Some(Fault::CommitInDoubt) => {
                self.write(changes)?;
                return Bug::written_doubt(self.bug);
            }
            Some(Fault::Rival) => {
                self.memory.end_leases();
                self.rival.notify_one();
                // Long enough for the rival to take the saga over and come to its own commit.
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
            Some(_) | None => {}
        }
        self.write(changes)
    }
}

#[async_trait]
impl Payments for Faulty {
    async fn payment(&self, owner: &Owner, id: PaymentId) -> Result<Option<Payment>, Error> {
        self.pass.through().await;
        self.memory.payment(owner, id).await
    }
    async fn any_payment(&self, id: PaymentId) -> Result<Option<Payment>, Error> {
        self.pass.through().await;
        self.memory.any_payment(id).await
    }
    async fn members_of(&self, payments: &[PaymentId]) -> Result<Vec<Whose>, Error> {
        self.pass.through().await;
        self.memory.members_of(payments).await
    }
    async fn payment_of_order(&self, scope: Scope, o: &OrderId) -> Result<Option<Payment>, Error> {
        self.pass.through().await;
        self.memory.payment_of_order(scope, o).await
    }
    async fn gateway_order(&self, id: GatewayOrderId) -> Result<Option<GatewayOrder>, Error> {
        self.pass.through().await;
        self.memory.gateway_order(id).await
    }
    async fn gateway_orders(&self, payment: PaymentId) -> Result<Vec<GatewayOrder>, Error> {
        self.pass.through().await;
        self.memory.gateway_orders(payment).await
    }
    async fn payments(
        &self,
        scope: Scope,
        filter: &PaymentFilter,
        after: Option<PageAfter>,
        limit: u32,
    ) -> Result<Vec<Payment>, Error> {
        self.pass.through().await;
        self.memory.payments(scope, filter, after, limit).await
    }
    async fn accounts_to_ask(&self, now: Timestamp, limit: u32) -> Result<Vec<Payment>, Error> {
        self.pass.through().await;
        self.memory.accounts_to_ask(now, limit).await
    }
    async fn payments_to_expire(&self, now: Timestamp, limit: u32) -> Result<Vec<Payment>, Error> {
        self.pass.through().await;
        self.memory.payments_to_expire(now, limit).await
    }
    async fn events(
        &self,
        payment: PaymentId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<PaymentEvent>, Error> {
        self.pass.through().await;
        self.memory.events(payment, after, limit).await
    }
    async fn entries(&self, payment: PaymentId) -> Result<Vec<Entry>, Error> {
        self.pass.through().await;
        self.memory.entries(payment).await
    }
}

#[async_trait]
impl Sagas for Faulty {
    async fn saga(&self, id: SagaId) -> Result<Option<Saga>, Error> {
        self.pass.through().await;
        self.memory.saga(id).await
    }
    async fn sagas_of(&self, payment: PaymentId) -> Result<Vec<Saga>, Error> {
        self.pass.through().await;
        self.memory.sagas_of(payment).await
    }
    async fn claim_sagas(
        &self,
        now: Timestamp,
        hold: Hold,
        limit: u32,
    ) -> Result<Vec<Saga>, Error> {
        self.pass.through().await;
        tokio::task::yield_now().await;
        self.memory.claim_sagas(now, hold, limit).await
    }
    async fn renew_hold(&self, saga: SagaId, version: i64, hold: Hold) -> Result<bool, Error> {
        self.pass.through().await;
        self.memory.renew_hold(saga, version, hold).await
    }
    async fn release_hold(
        &self,
        saga: SagaId,
        version: i64,
        holder: WorkerId,
    ) -> Result<(), Error> {
        self.pass.through().await;
        self.memory.release_hold(saga, version, holder).await
    }
    async fn hasten(
        &self,
        payment: PaymentId,
        now: Timestamp,
        gap: TimeDelta,
    ) -> Result<u64, Error> {
        self.pass.through().await;
        self.memory.hasten(payment, now, gap).await
    }
    async fn open_sagas(&self, stuck_since: Timestamp) -> Result<Vec<OpenSagas>, Error> {
        self.pass.through().await;
        self.memory.open_sagas(stuck_since).await
    }
    async fn stuck_sagas(
        &self,
        since: Timestamp,
        after: Option<SagaAfter>,
        limit: u32,
    ) -> Result<Vec<Saga>, Error> {
        self.pass.through().await;
        self.memory.stuck_sagas(since, after, limit).await
    }
}

#[async_trait]
impl Keys for Faulty {
    async fn reservation(&self, key: &KeyRef) -> Result<Option<Reservation>, Error> {
        self.pass.through().await;
        self.memory.reservation(key).await
    }
    async fn issued_key(&self, key: &KeyRef) -> Result<Option<IssuedKey>, Error> {
        self.pass.through().await;
        self.memory.issued_key(key).await
    }
    async fn sweep_keys(&self, first_used: Range<Timestamp>, limit: u32) -> Result<u64, Error> {
        self.pass.through().await;
        self.memory.sweep_keys(first_used, limit).await
    }
}

#[async_trait]
impl Access for Faulty {
    async fn api_key(&self, hash: &[u8; 32]) -> Result<Option<KnownKey>, Error> {
        self.pass.through().await;
        self.memory.api_key(hash).await
    }
    async fn any_api_key(&self, id: ApiKeyId) -> Result<Option<ApiKey>, Error> {
        self.pass.through().await;
        self.memory.any_api_key(id).await
    }
    async fn api_keys(
        &self,
        scope: Scope,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<ApiKey>, Error> {
        self.pass.through().await;
        self.memory.api_keys(scope, since, limit).await
    }
    async fn note_use(&self, key: ApiKeyId, at: Timestamp) -> Result<(), Error> {
        self.pass.through().await;
        self.memory.note_use(key, at).await
    }
    async fn merchant(&self, id: MerchantId) -> Result<Option<Merchant>, Error> {
        self.pass.through().await;
        self.memory.merchant(id).await
    }
    async fn merchants(&self) -> Result<Vec<Merchant>, Error> {
        self.pass.through().await;
        self.memory.merchants().await
    }
    async fn gateway_accounts(&self, scope: Scope) -> Result<Vec<GatewayAccount>, Error> {
        self.pass.through().await;
        self.memory.gateway_accounts(scope).await
    }
    async fn gateway_account(&self, id: GatewayAccountId) -> Result<Option<GatewayAccount>, Error> {
        self.pass.through().await;
        self.memory.gateway_account(id).await
    }
    async fn ping(&self) -> Result<(), Error> {
        self.pass.through().await;
        Ok(())
    }
}

#[async_trait]
impl Watches for Faulty {
    async fn accounts_to_watch(&self) -> Result<Vec<GatewayAccount>, Error> {
        self.pass.through().await;
        self.memory.accounts_to_watch().await
    }
    async fn claim_watch(
        &self,
        account: GatewayAccountId,
        begin: Timestamp,
        every: Duration,
    ) -> Result<Option<Timestamp>, Error> {
        self.pass.through().await;
        self.memory.claim_watch(account, begin, every).await
    }
    async fn move_watch(
        &self,
        account: GatewayAccountId,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<bool, Error> {
        self.pass.through().await;
        self.memory.move_watch(account, from, until).await
    }
    async fn booked(
        &self,
        account: GatewayAccountId,
        keys: &[PaymentKey],
    ) -> Result<Vec<Booked>, Error> {
        self.pass.through().await;
        self.memory.booked(account, keys).await
    }
    async fn release_watch(&self, account: GatewayAccountId, pause: Duration) -> Result<(), Error> {
        self.pass.through().await;
        self.memory.release_watch(account, pause).await
    }
    async fn own_orders(
        &self,
        account: GatewayAccountId,
        orders: &[GatewayOrderId],
    ) -> Result<Vec<GatewayOrderId>, Error> {
        self.pass.through().await;
        self.memory.own_orders(account, orders).await
    }
    async fn sight(&self, sightings: &[Sighting]) -> Result<(), Error> {
        self.pass.through().await;
        self.memory.sight(sightings).await
    }
    async fn claim_sighting(
        &self,
        account: GatewayAccountId,
        lease: Duration,
    ) -> Result<Option<Sighting>, Error> {
        self.pass.through().await;
        self.memory.claim_sighting(account, lease).await
    }
    async fn keep_sighting(&self, sighting: &Sighting, pause: Duration) -> Result<bool, Error> {
        self.pass.through().await;
        self.memory.keep_sighting(sighting, pause).await
    }
    async fn settle_sighting(&self, sighting: &Sighting) -> Result<(), Error> {
        self.pass.through().await;
        self.memory.settle_sighting(sighting).await
    }
    async fn standing(&self) -> Result<Standing, Error> {
        self.pass.through().await;
        self.memory.standing().await
    }
}

#[async_trait]
impl Secrets for Faulty {
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
impl Switches for Faulty {
    async fn switches(&self) -> Result<Vec<Turn>, Error> {
        self.memory.switches().await
    }

    async fn turns(&self, limit: u32) -> Result<Vec<Turn>, Error> {
        self.memory.turns(limit).await
    }
}

#[async_trait]
impl Challenges for Faulty {
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
