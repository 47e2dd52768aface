//! Owns what is different when a virtual account is issued from when a billing key is charged: no
//! money is taken by the call, and the answer tells where it is to be paid in.

use super::taking::declined;
use super::{Absorbed, Heard, IssueAccountCall, Outcome, Saga};
use crate::Ctx;
use crate::decline::Decline;
use crate::money::Money;
use crate::payment::Payment;
use crate::snapshot::Snapshot;

pub(super) fn call(saga: &Saga) -> IssueAccountCall {
    IssueAccountCall {
        key: saga.gateway_key(),
        order: saga.order(),
        amount: saga.head.amount,
        tax_free: Some(saga.head.tax_free).filter(|part| !part.is_zero()),
        wish: saga.progress.sealed.clone(),
    }
}

/// The account is there, and nobody has paid in.
pub(super) fn issued(
    saga: Saga,
    payment: &Payment,
    snapshot: &Snapshot,
    ctx: &Ctx<'_>,
) -> Absorbed {
    // A repeated call is answered with what was true when the first one was: what has become of
    // the account since, only a question shows.
    if saga.is_calling() && saga.progress.asked_at.is_some() {
        return undecided(saga, ctx);
    }
    match payment.clone().issued(&saga, snapshot, ctx) {
        Some(moved) => Absorbed {
            saga: saga.close(Outcome::Issued),
            changes: moved.changes,
        },
        None => undecided(saga, ctx),
    }
}

/// The account is there, and the buyer has paid in already.
pub(super) fn paid(saga: Saga, payment: &Payment, snapshot: &Snapshot, ctx: &Ctx<'_>) -> Absorbed {
    let issued = payment.clone().issued(&saga, snapshot, ctx);
    let paid = issued.and_then(|moved| moved.deposited(&saga, snapshot, ctx));
    match paid {
        Some(moved) => Absorbed {
            saga: saga.close(Outcome::Issued),
            changes: moved.changes,
        },
        None => undecided(saga, ctx),
    }
}

/// The account was closed before we heard of it, and nobody paid in: believed when two questions
/// running show it, and no call of ours can take effect any more.
pub(super) fn closed(
    mut saga: Saga,
    payment: &Payment,
    before: Option<Money>,
    ctx: &Ctx<'_>,
) -> Absorbed {
    // Nothing else that is shown of an account is the amount that was asked for.
    let confirmed = saga.is_confirmed(saga.head.amount, before);
    if confirmed && saga.are_calls_over(ctx) {
        return declined(saga, payment, &Decline::account_closed(), ctx);
    }
    Absorbed::waiting(saga.ask_later(ctx))
}

/// An account of another amount, or one that is not told in full: nobody is shown where to pay in
/// by a guess.
fn undecided(saga: Saga, ctx: &Ctx<'_>) -> Absorbed {
    Absorbed::waiting(if saga.is_calling() {
        saga.heard_now(Heard::Noise, ctx)
    } else {
        saga.ask_later(ctx)
    })
}

impl Saga {
    /// Whether it has a virtual account issued.
    pub(super) fn issues_account(&self) -> bool {
        self.head.kind() == super::Kind::AccountIssue
    }
}
