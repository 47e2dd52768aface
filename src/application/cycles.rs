//! Owns what is done about cycles that came due, and what follows when their charges have ended.

use std::time::Duration;

use async_trait::async_trait;
use domain::Timestamp;
use domain::change::{Change, Hold};
use domain::decline::Reason;
use domain::id::PaymentId;
use domain::payment::{PayStatus, Payment};
use domain::subscription::{
    Cycle, Deed, Due, Failure, Fault, Moved, Plan, State, Status, Subscription,
};
use domain::webhook::Chance;
use tracing::{error, info};

pub(crate) use crate::charged::ended;
pub use crate::charged::{Charged, Told};
use crate::ports::store::{self, CommitError, CountedBy};
use crate::ports::{Clock, Store};
use crate::upkeep::earlier;

/// What has been due for longer is late.
const LATE_AFTER: Duration = Duration::from_mins(10);
/// So far back from its end a subscription's log tells what it was ended with: little follows.
const LOG_LINES: u32 = 100;
/// What counts as charged of late.
const OF_LATE: Duration = Duration::from_hours(24);

/// A cycle, and what it is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueCycle {
    /// Whose.
    pub subscription: Subscription,
    /// To what.
    pub plan: Plan,
    /// Which one.
    pub cycle: Cycle,
}

impl DueCycle {
    /// As it would be read while this payment is charged, for what is known without a call.
    pub(crate) fn charging(self, payment: PaymentId) -> Self {
        let cycle = Cycle {
            state: State::Charging { payment },
            ..self.cycle
        };
        Self { cycle, ..self }
    }
}

/// Who begins charges.
#[async_trait]
pub trait Charges: Send + Sync {
    /// Begins the charge of a cycle: MUST commit [`Cycle::begin`] together with the begin of the
    /// payment that pays it, before any call, and nothing where that conflicts. What comes of the
    /// charge is committed with [`Cycles::outcome`].
    async fn begin(&self, due: &DueCycle) -> Result<(), CommitError>;

    /// What else has to be committed with a move of a subscription that needs no charge, for the
    /// sake of this cycle.
    ///
    /// # Errors
    /// The store is away, or it has to be decided again.
    async fn besides(&self, _moved: &Moved, _due: &DueCycle) -> Result<Vec<Change>, CommitError> {
        Ok(Vec::new())
    }
}

/// What one pass did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CyclePass {
    /// How many cycles it took.
    pub taken: usize,
    /// How many charges it began.
    pub charged: usize,
    /// How many it dealt with otherwise: skipped, given up, ended.
    pub moved: usize,
}

/// Why what follows a charge cannot be said.
#[derive(Debug, thiserror::Error)]
pub enum OutcomeError {
    /// The cycle's rows contradict each other.
    #[error(transparent)]
    Illegal(#[from] Failure),
    /// The store did not answer, or a row cannot be read.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// By which moments operators are told of cycles at `now`.
#[must_use]
pub fn counted_by(now: Timestamp) -> CountedBy {
    CountedBy {
        now,
        late: earlier(now, LATE_AFTER),
        paid_since: Some(earlier(now, OF_LATE)),
    }
}

/// The cycles of this installation.
#[derive(Clone, Copy)]
pub struct Cycles<'a> {
    /// Where they are kept.
    pub store: &'a dyn Store,
    /// By which they are due.
    pub clock: &'a dyn Clock,
}

impl Cycles<'_> {
    /// Takes cycles that are due, `limit` at most, and does about each what it wants. One that
    /// cannot be dealt with keeps no other waiting: it is logged, and taken again when `hold` is
    /// over.
    ///
    /// # Errors
    /// The store is away.
    pub async fn pass(
        &self,
        charges: &dyn Charges,
        hold: Hold,
        limit: u32,
    ) -> Result<CyclePass, store::Error> {
        let now = self.clock.now();
        let taken = self.store.claim_cycles(now, hold, &[], limit).await?;
        let mut pass = CyclePass {
            taken: taken.len(),
            ..CyclePass::default()
        };
        for cycle in taken {
            self.deal(cycle, charges, &mut pass).await?;
        }
        Ok(pass)
    }

