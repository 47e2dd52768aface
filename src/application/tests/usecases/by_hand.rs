//! Owns the forwarding of what people turned and found out: no flaw strikes it.

use application::ports::store::{ByHand, Error, Switches};
use async_trait::async_trait;
use domain::id::SagaId;
use domain::settlement::{Proposal, Settlement};
use domain::switch::Turn;

use crate::store::Flawed;

#[async_trait]
impl ByHand for Flawed {
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

#[async_trait]
impl Switches for Flawed {
    async fn switches(&self) -> Result<Vec<Turn>, Error> {
        self.memory.switches().await
    }
    async fn turns(&self, limit: u32) -> Result<Vec<Turn>, Error> {
        self.memory.turns(limit).await
    }
}
