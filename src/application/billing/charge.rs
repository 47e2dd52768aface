//! Owns the charge on demand: key and amount come from our own records only.

use std::sync::Arc;

use async_trait::async_trait;
use domain::billing::BillingKey;
use domain::change::{Change, GatewayOrder};
use domain::id::{BillingKeyId, GatewayOrderId, PaymentId, SagaId};
use domain::payment::{ChargeRefusal, ChargeRequest, Kind, Payment};
use domain::switch::Operation;

use crate::idempotency::Keyed;
use crate::payments::{ActError, Answered, Command, Decided, Verb};
use crate::ports::store;
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

    /// The order that a payment is charged for next, and what has to be committed for it. The
    /// payment was read before: who opens a reversal for it moves it, so that the begin conflicts.
    pub(super) async fn order_to_charge(
        &self,
        payment: &Payment,
    ) -> Result<Option<(GatewayOrder, Option<Change>)>, store::Error> {
        let (store, id) = (&self.parts.store, payment.facts.id);
        let orders = store.gateway_orders(id).await?;
        let sagas = store.sagas_of(id).await?;
        let spare = GatewayOrderId::new(self.draw());
        let now = self.parts.clock.now();
        Ok(payment.order_to_charge(&orders, &sagas, (spare, now)))
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
        let found = store.dues().default_card(caller.scope, member).await?;
        found.ok_or_else(none)
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
        app.ensure_not_paused(Operation::Charges, caller.scope, account)?;
        if payment.facts.kind != Kind::Billing {
            return Err(ActError::Refused(ChargeRefusal::WrongKind));
        }
        let key = app.key_to_charge(caller, self, &payment).await?;
        let order = app.order_to_charge(&payment).await?;
        let (order, fresh) = order.ok_or(ActError::Refused(ChargeRefusal::OrderMismatch))?;
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
        let cycle = app.cycle_to_begin(self.payment).await?;
        moved.changes.extend(fresh.into_iter().chain(cycle));
        let gateway = gateway.ok_or(ActError::NoGateway)?;
        if !terms.active {
            return Err(ActError::AccountDisabled);
        }
        gateway.admit()?;
        Ok(Decided::Drive(moved, Box::new(saga)))
    }
}
