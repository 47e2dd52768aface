//! Owns the sagas that a person settles: what no answer of the gateway tells, somebody found out
//! there. One commit ends the saga as an answer would have, and keeps the evidence; above what one
//! person decides alone, once a second one has found out the same.

mod late;

use domain::change::Change;
use domain::id::{GatewayAccountId, PaymentId, SagaId};
use domain::saga::{Saga, Unsettled};
use domain::settlement::{Change as Write, Confirmation, Finding, Proposal, Settlement};
use tracing::info;

pub use self::late::{AcknowledgeError, Acknowledged};
use crate::ports::store::{self, CommitError};
use crate::{App, Runner};

/// What is to be settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// This saga.
    Saga(SagaId),
    /// The one open saga of this payment, or the one that was settled last.
    Payment(PaymentId),
}

/// What is so of whoever settles, and where.
#[derive(Clone, Copy, Debug)]
pub struct Desk<'a> {
    /// The accounts whose gateways answer no questions.
    pub mute: &'a [GatewayAccountId],
    /// Up to how much one person decides alone, in minor units; none where everything.
    pub alone_minor_max: Option<i64>,
}

/// What came of a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// The saga is settled.
    Settled {
        /// By whom, when and by what evidence.
        settlement: Box<Settlement>,
        /// Whether it was so already, with the same verdict.
        again: bool,
    },
    /// A second person has to find out the same.
    Proposed {
        /// What waits for that.
        proposal: Box<Proposal>,
        /// Whether this person had said so already.
        again: bool,
    },
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
    /// Ends a saga as a person found out; above what one may decide alone, as two of them did. The
    /// same verdict once more changes nothing.
    ///
    /// # Errors
    /// See [`SettleError`]; nothing is written then.
    pub async fn settle_by_hand(
        &self,
        subject: Subject,
        finding: &Finding,
        desk: Desk<'_>,
    ) -> Result<Settled, SettleError> {
        for _ in 0..self.parts.bounds.conflicts_max {
            let saga = self.settled_one(subject).await?;
            if let Some(settlement) = self.parts.store.settlement(saga.head.id).await? {
                let settlement = Box::new(settlement);
                return if settlement.finding.verdict == finding.verdict {
                    let again = true;
                    Ok(Settled::Settled { settlement, again })
                } else {
                    Err(SettleError::Otherwise(settlement))
                };
            }
            match self.settled_or_proposed(saga, finding, desk).await {
                Ok(settled) => return Ok(settled),
                Err(Failed::Unsettled(unsettled)) => return Err(unsettled.into()),
                Err(Failed::Commit(CommitError::Store(error))) => return Err(error.into()),
                // The next look tells whether a doubtful one is in.
                Err(Failed::Commit(CommitError::Conflict | CommitError::InDoubt)) => {}
            }
        }
        Err(SettleError::Contended)
    }

    /// Settles it, or keeps what was found out for a second person.
    async fn settled_or_proposed(
        &self,
        saga: Saga,
        finding: &Finding,
        desk: Desk<'_>,
    ) -> Result<Settled, Failed> {
        let again = false;
        let mute = desk.mute.contains(&saga.head.account);
        let alone = desk
            .alone_minor_max
            .is_none_or(|max| saga.head.amount.minor() <= max);
        if alone {
            let found = (finding.clone(), None);
            let settlement = Box::new(self.runner.settle_as(saga, found, mute).await?);
            return Ok(Settled::Settled { settlement, again });
        }
        let proposals = self.parts.store.proposals(saga.head.id).await?;
        if let Some(first) = Proposal::confirmed_by(&proposals, finding) {
            let confirmation = Confirmation {
                by: finding.by.clone(),
                evidence: finding.evidence.clone(),
            };
            let found = (first.finding.clone(), Some(confirmation));
            let settlement = Box::new(self.runner.settle_as(saga, found, mute).await?);
            return Ok(Settled::Settled { settlement, again });
        }
        let own = Proposal::last_of(&proposals, &finding.by);
        if let Some(own) = own.filter(|own| own.finding.agrees_with(finding)) {
            let (proposal, again) = (Box::new(own.clone()), true);
            return Ok(Settled::Proposed { proposal, again });
        }
        let proposal = Box::new(self.runner.propose(saga, finding, mute).await?);
        Ok(Settled::Proposed { proposal, again })
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
    /// Keeps what one person found out, where it could be settled so now.
    async fn propose(&self, saga: Saga, finding: &Finding, mute: bool) -> Result<Proposal, Failed> {
        let payment = self.payment_of(&saga).await?;
        let trace = saga.head.trace;
        let ctx = self.ctx(SagaId::new(self.parts.ids.draw()), &trace);
        let proposal = Proposal {
            saga: saga.head.id,
            payment: saga.head.payment,
            finding: finding.clone(),
            proposed_at: ctx.now,
        };
        let fits = saga.settled(&payment, finding, mute, &ctx);
        fits.map_err(Failed::Unsettled)?;
        let proposed = [write(Write::Propose(proposal.clone()))];
        self.parts.store.commit(&proposed).await?;
        info!(
            saga = %proposal.saga,
            payment = %proposal.payment,
            verdict = %finding.verdict,
            "a person found out what a second one has to confirm"
        );
        Ok(proposal)
    }

    async fn settle_as(
        &self,
        saga: Saga,
        (finding, confirmation): (Finding, Option<Confirmation>),
        mute: bool,
    ) -> Result<Settlement, Failed> {
        let payment = self.payment_of(&saga).await?;
        let spare = SagaId::new(self.parts.ids.draw());
        let trace = saga.head.trace;
        let ctx = self.ctx(spare, &trace);
        let settled = saga.settled(&payment, &finding, mute, &ctx);
        let settled = settled.map_err(Failed::Unsettled)?;
        let mut ready = self.ready(settled, payment).await?;
        let settlement = Settlement {
            saga: ready.saga.head.id,
            payment: ready.saga.head.payment,
            finding,
            confirmation,
            settled_at: ctx.now,
            contradiction: None,
            acknowledgement: None,
        };
        let kept = write(Write::Insert(settlement.clone()));
        ready.changes.push(kept);
        self.commit_ready(&ready).await?;
        info!(
            saga = %settlement.saga,
            payment = %settlement.payment,
            verdict = %settlement.finding.verdict,
            "saga settled by a person"
        );
        Ok(settlement)
    }
}

fn write(change: Write) -> Change {
    Change::Settlement(Box::new(change))
}
