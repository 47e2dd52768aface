//! Owns reading subscriptions: one, a page, what was and will be charged, what was done, and what a
//! member has paid for.

use std::collections::BTreeMap;

use domain::Timestamp;
use domain::calendar::CycleNumber;
use domain::id::{PaymentId, SubscriptionId};
use domain::money::Money;
use domain::principal::Owner;
use domain::subscription::{Cycle, Entitlement, Event, Plan, Subscription, Summary};
use domain::text::MemberId;

use super::{CycleView, SubscriptionView};
use crate::ports::store;
use crate::{App, Caller};

/// How many rows a page holds at most.
const PAGE_ROWS_MAX: u32 = 100;
/// How many pages of a member's subscriptions are looked through in one request.
const ENTITLED_PAGES: u32 = 5;
/// How many charges ahead are told.
const AHEAD: u8 = 24;

/// Why a read failed.
#[derive(Debug, thiserror::Error)]
pub enum SubscriptionError {
    /// No such subscription of this caller.
    #[error("no such subscription")]
    NotFound,
    /// A member asks for the subscriptions of another.
    #[error("the subscriptions of another member")]
    AnotherMember,
    /// The store did not answer, or a row cannot be read.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// A page of subscriptions, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionPage {
    /// Its rows.
    pub rows: Vec<SubscriptionView>,
    /// Behind which the next page begins; none after the last.
    pub next: Option<SubscriptionId>,
}

/// A page of a subscription's cycles, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CyclePage {
    /// Its rows.
    pub rows: Vec<CycleView>,
    /// Behind which the next page begins; none after the last.
    pub next: Option<CycleNumber>,
}

/// A charge ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scheduled {
    /// Of which cycle.
    pub number: CycleNumber,
    /// When the cycle begins.
    pub due_at: Timestamp,
    /// What it costs.
    pub amount: Money,
}

/// What will be charged when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Of which subscription.
    pub subscription: Subscription,
    /// The next charges.
    pub charges: Vec<Scheduled>,
}

/// What a member has paid for, and by which subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entitled {
    /// By which subscription.
    pub subscription: SubscriptionId,
    /// To what, until when.
    pub to: Entitlement,
}

/// A page of what a member has paid for, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntitledPage {
    /// Its rows; there may be none, and more on the next page.
    pub rows: Vec<Entitled>,
    /// Behind which the next page begins; none after the last.
    pub next: Option<SubscriptionId>,
}

impl App {
    async fn own_subscription(
        &self,
        caller: &Caller,
        id: SubscriptionId,
    ) -> Result<Subscription, SubscriptionError> {
        let found = self.parts.store.subscription(&caller.owner(), id).await?;
        found.ok_or(SubscriptionError::NotFound)
    }

    async fn plan_of(&self, subscription: &Subscription) -> Result<Plan, SubscriptionError> {
        let (scope, code) = (subscription.scope, &subscription.plan);
        let found = self.parts.store.plan(scope, code).await?;
        found.ok_or_else(|| {
            SubscriptionError::Store(store::Error::Corrupt {
                table: "plans",
                id: code.to_string(),
                why: "a subscription's plan is not there".to_owned(),
            })
        })
    }

    /// Reads a subscription, with its newest cycle. A payment of its that is stuck is asked about
    /// at the gateway, soon and not too often.
    ///
    /// # Errors
    /// See [`SubscriptionError`].
    pub async fn subscription(
        &self,
        caller: &Caller,
        id: SubscriptionId,
    ) -> Result<SubscriptionView, SubscriptionError> {
        let subscription = self.own_subscription(caller, id).await?;
        let newest = self.parts.store.cycles(id, None, 1).await?;
        let newest = newest.first();
        if let Some(domain::subscription::State::Charging { payment }) = newest.map(|c| c.state) {
            self.hasten(payment).await?;
        }
        Ok(SubscriptionView::of(&subscription, newest))
    }

    /// Reads a page of subscriptions, newest first: to a member, their own; to a server, all of
    /// its, or one member's.
    ///
    /// # Errors
    /// See [`SubscriptionError`].
    pub async fn subscriptions(
        &self,
        caller: &Caller,
        member: Option<MemberId>,
        before: Option<SubscriptionId>,
        limit: u32,
    ) -> Result<SubscriptionPage, SubscriptionError> {
        let mut owner = caller.owner();
        if let Some(asked_for) = member {
            if owner.member.is_some_and(|own| own != asked_for) {
                return Err(SubscriptionError::AnotherMember);
            }
            owner.member = Some(asked_for);
        }
        let limit = limit.clamp(1, PAGE_ROWS_MAX);
        // One row more than asked for tells whether there is a next page.
        let probe = limit.saturating_add(1);
        let mut found = self
            .parts
            .store
            .subscriptions(&owner, before, probe)
            .await?;
        let more = cut(&mut found, limit);
        let next = found.last().filter(|_| more).map(|row| row.id);
        let rows = found.iter().map(|row| SubscriptionView::of(row, None));
        Ok(SubscriptionPage {
            rows: rows.collect(),
            next,
        })
    }

