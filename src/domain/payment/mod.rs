//! Owns the payment: its facts, its state as an enum with data, and every legal move of it.

mod account;
mod approve;
mod begin;
mod cancel;
mod canceled;
mod charge;
mod closing;
mod kind;
mod method;
mod moved;
mod observe;
mod outcome;
mod refund;
mod status;
mod teller;

pub use account::AccountRequest;
pub use approve::{ApproveRefusal, ApproveRequest};
pub use cancel::{CancelBegun, CancelRefusal, CancelRequest};
pub use canceled::{Canceled, ReasonCode};
pub use charge::{ChargeRefusal, ChargeRequest};
pub use kind::Kind;
pub use method::{Method, Methods};
pub use moved::Moved;
pub use observe::{Known, Observed, Strange};
pub(crate) use outcome::Captured;
pub use status::{Illegal, PayStatus, TRANSITIONS, Transition, Trigger, check};

use crate::change::Change;
use crate::decline::Decline;
use crate::event::{self, Draft, Kind as EventKind, PaymentEvent};
use crate::id::{GatewayAccountId, PaymentId, SagaId};
use crate::money::{Error as MoneyError, Money};
use crate::principal::{Actor, Scope};
use crate::refund::RefundStatus;
use crate::text::{CustomerName, MemberId, OrderId, OrderName, PaymentKey};
use crate::virtual_account::VirtualAccount;
use crate::{Ctx, Timestamp};

/// Who buys; every field erasable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Customer {
    /// The name.
    pub name: Option<CustomerName>,
    /// The merchant's id of the member.
    pub member: Option<MemberId>,
}

/// What never changes about a payment (but for erasure of the customer).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Its id.
    pub id: PaymentId,
    /// Whose.
    pub scope: Scope,
    /// At which gateway account.
    pub account: GatewayAccountId,
    /// The merchant's order.
    pub order_id: OrderId,
    /// What is bought.
    pub order_name: OrderName,
    /// What is to be paid.
    pub amount: Money,
    /// The part of it without VAT.
    pub tax_free: Money,
    /// Who buys.
    pub customer: Customer,
    /// How the money is taken.
    pub kind: Kind,
    /// Since when.
    pub created_at: Timestamp,
    /// Until when it can be paid.
    pub expires_at: Timestamp,
}

/// Where a payment stands. Data exists only in the states where it means something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Waits for the buyer; after a decline, with what the last attempt was told.
    Ready {
        /// The last attempt's decline.
        declined: Option<Decline>,
    },
    /// A call that may take money is unresolved.
    InProgress {
        /// The saga that will resolve it: an approval, or the reversal of a wrong capture.
        saga: SagaId,
    },
    /// A virtual account waits for its deposit.
    WaitingForDeposit {
        /// Until when.
        due_at: Timestamp,
    },
    /// Captured in full.
    Done {
        /// When the gateway approved.
        approved_at: Timestamp,
    },
    /// A cancellation is unresolved.
    CancelRequested {
        /// The saga that will resolve it.
        saga: SagaId,
        /// When the gateway approved.
        approved_at: Timestamp,
    },
    /// Captured, part given back.
    PartialCanceled {
        /// When the gateway approved.
        approved_at: Timestamp,
    },
    /// Nothing is held.
    Canceled {
        /// When the last of it was given back, or the payment withdrawn.
        canceled_at: Timestamp,
        /// When the gateway approved; none when it was withdrawn before.
        approved_at: Option<Timestamp>,
    },
    /// Declined for good.
    Aborted {
        /// Why.
        declined: Decline,
    },
    /// Nobody paid in time.
    Expired,
}

