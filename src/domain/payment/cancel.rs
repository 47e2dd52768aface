//! Owns the question whether money may be given back now, asked before anything is sent.

use super::{Kind, Moved, PayStatus, Payment, ReasonCode, State, Telling, Trigger};
use crate::Ctx;
use crate::change::{Change, Hold};
use crate::event::Kind as EventKind;
use crate::id::{GatewayOrderId, SagaId};
use crate::money::Money;
use crate::principal::Actor;
use crate::saga::{self, Saga};
use crate::text::CancelReason;
use crate::vault::Sealed;

/// What somebody wants back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CancelRequest {
    /// How much; all that is left when it is not said.
    pub amount: Option<Money>,
    /// How much of it is without VAT; when it is not said, as little as possible.
    pub tax_free: Option<Money>,
    /// Why.
    pub reason: CancelReason,
    /// Who asks.
    pub actor: Actor,
    /// The gateway order of the capture; none before one.
    pub order: Option<GatewayOrderId>,
    /// The account's credentials in force.
    pub credential_version: i32,
    /// Whether an idempotency key waits for the outcome.
    pub keyed: bool,
    /// Who drives the saga from the start; `None` leaves it to recovery.
    pub hold: Option<Hold>,
    /// The account that a deposit shall go back to, sealed for the saga that is opened.
    pub to: Option<Sealed>,
}

/// Why a cancellation is refused before anything is stored or sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CancelRefusal {
    /// Another call about this payment is unresolved.
    #[error("another attempt is unresolved")]
    InFlight {
        /// Which one.
        saga: SagaId,
    },
    /// Nothing is held that could be given back.
    #[error("nothing is left to give back: {0}")]
    NothingLeft(PayStatus),
    /// More than is left.
    #[error("more than is left")]
    OverBalance {
        /// What is left.
        left: Money,
    },
    /// More without VAT, or with it, than is left of that.
    #[error("the tax-free part does not fit what is left")]
    TaxFreeMismatch {
        /// What is left without VAT.
        left: Money,
    },
    /// Before it is paid a payment is withdrawn as a whole.
    #[error("an unpaid payment is withdrawn as a whole")]
    PartOfUnpaid,
    /// What was paid in goes to an account of the buyer's, and none is named.
    #[error("a deposit is given back to an account that is named")]
    NoRefundAccount,
    /// An account is named, and what was not paid in goes back the way it came.
    #[error("only a deposit is given back to an account")]
    RefundAccountUnwanted,
}

/// What a cancellation begins with.
#[derive(Clone, Debug)]
pub enum CancelBegun {
    /// Nothing was paid: it is over.
    Withdrawn(Moved),
    /// The amount is reserved and the saga is ready to call.
    Reserved(Moved, Box<Saga>),
}

impl Payment {
    /// Opens a cancellation: the payment goes `CANCEL_REQUESTED` and nobody else can spend what
    /// is left; one that nobody paid is withdrawn.
    ///
    /// # Errors
    /// The payment does not take this cancellation; nothing is to be stored or sent.
    pub fn begin_cancel(
        self,
        request: &CancelRequest,
        ctx: &Ctx<'_>,
    ) -> Result<CancelBegun, CancelRefusal> {
        let status = self.status();
        self.fits_account(request.to.is_some())?;
        match &self.state {
            State::Ready { .. } => self.withdraw(request, ctx).map(CancelBegun::Withdrawn),
            State::InProgress { saga } | State::CancelRequested { saga, .. } => {
                Err(CancelRefusal::InFlight { saga: *saga })
            }
            State::Done { .. } | State::PartialCanceled { .. } => self.reserve(request, ctx),
            State::WaitingForDeposit { .. } => self.begin_closing(request, ctx),
            State::Canceled { .. } | State::Aborted { .. } | State::Expired => {
                Err(CancelRefusal::NothingLeft(status))
            }
        }
    }

    /// Whether the caller names an account for the refund where one is needed, and none where the
    /// money goes back the way it came. Before the deposit one may be named: the buyer may be
    /// paying in right now.
    ///
    /// # Errors
    /// One is missing, or none is taken.
    pub fn fits_account(&self, is_named: bool) -> Result<(), CancelRefusal> {
        let is_deposit = self.facts.kind == Kind::VirtualAccount;
        let is_held = matches!(
            self.state,
            State::Done { .. } | State::PartialCanceled { .. }
        );
        match is_named {
            true if !is_deposit => Err(CancelRefusal::RefundAccountUnwanted),
            false if is_deposit && is_held => Err(CancelRefusal::NoRefundAccount),
            true | false => Ok(()),
        }
    }

