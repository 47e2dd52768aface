//! Owns the port to what is kept of the watch: its place in each account's list, and what was seen
//! there and is not booked.

use std::time::Duration;

use async_trait::async_trait;
use domain::Timestamp;
use domain::id::{GatewayAccountId, GatewayOrderId};
use domain::ledger::Movement;
use domain::merchant::GatewayAccount;
use domain::text::{PaymentKey, TransactionKey};

use super::store::Error;

/// A movement at the gateway that the books have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Booked {
    /// Of which authentication.
    pub payment_key: PaymentKey,
    /// Which movement of it.
    pub movement: Movement,
    /// What the gateway calls it, where it was told.
    pub transaction_key: Option<TransactionKey>,
}

/// A payment that the list shows to have moved without our books, until that is settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// In which account's list.
    pub account: GatewayAccountId,
    /// Which authentication.
    pub key: PaymentKey,
    /// The order that the list names.
    pub order: GatewayOrderId,
    /// When it was seen first.
    pub first_seen_at: Timestamp,
    /// When its latest movement happened that the list shows and the books lack, where it is dated.
    pub moved_at: Option<Timestamp>,
    /// How often it was taken to be looked at.
    pub looks: i64,
    /// Why it is not booked, as the last answer had it.
    pub verdict: Option<String>,
    /// Whether a person was told.
    pub reported: bool,
}

/// How the watch stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// How many sightings are not settled.
    pub open: u64,
    /// Of how many of them a person was told.
    pub strange: u64,
    /// Until when the active account is watched that is furthest behind. What becomes of a disabled
    /// one is its operator's word.
    pub until: Option<Timestamp>,
}

/// How far each gateway account is watched, and what of its movements is booked.
#[async_trait]
pub trait Watches: Send + Sync {
    /// Accounts that were never watched, or whose next watch is due by the database's clock;
    /// oldest first. One that cannot be read is left out and logged.
    async fn accounts_to_watch(&self) -> Result<Vec<GatewayAccount>, Error>;

    /// Takes the watch over an account, which is due again `lease` after now by the database's
    /// clock: until when it was watched, `begin` for the first time. None when it is not due.
    async fn claim_watch(
        &self,
        account: GatewayAccountId,
        begin: Timestamp,
        lease: Duration,
    ) -> Result<Option<Timestamp>, Error>;

    /// The watch over an account is due `pause` after now by the database's clock.
    async fn release_watch(&self, account: GatewayAccountId, pause: Duration) -> Result<(), Error>;

    /// An account that was watched until `from` is watched until `until`; `false` when somebody
    /// else has moved it.
    async fn move_watch(
        &self,
        account: GatewayAccountId,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<bool, Error>;

    /// Which of these gateway orders are of payments of this account, in no order.
    async fn own_orders(
        &self,
        account: GatewayAccountId,
        orders: &[GatewayOrderId],
    ) -> Result<Vec<GatewayOrderId>, Error>;

    /// Which movements of these payment keys are booked at the account, in no order. One that
    /// cannot be read is left out and logged.
    async fn booked(
        &self,
        account: GatewayAccountId,
        keys: &[PaymentKey],
    ) -> Result<Vec<Booked>, Error>;

    /// Keeps these sightings, due at once. One whose payment key is kept already changes nothing,
    /// unless it has moved later than was known: then it is due at once, and taken from whoever
    /// looks at it.
    async fn sight(&self, sightings: &[Sighting]) -> Result<(), Error>;

    /// Takes the account's sighting that has been due the longest, of those that moved before those
    /// that are looked at by a schedule. It is due again `lease` after now, and the look counts.
    /// None when none is due, or somebody else was first.
    async fn claim_sighting(
        &self,
        account: GatewayAccountId,
        lease: Duration,
    ) -> Result<Option<Sighting>, Error>;

    /// Keeps the verdict of a sighting that is held by its count of looks, and whether it is
    /// reported; due again after `pause`. `false` when somebody else has taken it since.
    async fn keep_sighting(&self, sighting: &Sighting, pause: Duration) -> Result<bool, Error>;

    /// Forgets a sighting that is settled, unless somebody else has taken it since.
    async fn settle_sighting(&self, sighting: &Sighting) -> Result<(), Error>;

    /// How the watch stands.
    async fn standing(&self) -> Result<Standing, Error>;
}
