//! Owns preparing a payment, and opening its window another time.

use std::time::Duration;

use domain::change::{Change, GatewayOrder};
use domain::id::{GatewayAccountId, GatewayOrderId, PaymentId, SagaId};
use domain::money::Money;
use domain::payment::{ApproveRefusal, Customer, Facts, Kind, Method, Moved, Payment};
use domain::principal::Actor;
use domain::text::{OrderId, OrderName};

use super::Answered;
use super::choice::Taking;
use crate::crash::crash_point;
use crate::flight::Boarding;
use crate::idempotency::{Earlier, Either, KeyError, Keyed, later};
use crate::outcome::{Ended, Outcome};
use crate::ports::store::{self, CommitError};
use crate::view::PaymentView;
use crate::{App, Caller};

/// A payment to be prepared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepare {
    /// The merchant's order; taken once per merchant and mode.
    pub order_id: OrderId,
    /// What is bought.
    pub order_name: OrderName,
    /// What is to be paid.
    pub amount: Money,
    /// The part of it without VAT; none by default.
    pub tax_free: Option<Money>,
    /// How the money is to be taken.
    pub kind: Kind,
    /// What the buyer pays with, where that is known already: it decides at which account.
    pub method: Option<Method>,
    /// Who buys.
    pub customer: Customer,
    /// How long it can be paid; the service's default where none is given.
    pub lifetime: Option<Duration>,
}

/// What a fresh opening of the window needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The payment.
    pub payment: PaymentView,
    /// The order id for the window.
    pub gateway_order: GatewayOrderId,
}

