//! Owns the alphabet of faults and the script that both faulty ports read from.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// One thing that goes wrong, at the next place where it can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The request never arrives; the caller sees a timeout.
    RequestLost,
    /// The request takes effect; the answer never arrives.
    AnswerLost,
    /// The request arrives 70 s after the caller saw its timeout.
    RequestLate,
    /// The buyer's card is refused.
    Decline,
    /// A temporary error, stored under the key.
    Temporary,
    /// A code nobody knows, stored under the key; nothing took effect.
    UnknownCode,
    /// A code nobody knows, stored under the key; the money was taken all the same.
    UnknownCodeAfterEffect,
    /// The gateway moves another amount than asked, and says so.
    WrongAmount,
    /// Nothing takes effect; the answer is about another order.
    WrongOrder,
    /// Somebody gives money back at the gateway's console: a little, just before a cancellation;
    /// all of it, just after a charge whose answer never arrives.
    Elsewhere,
    /// An earlier try is running still, the gateway says; nothing took effect.
    Busy,
    /// Nothing left this machine.
    NotSent,
    /// An error is received, and stored under the key; the call takes effect 70 s later.
    TemporaryLate,
    /// The order was used before, the gateway says, though nothing was taken for it.
    OrderUsed,
    /// The gateway takes as much of another currency, and says so.
    WrongCurrency,
    /// The request is found malformed before anybody looks what became of it.
    Malformed,
    /// A question is not answered.
    QuestionLost,
    /// A question is told that there is no such payment.
    QuestionNotFound,
    /// A question is told of more than there is, another amount each time.
    QuestionLies,
    /// The worker sleeps through its lease before it calls; a rival takes over meanwhile.
    Asleep,
    /// A commit fails before anything is written.
    CommitLost,
    /// A commit is written, and its answer is lost.
    CommitInDoubt,
    /// A commit is not written, and its answer is lost.
    CommitInDoubtUnwritten,
    /// A rival takes the saga over just before the commit.
    Rival,
}

/// Where a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Call,
    Question,
    Commit,
}

/// What can go wrong with an approval.
pub(crate) const OF_APPROVAL: [Fault; 20] = [
    Fault::RequestLost,
    Fault::AnswerLost,
    Fault::RequestLate,
    Fault::Decline,
    Fault::Temporary,
    Fault::UnknownCode,
    Fault::UnknownCodeAfterEffect,
    Fault::WrongAmount,
    Fault::WrongOrder,
    Fault::Asleep,
    Fault::CommitLost,
    Fault::CommitInDoubt,
    Fault::CommitInDoubtUnwritten,
    Fault::Rival,
    Fault::QuestionLost,
    Fault::QuestionNotFound,
    Fault::QuestionLies,
    Fault::Busy,
    Fault::NotSent,
    Fault::TemporaryLate,
];

/// What can go wrong with calls and commits.
pub(crate) fn of_calls_and_commits() -> &'static [Fault] {
    let (calls_and_commits, _questions) = OF_APPROVAL.split_at(14);
    calls_and_commits
}

/// What can go wrong with a cancellation.
pub(crate) const OF_CANCELLATION: [Fault; 21] = {
    let mut faults = [Fault::Elsewhere; 21];
    let mut at = 0;
    while at < OF_APPROVAL.len() {
        faults[at] = OF_APPROVAL[at];
        at += 1;
    }
    faults
};

/// What can go wrong with a charge.
pub(crate) const OF_CHARGE: [Fault; 23] = {
    let mut faults = [Fault::OrderUsed; 23];
    let mut at = 0;
    while at < OF_APPROVAL.len() {
        faults[at] = OF_APPROVAL[at];
        at += 1;
    }
    faults[21] = Fault::WrongCurrency;
    faults[22] = Fault::Elsewhere;
    faults
};

/// What can go wrong with the issue of a virtual account. One of another amount is nobody's, and is
/// asked about until a person looks.
pub(crate) const OF_ACCOUNT: [Fault; 20] = {
    let mut faults = OF_APPROVAL;
    // In place of the other amount.
    faults[7] = Fault::OrderUsed;
    faults
};

impl Fault {
    /// The fault alone; a question is only asked where something went wrong before.
    pub(crate) fn with_a_reason(self) -> Vec<Self> {
        match self.place() {
            Place::Question => vec![Self::AnswerLost, self],
            Place::Call | Place::Commit => vec![self],
        }
    }

    fn place(self) -> Place {
        match self {
            Self::CommitLost | Self::CommitInDoubt | Self::CommitInDoubtUnwritten | Self::Rival => {
                Place::Commit
            }
            Self::QuestionLost | Self::QuestionNotFound | Self::QuestionLies => Place::Question,
            Self::RequestLost
            | Self::AnswerLost
            | Self::RequestLate
            | Self::Decline
            | Self::Temporary
            | Self::UnknownCode
            | Self::UnknownCodeAfterEffect
            | Self::WrongAmount
            | Self::WrongOrder
            | Self::Elsewhere
            | Self::Busy
            | Self::NotSent
            | Self::TemporaryLate
            | Self::OrderUsed
            | Self::WrongCurrency
            | Self::Malformed
            | Self::Asleep => Place::Call,
        }
    }
}

/// The faults still to come; each strikes at the first place that fits, in order.
#[derive(Clone, Default)]
pub(crate) struct Script(Arc<Mutex<VecDeque<Fault>>>);

impl Script {
    pub(crate) fn of(faults: &[Fault]) -> Self {
        Self(Arc::new(Mutex::new(faults.iter().copied().collect())))
    }

    /// Goes on with these.
    pub(crate) fn refill(&self, faults: &[Fault]) {
        self.0.lock().unwrap().extend(faults);
    }

    /// The next fault, when it strikes there.
    pub(crate) fn strike(&self, place: Place) -> Option<Fault> {
        let mut left = self.0.lock().unwrap();
        left.pop_front_if(|fault| fault.place() == place)
    }

    pub(crate) fn left(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    pub(crate) fn is_used_up(&self) -> bool {
        self.0.lock().unwrap().is_empty()
    }
}
