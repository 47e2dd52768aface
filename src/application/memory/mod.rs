//! Owns the store in memory, for fault scripts and simulation: the same conditions and unique keys
//! as the SQL one, on plain maps. A commit works on a copy, so it is all or nothing.

mod apply;
mod billing;
mod dues;
mod feed;
mod inbox;
mod reads;
mod secrets;
mod settlements;
mod step_up;
mod subscriptions;
mod switches;
mod watches;
mod webhooks;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::TimeDelta;
use domain::Timestamp;
use domain::change::{Change, GatewayOrder, Hold};
use domain::event::PaymentEvent;
use domain::id::{
    BillingKeyId, ChallengeId, DataKeyId, GatewayAccountId, GatewayOrderId, MerchantId, PaymentId,
    SagaId, WorkerId,
};
use domain::idempotency::{IssuedKey, KeyRef, Reservation};
use domain::ledger::Entry;
use domain::member_event::{self, MemberEvent};
use domain::merchant::{ApiKey, GatewayAccount, Merchant};
use domain::payment::Payment;
use domain::saga::Saga;
use domain::settlement::{Proposal, Settlement};
use domain::step_up::Challenge;
use domain::switch::{Operation, Reach, Turn};
use domain::vault::DataKey;

use crate::ports::Clock;
use crate::ports::store::{Commit, CommitError, Error, OpenSagas, SagaAfter, Sagas};

/// A saga and who holds it.
#[derive(Clone)]
struct Held {
    saga: Arc<Saga>,
    holder: Option<WorkerId>,
    lease_until: Option<Timestamp>,
}

impl Held {
    fn is_held(&self, now: Timestamp) -> bool {
        self.lease_until.is_some_and(|until| until > now)
    }
}

/// Every table. Rows are shared, so a copy of the whole is cheap.
#[derive(Clone, Default)]
struct State {
    merchants: BTreeMap<MerchantId, Arc<Merchant>>,
    api_keys: BTreeMap<[u8; 32], Arc<ApiKey>>,
    accounts: BTreeMap<GatewayAccountId, Arc<GatewayAccount>>,
    payments: BTreeMap<PaymentId, Arc<Payment>>,
    orders: BTreeMap<GatewayOrderId, GatewayOrder>,
    sagas: BTreeMap<SagaId, Held>,
    entries: Vec<Arc<Entry>>,
    events: BTreeMap<(PaymentId, i64), Arc<PaymentEvent>>,
    member_events: BTreeMap<(member_event::Subject, i64), Arc<MemberEvent>>,
    keys: BTreeMap<KeyRef, Arc<Reservation>>,
    issued: BTreeMap<KeyRef, Arc<IssuedKey>>,
    watches: BTreeMap<GatewayAccountId, watches::Watch>,
    sightings: BTreeMap<(GatewayAccountId, String), watches::Seen>,
    data_keys: BTreeMap<DataKeyId, DataKey>,
    turns: BTreeMap<(Operation, Reach, i64), Turn>,
    challenges: BTreeMap<ChallengeId, Challenge>,
    settlements: BTreeMap<SagaId, Settlement>,
    proposals: BTreeMap<(SagaId, Timestamp, String), Proposal>,
    billing_keys: BTreeMap<BillingKeyId, billing::Row>,
    feed: feed::Tables,
    webhooks: webhooks::Tables,
    subscriptions: subscriptions::Tables,
    inbox: inbox::Tables,
}

/// The store in memory.
pub struct Memory {
    state: Mutex<State>,
    /// Stands for the database's clock: leases are measured by it.
    lease_clock: Arc<dyn Clock>,
}

