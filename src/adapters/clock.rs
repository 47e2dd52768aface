//! Owns what payments are dated by: the system's clock, or the sandbox's ahead of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use application::ports::Clock;
use chrono::{SubsecRound, TimeDelta, Utc};
use domain::Timestamp;

/// The system's clock, ahead by what the sandbox says; by nothing without one.
#[derive(Clone, Default)]
pub struct Wall {
    ahead_milliseconds: Arc<AtomicI64>,
}

impl Wall {
    /// Moves ahead; never back, so that what was dated stays in the past.
    pub fn move_ahead(&self, ahead: TimeDelta) {
        let ahead = ahead.num_milliseconds();
        self.ahead_milliseconds.fetch_max(ahead, Ordering::Relaxed);
    }
}

impl Clock for Wall {
    fn now(&self) -> Timestamp {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the clock the others ask"
        )]
        let system = Utc::now();
        let ahead = TimeDelta::milliseconds(self.ahead_milliseconds.load(Ordering::Relaxed));
        let now = system.checked_add_signed(ahead).unwrap_or(system);
        now.trunc_subsecs(6)
    }
}

/// A clock that is ahead by as much as another says that it is.
pub struct Following<F> {
    wall: Wall,
    ahead: F,
}

impl<F: Fn() -> TimeDelta + Send + Sync> Following<F> {
    /// Follows the clock that is ahead by this.
    #[must_use]
    pub fn new(ahead: F) -> Self {
        let wall = Wall::default();
        Self { wall, ahead }
    }
}

impl<F: Fn() -> TimeDelta + Send + Sync> Clock for Following<F> {
    fn now(&self) -> Timestamp {
        self.wall.move_ahead((self.ahead)());
        self.wall.now()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_ahead_only_and_keeps_microseconds() {
        let wall = Wall::default();
        let before = wall.now();
        wall.move_ahead(TimeDelta::days(31));
        wall.move_ahead(TimeDelta::days(1));
        let after = wall.now();
        assert!(after - before >= TimeDelta::days(31));
        assert_eq!(after.timestamp_subsec_nanos() % 1000, 0);
    }
}
