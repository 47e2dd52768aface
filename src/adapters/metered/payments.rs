//! Owns passing reads of payments on; they are not counted.

use std::sync::Arc;

use application::ports::Store;
use application::ports::store::{Error, PageAfter, PaymentFilter, Payments, Whose};
use async_trait::async_trait;
use domain::Timestamp;
use domain::change::GatewayOrder;
use domain::event::PaymentEvent;
use domain::id::{GatewayOrderId, PaymentId};
use domain::ledger::Entry;
use domain::payment::Payment;
use domain::principal::{Owner, Scope};
use domain::text::OrderId;

use super::Metered;

#[async_trait]
impl Payments for Metered<Arc<dyn Store>> {
    async fn payment(&self, owner: &Owner, id: PaymentId) -> Result<Option<Payment>, Error> {
        self.inner.payment(owner, id).await
    }

    async fn any_payment(&self, id: PaymentId) -> Result<Option<Payment>, Error> {
        self.inner.any_payment(id).await
    }

    async fn members_of(&self, payments: &[PaymentId]) -> Result<Vec<Whose>, Error> {
        self.inner.members_of(payments).await
    }

    async fn payment_of_order(&self, scope: Scope, o: &OrderId) -> Result<Option<Payment>, Error> {
        self.inner.payment_of_order(scope, o).await
    }

    async fn gateway_order(&self, id: GatewayOrderId) -> Result<Option<GatewayOrder>, Error> {
        self.inner.gateway_order(id).await
    }

    async fn gateway_orders(&self, payment: PaymentId) -> Result<Vec<GatewayOrder>, Error> {
        self.inner.gateway_orders(payment).await
    }

    async fn payments(
        &self,
        scope: Scope,
        filter: &PaymentFilter,
        after: Option<PageAfter>,
        limit: u32,
    ) -> Result<Vec<Payment>, Error> {
        self.inner.payments(scope, filter, after, limit).await
    }

    async fn accounts_to_ask(&self, now: Timestamp, limit: u32) -> Result<Vec<Payment>, Error> {
        self.inner.accounts_to_ask(now, limit).await
    }

    async fn payments_to_expire(&self, now: Timestamp, limit: u32) -> Result<Vec<Payment>, Error> {
        self.inner.payments_to_expire(now, limit).await
    }

    async fn events(
        &self,
        payment: PaymentId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<PaymentEvent>, Error> {
        self.inner.events(payment, after, limit).await
    }

    async fn entries(&self, payment: PaymentId) -> Result<Vec<Entry>, Error> {
        self.inner.entries(payment).await
    }
}
