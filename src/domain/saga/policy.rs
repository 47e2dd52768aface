//! Owns the windows, bounds and schedules that sagas decide by; all of them settings.

use std::time::Duration;

use crate::{Timestamp, after};

/// Windows, bounds and schedules. The harness runs with all of them at a tenth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How long an authentication can be confirmed (`toss-api.md §4`: 10 minutes).
    pub confirm_window: Duration,
    /// How long a call can still take effect after it was sent; above the gateway's own bound of
    /// 60 s (`toss-api.md §2.5`).
    pub call_bound: Duration,
    /// How long the gateway remembers a key, less a day (`toss-api.md §14`: 15 days).
    pub key_lifetime: Duration,
    /// Pauses before the first questions.
    pub ask_after: Vec<Duration>,
    /// The pause between questions once those are used up.
    pub ask_every: Duration,
    /// How long apart two answers must be that deny what our books have of a virtual account: what
    /// answers one question stale answers the next one so, too.
    pub doubt_for: Duration,
    /// How many keys one saga may use before only questions are left.
    pub keys_max: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            confirm_window: Duration::from_mins(10),
            call_bound: Duration::from_secs(75),
            key_lifetime: Duration::from_hours(14 * 24),
            ask_after: [2, 5, 15, 60].map(Duration::from_secs).to_vec(),
            ask_every: Duration::from_mins(2),
            doubt_for: Duration::from_mins(1),
            keys_max: 20,
        }
    }
}

impl Policy {
    /// When to ask after `asks` questions.
    pub(crate) fn ask_at(&self, now: Timestamp, asks: u32) -> Timestamp {
        let pause = usize::try_from(asks)
            .ok()
            .and_then(|asks| self.ask_after.get(asks))
            .unwrap_or(&self.ask_every);
        after(now, *pause)
    }
}
