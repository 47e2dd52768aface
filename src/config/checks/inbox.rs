//! Owns what is refused of how gateways' notifications are taken.

use std::time::Duration;

use super::{Check, Config, need};

/// For so long the gateway repeats a notification (`toss-api.md §15.1`), and a day more.
const REPEATED_FOR: Duration = Duration::from_hours(5 * 24);

impl Config {
    pub(super) fn check_inbox(&self) -> Check {
        let inbox = &self.inbox;
        need(
            (1..=10_000).contains(&inbox.requests_max),
            "inbox.requests_max",
            "outside of 1 to 10000",
        )?;
        need(
            inbox.grace.duration() <= Duration::from_mins(1),
            "inbox.grace",
            "it must be at most 1m: deposits would be seen late",
        )?;
        let poll = inbox.poll.duration();
        need(
            !poll.is_zero() && poll <= Duration::from_secs(10),
            "inbox.poll",
            "it must be above zero, and at most 10s",
        )?;
        need(
            inbox.kept_for.duration() >= REPEATED_FOR,
            "inbox.kept_for",
            "it must be at least 5d: the gateway repeats for almost 4 days",
        )?;
        need(
            inbox.questions_per_minute >= 1,
            "inbox.questions_per_minute",
            "it must be at least 1: whoever tells us something could make us ask without end",
        )?;
        need(
            (1..=256).contains(&inbox.looks_max),
            "inbox.looks_max",
            "outside of 1 to 256",
        )
    }
}
