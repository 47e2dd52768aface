//! Owns telling cycles of charges that ended without them: what followed could not be decided then,
//! for want of a row that could be read, and the money was booked all the same.

use domain::saga::Kind;
use domain::subscription::State;
use tracing::warn;

use crate::App;
use crate::ports::store::{self, CommitError};

impl App {
    /// One pass over the cycles that count as being charged and are not; how many were told.
    ///
    /// # Errors
    /// The store is away.
    pub async fn tell_cycles(&self) -> Result<u64, store::Error> {
        let limit = self.parts.bounds.pass_rows;
        let store = &self.parts.store;
        let mut told = 0_u64;
        for cycle in store.dues().untold_cycles(limit).await? {
            let State::Charging { payment } = cycle.state else {
                continue;
            };
            let Some(payment) = store.any_payment(payment).await? else {
                continue;
            };
            // Read after the cycle: whoever charges it since has moved that.
            let sagas = store.sagas_of(payment.facts.id).await?;
            let mut newest = sagas.iter().rev();
            let charge = newest.find(|saga| saga.head.kind() == Kind::Charge);
            let changes = self.runner.followed(&payment, charge).await?;
            if changes.is_empty() {
                continue;
            }
            match store.commit(&changes).await {
                Ok(()) => {
                    warn!(cycle = %cycle.key.order_id(), "told late how its charge ended");
                    told = told.saturating_add(1);
                }
                Err(CommitError::Conflict | CommitError::InDoubt) => {}
                Err(CommitError::Store(error)) => return Err(error),
            }
        }
        Ok(told)
    }
}
