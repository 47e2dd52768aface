//! Owns the switches of the store in memory.

use async_trait::async_trait;
use domain::switch::Turn;

use super::apply::{Applied, insert, must};
use super::{Memory, State, rows};
use crate::ports::store::{Error, Switches};

impl State {
    pub(super) fn turn(&mut self, turn: &Turn) -> Applied {
        let key = |number| (turn.operation, turn.reach, number);
        let before = turn.number.saturating_sub(1);
        must(before == 0 || self.turns.contains_key(&key(before)))?;
        insert(&mut self.turns, key(turn.number), turn.clone())
    }
}

#[async_trait]
impl Switches for Memory {
    async fn switches(&self) -> Result<Vec<Turn>, Error> {
        let state = self.state();
        let newest = |turn: &&Turn| {
            let next = turn.number.saturating_add(1);
            !state
                .turns
                .contains_key(&(turn.operation, turn.reach, next))
        };
        let mut found: Vec<Turn> = state.turns.values().filter(newest).cloned().collect();
        found.sort_by_key(|turn| (turn.operation.as_str(), turn.reach.to_string()));
        Ok(found)
    }

    async fn turns(&self, limit: u32) -> Result<Vec<Turn>, Error> {
        let state = self.state();
        let mut found: Vec<Turn> = state.turns.values().cloned().collect();
        found.sort_by_key(|turn| {
            std::cmp::Reverse((
                turn.at,
                turn.operation.as_str(),
                turn.reach.to_string(),
                turn.number,
            ))
        });
        found.truncate(rows(limit));
        Ok(found)
    }
}
