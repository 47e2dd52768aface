//! Owns what a request about a subscription is answered with: the subscription, and what became of
//! the payment that moved for it.

use std::time::Duration;

use domain::change::Change;
use domain::payment::{Kind, Payment};
use domain::subscription::{Cycle, Subscription};
use tracing::error;

use super::{SubscriptionView, after};
use crate::idempotency::{Earlier, KeyError, Keyed};
use crate::outcome::{Ended, Outcome};
use crate::payments::{ActError, Answered};
use crate::ports::store;
use crate::view::{DeclineView, PaymentView};
use crate::{App, Caller, Runner};

/// What became of the payment that moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Became {
    /// None had to move.
    Nothing,
    /// The money is taken or given back, or the card was declined and is tried again.
    Settled(Box<PaymentView>),
    /// The gateway does not give the money back.
    NotGivenBack(Box<PaymentView>, DeclineView),
    /// It is not known yet.
    Pending(Box<PaymentView>),
}

/// The answer to a request about a subscription with an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionAnswer {
    /// The subscription.
    pub subscription: SubscriptionView,
    /// What became of its payment.
    pub became: Became,
    /// Whether this is the answer to an earlier request with the same key.
    pub replayed: bool,
    /// How long it took for the gateway's sake.
    pub gateway_time: Duration,
}

impl App {
    /// The answer in the words of a subscription; what was stored under the key where it is over,
    /// so that every repeat is told the same.
    pub(super) async fn in_full<R>(
        &self,
        caller: &Caller,
        keyed: &Keyed,
        answered: Answered,
    ) -> Result<SubscriptionAnswer, ActError<R>> {
        let Answered {
            outcome,
            replayed,
            gateway_time,
            ..
        } = answered;
        let outcome = match outcome {
            Outcome::Ended(ended) if lacks_subscription(&ended) => {
                match self.earlier(caller, keyed).await? {
                    Earlier::Ended(ended, _) => Outcome::Ended(*ended),
                    Earlier::Pending(_) | Earlier::Nothing => Outcome::Ended(ended),
                }
            }
            Outcome::Ended(_) | Outcome::Pending(_) => outcome,
        };
        let (became, told) = match outcome {
            Outcome::Ended(Ended::Subscription { subscription }) => {
                (Became::Nothing, Some(subscription))
            }
            Outcome::Ended(Ended::CancelDeclined {
                mut payment,
                decline,
            }) => {
                let told = payment.subscription.take();
                (Became::NotGivenBack(payment, decline), told)
            }
            Outcome::Ended(
                Ended::Prepared { mut payment }
                | Ended::Approved { mut payment }
                | Ended::Issued { mut payment }
                | Ended::Canceled { mut payment }
                | Ended::Declined { mut payment, .. },
            ) => {
                let told = payment.subscription.take();
                (Became::Settled(payment), told)
            }
            Outcome::Pending(payment) => (Became::Pending(payment), None),
        };
        let subscription = match told {
            Some(told) => *told,
            None => self.of_payment(&became).await?,
        };
        Ok(SubscriptionAnswer {
            subscription,
            became,
            replayed,
            gateway_time,
        })
    }

    /// The subscription that a payment is for, as it is now.
    async fn of_payment(&self, became: &Became) -> Result<SubscriptionView, store::Error> {
        let payment = match became {
            Became::Settled(payment)
            | Became::NotGivenBack(payment, _)
            | Became::Pending(payment) => payment.payment_id.as_str(),
            Became::Nothing => "",
        };
        let missing = || store::Error::Corrupt {
            table: "cycles",
            id: payment.to_owned(),
            why: "a subscription's payment is no cycle's".to_owned(),
        };
        let id = payment.parse().map_err(|_| missing())?;
        let found = self.runner.whose(id).await?;
        let (subscription, newest) = found.ok_or_else(missing)?;
        Ok(SubscriptionView::impersonal(&subscription, Some(&newest)))
    }
}

fn lacks_subscription(ended: &Ended) -> bool {
    match ended {
        Ended::Prepared { payment }
        | Ended::Approved { payment }
        | Ended::Issued { payment }
        | Ended::Canceled { payment }
        | Ended::Declined { payment, .. }
        | Ended::CancelDeclined { payment, .. } => payment.subscription.is_none(),
        Ended::Subscription { .. } => false,
    }
}

impl Runner {
    /// The subscription that a payment is for, as `changes` leave it, for the payment's stored
    /// outcome; none where it is for none. A row that cannot be read keeps no money out of the
    /// books.
    ///
    /// # Errors
    /// The store is away.
    pub(crate) async fn subscription_after(
        &self,
        payment: &Payment,
        changes: &[Change],
    ) -> Result<Option<SubscriptionView>, store::Error> {
        if payment.facts.kind != Kind::Billing {
            return Ok(None);
        }
        match self.whose(payment.facts.id).await {
            Ok(found) => Ok(found.map(|(subscription, newest)| {
                let (subscription, newest) = after(subscription, newest, changes);
                SubscriptionView::impersonal(&subscription, Some(&newest))
            })),
            Err(why @ store::Error::Unavailable(_)) => Err(why),
            Err(why) => {
                error!(payment = %payment.facts.id, %why, "its subscription cannot be read");
                Ok(None)
            }
        }
    }

    /// The subscription that a payment is for, with its newest cycle.
    async fn whose(
        &self,
        payment: domain::id::PaymentId,
    ) -> Result<Option<(Subscription, Cycle)>, store::Error> {
        let store = &self.parts.store;
        let Some(cycle) = store.cycle_of(payment).await? else {
            return Ok(None);
        };
        let id = cycle.key.subscription;
        let Some(subscription) = store.any_subscription(id).await? else {
            return Ok(None);
        };
        let newest = store.cycles(id, None, 1).await?.into_iter().next();
        Ok(Some((subscription, newest.unwrap_or(cycle))))
    }
}

impl<R> From<store::CommitError> for ActError<R> {
    fn from(error: store::CommitError) -> Self {
        match error {
            store::CommitError::Conflict | store::CommitError::InDoubt => Self::Contended,
            store::CommitError::Store(error) => Self::Store(error),
        }
    }
}

impl KeyError {
    /// The first request is at work still, and nobody knows how far it came.
    pub(super) const fn soon() -> Self {
        Self::Running {
            retry_after: Duration::from_secs(1),
        }
    }
}