    /// The next charges of a subscription; none where it does not renew.
    ///
    /// # Errors
    /// See [`SubscriptionError`].
    pub async fn schedule(
        &self,
        caller: &Caller,
        id: SubscriptionId,
    ) -> Result<Schedule, SubscriptionError> {
        let subscription = self.own_subscription(caller, id).await?;
        let plan = self.plan_of(&subscription).await?;
        let newest = self.parts.store.cycles(id, None, 1).await?;
        let charges = newest.first().map_or_else(Vec::new, |open| {
            let ahead = (AHEAD, self.parts.clock.now());
            let ahead = subscription.schedule(open, &plan, ahead).into_iter();
            let charges = ahead.map(|(number, due_at)| Scheduled {
                number,
                due_at,
                amount: if number == open.key.number {
                    open.amount
                } else {
                    plan.terms.price()
                },
            });
            charges.collect()
        });
        Ok(Schedule {
            subscription,
            charges,
        })
    }

    /// A page of a subscription's cycles, newest first.
    ///
    /// # Errors
    /// See [`SubscriptionError`].
    pub async fn cycles(
        &self,
        caller: &Caller,
        id: SubscriptionId,
        before: Option<CycleNumber>,
        limit: u32,
    ) -> Result<CyclePage, SubscriptionError> {
        self.own_subscription(caller, id).await?;
        let limit = limit.clamp(1, PAGE_ROWS_MAX);
        let probe = limit.saturating_add(1);
        let mut found = self.parts.store.cycles(id, before, probe).await?;
        let more = cut(&mut found, limit);
        let next = found.last().filter(|_| more).map(|row| row.key.number);
        let rows = found.iter().map(CycleView::of).collect();
        Ok(CyclePage { rows, next })
    }

    /// What became of a subscription's cycles that were due from `from` on and before `until`.
    ///
    /// # Errors
    /// See [`SubscriptionError`].
    pub async fn summary(
        &self,
        caller: &Caller,
        id: SubscriptionId,
        (from, until): (Option<Timestamp>, Option<Timestamp>),
    ) -> Result<Summary, SubscriptionError> {
        let subscription = self.own_subscription(caller, id).await?;
        let plan = self.plan_of(&subscription).await?;
        let mut within: Vec<Cycle> = Vec::new();
        let mut given_back = BTreeMap::new();
        let mut before = None;
        loop {
            let page = self.parts.store.cycles(id, before, PAGE_ROWS_MAX).await?;
            let Some(oldest) = page.last().copied() else {
                break;
            };
            let is_within = |cycle: &&Cycle| {
                from.is_none_or(|from| cycle.due_at >= from)
                    && until.is_none_or(|until| cycle.due_at < until)
            };
            let counted: Vec<Cycle> = page.iter().filter(is_within).copied().collect();
            let paid: Vec<PaymentId> = counted.iter().filter_map(|cycle| cycle.payment).collect();
            given_back.extend(self.parts.store.dues().given_back(&paid).await?);
            within.extend(counted);
            if from.is_some_and(|from| oldest.due_at < from) {
                break;
            }
            before = Some(oldest.key.number);
        }
        Summary::of(&within, &plan, &given_back).map_err(|why| {
            SubscriptionError::Store(store::Error::Corrupt {
                table: "cycles",
                id: id.to_string(),
                why: why.to_string(),
            })
        })
    }

    /// A subscription's log after a sequence, in order.
    ///
    /// # Errors
    /// See [`SubscriptionError`].
    pub async fn subscription_events(
        &self,
        caller: &Caller,
        id: SubscriptionId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<Event>, SubscriptionError> {
        self.own_subscription(caller, id).await?;
        let limit = limit.clamp(1, PAGE_ROWS_MAX);
        let store = &self.parts.store;
        Ok(store.subscription_events(id, after, limit).await?)
    }

    /// What a member has paid for now, newest first, of so many of their subscriptions. Nothing is
    /// told of one whom nobody knows.
    ///
    /// # Errors
    /// The store did not answer.
    pub async fn entitlements(
        &self,
        caller: &Caller,
        member: MemberId,
        before: Option<SubscriptionId>,
    ) -> Result<EntitledPage, store::Error> {
        let owner = Owner {
            scope: caller.scope,
            member: Some(member),
        };
        let now = self.parts.clock.now();
        let mut page = EntitledPage::default();
        let mut before = before;
        for _ in 0..ENTITLED_PAGES {
            let store = &self.parts.store;
            let rows = store.subscriptions(&owner, before, PAGE_ROWS_MAX).await?;
            page.rows.extend(rows.iter().filter_map(|row| {
                row.entitlement(now).map(|to| Entitled {
                    subscription: row.id,
                    to,
                })
            }));
            let is_full = u32::try_from(rows.len()).is_ok_and(|count| count >= PAGE_ROWS_MAX);
            let oldest = rows.last().filter(|_| is_full).map(|row| row.id);
            page.next = oldest;
            if oldest.is_none() {
                break;
            }
            before = oldest;
        }
        Ok(page)
    }
}

/// Leaves `limit` rows; whether there were more.
fn cut<T>(rows: &mut Vec<T>, limit: u32) -> bool {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    more
}