/// How many rows a query of `limit` takes at most.
fn rows(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

impl Memory {
    /// An empty store whose leases are measured by `lease_clock`.
    #[must_use]
    pub fn new(lease_clock: Arc<dyn Clock>) -> Self {
        Self {
            state: Mutex::default(),
            lease_clock,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes all changes or none; the synchronous form of the port's `commit`.
    ///
    /// # Errors
    /// A condition does not hold; nothing is written.
    pub fn commit_now(&self, changes: &[Change]) -> Result<(), CommitError> {
        let mut ordered: Vec<&Change> = changes.iter().collect();
        ordered.sort_by_cached_key(|change| change.lock_order());
        let now = self.lease_clock.now();
        let mut state = self.state();
        let mut next = state.clone();
        for change in ordered {
            next.apply(change, now)?;
        }
        *state = next;
        Ok(())
    }

    /// Makes everything what it is in `other`.
    pub fn put_back(&self, other: &Self) {
        let state = other.state().clone();
        *self.state() = state;
    }

    /// Ends every lease now, as if its holders had slept through it.
    pub fn end_leases(&self) {
        for held in self.state().sagas.values_mut() {
            held.lease_until = None;
        }
        self.state().subscriptions.end_leases();
    }

    /// Every ledger line, in the order they were booked.
    #[must_use]
    pub fn all_entries(&self) -> Vec<Entry> {
        self.state()
            .entries
            .iter()
            .map(|entry| entry.as_ref().clone())
            .collect()
    }

    /// Every saga.
    #[must_use]
    pub fn all_sagas(&self) -> Vec<Saga> {
        self.state()
            .sagas
            .values()
            .map(|held| held.saga.as_ref().clone())
            .collect()
    }

    /// Every step-up challenge.
    #[must_use]
    pub fn all_challenges(&self) -> Vec<Challenge> {
        self.state().challenges.values().cloned().collect()
    }

    /// Every idempotency key in use.
    #[must_use]
    pub fn all_reservations(&self) -> Vec<Reservation> {
        self.state()
            .keys
            .values()
            .map(|key| key.as_ref().clone())
            .collect()
    }
}

#[async_trait]
impl Commit for Memory {
    async fn commit(&self, changes: &[Change]) -> Result<(), CommitError> {
        self.commit_now(changes)
    }
}

#[async_trait]
impl Sagas for Memory {
    async fn saga(&self, id: SagaId) -> Result<Option<Saga>, Error> {
        Ok(self
            .state()
            .sagas
            .get(&id)
            .map(|held| held.saga.as_ref().clone()))
    }

    async fn sagas_of(&self, payment: PaymentId) -> Result<Vec<Saga>, Error> {
        let mut found: Vec<Saga> = self
            .all_sagas()
            .into_iter()
            .filter(|saga| saga.head.payment == payment)
            .collect();
        found.sort_by_key(|saga| (saga.head.created_at, saga.head.id));
        Ok(found)
    }

    async fn claim_sagas(
        &self,
        now: Timestamp,
        hold: Hold,
        limit: u32,
    ) -> Result<Vec<Saga>, Error> {
        let lease_now = self.lease_clock.now();
        let mut state = self.state();
        let mut due: Vec<(Timestamp, SagaId)> = state
            .sagas
            .values()
            .filter(|held| !held.saga.is_closed() && held.saga.progress.due_at <= now)
            .filter(|held| !held.is_held(lease_now))
            .map(|held| (held.saga.progress.due_at, held.saga.head.id))
            .collect();
        due.sort_unstable();
        due.truncate(rows(limit));
        let mut claimed = Vec::with_capacity(due.len());
        for (_, id) in due {
            let Some(row) = state.sagas.get_mut(&id) else {
                continue;
            };
            let mut saga = row.saga.as_ref().clone();
            saga.version = saga.version.saturating_add(1);
            row.saga = Arc::new(saga.clone());
            row.holder = Some(hold.holder);
            row.lease_until = Some(crate::idempotency::later(lease_now, hold.lease));
            claimed.push(saga);
        }
        Ok(claimed)
    }

    async fn renew_hold(&self, saga: SagaId, version: i64, hold: Hold) -> Result<bool, Error> {
        let until = crate::idempotency::later(self.lease_clock.now(), hold.lease);
        let mut state = self.state();
        let ours = state
            .sagas
            .get_mut(&saga)
            .filter(|held| held.saga.version == version && held.holder == Some(hold.holder));
        Ok(ours.map(|held| held.lease_until = Some(until)).is_some())
    }

    async fn release_hold(
        &self,
        saga: SagaId,
        version: i64,
        holder: WorkerId,
    ) -> Result<(), Error> {
        let mut state = self.state();
        let ours = state
            .sagas
            .get_mut(&saga)
            .filter(|held| held.saga.version == version && held.holder == Some(holder));
        if let Some(held) = ours {
            held.holder = None;
            held.lease_until = None;
        }
        Ok(())
    }

    async fn hasten(
        &self,
        payment: PaymentId,
        now: Timestamp,
        gap: TimeDelta,
    ) -> Result<u64, Error> {
        let lease_now = self.lease_clock.now();
        let oldest = now.checked_sub_signed(gap).unwrap_or(Timestamp::MIN_UTC);
        let mut pulled = 0_u64;
        for held in self.state().sagas.values_mut() {
            let progress = &held.saga.progress;
            let waits = held.saga.head.payment == payment
                && !held.saga.is_closed()
                && progress.due_at > now
                && progress.asked_at.is_none_or(|asked| asked <= oldest);
            if waits && !held.is_held(lease_now) {
                let mut saga = held.saga.as_ref().clone();
                saga.progress.due_at = now;
                held.saga = Arc::new(saga);
                pulled = pulled.saturating_add(1);
            }
        }
        Ok(pulled)
    }

    async fn open_sagas(&self, stuck_since: Timestamp) -> Result<Vec<OpenSagas>, Error> {
        let mut found: Vec<OpenSagas> = Vec::new();
        for saga in self
            .all_sagas()
            .into_iter()
            .filter(|saga| !saga.is_closed())
        {
            let (kind, phase) = (saga.head.kind(), saga.progress.phase);
            let stuck = u64::from(saga.head.created_at <= stuck_since);
            match found
                .iter_mut()
                .find(|row| row.kind == kind && row.phase == phase)
            {
                Some(row) => {
                    row.count = row.count.saturating_add(1);
                    row.stuck = row.stuck.saturating_add(stuck);
                    row.oldest = row.oldest.min(saga.head.created_at);
                }
                None => found.push(OpenSagas {
                    kind,
                    phase,
                    count: 1,
                    stuck,
                    oldest: saga.head.created_at,
                }),
            }
        }
        Ok(found)
    }

    async fn stuck_sagas(
        &self,
        since: Timestamp,
        after: Option<SagaAfter>,
        limit: u32,
    ) -> Result<Vec<Saga>, Error> {
        let place = |saga: &Saga| SagaAfter {
            created_at: saga.head.created_at,
            id: saga.head.id,
        };
        let mut found = self.all_sagas();
        found.retain(|saga| !saga.is_closed() && saga.head.created_at <= since);
        found.retain(|saga| after.is_none_or(|after| place(saga) > after));
        found.sort_by_key(place);
        found.truncate(rows(limit));
        Ok(found)
    }
}
