//! Owns one cycle of a subscription: when it is due, what was tried, and what became of it.

use super::Fault;
use crate::Timestamp;
use crate::calendar::CycleNumber;
use crate::decline::Reason;
use crate::id::{PaymentId, SubscriptionId};
use crate::money::Money;
use crate::principal::Scope;
use crate::text::OrderId;

words! {
    /// What the API shows of a cycle.
    CycleStatus {
        /// Its date, or its next try, is ahead or here.
        Waiting => "WAITING",
        /// A call that may take money is unresolved.
        Charging => "CHARGING",
        /// It waits for another card.
        Held => "HELD",
        /// It will not be charged: when it is due the subscription is over.
        Closing => "CLOSING",
        /// Paid.
        Paid => "PAID",
        /// Given up.
        Failed => "FAILED",
        /// It was missed, and a newer one is charged.
        Skipped => "SKIPPED",
        /// The subscription ended before it.
        Void => "VOID",
        /// Paid, and all of it given back.
        Refunded => "REFUNDED",
    }
}

words! {
    /// What moves a cycle from one status to another.
    CycleTrigger {
        /// A charge becomes durable, before the call.
        Begin => "BEGIN",
        /// The money was taken.
        Pay => "PAY",
        /// Declined; another try follows.
        Decline => "DECLINE",
        /// Declined; another card is needed.
        Hold => "HOLD",
        /// There is another card.
        Resume => "RESUME",
        /// No further try.
        GiveUp => "GIVE_UP",
        /// A newer one is charged.
        Skip => "SKIP",
        /// The subscription will run out.
        Close => "CLOSE",
        /// The subscription is over.
        End => "END",
        /// All of it was given back.
        Refund => "REFUND",
    }
}

use CycleStatus as S;
use CycleTrigger as T;

/// Every legal transition of a cycle; whatever is not in here is refused.
pub const CYCLE_TRANSITIONS: &[(CycleStatus, CycleTrigger, CycleStatus)] = &[
    (S::Waiting, T::Begin, S::Charging),
    (S::Waiting, T::Resume, S::Waiting),
    (S::Waiting, T::Skip, S::Skipped),
    (S::Waiting, T::Close, S::Closing),
    (S::Waiting, T::End, S::Void),
    (S::Charging, T::Pay, S::Paid),
    (S::Charging, T::Decline, S::Waiting),
    (S::Charging, T::Hold, S::Held),
    (S::Charging, T::GiveUp, S::Failed),
    (S::Held, T::Resume, S::Waiting),
    (S::Held, T::GiveUp, S::Failed),
    (S::Held, T::End, S::Void),
    (S::Closing, T::End, S::Void),
    (S::Paid, T::Refund, S::Refunded),
];

impl CycleStatus {
    /// Whether nothing leads on from it.
    #[must_use]
    pub fn is_final(self) -> bool {
        CYCLE_TRANSITIONS.iter().all(|row| row.0 != self)
    }
}

/// A transition of a cycle that the table does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a cycle that is {from} does not take {trigger}")]
pub struct IllegalCycle {
    /// The status it is in.
    pub from: CycleStatus,
    /// What was tried.
    pub trigger: CycleTrigger,
}

/// Where a cycle stands. Data exists only in the states where it means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Its date, or its next try, is ahead or here.
    Waiting {
        /// When it is to be charged.
        next_at: Timestamp,
    },
    /// A call that may take money is unresolved; nothing else is tried meanwhile.
    Charging {
        /// By which payment.
        payment: PaymentId,
    },
    /// It waits for another card.
    Held {
        /// Until when.
        until: Timestamp,
    },
    /// When it is due the subscription is over.
    Closing,
    /// Paid.
    Paid {
        /// By which payment.
        payment: PaymentId,
        /// When the gateway took the money.
        paid_at: Timestamp,
    },
    /// Given up.
    Failed,
    /// It was missed, and a newer one is charged.
    Skipped,
    /// The subscription ended before it.
    Void,
    /// Paid, and all of it given back.
    Refunded {
        /// By which payment it was paid.
        payment: PaymentId,
        /// When the gateway took the money.
        paid_at: Timestamp,
    },
}

