//! Owns the arithmetic of figures: percentiles, medians and rates, in integers.

use std::time::Duration;

/// Durations that were measured.
#[derive(Clone, Debug, Default)]
pub(crate) struct Samples {
    microseconds: Vec<u64>,
}

impl Samples {
    /// Adds one.
    pub(crate) fn add(&mut self, took: Duration) {
        self.microseconds
            .push(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    /// Adds all of `other`.
    pub(crate) fn merge(&mut self, other: Self) {
        self.microseconds.extend(other.microseconds);
    }

    /// How many.
    pub(crate) fn count(&self) -> usize {
        self.microseconds.len()
    }

    /// The smallest value that `per_mille` of a thousand samples do not exceed; none without any.
    pub(crate) fn percentile(&self, per_mille: usize) -> Option<u64> {
        let mut sorted = self.microseconds.clone();
        sorted.sort_unstable();
        let rank = sorted.len().saturating_mul(per_mille).div_ceil(1000).max(1);
        sorted.get(rank.saturating_sub(1)).copied()
    }

    /// The largest.
    pub(crate) fn max(&self) -> Option<u64> {
        self.microseconds.iter().copied().max()
    }
}

/// `part` of `whole` in thousandths; zero of nothing.
pub(crate) fn per_mille(part: u64, whole: u64) -> u64 {
    part.saturating_mul(1000).checked_div(whole).unwrap_or(0)
}

/// Tenths of events per second.
pub(crate) fn tenths_per_second(count: usize, over: Duration) -> u64 {
    let count = u128::try_from(count).expect("a count fits");
    let rate = count
        .saturating_mul(10_000_000)
        .checked_div(over.as_micros())
        .unwrap_or(0);
    u64::try_from(rate).unwrap_or(u64::MAX)
}

/// The middle value, the lower one of two; none without any.
pub(crate) fn median(values: &[u64]) -> Option<u64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len().saturating_sub(1) / 2).copied()
}

/// Tenths as a decimal.
pub(crate) fn show_tenths(tenths: u64) -> String {
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// Microseconds as milliseconds.
pub(crate) fn show_milliseconds(microseconds: u64) -> String {
    format!("{}.{:02} ms", microseconds / 1000, microseconds % 1000 / 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_samples_that_were_measured() {
        let mut samples = Samples::default();
        assert_eq!(samples.percentile(500), None);
        for number in (1..=100).rev() {
            samples.add(Duration::from_micros(number));
        }
        assert_eq!(samples.percentile(500), Some(50));
        assert_eq!(samples.percentile(990), Some(99));
        assert_eq!(samples.percentile(999), Some(100));
        assert_eq!(samples.percentile(0), Some(1));
        assert_eq!(samples.max(), Some(100));
    }

    #[test]
    fn rates_and_ratios_do_not_divide_by_nothing() {
        assert_eq!(tenths_per_second(25, Duration::from_secs(2)), 125);
        assert_eq!(tenths_per_second(25, Duration::ZERO), 0);
        assert_eq!(per_mille(7, 10), 700);
        assert_eq!(per_mille(7, 0), 0);
        assert_eq!(show_tenths(125), "12.5");
        assert_eq!(show_milliseconds(12_345), "12.34 ms");
    }

    #[test]
    fn the_median_is_one_of_the_values() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3, 1, 2]), Some(2));
        assert_eq!(median(&[4, 1, 3, 2]), Some(2));
    }
}
