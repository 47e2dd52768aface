//! Owns what people found out about sagas, of the store that counts: handed on.

use std::sync::Arc;

use application::ports::store::{ByHand, Error, Store};
use async_trait::async_trait;
use domain::id::SagaId;
use domain::settlement::Settlement;

use super::Metered;

#[async_trait]
impl ByHand for Metered<Arc<dyn Store>> {
    async fn settlement(&self, saga: SagaId) -> Result<Option<Settlement>, Error> {
        self.inner.settlement(saga).await
    }

    async fn contradicted(&self, limit: u32) -> Result<Vec<Settlement>, Error> {
        self.inner.contradicted(limit).await
    }
}
