//! Owns the cancellations of a payment as the gateway shows them: each booked exactly once, ours
//! and those that others made there.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use super::outcome::facts;
use super::{Moved, Payment, State, Telling, Trigger};
use crate::change::Change;
use crate::decline::Decline;
use crate::event::{DeclineFacts, Kind as EventKind};
use crate::id::SagaId;
use crate::ledger::Account;
use crate::money::Money;
use crate::principal::{Actor, UnknownWord};
use crate::refund::Refund;
use crate::saga::{self, Saga};
use crate::snapshot::{Cancel, Snapshot};
use crate::text::TransactionKey;
use crate::{Ctx, Timestamp};

/// In whose name money is given back; derived from who asked, never told by a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReasonCode {
    /// The buyer, or the merchant's server for the buyer.
    UserRequest,
    /// A person of the back office.
    AdminCancel,
    /// Payflow itself.
    SystemError,
}

impl ReasonCode {
    /// Every code.
    pub const ALL: [Self; 3] = [Self::UserRequest, Self::AdminCancel, Self::SystemError];

    /// The code of who asks; none for what was only observed.
    #[must_use]
    pub const fn of(actor: Actor) -> Option<Self> {
        match actor {
            Actor::Merchant | Actor::Buyer => Some(Self::UserRequest),
            Actor::Operator => Some(Self::AdminCancel),
            Actor::System => Some(Self::SystemError),
            Actor::Gateway => None,
        }
    }

    /// The stored and shown word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UserRequest => "USER_REQUEST",
            Self::AdminCancel => "ADMIN_CANCEL",
            Self::SystemError => "SYSTEM_ERROR",
        }
    }
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ReasonCode {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|code| code.as_str() == text)
            .ok_or_else(|| UnknownWord(text.to_owned()))
    }
}

impl Serialize for ReasonCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// One cancellation that is booked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canceled {
    /// The gateway's name of the movement.
    pub transaction_key: TransactionKey,
    /// What was given back.
    pub amount: Money,
    /// The part of it without VAT.
    pub tax_free: Money,
    /// Why, in the words of who asked; none where others made it.
    pub reason: Option<String>,
    /// In whose name; none where others made it.
    pub reason_code: Option<ReasonCode>,
    /// Our saga that made it; none where others did.
    pub saga: Option<SagaId>,
    /// When the gateway says it happened.
    pub canceled_at: Timestamp,
}

impl Canceled {
    /// Whether this is `cancel`, booked under a name that the gateway does not have: a person read
    /// it off wrongly. It bears the mark of the saga that made this one, which made no other.
    fn is_misnamed(&self, cancel: &Cancel, snapshot: &Snapshot) -> bool {
        let same = |shown: &Cancel| shown.transaction_key == self.transaction_key;
        self.saga
            .is_some_and(|saga| cancel.reason.ends_with(&saga::tag_of(saga)))
            && self.amount == cancel.amount
            && !snapshot.cancels.iter().any(same)
    }
}

impl Payment {
    /// What is captured, not given back and without VAT.
    #[must_use]
    pub fn tax_free_balance(&self) -> Money {
        let zero = Money::zero(self.facts.amount.currency());
        let left = self
            .cancels
            .iter()
            .try_fold(self.captured_tax_free, |left, cancel| {
                left.minus(cancel.tax_free)
            })
            .unwrap_or(zero);
        // What others gave back may not tell its part without VAT.
        match self.balance() {
            Ok(balance) if balance.minus(left).is_err() => balance,
            Ok(_) => left,
            Err(_) => zero,
        }
    }

    /// Whether `snapshot` shows a cancellation that is not booked.
    pub(crate) fn lacks_one_of(&self, snapshot: &Snapshot) -> bool {
        let mut shown = snapshot.cancels.iter();
        shown.any(|cancel| self.lacks(cancel, snapshot))
    }

    fn lacks(&self, cancel: &Cancel, snapshot: &Snapshot) -> bool {
        let key = &cancel.transaction_key;
        let mut booked = self.cancels.iter();
        let is_booked = |booked: &Canceled| {
            booked.transaction_key == *key || booked.is_misnamed(cancel, snapshot)
        };
        cancel.done && !booked.any(is_booked)
    }

    /// Books every cancellation that `snapshot` shows and the books do not have yet.
    ///
    /// `None` when they do not fit what was captured: the caller asks again, and nothing is
    /// booked that could not be true.
    pub(crate) fn cancellations(
        self,
        saga: &Saga,
        snapshot: &Snapshot,
        ctx: &Ctx<'_>,
    ) -> Option<Moved> {
        Moved::still(self).with_cancellations(Finder::asking(saga), snapshot, ctx)
    }

    /// The cancellation of `saga` took no effect and will not: what was held is held, less what
    /// others have given back meanwhile.
    pub(crate) fn cancel_refused(
        self,
        saga: &Saga,
        decline: &Decline,
        snapshot: &Snapshot,
        ctx: &Ctx<'_>,
    ) -> Option<Moved> {
        let moved = self.released(saga, decline, ctx)?;
        moved.with_cancellations(Finder::asking(saga), snapshot, ctx)
    }

