//! Owns the way of webhooks through the flawed store.

use application::ports::store::{
    Claimed, Commit as _, CommitError, Error, HasInbox, Inbox, Listed, Listener, Queue, Webhooks,
};
use async_trait::async_trait;
use domain::Timestamp;
use domain::change::{Change, Hold};
use domain::id::{EndpointId, MerchantId};
use domain::principal::Scope;
use domain::webhook::{self, Attempt, Delivery, DeliveryKey, Endpoint, Note, State};

use crate::store::{Fault, Flawed};

impl Flawed {
    /// What becomes of a commit by which the service disables an endpoint, where those fail.
    pub(crate) async fn disabling(&self, changes: &[Change]) -> Option<Result<(), CommitError>> {
        let disables = |change: &Change| {
            let Change::Webhook(change) = change else {
                return false;
            };
            let webhook::Change::Note(note) = change.as_ref() else {
                return false;
            };
            note.disabled_by_service().is_some()
        };
        if !changes.iter().any(disables) {
            return None;
        }
        if self.suffers(Fault::DisablingFails) {
            return Some(Err(Error::Unavailable("pulled the plug".to_owned()).into()));
        }
        if self.suffers(Fault::DisablingUnanswered) {
            self.is(None);
            let written = self.memory().commit(changes).await;
            return Some(written.and(Err(CommitError::InDoubt)));
        }
        None
    }
}

impl HasInbox for Flawed {
    fn inbox(&self) -> &dyn Inbox {
        self.memory().as_ref()
    }
}

#[async_trait]
impl Webhooks for Flawed {
    async fn endpoint(&self, id: EndpointId) -> Result<Option<Endpoint>, Error> {
        self.memory().endpoint(id).await
    }

    async fn endpoints(&self, scope: Scope, limit: u32) -> Result<Vec<Endpoint>, Error> {
        self.memory().endpoints(scope, limit).await
    }

    async fn listening(&self, merchants: &[MerchantId]) -> Result<Vec<Listener>, Error> {
        let mut listeners = self.memory().listening(merchants).await?;
        for listener in &mut listeners {
            if self.suffers(Fault::EndpointsUnreadable(listener.merchant)) {
                listener.endpoint = Err("of a later version".to_owned());
            }
        }
        Ok(listeners)
    }

    async fn notes(&self, endpoint: EndpointId, limit: u32) -> Result<Vec<Note>, Error> {
        self.memory().notes(endpoint, limit).await
    }

    async fn delivery(&self, key: &DeliveryKey) -> Result<Option<Listed>, Error> {
        self.memory().delivery(key).await
    }

    async fn deliveries(
        &self,
        endpoint: EndpointId,
        state: Option<State>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Listed>, Error> {
        self.memory()
            .deliveries(endpoint, state, before, limit)
            .await
    }

    async fn deliveries_at(
        &self,
        endpoint: EndpointId,
        positions: &[i64],
    ) -> Result<Vec<Delivery>, Error> {
        self.memory().deliveries_at(endpoint, positions).await
    }

    async fn attempts(&self, key: &DeliveryKey, limit: u32) -> Result<Vec<Attempt>, Error> {
        self.memory().attempts(key, limit).await
    }

    async fn endpoints_due(
        &self,
        now: Timestamp,
        after: Option<EndpointId>,
        limit: u32,
    ) -> Result<Vec<Endpoint>, Error> {
        self.memory().endpoints_due(now, after, limit).await
    }

    async fn claim_deliveries(
        &self,
        endpoint: &Endpoint,
        now: Timestamp,
        hold: Hold,
        limit: u32,
    ) -> Result<Vec<Claimed>, Error> {
        let claimed = self.memory().claim_deliveries(endpoint, now, hold, limit);
        let mut claimed = claimed.await?;
        if self.suffers(Fault::EventsUnreadable) {
            for one in &mut claimed {
                one.news = Err("of a later version".to_owned());
            }
        }
        Ok(claimed)
    }

    async fn queue(&self) -> Result<Queue, Error> {
        self.memory().queue().await
    }

    async fn sweep_deliveries(&self, before: Timestamp, limit: u32) -> Result<u64, Error> {
        self.memory().sweep_deliveries(before, limit).await
    }
}
