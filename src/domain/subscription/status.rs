//! Owns the subscription's statuses and the one table of what leads from one to another.

use crate::principal::Actor;

words! {
    /// What the API shows of a subscription.
    Status {
        /// Nothing was paid yet.
        Pending => "PENDING",
        /// Paid, and it renews.
        Active => "ACTIVE",
        /// A cycle was declined and is tried again, or waits for another card.
        PastDue => "PAST_DUE",
        /// It runs out at the end of what is paid, or was paid once for all.
        CancelScheduled => "CANCEL_SCHEDULED",
        /// Ended at once.
        Canceled => "CANCELED",
        /// It ran out, or could not be charged.
        Expired => "EXPIRED",
    }
}

words! {
    /// What was done to a subscription: the types of its events.
    Deed {
        /// It was made.
        Created => "subscription.created",
        /// A cycle was paid.
        Paid => "subscription.paid",
        /// A charge was declined; it is tried again, or with another card.
        Declined => "subscription.payment_declined",
        /// A cycle was given up.
        Failed => "subscription.payment_failed",
        /// A cycle that was missed is not charged.
        Skipped => "subscription.cycle_skipped",
        /// It is charged with another card from now on.
        CardChanged => "subscription.card_changed",
        /// It will run out.
        CancelScheduled => "subscription.cancel_scheduled",
        /// It ended at once.
        Canceled => "subscription.canceled",
        /// All that was paid for a cycle was given back.
        Refunded => "subscription.refunded",
        /// The gateway does not give back what it was ended for: a person has to.
        RefundRefused => "subscription.refund_refused",
        /// It ran out.
        RanOut => "subscription.expired",
    }
}

use Actor::{Buyer, Gateway, Merchant, Operator, System};
use Status::{Active, CancelScheduled, Canceled, Expired, PastDue, Pending};

/// One legal transition.
#[derive(Clone, Copy, Debug)]
pub struct Transition {
    /// Before.
    pub from: Status,
    /// Because of what.
    pub deed: Deed,
    /// After; the same where only a cycle or the card changes.
    pub to: Status,
    /// By whom.
    pub actors: &'static [Actor],
}

const fn t(from: Status, deed: Deed, to: Status, actors: &'static [Actor]) -> Transition {
    Transition {
        from,
        deed,
        to,
        actors,
    }
}

const PEOPLE: &[Actor] = &[Merchant, Buyer, Operator];
const OUTCOME: &[Actor] = &[Gateway];
const CLOCK: &[Actor] = &[System];
/// The last decline of all, or nobody brought another card in time.
const GIVE_UP: &[Actor] = &[Gateway, System];

/// Every legal transition; whatever is not in here is refused.
pub const TRANSITIONS: &[Transition] = &[
    t(Pending, Deed::Paid, Active, OUTCOME),
    t(Pending, Deed::Declined, Pending, OUTCOME),
    t(Pending, Deed::Failed, Expired, GIVE_UP),
    t(Pending, Deed::Skipped, Pending, CLOCK),
    t(Pending, Deed::CardChanged, Pending, PEOPLE),
    t(Pending, Deed::Canceled, Canceled, PEOPLE),
    // Nobody could charge what is paid once before its period was over.
    t(Pending, Deed::RanOut, Expired, CLOCK),
    // Paid once for all: it will run out from the start.
    t(Pending, Deed::Paid, CancelScheduled, OUTCOME),
    t(Active, Deed::Paid, Active, OUTCOME),
    t(Active, Deed::Declined, PastDue, OUTCOME),
    t(Active, Deed::Failed, Expired, GIVE_UP),
    t(Active, Deed::Skipped, Active, CLOCK),
    t(Active, Deed::CardChanged, Active, PEOPLE),
    t(Active, Deed::CancelScheduled, CancelScheduled, PEOPLE),
    t(Active, Deed::Canceled, Canceled, PEOPLE),
    t(Active, Deed::Refunded, Active, OUTCOME),
    t(Active, Deed::Refunded, Canceled, OUTCOME),
    t(PastDue, Deed::Paid, Active, OUTCOME),
    t(PastDue, Deed::Declined, PastDue, OUTCOME),
    t(PastDue, Deed::Failed, Expired, GIVE_UP),
    t(PastDue, Deed::Skipped, PastDue, CLOCK),
    t(PastDue, Deed::CardChanged, PastDue, PEOPLE),
    t(PastDue, Deed::Canceled, Canceled, PEOPLE),
    t(PastDue, Deed::Refunded, PastDue, OUTCOME),
    t(PastDue, Deed::Refunded, Canceled, OUTCOME),
    t(CancelScheduled, Deed::Canceled, Canceled, PEOPLE),
    t(CancelScheduled, Deed::Refunded, CancelScheduled, OUTCOME),
    t(CancelScheduled, Deed::Refunded, Canceled, OUTCOME),
    t(CancelScheduled, Deed::RanOut, Expired, CLOCK),
    // What was paid can be given back after the end, too.
    t(Canceled, Deed::Refunded, Canceled, OUTCOME),
    t(Expired, Deed::Refunded, Expired, OUTCOME),
    t(Canceled, Deed::RefundRefused, Canceled, OUTCOME),
];

impl Status {
    /// Whether nothing leads on from it to another one.
    #[must_use]
    pub fn is_final(self) -> bool {
        let leads_on = |row: &Transition| row.from == self && row.to != self;
        !TRANSITIONS.iter().any(leads_on)
    }
}

/// A transition that the table does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a subscription that is {from} does not take {deed} by {actor}")]
pub struct Illegal {
    /// The status it is in.
    pub from: Status,
    /// What was tried.
    pub deed: Deed,
    /// By whom.
    pub actor: Actor,
}

/// Checks one transition against the table.
///
/// # Errors
/// The table does not hold it, or not for this actor.
pub fn check(from: Status, deed: Deed, to: Status, actor: Actor) -> Result<(), Illegal> {
    let legal = |row: &Transition| {
        let cell = row.from == from && row.deed == deed && row.to == to;
        cell && row.actors.contains(&actor)
    };
    TRANSITIONS
        .iter()
        .any(legal)
        .then_some(())
        .ok_or(Illegal { from, deed, actor })
}
