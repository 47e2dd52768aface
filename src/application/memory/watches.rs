//! Owns how far accounts are watched and what was seen, in memory.

use std::time::Duration;

use async_trait::async_trait;
use domain::Timestamp;
use domain::account::Status;
use domain::id::{GatewayAccountId, GatewayOrderId};
use domain::merchant::GatewayAccount;
use domain::text::PaymentKey;

use super::Memory;
use crate::idempotency::later;
use crate::ports::store::{Booked, Error, Sighting, Standing, Watches};

/// How far an account is watched.
#[derive(Clone, Copy)]
pub(super) struct Watch {
    until: Timestamp,
    /// By the clock of leases.
    due_at: Timestamp,
}

/// What was seen and is not settled.
#[derive(Clone)]
pub(super) struct Seen {
    sighting: Sighting,
    /// By the clock of leases.
    due_at: Timestamp,
}

fn key_of(sighting: &Sighting) -> (GatewayAccountId, String) {
    (sighting.account, sighting.key.to_string())
}

impl Memory {
    /// Every sighting that is not settled.
    #[must_use]
    pub fn all_sightings(&self) -> Vec<Sighting> {
        let state = self.state();
        let seen = state.sightings.values();
        seen.map(|seen| seen.sighting.clone()).collect()
    }
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
        lease: Duration,
    ) -> Result<Option<Timestamp>, Error> {
        let now = self.lease_clock.now();
        let mut state = self.state();
        let known = state.watches.get(&account).copied();
        if known.is_some_and(|watch| watch.due_at > now) {
            return Ok(None);
        }
        let until = known.map_or(begin, |watch| watch.until);
        let due_at = later(now, lease);
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
                transaction_key: entry.transaction_key,
            });
        Ok(of_these.collect())
    }

    async fn release_watch(&self, account: GatewayAccountId, pause: Duration) -> Result<(), Error> {
        let due_at = later(self.lease_clock.now(), pause);
        if let Some(watch) = self.state().watches.get_mut(&account) {
            watch.due_at = due_at;
        }
        Ok(())
    }

    async fn own_orders(
        &self,
        account: GatewayAccountId,
        orders: &[GatewayOrderId],
    ) -> Result<Vec<GatewayOrderId>, Error> {
        let state = self.state();
        let is_own = |id: &&GatewayOrderId| {
            let payment = state.orders.get(id).map(|order| order.payment);
            let payment = payment.and_then(|payment| state.payments.get(&payment));
            payment.is_some_and(|payment| payment.facts.account == account)
        };
        Ok(orders.iter().filter(is_own).copied().collect())
    }

    async fn sight(&self, sightings: &[Sighting]) -> Result<(), Error> {
        let due_at = self.lease_clock.now();
        let mut state = self.state();
        for sighting in sightings {
            let fresh = || Seen {
                sighting: sighting.clone(),
                due_at,
            };
            let seen = state.sightings.entry(key_of(sighting));
            let seen = seen.or_insert_with(fresh);
            let kept = &mut seen.sighting;
            if kept.moved_at < sighting.moved_at {
                kept.moved_at = sighting.moved_at;
                kept.looks = kept.looks.saturating_add(1);
                seen.due_at = due_at;
            }
        }
        Ok(())
    }

    async fn claim_sighting(
        &self,
        account: GatewayAccountId,
        lease: Duration,
    ) -> Result<Option<Sighting>, Error> {
        let now = self.lease_clock.now();
        let mut state = self.state();
        let seen = state.sightings.values_mut();
        let due = seen.filter(|seen| seen.sighting.account == account && seen.due_at <= now);
        let first = due.min_by_key(|seen| (seen.sighting.moved_at.is_none(), seen.due_at));
        Ok(first.map(|seen| {
            seen.due_at = later(now, lease);
            seen.sighting.looks = seen.sighting.looks.saturating_add(1);
            seen.sighting.clone()
        }))
    }

    async fn keep_sighting(&self, sighting: &Sighting, pause: Duration) -> Result<bool, Error> {
        let due_at = later(self.lease_clock.now(), pause);
        let mut state = self.state();
        let held = state.sightings.get_mut(&key_of(sighting));
        let held = held.filter(|seen| seen.sighting.looks == sighting.looks);
        let kept = held.map(|seen| {
            seen.sighting.verdict.clone_from(&sighting.verdict);
            seen.sighting.reported = sighting.reported;
            seen.due_at = due_at;
        });
        Ok(kept.is_some())
    }

    async fn settle_sighting(&self, sighting: &Sighting) -> Result<(), Error> {
        let mut state = self.state();
        let held = state.sightings.get(&key_of(sighting));
        if held.is_some_and(|seen| seen.sighting.looks == sighting.looks) {
            state.sightings.remove(&key_of(sighting));
        }
        Ok(())
    }

    async fn standing(&self) -> Result<Standing, Error> {
        let state = self.state();
        let count = |of: &dyn Fn(&Sighting) -> bool| {
            let seen = state.sightings.values();
            let count = seen.filter(|seen| of(&seen.sighting)).count();
            u64::try_from(count).unwrap_or(u64::MAX)
        };
        let is_active = |id: &GatewayAccountId| {
            let account = state.accounts.get(id);
            account.is_some_and(|account| account.status == Status::Active)
        };
        let watches = state.watches.iter().filter(|(id, _)| is_active(id));
        Ok(Standing {
            open: count(&|_| true),
            strange: count(&|sighting| sighting.reported),
            until: watches.map(|(_, watch)| watch.until).min(),
        })
    }
}
