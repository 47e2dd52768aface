//! Owns the reads of the store in memory, and the end of its keys.

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use domain::Timestamp;
use domain::change::GatewayOrder;
use domain::event::PaymentEvent;
use domain::id::{ApiKeyId, GatewayAccountId, GatewayOrderId, MerchantId, PaymentId};
use domain::idempotency::{IssuedKey, KeyRef, Reservation};
use domain::ledger::Entry;
use domain::merchant::{ApiKey, GatewayAccount, Merchant};
use domain::payment::{PayStatus, Payment};
use domain::principal::{Owner, Scope};
use domain::saga::Kind;
use domain::text::OrderId;

use super::{Memory, State, rows};
use crate::ports::store::{
    Access, Error, Keys, KnownKey, PageAfter, PaymentFilter, Payments, Whose,
};

fn matches(payment: &Payment, filter: &PaymentFilter) -> bool {
    let facts = &payment.facts;
    filter
        .status
        .is_none_or(|status| payment.status() == status)
        && filter.kind.is_none_or(|kind| facts.kind == kind)
        && filter
            .order_id
            .as_ref()
            .is_none_or(|order| facts.order_id == *order)
        && (filter.customer_name.is_none() || facts.customer.name == filter.customer_name)
        && (filter.member.is_none() || facts.customer.member == filter.member)
        && filter.from.is_none_or(|from| facts.created_at >= from)
        && filter.until.is_none_or(|until| facts.created_at < until)
}

#[async_trait]
impl Payments for Memory {
    async fn payment(&self, owner: &Owner, id: PaymentId) -> Result<Option<Payment>, Error> {
        let found = self.any_payment(id).await?;
        Ok(found.filter(|Payment { facts, .. }| {
            owner.owns(facts.scope, facts.customer.member.as_ref())
        }))
    }

    async fn any_payment(&self, id: PaymentId) -> Result<Option<Payment>, Error> {
        Ok(self
            .state()
            .payments
            .get(&id)
            .map(|payment| payment.as_ref().clone()))
    }

    async fn members_of(&self, payments: &[PaymentId]) -> Result<Vec<Whose>, Error> {
        let state = self.state();
        let member = |id: &PaymentId| {
            let payment = state.payments.get(id)?;
            Some((*id, Ok(payment.facts.customer.member.clone()?)))
        };
        Ok(payments.iter().filter_map(member).collect())
    }

    async fn payment_of_order(&self, scope: Scope, o: &OrderId) -> Result<Option<Payment>, Error> {
        let state = self.state();
        let mut all = state.payments.values();
        let found = all.find(|known| known.facts.scope == scope && known.facts.order_id == *o);
        Ok(found.map(|payment| payment.as_ref().clone()))
    }

    async fn gateway_order(&self, id: GatewayOrderId) -> Result<Option<GatewayOrder>, Error> {
        Ok(self.state().orders.get(&id).cloned())
    }

    async fn gateway_orders(&self, payment: PaymentId) -> Result<Vec<GatewayOrder>, Error> {
        let state = self.state();
        let mut found: Vec<GatewayOrder> = state
            .orders
            .values()
            .filter(|order| order.payment == payment)
            .cloned()
            .collect();
        found.sort_by_key(|order| std::cmp::Reverse((order.created_at, order.id)));
        Ok(found)
    }

    async fn payments(
        &self,
        scope: Scope,
        filter: &PaymentFilter,
        after: Option<PageAfter>,
        limit: u32,
    ) -> Result<Vec<Payment>, Error> {
        let state = self.state();
        let place = |payment: &Payment| (payment.facts.created_at, payment.facts.id);
        let mut found: Vec<Payment> = state
            .payments
            .values()
            .filter(|payment| payment.facts.scope == scope && matches(payment, filter))
            .filter(|payment| {
                after.is_none_or(|after| place(payment) < (after.created_at, after.id))
            })
            .map(|payment| payment.as_ref().clone())
            .collect();
        found.sort_by_key(|payment| std::cmp::Reverse(place(payment)));
        found.truncate(rows(limit));
        Ok(found)
    }

    async fn payments_to_expire(&self, now: Timestamp, limit: u32) -> Result<Vec<Payment>, Error> {
        let state = self.state();
        let mut found: Vec<Payment> = state
            .payments
            .values()
            .filter(|payment| payment.status() == PayStatus::Ready)
            .filter(|payment| payment.facts.expires_at <= now)
            .map(|payment| payment.as_ref().clone())
            .collect();
        found.sort_by_key(|payment| (payment.facts.expires_at, payment.facts.id));
        found.truncate(rows(limit));
        Ok(found)
    }

    async fn accounts_to_ask(&self, now: Timestamp, limit: u32) -> Result<Vec<Payment>, Error> {
        let state = self.state();
        let look_at = |payment: &Payment| payment.account.as_ref().and_then(|a| a.look_at);
        let payments = state.payments.values().map(AsRef::as_ref);
        let is_due = |payment: &&Payment| look_at(payment).is_some_and(|at| at <= now);
        let mut found: Vec<Payment> = payments.filter(is_due).cloned().collect();
        found.sort_by_key(|payment| (look_at(payment), payment.facts.id));
        found.truncate(rows(limit));
        Ok(found)
    }

