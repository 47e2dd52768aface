//! Owns the approval: capture once, believe only evidence, book whatever was captured.

use super::taking::{captured, declined};
use super::{Absorbed, ConfirmCall, Heard, Saga};
use crate::decline::{Class, Decline};
use crate::money::Money;
use crate::payment::Payment;
use crate::snapshot::{Answer, Cause, Snapshot, Status};
use crate::text::PaymentKey;
use crate::{Ctx, after};

pub(super) fn call(saga: &Saga, payment_key: &PaymentKey) -> ConfirmCall {
    ConfirmCall {
        key: saga.gateway_key(),
        payment_key: payment_key.clone(),
        order: saga.head.gateway_order,
        amount: saga.head.amount,
    }
}

pub(super) fn absorb(
    mut saga: Saga,
    payment: &Payment,
    answer: &Answer,
    ctx: &Ctx<'_>,
) -> Absorbed {
    let called = saga.is_calling();
    let by_order = saga.asks_by_order();
    let before = saga.heard_back(answer, ctx);
    match answer {
        Answer::Found(snapshot) if saga.concerns(snapshot) => {
            found(saga, payment, snapshot, before, ctx)
        }
        // An answer about somebody else's money proves nothing about ours.
        Answer::Found(_) if called => Absorbed::waiting(saga.heard_later(Heard::Noise, ctx)),
        // The order shows another authentication of the same payment: the key has to be asked.
        Answer::Found(_) if by_order => Absorbed::waiting(saga.ask_now(ctx)),
        // With one call, answered, there is nothing else that could have taken the money.
        Answer::Declined(decline) if called && is_first_and_only(&saga, decline) => {
            declined(saga, payment, decline, ctx)
        }
        Answer::Declined(decline) if called => {
            Absorbed::waiting(saga.heard_now(Heard::Refused(decline.clone()), ctx))
        }
        Answer::NotFound if called => Absorbed::waiting(saga.heard_now(Heard::SessionGone, ctx)),
        Answer::NotFound => not_found(saga, payment, before, ctx),
        Answer::Unknown(cause) if called => Absorbed::waiting(called_in_vain(saga, cause, ctx)),
        Answer::Unknown(Cause::Mute) => unasked(saga, payment, ctx),
        Answer::Found(_) | Answer::Declined(_) | Answer::Unknown(_) => {
            Absorbed::waiting(saga.ask_later(ctx))
        }
    }
}

/// Whether nothing but the call that this answers can have taken the money. A refusal of the
/// merchant's may come from before the place where verdicts are kept: it says nothing of an earlier
/// call, whatever was answered to that.
fn is_first_and_only(saga: &Saga, decline: &Decline) -> bool {
    let progress = &saga.progress;
    let first = progress.heard == Heard::Nothing;
    progress.n == 1 && progress.unanswered == 0 && (first || decline.class == Class::Buyer)
}

/// What a question showed, when it showed no capture.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// No such payment; confirmed where the question before it showed the same.
    Nothing { confirmed: bool },
    /// Not approved yet.
    Open,
    /// EXPIRED, which is final.
    Lapsed,
}

fn found(
    saga: Saga,
    payment: &Payment,
    snapshot: &Snapshot,
    before: Option<Money>,
    ctx: &Ctx<'_>,
) -> Absorbed {
    match &snapshot.status {
        Status::Done | Status::PartialCanceled | Status::Canceled if snapshot.is_captured() => {
            captured(saga, payment, snapshot, before, ctx)
        }
        Status::Aborted if !saga.is_in_flight(ctx) => {
            let refused = match &saga.progress.heard {
                Heard::Refused(decline) => decline.clone(),
                Heard::Nothing
                | Heard::Temporary
                | Heard::SessionGone
                | Heard::Noise
                | Heard::OrderUsed => snapshot
                    .failure
                    .clone()
                    .unwrap_or_else(Decline::session_expired),
            };
            declined(saga, payment, &refused, ctx)
        }
        // Cancelled without ever having been captured is as final as lapsed.
        Status::Expired | Status::Canceled => no_effect(saga, payment, Shown::Lapsed, ctx),
        // The answer to the call itself must not lead to another call without a question.
        Status::Ready | Status::InProgress if !saga.is_calling() => {
            no_effect(saga, payment, Shown::Open, ctx)
        }
        Status::Ready
        | Status::InProgress
        | Status::Aborted
        | Status::WaitingForDeposit
        | Status::Done
        | Status::PartialCanceled
        | Status::Other(_) => Absorbed::waiting(saga.ask_later(ctx)),
    }
}

