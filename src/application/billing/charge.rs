//! Owns the charge on demand: key and amount come from our own records only.

use std::sync::Arc;

use async_trait::async_trait;
use domain::billing::BillingKey;
use domain::id::{BillingKeyId, PaymentId, SagaId};
use domain::payment::{ChargeRefusal, ChargeRequest, Payment};
use domain::switch::Operation;

use crate::idempotency::Keyed;
use crate::payments::{ActError, Answered, Command, Decided, Verb};
use crate::{App, Caller};

/// A payment to be charged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// Which payment; it names the member, the amount and the order.
    pub payment: PaymentId,
    /// With which of the member's billing keys; the default where none is named.
    pub billing_key: Option<BillingKeyId>,
}

/// Why nothing was charged.
pub type ChargeError = ActError<ChargeRefusal>;

impl App {
    /// Charges a payment with a billing key of its member's.
    ///
    /// # Errors
    /// See [`ActError`]; nothing is stored and nothing was sent then.
    pub async fn charge(
        self: &Arc<Self>,
        caller: Caller,
        command: Charge,
        keyed: Keyed,
    ) -> Result<Answered, ChargeError> {
        self.act(caller, command, keyed).await
    }

    /// The key that is named, or the member's default.
    async fn key_to_charge(
        &self,
        caller: &Caller,
        command: &Charge,
        payment: &Payment,
    ) -> Result<BillingKey, ChargeError> {
        let none = || ActError::Refused(ChargeRefusal::KeyMismatch);
        let store = &self.parts.store;
        if let Some(id) = command.billing_key {
            let found = store.billing_key(&caller.owner(), id).await?;
            return found.ok_or_else(none);
        }
        let member = payment.facts.customer.member.as_ref().ok_or_else(none)?;
        let limit = self.parts.bounds.billing_keys;
        let keys = store.billing_keys(caller.scope, member, limit).await?;
        keys.into_iter()
            .find(BillingKey::is_default)
            .ok_or_else(none)
    }
}

#[async_trait]
impl Command for Charge {
    type Refusal = ChargeRefusal;

    const VERB: Verb = Verb::Charge;

    fn payment(&self) -> PaymentId {
        self.payment
    }

    async fn decide(
        &self,
        app: &App,
        caller: &Caller,
        payment: Payment,
    ) -> Result<Decided, ChargeError> {
        let account = payment.facts.account;
        app.ensure_not_paused(Operation::Approvals, caller.scope, account)?;
        let key = app.key_to_charge(caller, self, &payment).await?;
        let orders = app.parts.store.gateway_orders(payment.facts.id).await?;
        let order = orders.into_iter().next();
        let order = order.ok_or(ActError::Refused(ChargeRefusal::OrderMismatch))?;
        let gateway = app.parts.gateways.of(account);
        let terms = gateway.as_ref().map(|gateway| gateway.terms());
        let terms = terms.unwrap_or_default();
        let request = ChargeRequest {
            actor: caller.actor,
            credential_version: terms.credential_version,
            keyed: true,
            hold: Some(app.runner.hold()),
        };
        let ctx = app.runner.ctx(SagaId::new(app.draw()), &caller.trace);
        let begun = payment.begin_charge(&request, &order, &key, &ctx);
        let (mut moved, saga) = begun.map_err(ActError::Refused)?;
        // A cycle's payment is charged with its cycle's knowing, and for nobody else's.
        moved
            .changes
            .extend(app.cycle_to_begin(self.payment).await?);
        let gateway = gateway.ok_or(ActError::NoGateway)?;
        if !terms.active {
            return Err(ActError::AccountDisabled);
        }
        gateway.admit()?;
        Ok(Decided::Drive(moved, Box::new(saga)))
    }
}