impl State {
    /// The status that the API shows.
    #[must_use]
    pub const fn status(&self) -> CycleStatus {
        match self {
            Self::Waiting { .. } => S::Waiting,
            Self::Charging { .. } => S::Charging,
            Self::Held { .. } => S::Held,
            Self::Closing => S::Closing,
            Self::Paid { .. } => S::Paid,
            Self::Failed => S::Failed,
            Self::Skipped => S::Skipped,
            Self::Void => S::Void,
            Self::Refunded { .. } => S::Refunded,
        }
    }
}

/// Which cycle: each subscription has one of each number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CycleKey {
    /// Of which subscription.
    pub subscription: SubscriptionId,
    /// The how-manieth.
    pub number: CycleNumber,
}

impl CycleKey {
    /// The order that it is paid by: the same whoever asks, so that the order's uniqueness refuses
    /// a second payment of one cycle.
    #[must_use]
    pub fn order_id(&self) -> OrderId {
        format!("{}-{}", self.subscription, self.number)
            .parse()
            .expect("an id and a number fit an order id")
    }

    /// The cycle that an order of this name is of, if it is of one: its first order, or one that
    /// followed it as `-r2`, `-r3` and so on.
    #[must_use]
    pub fn of_order(name: &str) -> Option<Self> {
        let (first, again) = name
            .rsplit_once("-r")
            .map_or((name, None), |(first, again)| (first, Some(again)));
        if again.is_some_and(|again| again.parse::<u32>().is_err()) {
            return None;
        }
        let (subscription, number) = first.split_once('-')?;
        let key = Self {
            subscription: subscription.parse().ok()?,
            number: CycleNumber::new(number.parse().ok()?)?,
        };
        // One spelling each.
        (key.order_id().as_str() == first).then_some(key)
    }
}

/// One cycle of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cycle {
    /// Which one.
    pub key: CycleKey,
    /// Whose, and in which mode.
    pub scope: Scope,
    /// When it begins; computed from the anchor, see [`crate::calendar::Anchor::due`].
    pub due_at: Timestamp,
    /// What it costs, as agreed when the cycle before it was paid.
    pub amount: Money,
    /// Where it stands.
    pub state: State,
    /// How often it was declined, where that counts: with whichever cards.
    pub declined: u32,
    /// Why it was declined last.
    pub reason: Option<Reason>,
    /// The payment that its tries are made by; none before the first.
    pub payment: Option<PaymentId>,
    /// Raised by each change: of two who decide by the same one, one is refused.
    pub version: i64,
}

impl Cycle {
    /// When something is to be done about it; none while others have to do something first, and
    /// once it is over.
    #[must_use]
    pub const fn next_at(&self) -> Option<Timestamp> {
        match self.state {
            State::Waiting { next_at } => Some(next_at),
            State::Held { until } => Some(until),
            State::Closing => Some(self.due_at),
            State::Charging { .. }
            | State::Paid { .. }
            | State::Failed
            | State::Skipped
            | State::Void
            | State::Refunded { .. } => None,
        }
    }

    /// The cycle while `payment` is being charged. It is committed with the payment's begin, before
    /// any call.
    ///
    /// # Errors
    /// Nothing is to be charged now: it is resolved, ended, or being charged.
    pub fn begin(self, payment: PaymentId) -> Result<Self, IllegalCycle> {
        let begun = self.shift(T::Begin, State::Charging { payment })?;
        Ok(Self {
            payment: Some(payment),
            ..begun
        })
    }

    pub(super) fn declined(
        self,
        (trigger, state): (CycleTrigger, State),
        (fault, reason): (Fault, Reason),
    ) -> Result<Self, IllegalCycle> {
        Ok(Self {
            declined: self.declined.saturating_add(u32::from(fault.counts())),
            reason: Some(reason),
            ..self.shift(trigger, state)?
        })
    }

    /// With another card: due at once, and with the tries that are left. Were they counted anew,
    /// whoever goes on changing cards could have as many tried as they like.
    pub(super) fn resumed(self, now: Timestamp) -> Result<Self, IllegalCycle> {
        self.shift(T::Resume, State::Waiting { next_at: now })
    }

    pub(super) fn shift(self, trigger: CycleTrigger, state: State) -> Result<Self, IllegalCycle> {
        let from = self.state.status();
        if !CYCLE_TRANSITIONS.contains(&(from, trigger, state.status())) {
            return Err(IllegalCycle { from, trigger });
        }
        Ok(Self {
            state,
            version: self.version.saturating_add(1),
            ..self
        })
    }
}