/// A call without a usable answer.
fn called_in_vain(saga: Saga, cause: &Cause, ctx: &Ctx<'_>) -> Saga {
    match cause {
        Cause::NotSent => saga.not_sent(ctx),
        Cause::Lost => saga.lost(ctx),
        Cause::Busy {
            retry_after_seconds,
        } => saga.busy(*retry_after_seconds, ctx),
        // Our credentials are refused at the door, before anything could happen: like a temporary
        // error it takes a fresh key, once it is mended.
        Cause::Temporary(_) | Cause::Configuration(_) => saga.heard_later(Heard::Temporary, ctx),
        Cause::Conflict(_) => saga.heard_now(Heard::Noise, ctx),
        Cause::SessionGone => saga.heard_now(Heard::SessionGone, ctx),
        Cause::Refused(decline) => saga.heard_now(Heard::Refused(decline.clone()), ctx),
        Cause::Unreadable(_) | Cause::Mute => saga.heard_later(Heard::Noise, ctx),
    }
}

/// A gateway that answers no questions. It answers a key once and repeats that: so a refusal of the
/// buyer that was received is what became of the key, whichever of its calls arrived first, and of
/// anything else the repeat tells; but see [`is_first_and_only`]. A repeat may itself take the
/// money, so none is made once the buyer can no longer expect to pay; what is unknown by then is a
/// person's to find out.
fn unasked(mut saga: Saga, payment: &Payment, ctx: &Ctx<'_>) -> Absorbed {
    let pays_until = after(saga.head.created_at, ctx.policy.confirm_window);
    let pays_until = pays_until.max(payment.facts.expires_at);
    let may_repeat = ctx.now < pays_until;
    match &saga.progress.heard {
        Heard::Refused(decline) if saga.progress.n == 1 && decline.class == Class::Buyer => {
            let decline = decline.clone();
            declined(saga, payment, &decline, ctx)
        }
        Heard::Nothing | Heard::Temporary | Heard::Noise | Heard::Refused(_) if may_repeat => {
            // By the schedule of questions, whatever hastens them: each is a call.
            let asks = saga.progress.asks.saturating_sub(1);
            let soonest = ctx.policy.ask_at(saga.progress.intent_at, asks);
            if ctx.now < soonest {
                saga.progress.asks = asks;
                saga.progress.due_at = soonest;
                return Absorbed::waiting(saga);
            }
            Absorbed::waiting(saga.call_again(ctx))
        }
        Heard::Nothing
        | Heard::Temporary
        | Heard::Noise
        | Heard::SessionGone
        | Heard::Refused(_)
        | Heard::OrderUsed => Absorbed::waiting(saga.ask_later(ctx)),
    }
}

/// A question showed no such payment: it never was, or this one answer is wrong.
fn not_found(mut saga: Saga, payment: &Payment, before: Option<Money>, ctx: &Ctx<'_>) -> Absorbed {
    let nothing = Money::zero(saga.head.amount.currency());
    let confirmed = saga.is_confirmed(nothing, before);
    no_effect(saga, payment, Shown::Nothing { confirmed }, ctx)
}

/// A question showed that nothing was captured so far.
fn no_effect(saga: Saga, payment: &Payment, shown: Shown, ctx: &Ctx<'_>) -> Absorbed {
    if shown == Shown::Lapsed && !saga.is_in_flight(ctx) {
        return declined(saga, payment, &Decline::session_expired(), ctx);
    }
    let window_open = ctx.now < after(saga.head.created_at, ctx.policy.confirm_window);
    let call_over = saga.are_calls_over(ctx);
    if let Some(decline) = over(&saga, shown, (window_open, call_over)) {
        return declined(saga, payment, &decline, ctx);
    }
    let answered = saga.progress.unanswered == 0;
    let keys_left = saga.progress.n < ctx.policy.keys_max;
    Absorbed::waiting(match saga.progress.heard {
        Heard::Nothing if window_open => saga.call_again(ctx),
        // What was answered is stored under the key; the gateway captures once whatever the key.
        Heard::Temporary if window_open && keys_left => saga.call_anew(ctx),
        Heard::Noise if window_open && keys_left && answered && shown == Shown::Open => {
            saga.call_anew(ctx)
        }
        Heard::Nothing
        | Heard::Temporary
        | Heard::SessionGone
        | Heard::Refused(_)
        | Heard::Noise
        | Heard::OrderUsed => saga.ask_later(ctx),
    })
}

/// Why no call of ours can take the money any more, when that is so.
fn over(saga: &Saga, shown: Shown, (window_open, call_over): (bool, bool)) -> Option<Decline> {
    let certain = shown != Shown::Nothing { confirmed: false };
    let answered = saga.progress.unanswered == 0;
    // A call that is on its way may still capture, until its bound and the window are over.
    let too_late = !window_open && call_over && certain;
    match &saga.progress.heard {
        // An error that was answered to an earlier key may still turn into a capture.
        Heard::Refused(decline) => {
            let only = saga.progress.n == 1;
            (too_late || answered && (only || call_over && certain)).then(|| decline.clone())
        }
        // The call itself was told that there is nothing, too.
        Heard::SessionGone if answered && matches!(shown, Shown::Nothing { .. }) => {
            Some(Decline::session_expired())
        }
        Heard::Nothing
        | Heard::Temporary
        | Heard::SessionGone
        | Heard::Noise
        | Heard::OrderUsed => too_late.then(Decline::session_expired),
    }
}
