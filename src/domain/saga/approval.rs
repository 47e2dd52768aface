//! Owns the approval: capture once, believe only evidence, book whatever was captured.

use super::policy::after;
use super::{Absorbed, ConfirmCall, Heard, Outcome, Phase, Saga};
use crate::Ctx;
use crate::decline::Decline;
use crate::payment::Payment;
use crate::snapshot::{Answer, Cause, Snapshot, Status};

pub(super) fn call(saga: &Saga) -> ConfirmCall {
    ConfirmCall {
        key: saga.gateway_key(),
        payment_key: saga.head.payment_key.clone(),
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
    let called = saga.progress.phase == Phase::Call;
    let by_order = saga.asks_by_order();
    saga.heard_back(answer, ctx);
    match answer {
        Answer::Found(snapshot) if saga.concerns(snapshot) => {
            found(saga, payment, snapshot, called, ctx)
        }
        // An answer about somebody else's money proves nothing about ours.
        Answer::Found(_) if called => {
            saga.progress.heard = Heard::Noise;
            waiting(saga.ask_later(ctx))
        }
        // The order shows another authentication of the same payment: the key has to be asked.
        Answer::Found(_) if by_order => waiting(saga.ask_now(ctx)),
        Answer::Declined(decline) if called => declined(saga, payment, decline, ctx),
        Answer::NotFound if called => {
            saga.progress.heard = Heard::SessionGone;
            waiting(saga.ask_now(ctx))
        }
        Answer::NotFound => no_effect(saga, payment, Shown::Nothing, ctx),
        Answer::Unknown(cause) if called => waiting(called_in_vain(saga, cause, ctx)),
        Answer::Found(_) | Answer::Declined(_) | Answer::Unknown(_) => waiting(saga.ask_later(ctx)),
    }
}

/// What a question showed, when it showed no capture.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// No such payment.
    Nothing,
    /// Not approved yet.
    Open,
    /// EXPIRED, which is final.
    Lapsed,
}

fn found(
    saga: Saga,
    payment: &Payment,
    snapshot: &Snapshot,
    called: bool,
    ctx: &Ctx<'_>,
) -> Absorbed {
    match &snapshot.status {
        Status::Done | Status::PartialCanceled | Status::Canceled if snapshot.is_captured() => {
            captured(saga, payment, snapshot, called, ctx)
        }
        Status::Aborted if !is_in_flight(&saga, ctx) => {
            let refused = match &saga.progress.heard {
                Heard::Refused(decline) => decline.clone(),
                Heard::Nothing | Heard::Temporary | Heard::SessionGone | Heard::Noise => snapshot
                    .failure
                    .clone()
                    .unwrap_or_else(Decline::session_expired),
            };
            declined(saga, payment, &refused, ctx)
        }
        Status::Expired => no_effect(saga, payment, Shown::Lapsed, ctx),
        // The answer to the call itself must not lead to another call without a question.
        Status::Ready | Status::InProgress if !called => no_effect(saga, payment, Shown::Open, ctx),
        Status::Ready
        | Status::InProgress
        | Status::Aborted
        | Status::WaitingForDeposit
        | Status::Done
        | Status::PartialCanceled
        | Status::Canceled
        | Status::Other(_) => waiting(saga.ask_later(ctx)),
    }
}

fn captured(
    mut saga: Saga,
    payment: &Payment,
    snapshot: &Snapshot,
    called: bool,
    ctx: &Ctx<'_>,
) -> Absorbed {
    use crate::payment::Captured;
    if called && snapshot.total != Some(payment.facts.amount) {
        // One answer may lie; a question has to say the same before it is booked.
        saga.progress.heard = Heard::Noise;
        return waiting(saga.ask_now(ctx));
    }
    match payment.clone().capture(&saga, snapshot, ctx) {
        Some(Captured::Booked(moved)) => Absorbed {
            saga: saga.close(Outcome::Approved),
            changes: moved.changes,
        },
        Some(Captured::Misfit { moved, reversal }) => Absorbed {
            saga: saga.close(Outcome::Misfit { reversal }),
            changes: moved.changes,
        },
        None => waiting(saga.ask_later(ctx)),
    }
}

