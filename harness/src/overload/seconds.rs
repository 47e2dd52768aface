//! Owns what became of the arrivals of each second, and when all was as before.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use crate::stats::Samples;

/// So many times the usual p99 is still usual.
const USUAL: u64 = 2;
/// A p99 of few samples on a machine that does other things.
const SLACK: u64 = 50_000;
/// So many seconds in a row have to be as before.
const ROW: u64 = 3;

/// What became of those who arrived within one second, or several.
#[derive(Clone, Debug, Default)]
pub(super) struct Second {
    /// Approved.
    pub(super) good: Samples,
    /// Told to come again later.
    pub(super) refused: Samples,
    /// Told that it will be done, or may have been.
    pub(super) promised: usize,
    /// Whatever else.
    pub(super) wrong: Vec<String>,
}

/// All seconds of a run.
#[derive(Clone, Debug, Default)]
pub(super) struct Timeline {
    seconds: Vec<Second>,
    /// When each approval was answered, since the beginning.
    approved_at: Vec<Duration>,
    /// How long after it was due each request was sent.
    lag: Samples,
}

impl Second {
    /// How many arrived.
    pub(super) fn count(&self) -> usize {
        let counts = [self.good.count(), self.refused.count(), self.promised];
        let answered = counts
            .iter()
            .fold(0, |sum: usize, count| sum.saturating_add(*count));
        answered.saturating_add(self.wrong.len())
    }

    fn merge(&mut self, other: Self) {
        self.good.merge(other.good);
        self.refused.merge(other.refused);
        self.promised = self.promised.saturating_add(other.promised);
        self.wrong.extend(other.wrong);
    }

    /// Whether everybody is served as quickly as usual.
    fn is_usual(&self, usual: u64) -> bool {
        let limit = usual.saturating_mul(USUAL).max(usual.saturating_add(SLACK));
        let quick = self.good.percentile(990).is_some_and(|p99| p99 <= limit);
        quick && self.refused.count() == 0 && self.promised == 0
    }
}

impl fmt::Display for Second {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let p99 = self.good.percentile(990).unwrap_or(0);
        let (good, refused) = (self.good.count(), self.refused.count());
        write!(
            f,
            "{good} approved, p99 {p99} us, {refused} refused, {} promised",
            self.promised
        )
    }
}

impl Timeline {
    /// What became of somebody who arrived in this second.
    pub(super) fn add(&mut self, second: usize, what: Second) {
        if self.seconds.len() <= second {
            self.seconds
                .resize(second.saturating_add(1), Second::default());
        }
        if let Some(known) = self.seconds.get_mut(second) {
            known.merge(what);
        }
    }

    /// A request was sent so long after it was due.
    pub(super) fn sent(&mut self, late: Duration) {
        self.lag.add(late);
    }

    /// How long after they were due requests were sent, so many of a thousand at most; in
    /// microseconds.
    pub(super) fn lag(&self, per_mille: usize) -> u64 {
        self.lag.percentile(per_mille).unwrap_or(0)
    }

    /// Somebody was told of an approval.
    pub(super) fn approved(&mut self, at: Duration) {
        self.approved_at.push(at);
    }

    /// How many were told of an approval within these seconds, whenever they arrived.
    pub(super) fn approved_within(&self, seconds: Range<u64>) -> usize {
        let within = |at: &&Duration| seconds.contains(&at.as_secs());
        self.approved_at.iter().filter(within).count()
    }

    /// Those of these seconds together.
    pub(super) fn within(&self, seconds: Range<u64>) -> Second {
        let mut all = Second::default();
        for second in seconds {
            let known = usize::try_from(second).ok();
            if let Some(known) = known.and_then(|second| self.seconds.get(second)) {
                all.merge(known.clone());
            }
        }
        all
    }

    /// Some of the answers that nobody should get.
    pub(super) fn wrong(&self, shown: usize) -> Vec<String> {
        let all: Vec<&String> = self
            .seconds
            .iter()
            .flat_map(|second| &second.wrong)
            .collect();
        let mut wrong: Vec<String> = all.iter().take(shown).copied().cloned().collect();
        if all.len() > shown {
            wrong.push(format!("{} more of them", all.len().saturating_sub(shown)));
        }
        wrong
    }

    /// How many seconds after `end` all is as usual, and stays so.
    pub(super) fn recovered(&self, end: u64, usual: u64) -> Option<u64> {
        let last = u64::try_from(self.seconds.len()).ok()?;
        let first = (end..last.saturating_sub(ROW.saturating_sub(1))).find(|second| {
            let row = *second..second.saturating_add(ROW);
            row.clone().all(|second| {
                self.within(second..second.saturating_add(1))
                    .is_usual(usual)
            })
        })?;
        Some(first.saturating_sub(end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(milliseconds: &[u64], refused: usize) -> Second {
        let mut second = Second::default();
        for time in milliseconds {
            second.good.add(Duration::from_millis(*time));
        }
        for _ in 0..refused {
            second.refused.add(Duration::from_millis(1));
        }
        second
    }

    fn timeline(seconds: Vec<Second>) -> Timeline {
        let mut timeline = Timeline::default();
        for (at, second) in seconds.into_iter().enumerate() {
            timeline.add(at, second);
        }
        timeline
    }

    #[test]
    fn recovered_is_who_serves_all_for_three_seconds() {
        let (well, slow) = (second(&[200], 0), second(&[900], 0));
        let seconds = vec![
            well.clone(),
            slow,
            well.clone(),
            second(&[200], 1),
            well.clone(),
        ];
        let mut longer = seconds.clone();
        assert_eq!(timeline(seconds).recovered(1, 210_000), None);
        longer.extend([well.clone(), well]);
        assert_eq!(timeline(longer).recovered(1, 210_000), Some(3));
    }

    #[test]
    fn a_second_that_served_nobody_is_not_as_before() {
        let nobody = vec![Second::default(); 6];
        assert_eq!(timeline(nobody).recovered(0, 210_000), None);
    }

    #[test]
    fn approvals_count_when_they_are_told() {
        let mut timeline = Timeline::default();
        for milliseconds in [900, 1_000, 1_999, 2_000] {
            timeline.approved(Duration::from_millis(milliseconds));
        }
        assert_eq!(timeline.approved_within(1..2), 2);
    }
}
