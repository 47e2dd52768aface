//! Owns the guard around a gateway: bulkhead, breaker and what the operator gets to see of it.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use application::ports::PaymentGateway;
use application::ports::gateway::{
    Ability, AccountWish, DeleteCall, Deleted, Glance, Instrument, IssueCall, Issued, ListPage,
    RefundAccount, Refused, Terms,
};
use application::trace::{self, Open, Side};
use async_trait::async_trait;
use domain::Timestamp;
use domain::id::{GatewayAccountId, GatewayOrderId};
use domain::saga::{CancelCall, ChargeCall, ConfirmCall, IssueAccountCall};
use domain::snapshot::{Answer, Cause};
use domain::text::{PaymentKey, TransactionKey};
use tokio::time::Instant;
use tracing::{error, info, warn};

use super::breaker::{Breaker, Health, Limits, Turn};
use super::bulkhead::{Bulkhead, Room};
use super::observer::{Observer, Operation, outcome, unknown};
use super::{Held, Share};

/// A gateway that is not called while it fails, nor more often at once than it may be.
pub struct Guarded<G> {
    gateway: G,
    account: GatewayAccountId,
    /// Whether the account takes new payments; the only term that changes under a key.
    active: AtomicBool,
    /// Whether it answers questions; one that does not is not held to be failing for that.
    answers: bool,
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
            active: AtomicBool::new(gateway.terms().active),
            answers: gateway.terms().abilities.has(Ability::Answers),
            gateway,
            account,
            breaker: Breaker::new(guard.limits),
            bulkhead: Bulkhead::new(guard.room),
            observer,
        }
    }

    /// Lets the account take new payments or not, from now on.
    pub fn set_active(&self, active: bool) {
        self.active.store(active, Ordering::Relaxed);
    }

    /// Whether actions are held back.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.breaker.is_open()
    }

    async fn observed(
        &self,
        operation: Operation,
        call: impl Future<Output = Answer> + Send,
    ) -> Answer {
        if !self.answers && operation.share() == Share::Question {
            return Answer::Unknown(Cause::Mute);
        }
        let told = |answer: &Answer| (outcome(answer), Health::of(answer));
        let heard = self.guarded(operation, call, told).await;
        heard.unwrap_or(Answer::Unknown(Cause::NotSent))
    }

    /// None where the call was held back; `told` reads the word and the health off its answer.
    async fn guarded<T>(
        &self,
        operation: Operation,
        call: impl Future<Output = T> + Send,
        told: impl Fn(&T) -> (&'static str, Health) + Send,
    ) -> Option<T> {
        let (begun, open) = (Instant::now(), Open::here("gateway", Side::Asks));
        let calling = self.held_or_heard(operation.share(), call, &told);
        let heard = match &open {
            Some(open) => trace::within(open.trace(), calling).await,
            None => calling.await,
        };
        let word: &'static str = match &heard {
            Ok((_, word)) => word,
            Err(held) => held.as_str(),
        };
        if let Some(mut open) = open {
            open.word("payflow.gateway.operation", operation.as_str());
            open.word("payflow.gateway.outcome", word);
            open.shown("payflow.gateway.account", &self.account);
            if heard.is_err() {
                open.fail();
            }
        }
        self.observer
            .called(self.account, operation, word, begun.elapsed());
        match heard {
            Ok((answer, _)) => Some(answer),
            Err(held) => {
                info!(account = %self.account, %operation, why = held.as_str(), "call held back");
                None
            }
        }
    }

    /// A glance is held back while the gateway fails, and what it hears says nothing of that.
    async fn glanced(&self, call: impl Future<Output = Answer> + Send) -> Result<Answer, Held> {
        let _place = self.bulkhead.glance().ok_or(Held::BulkheadFull)?;
        if self.breaker.is_open() {
            return Err(Held::BreakerOpen);
        }
        Ok(call.await)
    }

    async fn held_or_heard<T>(
        &self,
        share: Share,
        call: impl Future<Output = T> + Send,
        told: &impl Fn(&T) -> (&'static str, Health),
    ) -> Result<(T, &'static str), Held> {
        let _place = self.bulkhead.enter(share).await.ok_or(Held::BulkheadFull)?;
        let pass = self.breaker.enter(share).ok_or(Held::BreakerOpen)?;
        let answer = call.await;
        let (word, health) = told(&answer);
        if let Some(turn) = pass.settle(health) {
            self.turned(turn);
        }
        Ok((answer, word))
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
    fn terms(&self) -> Terms {
        Terms {
            active: self.active.load(Ordering::Relaxed),
            ..self.gateway.terms()
        }
    }

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

    async fn cancel_to(&self, call: &CancelCall, to: &RefundAccount) -> Answer {
        self.observed(Operation::Cancel, self.gateway.cancel_to(call, to))
            .await
    }

    async fn charge(&self, call: &ChargeCall, with: &Instrument) -> Answer {
        self.observed(Operation::Charge, self.gateway.charge(call, with))
            .await
    }

    async fn issue_account(&self, call: &IssueAccountCall, with: &AccountWish) -> Answer {
        let issued = self.gateway.issue_account(call, with);
        self.observed(Operation::IssueAccount, issued).await
    }

    async fn issue_key(&self, call: &IssueCall) -> Issued {
        let call = self.gateway.issue_key(call);
        let told = |answer: &Issued| match answer {
            Issued::Key(_) => ("found", Health::Well),
            Issued::Declined(_) => ("declined", Health::Well),
            Issued::Unknown(cause) => (unknown(cause), Health::without(cause)),
        };
        let heard = self.guarded(Operation::IssueKey, call, told).await;
        heard.unwrap_or(Issued::Unknown(Cause::NotSent))
    }

    async fn delete_key(&self, call: &DeleteCall) -> Deleted {
        let call = self.gateway.delete_key(call);
        let told = |answer: &Deleted| match answer {
            Deleted::Gone => ("found", Health::Well),
            Deleted::Declined(_) => ("declined", Health::Well),
            Deleted::Unknown(cause) => (unknown(cause), Health::without(cause)),
        };
        let heard = self.guarded(Operation::DeleteKey, call, told).await;
        heard.unwrap_or(Deleted::Unknown(Cause::NotSent))
    }

    async fn payment_by_key(&self, key: &PaymentKey) -> Answer {
        self.observed(Operation::AskByKey, self.gateway.payment_by_key(key))
            .await
    }

    async fn payment_by_order(&self, order: &GatewayOrderId) -> Answer {
        self.observed(Operation::AskByOrder, self.gateway.payment_by_order(order))
            .await
    }

    async fn glance(&self, at: Glance<'_>) -> Answer {
        let begun = Instant::now();
        let heard = self.glanced(self.gateway.glance(at)).await;
        let word = match &heard {
            Ok(answer) => outcome(answer),
            Err(held) => held.as_str(),
        };
        self.observer
            .called(self.account, Operation::Glance, word, begun.elapsed());
        heard.unwrap_or(Answer::Unknown(Cause::NotSent))
    }

    async fn movements(
        &self,
        within: &Range<Timestamp>,
        after: Option<&TransactionKey>,
        limit: u32,
    ) -> Result<ListPage, Cause> {
        let call = self.gateway.movements(within, after, limit);
        let told = |page: &Result<ListPage, Cause>| match page {
            Ok(_) => ("found", Health::Well),
            Err(cause) => (unknown(cause), health_without_list(cause)),
        };
        let heard = self.guarded(Operation::List, call, told).await;
        heard.unwrap_or(Err(Cause::NotSent))
    }
}

/// A list that is refused or makes no sense says nothing about payments, and must not stop them.
const fn health_without_list(cause: &Cause) -> Health {
    match cause {
        Cause::NotSent | Cause::Lost => Health::Failing,
        Cause::Busy { .. }
        | Cause::Temporary(_)
        | Cause::Conflict(_)
        | Cause::SessionGone
        | Cause::Refused(_)
        | Cause::Configuration(_)
        | Cause::Unreadable(_)
        | Cause::Mute => Health::Busy,
    }
}

#[cfg(test)]
mod tests;