fn declined(saga: Saga, payment: &Payment, decline: &Decline, ctx: &Ctx<'_>) -> Absorbed {
    let changes = payment
        .clone()
        .decline(&saga, decline, ctx)
        .map(|moved| moved.changes)
        .unwrap_or_default();
    Absorbed {
        saga: saga.close(Outcome::Declined(decline.clone())),
        changes,
    }
}

/// A call without a usable answer.
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
            // The key is in use by an earlier try, or we are told to slow down: still unanswered.
            saga.progress.heard = Heard::Nothing;
            let saga = saga.ask_later(ctx).counted_again();
            saga.not_before(*retry_after_seconds, ctx)
        }
        // Our credentials are refused at the door, before anything could happen: like a temporary
        // error it takes a fresh key, once it is mended.
        Cause::Temporary(_) | Cause::Configuration(_) => {
            saga.progress.heard = Heard::Temporary;
            saga.ask_later(ctx)
        }
        Cause::Conflict(_) => {
            saga.progress.heard = Heard::Noise;
            saga.ask_now(ctx)
        }
        Cause::SessionGone => {
            saga.progress.heard = Heard::SessionGone;
            saga.ask_now(ctx)
        }
        Cause::Refused(decline) => {
            saga.progress.heard = Heard::Refused(decline.clone());
            saga.ask_now(ctx)
        }
        Cause::Unreadable(_) => {
            saga.progress.heard = Heard::Noise;
            saga.ask_later(ctx)
        }
    }
}

/// A question showed that nothing was captured so far.
fn no_effect(saga: Saga, payment: &Payment, shown: Shown, ctx: &Ctx<'_>) -> Absorbed {
    let in_flight = is_in_flight(&saga, ctx);
    if shown == Shown::Lapsed && !in_flight {
        return declined(saga, payment, &Decline::session_expired(), ctx);
    }
    // A call that is on its way may still capture, until its bound and the window are over.
    let window_open = ctx.now < after(saga.head.created_at, ctx.policy.confirm_window);
    if !window_open && ctx.now >= after(saga.progress.intent_at, ctx.policy.call_bound) {
        let decline = match &saga.progress.heard {
            Heard::Refused(decline) => decline.clone(),
            Heard::Nothing | Heard::Temporary | Heard::SessionGone | Heard::Noise => {
                Decline::session_expired()
            }
        };
        return declined(saga, payment, &decline, ctx);
    }
    match saga.progress.heard.clone() {
        Heard::Refused(decline) if saga.progress.unanswered == 0 => {
            declined(saga, payment, &decline, ctx)
        }
        Heard::SessionGone if shown == Shown::Nothing && saga.progress.unanswered == 0 => {
            declined(saga, payment, &Decline::session_expired(), ctx)
        }
        Heard::Temporary if window_open && saga.progress.n < ctx.policy.keys_max => {
            waiting(saga.call_anew(ctx))
        }
        Heard::Nothing if window_open => waiting(saga.call_again(ctx)),
        Heard::Nothing
        | Heard::Temporary
        | Heard::SessionGone
        | Heard::Refused(_)
        | Heard::Noise => waiting(saga.ask_later(ctx)),
    }
}

/// Whether a call may still be on its way to the gateway or running there.
fn is_in_flight(saga: &Saga, ctx: &Ctx<'_>) -> bool {
    saga.progress.unanswered > 0 && ctx.now < after(saga.progress.intent_at, ctx.policy.call_bound)
}

fn waiting(saga: Saga) -> Absorbed {
    Absorbed {
        saga,
        changes: Vec::new(),
    }
}
