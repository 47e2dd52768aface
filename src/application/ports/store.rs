//! Owns the port to the store: one `commit`, and reads and claims grouped by noun.

use std::ops::Range;

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
use domain::payment::{Kind, PayStatus, Payment};
use domain::principal::{Owner, Scope};
use domain::saga::{self, Saga};
use domain::settlement::{Proposal, Settlement};
use domain::step_up::{Challenge, DeviceHash};
use domain::switch::Turn;
use domain::text::{CustomerName, MemberId, OrderId};
use domain::vault::DataKey;

pub use super::billing::BillingKeys;
pub use super::dues::{CountedBy, CycleBacklog, Dues};
pub use super::feed::{Backlog, Feed, LeaseStanding, Leases, Line, ReaderStanding, SequenceError};
pub use super::inbox::{HasInbox, Inbox, Tray};
pub use super::subscriptions::Subscriptions;
pub use super::watches::{Booked, Sighting, Standing, Watches};
pub use super::webhooks::{Claimed, Listed, Listener, News, PENDING_COUNTED_MAX, Queue, Webhooks};

/// Why a read or a claim failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The database is away, busy or out of connections: try again later.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// A row that cannot be a valid domain value.
    #[error("row {id} of {table} is corrupt: {why}")]
    Corrupt {
        /// In which table.
        table: &'static str,
        /// Which row.
        id: String,
        /// What is wrong with it.
        why: String,
    },
    /// The database refused a statement for a reason that trying again does not mend.
    #[error("the store refused: {0}")]
    Broken(String),
}

/// Why a commit did not go through.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CommitError {
    /// A condition did not hold; nothing was written. Read again, decide again.
    #[error("somebody else was first")]
    Conflict,
    /// The answer of COMMIT was lost: it is written or not. Read your own ids to find out.
    #[error("the outcome of the commit is not known")]
    InDoubt,
    /// Nothing was written.
    #[error(transparent)]
    Store(#[from] Error),
}

/// Which payments to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PaymentFilter {
    /// In this status.
    pub status: Option<PayStatus>,
    /// Of this kind.
    pub kind: Option<Kind>,
    /// Of this order.
    pub order_id: Option<OrderId>,
    /// Of the customer with exactly this name.
    pub customer_name: Option<CustomerName>,
    /// Of this member.
    pub member: Option<MemberId>,
    /// Created at or after.
    pub from: Option<Timestamp>,
    /// Created before.
    pub until: Option<Timestamp>,
}

/// Where a page of payments continues: after this row, newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageAfter {
    /// The row's creation.
    pub created_at: Timestamp,
    /// The row's id.
    pub id: PaymentId,
}

/// How many sagas of one kind are open, and since when the oldest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenSagas {
    /// Of which kind.
    pub kind: saga::Kind,
    /// In which phase.
    pub phase: saga::Phase,
    /// How many.
    pub count: u64,
    /// How many of them are older than a saga should become.
    pub stuck: u64,
    /// The oldest one's creation.
    pub oldest: Timestamp,
}

/// Where a walk over sagas continues: after this one, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SagaAfter {
    /// The saga's creation.
    pub created_at: Timestamp,
    /// The saga's id.
    pub id: SagaId,
}

/// An API key, and the tenant that it speaks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownKey {
    /// The key.
    pub key: ApiKey,
    /// Whose it is.
    pub merchant: Merchant,
}

/// A payment, and whose it is; or why that cannot be read.
pub type Whose = (PaymentId, Result<MemberId, String>);

/// The one place that writes.
#[async_trait]
pub trait Commit: Send + Sync {
    /// Writes all changes or none, in one transaction. Each touches exactly one row, or it is
    /// [`CommitError::Conflict`]. Dropping the future half way writes nothing or everything.
    async fn commit(&self, changes: &[Change]) -> Result<(), CommitError>;
}

/// Reads of payments.
#[async_trait]
pub trait Payments: Send + Sync {
    /// A payment of this owner's.
    async fn payment(&self, owner: &Owner, id: PaymentId) -> Result<Option<Payment>, Error>;

    /// A payment for the service itself.
    async fn any_payment(&self, id: PaymentId) -> Result<Option<Payment>, Error>;

    /// The payment of a merchant's order.
    async fn payment_of_order(&self, scope: Scope, o: &OrderId) -> Result<Option<Payment>, Error>;

    /// A gateway order.
    async fn gateway_order(&self, id: GatewayOrderId) -> Result<Option<GatewayOrder>, Error>;

    /// A payment's gateway orders, newest first.
    async fn gateway_orders(&self, payment: PaymentId) -> Result<Vec<GatewayOrder>, Error>;

