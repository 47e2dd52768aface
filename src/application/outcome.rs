//! Owns the outcome of a use case, and its versioned form under an idempotency key.

use domain::payment::Payment;
use domain::saga::{self, Saga};
use serde::{Deserialize, Serialize};

use crate::subscriptions::SubscriptionView;
use crate::view::{DeclineView, PaymentView};

/// How a use case ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is over, and this is what a repeat is told, too.
    Ended(Ended),
    /// The saga is still open; ask again.
    Pending(Box<PaymentView>),
}

/// The end of committed work; presentation renders it, again for each repeat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Ended {
    /// The payment exists.
    Prepared {
        /// The payment then.
        payment: Box<PaymentView>,
    },
    /// The money is taken.
    Approved {
        /// The payment then.
        payment: Box<PaymentView>,
    },
    /// The virtual account is issued.
    Issued {
        /// The payment then.
        payment: Box<PaymentView>,
    },
    /// The money is not taken, or it is given back.
    Declined {
        /// The payment then.
        payment: Box<PaymentView>,
        /// Why.
        decline: DeclineView,
    },
    /// The money is given back, or the payment was closed before it was paid.
    Canceled {
        /// The payment then.
        payment: Box<PaymentView>,
    },
    /// The money is not given back; what was held is held.
    CancelDeclined {
        /// The payment then.
        payment: Box<PaymentView>,
        /// Why.
        decline: DeclineView,
    },
    /// A subscription was made or ended, and no payment moved for it.
    Subscription {
        /// The subscription then.
        subscription: Box<SubscriptionView>,
    },
}

/// The stored form: a version beside the outcome, so that it can change its shape.
#[derive(Serialize, Deserialize)]
struct Stored<T> {
    v: u8,
    outcome: T,
}

const VERSION: u8 = 1;

/// Bytes under a key that are no outcome of a version we know.
#[derive(Debug, thiserror::Error)]
#[error("the stored outcome cannot be read: {0}")]
pub struct Unreadable(String);

impl Unreadable {
    /// Neither an outcome is there, nor a payment that could tell of one.
    pub(crate) fn missing() -> Self {
        Self("there is none".to_owned())
    }
}

impl Ended {
    /// How `saga` ended, with `payment` as it is after it; `None` while it is open.
    #[must_use]
    pub fn of(saga: &Saga, payment: &Payment) -> Option<Self> {
        let view = Box::new(PaymentView::impersonal(payment));
        match saga.progress.outcome.as_ref()? {
            saga::Outcome::Approved => Some(Self::Approved { payment: view }),
            saga::Outcome::Canceled | saga::Outcome::Closed => {
                Some(Self::Canceled { payment: view })
            }
            saga::Outcome::Issued => Some(Self::Issued { payment: view }),
            saga::Outcome::Declined(decline) if saga.gives_up_money() => {
                Some(Self::CancelDeclined {
                    payment: view,
                    decline: DeclineView::of(decline),
                })
            }
            saga::Outcome::Declined(decline) => Some(Self::Declined {
                payment: view,
                decline: DeclineView::of(decline),
            }),
            saga::Outcome::Misfit { .. } | saga::Outcome::Reversed => {
                let decline = domain::decline::Decline::wrong_capture();
                Some(Self::Declined {
                    payment: view,
                    decline: DeclineView::of(&decline),
                })
            }
        }
    }

    /// The same, with the subscription that its payment is for as that is then.
    pub(crate) fn telling_of(mut self, subscription: Option<SubscriptionView>) -> Self {
        match &mut self {
            Self::Prepared { payment }
            | Self::Approved { payment }
            | Self::Issued { payment }
            | Self::Canceled { payment }
            | Self::Declined { payment, .. }
            | Self::CancelDeclined { payment, .. } => {
                payment.subscription = subscription.map(Box::new);
            }
            Self::Subscription { .. } => {}
        }
        self
    }

    /// The payment it tells of, where it is one with a virtual account that was issued.
    pub(crate) fn payment_mut(&mut self) -> Option<&mut PaymentView> {
        match self {
            Self::Issued { payment } => Some(payment),
            Self::Prepared { .. }
            | Self::Approved { .. }
            | Self::Canceled { .. }
            | Self::Declined { .. }
            | Self::CancelDeclined { .. }
            | Self::Subscription { .. } => None,
        }
    }

    /// The bytes to store.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(&Stored {
            v: VERSION,
            outcome: self,
        })
        .expect("an outcome of plain fields serialises")
    }

    /// The outcome that was stored.
    ///
    /// # Errors
    /// The bytes are of a version we do not know.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Unreadable> {
        let stored: Stored<serde_json::Value> =
            serde_json::from_slice(bytes).map_err(|error| Unreadable(error.to_string()))?;
        if stored.v != VERSION {
            return Err(Unreadable(format!("version {}", stored.v)));
        }
        serde_json::from_value(stored.outcome).map_err(|error| Unreadable(error.to_string()))
    }
}