/// Why a payment was not prepared, or its window not opened again.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The order has a payment already.
    #[error("the order has a payment already")]
    OrderTaken {
        /// That payment.
        payment: PaymentId,
    },
    /// More is free of tax than is to be paid.
    #[error("the tax-free part is larger than the amount")]
    TaxFreeOverAmount,
    /// The merchant does not take the currency.
    #[error("the currency is not enabled for the merchant")]
    CurrencyDisabled,
    /// Nothing is to be paid.
    #[error("the amount is zero")]
    ZeroAmount,
    /// The merchant has no account at a gateway in this mode.
    #[error("the merchant has no gateway account")]
    NoGateway,
    /// Every account that the merchant has in this mode is disabled.
    #[error("the merchant's gateway accounts are disabled")]
    AccountDisabled,
    /// None of the merchant's accounts takes such a payment.
    #[error("no gateway account of the merchant takes such a payment")]
    NotTaken,
    /// No such payment of this caller.
    #[error("no such payment")]
    NotFound,
    /// The payment no longer waits for the buyer.
    #[error(transparent)]
    Refused(#[from] ApproveRefusal),
    /// The idempotency key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Others were first, again and again.
    #[error("too many conflicts; try again")]
    Contended,
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl App {
    /// Prepares a payment: READY, with a first gateway order.
    ///
    /// # Errors
    /// See [`PrepareError`]; nothing is stored then.
    pub async fn prepare(
        &self,
        caller: &Caller,
        command: &Prepare,
        keyed: Option<&Keyed>,
    ) -> Result<Answered, PrepareError> {
        if command.amount.is_zero() {
            return Err(PrepareError::ZeroAmount);
        }
        let zero = Money::zero(command.amount.currency());
        let tax_free = command.tax_free.unwrap_or(zero);
        command
            .amount
            .minus(tax_free)
            .map_err(|_| PrepareError::TaxFreeOverAmount)?;
        let Some(given) = keyed else {
            return self.prepare_new(caller, command, tax_free, None).await;
        };
        let flight = match self.board(caller, given).await? {
            Boarding::Ended(ended, since) => return Ok(Answered::again(*ended, since)),
            Boarding::Go(flight) => flight,
        };
        let done = self.prepare_new(caller, command, tax_free, keyed).await;
        flight.land(done.as_ref().ok()).await;
        done
    }

    async fn prepare_new(
        &self,
        caller: &Caller,
        command: &Prepare,
        tax_free: Money,
        keyed: Option<&Keyed>,
    ) -> Result<Answered, PrepareError> {
        for _ in 0..self.parts.bounds.conflicts_max {
            if let Some(keyed) = keyed
                && let Some(answered) = self.prepared_before(caller, keyed).await?
            {
                return Ok(answered);
            }
            let tenant = self.tenant(caller.scope.merchant).await?;
            if !tenant.currencies.contains(command.amount.currency()) {
                return Err(PrepareError::CurrencyDisabled);
            }
            let store = &self.parts.store;
            if let Some(taken) = store
                .payment_of_order(caller.scope, &command.order_id)
                .await?
            {
                // Perhaps by this very request, sent twice at once.
                if let Some(keyed) = keyed
                    && let Some(answered) = self.prepared_before(caller, keyed).await?
                {
                    return Ok(answered);
                }
                return Err(PrepareError::OrderTaken {
                    payment: taken.facts.id,
                });
            }
            let taking = Taking {
                kind: command.kind,
                method: command.method,
            };
            let account = self.account_for(caller.scope, taking).await?;
            let facts = self.facts(caller, command, account, tax_free);
            match self.commit_prepared(caller, facts, keyed).await {
                Ok(ended) => return Ok(Answered::first(Outcome::Ended(ended))),
                // After a doubtful commit the next round finds its own key or order.
                Err(CommitError::Conflict | CommitError::InDoubt) => {}
                Err(CommitError::Store(error)) => return Err(error.into()),
            }
        }
        Err(PrepareError::Contended)
    }

    /// What the window of this payment is opened with.
    pub(crate) fn client_key(&self, account: GatewayAccountId) -> Option<String> {
        let gateway = self.parts.gateways.of(account)?;
        gateway.terms().client_key.map(|key| key.to_string())
    }

    async fn prepared_before(
        &self,
        caller: &Caller,
        keyed: &Keyed,
    ) -> Result<Option<Answered>, PrepareError> {
        Ok(match self.earlier(caller, keyed).await? {
            Earlier::Nothing => None,
            Earlier::Ended(ended, since) => Some(Answered::again(*ended, since)),
            Earlier::Pending(payment) => {
                let found = self.parts.store.payment(&caller.owner(), payment).await?;
                let payment = found.ok_or(PrepareError::NotFound)?;
                let view = PaymentView::impersonal(&payment);
                Some(Answered::still(Outcome::Pending(Box::new(view))))
            }
        })
    }

    fn facts(
        &self,
        caller: &Caller,
        command: &Prepare,
        account: GatewayAccountId,
        tax_free: Money,
    ) -> Facts {
        let now = self.parts.clock.now();
        let lifetime = command
            .lifetime
            .unwrap_or(self.parts.timings.payment_lifetime);
        Facts {
            id: PaymentId::new(self.draw()),
            scope: caller.scope,
            account,
            order_id: command.order_id.clone(),
            order_name: command.order_name.clone(),
            amount: command.amount,
            tax_free,
            customer: command.customer.clone(),
            kind: command.kind,
            created_at: now,
            expires_at: later(now, lifetime),
        }
    }

    async fn commit_prepared(
        &self,
        caller: &Caller,
        facts: Facts,
        keyed: Option<&Keyed>,
    ) -> Result<Ended, CommitError> {
        let ctx = self.runner.ctx(SagaId::new(self.draw()), &caller.trace);
        let Moved {
            payment,
            mut changes,
        } = Payment::prepare(facts, caller.actor, &ctx);
        let order = self.fresh_order(&payment);
        let mut view = PaymentView::impersonal(&payment);
        view.gateway_order_id = Some(order.id.to_string());
        view.client_key = self.client_key(payment.facts.account);
        let ended = Ended::Prepared {
            payment: Box::new(view),
        };
        changes.push(Change::InsertGatewayOrder(order));
        if let Some(keyed) = keyed {
            let end = Either::Outcome(ended.clone());
            let reservation = self.reservation(caller, keyed, Some(payment.facts.id), end);
            changes.push(Change::ReserveKey(Box::new(reservation)));
        }
        crash_point!("prepare.before_commit");
        self.parts.store.commit(&changes).await?;
        crash_point!("prepare.after_commit");
        Ok(ended)
    }

    fn fresh_order(&self, payment: &Payment) -> GatewayOrder {
        GatewayOrder {
            id: GatewayOrderId::new(self.draw()),
            payment: payment.facts.id,
            created_at: self.parts.clock.now(),
        }
    }

    /// Issues a fresh gateway order for another opening of the window.
    ///
    /// # Errors
    /// See [`PrepareError`]; nothing is stored then.
    pub async fn reopen(&self, caller: &Caller, id: PaymentId) -> Result<Opening, PrepareError> {
        for _ in 0..self.parts.bounds.conflicts_max {
            let found = self.parts.store.payment(&caller.owner(), id).await?;
            let payment = found.ok_or(PrepareError::NotFound)?;
            let order = self.fresh_order(&payment);
            let gateway_order = order.id;
            let ctx = self.runner.ctx(SagaId::new(self.draw()), &caller.trace);
            let moved = payment.reopen(order, caller.actor, &ctx)?;
            match self.parts.store.commit(&moved.changes).await {
                Ok(()) => {
                    // A page that nobody has signed in to: anybody may be looking.
                    let is_public = caller.actor == Actor::Buyer && caller.member.is_none();
                    let mut payment = if is_public {
                        PaymentView::impersonal(&moved.payment)
                    } else {
                        PaymentView::of(&moved.payment)
                    };
                    payment.gateway_order_id = Some(gateway_order.to_string());
                    payment.client_key = self.client_key(moved.payment.facts.account);
                    return Ok(Opening {
                        payment,
                        gateway_order,
                    });
                }
                // An order that a doubtful commit left unused does no harm.
                Err(CommitError::Conflict | CommitError::InDoubt) => {}
                Err(CommitError::Store(error)) => return Err(error.into()),
            }
        }
        Err(PrepareError::Contended)
    }
}
