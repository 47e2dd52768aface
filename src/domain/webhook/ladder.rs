//! Owns how long and how often a webhook is tried: a ladder of waits, spread by chance.

use std::time::Duration;

use crate::{Timestamp, after};

/// The waits between the tries of one delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ladder {
    /// What the first wait is drawn from; each later one is drawn from twice as much.
    pub first: Duration,
    /// What no wait exceeds.
    pub cap: Duration,
    /// How long it is tried.
    pub span: Duration,
}

/// A number that nobody can foresee, of 2³² equally likely ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chance(pub u32);

/// What follows a try that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Another one, then.
    At(Timestamp),
    /// None: it was tried for long enough.
    GivenUp,
}

impl Ladder {
    /// What follows the `tries`th try at `now`, where the first one was due at `began`. A receiver
    /// that asked for peace until `not_before` gets it, but not beyond the span.
    ///
    /// The wait is drawn from all of the interval (full jitter): receivers that come back are not
    /// met by everything at once. The last try is made at the span's very end, so that whoever
    /// comes back within it misses nothing.
    #[must_use]
    pub fn next(
        &self,
        tries: u32,
        (began, now): (Timestamp, Timestamp),
        not_before: Option<Timestamp>,
        chance: Chance,
    ) -> Next {
        let end = after(began, self.span);
        if now >= end {
            return Next::GivenUp;
        }
        let drawn = after(now, self.drawn(tries, chance));
        let due = not_before.map_or(drawn, |peace| drawn.max(peace));
        Next::At(due.min(end))
    }

    /// At least a tenth of the first interval, so that chance alone does not hammer a receiver.
    fn drawn(&self, tries: u32, Chance(chance): Chance) -> Duration {
        let doublings = tries.saturating_sub(1).min(31);
        let interval = self.first.saturating_mul(1_u32 << doublings).min(self.cap);
        let share = interval.as_micros().saturating_mul(u128::from(chance)) >> 32;
        let drawn = Duration::from_micros(u64::try_from(share).unwrap_or(u64::MAX));
        drawn.max(self.first.checked_div(10).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 24 * 60 * 60;
    const LADDER: Ladder = Ladder {
        first: Duration::from_secs(10),
        cap: Duration::from_hours(8),
        span: Duration::from_secs(3 * DAY),
    };
    const NEVER: Chance = Chance(0);
    const MOST: Chance = Chance(u32::MAX);

    fn at(seconds: u64) -> Timestamp {
        after(Timestamp::UNIX_EPOCH, Duration::from_secs(seconds))
    }

    fn waited(tries: u32, chance: Chance) -> Duration {
        match LADDER.next(tries, (at(0), at(0)), None, chance) {
            Next::At(due) => due.signed_duration_since(at(0)).to_std().unwrap(),
            Next::GivenUp => panic!("given up at once"),
        }
    }

    #[test]
    fn the_wait_is_drawn_from_an_interval_that_doubles_up_to_its_cap() {
        for (tries, seconds) in [(1, 10), (2, 20), (5, 160), (12, 20_480), (13, 28_800)] {
            let most = waited(tries, MOST);
            let interval = Duration::from_secs(seconds);
            assert!(most < interval && interval.abs_diff(most) < Duration::from_millis(1));
            assert_eq!(
                waited(tries, Chance(1 << 31)).checked_mul(2),
                Some(interval)
            );
        }
        assert_eq!(waited(u32::MAX, Chance(1 << 31)), Duration::from_hours(4));
        assert_eq!(waited(9, NEVER), Duration::from_secs(1));
    }

    #[test]
    fn it_is_tried_for_the_whole_span_and_not_longer() {
        for chance in [NEVER, Chance(1 << 30), MOST] {
            let mut now = at(0);
            let mut tries = 1_u32;
            while let Next::At(due) = LADDER.next(tries, (at(0), now), None, chance) {
                assert!(due > now && due <= at(3 * DAY));
                now = due;
                tries = tries.saturating_add(1);
            }
            assert_eq!(now, at(3 * DAY));
        }
        let late = LADDER.next(1, (at(0), at(4 * DAY)), None, MOST);
        assert_eq!(late, Next::GivenUp);
    }

    #[test]
    fn a_receiver_gets_the_peace_it_asks_for_within_the_span() {
        let asked = |until| LADDER.next(1, (at(0), at(0)), Some(at(until)), NEVER);
        assert_eq!(asked(0), Next::At(at(1)));
        assert_eq!(asked(600), Next::At(at(600)));
        assert_eq!(asked(30 * DAY), Next::At(at(3 * DAY)));
    }
}
