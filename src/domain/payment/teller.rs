//! Owns what a look at a virtual account means: what the books lack is booked, and what an answer
//! denies that they have is doubted first. It decides when to look next, too.

use std::time::Duration;

use super::canceled::Finder;
use super::closing::GRACE;
use super::{Moved, Payment, State};
use crate::change::Change;
use crate::ledger::{self, Entry};
use crate::saga::Saga;
use crate::snapshot::{Snapshot, Status};
use crate::virtual_account::{Denied, Doubt};
use crate::{Ctx, Timestamp, after, before};

/// How often an account is asked about that waits, as a rule: notifications and the gateway's list
/// tell sooner.
const WAITING: Duration = Duration::from_hours(1);
/// How rarely it is tried at most to close one that the gateway will not close.
const RAREST: Duration = Duration::from_hours(24);
/// For how long before the due date it is asked about more often, and how often then.
const NEAR: Duration = Duration::from_hours(1);
const NEAR_EVERY: Duration = Duration::from_mins(5);
/// How long after a deposit, or after the end, an account is asked about once more: banks take back
/// as a rule within minutes (`toss-api.md §10`), and nothing but a notification tells of it.
const LATER: [Duration; 7] = [
    Duration::from_mins(2),
    Duration::from_mins(5),
    Duration::from_mins(15),
    Duration::from_hours(1),
    Duration::from_hours(6),
    Duration::from_hours(24),
    Duration::from_hours(72),
];

/// What a look at a virtual account comes to.
pub(super) enum Teller {
    /// Nothing that is not known.
    Known,
    /// To be committed.
    Moved(Box<Moved>),
    /// Less is held than the books have, by this answer: it is believed when a later one says so
    /// too. To be committed where that is news.
    Doubted(Option<Box<Moved>>),
    /// A deposit that is booked already, and was taken back since.
    Again,
    /// It is not a matter of deposits.
    Elsewhere,
    /// It cannot be booked.
    Unfit,
}

impl Payment {
    /// What `snapshot` means for a payment whose account `saga` had issued, and of which `booked`
    /// is in the ledger.
    pub(super) fn teller(
        self,
        (saga, booked): (&Saga, &[Entry]),
        snapshot: &Snapshot,
        ctx: &Ctx<'_>,
    ) -> Teller {
        let captured = snapshot.is_captured();
        let closed = snapshot.status == Status::Canceled && !captured;
        let open = snapshot.status == Status::WaitingForDeposit;
        let is_held = self.paid.is_some();
        if captured && !is_held && is_again(snapshot, booked) {
            return Teller::Again;
        }
        match &self.state {
            State::WaitingForDeposit { .. } if captured => {
                let finder = Finder::watching(&[]);
                fit(self.deposited(finder, saga, snapshot, ctx))
            }
            State::WaitingForDeposit { .. } if open => Teller::Known,
            State::WaitingForDeposit { .. } if closed => {
                match self.doubting(Denied::Account, ctx) {
                    Ok(payment) => fit(payment.closed_by_others(ctx)),
                    Err(doubted) => doubted,
                }
            }
            State::Done { .. } if open => match self.doubting(Denied::Deposit, ctx) {
                Ok(payment) => fit(payment.deposit_reversed(saga, snapshot, ctx)),
                Err(doubted) => doubted,
            },
            State::Done { .. } if closed => match self.doubting(Denied::Account, ctx) {
                Ok(payment) => {
                    let moved = payment.deposit_reversed(saga, snapshot, ctx);
                    fit(moved.and_then(|moved| moved.closed_by_others(ctx)))
                }
                Err(doubted) => doubted,
            },
            State::WaitingForDeposit { .. }
            | State::Done { .. }
            | State::Ready { .. }
            | State::InProgress { .. }
            | State::CancelRequested { .. }
            | State::PartialCanceled { .. }
            | State::Canceled { .. }
            | State::Aborted { .. }
            | State::Expired => Teller::Elsewhere,
        }
    }

