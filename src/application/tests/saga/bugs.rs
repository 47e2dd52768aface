//! Owns the seeded bugs. Each is a mistake that somebody could make; each must turn scripts red.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use application::memory::Memory;
use application::ports::store::{CommitError, Error};
use domain::change::Change;
use domain::decline::Decline;
use domain::id::{GatewayOrderId, RawId};
use domain::member_event::Kind as Told;
use domain::money::Money;
use domain::payment::PayStatus;
use domain::saga::{CancelCall, ChargeCall, Kind, Policy};
use domain::snapshot::{Answer, Cause, Status};
use domain::subscription::{Change as Row, CycleStatus, Deed, Status as Ended};

use crate::faults::{Fault, OF_APPROVAL, OF_CANCELLATION, OF_CHARGE};
use crate::scripts::{count, script};
use crate::world::{AMOUNT, default_policy};
use crate::{cancellations, charges, cycles, scripts};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bug {
    /// A timeout is taken for a decline.
    LostIsDeclined,
    /// A code nobody knows is taken for a decline.
    UnknownCodeIsDeclined,
    /// A question that shows no approval yet is taken for the end.
    OpenIsOver,
    /// The answer's order id is not compared.
    OrderNotCompared,
    /// The answer's amount is not compared.
    AmountNotCompared,
    /// A commit without an answer is taken for written.
    DoubtIsWritten,
    /// A fenced update goes through whoever moved the saga.
    NoFence,
    /// The ledger line is not committed with the payment.
    EntryForgotten,
    /// The reversal is not committed with the wrong capture.
    ReversalForgotten,
    /// Negative evidence is believed while a request may still arrive.
    WindowIgnored,
    /// The outcome is not stored under the idempotency key.
    OutcomeForgotten,
    /// A "not found" is taken for the end, whatever was sent.
    NotFoundIsOver,
    /// The saga's mark is not sent with a cancellation.
    MarkForgotten,
    /// Only our own cancellations are looked at.
    OthersOverlooked,
    /// The reservation is not committed with the saga.
    ReservationForgotten,
    /// A temporary error is taken for a refusal.
    TemporaryIsDeclined,
    /// The balance that we expect is not sent with a cancellation.
    RefundableForgotten,
    /// A used order is taken for a refusal.
    OrderUsedIsDeclined,
    /// Every call of a charge has a key of its own, and an order, too.
    KeysAreFresh,
    /// A charge that was given back before anybody asked counts as paid.
    GivenBackIsPaid,
    /// What ends a charge is not committed for its cycle.
    CycleUntold,
}

const OF_APPROVAL_BUGS: [Bug; 12] = [
    Bug::LostIsDeclined,
    Bug::UnknownCodeIsDeclined,
    Bug::OpenIsOver,
    Bug::OrderNotCompared,
    Bug::AmountNotCompared,
    Bug::DoubtIsWritten,
    Bug::NoFence,
    Bug::EntryForgotten,
    Bug::ReversalForgotten,
    Bug::WindowIgnored,
    Bug::OutcomeForgotten,
    Bug::NotFoundIsOver,
];

const OF_CANCELLATION_BUGS: [Bug; 12] = [
    Bug::LostIsDeclined,
    Bug::OrderNotCompared,
    Bug::AmountNotCompared,
    Bug::DoubtIsWritten,
    Bug::NoFence,
    Bug::EntryForgotten,
    Bug::OutcomeForgotten,
    Bug::MarkForgotten,
    Bug::OthersOverlooked,
    Bug::ReservationForgotten,
    Bug::TemporaryIsDeclined,
    Bug::RefundableForgotten,
];

/// That the window of a call is kept is seen in the domain's tests: two questions take longer here
/// than any call that comes late.
const OF_CHARGE_BUGS: [Bug; 12] = [
    Bug::LostIsDeclined,
    Bug::UnknownCodeIsDeclined,
    Bug::TemporaryIsDeclined,
    Bug::OrderUsedIsDeclined,
    Bug::OrderNotCompared,
    Bug::AmountNotCompared,
    Bug::DoubtIsWritten,
    Bug::NoFence,
    Bug::EntryForgotten,
    Bug::ReversalForgotten,
    Bug::OutcomeForgotten,
    Bug::KeysAreFresh,
];

impl Bug {
    /// The charge as it is sent.
    pub(crate) fn mischarge(bug: Option<Self>, mut call: ChargeCall) -> ChargeCall {
        if bug == Some(Self::KeysAreFresh) {
            let number = FRESH.fetch_add(1, Ordering::Relaxed);
            call.key = format!("fresh-{number}").parse().expect("a key");
            call.order = GatewayOrderId::new(RawId::from_parts(2, number.into()));
        }
        call
    }

