//! Owns what every use case that moves money does: decide and commit under an idempotency key, on
//! a task that shutdown awaits, and answer when it is over or when patience is.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::change::Change;
use domain::id::{PaymentId, SagaId};
use domain::payment::{Moved, Payment};
use domain::saga::Saga;
use domain::step_up::Action;
use tokio::time::timeout_at;

use super::Answered;
use crate::crash::crash_point;
use crate::flight::Boarding;
use crate::idempotency::{Earlier, Either, KeyError, Keyed, later};
use crate::outcome::{Ended, Outcome};
use crate::patience::Patience;
use crate::ports::gateway::Refused;
use crate::ports::store::{self, CommitError};
use crate::runner::Driven;
use crate::step_up::ProofError;
use crate::switches::IsPaused;
use crate::trace;
use crate::view::PaymentView;
use crate::{App, Caller};

/// When to send the same key again, where nothing tells how far an earlier request came.
const AGAIN: Duration = Duration::from_secs(1);

/// Why nothing was begun. Nothing is stored and nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum ActError<R> {
    /// No such payment of this caller.
    #[error("no such payment")]
    NotFound,
    /// The payment does not take it.
    #[error(transparent)]
    Refused(R),
    /// The gateway should not be called now.
    #[error(transparent)]
    Gateway(#[from] Refused),
    /// The payment's gateway account is not served here.
    #[error("the payment's gateway is not configured")]
    NoGateway,
    /// The payment's gateway gives nothing back.
    #[error("the payment's gateway gives no money back")]
    CannotGiveBack,
    /// The operation is paused.
    #[error(transparent)]
    Paused(#[from] IsPaused),
    /// The payment's gateway account takes no new payments.
    #[error("the payment's gateway account is disabled")]
    AccountDisabled,
    /// The person is not proven.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// The idempotency key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Others were first, again and again.
    #[error("too many conflicts; try again")]
    Contended,
    /// The process is ending.
    #[error("the service is shutting down")]
    Stopping,
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Something that a caller wants done about a payment.
#[async_trait]
pub(crate) trait Command: Send + Sync + 'static {
    /// Why a payment does not take it.
    type Refusal: Send + 'static;

    /// What it is called where that matters.
    const VERB: Verb;

    /// About which payment.
    fn payment(&self) -> PaymentId;

    /// What it comes to, decided by `payment` as it is.
    async fn decide(
        &self,
        app: &App,
        caller: &Caller,
        payment: Payment,
    ) -> Result<Decided, ActError<Self::Refusal>>;
}

/// What a command does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Verb {
    Approve,
    Cancel,
    Charge,
    IssueAccount,
}

impl Verb {
    #[cfg_attr(
        not(feature = "crash-points"),
        expect(dead_code, reason = "names crash points")
    )]
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "APPROVE",
            Self::Cancel => "CANCEL",
            Self::Charge => "CHARGE",
            Self::IssueAccount => "ISSUE_ACCOUNT",
        }
    }

    /// What a member has to prove themselves for, where it takes a proof.
    const fn action(self) -> Action {
        match self {
            // Whoever pays with a stored card pays.
            Self::Approve | Self::Charge | Self::IssueAccount => Action::Approve,
            Self::Cancel => Action::Cancel,
        }
    }
}

/// What a command comes to.
pub(crate) enum Decided {
    /// A saga is to be driven.
    Drive(Moved, Box<Saga>),
    /// A saga is left to whoever takes it up.
    Leave(Moved, Box<Saga>),
    /// It is over with this commit.
    Over(Moved, Ended),
}

/// What was begun, or the answer to an earlier request.
enum Begun {
    Saga(Box<Saga>, Option<Box<Payment>>),
    Answered(Box<Answered>),
}

impl App {
    /// Does what `command` wants, on a task of its own: a caller that leaves changes nothing.
    pub(crate) async fn act<C: Command>(
        self: &Arc<Self>,
        caller: Caller,
        command: C,
        keyed: Keyed,
    ) -> Result<Answered, ActError<C::Refusal>> {
        if self.runner.drain.is_cancelled() {
            return Err(ActError::Stopping);
        }
        let patience = Arc::new(Patience::of(self.parts.timings.patience));
        let payment = command.payment();
        let (whose, request) = (caller.clone(), keyed.clone());
        let app = Arc::clone(self);
        let lent = Arc::clone(&patience);
        let task = async move { app.act_on_task(caller, command, keyed, &lent).await };
        let task = self.runner.tasks.spawn(trace::carried(task));
        let ended = timeout_at(patience.until(), task).await;
        let gateway_time = patience.gateway_time();
        let timed = |answered| Answered {
            gateway_time,
            ..answered
        };
        if let Ok(Ok(answered)) = ended {
            crash_point!(C::VERB, "before_answer");
            return answered.map(timed);
        }
        // The task was lost or is at work still: what is durable tells, not this answer.
        if !self.is_reserved(&whose, &request).await? {
            let retry_after = AGAIN;
            return Err(KeyError::Running { retry_after }.into());
        }
        let outcome = self.pending_now(&whose, payment).await?;
        Ok(timed(Answered::first(outcome)))
    }

