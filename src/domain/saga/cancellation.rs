//! Owns the cancellation: give back once what was asked for, believe only what the gateway shows,
//! and let go of the reservation only when it can take effect no more.

use super::{Absorbed, CancelCall, Heard, Outcome, Saga};
use crate::decline::Decline;
use crate::money::Money;
use crate::payment::Payment;
use crate::snapshot::{Answer, Cancel, Cause, Snapshot, Status};
use crate::text::PaymentKey;
use crate::{Ctx, after};

pub(super) fn call(saga: &Saga, payment_key: &PaymentKey) -> CancelCall {
    let reason = saga.head.reason.as_deref().unwrap_or_default();
    CancelCall {
        key: saga.gateway_key(),
        payment_key: payment_key.clone(),
        amount: saga.head.amount,
        // With all that is left goes all that is left without VAT, by whatever count.
        tax_free: Some(saga.head.tax_free)
            .filter(|part| !part.is_zero() && saga.head.amount != saga.progress.refundable),
        refundable: saga.progress.refundable,
        reason: format!("{reason} {}", saga.tag()),
        to: saga.progress.sealed.clone(),
    }
}

pub(super) fn absorb(saga: Saga, payment: &Payment, answer: &Answer, ctx: &Ctx<'_>) -> Absorbed {
    heard_of(saga, payment, answer, found, ctx)
}

/// What a question or a call with the port's cancellation comes to; what `found` makes of it where
/// the payment is shown.
pub(super) fn heard_of(
    mut saga: Saga,
    payment: &Payment,
    answer: &Answer,
    found: fn(Saga, &Payment, &Snapshot, Option<Money>, &Ctx<'_>) -> Absorbed,
    ctx: &Ctx<'_>,
) -> Absorbed {
    let called = saga.is_calling();
    let before = saga.heard_back(answer, ctx);
    match answer {
        Answer::Found(snapshot) if saga.concerns(snapshot) => {
            found(saga, payment, snapshot, before, ctx)
        }
        // Also a refusal is only believed once a question shows no effect: an earlier call of
        // ours may be the reason for it.
        Answer::Declined(decline) if called => {
            Absorbed::waiting(saga.heard_now(Heard::Refused(decline.clone()), ctx))
        }
        Answer::Unknown(cause) if called => Absorbed::waiting(called_in_vain(saga, cause, ctx)),
        Answer::Found(_) | Answer::NotFound if called => {
            Absorbed::waiting(saga.heard_now(Heard::Noise, ctx))
        }
        Answer::Found(_) | Answer::Declined(_) | Answer::NotFound | Answer::Unknown(_) => {
            Absorbed::waiting(saga.ask_later(ctx))
        }
    }
}

fn found(
    mut saga: Saga,
    payment: &Payment,
    snapshot: &Snapshot,
    before: Option<Money>,
    ctx: &Ctx<'_>,
) -> Absorbed {
    if payment.account.is_some() && !snapshot.is_captured() {
        return deposit_gone(saga, payment, snapshot, before, ctx);
    }
    let settled = snapshot.cancels.iter().all(|cancel| cancel.done);
    let Some(left) = snapshot.balance.filter(|_| settled) else {
        return Absorbed::waiting(saga.ask_later(ctx));
    };
    if let Some(ours) = ours(&saga, snapshot) {
        if ours.amount != saga.head.amount && !saga.is_confirmed(ours.amount, before) {
            return Absorbed::waiting(saga.surprised(ctx));
        }
        return match payment.clone().cancellations(&saga, snapshot, ctx) {
            Some(moved) => Absorbed {
                saga: saga.close(Outcome::Canceled),
                changes: moved.changes,
            },
            None => Absorbed::waiting(saga.ask_later(ctx)),
        };
    }
    if saga.is_calling() {
        return Absorbed::waiting(saga.heard_now(Heard::Noise, ctx));
    }
    if left != saga.progress.refundable {
        if !payment.lacks_one_of(snapshot) || !saga.is_confirmed(left, before) {
            return Absorbed::waiting(saga.ask_later(ctx));
        }
        // Somebody else gave back a part. The gateway compares the balance we expected, so no
        // call of ours can take effect any more; who asked has to decide again.
        return refused(saga, payment, &Decline::balance_changed(), snapshot, ctx);
    }
    no_effect(saga, payment, snapshot, ctx)
}

/// Nobody has paid in, by this answer: the bank took the deposit back, and our call closed the
/// account at most. Nothing is booked of it here. Shown twice running, and once no call can take
/// effect any more, there is nothing to give back; what became of the deposit, a look decides.
fn deposit_gone(
    mut saga: Saga,
    payment: &Payment,
    snapshot: &Snapshot,
    before: Option<Money>,
    ctx: &Ctx<'_>,
) -> Absorbed {
    if saga.is_calling() {
        return Absorbed::waiting(saga.heard_now(Heard::Noise, ctx));
    }
    let nothing = Money::zero(saga.head.amount.currency());
    let gone = matches!(
        snapshot.status,
        Status::WaitingForDeposit | Status::Canceled
    );
    if !(gone && saga.is_confirmed(nothing, before) && saga.are_calls_over(ctx)) {
        return Absorbed::waiting(saga.ask_later(ctx));
    }
    let decline = Decline::deposit_gone();
    match payment.clone().deposit_is_judged(&saga, &decline, ctx) {
        Some(moved) => Absorbed {
            saga: saga.close(Outcome::Declined(decline)),
            changes: moved.changes,
        },
        None => Absorbed::waiting(saga.ask_later(ctx)),
    }
}

/// The cancellation at the gateway that this saga made.
fn ours<'s>(saga: &Saga, snapshot: &'s Snapshot) -> Option<&'s Cancel> {
    let tag = saga.tag();
    let mut cancels = snapshot.cancels.iter();
    cancels.find(|cancel| cancel.reason.ends_with(&tag))
}