    /// The payment, where the same was denied long enough ago; else what becomes of the doubt.
    fn doubting(self, denied: Denied, ctx: &Ctx<'_>) -> Result<Self, Teller> {
        let doubt = self.account.as_ref().and_then(|account| account.doubt);
        match doubt.filter(|doubt| doubt.denied == denied) {
            Some(doubt) if ctx.now >= after(doubt.since, ctx.policy.doubt_for) => Ok(self),
            Some(_) => Err(Teller::Doubted(None)),
            None => {
                let since = ctx.now;
                let doubt = Some(Doubt { denied, since });
                let moved = self.noting(doubt, ctx).map(Box::new);
                Err(Teller::Doubted(moved))
            }
        }
    }

    /// An answer said as the books do: what another one denied is forgotten. None where nothing
    /// was denied.
    pub(super) fn undoubted(self, ctx: &Ctx<'_>) -> Option<Moved> {
        self.account.as_ref()?.doubt?;
        self.noting(None, ctx)
    }

    /// Its account is about to be asked about: when that is to be done next. None for one without
    /// an account.
    #[must_use]
    pub fn looked(self, ctx: &Ctx<'_>) -> Option<Moved> {
        let doubt = self.account.as_ref()?.doubt;
        self.noting(doubt, ctx)
    }

    /// Nothing moves, and nobody is told.
    pub(super) fn noting(self, doubt: Option<Doubt>, ctx: &Ctx<'_>) -> Option<Moved> {
        let (mut payment, expected) = (self.clone(), self.version);
        let account = payment.account.as_mut()?;
        account.doubt = doubt;
        account.look_at = match (doubt, self.refund_doubt_pause(ctx)) {
            (Some(_), _) => Some(after(ctx.now, ctx.policy.doubt_for)),
            (None, Some(pause)) => Some(after(ctx.now, pause)),
            (None, None) => self.next_look(ctx.now),
        };
        payment.version = expected.saturating_add(1);
        let update = Change::UpdatePayment {
            payment: Box::new(payment.clone()),
            expected,
        };
        let changes = vec![update];
        Some(Moved { payment, changes })
    }

    /// Something has moved: nothing that was doubted before matters any more.
    pub(super) fn looks_anew(&mut self, now: Timestamp) {
        let look_at = self.next_look(now);
        if let Some(account) = &mut self.account {
            account.doubt = None;
            account.look_at = look_at;
            if let Some(refund) = &mut account.refund {
                refund.doubted = None;
            }
        }
    }

    /// When its account is asked about next, if it has one.
    fn next_look(&self, now: Timestamp) -> Option<Timestamp> {
        let account = self.account.as_ref()?;
        let once_more = |since: Timestamp| {
            let mut looks = LATER.into_iter().map(|pause| after(since, pause));
            looks.find(|look| *look > now)
        };
        match &self.state {
            State::WaitingForDeposit { due_at } => {
                let near = before(*due_at, NEAR);
                let over = after(*due_at, GRACE);
                Some(if now < near {
                    after(now, WAITING).min(near)
                } else if now < over {
                    after(now, NEAR_EVERY).min(over)
                } else {
                    // It could not be closed: half as often each time.
                    let since = now.signed_duration_since(over).to_std();
                    after(now, since.unwrap_or_default().clamp(WAITING, RAREST))
                })
            }
            State::Done { approved_at } => once_more(*approved_at),
            State::Canceled {
                canceled_at,
                approved_at: None,
            } => once_more(*canceled_at),
            State::Expired => once_more(account.due_at),
            State::PartialCanceled { .. } | State::Canceled { .. } => self.next_refund_look(now),
            // A saga asks, or the gateway's list tells.
            State::Ready { .. }
            | State::InProgress { .. }
            | State::CancelRequested { .. }
            | State::Aborted { .. } => None,
        }
    }
}

fn fit(moved: Option<Moved>) -> Teller {
    moved.map_or(Teller::Unfit, |moved| Teller::Moved(Box::new(moved)))
}

/// Whether the capture that `snapshot` shows is one that is booked: each goes by its own name, and
/// once there was one, none without a name is another. A cancellation hides the name.
fn is_again(snapshot: &Snapshot, booked: &[Entry]) -> bool {
    let mut takings = booked.iter().filter(|entry| {
        entry.payment_key == snapshot.payment_key
            && entry.debit == ledger::Account::GatewayReceivable
            && snapshot.cancels.is_empty()
    });
    match &snapshot.last_transaction_key {
        None => takings.next().is_some(),
        key @ Some(_) => takings.any(|entry| entry.transaction_key == *key),
    }
}