impl State {
    /// The status that the API shows.
    #[must_use]
    pub const fn status(&self) -> PayStatus {
        match self {
            Self::Ready { .. } => PayStatus::Ready,
            Self::InProgress { .. } => PayStatus::InProgress,
            Self::WaitingForDeposit { .. } => PayStatus::WaitingForDeposit,
            Self::Done { .. } => PayStatus::Done,
            Self::CancelRequested { .. } => PayStatus::CancelRequested,
            Self::PartialCanceled { .. } => PayStatus::PartialCanceled,
            Self::Canceled { .. } => PayStatus::Canceled,
            Self::Aborted { .. } => PayStatus::Aborted,
            Self::Expired => PayStatus::Expired,
        }
    }

    /// When the gateway approved, where it did.
    #[must_use]
    pub const fn approved_at(&self) -> Option<Timestamp> {
        match self {
            Self::Done { approved_at }
            | Self::CancelRequested { approved_at, .. }
            | Self::PartialCanceled { approved_at } => Some(*approved_at),
            Self::Canceled { approved_at, .. } => *approved_at,
            Self::Ready { .. }
            | Self::InProgress { .. }
            | Self::WaitingForDeposit { .. }
            | Self::Aborted { .. }
            | Self::Expired => None,
        }
    }

    /// The last decline, where one is shown.
    #[must_use]
    pub const fn declined(&self) -> Option<&Decline> {
        match self {
            Self::Ready { declined } => declined.as_ref(),
            Self::Aborted { declined } => Some(declined),
            Self::InProgress { .. }
            | Self::WaitingForDeposit { .. }
            | Self::Done { .. }
            | Self::CancelRequested { .. }
            | Self::PartialCanceled { .. }
            | Self::Canceled { .. }
            | Self::Expired => None,
        }
    }

    /// The saga that has to resolve it, where one has to.
    #[must_use]
    pub const fn saga(&self) -> Option<SagaId> {
        match self {
            Self::InProgress { saga } | Self::CancelRequested { saga, .. } => Some(*saga),
            Self::Ready { .. }
            | Self::WaitingForDeposit { .. }
            | Self::Done { .. }
            | Self::PartialCanceled { .. }
            | Self::Canceled { .. }
            | Self::Aborted { .. }
            | Self::Expired => None,
        }
    }
}

/// What paid it, as the gateway showed it at the capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paid {
    /// The authentication that was captured.
    pub payment_key: PaymentKey,
    /// Card, easy pay …, as the gateway words it.
    pub method: Option<String>,
    /// Where the buyer's receipt is.
    pub receipt_url: Option<String>,
}

/// The taking of money for one order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// What never changes.
    pub facts: Facts,
    /// Where it stands.
    pub state: State,
    /// What paid it; set by the capture, never by one in suspense.
    pub paid: Option<Paid>,
    /// Where the buyer pays in; set when a virtual account is issued, and kept.
    pub account: Option<Box<VirtualAccount>>,
    /// What was captured for the merchant; a wrong capture in suspense is not in here.
    pub captured: Money,
    /// The part of it without VAT, as the gateway counts it.
    pub captured_tax_free: Money,
    /// What of it was given back.
    pub canceled: Money,
    /// How it was given back, oldest first; together they make `canceled`.
    pub cancels: Vec<Canceled>,
    /// Raised by every update.
    pub version: i64,
    /// Where its chain of events ends.
    pub head: event::Head,
}

/// What an event should tell besides the move itself.
#[derive(Clone, Debug)]
struct Telling {
    kind: EventKind,
    actor: Actor,
    reason: Option<String>,
    saga: Option<SagaId>,
    asynchronous: bool,
    movement: Option<event::MovementFacts>,
    decline: Option<event::DeclineFacts>,
    reason_code: Option<ReasonCode>,
    tax_free: Option<event::TaxFreeFacts>,
    account: Option<event::AccountFacts>,
    refund_status: Option<RefundStatus>,
}

impl Telling {
    const fn of(kind: EventKind, actor: Actor) -> Self {
        Self {
            kind,
            actor,
            reason: None,
            saga: None,
            asynchronous: false,
            movement: None,
            decline: None,
            reason_code: None,
            tax_free: None,
            account: None,
            refund_status: None,
        }
    }
}

