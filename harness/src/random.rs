//! Owns randomness: seeded and repeatable for what a run does, from the system for names.

use std::time::Duration;

/// A seeded sequence of numbers (SplitMix64): the same seed makes the same run.
#[derive(Clone, Debug)]
pub(crate) struct Dice {
    state: u64,
}

impl Dice {
    /// A sequence that depends on every part of `seed` and on `purpose`.
    pub(crate) fn new(seed: u64, purpose: &str) -> Self {
        let mut dice = Self { state: seed };
        for byte in purpose.bytes() {
            dice.state = dice.next() ^ u64::from(byte);
        }
        dice
    }

    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, which is above zero.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next()
            .checked_rem(limit)
            .expect("the limit is above zero")
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        let span = high.saturating_sub(low).saturating_add(1);
        low.saturating_add(self.below(span))
    }

    /// One of `all`, of which there is at least one.
    pub(crate) fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        let among = u64::try_from(all.len()).unwrap_or(u64::MAX);
        let chosen = usize::try_from(self.below(among)).ok();
        *chosen
            .and_then(|chosen| all.get(chosen))
            .expect("a number below the length")
    }

    /// A pause of up to `milliseconds`.
    pub(crate) fn pause(&mut self, milliseconds: u64) -> Duration {
        Duration::from_millis(self.below(milliseconds.saturating_add(1)))
    }
}

/// A name that nothing else has: 64 random bits in hexadecimal.
pub(crate) fn unique_name() -> String {
    let random = getrandom::u64().expect("the system has randomness");
    format!("{random:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_itself_and_depends_on_seed_and_purpose() {
        let draw = |seed, purpose| Dice::new(seed, purpose).next();
        assert_eq!(draw(7, "hits"), draw(7, "hits"));
        assert_ne!(draw(7, "hits"), draw(8, "hits"));
        assert_ne!(draw(7, "hits"), draw(7, "amounts"));
    }

    #[test]
    fn stays_within_its_bounds_and_reaches_them() {
        let mut dice = Dice::new(1, "bounds");
        let drawn: Vec<u64> = (0..200).map(|_| dice.between(1, 3)).collect();
        for wanted in 1..=3 {
            assert!(drawn.contains(&wanted));
        }
        assert!(drawn.iter().all(|number| (1..=3).contains(number)));
    }
}
