//! Payflow's pure rules: what a payment is, what may happen to it, and what each answer means.
//!
//! Nothing in here reads a clock, draws a random number or performs I/O, so every path can be
//! enumerated by a test. Time, spare ids and the event sealer come in through [`Ctx`].

#[macro_use]
mod words;

pub mod account;
pub mod billing;
pub mod calendar;
pub mod card;
pub mod change;
pub mod decline;
pub mod event;
pub mod feed;
pub mod id;
pub mod idempotency;
pub mod inbox;
pub mod lease;
pub mod ledger;
pub mod member_event;
pub mod merchant;
pub mod money;
pub mod payment;
pub mod principal;
pub mod refund;
pub mod saga;
pub mod settlement;
pub mod snapshot;
pub mod step_up;
pub mod subscription;
pub mod switch;
pub mod text;
pub mod trace;
pub mod vault;
pub mod virtual_account;
pub mod webhook;

use std::time::Duration;

use chrono::TimeDelta;
use event::{Draft, Hash, Sealed};
use id::SagaId;
use saga::Policy;
use trace::Trace;

/// An instant in UTC with microsecond precision (the precision both databases keep).
pub type Timestamp = chrono::DateTime<chrono::Utc>;

/// What a decision may know besides its arguments: drawn beforehand, so deciding stays pure.
#[derive(Clone, Copy)]
pub struct Ctx<'a> {
    /// The Clock port's instant of this decision.
    pub now: Timestamp,
    /// An unused saga id, for a decision that has to open a saga.
    pub spare: SagaId,
    /// Windows, bounds and schedules.
    pub policy: &'a Policy,
    /// Serialises and hashes an event onto its payment's chain.
    pub seal: fn(&Draft, &Hash) -> Sealed,
    /// The trace of the request or recovery pass, and the span that decides.
    pub trace: Trace,
}

/// `pause` before `now`; the beginning of our time when there is none.
pub(crate) fn before(now: Timestamp, pause: Duration) -> Timestamp {
    TimeDelta::from_std(pause)
        .ok()
        .and_then(|pause| now.checked_sub_signed(pause))
        .unwrap_or(Timestamp::MIN_UTC)
}

/// `pause` after `now`; the end of time when that overflows.
pub(crate) fn after(now: Timestamp, pause: Duration) -> Timestamp {
    TimeDelta::from_std(pause)
        .ok()
        .and_then(|pause| now.checked_add_signed(pause))
        .unwrap_or(Timestamp::MAX_UTC)
}
