//! Owns the way of webhooks through the counting store: what is kept of them counts itself.

use std::sync::Arc;

use application::ports::Store;
use application::ports::store::{
    Claimed, Error, HasInbox, Inbox, Listed, Listener, Queue, Webhooks,
};
use async_trait::async_trait;
use domain::Timestamp;
use domain::change::Hold;
use domain::id::{EndpointId, MerchantId};
use domain::principal::Scope;
use domain::webhook::{Attempt, Delivery, DeliveryKey, Endpoint, Note, State};

use super::Metered;

impl HasInbox for Metered<Arc<dyn Store>> {
    fn inbox(&self) -> &dyn Inbox {
        self.inner.inbox()
    }
}

#[async_trait]
impl Webhooks for Metered<Arc<dyn Store>> {
    async fn endpoint(&self, id: EndpointId) -> Result<Option<Endpoint>, Error> {
        self.inner.endpoint(id).await
    }

    async fn endpoints(&self, scope: Scope, limit: u32) -> Result<Vec<Endpoint>, Error> {
        self.inner.endpoints(scope, limit).await
    }

    async fn listening(&self, merchants: &[MerchantId]) -> Result<Vec<Listener>, Error> {
        self.inner.listening(merchants).await
    }

    async fn notes(&self, endpoint: EndpointId, limit: u32) -> Result<Vec<Note>, Error> {
        self.inner.notes(endpoint, limit).await
    }

    async fn delivery(&self, key: &DeliveryKey) -> Result<Option<Listed>, Error> {
        self.inner.delivery(key).await
    }

    async fn deliveries(
        &self,
        endpoint: EndpointId,
        state: Option<State>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Listed>, Error> {
        self.inner.deliveries(endpoint, state, before, limit).await
    }

    async fn deliveries_at(
        &self,
        endpoint: EndpointId,
        positions: &[i64],
    ) -> Result<Vec<Delivery>, Error> {
        self.inner.deliveries_at(endpoint, positions).await
    }

    async fn attempts(&self, key: &DeliveryKey, limit: u32) -> Result<Vec<Attempt>, Error> {
        self.inner.attempts(key, limit).await
    }

    async fn endpoints_due(
        &self,
        now: Timestamp,
        after: Option<EndpointId>,
        limit: u32,
    ) -> Result<Vec<Endpoint>, Error> {
        self.inner.endpoints_due(now, after, limit).await
    }

    async fn claim_deliveries(
        &self,
        endpoint: &Endpoint,
        now: Timestamp,
        hold: Hold,
        limit: u32,
    ) -> Result<Vec<Claimed>, Error> {
        self.inner
            .claim_deliveries(endpoint, now, hold, limit)
            .await
    }

    async fn queue(&self) -> Result<Queue, Error> {
        self.inner.queue().await
    }

    async fn sweep_deliveries(&self, before: Timestamp, limit: u32) -> Result<u64, Error> {
        self.inner.sweep_deliveries(before, limit).await
    }
}