impl Payment {
    /// A new payment, READY, with its first event.
    #[must_use]
    pub fn prepare(facts: Facts, actor: Actor, ctx: &Ctx<'_>) -> Moved {
        let zero = Money::zero(facts.amount.currency());
        let mut payment = Self {
            facts,
            state: State::Ready { declined: None },
            paid: None,
            account: None,
            captured: zero,
            captured_tax_free: zero,
            canceled: zero,
            cancels: Vec::new(),
            version: 1,
            head: event::Head::START,
        };
        let event = payment.append(None, Telling::of(EventKind::Prepared, actor), ctx);
        let changes = vec![
            Change::InsertPayment(Box::new(payment.clone())),
            Change::AppendEvent(event),
        ];
        Moved { payment, changes }
    }

    /// The shown status.
    #[must_use]
    pub const fn status(&self) -> PayStatus {
        self.state.status()
    }

    /// What is captured and not given back.
    ///
    /// # Errors
    /// The stored sums contradict each other, which the database's CHECK rules out.
    pub fn balance(&self) -> Result<Money, MoneyError> {
        self.captured.minus(self.canceled)
    }

    /// Nobody paid in time: READY and past its expiry.
    ///
    /// # Errors
    /// It is not READY.
    pub fn expire(self, ctx: &Ctx<'_>) -> Result<Moved, Illegal> {
        let telling = Telling::of(EventKind::Expired, Actor::System);
        self.shift(Trigger::Expire, State::Expired, telling, ctx)
    }

    /// Moves to `to` when the table allows it, with exactly one event.
    fn shift(
        mut self,
        trigger: Trigger,
        to: State,
        telling: Telling,
        ctx: &Ctx<'_>,
    ) -> Result<Moved, Illegal> {
        let from = self.status();
        check(from, trigger, to.status(), telling.actor)?;
        self.state = to;
        Ok(self.record(from, telling, ctx))
    }

    /// Raises the version and appends one event; the state has been set.
    fn record(mut self, from: PayStatus, telling: Telling, ctx: &Ctx<'_>) -> Moved {
        let expected = self.version;
        self.version = expected.saturating_add(1);
        self.looks_anew(ctx.now);
        let event = self.append(Some(from), telling, ctx);
        let update = Change::UpdatePayment {
            payment: Box::new(self.clone()),
            expected,
        };
        Moved {
            payment: self,
            changes: vec![update, Change::AppendEvent(event)],
        }
    }

    fn append(
        &mut self,
        from: Option<PayStatus>,
        telling: Telling,
        ctx: &Ctx<'_>,
    ) -> Box<PaymentEvent> {
        let balance = self
            .balance()
            .unwrap_or(Money::zero(self.facts.amount.currency()));
        let order_id = self.facts.order_id.to_string();
        let mut payload = event::Payload::new(order_id, self.facts.amount, balance);
        payload.saga_id = telling.saga;
        payload.asynchronous = telling.asynchronous;
        payload.movement = telling.movement;
        payload.decline = telling.decline;
        payload.reason_code = telling.reason_code;
        payload.tax_free = telling.tax_free;
        payload.virtual_account = telling.account;
        payload.refund_status = telling.refund_status;
        let draft = Draft {
            scope: self.facts.scope,
            payment: self.facts.id,
            sequence: self.head.sequence.saturating_add(1),
            kind: telling.kind,
            from,
            to: self.status(),
            actor: telling.actor,
            reason: telling.reason,
            trace: ctx.trace,
            at: ctx.now,
            payload,
        };
        let previous = self.head.hash;
        let sealed = (ctx.seal)(&draft, &previous);
        self.head = event::Head {
            sequence: draft.sequence,
            hash: sealed.hash,
        };
        Box::new(draft.into_event(previous, sealed))
    }
}
