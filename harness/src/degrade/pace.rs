//! Owns how many are served and refused second by second, and when as many are again as before.

use std::time::Duration;

use tokio::time::Instant;

/// How much of what was served before has to be served again, in hundredths.
const ENOUGH: u128 = 80;

/// What became of those who came within a phase.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    began: Instant,
    served: Vec<u64>,
    refused: Vec<u64>,
}

/// So many, in so long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Goodput {
    pub(super) served: u64,
    pub(super) within: Duration,
}

impl Pace {
    /// A phase that begins now.
    pub(super) fn new(began: Instant) -> Self {
        Self {
            began,
            served: Vec::new(),
            refused: Vec::new(),
        }
    }

    /// Somebody was served, or refused, at this time.
    pub(super) fn note(&mut self, at: Instant, served: bool) {
        let second = at.saturating_duration_since(self.began).as_secs();
        let Ok(second) = usize::try_from(second) else {
            return;
        };
        let counts = if served {
            &mut self.served
        } else {
            &mut self.refused
        };
        if counts.len() <= second {
            counts.resize(second.saturating_add(1), 0);
        }
        if let Some(count) = counts.get_mut(second) {
            *count = count.saturating_add(1);
        }
    }

    /// How many were served from its begin until then.
    pub(super) fn goodput(&self, until: Instant) -> Goodput {
        Goodput {
            served: self.served.iter().sum(),
            within: until.saturating_duration_since(self.began),
        }
    }

    /// How many were refused in each second, from the begin to the last in which anybody was.
    pub(super) fn refused(&self) -> &[u64] {
        &self.refused
    }

    /// At the end of which second enough were served within it; none yet, and never where nobody
    /// was served before.
    pub(super) fn again(&self, before: Goodput) -> Option<u64> {
        let enough = |served: &u64| {
            let now = u128::from(*served).saturating_mul(before.within.as_millis());
            let then = u128::from(before.served).saturating_mul(1_000);
            then > 0 && now.saturating_mul(100) >= then.saturating_mul(ENOUGH)
        };
        let second = self.served.iter().position(enough)?;
        u64::try_from(second.saturating_add(1)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const BEFORE: Goodput = Goodput {
        served: 100,
        within: Duration::from_secs(10),
    };

    fn paced(seconds: &[(u64, u64)]) -> Pace {
        let began = Instant::now();
        let mut pace = Pace::new(began);
        let mut at = began;
        for (served, refused) in seconds {
            for _ in 0..*served {
                pace.note(at, true);
            }
            for _ in 0..*refused {
                pace.note(at, false);
            }
            at = at.checked_add(SECOND).unwrap();
        }
        pace
    }

    #[test]
    fn four_fifths_of_before_are_enough_and_less_is_not() {
        assert_eq!(paced(&[(0, 9), (7, 2), (8, 0)]).again(BEFORE), Some(3));
        assert_eq!(paced(&[(7, 0), (7, 0), (7, 0)]).again(BEFORE), None);
        assert_eq!(paced(&[(8, 0)]).again(BEFORE), Some(1));
        assert_eq!(paced(&[]).again(BEFORE), None);
        // Nothing proves that nobody is missing where nobody came before.
        assert_eq!(paced(&[(0, 3)]).again(Goodput::default()), None);
        assert_eq!(paced(&[(9, 0)]).again(Goodput::default()), None);
    }

    #[test]
    fn refusals_are_counted_by_second() {
        assert_eq!(
            paced(&[(1, 4), (3, 0), (2, 1), (9, 0)]).refused(),
            [4, 0, 1]
        );
    }

    #[test]
    fn goodput_is_of_the_time_that_was_watched() {
        let pace = paced(&[(4, 0), (6, 1)]);
        let goodput = pace.goodput(pace.began.checked_add(SECOND * 2).unwrap());
        assert_eq!(goodput.served, 10);
        assert_eq!(goodput.within, Duration::from_secs(2));
    }
}
