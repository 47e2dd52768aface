//! Owns what has to have been told in the end, to the broker and to the receiver: everything that
//! happened, in order, and each effect once.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::playing::Playing;
use crate::books::{Books, Target, Untold};
use crate::bus::Reading;
use crate::chaos::aftermath::{Verdict, milliseconds};
use crate::chaos::rounds::Counts;

/// By then everything has to be told, once nobody is killed any more.
const DRAIN_PATIENCE: Duration = Duration::from_mins(2);
/// By then webhooks, too: one whose courier died is held until its lease is over.
const BRING_PATIENCE: Duration = Duration::from_secs(45);
const POLL: Duration = Duration::from_millis(100);

impl Playing {
    /// Adds what is wrong with what was told; copies of every role go on.
    pub(super) async fn judge(
        &self,
        drained: Drained,
        counts: &mut Counts,
        verdict: &mut Verdict,
    ) -> anyhow::Result<()> {
        let mut wrong = |what: String| verdict.breaches.push(what);
        counts.add("drainedMilliseconds", drained.told.map_or(0, milliseconds));
        counts.add(
            "broughtMilliseconds",
            drained.brought.map_or(0, milliseconds),
        );
        if drained.told.is_none() || drained.brought.is_none() {
            let left = drained.left;
            wrong(format!("not everything is told in time: {left:?}"));
        }
        let target = self.stand.target();
        let happened = Books::happened(&target).await?;
        counts.add("events", count(happened.len()));
        let mut reading = Reading::begin(&self.broker.address())?;
        let log = reading.until(happened.len()).await?;
        counts.add("toldAgain", count(log.duplicates()));
        for (what, number) in [
            ("lost on the bus", log.lost(happened.len())),
            ("before an earlier one of its payment", log.inversions()),
            ("effects twice", log.doubled()),
        ] {
            if number > 0 {
                wrong(format!("events {what}: {number}"));
            }
        }
        for (payment, sequence) in &happened {
            let id = format!("{payment}/{sequence}");
            if !log.has(&id) {
                wrong(format!("{id} was never told"));
                break;
            }
        }
        let expected: BTreeSet<String> = happened
            .iter()
            .map(|(payment, sequence)| format!("{payment}-{sequence}"))
            .collect();
        let (arrived, again) = self.receiver.look(|arrived| {
            let ids: BTreeSet<String> = arrived.messages.keys().cloned().collect();
            let times = arrived.messages.values();
            let again: u64 = times.map(|times| times.saturating_sub(1)).sum();
            (ids, again)
        });
        counts.add("webhooksAgain", again);
        for id in expected.symmetric_difference(&arrived).take(3) {
            wrong(format!("a webhook is missing, or of nothing: {id}"));
        }
        Ok(())
    }
}

/// When nothing was left to be told, to the broker and to the receiver; none where it was not in
/// time.
#[derive(Debug)]
pub(super) struct Drained {
    told: Option<Duration>,
    brought: Option<Duration>,
    /// What is left.
    left: Untold,
}

/// Waits until nothing is left to be told, and nothing will happen any more; nobody was killed
/// after `begun`.
pub(super) async fn drain(target: &Target, begun: Instant) -> anyhow::Result<Drained> {
    let mut told = None;
    loop {
        let left = Books::untold(target).await?;
        let passed = begun.elapsed();
        if left.events == 0 && left.unpaid == 0 {
            told.get_or_insert(passed);
        }
        let brought = told.and((left.deliveries == 0).then_some(passed));
        let is_late = match told {
            Some(_) => passed >= BRING_PATIENCE,
            None => passed >= DRAIN_PATIENCE,
        };
        if brought.is_some() || is_late {
            return Ok(Drained {
                told,
                brought,
                left,
            });
        }
        sleep(POLL).await;
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
