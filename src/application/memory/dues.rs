//! Owns the looks at billing as a whole, in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::Timestamp;
use domain::billing::{self, BillingKey};
use domain::id::{BillingKeyId, PaymentId, SagaId, SubscriptionId};
use domain::merchant::Status;
use domain::payment::PayStatus;
use domain::principal::Scope;
use domain::subscription::{Cycle, State};
use domain::text::MemberId;

use super::{Memory, rows};
use crate::ports::store::{CountedBy, CycleBacklog, Dues, Error};

fn count(backlog: &mut CycleBacklog, cycle: &Cycle, by: CountedBy) {
    let one_more = |count: &mut u64, counts: bool| {
        *count = count.saturating_add(u64::from(counts));
    };
    if let Some(next_at) = cycle.next_at().filter(|next_at| *next_at <= by.now) {
        one_more(&mut backlog.due, true);
        one_more(&mut backlog.late, next_at <= by.late);
        let oldest = backlog.oldest_due.unwrap_or(next_at);
        backlog.oldest_due = Some(oldest.min(next_at));
    }
    match cycle.state {
        State::Charging { .. } => one_more(&mut backlog.charging, true),
        State::Held { .. } => one_more(&mut backlog.held, true),
        State::Paid { paid_at, .. } => {
            let of_late = by.paid_since.is_some_and(|since| paid_at >= since);
            one_more(&mut backlog.charged, of_late);
        }
        State::Failed => one_more(&mut backlog.failed, by.paid_since.is_some()),
        State::Waiting { .. }
        | State::Closing
        | State::Skipped
        | State::Void
        | State::Refunded { .. } => {}
    }
}

#[async_trait]
impl Dues for Memory {
    async fn backlog(&self, by: CountedBy) -> Result<Vec<CycleBacklog>, Error> {
        let mut found: BTreeMap<_, CycleBacklog> = BTreeMap::new();
        for cycle in self.all_cycles() {
            let scope = cycle.scope;
            let backlog = found
                .entry((scope.merchant, scope.mode.as_str()))
                .or_insert_with(|| CycleBacklog::none(scope));
            count(backlog, &cycle, by);
        }
        found.retain(|_, backlog| *backlog != CycleBacklog::none(backlog.scope));
        let state = self.state();
        for backlog in found.values_mut() {
            let merchant = state.merchants.get(&backlog.scope.merchant);
            backlog.suspended = merchant.is_some_and(|row| row.status != Status::Active);
        }
        Ok(found.into_values().collect())
    }

    async fn is_needed(
        &self,
        card: BillingKeyId,
        but: (SubscriptionId, Option<SagaId>),
    ) -> Result<bool, Error> {
        let state = self.state();
        let mut sagas = state.sagas.values().map(|held| &held.saga);
        let charged = sagas.any(|saga| {
            let own = Some(saga.head.id) == but.1;
            !own && !saga.is_closed() && saga.head.intent.billing_key() == Some(card)
        });
        Ok(charged || state.subscriptions.goes_on_with(card, but.0))
    }

    async fn given_back(&self, payments: &[PaymentId]) -> Result<BTreeMap<PaymentId, i64>, Error> {
        let state = self.state();
        let found = payments.iter().filter_map(|id| state.payments.get(id));
        let given = found.map(|payment| (payment.facts.id, payment.canceled.minor()));
        Ok(given.filter(|(_, minor)| *minor > 0).collect())
    }

    async fn keys_ending(
        &self,
        now: Timestamp,
        soon: Timestamp,
        used: Timestamp,
    ) -> Result<u64, Error> {
        let state = self.state();
        let ends = state.api_keys.values().filter(|key| {
            let ends = key.expires_at.is_some_and(|end| now < end && end <= soon);
            ends && key.last_used_at.is_some_and(|last| last > used)
        });
        Ok(u64::try_from(ends.count()).unwrap_or(u64::MAX))
    }

    async fn untold_cycles(&self, limit: u32) -> Result<Vec<Cycle>, Error> {
        let cycles = self.all_cycles().into_iter();
        let state = self.state();
        let untold = cycles.filter(|cycle| match cycle.state {
            State::Charging { payment } => {
                let found = state.payments.get(&payment);
                found.is_some_and(|payment| payment.status() != PayStatus::InProgress)
            }
            State::Waiting { .. }
            | State::Held { .. }
            | State::Closing
            | State::Paid { .. }
            | State::Failed
            | State::Skipped
            | State::Void
            | State::Refunded { .. } => false,
        });
        Ok(untold.take(rows(limit)).collect())
    }

    async fn default_card(
        &self,
        scope: Scope,
        member: &MemberId,
    ) -> Result<Option<BillingKey>, Error> {
        let state = self.state();
        let mut all = state.billing_keys.values().map(|row| &row.key);
        let found = all.find(|key| key.scope == scope && key.member == *member && key.is_default());
        Ok(found.cloned())
    }

    async fn sweep_registrations(&self, opened: Timestamp, limit: u32) -> Result<u64, Error> {
        let mut state = self.state();
        let all = state.billing_keys.values().map(|row| &row.key);
        let unused = all.filter(|key| key.status() == billing::Status::Registered);
        let old: Vec<_> = unused
            .filter(|key| key.created_at <= opened)
            .map(|key| key.id)
            .take(rows(limit))
            .collect();
        for id in &old {
            state.billing_keys.remove(id);
        }
        Ok(u64::try_from(old.len()).unwrap_or(u64::MAX))
    }

    async fn stuck_cards(&self, since: Timestamp) -> Result<u64, Error> {
        let state = self.state();
        let all = state.billing_keys.values().map(|row| &row.key);
        let stuck = all.filter(|key| key.work().is_some_and(|(_, work)| work.since <= since));
        Ok(u64::try_from(stuck.count()).unwrap_or(u64::MAX))
    }
}
