//! Owns what people found out about sagas, of the store that counts: handed on.

use std::sync::Arc;

use application::ports::store::{ByHand, Error, Store};
use async_trait::async_trait;
use domain::id::SagaId;
use domain::settlement::{Proposal, Settlement};

use super::Metered;

#[async_trait]
impl ByHand for Metered<Arc<dyn Store>> {
    async fn settlement(&self, saga: SagaId) -> Result<Option<Settlement>, Error> {
        self.inner.settlement(saga).await
    }

    async fn contradicted(&self, dealt_with: bool, limit: u32) -> Result<Vec<Settlement>, Error> {
        self.inner.contradicted(dealt_with, limit).await
    }

    async fn proposals(&self, saga: SagaId) -> Result<Vec<Proposal>, Error> {
        self.inner.proposals(saga).await
    }
}
