//! Owns the reversal: give back what should not have been captured, and never give up.

use super::policy::after;
use super::{Absorbed, CancelCall, Heard, Outcome, Phase, Saga};
use crate::Ctx;
use crate::payment::Payment;
use crate::snapshot::{Answer, Cause, Snapshot};

pub(super) fn call(saga: &Saga) -> CancelCall {
    CancelCall {
        key: saga.gateway_key(),
        payment_key: saga.head.payment_key.clone(),
        // Whatever is left there is ours to give back: others may have given back a part.
        amount: saga.progress.refundable,
        refundable: saga.progress.refundable,
        reason: format!("wrong capture given back [{}]", saga.head.id),
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
        Answer::Declined(decline) if called => {
            // Owed money stays owed: a refusal only changes how soon it is tried again.
            saga.progress.heard = Heard::Refused(decline.clone());
            waiting(saga.ask_later(ctx))
        }
        Answer::Unknown(cause) if called => waiting(called_in_vain(saga, cause, ctx)),
        Answer::Found(_) | Answer::Declined(_) | Answer::NotFound | Answer::Unknown(_) => {
            if called {
                saga.progress.heard = Heard::Noise;
            }
            waiting(saga.ask_later(ctx))
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
        return waiting(saga.ask_later(ctx));
    };
    if left.is_zero() {
        let moved = payment.clone().reversed(&saga, snapshot, ctx);
        return Absorbed {
            saga: saga.close(Outcome::Reversed),
            changes: moved.changes,
        };
    }
    if called {
        // Executed, and yet something is left: only a question may lead to the next call.
        saga.progress.heard = Heard::Temporary;
        return waiting(saga.ask_later(ctx));
    }
    let changed = left != saga.progress.refundable;
    let remembered = ctx.now < after(saga.progress.intent_at, ctx.policy.key_lifetime);
    let unheard = saga.progress.heard == Heard::Nothing && saga.progress.unanswered > 0;
    if unheard && remembered && !changed {
        return waiting(saga.call_again(ctx));
    }
    if saga.progress.unanswered > 0
        && ctx.now < after(saga.progress.intent_at, ctx.policy.call_bound)
    {
        // A call may still be on its way; with `refundable` it cannot take effect twice, but a
        // new one would be refused for no reason.
        return waiting(saga.ask_later(ctx));
    }
    saga.progress.refundable = left;
    waiting(saga.call_anew(ctx))
}

fn called_in_vain(mut saga: Saga, cause: &Cause, ctx: &Ctx<'_>) -> Saga {
    match cause {
        Cause::NotSent => {
            saga.progress.asks = saga.progress.asks.saturating_add(1);
            let mut saga = saga.ask_later(ctx).counted_again();
            saga.progress.phase = Phase::Call;
            saga
        }
        Cause::Lost => {
            saga.progress.heard = Heard::Nothing;
            saga.ask_later(ctx)
        }
        Cause::Busy {
            retry_after_seconds,
        } => {
            saga.progress.heard = Heard::Nothing;
            let saga = saga.ask_later(ctx).counted_again();
            saga.not_before(*retry_after_seconds, ctx)
        }
        Cause::Conflict(_) => {
            saga.progress.heard = Heard::Temporary;
            saga.ask_now(ctx)
        }
        Cause::Temporary(_)
        | Cause::SessionGone
        | Cause::Refused(_)
        | Cause::Configuration(_)
        | Cause::Unreadable(_) => {
            saga.progress.heard = Heard::Temporary;
            saga.ask_later(ctx)
        }
    }
}

fn waiting(saga: Saga) -> Absorbed {
    Absorbed {
        saga,
        changes: Vec::new(),
    }
}
