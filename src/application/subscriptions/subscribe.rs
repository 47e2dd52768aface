//! Owns making a subscription: the subscription, its first cycle and, where that is due now, the
//! begin of its charge in one commit with the idempotency key.

use std::sync::Arc;

use domain::Ctx;
use domain::Timestamp;
use domain::billing::{BillingKey, Status};
use domain::calendar::Anchor;
use domain::change::Change as AnyChange;
use domain::id::{BillingKeyId, SagaId, SubscriptionId};
use domain::merchant::Zone;
use domain::payment::{ChargeRefusal, ChargeRequest, Payment};
use domain::principal::Owner;
use domain::saga::Saga;
use domain::subscription::{Change, Cycle, Plan, Refusal, Subscription, Wish};
use domain::switch::Operation;
use domain::text::{MemberId, PlanCode};
use tokio::time::timeout_at;

use super::{SubscriptionAnswer, SubscriptionView};
use crate::billing::begun_cycle;
use crate::cycles::DueCycle;
use crate::flight::Boarding;
use crate::idempotency::{Either, KeyError, Keyed, later};
use crate::outcome::{Ended, Outcome};
use crate::patience::Patience;
use crate::payments::{ActError, Answered};
use crate::ports::store::CommitError;
use crate::trace;
use crate::{App, Caller};

/// What a member is to pay for from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscribe {
    /// Who pays.
    pub member: MemberId,
    /// To which plan.
    pub plan: PlanCode,
    /// With which of their cards; their default where none is named.
    pub billing_key: Option<BillingKeyId>,
    /// When the first cycle is due; now where nobody says.
    pub first_charge_at: Option<Timestamp>,
    /// By whose clocks the dates are; the merchant's where nobody says.
    pub zone: Option<Zone>,
}

