//! Owns the forwarding of what people found out: no fault strikes it.

use application::ports::store::{ByHand, Error};
use async_trait::async_trait;
use domain::id::SagaId;
use domain::settlement::{Proposal, Settlement};

use crate::store::Faulty;

#[async_trait]
impl ByHand for Faulty {
    async fn settlement(&self, saga: SagaId) -> Result<Option<Settlement>, Error> {
        self.memory.settlement(saga).await
    }

    async fn contradicted(&self, dealt_with: bool, limit: u32) -> Result<Vec<Settlement>, Error> {
        self.memory.contradicted(dealt_with, limit).await
    }

    async fn proposals(&self, saga: SagaId) -> Result<Vec<Proposal>, Error> {
        self.memory.proposals(saga).await
    }
}
