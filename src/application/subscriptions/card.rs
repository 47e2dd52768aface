//! Owns the change of the card that a subscription is paid with.

use domain::billing::Status as CardStatus;
use domain::id::{BillingKeyId, SubscriptionId};
use domain::principal::Owner;
use domain::subscription::Status;
use tracing::info;

use super::{SubscriptionView, after};
use crate::ports::store::{self, CommitError};
use crate::{App, Caller};

/// Why it is paid with the card that it was paid with.
#[derive(Debug, thiserror::Error)]
pub enum CardError {
    /// No such subscription of this caller.
    #[error("no such subscription")]
    NotFound,
    /// Its member has no such card.
    #[error("its member has no such card")]
    NoCard,
    /// The card cannot be charged.
    #[error("the card is {0}")]
    CardUnusable(CardStatus),
    /// Nothing is charged for it any more.
    #[error("it is {0}")]
    Ended(Status),
    /// Others were first, again and again.
    #[error("too many conflicts; try again")]
    Contended,
    /// The process is ending.
    #[error("the service is shutting down")]
    Stopping,
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl App {
    /// Has a subscription paid with another of its member's cards from now on. A cycle that was
    /// declined, or waits for another card, is due at once. A repeat is told how it is.
    ///
    /// # Errors
    /// See [`CardError`]; nothing is stored then.
    pub async fn pay_with(
        &self,
        caller: &Caller,
        id: SubscriptionId,
        card: BillingKeyId,
    ) -> Result<SubscriptionView, CardError> {
        let store = &self.parts.store;
        for _ in 0..self.parts.bounds.conflicts_max {
            let found = store.subscription(&caller.owner(), id).await?;
            let subscription = found.ok_or(CardError::NotFound)?;
            let owner = Owner {
                scope: subscription.scope,
                member: Some(subscription.member.clone()),
            };
            let key = store.billing_key(&owner, card).await?;
            let key = key.ok_or(CardError::NoCard)?;
            let newest = store.cycles(id, None, 1).await?.into_iter().next();
            if subscription.billing_key == card {
                return Ok(SubscriptionView::of(&subscription, newest.as_ref()));
            }
            if key.status() != CardStatus::Active {
                return Err(CardError::CardUnusable(key.status()));
            }
            let status = subscription.status;
            let by = (caller.actor, self.parts.clock.now());
            let moved = subscription.with_card(newest.as_ref(), card, by);
            let moved = moved.map_err(|_| CardError::Ended(status))?;
            if self.runner.drain.is_cancelled() {
                return Err(CardError::Stopping);
            }
            match store.commit(&moved.changes).await {
                Ok(()) => {
                    info!(subscription = %id, "paid with another card from now on");
                    let Some(newest) = newest else {
                        return Ok(SubscriptionView::of(&moved.subscription, None));
                    };
                    let (subscription, newest) = after(moved.subscription, newest, &moved.changes);
                    return Ok(SubscriptionView::of(&subscription, Some(&newest)));
                }
                // Where it was written after all, the next look finds it so.
                Err(CommitError::Conflict | CommitError::InDoubt) => {}
                Err(CommitError::Store(error)) => return Err(error.into()),
            }
        }
        Err(CardError::Contended)
    }
}