    async fn act_on_task<C: Command>(
        &self,
        caller: Caller,
        command: C,
        keyed: Keyed,
        patience: &Patience,
    ) -> Result<Answered, ActError<C::Refusal>> {
        let flight = match self.board(&caller, &keyed).await? {
            Boarding::Ended(ended, since) => return Ok(Answered::again(*ended, since)),
            Boarding::Go(flight) => flight,
        };
        let done = self.decide_and_drive(&caller, &command, &keyed, patience);
        let done = done.await;
        flight.land(done.as_ref().ok()).await;
        done
    }

    async fn decide_and_drive<C: Command>(
        &self,
        caller: &Caller,
        command: &C,
        keyed: &Keyed,
        patience: &Patience,
    ) -> Result<Answered, ActError<C::Refusal>> {
        let (saga, payment) = match self.begin(caller, command, keyed, patience).await? {
            Begun::Answered(answered) => return Ok(*answered),
            Begun::Saga(saga, payment) => (*saga, payment),
        };
        self.driven(caller, saga, payment, patience).await
    }

    /// What came of a saga that was begun for this caller, as far as `patience` reaches.
    pub(crate) async fn driven<R>(
        &self,
        caller: &Caller,
        saga: Saga,
        payment: Option<Box<Payment>>,
        patience: &Patience,
    ) -> Result<Answered, ActError<R>> {
        let (id, about) = (saga.head.id, saga.head.payment);
        match self.runner.drive(saga, payment, patience).await {
            Driven::Closed { saga, payment } => {
                let ended = Ended::of(&saga, &payment);
                let outcome = ended.map_or_else(|| pending(&payment), Outcome::Ended);
                Ok(Answered::first(outcome))
            }
            Driven::Waiting(_) | Driven::LetGo => {
                // Whoever has it now may have ended it by now. Its payment is read after it, and
                // is at least as new.
                let saga = self.parts.store.saga(id).await?;
                let payment = self.parts.store.payment(&caller.owner(), about).await?;
                let payment = payment.ok_or(ActError::NotFound)?;
                let ended = saga.filter(Saga::is_closed);
                let ended = ended.and_then(|saga| Ended::of(&saga, &payment));
                let outcome = ended.map_or_else(|| pending(&payment), Outcome::Ended);
                Ok(Answered::first(outcome))
            }
        }
    }

