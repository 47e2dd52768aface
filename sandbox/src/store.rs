//! Owns the one lock: decisions are made under it, and their facts enter the journal under it.

use std::sync::{Mutex, MutexGuard};

use crate::clock::{Clock, Timestamp};
use crate::journal::{Broken, Journal, Ticket};
use crate::mailer::{Letter, Mailer, Told};
use crate::state::State;
use crate::state::fact::Fact;

/// State and journal, kept in step.
#[derive(Debug)]
pub(crate) struct Store {
    clock: Clock,
    state: Mutex<State>,
    journal: Journal,
    pub(crate) mailer: Mailer,
}

/// A decision in progress: facts recorded here change the state at once and are journalled
/// together.
#[derive(Debug)]
pub(crate) struct Transaction<'a> {
    state: &'a mut State,
    facts: Vec<Fact>,
    journalled: bool,
    now: Timestamp,
    mailer: &'a Mailer,
}

impl Store {
    pub(crate) fn new(clock: Clock, state: State, journal: Journal, mailer: Mailer) -> Self {
        Self {
            clock,
            state: Mutex::new(state),
            journal,
            mailer,
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
            mailer: &self.mailer,
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

    /// Changes the state, and writes the webhooks that tell of it.
    pub(crate) fn record(&mut self, fact: Fact) {
        let wanted = self.state.hooks.any();
        let told = wanted.then(|| Told::of(&fact, self.state)).flatten();
        self.apply(fact);
        if let Some(told) = told {
            for letter in self.mailer.letters(&told, self.state, self.now) {
                self.post(&letter);
            }
        }
    }

    /// Addresses a webhook to everybody who wants it; returns how many deliveries that makes.
    pub(crate) fn post(&mut self, letter: &Letter) -> usize {
        let deliveries = self.mailer.deliveries(letter, self.state, self.now);
        let count = deliveries.len();
        for delivery in deliveries {
            self.apply(delivery);
        }
        self.mailer.wake.notify_one();
        count
    }

    fn apply(&mut self, fact: Fact) {
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
