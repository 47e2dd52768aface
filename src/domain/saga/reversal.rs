//! Owns the reversal: give back what should not have been captured, and never give up.

use super::{Absorbed, CancelCall, Heard, Outcome, Phase, Saga};
use crate::money::Money;
use crate::payment::Payment;
use crate::snapshot::{Answer, Cause, Snapshot};
use crate::text::PaymentKey;
use crate::{Ctx, after};

pub(super) fn call(saga: &Saga, payment_key: &PaymentKey) -> CancelCall {
    CancelCall {
        key: saga.gateway_key(),
        payment_key: payment_key.clone(),
        // Whatever is left there is ours to give back: others may have given back a part.
        amount: saga.progress.refundable,
        tax_free: None,
        refundable: saga.progress.refundable,
        reason: format!("wrong capture given back {}", saga.tag()),
    }
}

pub(super) fn absorb(
    mut saga: Saga,
    payment: &Payment,
    answer: &Answer,
    ctx: &Ctx<'_>,
) -> Absorbed {
    let called = saga.progress.phase == Phase::Call;
    saga.heard_back(answer, ctx);
    match answer {
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