    /// What `saga` held for its cancellation is free again.
    pub(super) fn released(self, saga: &Saga, decline: &Decline, ctx: &Ctx<'_>) -> Option<Moved> {
        let State::CancelRequested {
            saga: waited,
            approved_at,
        } = self.state
        else {
            return None;
        };
        if waited != saga.head.id {
            return None;
        }
        let state = if self.canceled.is_zero() {
            State::Done { approved_at }
        } else {
            State::PartialCanceled { approved_at }
        };
        let telling = Telling {
            saga: Some(saga.head.id),
            decline: Some(DeclineFacts {
                reason: decline.reason,
                code: decline.code.clone(),
            }),
            ..Telling::of(EventKind::CancelRefused, Actor::Gateway)
        };
        self.shift(Trigger::CancelRefused, state, telling, ctx).ok()
    }
}

/// Who found the cancellations that a snapshot shows, and which of our sagas may have made them.
#[derive(Clone, Copy)]
pub(super) struct Finder<'s> {
    asking: Option<SagaId>,
    sagas: &'s [Saga],
}

impl<'s> Finder<'s> {
    /// A saga that asked, or called.
    pub(super) fn asking(saga: &'s Saga) -> Self {
        Self {
            asking: Some(saga.head.id),
            sagas: std::slice::from_ref(saga),
        }
    }

    /// Nobody's saga: the payment was looked at. One of these may have made them, though it was
    /// given up.
    pub(super) const fn watching(sagas: &'s [Saga]) -> Self {
        let asking = None;
        Self { asking, sagas }
    }

    /// Our cancellation that made this one of `payment`; its mark counts once, for a reason can
    /// be copied.
    fn maker(self, payment: &Payment, cancel: &Cancel) -> Option<&'s saga::Head> {
        let made = |saga: &&Saga| {
            let known = |booked: &Canceled| booked.saga == Some(saga.head.id);
            saga.head.kind() == saga::Kind::Cancellation
                && cancel.reason.ends_with(&saga.tag())
                && !payment.cancels.iter().any(known)
        };
        self.sagas.iter().find(made).map(|saga| &saga.head)
    }
}

impl Moved {
    /// As [`Payment::cancellations`], on top of this move.
    pub(super) fn with_cancellations(
        self,
        finder: Finder<'_>,
        snapshot: &Snapshot,
        ctx: &Ctx<'_>,
    ) -> Option<Self> {
        snapshot.cancels.iter().try_fold(self, |moved, cancel| {
            if moved.payment.lacks(cancel, snapshot) {
                moved.with(finder, snapshot, cancel, ctx)
            } else {
                Some(moved)
            }
        })
    }

    fn with(
        self,
        finder: Finder<'_>,
        snapshot: &Snapshot,
        cancel: &Cancel,
        ctx: &Ctx<'_>,
    ) -> Option<Self> {
        let mut payment = self.payment.clone();
        let canceled = canceled(finder.maker(&payment, cancel), cancel, ctx);
        payment.canceled = payment.canceled.plus(cancel.amount).ok()?;
        let left = payment.balance().ok()?;
        let approved_at = payment.state.approved_at()?;
        let by = finder.asking.or(canceled.saga);
        let entry = payment.cancel_entry(by, (snapshot, cancel), Account::MerchantPayable, ctx);
        let (trigger, state, kind) = if left.is_zero() {
            let state = State::Canceled {
                canceled_at: canceled.canceled_at,
                approved_at: Some(approved_at),
            };
            (Trigger::CanceledAll, state, EventKind::Canceled)
        } else {
            let state = State::PartialCanceled { approved_at };
            (Trigger::CanceledPart, state, EventKind::PartiallyCanceled)
        };
        let telling = Telling {
            saga: canceled.saga,
            reason: canceled.reason.clone(),
            reason_code: canceled.reason_code,
            movement: Some(facts(snapshot, &entry)),
            ..Telling::of(kind, Actor::Gateway)
        };
        payment.cancels.push(canceled);
        if let Some(account) = &mut payment.account {
            // What the bank said of earlier ones is not said of this one; but who never got theirs
            // must not be forgotten for it.
            let failed = account.refund.filter(|refund| refund.status.is_failed());
            account.refund = Some(failed.map_or_else(
                || Refund::begun(ctx.now),
                |refund| Refund {
                    doubted: None,
                    ..refund
                },
            ));
        }
        let next = payment.shift(trigger, state, telling, ctx).ok()?;
        let mut moved = self.and(next);
        moved.changes.push(Change::InsertEntry(Box::new(entry)));
        Some(moved)
    }
}

fn canceled(head: Option<&saga::Head>, cancel: &Cancel, ctx: &Ctx<'_>) -> Canceled {
    let asked = head.map(|head| head.tax_free);
    let none = Money::zero(cancel.amount.currency());
    Canceled {
        transaction_key: cancel.transaction_key.clone(),
        amount: cancel.amount,
        tax_free: cancel.tax_free.or(asked).unwrap_or(none),
        reason: head.and_then(|head| head.reason.clone()),
        reason_code: head.and_then(|head| ReasonCode::of(head.actor)),
        saga: head.map(|head| head.id),
        canceled_at: cancel.canceled_at.unwrap_or(ctx.now),
    }
}
