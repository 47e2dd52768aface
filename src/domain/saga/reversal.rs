//! Owns the reversal: give back what should not have been captured, and never give up.

use std::time::Duration;

use super::{Absorbed, CancelCall, Heard, Outcome, Phase, Saga};
use crate::money::Money;
use crate::payment::{Kind, Payment};
use crate::snapshot::{Answer, Cause, Snapshot, Status};
use crate::text::PaymentKey;
use crate::{Ctx, Timestamp, after};

/// How often it is asked whether a person has given a deposit back.
const RARELY: Duration = Duration::from_mins(10);

pub(super) fn call(saga: &Saga, payment_key: &PaymentKey) -> CancelCall {
    CancelCall {
        key: saga.gateway_key(),
        payment_key: payment_key.clone(),
        // Whatever is left there is ours to give back: others may have given back a part.
        amount: saga.progress.refundable,
        tax_free: None,
        refundable: saga.progress.refundable,
        reason: format!("wrong capture given back {}", saga.tag()),
        to: None,
    }
}

pub(super) fn absorb(
    mut saga: Saga,
    payment: &Payment,
    answer: &Answer,
    ctx: &Ctx<'_>,
) -> Absorbed {
    let called = saga.progress.phase == Phase::Call;
    let asked_at = saga.progress.asked_at;
    let before = saga.heard_back(answer, ctx);
    match answer {
        Answer::Found(snapshot) if is_of_an_account(payment) && saga.concerns(snapshot) => {
            deposited(saga, payment, snapshot, (before, asked_at), ctx)
        }
        Answer::Found(snapshot) if saga.concerns(snapshot) => {
            found(saga, payment, snapshot, called, ctx)
        }
        // Owed money stays owed: a refusal only changes how soon it is tried again.
        Answer::Declined(decline) if called => {
            Absorbed::waiting(saga.heard_later(Heard::Refused(decline.clone()), ctx))
        }
        Answer::Unknown(cause) if called => Absorbed::waiting(called_in_vain(saga, cause, ctx)),
        Answer::Found(_) | Answer::Declined(_) | Answer::NotFound | Answer::Unknown(_) => {
            if called {
                saga.progress.heard = Heard::Noise;
            }
            Absorbed::waiting(saga.ask_later(ctx))
        }
    }
}

fn found(
    mut saga: Saga,
    payment: &Payment,
    snapshot: &Snapshot,
    called: bool,
    ctx: &Ctx<'_>,
) -> Absorbed {
    let settled = snapshot.cancels.iter().all(|cancel| cancel.done);
    let Some(left) = snapshot.balance.filter(|_| settled) else {
        return Absorbed::waiting(saga.ask_later(ctx));
    };
    if left.is_zero() {
        if !given_back(&saga, snapshot) {
            // Nothing is left, and yet not all of it is shown to have come back: this is not
            // closed by a guess, but stays open until the gateway shows both, or a person looks.
            return Absorbed::waiting(saga.ask_later(ctx));
        }
        let moved = payment.clone().reversed(&saga, snapshot, ctx);
        return Absorbed {
            saga: saga.close(Outcome::Reversed),
            changes: moved.changes,
        };
    }
    if called {
        // Executed, and yet something is left: only a question may lead to the next call.
        return Absorbed::waiting(saga.heard_later(Heard::Temporary, ctx));
    }
    let changed = left != saga.progress.refundable;
    let remembered = ctx.now < after(saga.progress.intent_at, ctx.policy.key_lifetime);
    let unheard = saga.progress.heard == Heard::Nothing && saga.progress.unanswered > 0;
    if unheard && remembered && !changed {
        return Absorbed::waiting(saga.call_again(ctx));
    }
    if saga.is_in_flight(ctx) {
        // A call may still be on its way; with `refundable` it cannot take effect twice, but a
        // new one would be refused for no reason.
        return Absorbed::waiting(saga.ask_later(ctx));
    }
    saga.progress.refundable = left;
    Absorbed::waiting(saga.call_anew(ctx))
}

fn is_of_an_account(payment: &Payment) -> bool {
    payment.facts.kind == Kind::VirtualAccount
}

/// What was paid in goes back to an account that only the buyer can name: somebody has to give it
/// back at the gateway's console, and here it is asked whether that was done. The bank may have
/// taken it back by itself; that is believed when two answers say so, far enough apart.
fn deposited(
    mut saga: Saga,
    payment: &Payment,
    snapshot: &Snapshot,
    (before, asked_at): (Option<Money>, Option<Timestamp>),
    ctx: &Ctx<'_>,
) -> Absorbed {
    let nothing = Money::zero(saga.head.amount.currency());
    let settled = snapshot.cancels.iter().all(|cancel| cancel.done);
    let moved = if snapshot.is_captured() {
        let returned = snapshot.balance == Some(nothing) && given_back(&saga, snapshot);
        (returned && settled).then(|| payment.clone().reversed(&saga, snapshot, ctx))
    } else if is_taken_back(snapshot) {
        let far = asked_at.is_some_and(|at| ctx.now >= after(at, ctx.policy.doubt_for));
        let confirmed = saga.is_confirmed(nothing, before) && far;
        confirmed.then(|| payment.clone().taken_from_suspense(&saga, snapshot, ctx))
    } else {
        None
    };
    match moved {
        Some(moved) => Absorbed {
            saga: saga.close(Outcome::Reversed),
            changes: moved.changes,
        },
        None => Absorbed::waiting(saga.ask_rarely(ctx)),
    }
}

/// Whether nobody has paid in, by what is shown: the account waits, or was closed so. Any other
/// status, an unknown word first of all, says nothing of the deposit.
fn is_taken_back(snapshot: &Snapshot) -> bool {
    match &snapshot.status {
        Status::WaitingForDeposit => true,
        Status::Canceled => snapshot.approved_at.is_none(),
        Status::Ready
        | Status::InProgress
        | Status::Done
        | Status::PartialCanceled
        | Status::Aborted
        | Status::Expired
        | Status::Other(_) => false,
    }
}

impl Saga {
    /// Nothing that is done here hastens it.
    fn ask_rarely(mut self, ctx: &Ctx<'_>) -> Self {
        self.progress.phase = Phase::Ask;
        self.progress.due_at = after(ctx.now, RARELY);
        self
    }
}

/// Whether the cancellations that the gateway shows add up to the wrong capture.
fn given_back(saga: &Saga, snapshot: &Snapshot) -> bool {
    let zero = Money::zero(saga.head.amount.currency());
    let mut cancels = snapshot.cancels.iter();
    let sum = cancels.try_fold(zero, |sum, cancel| sum.plus(cancel.amount));
    sum.is_ok_and(|sum| sum == saga.head.amount)
}

fn called_in_vain(saga: Saga, cause: &Cause, ctx: &Ctx<'_>) -> Saga {
    match cause {
        Cause::NotSent => saga.not_sent(ctx),
        Cause::Lost => saga.lost(ctx),
        Cause::Busy {
            retry_after_seconds,
        } => saga.busy(*retry_after_seconds, ctx),
        Cause::Conflict(_) => saga.heard_now(Heard::Temporary, ctx),
        Cause::Temporary(_)
        | Cause::SessionGone
        | Cause::Refused(_)
        | Cause::Configuration(_)
        | Cause::Unreadable(_)
        | Cause::Mute => saga.heard_later(Heard::Temporary, ctx),
    }
}
