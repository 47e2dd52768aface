//! Owns the plans that merchants offer: loading them from a list, and reading them.

use std::collections::BTreeSet;

use domain::change::Change;
use domain::principal::Scope;
use domain::subscription::{self, Manner, OtherTerms, Plan, Terms};
use domain::text::PlanCode;
use tracing::info;

use crate::App;
use crate::ports::store::{self, CommitError};
use crate::ports::{Clock, Store};

/// How many plans a merchant has at most in one mode.
pub const PLANS_MAX: u32 = 200;

/// A plan as it is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedPlan {
    /// What its merchant calls it.
    pub code: PlanCode,
    /// What is paid, how often.
    pub terms: Terms,
    /// Everything else.
    pub manner: Manner,
}

/// What became of a plan that was loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loaded {
    /// It is new.
    Added,
    /// Its manner is another one from now on.
    Revised,
    /// It was so already.
    Unchanged,
}

/// Why no plan was loaded.
#[derive(Debug, thiserror::Error)]
pub enum PlansError {
    /// There is no such merchant.
    #[error("no such merchant")]
    NoMerchant,
    /// The list has it twice.
    #[error("{0} is in the list more than once")]
    Repeated(PlanCode),
    /// It is offered on other terms.
    #[error("{0}: {1}")]
    OtherTerms(PlanCode, OtherTerms),
    /// The merchant does not take its currency.
    #[error("{0}: the merchant does not take its currency")]
    Currency(PlanCode),
    /// There would be more than [`PLANS_MAX`].
    #[error("a merchant has {PLANS_MAX} plans at most")]
    TooMany,
    /// Others were first, again and again.
    #[error("too many conflicts; try again")]
    Contended,
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// The plans of this installation.
#[derive(Clone, Copy)]
pub struct Plans<'a> {
    /// Where they are kept.
    pub store: &'a dyn Store,
    /// What dates them.
    pub clock: &'a dyn Clock,
    /// How often a decision is taken again after a conflict.
    pub conflicts_max: u32,
}

impl App {
    /// The plans of this installation.
    #[must_use]
    pub fn plans(&self) -> Plans<'_> {
        Plans {
            store: self.parts.store.as_ref(),
            clock: self.parts.clock.as_ref(),
            conflicts_max: self.parts.bounds.conflicts_max,
        }
    }
}

impl Plans<'_> {
    /// Every plan of a tenant and mode, by code.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn list(&self, scope: Scope) -> Result<Vec<Plan>, store::Error> {
        self.store.plans(scope, PLANS_MAX).await
    }

    /// Makes the plans of a tenant and mode what the list says, all of them or none; those that it
    /// does not name stay. What became of each, in the list's order.
    ///
    /// # Errors
    /// See [`PlansError`]; nothing was written.
    pub async fn load(
        &self,
        scope: Scope,
        wanted: &[WantedPlan],
    ) -> Result<Vec<(Plan, Loaded)>, PlansError> {
        let mut codes = BTreeSet::new();
        if let Some(twice) = wanted.iter().find(|plan| !codes.insert(&plan.code)) {
            return Err(PlansError::Repeated(twice.code.clone()));
        }
        let merchant = self.store.merchant(scope.merchant).await?;
        let merchant = merchant.ok_or(PlansError::NoMerchant)?;
        let refused = |plan: &&WantedPlan| {
            let currency = plan.terms.price().currency();
            !merchant.currencies.contains(currency)
        };
        if let Some(plan) = wanted.iter().find(refused) {
            return Err(PlansError::Currency(plan.code.clone()));
        }
        for _ in 0..self.conflicts_max {
            let (loaded, changes) = self.decide(scope, wanted).await?;
            if changes.is_empty() {
                return Ok(loaded);
            }
            match self.store.commit(&changes).await {
                Ok(()) => {
                    info!(merchant = %scope.merchant, changed = changes.len(), "plans loaded");
                    return Ok(loaded);
                }
                // After a doubtful commit the next round finds that there is nothing to change.
                Err(CommitError::Conflict | CommitError::InDoubt) => {}
                Err(CommitError::Store(error)) => return Err(error.into()),
            }
        }
        Err(PlansError::Contended)
    }

    async fn decide(
        &self,
        scope: Scope,
        wanted: &[WantedPlan],
    ) -> Result<(Vec<(Plan, Loaded)>, Vec<Change>), PlansError> {
        let known = self.list(scope).await?;
        let (mut loaded, mut changes) = (Vec::new(), Vec::<Change>::new());
        let mut count = known.len();
        for plan in wanted {
            let Some(found) = known.iter().find(|known| known.code == plan.code) else {
                let new = self.new_plan(scope, plan);
                changes.push(subscription::Change::InsertPlan(Box::new(new.clone())).into());
                loaded.push((new, Loaded::Added));
                count = count.saturating_add(1);
                continue;
            };
            let revised = found.revised(&plan.terms, &plan.manner);
            let revised = revised.map_err(|why| PlansError::OtherTerms(plan.code.clone(), why))?;
            let Some(revised) = revised else {
                loaded.push((found.clone(), Loaded::Unchanged));
                continue;
            };
            let update = subscription::Change::UpdatePlan {
                plan: Box::new(revised.clone()),
                expected: found.version,
            };
            changes.push(update.into());
            loaded.push((revised, Loaded::Revised));
        }
        if u32::try_from(count).unwrap_or(u32::MAX) > PLANS_MAX {
            return Err(PlansError::TooMany);
        }
        Ok((loaded, changes))
    }

    fn new_plan(&self, scope: Scope, wanted: &WantedPlan) -> Plan {
        Plan {
            scope,
            code: wanted.code.clone(),
            terms: wanted.terms,
            manner: wanted.manner.clone(),
            version: 1,
            created_at: self.clock.now(),
        }
    }
}
