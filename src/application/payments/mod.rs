//! Owns the use cases of one-off payments: prepare, approve, cancel, read, list.

mod act;
mod approve;
mod cancel;
mod choice;
mod prepare;
mod read;

pub use act::ActError;
pub(crate) use act::{Command, Decided, Verb};
pub use approve::{Approve, ApproveError};
pub use cancel::{Cancel, CancelError};
pub(crate) use choice::Taking;
pub use prepare::{Opening, Prepare, PrepareError};
pub use read::{Page, ReadError};

use std::time::Duration;

use domain::Timestamp;

use crate::outcome::{Ended, Outcome};

/// The answer to a use case that takes an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// How it ended, or that it has not yet.
    pub outcome: Outcome,
    /// Whether this is the answer to an earlier request with the same key.
    pub replayed: bool,
    /// How long it took for the gateway's sake: calls, and pauses before it is asked again.
    pub gateway_time: Duration,
    /// Since when its key is in use, where it is the answer to an earlier request.
    pub(crate) since: Option<Timestamp>,
}

impl Answered {
    pub(crate) fn first(outcome: Outcome) -> Self {
        Self {
            outcome,
            replayed: false,
            gateway_time: Duration::ZERO,
            since: None,
        }
    }

    pub(crate) fn again(ended: Ended, since: Timestamp) -> Self {
        Self {
            outcome: Outcome::Ended(ended),
            replayed: true,
            gateway_time: Duration::ZERO,
            since: Some(since),
        }
    }

    pub(crate) fn still(pending: Outcome) -> Self {
        Self {
            outcome: pending,
            replayed: true,
            gateway_time: Duration::ZERO,
            since: None,
        }
    }
}
