//! Owns what follows when a cycle comes due, and when the gateway has answered for it. It renews
//! only through a cycle that was paid.

use super::cycle::CycleTrigger as T;
use super::{
    Cycle, Deed, Fault, Illegal, IllegalCycle, Missed, Moved, Next, Plan, PlanKind, State, Status,
    Subscription, Telling, Verdict,
};
use crate::decline::{Decline, Reason};
use crate::id::BillingKeyId;
use crate::principal::Actor;
use crate::webhook::Chance;
use crate::{Timestamp, after};

/// What comes next of a cycle that was declined.
const fn next_of(state: State) -> Option<Next> {
    match state {
        State::Waiting { next_at } => Some(Next::Try(next_at)),
        State::Held { until } => Some(Next::Card(until)),
        State::Charging { .. }
        | State::Closing
        | State::Paid { .. }
        | State::Failed
        | State::Skipped
        | State::Void
        | State::Refunded { .. } => None,
    }
}

/// Why a subscription or its cycle does not take what happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The subscription does not.
    #[error(transparent)]
    Subscription(#[from] Illegal),
    /// The cycle does not.
    #[error(transparent)]
    Cycle(#[from] IllegalCycle),
}

/// What a cycle that came due wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Due {
    /// Its money: commit [`Cycle::begin`] with the payment's begin, then call.
    Charge,
    /// No money; only that this is committed.
    Moved(Box<Moved>),
    /// Nothing now.
    Nothing,
}

impl Subscription {
    /// What one of its cycles wants now.
    ///
    /// # Errors
    /// Subscription and cycle contradict each other.
    pub fn due(self, cycle: &Cycle, plan: &Plan, now: Timestamp) -> Result<Due, Failure> {
        if cycle.next_at().is_none_or(|next_at| next_at > now) {
            return Ok(Due::Nothing);
        }
        let moved = match cycle.state {
            State::Waiting { .. } => {
                let over = self.anchor.end(plan.terms.period(), cycle.key.number) <= now;
                match (plan.terms.kind(), plan.manner.missed) {
                    // Nobody pays for what is over as a whole.
                    (PlanKind::OneTime, Missed::ChargeEach | Missed::ChargeNewest) if over => {
                        self.run_out(*cycle, now)?
                    }
                    (PlanKind::Subscription, Missed::ChargeNewest) if over => {
                        self.skip(*cycle, plan, now)?
                    }
                    (PlanKind::OneTime | PlanKind::Subscription, _) => return Ok(Due::Charge),
                }
            }
            State::Held { .. } => self.give_up(*cycle, Actor::System, now)?,
            State::Closing => self.run_out(*cycle, now)?,
            State::Charging { .. }
            | State::Paid { .. }
            | State::Failed
            | State::Skipped
            | State::Void
            | State::Refunded { .. } => return Ok(Due::Nothing),
        };
        Ok(Due::Moved(Box::new(moved)))
    }

    /// One at a time: the next one is due already, and skipped in its turn if it is missed, too.
    fn skip(self, cycle: Cycle, plan: &Plan, now: Timestamp) -> Result<Moved, Failure> {
        let telling = Telling::of(Deed::Skipped, self.status, Actor::System).about(&cycle);
        let next = self.cycle(plan, cycle.key.number.next());
        let skipped = cycle.shift(T::Skip, State::Skipped)?;
        let moved = self.shift(&telling, now)?;
        Ok(moved.with_cycle(skipped).with_new_cycle(next))
    }

    /// It ends with the cycle before this one, or with this one where that was never paid.
    fn run_out(self, cycle: Cycle, now: Timestamp) -> Result<Moved, Failure> {
        let telling = Telling::of(Deed::RanOut, Status::Expired, Actor::System).about(&cycle);
        let over = cycle.shift(T::End, State::Void)?;
        Ok(self.shift(&telling, now)?.with_cycle(over))
    }

    fn give_up(self, cycle: Cycle, actor: Actor, now: Timestamp) -> Result<Moved, Failure> {
        let telling = Telling {
            reason: cycle.reason,
            ..Telling::of(Deed::Failed, Status::Expired, actor).about(&cycle)
        };
        let failed = cycle.shift(T::GiveUp, State::Failed)?;
        Ok(self.shift(&telling, now)?.with_cycle(failed))
    }

    /// The gateway took the money for the cycle at `paid_at`: it is paid until the next one, which
    /// begins to exist. What is paid once has none to be charged; it runs out then.
    ///
    /// # Errors
    /// The cycle was not being charged.
    pub fn charged(
        self,
        cycle: Cycle,
        plan: &Plan,
        times: (Timestamp, Timestamp),
    ) -> Result<Moved, Failure> {
        Ok(self.paid(cycle, plan, times)?.0)
    }

    /// The gateway took the money for the cycle at `paid_at`, and all of it has been given back
    /// there before we heard of either. As if each had been heard of by itself, so that it makes
    /// no difference when we ask: the cycle is refunded, and nobody is entitled by it.
    ///
    /// # Errors
    /// The cycle was not being charged.
    pub fn charged_in_vain(
        self,
        cycle: Cycle,
        plan: &Plan,
        (paid_at, now): (Timestamp, Timestamp),
    ) -> Result<Moved, Failure> {
        let (charged, paid, next) = self.paid(cycle, plan, (paid_at, now))?;
        let subscription = charged.subscription.clone();
        Ok(charged.and(subscription.refunded(&paid, Some(&next), now)?))
    }

