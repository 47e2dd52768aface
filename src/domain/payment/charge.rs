//! Owns the question whether a payment may be charged now, asked before anything is sent.

use super::begin::{Asked, Unready};
use super::{Kind, Moved, PayStatus, Payment, Telling};
use crate::billing::{self, BillingKey, Status};
use crate::change::{Change, GatewayOrder, Hold};
use crate::event::Kind as EventKind;
use crate::id::{GatewayOrderId, SagaId};
use crate::money::Money;
use crate::principal::Actor;
use crate::saga::{self, Saga};
use crate::{Ctx, Timestamp};

/// Who wants a payment charged, and how. What is taken is the payment's own amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChargeRequest {
    /// Who asks.
    pub actor: Actor,
    /// The account's credentials in force.
    pub credential_version: i32,
    /// Whether an idempotency key waits for the outcome.
    pub keyed: bool,
    /// Who drives the saga from the start; `None` leaves it to recovery.
    pub hold: Option<Hold>,
}

/// Why a charge is refused before anything is stored or sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChargeRefusal {
    /// Not a payment that is charged.
    #[error("this kind of payment is not charged with a billing key")]
    WrongKind,
    /// The gateway order was issued for another payment.
    #[error("the gateway order belongs to another payment")]
    OrderMismatch,
    /// The billing key is another member's, or lies at another gateway account.
    #[error("the billing key is not the payment's member's")]
    KeyMismatch,
    /// The billing key cannot be charged.
    #[error("the billing key is {0}")]
    KeyUnusable(Status),
    /// Another attempt is unresolved.
    #[error("another attempt is unresolved")]
    InFlight {
        /// Which one.
        saga: SagaId,
    },
    /// It is paid already.
    #[error("the payment is paid already")]
    AlreadyPaid,
    /// It can no longer be paid.
    #[error("the payment is closed: {0}")]
    Closed(PayStatus),
    /// The time to pay is over.
    #[error("the time to pay is over")]
    Expired,
}

impl From<Unready> for ChargeRefusal {
    fn from(unready: Unready) -> Self {
        match unready {
            Unready::Expired => Self::Expired,
            Unready::InFlight(saga) => Self::InFlight { saga },
            Unready::Paid => Self::AlreadyPaid,
            Unready::Closed(status) => Self::Closed(status),
        }
    }
}

impl Payment {
    /// The order that it is charged for next: the newest of `orders`, unless a reversal among its
    /// `sagas` names that one. What was taken for it wrongly is given back, and the gateway takes
    /// no money for an order that was captured (`toss-api.md §5`): it is charged for another one,
    /// with the id `spare`, that has to be committed with the charge. `orders` are newest first;
    /// both are to be read after the payment. None where it has no order.
    #[must_use]
    pub fn order_to_charge(
        &self,
        orders: &[GatewayOrder],
        sagas: &[Saga],
        (spare, now): (GatewayOrderId, Timestamp),
    ) -> Option<(GatewayOrder, Option<Change>)> {
        let newest = orders.first()?;
        let is_spent = sagas.iter().any(|saga| {
            saga.head.kind() == saga::Kind::Reversal && saga.head.gateway_order == newest.id
        });
        if !is_spent {
            return Some((newest.clone(), None));
        }
        let fresh = GatewayOrder {
            id: spare,
            payment: self.facts.id,
            created_at: now,
        };
        Some((fresh.clone(), Some(Change::InsertGatewayOrder(fresh))))
    }

    /// Opens a charge: the payment goes `IN_PROGRESS`, nobody can delete the key meanwhile, and
    /// the saga is ready to call.
    ///
    /// # Errors
    /// The payment or the key does not take this charge; nothing is to be stored or sent.
    pub fn begin_charge(
        self,
        request: &ChargeRequest,
        order: &GatewayOrder,
        key: &BillingKey,
        ctx: &Ctx<'_>,
    ) -> Result<(Moved, Saga), ChargeRefusal> {
        self.takes_charge(order, key, ctx)?;
        let expected = key.version;
        let charged = key.clone().charged();
        let charged = charged.map_err(|illegal| ChargeRefusal::KeyUnusable(illegal.0))?;
        let asked = Asked {
            actor: request.actor,
            credential_version: request.credential_version,
            keyed: request.keyed,
        };
        let saga = Saga {
            head: self.head_of(saga::Intent::Charge(key.id), order, &asked, ctx),
            progress: saga::Progress::intended(Money::zero(self.facts.amount.currency()), ctx.now),
            version: 1,
        };
        let telling = Telling::of(EventKind::ChargeRequested, request.actor);
        let status = self.status();
        let moved = self.begin(&saga, request.hold, telling, ctx);
        let mut moved = moved.map_err(|_| ChargeRefusal::Closed(status))?;
        let touched = billing::Change::Update {
            key: Box::new(charged),
            expected,
            hold: None,
        };
        moved.changes.push(Change::Billing(Box::new(touched)));
        Ok((moved, saga))
    }

    /// Nobody is asked for it any more: the subscription that it was to pay a cycle of has been
    /// given up. Its status stays what it is.
    #[must_use]
    pub fn billing_failed(self, ctx: &Ctx<'_>) -> Moved {
        let status = self.status();
        let telling = Telling::of(EventKind::BillingFailed, Actor::System);
        self.record(status, telling, ctx)
    }

    fn takes_charge(
        &self,
        order: &GatewayOrder,
        key: &BillingKey,
        ctx: &Ctx<'_>,
    ) -> Result<(), ChargeRefusal> {
        if self.facts.kind != Kind::Billing {
            return Err(ChargeRefusal::WrongKind);
        }
        if order.payment != self.facts.id {
            return Err(ChargeRefusal::OrderMismatch);
        }
        let own = self.facts.customer.member.as_ref() == Some(&key.member);
        if !own || key.scope != self.facts.scope || key.account != self.facts.account {
            return Err(ChargeRefusal::KeyMismatch);
        }
        Ok(self.ready(ctx)?)
    }
}
