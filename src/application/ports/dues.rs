//! Owns the part of the store's port that looks at the installation as a whole: how much of
//! billing waits, which cards nothing needs any more, and how many keys are about to end.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::Timestamp;
use domain::billing::BillingKey;
use domain::id::{BillingKeyId, PaymentId, SagaId, SubscriptionId};
use domain::principal::Scope;
use domain::subscription::Cycle;
use domain::text::MemberId;

use super::store::Error;

/// By which moments cycles are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountedBy {
    /// What is to be done then or before is due.
    pub now: Timestamp,
    /// What was due then or before is late.
    pub late: Timestamp,
    /// What was paid since counts as charged, and what was ever given up is counted, too: rows
    /// that only become more. Neither is looked at without it.
    pub paid_since: Option<Timestamp>,
}

/// How the cycles of one merchant and mode stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CycleBacklog {
    /// Whose.
    pub scope: Scope,
    /// Whether the merchant is suspended: whatever is due is left to be.
    pub suspended: bool,
    /// How many cycles want something now.
    pub due: u64,
    /// How many of them have wanted it for too long.
    pub late: u64,
    /// Since when the first of them wants it.
    pub oldest_due: Option<Timestamp>,
    /// How many are being charged, the outcome not known yet.
    pub charging: u64,
    /// How many wait for another card.
    pub held: u64,
    /// How many were paid of late.
    pub charged: u64,
    /// How many were ever given up.
    pub failed: u64,
}

impl CycleBacklog {
    /// Of a merchant and mode that has none.
    #[must_use]
    pub const fn none(scope: Scope) -> Self {
        Self {
            scope,
            suspended: false,
            due: 0,
            late: 0,
            oldest_due: None,
            charging: 0,
            held: 0,
            charged: 0,
            failed: 0,
        }
    }
}

/// Looks at billing as a whole.
#[async_trait]
pub trait Dues: Send + Sync {
    /// How the cycles of every merchant and mode stand that has any to be counted, by merchant.
    /// Costs as much as there are cycles to be counted, whatever else there is: what is past costs
    /// nothing unless it is asked for.
    async fn backlog(&self, by: CountedBy) -> Result<Vec<CycleBacklog>, Error>;

    /// Whether anything but this subscription and this saga needs the card: another subscription
    /// that goes on, or another charge that is unresolved.
    async fn is_needed(
        &self,
        card: BillingKeyId,
        but: (SubscriptionId, Option<SagaId>),
    ) -> Result<bool, Error>;

    /// Cycles that count as being charged, though nothing works on their payment any more: they
    /// were not told of its end. `limit` at most. One that cannot be read is left out and logged.
    async fn untold_cycles(&self, limit: u32) -> Result<Vec<Cycle>, Error>;

    /// The card that the member pays with where nothing else is said, however many they have.
    async fn default_card(
        &self,
        scope: Scope,
        member: &MemberId,
    ) -> Result<Option<BillingKey>, Error>;

    /// Forgets registrations that were opened then or before and that no card came of, `limit` at
    /// most; how many.
    async fn sweep_registrations(&self, opened: Timestamp, limit: u32) -> Result<u64, Error>;

    /// What of these payments was given back, in minor units, of those of which something was.
    async fn given_back(&self, payments: &[PaymentId]) -> Result<BTreeMap<PaymentId, i64>, Error>;

    /// How many API keys end after `now` and by `soon`, and were used after `used`. Costs as much
    /// as there are keys that have an end to come.
    async fn keys_ending(
        &self,
        now: Timestamp,
        soon: Timestamp,
        used: Timestamp,
    ) -> Result<u64, Error>;

    /// How many cards wait since then or longer for being issued or deleted at their gateway.
    async fn stuck_cards(&self, since: Timestamp) -> Result<u64, Error>;
}
