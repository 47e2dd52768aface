//! Owns endpoints and deliveries in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use domain::Timestamp;
use domain::change::Hold;
use domain::id::{EndpointId, MerchantId, WorkerId};
use domain::principal::Scope;
use domain::webhook::{
    Attempt, Change, Delivery, DeliveryKey, Endpoint, Note, State as DeliveryState, Status,
    Subject, Topic,
};

use super::apply::{Applied, insert, must};
use super::{Memory, State};
use crate::idempotency::later;
use crate::ports::store::{
    Claimed, CommitError, Error, Listed, Listener, News, PENDING_COUNTED_MAX, Queue, Webhooks,
};

/// A delivery and who holds it.
#[derive(Clone)]
struct Held {
    delivery: Delivery,
    hold: Option<(WorkerId, Timestamp)>,
}

impl Held {
    /// Whether it may be taken, by the clock of tries and by that of leases.
    fn is_due(&self, now: Timestamp, lease_now: Timestamp) -> bool {
        self.delivery.state == DeliveryState::Pending
            && self.delivery.due_at <= now
            && self.hold.is_none_or(|(_, until)| until <= lease_now)
    }
}

/// The tables of webhooks.
#[derive(Clone, Default)]
pub(super) struct Tables {
    endpoints: BTreeMap<EndpointId, Arc<Endpoint>>,
    notes: BTreeMap<(EndpointId, i64), Note>,
    deliveries: BTreeMap<DeliveryKey, Held>,
    attempts: BTreeMap<(DeliveryKey, i64), Arc<Attempt>>,
}

