//! Owns the closing of a virtual account that nobody has paid into: because somebody cancels the
//! payment, or because its due date is over.

use std::time::Duration;

use super::canceled::Finder;
use super::{
    CancelBegun, CancelRefusal, CancelRequest, Moved, Payment, ReasonCode, State, Telling, Trigger,
};
use crate::change::{Change, Hold};
use crate::decline::Decline;
use crate::event::{DeclineFacts, Kind as EventKind};
use crate::id::{GatewayOrderId, SagaId};
use crate::money::Money;
use crate::principal::Actor;
use crate::saga::{self, Progress, Saga};
use crate::snapshot::Snapshot;
use crate::{Ctx, Timestamp, after};

/// How long after the due date an account is closed: what was paid in at the last moment is shown
/// by then.
pub(super) const GRACE: Duration = Duration::from_mins(1);

/// Who wants an account closed, and why.
struct Closing {
    actor: Actor,
    reason: String,
    order: GatewayOrderId,
    credential_version: i32,
    keyed: bool,
    hold: Option<Hold>,
    progress: Progress,
}

impl Payment {
    /// Whether its account waits for nobody any more: the due date is over.
    #[must_use]
    pub fn is_past_due(&self, now: Timestamp) -> bool {
        let closing = self.account.as_ref().and_then(|account| account.closing);
        match &self.state {
            State::WaitingForDeposit { due_at } => {
                closing.is_none() && now >= after(*due_at, GRACE)
            }
            State::Ready { .. }
            | State::InProgress { .. }
            | State::Done { .. }
            | State::CancelRequested { .. }
            | State::PartialCanceled { .. }
            | State::Canceled { .. }
            | State::Aborted { .. }
            | State::Expired => false,
        }
    }

    /// The saga that its status waits for, or that closes its account.
    #[must_use]
    pub fn open_saga(&self) -> Option<SagaId> {
        let closing = self.account.as_ref().and_then(|account| account.closing);
        self.state.saga().or(closing)
    }

    /// Opens the closing of an account that is past its due date, issued for `order`: the gateway
    /// is asked first. Its status stays what it is until the account is closed. None where it is
    /// not past due.
    #[must_use]
    pub fn close_past_due(
        self,
        order: GatewayOrderId,
        credential_version: i32,
        ctx: &Ctx<'_>,
    ) -> Option<Moved> {
        if !self.is_past_due(ctx.now) {
            return None;
        }
        let closing = Closing {
            actor: Actor::System,
            reason: "nobody paid in before the due date".to_owned(),
            order,
            credential_version,
            keyed: false,
            hold: None,
            progress: Progress::asking(self.facts.amount, ctx.now),
        };
        let (moved, _) = self.closing(closing, ctx)?;
        Some(moved)
    }

    /// Opens the closing of an account for who cancels the payment.
    pub(super) fn begin_closing(
        self,
        request: &CancelRequest,
        ctx: &Ctx<'_>,
    ) -> Result<CancelBegun, CancelRefusal> {
        if request.amount.is_some_and(|part| part != self.facts.amount) {
            return Err(CancelRefusal::PartOfUnpaid);
        }
        let status = self.status();
        let at_work = self.account.as_ref().and_then(|account| account.closing);
        if let Some(saga) = at_work {
            return Err(CancelRefusal::InFlight { saga });
        }
        let nothing = || CancelRefusal::NothingLeft(status);
        let closing = Closing {
            actor: request.actor,
            reason: request.reason.to_string(),
            order: request.order.ok_or_else(nothing)?,
            credential_version: request.credential_version,
            keyed: request.keyed,
            hold: request.hold,
            progress: Progress::intended(self.facts.amount, ctx.now),
        };
        let (moved, saga) = self.closing(closing, ctx).ok_or_else(nothing)?;
        Ok(CancelBegun::Reserved(moved, Box::new(saga)))
    }

