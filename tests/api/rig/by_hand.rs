//! Owns the forwarding of what people found out, where the store is reached.

use application::ports::store::{ByHand, Error};
use async_trait::async_trait;
use domain::id::SagaId;
use domain::settlement::Settlement;

use super::store::Faulty;

#[async_trait]
impl ByHand for Faulty {
    async fn settlement(&self, saga: SagaId) -> Result<Option<Settlement>, Error> {
        self.reached()?.settlement(saga).await
    }

    async fn contradicted(&self, limit: u32) -> Result<Vec<Settlement>, Error> {
        self.reached()?.contradicted(limit).await
    }
}
