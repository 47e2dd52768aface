//! Owns the charge: take money with a billing key once, for an order that is captured once.
//!
//! There is no authentication to be asked about, so a question counts only where it shows the
//! money. Where it does not, the repeat under the same key decides: the gateway executes a key
//! once and remembers it for 15 days (`toss-api.md §14`). A new key is used only after a received
//! error, when nothing of ours can take effect any more and two questions running showed nothing.

use super::taking::{captured, declined};
use super::{Absorbed, ChargeCall, Heard, Phase, Saga, account};
use crate::change::{Change, GatewayOrder};
use crate::decline::Decline;
use crate::id::{BillingKeyId, GatewayOrderId};
use crate::money::Money;
use crate::payment::Payment;
use crate::snapshot::{Answer, Cause, Snapshot, Status};
use crate::{Ctx, Timestamp, after};

/// The order was approved or cancelled before (`toss-api.md §5`).
const ORDER_USED: &str = "DUPLICATED_ORDER_ID";
/// The billing key is gone at the gateway (`toss-api.md §11`).
pub const BILLING_KEY_GONE: &str = "ALREADY_REMOVED_BILLING_KEY";

pub(super) fn call(saga: &Saga, billing_key: BillingKeyId) -> ChargeCall {
    ChargeCall {
        key: saga.gateway_key(),
        billing_key,
        order: saga.order(),
        amount: saga.head.amount,
        tax_free: Some(saga.head.tax_free).filter(|part| !part.is_zero()),
    }
}

pub(super) fn absorb(
    mut saga: Saga,
    payment: &Payment,
    answer: &Answer,
    ctx: &Ctx<'_>,
) -> Absorbed {
    let called = saga.is_calling();
    let before = saga.heard_back(answer, ctx);
    match answer {
        Answer::Found(snapshot) if saga.concerns(snapshot) => {
            found(saga, payment, snapshot, before, ctx)
        }
        // The one call there was, answered: nothing else of ours can have taken the money.
        Answer::Declined(decline) if called && saga.is_only_answer() => {
            declined(saga, payment, decline, ctx)
        }
        Answer::Declined(decline) if called => {
            Absorbed::waiting(saga.heard_now(Heard::Refused(decline.clone()), ctx))
        }
        // An answer about somebody else's money, or to another question.
        Answer::Found(_) | Answer::NotFound if called => {
            Absorbed::waiting(saga.heard_later(Heard::Noise, ctx))
        }
        Answer::NotFound => nothing(saga, payment, before, ctx),
        Answer::Unknown(cause) if called => Absorbed::waiting(called_in_vain(saga, cause, ctx)),
        Answer::Found(_) | Answer::Declined(_) | Answer::Unknown(_) => {
            Absorbed::waiting(saga.ask_later(ctx))
        }
    }
}

fn found(
    saga: Saga,
    payment: &Payment,
    snapshot: &Snapshot,
    before: Option<Money>,
    ctx: &Ctx<'_>,
) -> Absorbed {
    match &snapshot.status {
        Status::WaitingForDeposit if saga.issues_account() => {
            account::issued(saga, payment, snapshot, ctx)
        }
        Status::Done | Status::PartialCanceled | Status::Canceled if snapshot.is_captured() => {
            captured(saga, payment, snapshot, before, ctx)
        }
        Status::Canceled if saga.issues_account() && !saga.is_calling() => {
            account::closed(saga, payment, before, ctx)
        }
        // A charge goes straight to DONE or fails (`toss-api.md §8`); an earlier try for the same
        // order may have left any of these.
        Status::Ready
        | Status::InProgress
        | Status::Aborted
        | Status::Expired
        | Status::Canceled
            if !saga.is_calling() =>
        {
            nothing(saga, payment, before, ctx)
        }
        Status::Ready
        | Status::InProgress
        | Status::Aborted
        | Status::Expired
        | Status::Canceled
        | Status::WaitingForDeposit
        | Status::Done
        | Status::PartialCanceled
        | Status::Other(_) => Absorbed::waiting(if saga.is_calling() {
            saga.heard_now(Heard::Noise, ctx)
        } else {
            saga.ask_later(ctx)
        }),
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
        Cause::Temporary(_) | Cause::Configuration(_) => saga.heard_later(Heard::Temporary, ctx),
        Cause::Conflict(code) if code == ORDER_USED => saga.heard_now(Heard::OrderUsed, ctx),
        Cause::Conflict(code) if code == BILLING_KEY_GONE => {
            saga.heard_now(Heard::Refused(Decline::billing_key_gone(code)), ctx)
        }
        Cause::Refused(decline) => saga.heard_now(Heard::Refused(decline.clone()), ctx),
        Cause::Conflict(_) | Cause::SessionGone | Cause::Unreadable(_) | Cause::Mute => {
            saga.heard_later(Heard::Noise, ctx)
        }
    }
}

