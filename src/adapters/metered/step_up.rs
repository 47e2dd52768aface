//! Owns the way of step-up challenges through the counting store: nothing of theirs is counted.

use std::sync::Arc;

use application::ports::Store;
use application::ports::store::{Challenges, Error};
use async_trait::async_trait;
use domain::Timestamp;
use domain::id::ChallengeId;
use domain::principal::Scope;
use domain::step_up::{Challenge, DeviceHash};
use domain::text::MemberId;

use super::Metered;

#[async_trait]
impl Challenges for Metered<Arc<dyn Store>> {
    async fn challenge(
        &self,
        scope: Scope,
        member: &MemberId,
        id: ChallengeId,
    ) -> Result<Option<Challenge>, Error> {
        self.inner.challenge(scope, member, id).await
    }

    async fn is_known_device(
        &self,
        scope: Scope,
        member: &MemberId,
        device: DeviceHash,
        since: Timestamp,
    ) -> Result<bool, Error> {
        let store = &self.inner;
        store.is_known_device(scope, member, device, since).await
    }

    async fn sweep_challenges(&self, now: Timestamp, limit: u32) -> Result<u64, Error> {
        self.inner.sweep_challenges(now, limit).await
    }
}
