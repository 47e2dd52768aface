//! Owns the question whether a payment may be approved now, asked before anything is sent.

use super::begin::{Asked, Unready};
use super::{Kind, Moved, Payment, Telling};
use crate::change::{Change, GatewayOrder, Hold};
use crate::event::Kind as EventKind;
use crate::id::SagaId;
use crate::money::Money;
use crate::principal::Actor;
use crate::saga::{self, Saga};
use crate::text::PaymentKey;
use crate::{Ctx, payment::PayStatus};

/// What the redirect brought back, as the merchant passes it on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApproveRequest {
    /// The gateway's name of the authentication.
    pub payment_key: PaymentKey,
    /// What the buyer's browser says was authenticated.
    pub amount: Money,
    /// Who asks.
    pub actor: Actor,
    /// The account's credentials in force.
    pub credential_version: i32,
    /// Whether an idempotency key waits for the outcome.
    pub keyed: bool,
    /// Who drives the saga from the start; `None` leaves it to recovery.
    pub hold: Option<Hold>,
    /// Whether it is left to a worker from the start: nobody calls before one has taken it up.
    pub asynchronous: bool,
}

/// Why an approval is refused before anything is stored or sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApproveRefusal {
    /// The gateway order was issued for another payment.
    #[error("the gateway order belongs to another payment")]
    OrderMismatch,
    /// The redirect's amount is not the payment's (`toss-api.md §1.2`).
    #[error("the amount is not the payment's")]
    AmountMismatch,
    /// Another attempt is unresolved.
    #[error("another attempt is unresolved")]
    InFlight {
        /// Which one.
        saga: SagaId,
    },
    /// It is paid already.
    #[error("the payment is approved already")]
    AlreadyApproved,
    /// It can no longer be paid.
    #[error("the payment is closed: {0}")]
    Closed(PayStatus),
    /// The time to pay is over.
    #[error("the time to pay is over")]
    Expired,
    /// The gateway took this authentication's money when it was too late; it is given back.
    #[error("the authentication is given back")]
    KeySpent,
    /// The gateway knows payments by their order alone, and the key names another one.
    #[error("at this gateway the payment key is the gateway order")]
    KeyNotOrder,
    /// An account is in somebody's name, and nobody's is known.
    #[error("nobody is named whose account it would be")]
    NoCustomer,
    /// A deposit cannot be taken until then.
    #[error("the due date is over or too far away")]
    DueDate,
    /// Not a payment that is paid this way.
    #[error("this kind of payment is not paid this way")]
    WrongKind,
}

impl From<Unready> for ApproveRefusal {
    fn from(unready: Unready) -> Self {
        match unready {
            Unready::Expired => Self::Expired,
            Unready::InFlight(saga) => Self::InFlight { saga },
            Unready::Paid => Self::AlreadyApproved,
            Unready::Closed(status) => Self::Closed(status),
        }
    }
}

impl Payment {
    /// Opens an approval: the payment goes `IN_PROGRESS` and the saga is ready to call. `earlier`
    /// are the payment's sagas.
    ///
    /// # Errors
    /// The payment does not take this approval; nothing is to be stored or sent.
    pub fn begin_approval(
        self,
        request: &ApproveRequest,
        order: &GatewayOrder,
        earlier: &[Saga],
        ctx: &Ctx<'_>,
    ) -> Result<(Moved, Saga), ApproveRefusal> {
        self.accepts(request, order, ctx)?;
        // A key is captured once, and what this one took is booked to be given back.
        if earlier
            .iter()
            .any(|saga| saga.gives_back(&request.payment_key))
        {
            return Err(ApproveRefusal::KeySpent);
        }
        let intent = saga::Intent::Approve(request.payment_key.clone());
        let asked = Asked {
            actor: request.actor,
            credential_version: request.credential_version,
            keyed: request.keyed,
        };
        let mut saga = Saga {
            // What of it is tax-free only the gateway's window was told.
            head: saga::Head {
                tax_free: Money::zero(request.amount.currency()),
                ..self.head_of(intent, order, &asked, ctx)
            },
            progress: saga::Progress::intended(Money::zero(request.amount.currency()), ctx.now),
            version: 1,
        };
        let mut telling = Telling::of(EventKind::ApprovalRequested, request.actor);
        telling.asynchronous = request.asynchronous;
        if request.asynchronous {
            saga = saga.left();
        }
        let status = self.status();
        let moved = self.begin(&saga, request.hold, telling, ctx);
        Ok((moved.map_err(|_| ApproveRefusal::Closed(status))?, saga))
    }

    fn accepts(
        &self,
        request: &ApproveRequest,
        order: &GatewayOrder,
        ctx: &Ctx<'_>,
    ) -> Result<(), ApproveRefusal> {
        if self.facts.kind != Kind::OneOff {
            return Err(ApproveRefusal::WrongKind);
        }
        if order.payment != self.facts.id {
            return Err(ApproveRefusal::OrderMismatch);
        }
        if request.amount != self.facts.amount {
            return Err(ApproveRefusal::AmountMismatch);
        }
        Ok(self.ready(ctx)?)
    }

    /// Issues a fresh gateway order, so that the window can be opened another time.
    ///
    /// # Errors
    /// The payment no longer waits for the buyer, or its time is over.
    pub fn reopen(
        self,
        order: GatewayOrder,
        actor: Actor,
        ctx: &Ctx<'_>,
    ) -> Result<Moved, ApproveRefusal> {
        if self.facts.kind != Kind::OneOff {
            return Err(ApproveRefusal::WrongKind);
        }
        self.ready(ctx)?;
        let status = self.status();
        let telling = Telling::of(EventKind::WindowReopened, actor);
        let mut moved = self.record(status, telling, ctx);
        moved.changes.push(Change::InsertGatewayOrder(order));
        Ok(moved)
    }
}