    /// Does about a cycle that was taken what it wants now. Whoever took it since, or changed it,
    /// is right.
    ///
    /// # Errors
    /// The store is away.
    pub async fn deal(
        &self,
        cycle: Cycle,
        charges: &dyn Charges,
        pass: &mut CyclePass,
    ) -> Result<(), store::Error> {
        let (subscription, number) = (cycle.key.subscription, cycle.key.number);
        match self.act(cycle, charges, pass).await {
            Ok(()) | Err(CommitError::Conflict | CommitError::InDoubt) => Ok(()),
            Err(CommitError::Store(error)) => {
                // Where the store answers, it is this cycle that it does not take.
                self.store.ping().await?;
                error!(%subscription, %number, %error, "cycle not dealt with");
                Ok(())
            }
        }
    }

    async fn act(
        &self,
        cycle: Cycle,
        charges: &dyn Charges,
        pass: &mut CyclePass,
    ) -> Result<(), CommitError> {
        let due = self.whole(cycle).await?;
        let subscription = due.subscription.clone();
        let wanted = subscription.due(&due.cycle, &due.plan, self.clock.now());
        match wanted.map_err(|failure| contradictory(&due.cycle, failure))? {
            Due::Charge => {
                charges.begin(&due).await?;
                pass.charged = pass.charged.saturating_add(1);
            }
            Due::Moved(moved) => {
                let besides = charges.besides(&moved, &due).await?;
                let all: Vec<Change> = moved.changes.iter().cloned().chain(besides).collect();
                self.store.commit(&all).await?;
                let (id, status) = (moved.subscription.id, moved.subscription.status);
                info!(subscription = %id, %status, "subscription moved");
                pass.moved = pass.moved.saturating_add(1);
            }
            Due::Nothing => {}
        }
        Ok(())
    }

    /// What is to be committed with the end of a payment's charge, so that neither is without the
    /// other; nothing where the payment is for no cycle, or the cycle knows already. After a
    /// conflict it has to be asked again.
    ///
    /// # Errors
    /// See [`OutcomeError`].
    pub async fn outcome(
        &self,
        payment: PaymentId,
        charged: &Charged,
        chance: Chance,
    ) -> Result<Vec<Change>, OutcomeError> {
        let Some(cycle) = self.store.cycle_of(payment).await? else {
            return Ok(Vec::new());
        };
        if !matches!(cycle.state, State::Charging { .. }) {
            return Ok(Vec::new());
        }
        let due = self.whole(cycle).await?;
        let since = self.tried_since(&due, charged).await?;
        Ok(self.after_charge(due, charged, (since, chance))?.changes)
    }

    /// When a cycle was tried first, where that matters; now where nothing tells. Its first payment
    /// was made then.
    async fn tried_since(
        &self,
        due: &DueCycle,
        charged: &Charged,
    ) -> Result<Timestamp, store::Error> {
        let now = self.clock.now();
        let Charged::Declined { decline, .. } = charged else {
            return Ok(now);
        };
        if Fault::of(decline) != Fault::Merchant {
            return Ok(now);
        }
        let (scope, order) = (due.cycle.scope, due.cycle.key.order_id());
        let first = self.store.payment_of_order(scope, &order).await?;
        Ok(first.map_or(now, |payment| payment.facts.created_at))
    }

    /// What follows the end of a charge for a cycle that is being charged, and was tried first at
    /// `since`.
    ///
    /// # Errors
    /// The cycle's rows contradict each other.
    pub(crate) fn after_charge(
        &self,
        due: DueCycle,
        charged: &Charged,
        (since, chance): (Timestamp, Chance),
    ) -> Result<Moved, Failure> {
        let now = self.clock.now();
        let DueCycle {
            subscription,
            plan,
            cycle,
        } = due;
        match charged {
            Charged::Paid { at } => subscription.charged(cycle, &plan, (*at, now)),
            Charged::GivenBack { at } => subscription.charged_in_vain(cycle, &plan, (*at, now)),
            Charged::Declined { decline, card } => {
                let told = (decline, *card, since);
                subscription.declined(cycle, &plan, told, (now, chance))
            }
            Charged::NoCard => subscription.without_card(cycle, &plan, now),
        }
    }

