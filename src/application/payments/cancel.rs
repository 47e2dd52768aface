//! Owns giving money back: all of it, or a part, or closing what nobody has paid.

use std::sync::Arc;

use async_trait::async_trait;
use domain::id::{GatewayOrderId, PaymentId, SagaId};
use domain::money::Money;
use domain::payment::{CancelBegun, CancelRefusal, CancelRequest, Payment};
use domain::saga::{Outcome, Saga};
use domain::switch::Operation;
use domain::text::CancelReason;

use super::Answered;
use super::act::{ActError, Command, Decided, Verb};
use crate::idempotency::Keyed;
use crate::outcome::Ended;
use crate::ports::gateway::{Ability, RefundAccount};
use crate::ports::store;
use crate::view::PaymentView;
use crate::{App, Caller};

/// What somebody wants back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cancel {
    /// Of which payment.
    pub payment: PaymentId,
    /// How much, in minor units of the payment's currency; all that is left when it is not said.
    pub amount_minor: Option<i64>,
    /// How much of it is without VAT, in the same units.
    pub tax_free_minor: Option<i64>,
    /// Why.
    pub reason: CancelReason,
    /// Where a deposit goes back to; of no other payment.
    pub to: Option<RefundAccount>,
}

/// Why a cancellation was not begun.
pub type CancelError = ActError<CancelRefusal>;

impl App {
    /// Gives money back, or closes a payment that nobody has paid. Runs and answers as
    /// [`App::approve`] does.
    ///
    /// # Errors
    /// See [`ActError`]; nothing is stored and nothing was sent then.
    pub async fn cancel(
        self: &Arc<Self>,
        caller: Caller,
        command: Cancel,
        keyed: Keyed,
    ) -> Result<Answered, CancelError> {
        let keyed = match &command.to {
            Some(_) => self.concealed(caller.scope.merchant, keyed).await?,
            None => keyed,
        };
        self.act(caller, command, keyed).await
    }

    /// The gateway order that `payment` was captured under, or that its account was issued for.
    pub(crate) async fn captured_order(
        &self,
        payment: &Payment,
    ) -> Result<Option<GatewayOrderId>, store::Error> {
        if payment.captured.is_zero() && payment.account.is_none() {
            return Ok(None);
        }
        let sagas = self.parts.store.sagas_of(payment.facts.id).await?;
        let mut approved = sagas.iter().filter(|saga| {
            let outcome = saga.progress.outcome.as_ref();
            matches!(outcome, Some(Outcome::Approved | Outcome::Issued))
        });
        Ok(approved.next().map(Saga::order))
    }
}

#[async_trait]
impl Command for Cancel {
    type Refusal = CancelRefusal;

    const VERB: Verb = Verb::Cancel;

    fn payment(&self) -> PaymentId {
        self.payment
    }

    async fn decide(
        &self,
        app: &App,
        caller: &Caller,
        payment: Payment,
    ) -> Result<Decided, CancelError> {
        let account = payment.facts.account;
        app.ensure_not_paused(Operation::Cancels, caller.scope, account)?;
        let gateway = app.parts.gateways.of(account);
        let terms = gateway.as_ref().map(|gateway| gateway.terms());
        let currency = payment.facts.amount.currency();
        // Only what is beyond every amount is no money: more than is left, in any case.
        let money = |minor: Option<i64>| {
            let money = minor.map(|minor| Money::new(minor, currency));
            money.transpose().map_err(|_| {
                let left = payment.balance().unwrap_or(Money::zero(currency));
                ActError::Refused(CancelRefusal::OverBalance { left })
            })
        };
        let named = payment.fits_account(self.to.is_some());
        named.map_err(ActError::Refused)?;
        let ctx = app.runner.ctx(SagaId::new(app.draw()), &caller.trace);
        let to = match &self.to {
            Some(to) => {
                let saga = (payment.facts.scope.merchant, ctx.spare);
                Some(app.sealed_refund(saga, to).await?)
            }
            None => None,
        };
        let request = CancelRequest {
            amount: money(self.amount_minor)?,
            tax_free: money(self.tax_free_minor)?,
            reason: self.reason.clone(),
            actor: caller.actor,
            order: app.captured_order(&payment).await?,
            credential_version: terms.unwrap_or_default().credential_version,
            keyed: true,
            hold: Some(app.runner.hold()),
            to,
        };
        match payment
            .begin_cancel(&request, &ctx)
            .map_err(ActError::Refused)?
        {
            CancelBegun::Withdrawn(moved) => {
                let payment = Box::new(PaymentView::impersonal(&moved.payment));
                Ok(Decided::Over(moved, Ended::Canceled { payment }))
            }
            CancelBegun::Reserved(moved, saga) => {
                let gateway = gateway.ok_or(ActError::NoGateway)?;
                if !gateway.terms().abilities.has(Ability::GivesBack) {
                    return Err(ActError::CannotGiveBack);
                }
                gateway.admit()?;
                Ok(Decided::Drive(moved, saga))
            }
        }
    }
}
