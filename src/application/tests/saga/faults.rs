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
    /// The gateway captures another amount than asked, and says so.
    OverCapture,
    /// Nothing takes effect; the answer is about another order.
    WrongOrder,
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

impl Fault {
    pub(crate) const ALL: [Self; 14] = [
        Self::RequestLost,
        Self::AnswerLost,
        Self::RequestLate,
        Self::Decline,
        Self::Temporary,
        Self::UnknownCode,
        Self::UnknownCodeAfterEffect,
        Self::OverCapture,
        Self::WrongOrder,
        Self::Asleep,
        Self::CommitLost,
        Self::CommitInDoubt,
        Self::CommitInDoubtUnwritten,
        Self::Rival,
    ];

    pub(crate) fn strikes_commits(self) -> bool {
        match self {
            Self::CommitLost | Self::CommitInDoubt | Self::CommitInDoubtUnwritten | Self::Rival => {
                true
            }
            Self::RequestLost
            | Self::AnswerLost
            | Self::RequestLate
            | Self::Decline
            | Self::Temporary
            | Self::UnknownCode
            | Self::UnknownCodeAfterEffect
            | Self::OverCapture
            | Self::WrongOrder
            | Self::Asleep => false,
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

    /// The next fault, when it strikes commits (or calls, when `commits` is false).
    pub(crate) fn strike(&self, commits: bool) -> Option<Fault> {
        let mut left = self.0.lock().unwrap();
        let fits = left
            .front()
            .is_some_and(|fault| fault.strikes_commits() == commits);
        if fits { left.pop_front() } else { None }
    }

    pub(crate) fn is_used_up(&self) -> bool {
        self.0.lock().unwrap().is_empty()
    }
}
