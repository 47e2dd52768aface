//! Owns what people found out about sagas, of the store in memory.

use async_trait::async_trait;
use domain::id::SagaId;
use domain::settlement::{Change, Settlement};

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
        }
    }
}

#[async_trait]
impl ByHand for Memory {
    async fn settlement(&self, saga: SagaId) -> Result<Option<Settlement>, Error> {
        Ok(self.state().settlements.get(&saga).cloned())
    }

    async fn contradicted(&self, limit: u32) -> Result<Vec<Settlement>, Error> {
        let state = self.state();
        let settlements = state.settlements.values();
        let mut found: Vec<Settlement> = settlements
            .filter(|settlement| settlement.contradiction.is_some())
            .cloned()
            .collect();
        found.sort_by_key(|one| (one.contradiction.as_ref().map(|it| it.at), one.saga));
        found.reverse();
        found.truncate(rows(limit));
        Ok(found)
    }
}
