//! Owns the way of webhooks through the faulty store.

use application::ports::store::{
    Claimed, Error, HasInbox, Inbox, Listed, Listener, Queue, Webhooks,
};
use async_trait::async_trait;
use domain::Timestamp;
use domain::change::{Change, Hold};
use domain::feed;
use domain::id::{EndpointId, MerchantId};
use domain::principal::Scope;
use domain::webhook::{self, Attempt, Delivery, DeliveryKey, Endpoint, Note, State};

use super::Faulty;

/// What the jobs commit by themselves, whenever they come to it: no request's work, nor its fault.
pub(super) fn is_of_a_job(changes: &[Change]) -> bool {
    changes.iter().any(|change| {
        if let Change::Feed(change) = change {
            return matches!(**change, feed::Change::KeepLease { .. });
        }
        let Change::Webhook(change) = change else {
            return false;
        };
        matches!(
            change.as_ref(),
            webhook::Change::LogAttempt(_)
                | webhook::Change::BeginFailing { .. }
                | webhook::Change::EndFailing(_)
        )
    })
}

impl HasInbox for Faulty {
    fn inbox(&self) -> &dyn Inbox {
        self.inner().inbox()
    }
}

#[async_trait]
impl Webhooks for Faulty {
    async fn endpoint(&self, id: EndpointId) -> Result<Option<Endpoint>, Error> {
        self.reached()?.endpoint(id).await
    }

    async fn endpoints(&self, scope: Scope, limit: u32) -> Result<Vec<Endpoint>, Error> {
        self.reached()?.endpoints(scope, limit).await
    }

    async fn listening(&self, merchants: &[MerchantId]) -> Result<Vec<Listener>, Error> {
        self.reached()?.listening(merchants).await
    }

    async fn notes(&self, endpoint: EndpointId, limit: u32) -> Result<Vec<Note>, Error> {
        self.reached()?.notes(endpoint, limit).await
    }

    async fn delivery(&self, key: &DeliveryKey) -> Result<Option<Listed>, Error> {
        self.reached()?.delivery(key).await
    }

    async fn deliveries(
        &self,
        endpoint: EndpointId,
        state: Option<State>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Listed>, Error> {
        self.reached()?
            .deliveries(endpoint, state, before, limit)
            .await
    }

    async fn deliveries_at(
        &self,
        endpoint: EndpointId,
        positions: &[i64],
    ) -> Result<Vec<Delivery>, Error> {
        self.reached()?.deliveries_at(endpoint, positions).await
    }

    async fn attempts(&self, key: &DeliveryKey, limit: u32) -> Result<Vec<Attempt>, Error> {
        self.reached()?.attempts(key, limit).await
    }

    async fn endpoints_due(
        &self,
        now: Timestamp,
        after: Option<EndpointId>,
        limit: u32,
    ) -> Result<Vec<Endpoint>, Error> {
        self.reached()?.endpoints_due(now, after, limit).await
    }

    async fn claim_deliveries(
        &self,
        endpoint: &Endpoint,
        now: Timestamp,
        hold: Hold,
        limit: u32,
    ) -> Result<Vec<Claimed>, Error> {
        self.reached()?
            .claim_deliveries(endpoint, now, hold, limit)
            .await
    }

    async fn queue(&self) -> Result<Queue, Error> {
        self.reached()?.queue().await
    }

    async fn sweep_deliveries(&self, before: Timestamp, limit: u32) -> Result<u64, Error> {
        self.reached()?.sweep_deliveries(before, limit).await
    }
}
