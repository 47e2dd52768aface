//! Owns the port to plans, subscriptions and cycles as they are kept: reading them, and taking the
//! cycles that are due.

use async_trait::async_trait;
use domain::Timestamp;
use domain::calendar::CycleNumber;
use domain::change::Hold;
use domain::id::{MerchantId, PaymentId, SubscriptionId};
use domain::principal::{Owner, Scope};
use domain::subscription::{Cycle, Event, Plan, Subscription};
use domain::text::PlanCode;

use super::dues::Dues;
use super::store::Error;

/// Plans, subscriptions and cycles.
#[async_trait]
pub trait Subscriptions: Send + Sync {
    /// Billing as a whole.
    fn dues(&self) -> &dyn Dues;

    /// A plan.
    async fn plan(&self, scope: Scope, code: &PlanCode) -> Result<Option<Plan>, Error>;

    /// The plans of a tenant and mode, by code, `limit` at most.
    async fn plans(&self, scope: Scope, limit: u32) -> Result<Vec<Plan>, Error>;

    /// A subscription of this owner's.
    async fn subscription(
        &self,
        owner: &Owner,
        id: SubscriptionId,
    ) -> Result<Option<Subscription>, Error>;

    /// A subscription for the service itself.
    async fn any_subscription(&self, id: SubscriptionId) -> Result<Option<Subscription>, Error>;

    /// A page of an owner's subscriptions, newest first: those before one where it is given,
    /// `limit` at most.
    async fn subscriptions(
        &self,
        owner: &Owner,
        before: Option<SubscriptionId>,
        limit: u32,
    ) -> Result<Vec<Subscription>, Error>;

    /// A subscription's cycles, newest first: those before one where it is given, `limit` at most.
    async fn cycles(
        &self,
        subscription: SubscriptionId,
        before: Option<CycleNumber>,
        limit: u32,
    ) -> Result<Vec<Cycle>, Error>;

    /// The cycle that a payment is for, where it is for one.
    async fn cycle_of(&self, payment: PaymentId) -> Result<Option<Cycle>, Error>;

    /// A subscription's log with a sequence above `after`, in order.
    async fn subscription_events(
        &self,
        subscription: SubscriptionId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<Event>, Error>;

    /// Takes cycles about which something is to be done (`next_at <= now`) and that are held by
    /// nobody, or by somebody whose lease is over by the database's clock; longest due first, and
    /// none of these merchants'. Holds them as they stand: one that is changed is nobody's any
    /// more, and of two who hold it one after the other only one can change it. No cycle is given
    /// to two claimers. One that cannot be read is left out and logged. Costs the same however
    /// many are not due, and wherever they lie.
    async fn claim_cycles(
        &self,
        now: Timestamp,
        hold: Hold,
        except: &[MerchantId],
        limit: u32,
    ) -> Result<Vec<Cycle>, Error>;
}
