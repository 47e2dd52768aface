//! Owns what every way to take a payment's money begins with: whether the payment still waits for
//! it, what its saga knows from the start, and the move to `IN_PROGRESS`.

use super::{Illegal, Moved, PayStatus, Payment, State, Telling, Trigger};
use crate::Ctx;
use crate::change::{Change, GatewayOrder, Hold};
use crate::id::SagaId;
use crate::principal::Actor;
use crate::saga::{self, Saga};

/// Why a payment does not wait for its money.
pub(super) enum Unready {
    /// Its time is over.
    Expired,
    /// This saga works on it.
    InFlight(SagaId),
    /// It is paid.
    Paid,
    /// It is in this status.
    Closed(PayStatus),
}

/// Who asks for the money.
pub(super) struct Asked {
    /// Who.
    pub(super) actor: Actor,
    /// The account's credentials in force.
    pub(super) credential_version: i32,
    /// Whether an idempotency key waits for the outcome.
    pub(super) keyed: bool,
}

impl Payment {
    /// Whether it waits for its money still.
    pub(super) fn ready(&self, ctx: &Ctx<'_>) -> Result<(), Unready> {
        match &self.state {
            State::Ready { .. } if ctx.now >= self.facts.expires_at => Err(Unready::Expired),
            State::Ready { .. } => Ok(()),
            State::InProgress { saga } => Err(Unready::InFlight(*saga)),
            State::Done { .. } | State::CancelRequested { .. } | State::PartialCanceled { .. } => {
                Err(Unready::Paid)
            }
            State::Expired => Err(Unready::Expired),
            State::WaitingForDeposit { .. } | State::Canceled { .. } | State::Aborted { .. } => {
                Err(Unready::Closed(self.status()))
            }
        }
    }

    /// The head of a saga that takes all of its money for `order`.
    pub(super) fn head_of(
        &self,
        intent: saga::Intent,
        order: &GatewayOrder,
        asked: &Asked,
        ctx: &Ctx<'_>,
    ) -> saga::Head {
        saga::Head {
            id: ctx.spare,
            intent,
            scope: self.facts.scope,
            account: self.facts.account,
            payment: self.facts.id,
            gateway_order: order.id,
            amount: self.facts.amount,
            tax_free: self.facts.tax_free,
            actor: asked.actor,
            reason: None,
            credential_version: asked.credential_version,
            trace: ctx.trace,
            keyed: asked.keyed,
            created_at: ctx.now,
        }
    }

    /// Goes `IN_PROGRESS` with `saga`, which is stored with it.
    pub(super) fn begin(
        self,
        saga: &Saga,
        hold: Option<Hold>,
        telling: Telling,
        ctx: &Ctx<'_>,
    ) -> Result<Moved, Illegal> {
        let state = State::InProgress { saga: saga.head.id };
        let telling = Telling {
            saga: Some(saga.head.id),
            ..telling
        };
        let mut moved = self.shift(Trigger::Begin, state, telling, ctx)?;
        moved.changes.push(Change::InsertSaga {
            saga: Box::new(saga.clone()),
            hold,
        });
        Ok(moved)
    }
}
