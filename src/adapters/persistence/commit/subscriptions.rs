//! Owns the writes about plans, subscriptions and cycles.

use diesel::prelude::{ExpressionMethods, QueryDsl};
use diesel::{QueryResult, insert_into, update};
use domain::member_event::{Facts, MemberEvent};
use domain::subscription::{Change, Cycle, Event, Plan, Subscription};

use super::Touched;
use crate::adapters::persistence::connection::{Connection, RunQueryDsl};
use crate::adapters::persistence::dialect::Steady;
use crate::adapters::persistence::feed::MemberEventRow;
use crate::adapters::persistence::schema::{
    cycles, member_events, plans, subscription_events, subscriptions,
};
use crate::adapters::persistence::subscriptions::{
    CycleRow, CycleStandingRow, EventRow, MannerRow, PlanRow, StandingRow, SubscriptionRow,
};

/// The one statement that a change is.
pub(super) fn statement<'c>(change: &'c Change, conn: Connection<'c>) -> Touched<'c> {
    match change {
        Change::InsertPlan(plan) => Box::pin(insert_plan(plan, conn)),
        Change::UpdatePlan { plan, expected } => Box::pin(update_plan(plan, *expected, conn)),
        Change::InsertSubscription(subscription) => Box::pin(insert(subscription, conn)),
        Change::UpdateSubscription {
            subscription,
            expected,
        } => Box::pin(update_standing(subscription, *expected, conn)),
        Change::InsertCycle(cycle) => Box::pin(insert_cycle(cycle, conn)),
        Change::UpdateCycle { cycle, expected } => Box::pin(update_cycle(cycle, *expected, conn)),
        Change::AppendEvent(event) => Box::pin(append_event(event, conn)),
    }
}

async fn insert_plan(plan: &Plan, mut conn: Connection<'_>) -> QueryResult<usize> {
    insert_into(plans::table)
        .values(PlanRow::from(plan))
        .execute(&mut conn)
        .await
}

async fn update_plan(plan: &Plan, expected: i64, mut conn: Connection<'_>) -> QueryResult<usize> {
    let (merchant, mode) = (plan.scope.merchant.to_string(), plan.scope.mode.as_str());
    let as_expected = plans::table
        .find((merchant, mode, plan.code.as_str()))
        .filter(plans::version.eq(expected));
    update(as_expected)
        .set(MannerRow::from(plan))
        .execute(&mut conn)
        .await
}

async fn insert(subscription: &Subscription, mut conn: Connection<'_>) -> QueryResult<usize> {
    insert_into(subscriptions::table)
        .values(SubscriptionRow::from(subscription))
        .execute(&mut conn)
        .await
}

async fn update_standing(
    subscription: &Subscription,
    expected: i64,
    mut conn: Connection<'_>,
) -> QueryResult<usize> {
    let as_expected = subscriptions::table
        .find(subscription.id.to_string())
        .filter(subscriptions::version.eq(expected));
    Steady(update(as_expected).set(StandingRow::from(subscription)))
        .execute(&mut conn)
        .await
}

async fn insert_cycle(cycle: &Cycle, mut conn: Connection<'_>) -> QueryResult<usize> {
    insert_into(cycles::table)
        .values(CycleRow::from(cycle))
        .execute(&mut conn)
        .await
}

async fn update_cycle(
    cycle: &Cycle,
    expected: i64,
    mut conn: Connection<'_>,
) -> QueryResult<usize> {
    let subscription = cycle.key.subscription.to_string();
    let as_expected = cycles::table
        .find((subscription, i64::from(cycle.key.number.get())))
        .filter(cycles::version.eq(expected));
    Steady(update(as_expected).set(CycleStandingRow::from(cycle)))
        .execute(&mut conn)
        .await
}

async fn append_event(event: &Event, mut conn: Connection<'_>) -> QueryResult<usize> {
    insert_into(subscription_events::table)
        .values(EventRow::from(event))
        .execute(&mut conn)
        .await
}

pub(super) async fn append_told(
    event: &MemberEvent<Facts>,
    mut conn: Connection<'_>,
) -> QueryResult<usize> {
    insert_into(member_events::table)
        .values(MemberEventRow::from(event))
        .execute(&mut conn)
        .await
}
