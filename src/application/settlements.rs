//! Owns the sagas that a person settles: what no answer of the gateway tells, somebody found out
//! there. One commit ends the saga as an answer would have, and keeps the evidence; what is heard
//! against it afterwards is kept beside it, and never takes its place.

use std::sync::Arc;

use domain::change::Change;
use domain::id::{GatewayAccountId, PaymentId, SagaId};
use domain::payment::Payment;
use domain::saga::{Saga, Unsettled};
use domain::settlement::{Change as Write, Contradiction, Finding, Settlement, Verdict};
use domain::snapshot::Answer;
use tracing::{error, info, warn};

use crate::ports::store::{self, CommitError};
use crate::settle::log_progress;
use crate::{App, Runner};

/// What is to be settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// This saga.
    Saga(SagaId),
    /// The one open saga of this payment, or the one that was settled last.
    Payment(PaymentId),
}

/// A saga that is settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// By whom, when and by what evidence.
    pub settlement: Settlement,
    /// Whether it was so already, with the same verdict.
    pub again: bool,
}

/// Why nothing was settled.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    /// There is none with this id.
    #[error("there is no such saga")]
    NotFound,
    /// One of them has to be named.
    #[error("the payment has several open sagas, name one: {}", listed(.0))]
    Several(Vec<SagaId>),
    /// With another verdict.
    #[error(
        "it was settled as {} by {} at {}; what was found out since is a new matter",
        .0.finding.verdict, .0.finding.by, .0.settled_at.to_rfc3339()
    )]
    Otherwise(Box<Settlement>),
    /// It is not a person's to decide, or not so.
    #[error(transparent)]
    Unsettled(#[from] Unsettled),
    /// Others were first, again and again.
    #[error("too many conflicts; try again")]
    Contended,
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
}

fn listed(sagas: &[SagaId]) -> String {
    let sagas: Vec<String> = sagas.iter().map(ToString::to_string).collect();
    sagas.join(", ")
}

impl App {
    /// Ends a saga as a person found out. `mute` are the accounts whose gateways answer no
    /// questions. The same verdict once more changes nothing.
    ///
    /// # Errors
    /// See [`SettleError`]; nothing is written then.
    pub async fn settle_by_hand(
        &self,
        subject: Subject,
        finding: &Finding,
        mute: &[GatewayAccountId],
    ) -> Result<Settled, SettleError> {
        for _ in 0..self.parts.bounds.conflicts_max {
            let saga = self.settled_one(subject).await?;
            if let Some(settlement) = self.parts.store.settlement(saga.head.id).await? {
                return if settlement.finding.verdict == finding.verdict {
                    let again = true;
                    Ok(Settled { settlement, again })
                } else {
                    Err(SettleError::Otherwise(Box::new(settlement)))
                };
            }
            let mute = mute.contains(&saga.head.account);
            match self.runner.settle_as(saga, finding, mute).await {
                Ok(settlement) => {
                    let again = false;
                    return Ok(Settled { settlement, again });
                }
                Err(Failed::Unsettled(unsettled)) => return Err(unsettled.into()),
                Err(Failed::Commit(CommitError::Store(error))) => return Err(error.into()),
                // The next look tells whether a doubtful one is in.
                Err(Failed::Commit(CommitError::Conflict | CommitError::InDoubt)) => {}
            }
        }
        Err(SettleError::Contended)
    }

    async fn settled_one(&self, subject: Subject) -> Result<Saga, SettleError> {
        let store = &self.parts.store;
        let payment = match subject {
            Subject::Saga(id) => return store.saga(id).await?.ok_or(SettleError::NotFound),
            Subject::Payment(payment) => payment,
        };
        let mut sagas = store.sagas_of(payment).await?;
        let open: Vec<SagaId> = sagas
            .iter()
            .filter(|saga| !saga.is_closed())
            .map(|saga| saga.head.id)
            .collect();
        match open.as_slice() {
            [] => {}
            [one] => sagas.retain(|saga| saga.head.id == *one),
            [_, _, ..] => return Err(SettleError::Several(open)),
        }
        while let Some(saga) = sagas.pop() {
            let settled = store.settlement(saga.head.id).await?.is_some();
            if settled || sagas.is_empty() {
                return Ok(saga);
            }
        }
        Err(SettleError::NotFound)
    }
}

/// Why one try did not go.
enum Failed {
    Unsettled(Unsettled),
    Commit(CommitError),
}

impl<E: Into<CommitError>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self::Commit(error.into())
    }
}

impl Runner {
    async fn settle_as(
        &self,
        saga: Saga,
        finding: &Finding,
        mute: bool,
    ) -> Result<Settlement, Failed> {
        let payment = self.payment_of(&saga).await?;
        let spare = SagaId::new(self.parts.ids.draw());
        let trace = saga.head.trace;
        let ctx = self.ctx(spare, &trace);
        let settled = saga.settled(&payment, finding, mute, &ctx);
        let settled = settled.map_err(Failed::Unsettled)?;
        let (saga, mut changes) = (settled.saga, settled.changes);
        let after = self.concluded(&saga, payment, &mut changes).await?;
        let settlement = Settlement {
            saga: saga.head.id,
            payment: saga.head.payment,
            finding: finding.clone(),
            settled_at: ctx.now,
            contradiction: None,
        };
        changes.push(write(Write::Insert(settlement.clone())));
        self.parts.store.commit(&changes).await?;
        log_progress(&saga, &after);
        info!(
            saga = %saga.head.id,
            payment = %saga.head.payment,
            verdict = %finding.verdict,
            "saga settled by a person"
        );
        Ok(settlement)
    }

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
        let store = Arc::clone(&self.parts.store);
        let sagas = store.sagas_of(payment.facts.id).await?;
        let ctx = self.ctx(SagaId::new(self.parts.ids.draw()), &saga.head.trace);
        let moved = payment.taken_after_all(saga, &sagas, snapshot, &ctx);
        Ok(moved.map(|moved| moved.changes).unwrap_or_default())
    }
}

fn write(change: Write) -> Change {
    Change::Settlement(Box::new(change))
}
