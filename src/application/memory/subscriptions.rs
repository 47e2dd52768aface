//! Owns plans, subscriptions and cycles in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use domain::Timestamp;
use domain::calendar::CycleNumber;
use domain::change::Hold;
use domain::id::{BillingKeyId, MerchantId, PaymentId, SubscriptionId, WorkerId};
use domain::principal::{Owner, Scope};
use domain::subscription::{
    Change, Cycle, CycleKey, Event, Plan, State as CycleState, Subscription,
};
use domain::text::PlanCode;

use super::apply::{Applied, insert, must};
use super::{Memory, rows};
use crate::idempotency::later;
use crate::ports::store::{CommitError, Dues, Error, Subscriptions};

/// A cycle and who holds it.
#[derive(Clone)]
struct Held {
    cycle: Cycle,
    hold: Option<(WorkerId, Timestamp)>,
}

impl Held {
    /// Whether it may be taken, by the clock of due dates and by that of leases.
    fn is_due(&self, now: Timestamp, lease_now: Timestamp) -> bool {
        self.cycle.next_at().is_some_and(|next_at| next_at <= now)
            && self.hold.is_none_or(|(_, until)| until <= lease_now)
    }
}

/// The tables of subscriptions.
#[derive(Clone, Default)]
pub(super) struct Tables {
    plans: BTreeMap<(Scope, PlanCode), Arc<Plan>>,
    subscriptions: BTreeMap<SubscriptionId, Arc<Subscription>>,
    cycles: BTreeMap<CycleKey, Held>,
    events: BTreeMap<(SubscriptionId, i64), Arc<Event>>,
}

impl Tables {
    pub(super) fn apply(&mut self, change: &Change) -> Applied {
        match change {
            Change::InsertPlan(plan) => {
                let key = (plan.scope, plan.code.clone());
                insert(&mut self.plans, key, Arc::new(plan.as_ref().clone()))
            }
            Change::UpdatePlan { plan, expected } => {
                let row = self.plans.get_mut(&(plan.scope, plan.code.clone()));
                let row = Arc::make_mut(row.ok_or(CommitError::Conflict)?);
                must(row.version == *expected)?;
                row.manner = plan.manner.clone();
                row.version = plan.version;
                Ok(())
            }
            Change::InsertSubscription(subscription) => {
                let row = Arc::new(subscription.as_ref().clone());
                insert(&mut self.subscriptions, subscription.id, row)
            }
            Change::UpdateSubscription {
                subscription,
                expected,
            } => {
                let row = self.subscriptions.get_mut(&subscription.id);
                let row = Arc::make_mut(row.ok_or(CommitError::Conflict)?);
                must(row.version == *expected)?;
                *row = subscription.as_ref().clone();
                Ok(())
            }
            Change::InsertCycle(cycle) => {
                let row = Held {
                    cycle: **cycle,
                    hold: None,
                };
                insert(&mut self.cycles, cycle.key, row)?;
                self.is_sound(cycle)
            }
            Change::UpdateCycle { cycle, expected } => {
                let row = self.cycles.get_mut(&cycle.key);
                let row = row.ok_or(CommitError::Conflict)?;
                must(row.cycle.version == *expected)?;
                row.cycle = **cycle;
                row.hold = None;
                self.is_sound(cycle)
            }
            Change::AppendEvent(event) => {
                let row = Arc::new(event.as_ref().clone());
                insert(&mut self.events, (event.subscription, event.sequence), row)
            }
        }
    }

    /// Whether another subscription than this one goes on with the card.
    pub(super) fn goes_on_with(&self, card: BillingKeyId, but: SubscriptionId) -> bool {
        let mut all = self.subscriptions.values();
        all.any(|row| row.id != but && row.billing_key == card && !row.status.is_final())
    }

    /// Ends every hold now.
    pub(super) fn end_leases(&mut self) {
        for held in self.cycles.values_mut() {
            held.hold = None;
        }
    }