    pub(crate) fn misread_charge(bug: Option<Self>, answer: Answer, call: &ChargeCall) -> Answer {
        match (bug, answer) {
            (Some(Self::TemporaryIsDeclined), Answer::Unknown(Cause::Temporary(_)))
            | (Some(Self::OrderUsedIsDeclined), Answer::Unknown(Cause::Conflict(_))) => {
                Answer::Declined(Decline::session_expired())
            }
            (Some(Self::KeysAreFresh), Answer::Found(mut snapshot)) => {
                snapshot.order_id = OUR_ORDER.with(|order| order.borrow().clone());
                Answer::Found(snapshot)
            }
            (_, answer) => Self::misread_call(bug, answer, call.amount),
        }
    }

    pub(crate) fn misread_call(bug: Option<Self>, answer: Answer, amount: Money) -> Answer {
        match (bug, answer) {
            (Some(Self::LostIsDeclined), Answer::Unknown(Cause::Lost))
            | (Some(Self::UnknownCodeIsDeclined), Answer::Unknown(Cause::Unreadable(_))) => {
                Answer::Declined(Decline::session_expired())
            }
            (Some(Self::OrderNotCompared), Answer::Found(mut snapshot)) => {
                if snapshot.order_id == "somebody-elses-order" {
                    snapshot.order_id = OUR_ORDER.with(|order| order.borrow().clone());
                }
                Answer::Found(snapshot)
            }
            (Some(Self::AmountNotCompared), Answer::Found(mut snapshot)) => {
                snapshot.total = Some(amount);
                Answer::Found(snapshot)
            }
            (_, answer) => answer,
        }
    }

    pub(crate) fn misread_question(bug: Option<Self>, answer: Answer) -> Answer {
        match (bug, answer) {
            (Some(Self::AmountNotCompared), Answer::Found(mut snapshot)) => {
                snapshot.total = Money::new(AMOUNT, domain::money::Currency::Krw).ok();
                Answer::Found(snapshot)
            }
            (Some(Self::OpenIsOver), Answer::Found(mut snapshot))
                if snapshot.status == Status::InProgress =>
            {
                snapshot.status = Status::Aborted;
                Answer::Found(snapshot)
            }
            (_, answer) => Self::overlooked(bug, answer),
        }
    }

    /// The cancellation as it is sent.
    pub(crate) fn miscall(bug: Option<Self>, mut call: CancelCall) -> CancelCall {
        if bug == Some(Self::MarkForgotten) {
            "wanted back".clone_into(&mut call.reason);
        }
        if bug == Some(Self::RefundableForgotten) {
            call.refundable = Money::zero(call.amount.currency());
        }
        call
    }

    pub(crate) fn misread_cancel(bug: Option<Self>, answer: Answer, call: &CancelCall) -> Answer {
        match (bug, answer) {
            (Some(Self::LostIsDeclined), Answer::Unknown(Cause::Lost))
            | (Some(Self::TemporaryIsDeclined), Answer::Unknown(Cause::Temporary(_))) => {
                Answer::Declined(Decline::session_expired())
            }
            (Some(Self::OrderNotCompared), Answer::Found(mut snapshot)) => {
                if snapshot.order_id == "somebody-elses-order" {
                    snapshot.order_id = OUR_ORDER.with(|order| order.borrow().clone());
                }
                Answer::Found(snapshot)
            }
            (Some(Self::AmountNotCompared), Answer::Found(mut snapshot)) => {
                for cancel in &mut snapshot.cancels {
                    cancel.amount = call.amount;
                }
                Answer::Found(snapshot)
            }
            (_, answer) => Self::overlooked(bug, answer),
        }
    }

    fn overlooked(bug: Option<Self>, mut answer: Answer) -> Answer {
        if let (Some(Self::OthersOverlooked), Answer::Found(snapshot)) = (bug, &mut answer) {
            snapshot.cancels.retain(|cancel| cancel.reason != "console");
        }
        answer
    }

    pub(crate) fn doubt(bug: Option<Self>) -> Result<(), CommitError> {
        if bug == Some(Self::DoubtIsWritten) {
            Ok(())
        } else {
            Err(CommitError::InDoubt)
        }
    }

    pub(crate) fn written_doubt(_: Option<Self>) -> Result<(), CommitError> {
        Err(CommitError::InDoubt)
    }

