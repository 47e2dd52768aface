//! Owns approving a payment: decide, commit, and only then act, on a task that shutdown awaits.

use std::sync::Arc;

use domain::change::Change;
use domain::id::{GatewayOrderId, PaymentId, SagaId};
use domain::money::Money;
use domain::payment::{ApproveRefusal, ApproveRequest, Moved, Payment};
use domain::saga::Saga;
use domain::text::PaymentKey;
use tokio::time::{Instant, timeout_at};

use super::Answered;
use crate::crash::crash_point;
use crate::idempotency::{Earlier, Either, KeyError, Keyed};
use crate::outcome::{Ended, Outcome};
use crate::ports::gateway::Refused;
use crate::ports::store::{self, CommitError};
use crate::runner::Driven;
use crate::view::PaymentView;
use crate::{App, Caller};

/// What the redirect brought back, as the merchant passes it on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approve {
    /// Which payment.
    pub payment: PaymentId,
    /// The gateway's name of the authentication.
    pub payment_key: PaymentKey,
    /// The order id that the window was opened with.
    pub gateway_order: GatewayOrderId,
    /// What the redirect says was authenticated, in minor units of the payment's currency.
    pub amount_minor: i64,
}

/// Why an approval was not begun. Nothing is stored and nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum ApproveError {
    /// No such payment of this caller.
    #[error("no such payment")]
    NotFound,
    /// The payment does not take this approval.
    #[error(transparent)]
    Refused(#[from] ApproveRefusal),
    /// The gateway should not be called now.
    #[error(transparent)]
    Gateway(#[from] Refused),
    /// The payment's gateway account is not served here.
    #[error("the payment's gateway is not configured")]
    NoGateway,
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

/// What a begun approval is about, or the answer to an earlier request.
enum Begun {
    Saga(Box<Saga>, Option<Box<Payment>>),
    Answered(Box<Answered>),
}

impl App {
    /// Approves a payment. The work runs on a task of its own, so a caller that leaves changes
    /// nothing; when it takes longer than the patience, the answer is pending.
    ///
    /// # Errors
    /// See [`ApproveError`]; nothing is stored and nothing was sent then.
    pub async fn approve(
        self: &Arc<Self>,
        caller: Caller,
        command: Approve,
        keyed: Keyed,
    ) -> Result<Answered, ApproveError> {
        if self.runner.drain.is_cancelled() {
            return Err(ApproveError::Stopping);
        }
        let until = Instant::now()
            .checked_add(self.parts.timings.patience)
            .unwrap_or_else(Instant::now);
        let payment = command.payment;
        let scope = caller.scope;
        let app = Arc::clone(self);
        let task = self
            .runner
            .tasks
            .spawn(async move { app.approve_on_task(caller, command, keyed, until).await });
        if let Ok(Ok(answered)) = timeout_at(until, task).await {
            crash_point!("approve.before_answer");
            return answered;
        }
        // The task was lost or is at work still: either way the saga tells, not this answer.
        let found = self.parts.store.payment(scope, payment).await?;
        let found = found.ok_or(ApproveError::NotFound)?;
        Ok(Answered::first(Outcome::Pending(Box::new(
            PaymentView::impersonal(&found),
        ))))
    }

    async fn approve_on_task(
        &self,
        caller: Caller,
        command: Approve,
        keyed: Keyed,
        until: Instant,
    ) -> Result<Answered, ApproveError> {
        let (saga, payment) = match self.begin(&caller, &command, &keyed).await? {
            Begun::Answered(answered) => return Ok(*answered),
            Begun::Saga(saga, payment) => (*saga, payment),
        };
        match self.runner.drive(saga, payment, until).await {
            Driven::Closed {
                saga,
                payment,
                gateway_time,
            } => {
                let ended = Ended::of(&saga, &payment);
                let pending = || Outcome::Pending(Box::new(PaymentView::impersonal(&payment)));
                let outcome = ended.map_or_else(pending, Outcome::Ended);
                Ok(Answered {
                    outcome,
                    replayed: false,
                    gateway_time,
                })
            }
            Driven::Waiting(_) | Driven::LetGo => {
                let found = self
                    .parts
                    .store
                    .payment(caller.scope, command.payment)
                    .await?;
                let found = found.ok_or(ApproveError::NotFound)?;
                Ok(Answered::first(Outcome::Pending(Box::new(
                    PaymentView::impersonal(&found),
                ))))
            }
        }
    }

    /// Decides and commits the intent; after a conflict, reads and decides again.
    async fn begin(
        &self,
        caller: &Caller,
        command: &Approve,
        keyed: &Keyed,
    ) -> Result<Begun, ApproveError> {
        for _ in 0..self.parts.bounds.conflicts_max {
            match self.earlier(caller, keyed).await? {
                Earlier::Nothing => {}
                Earlier::Ended(ended) => {
                    let answered = Answered::again(Outcome::Ended(*ended));
                    return Ok(Begun::Answered(Box::new(answered)));
                }
                Earlier::Pending(payment) => {
                    let found = self.parts.store.payment(caller.scope, payment).await?;
                    let found = found.ok_or(ApproveError::NotFound)?;
                    let view = Box::new(PaymentView::impersonal(&found));
                    let answered = Answered::again(Outcome::Pending(view));
                    return Ok(Begun::Answered(Box::new(answered)));
                }
            }
            let found = self
                .parts
                .store
                .payment(caller.scope, command.payment)
                .await?;
            let payment = found.ok_or(ApproveError::NotFound)?;
            let (moved, saga) = self.decide(caller, command, keyed, payment).await?;
            crash_point!("approve.before_begin_commit");
            let committed = self.parts.store.commit(&moved.changes).await;
            crash_point!("approve.after_begin_commit");
            match committed {
                Ok(()) => return Ok(Begun::Saga(Box::new(saga), Some(Box::new(moved.payment)))),
                Err(CommitError::Conflict) => {}
                Err(CommitError::InDoubt) => {
                    if let Some(saga) = self.parts.store.saga(saga.head.id).await? {
                        return Ok(Begun::Saga(Box::new(saga), None));
                    }
                }
                Err(CommitError::Store(error)) => return Err(error.into()),
            }
        }
        Err(ApproveError::Contended)
    }

    async fn decide(
        &self,
        caller: &Caller,
        command: &Approve,
        keyed: &Keyed,
        payment: Payment,
    ) -> Result<(Moved, Saga), ApproveError> {
        let store = &self.parts.store;
        let account = payment.facts.account;
        let order = store.gateway_order(command.gateway_order).await?;
        let order = order.ok_or(ApproveRefusal::OrderMismatch)?;
        let credential_version = self.runner.credential_version(account).await?;
        let amount = Money::new(command.amount_minor, payment.facts.amount.currency())
            .map_err(|_| ApproveRefusal::AmountMismatch)?;
        let request = ApproveRequest {
            payment_key: command.payment_key.clone(),
            amount,
            actor: caller.actor,
            credential_version,
            keyed: true,
            hold: Some(self.runner.hold()),
        };
        let ctx = self.runner.ctx(SagaId::new(self.draw()), &caller.trace);
        let (mut moved, saga) = payment.begin_approval(&request, &order, &ctx)?;
        self.parts
            .gateways
            .of(account)
            .ok_or(ApproveError::NoGateway)?
            .admit()?;
        let end = Either::Saga(saga.head.id);
        let reservation = self.reservation(caller, keyed, saga.head.payment, end);
        moved
            .changes
            .push(Change::ReserveKey(Box::new(reservation)));
        Ok((moved, saga))
    }
}
