//! Owns the one lock: decisions are made under it, and their facts enter the journal under it.

use std::sync::{Mutex, MutexGuard};

use crate::clock::{Clock, Timestamp};
use crate::journal::{Broken, Journal, Ticket};
use crate::state::State;
use crate::state::fact::Fact;

/// State and journal, kept in step.
#[derive(Debug)]
pub(crate) struct Store {
    clock: Clock,
    state: Mutex<State>,
    journal: Journal,
}

/// A decision in progress: facts recorded here change the state at once and are journalled
/// together.
#[derive(Debug)]
pub(crate) struct Transaction<'a> {
    state: &'a mut State,
    facts: Vec<Fact>,
    journalled: bool,
    now: Timestamp,
}

impl Store {
    pub(crate) fn new(clock: Clock, state: State, journal: Journal) -> Self {
        Self {
            clock,
            state: Mutex::new(state),
            journal,
        }
    }

    /// Decides and records; the result may be told once the ticket is durable.
    fn transact<R>(&self, decide: impl FnOnce(&mut Transaction) -> R) -> (R, Ticket) {
        let mut state = self.lock();
        let journalled = self.journal.is_kept();
        let now = self.clock.now().max(state.latest_movement());
        let mut transaction = Transaction {
            state: &mut state,
            facts: Vec::new(),
            journalled,
            now,
        };
        let result = decide(&mut transaction);
        let ticket = self.journal.append(&transaction.facts);
        (result, ticket)
    }

    /// Decides, records and waits until what it decided, and whatever it saw, is on disk.
    pub(crate) async fn commit<R>(
        &self,
        decide: impl FnOnce(&mut Transaction) -> R,
    ) -> Result<R, Broken> {
        let (result, ticket) = self.transact(decide);
        self.journal.durable(ticket).await?;
        Ok(result)
    }

    /// Looks at, or marks, what is not journalled.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no decision panics half-way")
    }

    pub(crate) fn close(&self) {
        self.journal.close();
    }
}

impl Transaction<'_> {
    pub(crate) fn state(&self) -> &State {
        self.state
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    pub(crate) fn record(&mut self, fact: Fact) {
        if self.journalled {
            self.facts.push(fact.clone());
        }
        self.state.apply(fact);
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // The writer lets go of the file even when nobody waited for a shutdown.
        self.journal.close();
    }
}
