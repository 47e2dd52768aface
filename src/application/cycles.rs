//! Owns what is done about cycles that came due, and what follows when their charges have ended.

use async_trait::async_trait;
use domain::Timestamp;
use domain::change::{Change, Hold};
use domain::decline::Decline;
use domain::id::PaymentId;
use domain::payment::{PayStatus, Payment, State as PayState};
use domain::subscription::{Cycle, Due, Failure, Moved, Plan, State, Subscription};
use domain::webhook::Chance;
use tracing::{error, info};

use crate::ports::store::{self, CommitError};
use crate::ports::{Clock, Store};

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

/// Who begins charges.
#[async_trait]
pub trait Charges: Send + Sync {
    /// Begins the charge of a cycle: MUST commit [`Cycle::begin`] together with the begin of the
    /// payment that pays it, before any call, and nothing where that conflicts. What comes of the
    /// charge is committed with [`Cycles::outcome`].
    async fn begin(&self, due: &DueCycle) -> Result<(), CommitError>;
}

/// How a charge ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Charged {
    /// The gateway took the money.
    Paid {
        /// When.
        at: Timestamp,
    },
    /// The gateway declined it, and no money moves any more.
    Declined(Decline),
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
        let taken = self.store.claim_cycles(self.clock.now(), hold, limit).await;
        let taken = taken?;
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
                self.store.commit(&moved.changes).await?;
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
        Ok(self.after_charge(due, charged, chance)?.changes)
    }

    /// What follows the end of a charge for a cycle that is being charged.
    ///
    /// # Errors
    /// The cycle's rows contradict each other.
    pub(crate) fn after_charge(
        &self,
        due: DueCycle,
        charged: &Charged,
        chance: Chance,
    ) -> Result<Moved, Failure> {
        let now = self.clock.now();
        let DueCycle {
            subscription,
            plan,
            cycle,
        } = due;
        match charged {
            Charged::Paid { at } => subscription.charged(cycle, &plan, (*at, now)),
            Charged::Declined(decline) => {
                subscription.declined(cycle, &plan, decline, (now, chance))
            }
        }
    }

    /// What is to be committed with a payment that goes on as `payment`: its cycle is paid,
    /// declined or refunded with it, or nothing follows. After a conflict it has to be asked again.
    ///
    /// # Errors
    /// See [`OutcomeError`].
    pub async fn followed(
        &self,
        payment: &Payment,
        chance: Chance,
    ) -> Result<Vec<Change>, OutcomeError> {
        let Some(cycle) = self.store.cycle_of(payment.facts.id).await? else {
            return Ok(Vec::new());
        };
        match cycle.state {
            State::Charging { .. } => match ended(payment) {
                Some(charged) => {
                    let due = self.whole(cycle).await?;
                    Ok(self.after_charge(due, &charged, chance)?.changes)
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
            State::Paid { .. }
            | State::Waiting { .. }
            | State::Held { .. }
            | State::Closing
            | State::Failed
            | State::Skipped
            | State::Void
            | State::Refunded { .. } => Ok(Vec::new()),
        }
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

/// How the charge of a payment ended, where it did.
fn ended(payment: &Payment) -> Option<Charged> {
    if let Some(at) = payment.state.approved_at() {
        return Some(Charged::Paid { at });
    }
    match &payment.state {
        PayState::InProgress { .. } | PayState::WaitingForDeposit { .. } => None,
        PayState::Ready { .. }
        | PayState::Done { .. }
        | PayState::CancelRequested { .. }
        | PayState::PartialCanceled { .. }
        | PayState::Canceled { .. }
        | PayState::Aborted { .. }
        | PayState::Expired => {
            let declined = payment.state.declined().cloned();
            Some(Charged::Declined(
                declined.unwrap_or_else(Decline::charge_lapsed),
            ))
        }
    }
}

fn contradictory(cycle: &Cycle, failure: Failure) -> store::Error {
    store::Error::Corrupt {
        table: "cycles",
        id: format!("{}/{}", cycle.key.subscription, cycle.key.number),
        why: failure.to_string(),
    }
}