fn rows(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

impl Tables {
    pub(super) fn apply(&mut self, change: &Change) -> Applied {
        match change {
            Change::InsertEndpoint(endpoint) => {
                let row = Arc::new(endpoint.as_ref().clone());
                insert(&mut self.endpoints, endpoint.id, row)
            }
            Change::UpdateEndpoint { endpoint, expected } => {
                let row = self.row(endpoint.id)?;
                must(row.version == *expected)?;
                let failing_since = row.failing_since;
                *row = endpoint.as_ref().clone();
                row.failing_since = failing_since;
                Ok(())
            }
            Change::Note(note) => insert(&mut self.notes, (note.endpoint, note.version), *note),
            Change::BeginFailing { endpoint, since } => {
                let row = self.row(*endpoint)?;
                must(row.failing_since.is_none())?;
                row.failing_since = Some(*since);
                Ok(())
            }
            Change::EndFailing(endpoint) => {
                let ended = self.row(*endpoint)?.failing_since.take();
                must(ended.is_some())
            }
            Change::InsertDelivery(delivery) => self.insert_delivery(delivery),
            Change::UpdateDelivery { delivery, expected } => {
                let row = self.deliveries.get_mut(&delivery.key);
                let row = row.ok_or(CommitError::Conflict)?;
                must(row.delivery.version == *expected)?;
                row.delivery = **delivery;
                row.hold = None;
                Ok(())
            }
            Change::LogAttempt(attempt) => {
                let row = Arc::new(attempt.as_ref().clone());
                insert(&mut self.attempts, (attempt.key, attempt.number), row)
            }
        }
    }

    fn row(&mut self, id: EndpointId) -> Result<&mut Endpoint, CommitError> {
        let row = self.endpoints.get_mut(&id);
        row.map(Arc::make_mut).ok_or(CommitError::Conflict)
    }

    fn insert_delivery(&mut self, delivery: &Delivery) -> Applied {
        let taken = self.of(delivery.key.endpoint);
        let taken = taken
            .map(|held| held.delivery.position)
            .any(|position| position == delivery.position);
        must(!taken)?;
        let row = Held {
            delivery: *delivery,
            hold: None,
        };
        insert(&mut self.deliveries, delivery.key, row)
    }

    fn of(&self, endpoint: EndpointId) -> impl Iterator<Item = &Held> {
        let all = self.deliveries.values();
        all.filter(move |held| held.delivery.key.endpoint == endpoint)
    }
}

impl State {
    fn listed(&self, delivery: Delivery) -> Option<Listed> {
        let id = delivery.key.event;
        let kind = match id.subject {
            Subject::Payment(payment) => self.events.get(&(payment, id.sequence))?.kind.as_str(),
            Subject::Endpoint(_) => Topic::EndpointDisabled.as_str(),
        };
        let kind = kind.to_owned();
        Some(Listed { delivery, kind })
    }

    fn claimed(&self, delivery: Delivery) -> Claimed {
        let id = delivery.key.event;
        let news = match id.subject {
            Subject::Payment(payment) => {
                let event = self.events.get(&(payment, id.sequence));
                event.map(|event| News::Event(Box::new(event.as_ref().clone())))
            }
            Subject::Endpoint(endpoint) => {
                let note = self.webhooks.notes.get(&(endpoint, id.sequence));
                note.copied().map(News::Note)
            }
        };
        let news = news.ok_or_else(|| "it is not there".to_owned());
        Claimed { delivery, news }
    }
}

impl Memory {
    /// Every delivery.
    #[must_use]
    pub fn all_deliveries(&self) -> Vec<Delivery> {
        let state = self.state();
        let all = state.webhooks.deliveries.values();
        all.map(|held| held.delivery).collect()
    }
}

#[async_trait]
impl Webhooks for Memory {
    async fn endpoint(&self, id: EndpointId) -> Result<Option<Endpoint>, Error> {
        let state = self.state();
        let found = state.webhooks.endpoints.get(&id);
        Ok(found.map(|row| row.as_ref().clone()))
    }

    async fn endpoints(&self, scope: Scope, limit: u32) -> Result<Vec<Endpoint>, Error> {
        let state = self.state();
        let own = state.webhooks.endpoints.values();
        let own = own.filter(|row| row.scope == scope && row.status != Status::Deleted);
        let mut own: Vec<Endpoint> = own.map(|row| row.as_ref().clone()).collect();
        own.sort_by_key(|row| std::cmp::Reverse((row.created_at, row.id)));
        own.truncate(rows(limit));
        Ok(own)
    }

    async fn listening(&self, merchants: &[MerchantId]) -> Result<Vec<Listener>, Error> {
        let state = self.state();
        let told = state.webhooks.endpoints.values();
        let told = told
            .filter(|row| row.status == Status::Enabled && merchants.contains(&row.scope.merchant));
        let listener = |row: &Arc<Endpoint>| Listener {
            merchant: row.scope.merchant,
            endpoint: Ok(row.as_ref().clone()),
        };
        Ok(told.map(listener).collect())
    }

    async fn notes(&self, endpoint: EndpointId, limit: u32) -> Result<Vec<Note>, Error> {
        let state = self.state();
        let notes = state.webhooks.notes.values().rev();
        let notes = notes.filter(|note| note.endpoint == endpoint);
        Ok(notes.take(rows(limit)).copied().collect())
    }

    async fn delivery(&self, key: &DeliveryKey) -> Result<Option<Listed>, Error> {
        let state = self.state();
        let found = state.webhooks.deliveries.get(key);
        Ok(found.and_then(|held| state.listed(held.delivery)))
    }

    async fn deliveries(
        &self,
        endpoint: EndpointId,
        state: Option<DeliveryState>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Listed>, Error> {
        let tables = self.state();
        let own = tables.webhooks.of(endpoint).map(|held| held.delivery);
        let mut own: Vec<Delivery> = own
            .filter(|row| state.is_none_or(|state| row.state == state))
            .filter(|row| before.is_none_or(|before| row.position < before))
            .collect();
        own.sort_by_key(|row| std::cmp::Reverse(row.position));
        own.truncate(rows(limit));
        let listed = own.into_iter().filter_map(|row| tables.listed(row));
        Ok(listed.collect())
    }

    async fn deliveries_at(
        &self,
        endpoint: EndpointId,
        positions: &[i64],
    ) -> Result<Vec<Delivery>, Error> {
        let state = self.state();
        let own = state.webhooks.of(endpoint).map(|held| held.delivery);
        let mut own: Vec<Delivery> = own
            .filter(|row| positions.contains(&row.position))
            .collect();
        own.sort_by_key(|row| row.position);
        Ok(own)
    }

    async fn attempts(&self, key: &DeliveryKey, limit: u32) -> Result<Vec<Attempt>, Error> {
        let state = self.state();
        let tries = state.webhooks.attempts.values().rev();
        let tries = tries.filter(|row| row.key == *key).take(rows(limit));
        Ok(tries.map(|row| row.as_ref().clone()).collect())
    }

    async fn endpoints_due(
        &self,
        now: Timestamp,
        after: Option<EndpointId>,
        limit: u32,
    ) -> Result<Vec<Endpoint>, Error> {
        let lease_now = self.lease_clock.now();
        let state = self.state();
        let told = state.webhooks.endpoints.values();
        let due = told
            .filter(|row| row.status == Status::Enabled)
            .filter(|row| after.is_none_or(|after| row.id > after))
            .filter(|row| {
                let mut own = state.webhooks.of(row.id);
                own.any(|held| held.is_due(now, lease_now))
            });
        let due = due.take(rows(limit));
        Ok(due.map(|row| row.as_ref().clone()).collect())
    }

    async fn claim_deliveries(
        &self,
        endpoint: &Endpoint,
        now: Timestamp,
        hold: Hold,
        limit: u32,
    ) -> Result<Vec<Claimed>, Error> {
        let lease_now = self.lease_clock.now();
        let mut state = self.state();
        let known = state.webhooks.endpoints.get(&endpoint.id);
        let is_as_seen = known
            .is_some_and(|row| row.status == Status::Enabled && row.version == endpoint.version);
        if !is_as_seen {
            return Ok(Vec::new());
        }
        let own = state.webhooks.of(endpoint.id);
        let due = own.filter(|held| held.is_due(now, lease_now));
        let mut due: Vec<Delivery> = due.map(|held| held.delivery).collect();
        due.sort_by_key(|row| row.due_at);
        due.truncate(rows(limit));
        let until = later(lease_now, hold.lease);
        for delivery in &mut due {
            delivery.version = delivery.version.saturating_add(1);
            let row = Held {
                delivery: *delivery,
                hold: Some((hold.holder, until)),
            };
            state.webhooks.deliveries.insert(delivery.key, row);
        }
        let claimed = due.into_iter().map(|row| state.claimed(row));
        Ok(claimed.collect())
    }

    async fn queue(&self) -> Result<Queue, Error> {
        let state = self.state();
        let tables = &state.webhooks;
        let is_told = |id| {
            let row = tables.endpoints.get(id);
            row.is_some_and(|row| row.status == Status::Enabled)
        };
        let pending = tables.deliveries.values().map(|held| &held.delivery);
        let is_there = |id| {
            let row = tables.endpoints.get(id);
            row.is_some_and(|row| row.status != Status::Deleted)
        };
        let pending: Vec<&Delivery> = pending
            .filter(|row| row.state == DeliveryState::Pending && is_there(&row.key.endpoint))
            .collect();
        let told = pending.iter().filter(|row| is_told(&row.key.endpoint));
        let failing = tables.endpoints.values();
        let failing = failing.filter(|row| is_told(&row.id) && row.failing_since.is_some());
        Ok(Queue {
            pending: u64::try_from(pending.len())
                .unwrap_or(u64::MAX)
                .min(PENDING_COUNTED_MAX),
            oldest_due: told.map(|row| row.due_at).min(),
            failing: u64::try_from(failing.count()).unwrap_or(u64::MAX),
        })
    }

    async fn sweep_deliveries(&self, before: Timestamp, limit: u32) -> Result<u64, Error> {
        let mut state = self.state();
        let tables = &state.webhooks;
        let is_owed = |row: &Delivery| {
            let endpoint = tables.endpoints.get(&row.key.endpoint);
            let is_deleted = endpoint.is_some_and(|endpoint| endpoint.status == Status::Deleted);
            row.state == DeliveryState::Pending && !is_deleted
        };
        let old = tables.deliveries.values().map(|held| held.delivery);
        let mut old: Vec<Delivery> = old
            .filter(|row| row.due_at < before && !is_owed(row))
            .collect();
        old.sort_by_key(|row| (row.state == DeliveryState::Pending, row.due_at));
        old.truncate(rows(limit));
        for row in &old {
            state.webhooks.deliveries.remove(&row.key);
            state
                .webhooks
                .attempts
                .retain(|(key, _), _| *key != row.key);
        }
        Ok(u64::try_from(old.len()).unwrap_or(u64::MAX))
    }
}
