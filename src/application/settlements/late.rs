//! Owns what is heard of a saga after somebody else has moved it: an answer that came too late to
//! who called, what the gateway says against a person's verdict, and who dealt with that.

use domain::change::Change;
use domain::id::SagaId;
use domain::payment::Payment;
use domain::saga::Saga;
use domain::settlement::{Acknowledgement, Change as Write, Contradiction, Settlement, Verdict};
use domain::snapshot::Answer;
use domain::text::{Evidence, OperatorName};
use tracing::{error, info, warn};

use super::write;
use crate::ports::store::{self, CommitError};
use crate::{App, Runner};

/// A contradiction that somebody dealt with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledged {
    /// With who dealt with it.
    pub settlement: Settlement,
    /// Whether somebody had said so already.
    pub again: bool,
}

/// Why nothing was noted as dealt with.
#[derive(Debug, thiserror::Error)]
pub enum AcknowledgeError {
    /// Nobody settled it.
    #[error("no person settled this saga")]
    NotSettled,
    /// There is nothing to deal with.
    #[error("the gateway said nothing against what was found out")]
    NotContradicted,
    /// Others were first, again and again.
    #[error("too many conflicts; try again")]
    Contended,
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl App {
    /// Notes who dealt with what the gateway said against a settlement, and what came of it. It is
    /// noted once: a second word changes nothing.
    ///
    /// # Errors
    /// See [`AcknowledgeError`]; nothing is written then.
    pub async fn acknowledge(
        &self,
        saga: SagaId,
        by: &OperatorName,
        why: &Evidence,
    ) -> Result<Acknowledged, AcknowledgeError> {
        let store = &self.parts.store;
        let mut again = true;
        for _ in 0..self.parts.bounds.conflicts_max {
            let settlement = store.settlement(saga).await?;
            let settlement = settlement.ok_or(AcknowledgeError::NotSettled)?;
            if settlement.contradiction.is_none() {
                return Err(AcknowledgeError::NotContradicted);
            }
            if settlement.acknowledgement.is_some() {
                return Ok(Acknowledged { settlement, again });
            }
            let acknowledgement = Acknowledgement {
                by: by.clone(),
                why: why.clone(),
                at: self.parts.clock.now(),
            };
            let change = write(Write::Acknowledge {
                saga,
                acknowledgement,
            });
            match store.commit(&[change]).await {
                Ok(()) => {
                    info!(%saga, "a contradiction was dealt with");
                    again = false;
                }
                Err(CommitError::Store(error)) => return Err(error.into()),
                // The next look tells whether a doubtful one is in.
                Err(CommitError::Conflict | CommitError::InDoubt) => {}
            }
        }
        Err(AcknowledgeError::Contended)
    }
}

impl Runner {
    /// An answer to `saga` that came after somebody else had moved it. Where that was a person who
    /// found out otherwise, it is noted and told; money that was taken after all is booked, and
    /// opens the reversal that gives it back.
    ///
    /// # Errors
    /// It could not be noted: whoever has the answer tries again, as nobody may hear it twice.
    pub(crate) async fn came_too_late(
        &self,
        saga: &Saga,
        answer: &Answer,
    ) -> Result<(), CommitError> {
        let heard = match answer {
            Answer::Unknown(_) | Answer::NotFound => return Ok(()),
            Answer::Declined(_) => "declined",
            Answer::Found(shown) if shown.is_captured() => "captured",
            Answer::Found(_) => "found",
        };
        let noted = self.contradict(saga, answer).await;
        if let Err(why) = &noted {
            error!(saga = %saga.head.id, heard, %why, "an answer came too late, and is not noted");
        }
        noted
    }

    async fn contradict(&self, saga: &Saga, answer: &Answer) -> Result<(), CommitError> {
        let store = &self.parts.store;
        let Some(settlement) = store.settlement(saga.head.id).await? else {
            // Whoever holds it now asks, or repeats the call under its key.
            warn!(saga = %saga.head.id, "an answer came to who holds the saga no more");
            return Ok(());
        };
        let Some(said) = settlement.contradicted_by(saga, answer) else {
            return Ok(());
        };
        error!(
            saga = %saga.head.id,
            payment = %saga.head.payment,
            verdict = %settlement.finding.verdict,
            said,
            "the gateway contradicts what a person found out"
        );
        let mut changes = match (settlement.finding.verdict, answer) {
            (Verdict::NotCaptured, Answer::Found(_)) => self.after_all(saga, answer).await?,
            (
                Verdict::Captured
                | Verdict::NotCaptured
                | Verdict::GivenBack
                | Verdict::NotGivenBack,
                Answer::Found(_) | Answer::Declined(_) | Answer::NotFound | Answer::Unknown(_),
            ) => Vec::new(),
        };
        if settlement.contradiction.is_none() {
            let (saga, at) = (saga.head.id, self.parts.clock.now());
            let contradiction = Contradiction { said, at };
            changes.push(write(Write::Contradict {
                saga,
                contradiction,
            }));
        }
        if changes.is_empty() {
            return Ok(());
        }
        store.commit(&changes).await
    }

    /// What books money that was taken after all.
    async fn after_all(&self, saga: &Saga, answer: &Answer) -> Result<Vec<Change>, CommitError> {
        let Answer::Found(snapshot) = answer else {
            return Ok(Vec::new());
        };
        let payment: Payment = self.payment_of(saga).await?;
        let sagas = self.parts.store.sagas_of(payment.facts.id).await?;
        let ctx = self.ctx(SagaId::new(self.parts.ids.draw()), &saga.head.trace);
        let moved = payment.taken_after_all(saga, &sagas, snapshot, &ctx);
        Ok(moved.map(|moved| moved.changes).unwrap_or_default())
    }
}
