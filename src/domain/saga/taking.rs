//! Owns how a saga that takes money ends, whichever way it takes it: captured, or declined.

use super::{Absorbed, Outcome, Saga, account};
use crate::Ctx;
use crate::decline::Decline;
use crate::money::Money;
use crate::payment::{Captured, Payment};
use crate::snapshot::Snapshot;

/// The gateway shows that money was taken: it is booked, as ours or to be given back. An amount
/// that is not the payment's is believed when it is shown twice running.
pub(super) fn captured(
    mut saga: Saga,
    payment: &Payment,
    snapshot: &Snapshot,
    before: Option<Money>,
    ctx: &Ctx<'_>,
) -> Absorbed {
    let surprise = snapshot
        .total
        .filter(|total| *total != payment.facts.amount);
    if let Some(total) = surprise
        && !saga.is_confirmed(total, before)
    {
        return Absorbed::waiting(saga.surprised(ctx));
    }
    if saga.issues_account() && surprise.is_none() {
        return account::paid(saga, payment, snapshot, ctx);
    }
    match payment.clone().capture(&saga, snapshot, ctx) {
        Some(Captured::Booked(moved)) => {
            // Whoever gives it back asks about the order that it was taken for, which need not be
            // the last that was called with.
            let order = saga.order_of(snapshot);
            saga.progress.order = Some(order).filter(|order| *order != saga.head.gateway_order);
            Absorbed {
                saga: saga.close(Outcome::Approved),
                changes: moved.changes,
            }
        }
        Some(Captured::Misfit { moved, reversal }) => Absorbed {
            saga: saga.close(Outcome::Misfit { reversal }),
            changes: moved.changes,
        },
        None => Absorbed::waiting(saga.ask_later(ctx)),
    }
}

/// The money was not taken, and will not be.
pub(super) fn declined(
    saga: Saga,
    payment: &Payment,
    decline: &Decline,
    ctx: &Ctx<'_>,
) -> Absorbed {
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
