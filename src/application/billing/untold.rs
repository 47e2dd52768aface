//! Owns telling cycles of charges that ended without them: what followed could not be decided then,
//! for want of a row that could be read, and the money was booked all the same.

use domain::change::Change;
use domain::saga::Kind;
use domain::subscription::{self, Cycle, State};
use tracing::{error, warn};

use crate::App;
use crate::ports::store::{self, CommitError};

impl App {
    /// One pass over the cycles that count as being charged and are not; how many were told. One
    /// that cannot be told keeps no other from it.
    ///
    /// # Errors
    /// The store is away.
    pub async fn tell_cycles(&self) -> Result<u64, store::Error> {
        let limit = self.parts.bounds.pass_rows;
        let mut told = 0_u64;
        for cycle in self.parts.store.dues().untold_cycles(limit).await? {
            match self.tell_cycle(&cycle).await {
                Ok(true) => {
                    warn!(cycle = %cycle.key.order_id(), "told late how its charge ended");
                    told = told.saturating_add(1);
                }
                Ok(false) | Err(CommitError::Conflict | CommitError::InDoubt) => {}
                Err(CommitError::Store(store::Error::Unavailable(why))) => {
                    return Err(store::Error::Unavailable(why));
                }
                Err(CommitError::Store(why)) => {
                    error!(cycle = %cycle.key.order_id(), %why, "it stays untold");
                }
            }
        }
        Ok(told)
    }

    async fn tell_cycle(&self, cycle: &Cycle) -> Result<bool, CommitError> {
        let State::Charging { payment } = cycle.state else {
            return Ok(false);
        };
        let store = &self.parts.store;
        let Some(payment) = store.any_payment(payment).await? else {
            return Ok(false);
        };
        let sagas = store.sagas_of(payment.facts.id).await?;
        let mut newest = sagas.iter().rev();
        let charge = newest.find(|saga| saga.head.kind() == Kind::Charge);
        let changes = self.runner.followed(&payment, charge).await?;
        // What ended is the charge that was read. The next one may have begun meanwhile, under the
        // same payment: only the cycle as it was found is told.
        if !changes.iter().any(|change| is_of(cycle, change)) {
            return Ok(false);
        }
        store.commit(&changes).await?;
        Ok(true)
    }
}

/// Whether it moves the cycle, as this one was read.
fn is_of(read: &Cycle, change: &Change) -> bool {
    let Change::Subscription(change) = change else {
        return false;
    };
    match change.as_ref() {
        subscription::Change::UpdateCycle { cycle, expected } => {
            cycle.key == read.key && *expected == read.version
        }
        subscription::Change::InsertPlan(_)
        | subscription::Change::UpdatePlan { .. }
        | subscription::Change::InsertSubscription(_)
        | subscription::Change::UpdateSubscription { .. }
        | subscription::Change::InsertCycle(_)
        | subscription::Change::AppendEvent(_) => false,
    }
}
