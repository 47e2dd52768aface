//! Owns the forwarding of what people found out, where the store is reached.

use application::ports::store::{ByHand, Error};
use async_trait::async_trait;
use domain::id::SagaId;
use domain::settlement::{Proposal, Settlement};

use super::store::Faulty;

#[async_trait]
impl ByHand for Faulty {
    async fn settlement(&self, saga: SagaId) -> Result<Option<Settlement>, Error> {
        self.reached()?.settlement(saga).await
    }

    async fn contradicted(&self, dealt_with: bool, limit: u32) -> Result<Vec<Settlement>, Error> {
        self.reached()?.contradicted(dealt_with, limit).await
    }

    async fn proposals(&self, saga: SagaId) -> Result<Vec<Proposal>, Error> {
        self.reached()?.proposals(saga).await
    }
}
