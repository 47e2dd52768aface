//! Owns the way of subscriptions through the counting store: what taking due cycles costs is timed.

use std::sync::Arc;

use application::ports::Store;
use application::ports::store::{Dues, Error, Subscriptions};
use async_trait::async_trait;
use domain::Timestamp;
use domain::calendar::CycleNumber;
use domain::change::Hold;
use domain::id::{MerchantId, PaymentId, SubscriptionId};
use domain::principal::{Owner, Scope};
use domain::subscription::{Cycle, Event, Plan, Subscription};
use domain::text::PlanCode;
use tokio::time::Instant;

use super::Metered;

#[async_trait]
impl Subscriptions for Metered<Arc<dyn Store>> {
    fn dues(&self) -> &dyn Dues {
        self.inner.dues()
    }

    async fn plan(&self, scope: Scope, code: &PlanCode) -> Result<Option<Plan>, Error> {
        self.inner.plan(scope, code).await
    }

    async fn plans(&self, scope: Scope, limit: u32) -> Result<Vec<Plan>, Error> {
        self.inner.plans(scope, limit).await
    }

    async fn subscription(
        &self,
        owner: &Owner,
        id: SubscriptionId,
    ) -> Result<Option<Subscription>, Error> {
        self.inner.subscription(owner, id).await
    }

    async fn any_subscription(&self, id: SubscriptionId) -> Result<Option<Subscription>, Error> {
        self.inner.any_subscription(id).await
    }

    async fn subscriptions(
        &self,
        owner: &Owner,
        before: Option<SubscriptionId>,
        limit: u32,
    ) -> Result<Vec<Subscription>, Error> {
        self.inner.subscriptions(owner, before, limit).await
    }

    async fn cycles(
        &self,
        subscription: SubscriptionId,
        before: Option<CycleNumber>,
        limit: u32,
    ) -> Result<Vec<Cycle>, Error> {
        self.inner.cycles(subscription, before, limit).await
    }

    async fn cycle_of(&self, payment: PaymentId) -> Result<Option<Cycle>, Error> {
        self.inner.cycle_of(payment).await
    }

    async fn subscription_events(
        &self,
        subscription: SubscriptionId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<Event>, Error> {
        self.inner
            .subscription_events(subscription, after, limit)
            .await
    }

    async fn claim_cycles(
        &self,
        now: Timestamp,
        hold: Hold,
        except: &[MerchantId],
        limit: u32,
    ) -> Result<Vec<Cycle>, Error> {
        let started = Instant::now();
        let taken = self.inner.claim_cycles(now, hold, except, limit).await;
        if let Ok(cycles) = &taken {
            self.metrics.billing.taken(cycles.len(), started.elapsed());
        }
        taken
    }
}
