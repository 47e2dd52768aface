//! Owns what the end of a payment means for the cycle that it is for: committed together with that
//! end, whoever finds it.

use domain::change::Change;
use domain::payment::{Kind, Payment};
use domain::saga::{Kind as SagaKind, Outcome, Saga};
use tracing::error;

use crate::Runner;
use crate::cycles::{Cycles, OutcomeError, Told};
use crate::ports::Ids;
use crate::ports::store;
use domain::webhook::Chance;
use sha2::{Digest as _, Sha256};

impl Runner {
    /// What is to be committed with a payment that goes on as `payment`, as `saga` ends where one
    /// does; nothing where it is for no cycle. After a conflict it has to be asked again.
    ///
    /// Rows that contradict each other keep no money out of the books: they are logged.
    ///
    /// # Errors
    /// The store is away.
    pub(crate) async fn followed(
        &self,
        payment: &Payment,
        saga: Option<&Saga>,
    ) -> Result<Vec<Change>, store::Error> {
        if payment.facts.kind != Kind::Billing {
            return Ok(Vec::new());
        }
        let cycles = Cycles {
            store: self.parts.store.as_ref(),
            clock: self.parts.clock.as_ref(),
        };
        let chance = drawn(self.parts.ids.as_ref());
        let told = saga.map(told_by).unwrap_or_default();
        let followed = match cycles.followed(payment, told, chance).await {
            Ok(mut changes) => {
                let saga = saga.map(|saga| saga.head.id);
                let more = self.left_behind(&changes, Some(payment), saga).await;
                more.map(|more| {
                    changes.extend(more);
                    changes
                })
            }
            Err(OutcomeError::Illegal(why)) => {
                error!(payment = %payment.facts.id, %why, "a cycle does not take its payment");
                return Ok(Vec::new());
            }
            Err(OutcomeError::Store(error)) => Err(error),
        };
        match followed {
            Ok(changes) => Ok(changes),
            Err(away @ store::Error::Unavailable(_)) => Err(away),
            Err(why @ (store::Error::Corrupt { .. } | store::Error::Broken(_))) => {
                error!(payment = %payment.facts.id, %why, "its cycle cannot be read");
                Ok(Vec::new())
            }
        }
    }
}

fn told_by(saga: &Saga) -> Told {
    let kept = match &saga.progress.outcome {
        Some(Outcome::Declined(decline)) if saga.head.kind() == SagaKind::Cancellation => {
            Some(decline.reason)
        }
        Some(
            Outcome::Declined(_)
            | Outcome::Approved
            | Outcome::Misfit { .. }
            | Outcome::Reversed
            | Outcome::Canceled
            | Outcome::Issued
            | Outcome::Closed,
        )
        | None => None,
    };
    Told {
        card: saga.head.intent.billing_key(),
        kept,
    }
}

/// Chance, for waits that differ.
pub(super) fn drawn(ids: &dyn Ids) -> Chance {
    let drawn = Sha256::digest(ids.draw().as_str().as_bytes());
    let [a, b, c, d, ..]: [u8; 32] = drawn.into();
    Chance(u32::from_be_bytes([a, b, c, d]))
}
