//! Owns what gateways' notifications are taken with, as the settings say.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use application::inbox::{Intake, Terms};
use application::ports::RateLimiter;
use application::ports::inbox::DepositSecrets;
use application::ports::limiter::Rate;

use crate::adapters::gateway::toss::Hooks;
use crate::config::Config;

/// How long a hint is held beyond what its look may take.
const COMMIT_ROOM: Duration = Duration::from_mins(3);

/// The intake, which counts by `limiter` and finds the secrets of deposits in `deposits`.
pub(super) fn intake(
    config: &Config,
    deposits: Arc<dyn DepositSecrets>,
    limiter: Arc<dyn RateLimiter>,
) -> Intake {
    Intake {
        reader: Arc::new(Hooks),
        deposits,
        limiter,
        terms: terms(config),
    }
}

fn terms(config: &Config) -> Terms {
    let settings = &config.inbox;
    // None is without a limit.
    let rate = |tokens: u32, per| {
        Some(Rate {
            tokens: NonZeroU32::new(tokens)?,
            per,
        })
    };
    Terms {
        grace: settings.grace.duration(),
        poll: settings.poll.duration(),
        kept: settings.kept_for.duration(),
        hooks: rate(settings.account_per_second, Duration::from_secs(1)),
        unreadable: rate(settings.unreadable_per_hour, Duration::from_hours(1)),
        idle: rate(settings.idle_per_hour, Duration::from_hours(1)),
        questions: rate(settings.questions_per_minute, Duration::from_mins(1)),
        looks_max: settings.looks_max,
        lease: COMMIT_ROOM
            .checked_div(config.timings.divide_by)
            .unwrap_or(COMMIT_ROOM),
    }
}