    /// One cycle of a subscription at a time is not resolved, and each is paid by its own payment.
    fn is_sound(&self, cycle: &Cycle) -> Applied {
        let is_open = |cycle: &Cycle| {
            cycle.next_at().is_some() || matches!(cycle.state, CycleState::Charging { .. })
        };
        let subscription = cycle.key.subscription;
        let open = self.of(subscription).filter(|row| is_open(row)).count();
        must(open <= 1)?;
        let same = |row: &&Held| row.cycle.payment == cycle.payment;
        let twice = self.cycles.values().filter(same).count() > 1;
        must(cycle.payment.is_none() || !twice)
    }

    fn of(&self, subscription: SubscriptionId) -> impl DoubleEndedIterator<Item = &Cycle> {
        let all = self.cycles.values().map(|held| &held.cycle);
        all.filter(move |cycle| cycle.key.subscription == subscription)
    }
}

impl Memory {
    /// Every cycle.
    #[must_use]
    pub fn all_cycles(&self) -> Vec<Cycle> {
        let state = self.state();
        let all = state.subscriptions.cycles.values();
        all.map(|held| held.cycle).collect()
    }
}

#[async_trait]
impl Subscriptions for Memory {
    fn dues(&self) -> &dyn Dues {
        self
    }

    async fn plan(&self, scope: Scope, code: &PlanCode) -> Result<Option<Plan>, Error> {
        let state = self.state();
        let found = state.subscriptions.plans.get(&(scope, code.clone()));
        Ok(found.map(|plan| plan.as_ref().clone()))
    }

    async fn plans(&self, scope: Scope, limit: u32) -> Result<Vec<Plan>, Error> {
        let state = self.state();
        let own = state.subscriptions.plans.values();
        let own = own.filter(|plan| plan.scope == scope).take(rows(limit));
        Ok(own.map(|plan| plan.as_ref().clone()).collect())
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
        let state = self.state();
        let found = state.subscriptions.subscriptions.get(&id);
        Ok(found.map(|row| row.as_ref().clone()))
    }

    async fn subscriptions(
        &self,
        owner: &Owner,
        before: Option<SubscriptionId>,
        limit: u32,
    ) -> Result<Vec<Subscription>, Error> {
        let state = self.state();
        let own = state.subscriptions.subscriptions.values().rev();
        let own = own
            .filter(|row| owner.owns(row.scope, Some(&row.member)))
            .filter(|row| before.is_none_or(|before| row.id < before))
            .take(rows(limit));
        Ok(own.map(|row| row.as_ref().clone()).collect())
    }

    async fn cycles(
        &self,
        subscription: SubscriptionId,
        before: Option<CycleNumber>,
        limit: u32,
    ) -> Result<Vec<Cycle>, Error> {
        let state = self.state();
        let own = state.subscriptions.of(subscription).rev();
        let own = own.filter(|row| before.is_none_or(|before| row.key.number < before));
        Ok(own.take(rows(limit)).copied().collect())
    }

    async fn cycle_of(&self, payment: PaymentId) -> Result<Option<Cycle>, Error> {
        let state = self.state();
        let mut all = state.subscriptions.cycles.values();
        let found = all.find(|held| held.cycle.payment == Some(payment));
        Ok(found.map(|held| held.cycle))
    }

    async fn subscription_events(
        &self,
        subscription: SubscriptionId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<Event>, Error> {
        let state = self.state();
        let own = state.subscriptions.events.values();
        let own = own
            .filter(|event| event.subscription == subscription && event.sequence > after)
            .take(rows(limit));
        Ok(own.map(|event| event.as_ref().clone()).collect())
    }

    async fn claim_cycles(
        &self,
        now: Timestamp,
        hold: Hold,
        except: &[MerchantId],
        limit: u32,
    ) -> Result<Vec<Cycle>, Error> {
        let lease_now = self.lease_clock.now();
        let mut state = self.state();
        let all = state.subscriptions.cycles.values();
        let due = all.filter(|held| held.is_due(now, lease_now));
        let due = due.filter(|held| !except.contains(&held.cycle.scope.merchant));
        let mut due: Vec<Cycle> = due.map(|held| held.cycle).collect();
        due.sort_by_key(|cycle| (cycle.next_at(), cycle.key));
        due.truncate(rows(limit));
        let until = later(lease_now, hold.lease);
        for cycle in &due {
            let row = Held {
                cycle: *cycle,
                hold: Some((hold.holder, until)),
            };
            state.subscriptions.cycles.insert(cycle.key, row);
        }
        Ok(due)
    }
}
