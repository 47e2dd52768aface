//! Owns the step-up challenges of the store in memory.

use async_trait::async_trait;
use domain::Timestamp;
use domain::id::ChallengeId;
use domain::principal::Scope;
use domain::step_up::{Challenge, DeviceHash};
use domain::text::MemberId;

use super::apply::{Applied, insert, must};
use super::{Memory, State, rows};
use crate::ports::store::{Challenges, CommitError, Error};

impl State {
    pub(super) fn insert_challenge(&mut self, challenge: &Challenge) -> Applied {
        insert(&mut self.challenges, challenge.id, challenge.clone())
    }

    pub(super) fn spend_challenge(
        &mut self,
        id: ChallengeId,
        at: Timestamp,
        kept_until: Timestamp,
    ) -> Applied {
        let row = self.challenges.get_mut(&id);
        let row = row.ok_or(CommitError::Conflict)?;
        must(row.spent_at.is_none() && row.expires_at > at)?;
        row.spent_at = Some(at);
        row.kept_until = kept_until;
        Ok(())
    }
}

#[async_trait]
impl Challenges for Memory {
    async fn challenge(
        &self,
        scope: Scope,
        member: &MemberId,
        id: ChallengeId,
    ) -> Result<Option<Challenge>, Error> {
        let state = self.state();
        let found = state.challenges.get(&id);
        let theirs = found.filter(|known| known.scope == scope && known.member == *member);
        Ok(theirs.cloned())
    }

    async fn is_known_device(
        &self,
        scope: Scope,
        member: &MemberId,
        device: DeviceHash,
        since: Timestamp,
    ) -> Result<bool, Error> {
        let state = self.state();
        let mut all = state.challenges.values();
        Ok(all.any(|known| {
            known.scope == scope
                && known.member == *member
                && known.device == device
                && known.spent_at.is_some_and(|at| at > since)
        }))
    }

    async fn sweep_challenges(&self, now: Timestamp, limit: u32) -> Result<u64, Error> {
        let mut state = self.state();
        let mut over: Vec<(Timestamp, ChallengeId)> = state
            .challenges
            .values()
            .filter(|known| known.kept_until <= now)
            .map(|known| (known.kept_until, known.id))
            .collect();
        over.sort_unstable();
        over.truncate(rows(limit));
        for (_, id) in &over {
            state.challenges.remove(id);
        }
        Ok(u64::try_from(over.len()).unwrap_or(u64::MAX))
    }
}
