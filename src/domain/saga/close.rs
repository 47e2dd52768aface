//! Owns the end of a virtual account before its deposit: close it at the gateway, believe only what
//! the gateway shows, and book what was paid in meanwhile.

use super::{Absorbed, CancelCall, Heard, Outcome, Saga, cancellation};
use crate::Ctx;
use crate::decline::Decline;
use crate::money::Money;
use crate::payment::Payment;
use crate::snapshot::{Answer, Snapshot, Status};
use crate::text::PaymentKey;

/// A cancellation of all of it. Once somebody has paid in, the gateway does not do it without an
/// account for the refund, and none is named here: so no money is given back by mistake.
pub(super) fn call(saga: &Saga, payment_key: &PaymentKey) -> CancelCall {
    CancelCall {
        tax_free: None,
        ..cancellation::call(saga, payment_key)
    }
}

pub(super) fn absorb(saga: Saga, payment: &Payment, answer: &Answer, ctx: &Ctx<'_>) -> Absorbed {
    cancellation::heard_of(saga, payment, answer, found, ctx)
}

fn found(
    mut saga: Saga,
    payment: &Payment,
    snapshot: &Snapshot,
    before: Option<Money>,
    ctx: &Ctx<'_>,
) -> Absorbed {
    if snapshot.is_captured() {
        return paid_in(saga, payment, snapshot, before, ctx);
    }
    let nothing = Money::zero(saga.head.amount.currency());
    match &snapshot.status {
        // Our own call's answer, or what two questions running show.
        Status::Canceled if saga.is_calling() || saga.is_confirmed(nothing, before) => {
            closed(saga, payment, ctx)
        }
        // Not what our call does; as final, all the same.
        Status::Expired if saga.is_confirmed(nothing, before) => closed(saga, payment, ctx),
        Status::WaitingForDeposit if !saga.is_calling() => no_effect(saga, payment, ctx),
        Status::WaitingForDeposit
        | Status::Canceled
        | Status::Ready
        | Status::InProgress
        | Status::Done
        | Status::PartialCanceled
        | Status::Aborted
        | Status::Expired
        | Status::Other(_) => Absorbed::waiting(if saga.is_calling() {
            saga.heard_now(Heard::Noise, ctx)
        } else {
            saga.ask_later(ctx)
        }),
    }
}

/// Nobody can pay in any more.
fn closed(saga: Saga, payment: &Payment, ctx: &Ctx<'_>) -> Absorbed {
    match payment.clone().account_closed(&saga, ctx) {
        Some(moved) => Absorbed {
            saga: saga.close(Outcome::Closed),
            changes: moved.changes,
        },
        None => Absorbed::waiting(saga.ask_later(ctx)),
    }
}

/// The buyer was first: the deposit is booked, and the account stays what it is.
fn paid_in(
    mut saga: Saga,
    payment: &Payment,
    snapshot: &Snapshot,
    before: Option<Money>,
    ctx: &Ctx<'_>,
) -> Absorbed {
    // Whether it is a new one or one that was taken back, the ledger knows, and not this saga:
    // shown twice running, it ends here, and the watch compares the names.
    if payment.was_paid_into() {
        return if saga.is_confirmed(saga.head.amount, before) {
            let decline = Decline::deposited();
            Absorbed {
                changes: payment
                    .clone()
                    .account_is_judged(&saga, &decline, ctx)
                    .map(|moved| moved.changes)
                    .unwrap_or_default(),
                saga: saga.close(Outcome::Declined(decline)),
            }
        } else {
            Absorbed::waiting(saga.surprised(ctx))
        };
    }
    match payment
        .clone()
        .deposited_while_closing(&saga, snapshot, ctx)
    {
        Some(moved) => Absorbed {
            saga: saga.close(Outcome::Declined(Decline::deposited())),
            changes: moved.changes,
        },
        None => Absorbed::waiting(if saga.is_calling() {
            saga.heard_now(Heard::Noise, ctx)
        } else {
            saga.ask_later(ctx)
        }),
    }
}

/// A question showed that the account waits still.
fn no_effect(saga: Saga, payment: &Payment, ctx: &Ctx<'_>) -> Absorbed {
    let only_answer = saga.progress.unanswered == 0 && saga.progress.n == 1;
    let over = saga.are_calls_over(ctx);
    match saga.progress.heard.clone() {
        Heard::Refused(decline) if only_answer || over => Absorbed {
            changes: payment
                .clone()
                .account_stays(&saga, &decline, ctx)
                .map(|moved| moved.changes)
                .unwrap_or_default(),
            saga: saga.close(Outcome::Declined(decline)),
        },
        Heard::Nothing
        | Heard::Temporary
        | Heard::SessionGone
        | Heard::Noise
        | Heard::OrderUsed
        | Heard::Refused(_) => Absorbed::waiting(cancellation::try_on(saga, ctx)),
    }
}