/// Why nobody is subscribed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubscribeRefusal {
    /// The merchant has no such plan in this mode.
    #[error("no such plan")]
    NoPlan,
    /// The plan or the date is not to be had.
    #[error(transparent)]
    Wish(#[from] Refusal),
    /// The member has no such card, or no default.
    #[error("the member has no such card")]
    NoCard,
    /// The card cannot be charged.
    #[error("the card is {0}")]
    CardUnusable(Status),
    /// The first charge is refused.
    #[error(transparent)]
    Charge(#[from] ChargeRefusal),
}

/// Why nobody is subscribed; nothing is stored and nothing was sent.
pub type SubscribeError = ActError<SubscribeRefusal>;

/// What is to be committed, besides the key.
struct Begun {
    subscription: Subscription,
    first: Cycle,
    changes: Vec<AnyChange>,
    charge: Option<(Saga, Box<Payment>)>,
}

impl App {
    /// Subscribes a member, and charges the first cycle where it is due now: on a task of its own,
    /// as [`App::approve`] does. Whatever becomes of that charge, the subscription is made.
    ///
    /// # Errors
    /// See [`ActError`]; nothing is stored and nothing was sent then.
    pub async fn subscribe(
        self: &Arc<Self>,
        caller: Caller,
        command: Subscribe,
        keyed: Keyed,
    ) -> Result<SubscriptionAnswer, SubscribeError> {
        if self.runner.drain.is_cancelled() {
            return Err(ActError::Stopping);
        }
        let patience = Arc::new(Patience::of(self.parts.timings.patience));
        let (whose, request) = (caller.clone(), keyed.clone());
        let (app, lent) = (Arc::clone(self), Arc::clone(&patience));
        let task = async move {
            app.subscribe_on_task(&caller, &command, &keyed, &lent)
                .await
        };
        let task = self.runner.tasks.spawn(trace::carried(task));
        let answered = if let Ok(Ok(answered)) = timeout_at(patience.until(), task).await {
            answered?
        } else {
            // The task was lost or is at work still: what is durable tells, not this answer.
            let payment = self.reserved_for(&whose, &request).await?;
            let payment = payment.ok_or_else(KeyError::soon)?;
            Answered::first(self.pending_now(&whose, payment).await?)
        };
        let gateway_time = patience.gateway_time();
        let answered = Answered {
            gateway_time,
            ..answered
        };
        self.in_full(&whose, &request, answered).await
    }

    async fn subscribe_on_task(
        &self,
        caller: &Caller,
        command: &Subscribe,
        keyed: &Keyed,
        patience: &Patience,
    ) -> Result<Answered, SubscribeError> {
        let flight = match self.board(caller, keyed).await? {
            Boarding::Ended(ended, since) => return Ok(Answered::again(*ended, since)),
            Boarding::Go(flight) => flight,
        };
        let done = self.make(caller, command, keyed, patience).await;
        flight.land(done.as_ref().ok()).await;
        done
    }

    /// Decides and commits; after a conflict, reads and decides again.
    async fn make(
        &self,
        caller: &Caller,
        command: &Subscribe,
        keyed: &Keyed,
        patience: &Patience,
    ) -> Result<Answered, SubscribeError> {
        let store = &self.parts.store;
        let mut doubted = Vec::new();
        for _ in 0..self.parts.bounds.conflicts_max {
            match self.answered_before(caller, keyed).await {
                Err(running @ ActError::Key(KeyError::Running { .. })) => {
                    // Its own commit may have been in doubt, and come through since.
                    let own = self.own_among(&doubted).await?;
                    return self
                        .driven(caller, *own.ok_or(running)?, None, patience)
                        .await;
                }
                Err(error) => return Err(error),
                Ok(Some(answered)) => return Ok(answered),
                Ok(None) => {}
            }
            let ctx = self.runner.ctx(SagaId::new(self.draw()), &caller.trace);
            let begun = self.begin_subscription(caller, command, &ctx).await?;
            let (end, payment) = match &begun.charge {
                Some((saga, payment)) => (Either::Saga(saga.head.id), Some(payment.facts.id)),
                None => (Either::Outcome(begun.as_made()), None),
            };
            let mut reservation = self.reservation(caller, keyed, payment, end);
            reservation.patience_until = later(reservation.created_at, patience.left());
            let mut changes = begun.changes.clone();
            changes.push(AnyChange::ReserveKey(Box::new(reservation)));
            let committed = store.commit(&changes).await;
            match (committed, begun.charge) {
                (Ok(()), Some((saga, payment))) => {
                    return self.driven(caller, saga, Some(payment), patience).await;
                }
                (Ok(()), None) => {
                    let view =
                        SubscriptionView::impersonal(&begun.subscription, Some(&begun.first));
                    let subscription = Box::new(view);
                    let ended = Ended::Subscription { subscription };
                    return Ok(Answered::first(Outcome::Ended(ended)));
                }
                (Err(CommitError::InDoubt), Some((saga, _))) => {
                    doubted.push(saga.head.id);
                    if let Some(saga) = self.own_among(&doubted).await? {
                        return self.driven(caller, *saga, None, patience).await;
                    }
                }
                // Where it was written after all, the key tells in the next round.
                (Err(CommitError::InDoubt), None) | (Err(CommitError::Conflict), _) => {}
                (Err(CommitError::Store(error)), _) => return Err(error.into()),
            }
        }
        Err(ActError::Contended)
    }

    async fn begin_subscription(
        &self,
        caller: &Caller,
        command: &Subscribe,
        ctx: &Ctx<'_>,
    ) -> Result<Begun, SubscribeError> {
        let scope = caller.scope;
        let plan = self.parts.store.plan(scope, &command.plan).await?;
        let plan = plan.ok_or(ActError::Refused(SubscribeRefusal::NoPlan))?;
        let card = self.card_to_pay(caller, command).await?;
        let zone = match command.zone {
            Some(zone) => zone,
            None => self.tenant(scope.merchant).await?.zone,
        };
        let wish = Wish {
            id: SubscriptionId::new(self.draw()),
            member: command.member.clone(),
            billing_key: card.id,
            anchor: command
                .first_charge_at
                .map(|at| Anchor::not_before(at, zone)),
            actor: caller.actor,
        };
        let moved = Subscription::begin(wish, &plan, zone, ctx.now);
        let moved = moved.map_err(|why| ActError::Refused(why.into()))?;
        let first = moved.changes.iter().find_map(first_cycle);
        let first = first.ok_or(ActError::Contended)?;
        let begun = Begun {
            subscription: moved.subscription,
            first,
            changes: moved.changes,
            charge: None,
        };
        if first.due_at > ctx.now {
            return Ok(begun);
        }
        self.begin_first_charge(begun, plan, &card, (caller, ctx))
            .await
    }

    /// The first cycle's charge with it, in the same commit.
    async fn begin_first_charge(
        &self,
        begun: Begun,
        plan: Plan,
        card: &BillingKey,
        (caller, ctx): (&Caller, &Ctx<'_>),
    ) -> Result<Begun, SubscribeError> {
        let account = card.account;
        self.ensure_not_paused(Operation::Charges, caller.scope, account)?;
        let gateway = self.parts.gateways.of(account);
        let gateway = gateway.ok_or(ActError::NoGateway)?;
        let terms = gateway.terms();
        if !terms.active {
            return Err(ActError::AccountDisabled);
        }
        gateway.admit()?;
        let Begun {
            subscription,
            first,
            mut changes,
            ..
        } = begun;
        let due = DueCycle {
            subscription,
            plan,
            cycle: first,
        };
        let (prepared, payment, order) = self.fresh(&due, account, None, ctx).await?;
        changes.extend(prepared);
        let id = payment.facts.id;
        let request = ChargeRequest {
            actor: caller.actor,
            credential_version: terms.credential_version,
            keyed: true,
            hold: Some(self.runner.hold()),
        };
        let charged = payment.begin_charge(&request, &order, card, ctx);
        let (moved, saga) = charged.map_err(|why| ActError::Refused(why.into()))?;
        changes.extend(moved.changes);
        changes.push(begun_cycle(&first, id)?);
        Ok(Begun {
            subscription: due.subscription,
            first,
            changes,
            charge: Some((saga, Box::new(moved.payment))),
        })
    }

    /// The card that is named, or the member's default, where it can be charged.
    async fn card_to_pay(
        &self,
        caller: &Caller,
        command: &Subscribe,
    ) -> Result<BillingKey, SubscribeError> {
        let store = &self.parts.store;
        let (scope, member) = (caller.scope, &command.member);
        let found = if let Some(id) = command.billing_key {
            let owner = Owner {
                scope,
                member: Some(member.clone()),
            };
            store.billing_key(&owner, id).await?
        } else {
            store.dues().default_card(scope, member).await?
        };
        let card = found.ok_or(ActError::Refused(SubscribeRefusal::NoCard))?;
        if card.status() == Status::Active {
            Ok(card)
        } else {
            let unusable = SubscribeRefusal::CardUnusable(card.status());
            Err(ActError::Refused(unusable))
        }
    }
}

impl Begun {
    /// The outcome where nothing is charged now.
    fn as_made(&self) -> Ended {
        let view = SubscriptionView::impersonal(&self.subscription, Some(&self.first));
        Ended::Subscription {
            subscription: Box::new(view),
        }
    }
}

fn first_cycle(change: &AnyChange) -> Option<Cycle> {
    let AnyChange::Subscription(change) = change else {
        return None;
    };
    if let Change::InsertCycle(cycle) = change.as_ref() {
        Some(**cycle)
    } else {
        None
    }
}