    /// A page of payments, newest first, `limit` at most.
    async fn payments(
        &self,
        scope: Scope,
        filter: &PaymentFilter,
        after: Option<PageAfter>,
        limit: u32,
    ) -> Result<Vec<Payment>, Error>;

    /// READY payments whose expiry has passed, oldest expiry first. One that cannot be read is
    /// left out and logged.
    async fn payments_to_expire(&self, now: Timestamp, limit: u32) -> Result<Vec<Payment>, Error>;

    /// Payments whose virtual account is to be asked about by then, the longest due first. One that
    /// cannot be read is left out and logged.
    async fn accounts_to_ask(&self, now: Timestamp, limit: u32) -> Result<Vec<Payment>, Error>;

    /// A payment's events with a sequence above `after`, in order.
    async fn events(
        &self,
        payment: PaymentId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<PaymentEvent>, Error>;

    /// Whose payments these are, of those that are some member's.
    async fn members_of(&self, payments: &[PaymentId]) -> Result<Vec<Whose>, Error>;

    /// A payment's ledger lines, in the order they were booked.
    async fn entries(&self, payment: PaymentId) -> Result<Vec<Entry>, Error>;
}

/// Reads and claims of sagas.
#[async_trait]
pub trait Sagas: Send + Sync {
    /// A saga.
    async fn saga(&self, id: SagaId) -> Result<Option<Saga>, Error>;

    /// A payment's sagas, oldest first.
    async fn sagas_of(&self, payment: PaymentId) -> Result<Vec<Saga>, Error>;

    /// Takes open sagas that are due (`due_at <= now`) and held by nobody, or by somebody whose
    /// lease is over by the database's clock; oldest due first. Raises their version and holds
    /// them. No saga is given to two claimers. One that cannot be read is left out and logged; one
    /// of a kind that this version does not know is not touched.
    async fn claim_sagas(&self, now: Timestamp, hold: Hold, limit: u32)
    -> Result<Vec<Saga>, Error>;

    /// Prolongs a hold; `false` when the saga has moved on or is held by somebody else. Does not
    /// raise the version.
    async fn renew_hold(&self, saga: SagaId, version: i64, hold: Hold) -> Result<bool, Error>;

    /// Gives a hold up early, so that others need not wait for the lease. Does not raise the
    /// version; does nothing when the saga is not held by `holder` at `version`.
    async fn release_hold(&self, saga: SagaId, version: i64, holder: WorkerId)
    -> Result<(), Error>;

    /// Pulls the due time of a payment's sagas that wait and that nobody holds forward to `now`,
    /// unless one was asked about less than `gap` ago; how many were pulled. Does not raise the
    /// version.
    async fn hasten(
        &self,
        payment: PaymentId,
        now: Timestamp,
        gap: TimeDelta,
    ) -> Result<u64, Error>;

    /// How many sagas are open, by kind and phase; stuck are those created at `stuck_since` or
    /// before.
    async fn open_sagas(&self, stuck_since: Timestamp) -> Result<Vec<OpenSagas>, Error>;

    /// Open sagas created at `since` or before, oldest first, `limit` at most. Left out are those
    /// that cannot be read, which is logged, and kinds that this version does not know.
    async fn stuck_sagas(
        &self,
        since: Timestamp,
        after: Option<SagaAfter>,
        limit: u32,
    ) -> Result<Vec<Saga>, Error>;
}

/// Reads of idempotency keys, and their end.
#[async_trait]
pub trait Keys: Send + Sync {
    /// A key in use.
    async fn reservation(&self, key: &KeyRef) -> Result<Option<Reservation>, Error>;

    /// A key we handed out.
    async fn issued_key(&self, key: &KeyRef) -> Result<Option<IssuedKey>, Error>;

    /// Forgets keys first used in this time, oldest first, `limit` at most; how many. Never one
    /// whose saga is open, for it has no outcome yet, nor one of a cancellation: unlike an order,
    /// which is approved once, money can be given back as often as something is left. And as many
    /// keys that we handed out, whose time for a first use was over before that end.
    async fn sweep_keys(&self, first_used: Range<Timestamp>, limit: u32) -> Result<u64, Error>;
}

/// Reads of tenants and their credentials.
#[async_trait]
pub trait Access: Send + Sync {
    /// The API key with this hash, and whose it is.
    async fn api_key(&self, hash: &[u8; 32]) -> Result<Option<KnownKey>, Error>;

    /// An API key by its id, for the service itself.
    async fn any_api_key(&self, id: ApiKeyId) -> Result<Option<ApiKey>, Error>;