    fn closing(self, closing: Closing, ctx: &Ctx<'_>) -> Option<(Moved, Saga)> {
        let mut payment = self;
        let account = payment.account.as_mut()?;
        account.closing = Some(ctx.spare);
        let head = saga::Head {
            id: ctx.spare,
            intent: saga::Intent::CloseAccount(account.payment_key.clone()),
            scope: payment.facts.scope,
            account: payment.facts.account,
            payment: payment.facts.id,
            gateway_order: closing.order,
            amount: payment.facts.amount,
            tax_free: Money::zero(payment.facts.amount.currency()),
            actor: closing.actor,
            reason: Some(closing.reason),
            credential_version: closing.credential_version,
            trace: ctx.trace,
            keyed: closing.keyed,
            created_at: ctx.now,
        };
        let saga = Saga {
            head,
            progress: closing.progress,
            version: 1,
        };
        let mut moved = if closing.actor == Actor::System {
            payment.noting(None, ctx)?
        } else {
            let telling = Telling {
                saga: Some(ctx.spare),
                reason: saga.head.reason.clone(),
                reason_code: ReasonCode::of(closing.actor),
                ..Telling::of(EventKind::CancelRequested, closing.actor)
            };
            let status = payment.status();
            payment.record(status, telling, ctx)
        };
        moved.changes.push(Change::InsertSaga {
            saga: Box::new(saga.clone()),
            hold: closing.hold,
        });
        Some((moved, saga))
    }

    /// The payment without its closing, where `saga` is that.
    fn unclosing(mut self, saga: &Saga) -> Option<Self> {
        let account = self.account.as_mut()?;
        let closing = account.closing.take();
        (closing == Some(saga.head.id)).then_some(self)
    }

    /// The account is closed: nobody can pay in any more.
    pub(crate) fn account_closed(self, saga: &Saga, ctx: &Ctx<'_>) -> Option<Moved> {
        let payment = self.unclosing(saga)?;
        let telling = Telling {
            saga: Some(saga.head.id),
            reason: saga.head.reason.clone(),
            ..Telling::of(EventKind::Expired, Actor::System)
        };
        if saga.head.actor == Actor::System {
            return payment
                .shift(Trigger::Expire, State::Expired, telling, ctx)
                .ok();
        }
        let state = State::Canceled {
            canceled_at: ctx.now,
            approved_at: None,
        };
        let telling = Telling {
            kind: EventKind::Withdrawn,
            actor: saga.head.actor,
            reason_code: ReasonCode::of(saga.head.actor),
            ..telling
        };
        payment.shift(Trigger::Withdraw, state, telling, ctx).ok()
    }

    /// The account is not closed, and the payment goes on waiting.
    pub(crate) fn account_stays(
        self,
        saga: &Saga,
        decline: &Decline,
        ctx: &Ctx<'_>,
    ) -> Option<Moved> {
        let payment = self.unclosing(saga)?;
        if saga.head.actor == Actor::System {
            return payment.noting(None, ctx);
        }
        let telling = Telling {
            saga: Some(saga.head.id),
            decline: Some(DeclineFacts {
                reason: decline.reason,
                code: decline.code.clone(),
            }),
            ..Telling::of(EventKind::CancelRefused, Actor::Gateway)
        };
        let status = payment.status();
        Some(payment.record(status, telling, ctx))
    }

    /// Whether a deposit of its account was booked before, and taken back: what is shown as paid in
    /// may be that one.
    #[must_use]
    pub fn was_paid_into(&self) -> bool {
        let account = self.account.as_ref();
        account.is_some_and(|account| account.reversals > 0)
    }

    /// As [`Self::account_stays`], because of a deposit that only the ledger can tell from one
    /// that was taken back: who wanted it cancelled shall not wait long until it is looked at. An
    /// account past its due date is looked at anyway.
    pub(crate) fn account_is_judged(
        self,
        saga: &Saga,
        decline: &Decline,
        ctx: &Ctx<'_>,
    ) -> Option<Moved> {
        let mut moved = self.account_stays(saga, decline, ctx)?;
        if moved.payment.is_past_due(ctx.now) {
            return Some(moved);
        }
        moved.payment.account.as_mut()?.look_at = Some(ctx.now);
        for change in &mut moved.changes {
            if let Change::UpdatePayment { payment, .. } = change {
                **payment = moved.payment.clone();
            }
        }
        Some(moved)
    }

    /// Books what was paid in before `saga` could close the account, where nothing was before.
    pub(crate) fn deposited_while_closing(
        self,
        saga: &Saga,
        snapshot: &Snapshot,
        ctx: &Ctx<'_>,
    ) -> Option<Moved> {
        let payment = self.unclosing(saga)?;
        payment.deposited(Finder::asking(saga), saga, snapshot, ctx)
    }
}