    /// Decides and commits the intent; after a conflict, reads and decides again.
    async fn begin<C: Command>(
        &self,
        caller: &Caller,
        command: &C,
        keyed: &Keyed,
        patience: &Patience,
    ) -> Result<Begun, ActError<C::Refusal>> {
        let store = &self.parts.store;
        let mut doubted = Vec::new();
        for _ in 0..self.parts.bounds.conflicts_max {
            if let Some(begun) = self.before(caller, keyed, &doubted).await? {
                return Ok(begun);
            }
            let found = store.payment(&caller.owner(), command.payment()).await?;
            let payment = found.ok_or(ActError::NotFound)?;
            let (proof, decided) = match self.decided(caller, command, payment).await {
                // The payment and the proof may be as they are because of this very request, sent
                // twice at once: its key is committed together with what it did.
                Err(refused @ (ActError::Refused(_) | ActError::Proof(_))) => {
                    return self.before(caller, keyed, &doubted).await?.ok_or(refused);
                }
                decided => decided?,
            };
            let (moved, end) = match &decided {
                Decided::Drive(moved, saga) | Decided::Leave(moved, saga) => {
                    (moved, Either::Saga(saga.head.id))
                }
                Decided::Over(moved, ended) => (moved, Either::Outcome(ended.clone())),
            };
            let mut reservation = self.reservation(caller, keyed, Some(command.payment()), end);
            reservation.patience_until = match decided {
                // Whoever left it does not wait, and a repeat is told the same.
                Decided::Leave(..) => reservation.created_at,
                // What was read until here is part of it: a repeat behind the answer is told that.
                Decided::Drive(..) | Decided::Over(..) => {
                    later(reservation.created_at, patience.left())
                }
            };
            let mut changes = moved.changes.clone();
            changes.push(Change::ReserveKey(Box::new(reservation)));
            changes.extend(proof);
            crash_point!(C::VERB, "before_begin_commit");
            let committed = store.commit(&changes).await;
            crash_point!(C::VERB, "after_begin_commit");
            match (committed, decided) {
                (Ok(()), Decided::Drive(moved, saga)) => {
                    return Ok(Begun::Saga(saga, Some(Box::new(moved.payment))));
                }
                (Ok(()), Decided::Over(_, ended)) => {
                    let answered = Answered::first(Outcome::Ended(ended));
                    return Ok(Begun::Answered(Box::new(answered)));
                }
                (Ok(()), Decided::Leave(moved, _)) => {
                    let answered = Answered::first(pending(&moved.payment));
                    return Ok(Begun::Answered(Box::new(answered)));
                }
                (Err(CommitError::InDoubt), Decided::Drive(_, saga)) => {
                    doubted.push(saga.head.id);
                    if let Some(saga) = self.own_among(&doubted).await? {
                        return Ok(Begun::Saga(saga, None));
                    }
                }
                // Where it was written after all, the key tells in the next round.
                (Err(CommitError::InDoubt), Decided::Over(..) | Decided::Leave(..))
                | (Err(CommitError::Conflict), _) => {}
                (Err(CommitError::Store(error)), _) => return Err(error.into()),
            }
        }
        Err(ActError::Contended)
    }

    /// The answer to an earlier request with this key, or what this very request began by a commit
    /// that was in doubt: one that the database was still at when it was asked.
    async fn before<R>(
        &self,
        caller: &Caller,
        keyed: &Keyed,
        doubted: &[SagaId],
    ) -> Result<Option<Begun>, ActError<R>> {
        match self.answered_before(caller, keyed).await {
            Err(running @ ActError::Key(KeyError::Running { .. })) => {
                let own = self.own_among(doubted).await?;
                let own = own.ok_or(running)?;
                Ok(Some(Begun::Saga(own, None)))
            }
            other => other.map(|found| found.map(|found| Begun::Answered(Box::new(found)))),
        }
    }

    /// The saga that a commit in doubt has begun after all. Their ids were drawn by the request at
    /// hand, so whichever is found is its own, and nobody else's.
    pub(crate) async fn own_among(
        &self,
        doubted: &[SagaId],
    ) -> Result<Option<Box<Saga>>, store::Error> {
        for id in doubted {
            if let Some(saga) = self.parts.store.saga(*id).await? {
                return Ok(Some(Box::new(saga)));
            }
        }
        Ok(None)
    }

    /// What is decided, and the proof of the person that is spent with it.
    async fn decided<C: Command>(
        &self,
        caller: &Caller,
        command: &C,
        payment: Payment,
    ) -> Result<(Option<Change>, Decided), ActError<C::Refusal>> {
        // Ahead of the decision: whoever is not proven learns nothing and moves nothing.
        let proof = self.proven(caller, command.payment(), C::VERB.action());
        let proof = proof.await?;
        let decided = command.decide(self, caller, payment).await?;
        Ok((proof, decided))
    }

    /// Pending, with the payment as it is stored.
    pub(crate) async fn pending_now<R>(
        &self,
        caller: &Caller,
        payment: PaymentId,
    ) -> Result<Outcome, ActError<R>> {
        let found = self.parts.store.payment(&caller.owner(), payment).await?;
        Ok(pending(&found.ok_or(ActError::NotFound)?))
    }

    /// What an earlier request with this key is answered with.
    pub(crate) async fn answered_before<R>(
        &self,
        caller: &Caller,
        keyed: &Keyed,
    ) -> Result<Option<Answered>, ActError<R>> {
        Ok(match self.earlier(caller, keyed).await? {
            Earlier::Nothing => None,
            Earlier::Ended(ended, since) => Some(Answered::again(*ended, since)),
            Earlier::Pending(payment) => {
                Some(Answered::still(self.pending_now(caller, payment).await?))
            }
        })
    }
}

fn pending(payment: &Payment) -> Outcome {
    Outcome::Pending(Box::new(PaymentView::impersonal(payment)))
}