    /// The API keys of a tenant and mode that have no end, or one after `since`: newest first,
    /// `limit` at most.
    async fn api_keys(
        &self,
        scope: Scope,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<ApiKey>, Error>;

    /// Notes when a key was used last, unless a later use is noted already.
    async fn note_use(&self, key: ApiKeyId, at: Timestamp) -> Result<(), Error>;

    /// A tenant.
    async fn merchant(&self, id: MerchantId) -> Result<Option<Merchant>, Error>;

    /// Every tenant, oldest first.
    async fn merchants(&self) -> Result<Vec<Merchant>, Error>;

    /// The gateway accounts of a tenant and mode, oldest first.
    async fn gateway_accounts(&self, scope: Scope) -> Result<Vec<GatewayAccount>, Error>;

    /// A gateway account.
    async fn gateway_account(&self, id: GatewayAccountId) -> Result<Option<GatewayAccount>, Error>;

    /// Answers when the database does.
    async fn ping(&self) -> Result<(), Error>;
}

/// Reads of what is sealed, and of the keys that seal it.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// Every gateway account of every tenant and mode, oldest first. One that cannot be read is
    /// left out and logged.
    async fn every_gateway_account(&self) -> Result<Vec<GatewayAccount>, Error>;

    /// A data key.
    async fn data_key(&self, id: DataKeyId) -> Result<Option<DataKey>, Error>;

    /// A tenant's data key.
    async fn data_key_of(&self, merchant: MerchantId) -> Result<Option<DataKey>, Error>;

    /// Data keys with an id above `after`, in order, `limit` at most.
    async fn data_keys(&self, after: Option<DataKeyId>, limit: u32) -> Result<Vec<DataKey>, Error>;
}

/// Reads of safety switches.
#[async_trait]
pub trait Switches: Send + Sync {
    /// The newest turn of every switch that was ever turned, by operation and reach.
    async fn switches(&self) -> Result<Vec<Turn>, Error>;

    /// Turns, newest first, `limit` at most.
    async fn turns(&self, limit: u32) -> Result<Vec<Turn>, Error>;
}

/// Reads of what people found out about sagas.
#[async_trait]
pub trait ByHand: Send + Sync {
    /// What was found out about a saga.
    async fn settlement(&self, saga: SagaId) -> Result<Option<Settlement>, Error>;

    /// What the gateway contradicts, newest first, `limit` at most: with what somebody dealt with,
    /// where `dealt_with`.
    async fn contradicted(&self, dealt_with: bool, limit: u32) -> Result<Vec<Settlement>, Error>;

    /// What people proposed about a saga, oldest first.
    async fn proposals(&self, saga: SagaId) -> Result<Vec<Proposal>, Error>;
}

/// Reads of step-up challenges, and their end.
#[async_trait]
pub trait Challenges: Send + Sync {
    /// A challenge of this member's.
    async fn challenge(
        &self,
        scope: Scope,
        member: &MemberId,
        id: ChallengeId,
    ) -> Result<Option<Challenge>, Error>;

    /// Whether this member spent a proof on this device after `since`.
    async fn is_known_device(
        &self,
        scope: Scope,
        member: &MemberId,
        device: DeviceHash,
        since: Timestamp,
    ) -> Result<bool, Error>;

    /// Forgets challenges that are worth remembering until `now` or less, oldest end first,
    /// `limit` at most; how many.
    async fn sweep_challenges(&self, now: Timestamp, limit: u32) -> Result<u64, Error>;
}

/// What the feed's jobs work on.
pub trait FeedStore: Commit + Feed + Leases {}

impl<T: Commit + Feed + Leases> FeedStore for T {}

/// Who is told of events, and how far each of them is.
pub trait Outward: FeedStore + Webhooks {}

impl<T: FeedStore + Webhooks> Outward for T {}

/// What members prove themselves by, pay with, and have subscribed to.
pub trait OfMembers: Challenges + BillingKeys + Subscriptions {}

impl<T: Challenges + BillingKeys + Subscriptions> OfMembers for T {}

/// What is heard of gateways besides their answers.
pub trait Inward: Watches + HasInbox + ByHand {}

impl<T: Watches + HasInbox + ByHand> Inward for T {}

/// Everything that is kept.
pub trait Store:
    Payments + Sagas + Keys + Access + Inward + Secrets + Switches + OfMembers + Outward
{
}

impl<T> Store for T where
    T: Payments + Sagas + Keys + Access + Inward + Secrets + Switches + OfMembers + Outward
{
}