    /// The move, the cycle that is paid by it and the next one.
    fn paid(
        mut self,
        cycle: Cycle,
        plan: &Plan,
        (paid_at, now): (Timestamp, Timestamp),
    ) -> Result<(Moved, Cycle, Cycle), Failure> {
        let State::Charging { payment } = cycle.state else {
            let from = cycle.state.status();
            return Err(IllegalCycle {
                from,
                trigger: T::Pay,
            }
            .into());
        };
        let number = cycle.key.number;
        let end = self.anchor.end(plan.terms.period(), number);
        let mut next = self.cycle(plan, number.next());
        let to = match plan.terms.kind() {
            PlanKind::Subscription => Status::Active,
            PlanKind::OneTime => {
                next.state = State::Closing;
                Status::CancelScheduled
            }
        };
        let paid = cycle.shift(T::Pay, State::Paid { payment, paid_at })?;
        self.paid_until = self.paid_until.max(Some(end));
        let telling = Telling::of(Deed::Paid, to, Actor::Gateway).about(&cycle);
        let moved = self.shift(&telling, now)?;
        let moved = moved.with_cycle(paid).with_new_cycle(next);
        Ok((moved, paid, next))
    }

    /// The gateway declined the charge for good: another try, another card, or the end of this
    /// subscription, and of no other. `card` is what was charged, where that is known: the decline
    /// of a card that another one has replaced meanwhile is not held against that one, which is
    /// tried at once; but it counts, for tries are the cycle's, whichever cards they are made with.
    /// `since` is when the cycle was tried first.
    ///
    /// # Errors
    /// The cycle was not being charged.
    pub fn declined(
        self,
        mut cycle: Cycle,
        plan: &Plan,
        (decline, card, since): (&Decline, Option<BillingKeyId>, Timestamp),
        (now, chance): (Timestamp, Chance),
    ) -> Result<Moved, Failure> {
        let fault = Fault::of(decline);
        let replaced = card.is_some_and(|card| card != self.billing_key);
        let counted = cycle.declined.saturating_add(u32::from(fault.counts()));
        let dunning = &plan.manner.dunning;
        let to = match dunning.verdict(fault, (counted, since), now, chance) {
            Verdict::Again(_) | Verdict::OtherCard(_) if replaced && fault.counts() => {
                (T::Decline, State::Waiting { next_at: now })
            }
            Verdict::Again(next_at) => (T::Decline, State::Waiting { next_at }),
            Verdict::OtherCard(until) => (T::Hold, State::Held { until }),
            Verdict::GivenUp => {
                cycle.declined = counted;
                cycle.reason = Some(decline.reason);
                return self.give_up(cycle, Actor::Gateway, now);
            }
        };
        let telling = Telling {
            next: next_of(to.1),
            ..self.unpaid(&cycle, decline.reason)
        };
        let declined = cycle.declined(to, (fault, decline.reason))?;
        Ok(self.shift(&telling, now)?.with_cycle(declined))
    }

    /// Its card is gone, and nothing was sent: another one is waited for. That is none of the tries
    /// that a cycle has.
    ///
    /// # Errors
    /// The cycle was not being charged.
    pub fn without_card(
        self,
        mut cycle: Cycle,
        plan: &Plan,
        now: Timestamp,
    ) -> Result<Moved, Failure> {
        let until = after(now, plan.manner.dunning.card_grace);
        cycle.reason = Some(Reason::CardUnusable);
        let telling = Telling {
            next: Some(Next::Card(until)),
            ..self.unpaid(&cycle, Reason::CardUnusable)
        };
        let held = cycle.shift(T::Hold, State::Held { until })?;
        Ok(self.shift(&telling, now)?.with_cycle(held))
    }

    fn unpaid(&self, cycle: &Cycle, reason: Reason) -> Telling {
        let status = match self.status {
            Status::Pending => Status::Pending,
            Status::Active
            | Status::PastDue
            | Status::CancelScheduled
            | Status::Canceled
            | Status::Expired => Status::PastDue,
        };
        Telling {
            reason: Some(reason),
            ..Telling::of(Deed::Declined, status, Actor::Gateway).about(cycle)
        }
    }

    /// It is charged with another card from now on. A cycle that was declined is due at once; one
    /// that is being charged is finished with the card that it was begun with. One that waits is
    /// touched in any case, so that nobody who read the former card begins a charge with it.
    ///
    /// # Errors
    /// It has ended.
    pub fn with_card(
        mut self,
        open: Option<&Cycle>,
        card: BillingKeyId,
        (actor, now): (Actor, Timestamp),
    ) -> Result<Moved, Failure> {
        let telling = Telling::of(Deed::CardChanged, self.status, actor);
        self.billing_key = card;
        let moved = self.shift(&telling, now)?;
        let Some(cycle) = open else {
            return Ok(moved);
        };
        match cycle.state {
            State::Held { .. } => Ok(moved.with_cycle(cycle.resumed(now)?)),
            State::Waiting { .. } if cycle.reason.is_some() => {
                Ok(moved.with_cycle(cycle.resumed(now)?))
            }
            State::Waiting { .. } => {
                let touched = cycle.shift(T::Resume, cycle.state)?;
                Ok(moved.with_cycle(touched))
            }
            State::Charging { .. }
            | State::Closing
            | State::Paid { .. }
            | State::Failed
            | State::Skipped
            | State::Void
            | State::Refunded { .. } => Ok(moved),
        }
    }
}
