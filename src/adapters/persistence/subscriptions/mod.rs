//! Owns the reads and claims of plans, subscriptions and cycles.

mod claim;
mod cycles;
mod dues;
mod rows;

use application::ports::store::{Dues, Error, Subscriptions};
use async_trait::async_trait;
use diesel::prelude::*;
use domain::Timestamp;
use domain::calendar::CycleNumber;
use domain::change::Hold;
use domain::id::{MerchantId, PaymentId, SubscriptionId};
use domain::principal::{Owner, Scope};
use domain::subscription::{Cycle, Event, Plan, Subscription};
use domain::text::PlanCode;

use super::connection::Database;
use super::dialect::{columns, when};
use super::one;
use super::schema::{cycles as cycle_rows, plans, subscription_events, subscriptions};

pub(super) use cycles::{CycleRow, CycleStandingRow};
pub(super) use rows::{EventRow, MannerRow, PlanRow, StandingRow, SubscriptionRow};

#[async_trait]
impl Subscriptions for Database {
    fn dues(&self) -> &dyn Dues {
        self
    }

    async fn plan(&self, scope: Scope, code: &PlanCode) -> Result<Option<Plan>, Error> {
        let (merchant, mode) = (scope.merchant.to_string(), scope.mode.as_str());
        let query = plans::table
            .find((merchant, mode, code.as_str()))
            .select(columns::<PlanRow>());
        one(self.load::<_, PlanRow>(query).await?)
    }

    async fn plans(&self, scope: Scope, limit: u32) -> Result<Vec<Plan>, Error> {
        let query = plans::table
            .filter(plans::merchant_id.eq(scope.merchant.to_string()))
            .filter(plans::mode.eq(scope.mode.as_str()))
            .order(plans::code.asc())
            .limit(limit.into())
            .select(columns::<PlanRow>());
        let rows = self.load::<_, PlanRow>(query).await?;
        rows.into_iter().map(Plan::try_from).collect()
    }

    async fn subscription(
        &self,
        owner: &Owner,
        id: SubscriptionId,
    ) -> Result<Option<Subscription>, Error> {
        let found = self.any_subscription(id).await?;
        Ok(found.filter(|row| owner.owns(row.scope, Some(&row.member))))
    }

    async fn any_subscription(&self, id: SubscriptionId) -> Result<Option<Subscription>, Error> {
        let query = subscriptions::table
            .find(id.to_string())
            .select(columns::<SubscriptionRow>());
        one(self.load::<_, SubscriptionRow>(query).await?)
    }

    async fn subscriptions(
        &self,
        owner: &Owner,
        before: Option<SubscriptionId>,
        limit: u32,
    ) -> Result<Vec<Subscription>, Error> {
        let member = owner.member.as_ref();
        let query = subscriptions::table
            .filter(subscriptions::merchant_id.eq(owner.scope.merchant.to_string()))
            .filter(subscriptions::mode.eq(owner.scope.mode.as_str()))
            .filter(when(
                member.map(|member| subscriptions::member.eq(member.as_str())),
            ))
            .filter(when(
                before.map(|before| subscriptions::id.lt(before.to_string())),
            ))
            .order(subscriptions::id.desc())
            .limit(limit.into())
            .select(columns::<SubscriptionRow>());
        let rows = self.load::<_, SubscriptionRow>(query).await?;
        rows.into_iter().map(Subscription::try_from).collect()
    }

    async fn cycles(
        &self,
        subscription: SubscriptionId,
        before: Option<CycleNumber>,
        limit: u32,
    ) -> Result<Vec<Cycle>, Error> {
        let query = cycle_rows::table
            .filter(cycle_rows::subscription_id.eq(subscription.to_string()))
            .filter(when(
                before.map(|before| cycle_rows::number.lt(i64::from(before.get()))),
            ))
            .order(cycle_rows::number.desc())
            .limit(limit.into())
            .select(columns::<CycleRow>());
        let rows = self.load::<_, CycleRow>(query).await?;
        rows.into_iter().map(Cycle::try_from).collect()
    }

    async fn cycle_of(&self, payment: PaymentId) -> Result<Option<Cycle>, Error> {
        let query = cycle_rows::table
            .filter(cycle_rows::payment_id.eq(payment.to_string()))
            .select(columns::<CycleRow>());
        one(self.load::<_, CycleRow>(query).await?)
    }

    async fn subscription_events(
        &self,
        subscription: SubscriptionId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<Event>, Error> {
        let query = subscription_events::table
            .filter(subscription_events::subscription_id.eq(subscription.to_string()))
            .filter(subscription_events::sequence.gt(after))
            .order(subscription_events::sequence.asc())
            .limit(limit.into())
            .select(columns::<EventRow>());
        let rows = self.load::<_, EventRow>(query).await?;
        rows.into_iter().map(Event::try_from).collect()
    }

    async fn claim_cycles(
        &self,
        now: Timestamp,
        hold: Hold,
        except: &[MerchantId],
        limit: u32,
    ) -> Result<Vec<Cycle>, Error> {
        self.claim_due_cycles(now, hold, except, limit).await
    }
}
