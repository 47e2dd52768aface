//! Owns the payment's statuses and the one table of legal transitions and who may trigger them.

use crate::principal::Actor;

words! {
    /// What the API shows of a payment.
    PayStatus {
        /// Waits for the buyer.
        Ready => "READY",
        /// A call that may take money is unresolved.
        InProgress => "IN_PROGRESS",
        /// A virtual account was issued.
        WaitingForDeposit => "WAITING_FOR_DEPOSIT",
        /// Captured in full.
        Done => "DONE",
        /// A cancellation is unresolved.
        CancelRequested => "CANCEL_REQUESTED",
        /// Captured, part given back.
        PartialCanceled => "PARTIAL_CANCELED",
        /// Nothing is held (any more) and nothing will be.
        Canceled => "CANCELED",
        /// Declined for good.
        Aborted => "ABORTED",
        /// Nobody paid in time.
        Expired => "EXPIRED",
    }
}

words! {
    /// What moves a payment from one status to another.
    Trigger {
        /// An approval, charge or account issue becomes durable, before the call.
        Begin => "BEGIN",
        /// The gateway captured what was asked.
        Capture => "CAPTURE",
        /// Declined; the buyer may try again.
        Decline => "DECLINE",
        /// Declined for good, or a wrong capture was given back.
        Abort => "ABORT",
        /// Nobody paid in time.
        Expire => "EXPIRE",
        /// A virtual account was issued.
        AccountIssued => "ACCOUNT_ISSUED",
        /// The deposit arrived.
        Deposit => "DEPOSIT",
        /// The bank took the deposit back.
        DepositReversed => "DEPOSIT_REVERSED",
        /// A cancellation becomes durable, before the call.
        CancelBegin => "CANCEL_BEGIN",
        /// A cancellation was executed and something is left.
        CanceledPart => "CANCELED_PART",
        /// A cancellation was executed and nothing is left.
        CanceledAll => "CANCELED_ALL",
        /// The gateway refused a cancellation; what was held is held.
        CancelRefused => "CANCEL_REFUSED",
        /// Withdrawn before any money was taken.
        Withdraw => "WITHDRAW",
    }
}

use Actor::{Buyer, Gateway, Merchant, Operator, System};
use PayStatus::{
    Aborted, CancelRequested, Canceled, Done, Expired, InProgress, PartialCanceled, Ready,
    WaitingForDeposit,
};

/// One legal transition.
#[derive(Clone, Copy, Debug)]
pub struct Transition {
    /// Before.
    pub from: PayStatus,
    /// Because of what.
    pub trigger: Trigger,
    /// After.
    pub to: PayStatus,
    /// By whom.
    pub actors: &'static [Actor],
}

const fn t(
    from: PayStatus,
    trigger: Trigger,
    to: PayStatus,
    actors: &'static [Actor],
) -> Transition {
    Transition {
        from,
        trigger,
        to,
        actors,
    }
}

const PAYERS: &[Actor] = &[Merchant, Buyer, System];
const CANCELLERS: &[Actor] = &[Merchant, Buyer, Operator, System];
const OUTCOME: &[Actor] = &[Gateway];
const CLOCK: &[Actor] = &[System];

/// Every legal transition; whatever is not in here is refused.
pub const TRANSITIONS: &[Transition] = &[
    t(Ready, Trigger::Begin, InProgress, PAYERS),
    t(Ready, Trigger::Expire, Expired, CLOCK),
    t(Ready, Trigger::Withdraw, Canceled, CANCELLERS),
    t(InProgress, Trigger::Capture, Done, OUTCOME),
    t(InProgress, Trigger::Decline, Ready, OUTCOME),
    t(InProgress, Trigger::Abort, Aborted, OUTCOME),
    t(
        InProgress,
        Trigger::AccountIssued,
        WaitingForDeposit,
        OUTCOME,
    ),
    t(WaitingForDeposit, Trigger::Deposit, Done, OUTCOME),
    t(WaitingForDeposit, Trigger::Expire, Expired, CLOCK),
    t(WaitingForDeposit, Trigger::Withdraw, Canceled, CANCELLERS),
    t(Done, Trigger::DepositReversed, WaitingForDeposit, OUTCOME),
    t(Done, Trigger::CancelBegin, CancelRequested, CANCELLERS),
    t(Done, Trigger::CanceledPart, PartialCanceled, OUTCOME),
    t(Done, Trigger::CanceledAll, Canceled, OUTCOME),
    t(
        PartialCanceled,
        Trigger::CancelBegin,
        CancelRequested,
        CANCELLERS,
    ),
    t(
        PartialCanceled,
        Trigger::CanceledPart,
        PartialCanceled,
        OUTCOME,
    ),
    t(PartialCanceled, Trigger::CanceledAll, Canceled, OUTCOME),
    t(
        CancelRequested,
        Trigger::CanceledPart,
        PartialCanceled,
        OUTCOME,
    ),
    t(CancelRequested, Trigger::CanceledAll, Canceled, OUTCOME),
    t(CancelRequested, Trigger::CancelRefused, Done, OUTCOME),
    t(
        CancelRequested,
        Trigger::CancelRefused,
        PartialCanceled,
        OUTCOME,
    ),
];

impl PayStatus {
    /// Whether nothing leads on from it.
    #[must_use]
    pub fn is_final(self) -> bool {
        TRANSITIONS.iter().all(|row| row.from != self)
    }
}

/// A transition that the table does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a payment that is {from} does not take {trigger} by {actor}")]
pub struct Illegal {
    /// The status it is in.
    pub from: PayStatus,
    /// What was tried.
    pub trigger: Trigger,
    /// By whom.
    pub actor: Actor,
}

/// Checks one transition against the table.
///
/// # Errors
/// The table does not hold it, or not for this actor.
pub fn check(
    from: PayStatus,
    trigger: Trigger,
    to: PayStatus,
    actor: Actor,
) -> Result<(), Illegal> {
    TRANSITIONS
        .iter()
        .any(|row| {
            row.from == from
                && row.trigger == trigger
                && row.to == to
                && row.actors.contains(&actor)
        })
        .then_some(())
        .ok_or(Illegal {
            from,
            trigger,
            actor,
        })
}
