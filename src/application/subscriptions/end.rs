//! Owns ending a subscription by whoever pays or sells it: with the money back, at the end of what
//! is paid, or at once. The end and the refund's begin are one commit.

use std::sync::Arc;

use async_trait::async_trait;
use domain::id::{PaymentId, SagaId, SubscriptionId};
use domain::payment::{self, CancelBegun, CancelRequest, Payment};
use domain::subscription::{self, Canceled, Cycle, Ending, State, Subscription};
use domain::switch::Operation;
use domain::text::CancelReason;

use super::{SubscriptionAnswer, SubscriptionView, after};
use crate::idempotency::{Either, Keyed};
use crate::outcome::{Ended, Outcome};
use crate::payments::{ActError, Answered, Command, Decided, Verb};
use crate::ports::gateway::Ability;
use crate::ports::store::{self, CommitError};
use crate::{App, Caller};

/// How many of the newest cycles are looked through for the one that is paid: older ones are over.
const LOOKED_AT: u32 = 24;

/// A subscription to be ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndSubscription {
    /// Which one.
    pub subscription: SubscriptionId,
    /// Why; a refund says it to the gateway.
    pub reason: CancelReason,
}

/// Why a subscription is not ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndRefusal {
    /// No such subscription of this caller.
    #[error("no such subscription")]
    NotFound,
    /// The subscription does not take it.
    #[error(transparent)]
    Subscription(#[from] subscription::CancelRefusal),
    /// Its payment does not.
    #[error(transparent)]
    Payment(#[from] payment::CancelRefusal),
    /// It ends otherwise by now: to be decided again.
    #[error("it ends otherwise by now")]
    Moved,
}

/// Why a subscription is not ended; nothing is stored and nothing was sent.
pub type EndError = ActError<EndRefusal>;

/// The end of a subscription whose newest payment is given back.
struct Refund {
    command: EndSubscription,
    payment: PaymentId,
}

/// A subscription, its newest cycle, and how it would end.
struct Decision {
    subscription: Subscription,
    newest: Cycle,
    canceled: Canceled,
}

impl App {
    /// Ends a subscription: up to seven days after its newest cycle was paid with the money back,
    /// later at the end of what is paid, else at once.
    ///
    /// # Errors
    /// See [`ActError`]; nothing is stored and nothing was sent then.
    pub async fn end_subscription(
        self: &Arc<Self>,
        caller: Caller,
        command: EndSubscription,
        keyed: Keyed,
    ) -> Result<SubscriptionAnswer, EndError> {
        if self.runner.drain.is_cancelled() {
            return Err(ActError::Stopping);
        }
        for _ in 0..self.parts.bounds.conflicts_max {
            if let Some(answered) = self.answered_before(&caller, &keyed).await? {
                return self.in_full(&caller, &keyed, answered).await;
            }
            let decision = match self.ending(&caller, &command).await {
                Err(refused @ ActError::Refused(_)) => {
                    // It may be so because of this very request, sent twice at once.
                    let answered = self.answered_before(&caller, &keyed).await?;
                    let answered = answered.ok_or(refused)?;
                    return self.in_full(&caller, &keyed, answered).await;
                }
                decision => decision?,
            };
            let answered = match decision.canceled.ending {
                Ending::Refund(payment) => {
                    let command = command.clone();
                    let refund = Refund { command, payment };
                    match self.act(caller.clone(), refund, keyed.clone()).await {
                        Err(ActError::Refused(EndRefusal::Moved)) => None,
                        answered => Some(answered?),
                    }
                }
                Ending::RunsOut(_) | Ending::Now => {
                    self.end_without_refund(&caller, decision, &keyed).await?
                }
            };
            if let Some(answered) = answered {
                return self.in_full(&caller, &keyed, answered).await;
            }
        }
        Err(ActError::Contended)
    }

    /// Commits an end that moves no money; none where it is to be decided again.
    async fn end_without_refund(
        &self,
        caller: &Caller,
        decision: Decision,
        keyed: &Keyed,
    ) -> Result<Option<Answered>, EndError> {
        let Decision {
            subscription,
            newest,
            canceled,
        } = decision;
        let mut changes = canceled.moved.changes;
        let (subscription, newest) = after(subscription, newest, &changes);
        let view = SubscriptionView::impersonal(&subscription, Some(&newest));
        let ended = Ended::Subscription {
            subscription: Box::new(view),
        };
        let end = Either::Outcome(ended.clone());
        let reservation = self.reservation(caller, keyed, None, end);
        changes.push(domain::change::Change::ReserveKey(Box::new(reservation)));
        match self.parts.store.commit(&changes).await {
            Ok(()) => Ok(Some(Answered::first(Outcome::Ended(ended)))),
            // Where it was written after all, the key tells in the next round.
            Err(CommitError::Conflict | CommitError::InDoubt) => Ok(None),
            Err(CommitError::Store(error)) => Err(error.into()),
        }
    }

    /// How it ends now.
    async fn ending(
        &self,
        caller: &Caller,
        command: &EndSubscription,
    ) -> Result<Decision, EndError> {
        let store = &self.parts.store;
        let id = command.subscription;
        let found = store.subscription(&caller.owner(), id).await?;
        let subscription = found.ok_or(ActError::Refused(EndRefusal::NotFound))?;
        let plan = store.plan(subscription.scope, &subscription.plan).await?;
        let cycles = store.cycles(id, None, LOOKED_AT).await?;
        let (Some(plan), Some(newest)) = (plan, cycles.first()) else {
            return Err(ActError::Store(store::Error::Corrupt {
                table: "subscriptions",
                id: id.to_string(),
                why: "its plan or its cycles are not there".to_owned(),
            }));
        };
        let is_paid = |cycle: &&Cycle| matches!(cycle.state, State::Paid { .. });
        let paid = cycles.iter().find(is_paid);
        let by = (caller.actor, self.parts.clock.now());
        let canceled = subscription.clone().cancel((newest, paid), &plan, by);
        let canceled = canceled.map_err(|why| ActError::Refused(why.into()))?;
        Ok(Decision {
            subscription,
            newest: *newest,
            canceled,
        })
    }
}

#[async_trait]
impl Command for Refund {
    type Refusal = EndRefusal;

    const VERB: Verb = Verb::Cancel;

    fn payment(&self) -> PaymentId {
        self.payment
    }

    async fn decide(
        &self,
        app: &App,
        caller: &Caller,
        payment: Payment,
    ) -> Result<Decided, EndError> {
        let decision = app.ending(caller, &self.command).await?;
        if decision.canceled.ending != Ending::Refund(self.payment) {
            return Err(ActError::Refused(EndRefusal::Moved));
        }
        let account = payment.facts.account;
        app.ensure_not_paused(Operation::Cancels, caller.scope, account)?;
        let gateway = app.parts.gateways.of(account);
        let terms = gateway.as_ref().map(|gateway| gateway.terms());
        let request = CancelRequest {
            amount: None,
            tax_free: None,
            reason: self.command.reason.clone(),
            actor: caller.actor,
            order: app.captured_order(&payment).await?,
            credential_version: terms.unwrap_or_default().credential_version,
            keyed: true,
            hold: Some(app.runner.hold()),
            to: None,
        };
        let ctx = app.runner.ctx(SagaId::new(app.draw()), &caller.trace);
        let begun = payment.begin_cancel(&request, &ctx);
        match begun.map_err(|why| ActError::Refused(why.into()))? {
            // What a cycle was paid by holds its money.
            CancelBegun::Withdrawn(_) => Err(ActError::Refused(EndRefusal::Moved)),
            CancelBegun::Reserved(mut moved, saga) => {
                let gateway = gateway.ok_or(ActError::NoGateway)?;
                if !gateway.terms().abilities.has(Ability::GivesBack) {
                    return Err(ActError::CannotGiveBack);
                }
                gateway.admit()?;
                moved.changes.extend(decision.canceled.moved.changes);
                Ok(Decided::Drive(moved, saga))
            }
        }
    }
}