    fn withdraw(self, request: &CancelRequest, ctx: &Ctx<'_>) -> Result<Moved, CancelRefusal> {
        if request.amount.is_some_and(|part| part != self.facts.amount) {
            return Err(CancelRefusal::PartOfUnpaid);
        }
        let status = self.status();
        let state = State::Canceled {
            canceled_at: ctx.now,
            approved_at: None,
        };
        let telling = Telling {
            reason: Some(request.reason.to_string()),
            reason_code: ReasonCode::of(request.actor),
            ..Telling::of(EventKind::Withdrawn, request.actor)
        };
        self.shift(Trigger::Withdraw, state, telling, ctx)
            .map_err(|_| CancelRefusal::NothingLeft(status))
    }

    fn reserve(self, request: &CancelRequest, ctx: &Ctx<'_>) -> Result<CancelBegun, CancelRefusal> {
        let status = self.status();
        let nothing = || CancelRefusal::NothingLeft(status);
        let left = self.balance().map_err(|_| nothing())?;
        let amount = request.amount.unwrap_or(left);
        if amount.is_zero() || left.minus(amount).is_err() {
            return Err(CancelRefusal::OverBalance { left });
        }
        let tax_free = self.tax_free_part(amount, left, request.tax_free)?;
        let approved_at = self.state.approved_at().ok_or_else(nothing)?;
        let head = self.cancellation_head(request, (amount, tax_free), ctx);
        let saga = Saga {
            head: head.ok_or_else(nothing)?,
            progress: saga::Progress {
                sealed: request.to.clone(),
                ..saga::Progress::intended(left, ctx.now)
            },
            version: 1,
        };
        let state = State::CancelRequested {
            saga: ctx.spare,
            approved_at,
        };
        let telling = Telling {
            saga: Some(ctx.spare),
            reason: Some(request.reason.to_string()),
            reason_code: ReasonCode::of(request.actor),
            ..Telling::of(EventKind::CancelRequested, request.actor)
        };
        let mut moved = self
            .shift(Trigger::CancelBegin, state, telling, ctx)
            .map_err(|_| nothing())?;
        moved.changes.push(Change::InsertSaga {
            saga: Box::new(saga.clone()),
            hold: request.hold,
        });
        Ok(CancelBegun::Reserved(moved, Box::new(saga)))
    }

    /// How much of `amount` is without VAT: what was said, where both parts are left; else what
    /// the part with VAT does not cover.
    fn tax_free_part(
        &self,
        amount: Money,
        left: Money,
        said: Option<Money>,
    ) -> Result<Money, CancelRefusal> {
        let tax_free_left = self.tax_free_balance();
        let mismatch = || CancelRefusal::TaxFreeMismatch {
            left: tax_free_left,
        };
        let taxed_left = left.minus(tax_free_left).map_err(|_| mismatch())?;
        let least = amount
            .minus(taxed_left)
            .unwrap_or(Money::zero(amount.currency()));
        let part = said.unwrap_or(least);
        let taxed = amount.minus(part).map_err(|_| mismatch())?;
        if tax_free_left.minus(part).is_err() || taxed_left.minus(taxed).is_err() {
            return Err(mismatch());
        }
        Ok(part)
    }

    fn cancellation_head(
        &self,
        request: &CancelRequest,
        (amount, tax_free): (Money, Money),
        ctx: &Ctx<'_>,
    ) -> Option<saga::Head> {
        Some(saga::Head {
            id: ctx.spare,
            intent: saga::Intent::Cancel(self.paid.as_ref()?.payment_key.clone()),
            scope: self.facts.scope,
            account: self.facts.account,
            payment: self.facts.id,
            gateway_order: request.order?,
            amount,
            tax_free,
            actor: request.actor,
            reason: Some(request.reason.to_string()),
            credential_version: request.credential_version,
            trace: ctx.trace,
            keyed: request.keyed,
            created_at: ctx.now,
        })
    }
}
