//! Owns the forwarding of what people found out: no fault strikes it.

use application::ports::store::{ByHand, Error};
use async_trait::async_trait;
use domain::id::SagaId;
use domain::settlement::Settlement;

use crate::store::Faulty;

#[async_trait]
impl ByHand for Faulty {
    async fn settlement(&self, saga: SagaId) -> Result<Option<Settlement>, Error> {
        self.memory.settlement(saga).await
    }

    async fn contradicted(&self, limit: u32) -> Result<Vec<Settlement>, Error> {
        self.memory.contradicted(limit).await
    }
}
