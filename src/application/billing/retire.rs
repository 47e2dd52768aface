//! Owns what a subscription that nobody paid leaves behind: its card, which is deleted at the
//! gateway, and the word to its member. Nobody else's row is touched.

use domain::billing::{self, BillingKey, Status, Work};
use domain::change::{Change, Hold};
use domain::id::SagaId;
use domain::payment::Payment;
use domain::subscription::{self, Deed, Subscription};

use crate::cycles::DueCycle;
use crate::ports::store::{self, CommitError};
use crate::{App, Runner};

/// Replaces a key that must be as it was read.
pub(super) fn update(key: BillingKey, expected: i64, hold: Option<Hold>) -> Change {
    let key = Box::new(key);
    Change::Billing(Box::new(billing::Change::Update {
        key,
        expected,
        hold,
    }))
}

/// The subscription that these changes give up, where they do.
fn given_up(changes: &[Change]) -> Option<&Subscription> {
    let mut failed = false;
    let mut ended = None;
    for change in changes {
        if let Change::Subscription(change) = change {
            if let subscription::Change::AppendEvent(event) = change.as_ref() {
                failed |= event.deed == Deed::Failed;
            }
            if let subscription::Change::UpdateSubscription { subscription, .. } = change.as_ref() {
                ended = Some(subscription.as_ref());
            }
        }
    }
    ended.filter(|_| failed)
}

impl App {
    /// What else is to be committed where `changes` give up the subscription of a cycle that nobody
    /// works on. Members are told by payments: where the cycle has none, one is made and closed.
    ///
    /// # Errors
    /// The store is away, or it has to be decided again.
    pub(super) async fn ends_with(
        &self,
        due: &DueCycle,
        changes: &[Change],
    ) -> Result<Vec<Change>, CommitError> {
        if given_up(changes).is_none() {
            return Ok(Vec::new());
        }
        let (mut more, payment) = match due.cycle.payment {
            Some(id) => (Vec::new(), self.parts.store.any_payment(id).await?),
            None => self.never_tried(due).await?,
        };
        let left = self.runner.left_behind(changes, payment.as_ref(), None);
        more.extend(left.await?);
        Ok(more)
    }

    /// A payment for a cycle of which nothing was ever asked, closed as soon as it is made.
    async fn never_tried(
        &self,
        due: &DueCycle,
    ) -> Result<(Vec<Change>, Option<Payment>), CommitError> {
        let card = due.subscription.billing_key;
        let Some(card) = self.parts.store.any_billing_key(card).await? else {
            return Ok((Vec::new(), None));
        };
        let trace = self.runner.fresh_trace();
        let ctx = self.runner.ctx(SagaId::new(self.draw()), &trace);
        let (mut changes, payment, _) = self.fresh(due, card.account, None, &ctx).await?;
        let closed = payment.expire(&ctx).map_err(|_| CommitError::Conflict)?;
        changes.extend(closed.changes);
        Ok((changes, Some(closed.payment)))
    }
}

impl Runner {
    /// What else is to be committed with `changes` where they give a subscription up. `payment` is
    /// its cycle's, as they leave it, and `saga` the charge that they end. After a conflict it has
    /// to be asked again.
    ///
    /// # Errors
    /// The store is away.
    pub(super) async fn left_behind(
        &self,
        changes: &[Change],
        payment: Option<&Payment>,
        saga: Option<SagaId>,
    ) -> Result<Vec<Change>, store::Error> {
        let Some(ended) = given_up(changes) else {
            return Ok(Vec::new());
        };
        let mut more = self.retired(ended, saga).await?;
        if let Some(payment) = payment {
            let trace = self.fresh_trace();
            let ctx = self.ctx(SagaId::new(self.parts.ids.draw()), &trace);
            more.extend(payment.clone().billing_failed(&ctx).changes);
        }
        Ok(more)
    }

    /// The end of its card, unless something else needs it.
    async fn retired(
        &self,
        ended: &Subscription,
        saga: Option<SagaId>,
    ) -> Result<Vec<Change>, store::Error> {
        let store = &self.parts.store;
        let found = store.any_billing_key(ended.billing_key).await?;
        let own = |key: &BillingKey| key.scope == ended.scope && key.member == ended.member;
        let Some(key) = found.filter(|key| own(key) && key.status() == Status::Active) else {
            return Ok(Vec::new());
        };
        if store.dues().is_needed(key.id, (ended.id, saga)).await? {
            return Ok(Vec::new());
        }
        let mut changes = self.stand_in(&key).await?;
        let version = match self.parts.gateways.of(key.account) {
            Some(gateway) => gateway.terms().credential_version,
            // Not served here, as beside the service.
            None => store
                .gateway_account(key.account)
                .await?
                .map_or(1, |account| account.credential_version),
        };
        let expected = key.version;
        let work = Work::begun(version, self.parts.clock.now());
        // Whoever recovers keys makes the call.
        changes.extend(
            key.begin_delete(work)
                .map(|key| update(key, expected, None)),
        );
        Ok(changes)
    }

    /// What makes the newest of the member's other cards the default, where this one is.
    pub(super) async fn stand_in(&self, key: &BillingKey) -> Result<Vec<Change>, store::Error> {
        if !key.is_default() {
            return Ok(Vec::new());
        }
        let limit = self.parts.bounds.billing_keys;
        let store = &self.parts.store;
        let all = store.billing_keys(key.scope, &key.member, limit).await?;
        let mut others = all.into_iter().filter(|other| other.id != key.id);
        let next = others.find(|other| other.status() == Status::Active);
        let next = next.and_then(|other| {
            let expected = other.version;
            let preferred = other.with_default(true).ok()?;
            Some(update(preferred, expected, None))
        });
        Ok(Vec::from_iter(next))
    }
}
