//! Owns the way of webhooks through the faulty store: the scripts do not strike it.

use application::ports::store::{
    Claimed, Error, HasInbox, Inbox, Listed, Listener, Queue, Webhooks,
};
use async_trait::async_trait;
use domain::Timestamp;
use domain::change::Hold;
use domain::id::{EndpointId, MerchantId};
use domain::principal::Scope;
use domain::webhook::{Attempt, Delivery, DeliveryKey, Endpoint, Note, State};

use crate::store::Faulty;

impl HasInbox for Faulty {
    fn inbox(&self) -> &dyn Inbox {
        self.memory.as_ref()
    }
}

#[async_trait]
impl Webhooks for Faulty {
    async fn endpoint(&self, id: EndpointId) -> Result<Option<Endpoint>, Error> {
        self.memory.endpoint(id).await
    }

    async fn endpoints(&self, scope: Scope, limit: u32) -> Result<Vec<Endpoint>, Error> {
        self.memory.endpoints(scope, limit).await
    }

    async fn listening(&self, merchants: &[MerchantId]) -> Result<Vec<Listener>, Error> {
        self.memory.listening(merchants).await
    }

    async fn notes(&self, endpoint: EndpointId, limit: u32) -> Result<Vec<Note>, Error> {
        self.memory.notes(endpoint, limit).await
    }

    async fn delivery(&self, key: &DeliveryKey) -> Result<Option<Listed>, Error> {
        self.memory.delivery(key).await
    }

    async fn deliveries(
        &self,
        endpoint: EndpointId,
        state: Option<State>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Listed>, Error> {
        self.memory.deliveries(endpoint, state, before, limit).await
    }

    async fn deliveries_at(
        &self,
        endpoint: EndpointId,
        positions: &[i64],
    ) -> Result<Vec<Delivery>, Error> {
        self.memory.deliveries_at(endpoint, positions).await
    }

    async fn attempts(&self, key: &DeliveryKey, limit: u32) -> Result<Vec<Attempt>, Error> {
        self.memory.attempts(key, limit).await
    }

    async fn endpoints_due(
        &self,
        now: Timestamp,
        after: Option<EndpointId>,
        limit: u32,
    ) -> Result<Vec<Endpoint>, Error> {
        self.memory.endpoints_due(now, after, limit).await
    }

    async fn claim_deliveries(
        &self,
        endpoint: &Endpoint,
        now: Timestamp,
        hold: Hold,
        limit: u32,
    ) -> Result<Vec<Claimed>, Error> {
        self.memory
            .claim_deliveries(endpoint, now, hold, limit)
            .await
    }

    async fn queue(&self) -> Result<Queue, Error> {
        self.memory.queue().await
    }

    async fn sweep_deliveries(&self, before: Timestamp, limit: u32) -> Result<u64, Error> {
        self.memory.sweep_deliveries(before, limit).await
    }
}