    /// What is to be committed with a payment that goes on as `payment`, by a saga that tells
    /// `told`: its cycle is paid, declined or refunded with it, or nothing follows. After a
    /// conflict it has to be asked again.
    ///
    /// # Errors
    /// See [`OutcomeError`].
    pub async fn followed(
        &self,
        payment: &Payment,
        told: Told,
        chance: Chance,
    ) -> Result<Vec<Change>, OutcomeError> {
        let Some(cycle) = self.store.cycle_of(payment.facts.id).await? else {
            return Ok(Vec::new());
        };
        match cycle.state {
            State::Charging { .. } => match ended(payment, told.card) {
                Some(charged) => {
                    let due = self.whole(cycle).await?;
                    let since = self.tried_since(&due, &charged).await?;
                    let moved = self.after_charge(due, &charged, (since, chance));
                    Ok(moved?.changes)
                }
                None => Ok(Vec::new()),
            },
            State::Paid { .. } if payment.status() == PayStatus::Canceled => {
                let id = cycle.key.subscription;
                let newest = self.store.cycles(id, None, 1).await?;
                let due = self.whole(cycle).await?;
                let now = self.clock.now();
                let moved = due.subscription.refunded(&cycle, newest.first(), now)?;
                Ok(moved.changes)
            }
            State::Paid { .. } => match told.kept {
                Some(why) => self.kept(cycle, why).await,
                None => Ok(Vec::new()),
            },
            // A payment is only charged with its cycle's knowing, and what comes to light without
            // it is given back; one that waits and is paid all the same is seen when it is due.
            State::Waiting { .. }
            | State::Held { .. }
            | State::Closing
            | State::Failed
            | State::Skipped
            | State::Void => {
                if matches!(ended(payment, told.card), Some(Charged::Paid { .. })) {
                    let (id, cycle) = (payment.facts.id, cycle.key.order_id());
                    error!(payment = %id, %cycle, "paid for a cycle that is not charged");
                }
                Ok(Vec::new())
            }
            State::Refunded { .. } => Ok(Vec::new()),
        }
    }

    /// The gateway does not give a cycle's money back: where its subscription was ended with it,
    /// that is told.
    async fn kept(&self, cycle: Cycle, why: Reason) -> Result<Vec<Change>, OutcomeError> {
        let DueCycle { subscription, .. } = self.whole(cycle).await?;
        let id = subscription.id;
        if subscription.status != Status::Canceled
            || !self.ended_with(&subscription, &cycle).await?
        {
            return Ok(Vec::new());
        }
        error!(subscription = %id, reason = %why, "ended, and its money is not given back");
        let moved = subscription.refund_refused(&cycle, why, self.clock.now())?;
        Ok(moved.changes)
    }

    /// Whether it was ended with the money of this cycle: not every refund of an old cycle that is
    /// refused was owed to somebody for the end.
    async fn ended_with(
        &self,
        subscription: &Subscription,
        cycle: &Cycle,
    ) -> Result<bool, store::Error> {
        let from = subscription.version.saturating_sub(LOG_LINES.into()).max(0);
        let log = self
            .store
            .subscription_events(subscription.id, from, LOG_LINES);
        let number = Some(cycle.key.number);
        Ok(log.await?.iter().any(|event| {
            event.deed == Deed::Canceled && event.payment.is_some() && event.cycle == number
        }))
    }

    async fn whole(&self, cycle: Cycle) -> Result<DueCycle, store::Error> {
        let id = cycle.key.subscription;
        let missing = |table, id| store::Error::Corrupt {
            table,
            id,
            why: "it is not there".to_owned(),
        };
        let found = self.store.any_subscription(id).await?;
        let subscription = found.ok_or_else(|| missing("subscriptions", id.to_string()))?;
        let code = &subscription.plan;
        let found = self.store.plan(subscription.scope, code).await?;
        let plan = found.ok_or_else(|| missing("plans", code.to_string()))?;
        Ok(DueCycle {
            subscription,
            plan,
            cycle,
        })
    }
}

fn contradictory(cycle: &Cycle, failure: Failure) -> store::Error {
    store::Error::Corrupt {
        table: "cycles",
        id: format!("{}/{}", cycle.key.subscription, cycle.key.number),
        why: failure.to_string(),
    }
}