/// A question showed the balance that we expected, and nothing of ours.
fn no_effect(saga: Saga, payment: &Payment, snapshot: &Snapshot, ctx: &Ctx<'_>) -> Absorbed {
    let answered = saga.progress.unanswered == 0;
    // An error that was answered to an earlier key may still turn into a refund.
    let only = saga.progress.n == 1;
    let call_over = saga.are_calls_over(ctx);
    match &saga.progress.heard {
        Heard::Refused(decline) if (answered && only) || call_over => {
            let decline = decline.clone();
            refused(saga, payment, &decline, snapshot, ctx)
        }
        Heard::Nothing
        | Heard::Temporary
        | Heard::SessionGone
        | Heard::Noise
        | Heard::OrderUsed
        | Heard::Refused(_) => Absorbed::waiting(try_on(saga, ctx)),
    }
}

/// A question showed no effect, and no refusal is believed yet: another call, or another question.
pub(super) fn try_on(saga: Saga, ctx: &Ctx<'_>) -> Saga {
    let remembered = ctx.now < after(saga.progress.intent_at, ctx.policy.key_lifetime);
    let in_flight = saga.is_in_flight(ctx);
    match &saga.progress.heard {
        Heard::Nothing if remembered => saga.call_again(ctx),
        // Safe under a new key also while an old call is on its way: whichever comes second finds
        // another balance than it expects, or an account that is closed.
        Heard::Temporary => saga.call_anew(ctx),
        Heard::Nothing | Heard::SessionGone | Heard::Noise | Heard::OrderUsed if !in_flight => {
            saga.call_anew(ctx)
        }
        Heard::Nothing
        | Heard::SessionGone
        | Heard::Noise
        | Heard::OrderUsed
        | Heard::Refused(_) => saga.ask_later(ctx),
    }
}

fn refused(
    saga: Saga,
    payment: &Payment,
    decline: &Decline,
    snapshot: &Snapshot,
    ctx: &Ctx<'_>,
) -> Absorbed {
    match payment
        .clone()
        .cancel_refused(&saga, decline, snapshot, ctx)
    {
        Some(moved) => Absorbed {
            saga: saga.close(Outcome::Declined(decline.clone())),
            changes: moved.changes,
        },
        None => Absorbed::waiting(saga.ask_later(ctx)),
    }
}

fn called_in_vain(saga: Saga, cause: &Cause, ctx: &Ctx<'_>) -> Saga {
    match cause {
        Cause::NotSent => saga.not_sent(ctx),
        Cause::Lost => saga.lost(ctx),
        Cause::Busy {
            retry_after_seconds,
        } => saga.busy(*retry_after_seconds, ctx),
        Cause::Temporary(_) | Cause::Configuration(_) => saga.heard_later(Heard::Temporary, ctx),
        // Nothing of ours took effect, if a question shows the balance we expected.
        Cause::Conflict(code) => saga.heard_now(Heard::Refused(Decline::conflict(code)), ctx),
        Cause::Refused(decline) => saga.heard_now(Heard::Refused(decline.clone()), ctx),
        Cause::SessionGone | Cause::Unreadable(_) | Cause::Mute => {
            saga.heard_later(Heard::Noise, ctx)
        }
    }
}