    async fn events(
        &self,
        payment: PaymentId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<PaymentEvent>, Error> {
        let state = self.state();
        let later = state
            .events
            .range((payment, after.saturating_add(1))..=(payment, i64::MAX));
        Ok(later
            .take(rows(limit))
            .map(|(_, event)| event.as_ref().clone())
            .collect())
    }

    async fn entries(&self, payment: PaymentId) -> Result<Vec<Entry>, Error> {
        let mut found = self.all_entries();
        found.retain(|entry| entry.payment == payment);
        Ok(found)
    }
}

#[async_trait]
impl Keys for Memory {
    async fn reservation(&self, key: &KeyRef) -> Result<Option<Reservation>, Error> {
        Ok(self.state().keys.get(key).map(|key| key.as_ref().clone()))
    }

    async fn issued_key(&self, key: &KeyRef) -> Result<Option<IssuedKey>, Error> {
        Ok(self.state().issued.get(key).map(|key| key.as_ref().clone()))
    }

    async fn sweep_keys(&self, first_used: Range<Timestamp>, limit: u32) -> Result<u64, Error> {
        let mut state = self.state();
        let mut over: Vec<(Timestamp, KeyRef)> = state
            .keys
            .values()
            .filter(|key| first_used.contains(&key.created_at) && can_be_forgotten(&state, key))
            .map(|key| (key.created_at, key.key.clone()))
            .collect();
        over.sort_unstable();
        over.truncate(rows(limit));
        for (_, key) in &over {
            state.keys.remove(key);
        }
        let mut unused: Vec<(Timestamp, KeyRef)> = state
            .issued
            .values()
            .filter(|issued| issued.expires_at < first_used.end)
            .map(|issued| (issued.expires_at, issued.key.clone()))
            .collect();
        unused.sort_unstable();
        unused.truncate(rows(limit));
        for (_, key) in &unused {
            state.issued.remove(key);
        }
        let swept = over.len().saturating_add(unused.len());
        Ok(u64::try_from(swept).unwrap_or(u64::MAX))
    }
}

fn can_be_forgotten(state: &State, key: &Reservation) -> bool {
    key.saga.is_none_or(|saga| {
        let saga = state.sagas.get(&saga).map(|held| &held.saga);
        saga.is_some_and(|saga| saga.is_closed() && saga.head.kind() != Kind::Cancellation)
    })
}

#[async_trait]
impl Access for Memory {
    async fn api_key(&self, hash: &[u8; 32]) -> Result<Option<KnownKey>, Error> {
        let state = self.state();
        let found = state.api_keys.get(hash).and_then(|key| {
            let merchant = state.merchants.get(&key.scope.merchant)?;
            Some(KnownKey {
                key: key.as_ref().clone(),
                merchant: merchant.as_ref().clone(),
            })
        });
        Ok(found)
    }

    async fn any_api_key(&self, id: ApiKeyId) -> Result<Option<ApiKey>, Error> {
        let state = self.state();
        let found = state.api_keys.values().find(|key| key.id == id);
        Ok(found.map(|key| key.as_ref().clone()))
    }

    async fn api_keys(
        &self,
        scope: Scope,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<ApiKey>, Error> {
        let state = self.state();
        let mut found: Vec<ApiKey> = state
            .api_keys
            .values()
            .filter(|key| key.scope == scope && key.is_usable(since))
            .map(|key| key.as_ref().clone())
            .collect();
        found.sort_by_key(|key| std::cmp::Reverse((key.created_at, key.id)));
        found.truncate(rows(limit));
        Ok(found)
    }

    async fn note_use(&self, key: ApiKeyId, at: Timestamp) -> Result<(), Error> {
        let mut state = self.state();
        let earlier = |row: &&mut Arc<ApiKey>| {
            row.id == key && row.last_used_at.is_none_or(|noted| noted < at)
        };
        if let Some(row) = state.api_keys.values_mut().find(earlier) {
            Arc::make_mut(row).last_used_at = Some(at);
        }
        Ok(())
    }

    async fn merchant(&self, id: MerchantId) -> Result<Option<Merchant>, Error> {
        let state = self.state();
        let found = state.merchants.get(&id);
        Ok(found.map(|merchant| merchant.as_ref().clone()))
    }

    async fn merchants(&self) -> Result<Vec<Merchant>, Error> {
        let state = self.state();
        let mut found: Vec<Merchant> = state
            .merchants
            .values()
            .map(|merchant| merchant.as_ref().clone())
            .collect();
        found.sort_by_key(|merchant| (merchant.created_at, merchant.id));
        Ok(found)
    }

    async fn gateway_accounts(&self, scope: Scope) -> Result<Vec<GatewayAccount>, Error> {
        let state = self.state();
        let mut found: Vec<GatewayAccount> = state
            .accounts
            .values()
            .filter(|account| account.scope == scope)
            .map(|account| account.as_ref().clone())
            .collect();
        found.sort_by_key(|account| (account.created_at, account.id));
        Ok(found)
    }

    async fn gateway_account(&self, id: GatewayAccountId) -> Result<Option<GatewayAccount>, Error> {
        Ok(self
            .state()
            .accounts
            .get(&id)
            .map(|account| account.as_ref().clone()))
    }

    async fn ping(&self) -> Result<(), Error> {
        Ok(())
    }
}
