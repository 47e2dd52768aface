//! Owns what people found out about sagas, of the store in memory.

use async_trait::async_trait;
use domain::id::SagaId;
use domain::settlement::{Change, Proposal, Settlement};

use super::apply::{Applied, insert, must};
use super::{Memory, State, rows};
use crate::ports::store::{ByHand, CommitError, Error};

impl State {
    pub(super) fn settle(&mut self, change: &Change) -> Applied {
        match change {
            Change::Insert(settlement) => {
                must(self.sagas.contains_key(&settlement.saga))?;
                insert(&mut self.settlements, settlement.saga, settlement.clone())
            }
            Change::Contradict {
                saga,
                contradiction,
            } => {
                let row = self.settlements.get_mut(saga);
                let row = row.ok_or(CommitError::Conflict)?;
                must(row.contradiction.is_none())?;
                row.contradiction = Some(contradiction.clone());
                Ok(())
            }
            Change::Acknowledge {
                saga,
                acknowledgement,
            } => {
                let row = self.settlements.get_mut(saga);
                let row = row.ok_or(CommitError::Conflict)?;
                must(row.contradiction.is_some() && row.acknowledgement.is_none())?;
                row.acknowledgement = Some(acknowledgement.clone());
                Ok(())
            }
            Change::Propose(proposal) => {
                must(self.sagas.contains_key(&proposal.saga))?;
                let by = proposal.finding.by.to_string();
                let key = (proposal.saga, proposal.proposed_at, by);
                insert(&mut self.proposals, key, proposal.clone())
            }
        }
    }
}

#[async_trait]
impl ByHand for Memory {
    async fn settlement(&self, saga: SagaId) -> Result<Option<Settlement>, Error> {
        Ok(self.state().settlements.get(&saga).cloned())
    }

    async fn contradicted(&self, dealt_with: bool, limit: u32) -> Result<Vec<Settlement>, Error> {
        let state = self.state();
        let settlements = state.settlements.values();
        let mut found: Vec<Settlement> = settlements
            .filter(|settlement| settlement.contradiction.is_some())
            .filter(|settlement| dealt_with || settlement.acknowledgement.is_none())
            .cloned()
            .collect();
        found.sort_by_key(|one| (one.contradiction.as_ref().map(|it| it.at), one.saga));
        found.reverse();
        found.truncate(rows(limit));
        Ok(found)
    }

    async fn proposals(&self, saga: SagaId) -> Result<Vec<Proposal>, Error> {
        let state = self.state();
        let proposals = state.proposals.values();
        Ok(proposals.filter(|one| one.saga == saga).cloned().collect())
    }
}
