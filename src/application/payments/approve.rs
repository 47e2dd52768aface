//! Owns approving a payment: decide, commit, and only then act.

use std::sync::Arc;

use async_trait::async_trait;
use domain::id::{GatewayOrderId, PaymentId, SagaId};
use domain::money::Money;
use domain::payment::{ApproveRefusal, ApproveRequest, Payment};
use domain::switch::Operation;
use domain::text::PaymentKey;

use super::Answered;
use super::act::{ActError, Command, Decided, Verb};
use crate::idempotency::Keyed;
use crate::ports::gateway::Ability;
use crate::{App, Caller};

/// What the redirect brought back, as the merchant passes it on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approve {
    /// Which payment.
    pub payment: PaymentId,
    /// The gateway's name of the authentication.
    pub payment_key: PaymentKey,
    /// The order id that the window was opened with.
    pub gateway_order: GatewayOrderId,
    /// What the redirect says was authenticated, in minor units of the payment's currency.
    pub amount_minor: i64,
    /// Whether it is left to a worker, and answered as pending at once.
    pub asynchronous: bool,
}

/// Why an approval was not begun.
pub type ApproveError = ActError<ApproveRefusal>;

impl App {
    /// Approves a payment. The work runs on a task of its own, so a caller that leaves changes
    /// nothing; when it takes longer than the patience, the answer is pending.
    ///
    /// # Errors
    /// See [`ActError`]; nothing is stored and nothing was sent then.
    pub async fn approve(
        self: &Arc<Self>,
        caller: Caller,
        command: Approve,
        keyed: Keyed,
    ) -> Result<Answered, ApproveError> {
        self.act(caller, command, keyed).await
    }
}

#[async_trait]
impl Command for Approve {
    type Refusal = ApproveRefusal;

    const VERB: Verb = Verb::Approve;

    fn payment(&self) -> PaymentId {
        self.payment
    }

    async fn decide(
        &self,
        app: &App,
        caller: &Caller,
        payment: Payment,
    ) -> Result<Decided, ApproveError> {
        let account = payment.facts.account;
        let order = app.parts.store.gateway_order(self.gateway_order).await?;
        let order = order.ok_or(ActError::Refused(ApproveRefusal::OrderMismatch))?;
        app.ensure_not_paused(Operation::Approvals, caller.scope, account)?;
        let gateway = app.parts.gateways.of(account);
        let terms = gateway.as_ref().map(|gateway| gateway.terms());
        let terms = terms.unwrap_or_default();
        let amount = Money::new(self.amount_minor, payment.facts.amount.currency())
            .map_err(|_| ActError::Refused(ApproveRefusal::AmountMismatch))?;
        // Only after an attempt that was given up can there be anything to give back.
        let earlier = match payment.state.declined() {
            Some(_) => app.parts.store.sagas_of(payment.facts.id).await?,
            None => Vec::new(),
        };
        let request = ApproveRequest {
            payment_key: self.payment_key.clone(),
            amount,
            actor: caller.actor,
            credential_version: terms.credential_version,
            keyed: true,
            hold: (!self.asynchronous).then(|| app.runner.hold()),
            asynchronous: self.asynchronous,
        };
        let ctx = app.runner.ctx(SagaId::new(app.draw()), &caller.trace);
        let begun = payment.begin_approval(&request, &order, &earlier, &ctx);
        let (moved, saga) = begun.map_err(ActError::Refused)?;
        let gateway = gateway.ok_or(ActError::NoGateway)?;
        // What is taken is booked once by its payment key: it must not be anybody's to choose.
        if !terms.abilities.has(Ability::NamesPayments)
            && self.payment_key.as_str() != self.gateway_order.to_string()
        {
            return Err(ActError::Refused(ApproveRefusal::KeyNotOrder));
        }
        if !terms.active {
            return Err(ActError::AccountDisabled);
        }
        gateway.admit()?;
        let saga = Box::new(saga);
        Ok(if self.asynchronous {
            Decided::Leave(moved, saga)
        } else {
            Decided::Drive(moved, saga)
        })
    }
}
