//! Owns how a cycle's charge ended, as it is read off the payment that it was for.

use domain::Timestamp;
use domain::decline::{Decline, Reason};
use domain::id::BillingKeyId;
use domain::payment::{PayStatus, Payment, State};

/// How a charge ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Charged {
    /// The gateway took the money.
    Paid {
        /// When.
        at: Timestamp,
    },
    /// The gateway took the money, and all of it was given back there since.
    GivenBack {
        /// When it was taken.
        at: Timestamp,
    },
    /// The gateway declined it, and no money moves any more.
    Declined {
        /// Why.
        decline: Decline,
        /// What was charged, where that is known.
        card: Option<BillingKeyId>,
    },
    /// There is no card to be charged: nothing was sent.
    NoCard,
}

/// What the end of a saga tells besides its payment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// What was charged, where something was.
    pub card: Option<BillingKeyId>,
    /// Why nothing is given back, where something was to be.
    pub kept: Option<Reason>,
}

/// How the charge of a payment ended, where it did.
pub(crate) fn ended(payment: &Payment, card: Option<BillingKeyId>) -> Option<Charged> {
    if let Some(at) = payment.state.approved_at() {
        // Given back at the gateway before anybody of ours asked: nobody has paid.
        return Some(match payment.status() {
            PayStatus::Canceled => Charged::GivenBack { at },
            PayStatus::Ready
            | PayStatus::InProgress
            | PayStatus::WaitingForDeposit
            | PayStatus::Done
            | PayStatus::CancelRequested
            | PayStatus::PartialCanceled
            | PayStatus::Aborted
            | PayStatus::Expired => Charged::Paid { at },
        });
    }
    match &payment.state {
        State::InProgress { .. } | State::WaitingForDeposit { .. } => None,
        State::Ready { .. }
        | State::Done { .. }
        | State::CancelRequested { .. }
        | State::PartialCanceled { .. }
        | State::Canceled { .. }
        | State::Aborted { .. }
        | State::Expired => {
            let decline = payment.state.declined().cloned();
            Some(Charged::Declined {
                decline: decline.unwrap_or_else(Decline::charge_lapsed),
                card,
            })
        }
    }
}