/// A question showed that nothing was captured for the order so far.
fn nothing(mut saga: Saga, payment: &Payment, before: Option<Money>, ctx: &Ctx<'_>) -> Absorbed {
    let zero = Money::zero(saga.head.amount.currency());
    let confirmed = saga.is_confirmed(zero, before);
    let over = confirmed && saga.are_calls_over(ctx);
    let stays = saga.progress.order.is_some() || saga.issues_account();
    // Counted from the saga's begin, which no key of its is older than.
    let remembered = ctx.now < after(saga.head.created_at, ctx.policy.key_lifetime);
    let keys_left = saga.progress.n < ctx.policy.keys_max;
    match saga.progress.heard.clone() {
        // Whatever else was refused may take effect while the gateway still works on it.
        Heard::Refused(decline)
            if over || confirmed && saga.is_only_answer() && decline.code == BILLING_KEY_GONE =>
        {
            declined(saga, payment, &decline, ctx)
        }
        // Under a key that the gateway forgot a call would be a new one.
        _ if !remembered && over => declined(saga, payment, &Decline::charge_lapsed(), ctx),
        Heard::Nothing if remembered => Absorbed::waiting(saga.unshown().call_again(ctx)),
        Heard::Temporary | Heard::Noise | Heard::SessionGone if remembered && over && keys_left => {
            Absorbed::waiting(saga.unshown().call_anew(ctx))
        }
        // Once: money that is found under an order in the middle would be nobody's.
        Heard::OrderUsed if remembered && over && keys_left && !stays => reordered(saga, ctx),
        // Every call was answered, and none can take effect any more.
        Heard::Temporary | Heard::OrderUsed if over => {
            declined(saga, payment, &Decline::charge_lapsed(), ctx)
        }
        Heard::Nothing
        | Heard::Temporary
        | Heard::Noise
        | Heard::SessionGone
        | Heard::OrderUsed
        | Heard::Refused(_) => Absorbed::waiting(saga.ask_later(ctx)),
    }
}

/// The gateway takes the order no more, and nothing was taken for it: it is charged as another.
fn reordered(mut saga: Saga, ctx: &Ctx<'_>) -> Absorbed {
    let order = GatewayOrder {
        id: GatewayOrderId::new(ctx.spare.raw()),
        payment: saga.head.payment,
        created_at: ctx.now,
    };
    saga.progress.order = Some(order.id);
    Absorbed {
        saga: saga.unshown().call_anew(ctx),
        changes: vec![Change::InsertGatewayOrder(order)],
    }
}

impl Saga {
    /// Whether the gateway was called under one key only, and answered every time.
    const fn is_only_answer(&self) -> bool {
        self.progress.n == 1 && self.progress.unanswered == 0
    }

    /// About to call: what questions showed before says nothing of what this call does.
    fn unshown(mut self) -> Self {
        self.progress.surprise = None;
        self
    }

    /// Goes on under this version of the account's secret key, with which `now` begins a drive.
    ///
    /// The gateway remembers a key of ours for the secret key that it came with: what was sent
    /// under another one cannot be repeated. It counts as sent and gone, so that it is asked
    /// about, and called under a new key only once nothing of it can take effect any more.
    #[must_use]
    pub fn under_credentials(mut self, version: i32, now: Timestamp) -> Self {
        let used = self.progress.rekeyed;
        let used = used.unwrap_or(self.head.credential_version);
        let by_order = self.head.intent.payment_key().is_none();
        if !by_order || self.is_closed() || used == version {
            return self;
        }
        self.progress.rekeyed = Some(version);
        if self.progress.heard == Heard::Nothing && !self.is_left() {
            self.progress.heard = Heard::Temporary;
        }
        if self.progress.phase == Phase::Call && !self.is_left() {
            return self.resumed(now);
        }
        self
    }
}
