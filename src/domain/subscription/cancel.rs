//! Owns how a subscription ends when somebody wants it to: with the money back, at the end of what
//! is paid, or at once.

use chrono::TimeDelta;

use super::cycle::CycleTrigger as T;
use super::{
    Cycle, Deed, Failure, IllegalCycle, Moved, Plan, State, Status, Subscription, Telling,
};
use crate::Timestamp;
use crate::decline::Reason;
use crate::id::PaymentId;
use crate::principal::Actor;

/// For how long after its payment a cycle's money is given back.
pub const REFUND_DAYS: i64 = 7;

/// How it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Now, and what was paid for this cycle is given back: a cancellation of the payment, all of
    /// it, is to be begun in the same commit.
    Refund(PaymentId),
    /// Then, at the end of what is paid; nothing is charged any more.
    RunsOut(Timestamp),
    /// Now; nothing is paid beyond it.
    Now,
}

/// What a cancellation leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canceled {
    /// What is to be committed.
    pub moved: Moved,
    /// How it ends.
    pub ending: Ending,
}

/// Why it is not cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CancelRefusal {
    /// Whether the money of its cycle was taken is not known yet; ask again.
    #[error("a charge is unresolved")]
    ChargeUnresolved(PaymentId),
    /// It will run out already.
    #[error("it runs out already")]
    Scheduled,
    /// It is over.
    #[error("it is over")]
    Ended(Status),
    /// Subscription and cycles contradict each other.
    #[error(transparent)]
    Illegal(#[from] Failure),
}

impl From<IllegalCycle> for CancelRefusal {
    fn from(illegal: IllegalCycle) -> Self {
        Self::Illegal(illegal.into())
    }
}

impl Subscription {
    /// Ends it. Up to seven days after the newest cycle was paid, and within that cycle, the money
    /// is given back and it ends now; later it runs out.
    ///
    /// `open` is the newest cycle, which is not resolved; `paid` the newest one that is paid.
    ///
    /// # Errors
    /// It is not to be cancelled, now or at all; nothing is to be stored.
    pub fn cancel(
        self,
        (open, paid): (&Cycle, Option<&Cycle>),
        plan: &Plan,
        (actor, now): (Actor, Timestamp),
    ) -> Result<Canceled, CancelRefusal> {
        if self.status.is_final() {
            return Err(CancelRefusal::Ended(self.status));
        }
        if let State::Charging { payment } = open.state {
            return Err(CancelRefusal::ChargeUnresolved(payment));
        }
        let ending = self.ending(open, paid, plan, now)?;
        let (telling, cycle) = match ending {
            Ending::Refund(_) | Ending::Now => (
                Telling::of(Deed::Canceled, Status::Canceled, actor),
                open.shift(T::End, State::Void)?,
            ),
            Ending::RunsOut(_) => (
                Telling::of(Deed::CancelScheduled, Status::CancelScheduled, actor),
                open.shift(T::Close, State::Closing)?,
            ),
        };
        let telling = match ending {
            Ending::Refund(payment) => Telling {
                payment: Some(payment),
                cycle: paid.map(|cycle| cycle.key.number),
                ..telling
            },
            Ending::RunsOut(_) | Ending::Now => telling,
        };
        let mut ended = self;
        if matches!(ending, Ending::Refund(_)) {
            ended.paid_until = ended.paid_until.min(Some(now));
        }
        let moved = ended.shift(&telling, now).map_err(Failure::from)?;
        Ok(Canceled {
            moved: moved.with_cycle(cycle),
            ending,
        })
    }

    fn ending(
        &self,
        open: &Cycle,
        paid: Option<&Cycle>,
        plan: &Plan,
        now: Timestamp,
    ) -> Result<Ending, CancelRefusal> {
        if let Some(cycle) = paid
            && let State::Paid { payment, paid_at } = cycle.state
        {
            let end = self.anchor.end(plan.terms.period(), cycle.key.number);
            let since = now.signed_duration_since(paid_at);
            if since <= TimeDelta::days(REFUND_DAYS) && now < end {
                return Ok(Ending::Refund(payment));
            }
        }
        if self.status == Status::CancelScheduled {
            return Err(CancelRefusal::Scheduled);
        }
        let waits = matches!(open.state, State::Waiting { .. });
        Ok(match self.paid_until {
            Some(until) if until > now && waits && self.status == Status::Active => {
                Ending::RunsOut(until)
            }
            Some(_) | None => Ending::Now,
        })
    }

    /// The gateway does not give back what was paid for the cycle, though the subscription was
    /// ended with its money: it is told, for a person has to give it back otherwise.
    ///
    /// # Errors
    /// It was not ended so.
    pub fn refund_refused(
        self,
        cycle: &Cycle,
        reason: Reason,
        now: Timestamp,
    ) -> Result<Moved, Failure> {
        let telling = Telling {
            reason: Some(reason),
            ..Telling::of(Deed::RefundRefused, self.status, Actor::Gateway).about(cycle)
        };
        Ok(self.shift(&telling, now)?)
    }

    /// All that was paid for the cycle was given back, by us or by others at the gateway. The
    /// newest paid cycle takes the subscription with it, unless the next is being charged.
    ///
    /// # Errors
    /// The cycle was not paid, or is refunded already.
    pub fn refunded(
        mut self,
        cycle: &Cycle,
        open: Option<&Cycle>,
        now: Timestamp,
    ) -> Result<Moved, Failure> {
        let refunded = match cycle.state {
            State::Paid { payment, paid_at } => {
                cycle.shift(T::Refund, State::Refunded { payment, paid_at })?
            }
            State::Waiting { .. }
            | State::Charging { .. }
            | State::Held { .. }
            | State::Closing
            | State::Failed
            | State::Skipped
            | State::Void
            | State::Refunded { .. } => {
                return Err(IllegalCycle {
                    from: cycle.state.status(),
                    trigger: T::Refund,
                }
                .into());
            }
        };
        let next = open.filter(|open| open.key.number == cycle.key.number.next());
        let ends = next.filter(|open| !matches!(open.state, State::Charging { .. }));
        let void = match ends {
            Some(open) if !self.status.is_final() => Some(open.shift(T::End, State::Void)?),
            Some(_) | None => None,
        };
        if next.is_some() {
            self.paid_until = self.paid_until.min(Some(now));
        }
        let to = if void.is_some() {
            Status::Canceled
        } else {
            self.status
        };
        let telling = Telling::of(Deed::Refunded, to, Actor::Gateway).about(cycle);
        let moved = self.shift(&telling, now)?.with_cycle(refunded);
        Ok(match void {
            Some(void) => moved.with_cycle(void),
            None => moved,
        })
    }
}
