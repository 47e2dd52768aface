//! Owns the way of subscriptions through the faulty store: the scripts do not strike it, but races
//! have their turns here.

use application::ports::store::{Dues, Error, Subscriptions};
use async_trait::async_trait;
use domain::Timestamp;
use domain::calendar::CycleNumber;
use domain::change::Hold;
use domain::id::{MerchantId, PaymentId, SubscriptionId};
use domain::principal::{Owner, Scope};
use domain::subscription::{Cycle, Event, Plan, Subscription};
use domain::text::PlanCode;

use crate::store::Faulty;

#[async_trait]
impl Subscriptions for Faulty {
    fn dues(&self) -> &dyn Dues {
        self.memory.as_ref()
    }

    async fn plan(&self, scope: Scope, code: &PlanCode) -> Result<Option<Plan>, Error> {
        self.memory.plan(scope, code).await
    }

    async fn plans(&self, scope: Scope, limit: u32) -> Result<Vec<Plan>, Error> {
        self.memory.plans(scope, limit).await
    }

    async fn subscription(
        &self,
        owner: &Owner,
        id: SubscriptionId,
    ) -> Result<Option<Subscription>, Error> {
        self.pass.through().await;
        self.memory.subscription(owner, id).await
    }

    async fn any_subscription(&self, id: SubscriptionId) -> Result<Option<Subscription>, Error> {
        self.pass.through().await;
        self.memory.any_subscription(id).await
    }

    async fn subscriptions(
        &self,
        owner: &Owner,
        before: Option<SubscriptionId>,
        limit: u32,
    ) -> Result<Vec<Subscription>, Error> {
        self.memory.subscriptions(owner, before, limit).await
    }

    async fn cycles(
        &self,
        subscription: SubscriptionId,
        before: Option<CycleNumber>,
        limit: u32,
    ) -> Result<Vec<Cycle>, Error> {
        self.pass.through().await;
        self.memory.cycles(subscription, before, limit).await
    }

    async fn cycle_of(&self, payment: PaymentId) -> Result<Option<Cycle>, Error> {
        self.memory.cycle_of(payment).await
    }

    async fn subscription_events(
        &self,
        subscription: SubscriptionId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<Event>, Error> {
        self.memory
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
        self.memory.claim_cycles(now, hold, except, limit).await
    }
}