    /// What of `changes` is committed.
    pub(crate) fn torn(bug: Option<Self>, memory: &Memory, changes: &[Change]) -> Vec<Change> {
        let forgotten = |change: &Change| match bug {
            Some(Self::EntryForgotten) => matches!(change, Change::InsertEntry(_)),
            Some(Self::ReversalForgotten) => {
                matches!(change, Change::InsertSaga { saga, .. }
                    if saga.head.kind() == Kind::Reversal)
            }
            Some(Self::OutcomeForgotten) => matches!(change, Change::FinishKey { .. }),
            Some(Self::GivenBackIsPaid) => is_given_back(change),
            Some(Self::CycleUntold) => {
                let ends = |change: &Change| matches!(change, Change::UpdateSaga { .. });
                let told = matches!(
                    change,
                    Change::Subscription(_) | Change::AppendMemberEvent(_)
                );
                told && changes.iter().any(ends)
            }
            Some(Self::ReservationForgotten) => {
                matches!(change, Change::UpdatePayment { payment, .. }
                    if payment.status() == PayStatus::CancelRequested)
            }
            _ => false,
        };
        let mut left: Vec<Change> = changes
            .iter()
            .filter(|change| !forgotten(change))
            .cloned()
            .collect();
        for change in &mut left {
            if let Change::InsertSaga { saga, .. } = change {
                OUR_ORDER.with(|order| *order.borrow_mut() = saga.head.gateway_order.to_string());
            }
            if let (Some(Self::NoFence), Change::UpdateSaga { saga, expected }) = (bug, change) {
                let stored = memory
                    .all_sagas()
                    .into_iter()
                    .find(|s| s.head.id == saga.head.id);
                *expected = stored.map_or(*expected, |stored| stored.version);
            }
        }
        left
    }

    pub(crate) fn policy(bug: Option<Self>) -> Policy {
        let mut policy = default_policy();
        if bug == Some(Self::WindowIgnored) {
            policy.confirm_window = Duration::ZERO;
            policy.call_bound = Duration::ZERO;
        }
        if matches!(bug, Some(Self::OpenIsOver | Self::NotFoundIsOver)) {
            policy.call_bound = Duration::ZERO;
        }
        policy
    }
}

/// Whether it is what follows for a subscription when a cycle's money is given back.
fn is_given_back(change: &Change) -> bool {
    if let Change::AppendMemberEvent(event) = change {
        return event.kind == Told::Subscription(Deed::Refunded);
    }
    let Change::Subscription(change) = change else {
        return false;
    };
    match change.as_ref() {
        Row::UpdateSubscription { subscription, .. } => subscription.status == Ended::Canceled,
        Row::UpdateCycle { cycle, .. } => {
            let status = cycle.state.status();
            [CycleStatus::Refunded, CycleStatus::Void].contains(&status)
        }
        Row::AppendEvent(event) => event.deed == Deed::Refunded,
        Row::InsertPlan(_)
        | Row::UpdatePlan { .. }
        | Row::InsertSubscription(_)
        | Row::InsertCycle(_) => false,
    }
}

thread_local! {
    static OUR_ORDER: std::cell::RefCell<String> = const { std::cell::RefCell::new(String::new()) };
}

/// For keys and orders that are never the same twice.
static FRESH: AtomicU64 = AtomicU64::new(1);

fn caught(bug: Bug, alphabet: &[Fault], run: impl Fn(&[Fault], Option<Bug>) -> Vec<String>) {
    let caught = (0..=2_u32).any(|length| {
        let length_of = usize::try_from(length).unwrap();
        (0..count(alphabet, length))
            .any(|index| !run(&script(alphabet, index, length_of), Some(bug)).is_empty())
    });
    assert!(caught, "no script of length <= 2 noticed {bug:?}");
}

#[test]
fn each_seeded_bug_of_an_approval_turns_the_scripts_red() {
    for bug in OF_APPROVAL_BUGS {
        caught(bug, &OF_APPROVAL, scripts::run);
    }
}

#[test]
fn each_seeded_bug_of_a_cancellation_turns_the_scripts_red() {
    for bug in OF_CANCELLATION_BUGS {
        caught(bug, &OF_CANCELLATION, cancellations::run);
    }
}

#[test]
fn each_seeded_bug_of_a_charge_turns_the_scripts_red() {
    for bug in OF_CHARGE_BUGS {
        caught(bug, &OF_CHARGE, charges::run);
    }
}

#[test]
fn a_cycle_that_counts_as_paid_without_its_money_turns_the_scripts_red() {
    caught(Bug::GivenBackIsPaid, &OF_CHARGE, cycles::run_with);
}

#[test]
fn the_store_error_of_the_scripts_is_transient() {
    let error = CommitError::Store(Error::Unavailable(String::new()));
    assert!(error.to_string().contains("unavailable"));
}
