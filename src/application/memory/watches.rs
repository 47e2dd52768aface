//! Owns how far accounts are watched, in memory.

use std::time::Duration;

use async_trait::async_trait;
use domain::Timestamp;
use domain::id::GatewayAccountId;
use domain::merchant::GatewayAccount;
use domain::text::PaymentKey;

use super::Memory;
use crate::idempotency::later;
use crate::ports::store::{Booked, Error, Watches};

/// How far an account is watched.
#[derive(Clone, Copy)]
pub(super) struct Watch {
    until: Timestamp,
    /// By the clock of leases.
    due_at: Timestamp,
}

#[async_trait]
impl Watches for Memory {
    async fn accounts_to_watch(&self) -> Result<Vec<GatewayAccount>, Error> {
        let now = self.lease_clock.now();
        let state = self.state();
        let is_due = |account: &&GatewayAccount| {
            let watch = state.watches.get(&account.id);
            watch.is_none_or(|watch| watch.due_at <= now)
        };
        let accounts = state.accounts.values().map(AsRef::as_ref);
        let mut due: Vec<GatewayAccount> = accounts.filter(is_due).cloned().collect();
        due.sort_by_key(|account| (account.created_at, account.id));
        Ok(due)
    }

    async fn claim_watch(
        &self,
        account: GatewayAccountId,
        begin: Timestamp,
        every: Duration,
    ) -> Result<Option<Timestamp>, Error> {
        let now = self.lease_clock.now();
        let mut state = self.state();
        let known = state.watches.get(&account).copied();
        if known.is_some_and(|watch| watch.due_at > now) {
            return Ok(None);
        }
        let until = known.map_or(begin, |watch| watch.until);
        let due_at = later(now, every);
        state.watches.insert(account, Watch { until, due_at });
        Ok(Some(until))
    }

    async fn move_watch(
        &self,
        account: GatewayAccountId,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<bool, Error> {
        let mut state = self.state();
        let watch = state.watches.get_mut(&account);
        let watch = watch.filter(|watch| watch.until == from);
        Ok(watch.map(|watch| watch.until = until).is_some())
    }

    async fn booked(
        &self,
        account: GatewayAccountId,
        keys: &[PaymentKey],
    ) -> Result<Vec<Booked>, Error> {
        let entries = self.all_entries().into_iter();
        let of_these = entries
            .filter(|entry| entry.account == account && keys.contains(&entry.payment_key))
            .map(|entry| Booked {
                payment_key: entry.payment_key,
                movement: entry.movement,
            });
        Ok(of_these.collect())
    }
}
