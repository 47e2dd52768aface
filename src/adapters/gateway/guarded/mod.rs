//! Owns the guard around a gateway: bulkhead, breaker and what the operator gets to see of it.

use std::sync::Arc;

use application::ports::PaymentGateway;
use application::ports::gateway::Refused;
use async_trait::async_trait;
use domain::id::{GatewayAccountId, GatewayOrderId};
use domain::saga::{CancelCall, ConfirmCall};
use domain::snapshot::{Answer, Cause};
use domain::text::PaymentKey;
use tokio::time::Instant;
use tracing::{error, info, warn};

use super::breaker::{Breaker, Health, Limits, Turn};
use super::bulkhead::{Bulkhead, Room};
use super::observer::{Observer, Operation, outcome};
use super::{Held, Share};

/// A gateway that is not called while it fails, nor more often at once than it may be.
pub struct Guarded<G> {
    gateway: G,
    account: GatewayAccountId,
    breaker: Breaker,
    bulkhead: Bulkhead,
    observer: Arc<dyn Observer>,
}

/// How far a gateway is called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Guard {
    /// When to stop calling.
    pub limits: Limits,
    /// How much at once.
    pub room: Room,
}

impl<G: PaymentGateway> Guarded<G> {
    /// Guards `gateway`, which serves `account`.
    pub fn new(
        gateway: G,
        account: GatewayAccountId,
        guard: Guard,
        observer: Arc<dyn Observer>,
    ) -> Self {
        Self {
            gateway,
            account,
            breaker: Breaker::new(guard.limits),
            bulkhead: Bulkhead::new(guard.room),
            observer,
        }
    }

    async fn observed(
        &self,
        operation: Operation,
        call: impl Future<Output = Answer> + Send,
    ) -> Answer {
        let begun = Instant::now();
        let heard = self.guarded(operation.share(), call).await;
        let word = heard.as_ref().map_or_else(|held| held.as_str(), outcome);
        self.observer
            .called(self.account, operation, word, begun.elapsed());
        heard.unwrap_or_else(|held| {
            info!(account = %self.account, %operation, why = held.as_str(), "call held back");
            Answer::Unknown(Cause::NotSent)
        })
    }

    async fn guarded(
        &self,
        share: Share,
        call: impl Future<Output = Answer> + Send,
    ) -> Result<Answer, Held> {
        let _place = self.bulkhead.enter(share).await.ok_or(Held::BulkheadFull)?;
        let pass = self.breaker.enter(share).ok_or(Held::BreakerOpen)?;
        let answer = call.await;
        if let Some(turn) = pass.settle(Health::of(&answer)) {
            self.turned(turn);
        }
        Ok(answer)
    }

    fn turned(&self, turn: Turn) {
        let account = self.account;
        match turn {
            Turn::Opened => warn!(%account, "breaker opened: the gateway is failing"),
            Turn::Locked => error!(%account, "breaker opened: the gateway refuses our credentials"),
            Turn::Closed => info!(%account, "breaker closed: the gateway works again"),
        }
        self.observer.turned(account, turn);
    }
}

#[async_trait]
impl<G: PaymentGateway> PaymentGateway for Guarded<G> {
    fn admit(&self) -> Result<(), Refused> {
        self.gateway.admit()?;
        if !self.bulkhead.has_room() {
            return Err(Refused::BulkheadFull);
        }
        // Last, because being let in may use up the one chance of a cool-down.
        self.breaker
            .admit()
            .map_err(|retry_after| Refused::BreakerOpen { retry_after })
    }

    async fn confirm(&self, call: &ConfirmCall) -> Answer {
        self.observed(Operation::Confirm, self.gateway.confirm(call))
            .await
    }

    async fn cancel(&self, call: &CancelCall) -> Answer {
        self.observed(Operation::Cancel, self.gateway.cancel(call))
            .await
    }

    async fn payment_by_key(&self, key: &PaymentKey) -> Answer {
        self.observed(Operation::AskByKey, self.gateway.payment_by_key(key))
            .await
    }

    async fn payment_by_order(&self, order: &GatewayOrderId) -> Answer {
        self.observed(Operation::AskByOrder, self.gateway.payment_by_order(order))
            .await
    }
}

#[cfg(test)]
mod tests;
