//! Owns what has to have been told in the end, to the broker and to the receiver: everything that
//! happened, in order, and each effect once.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::playing::Playing;
use crate::books::Books;
use crate::bus::Reading;
use crate::chaos::aftermath::{Verdict, milliseconds};
use crate::chaos::rounds::Counts;

/// By then everything has to be told, once nobody is killed any more.
const DRAIN_PATIENCE: Duration = Duration::from_secs(30);
/// By then webhooks, too: one whose courier died is held until its lease is over.
const BRING_PATIENCE: Duration = Duration::from_secs(45);
const POLL: Duration = Duration::from_millis(100);

impl Playing {
    /// Waits until everything is told, and adds what is wrong; copies of every role go on.
    pub(super) async fn judge(
        &self,
        begun: Instant,
        counts: &mut Counts,
        verdict: &mut Verdict,
    ) -> anyhow::Result<()> {
        self.drain(begun, counts, verdict).await?;
        let mut wrong = |what: String| verdict.breaches.push(what);
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

    /// Waits until nothing is left to be told, and nothing will happen any more.
    async fn drain(
        &self,
        begun: Instant,
        counts: &mut Counts,
        verdict: &mut Verdict,
    ) -> anyhow::Result<()> {
        let target = self.stand.target();
        let mut told = false;
        loop {
            let untold = Books::untold(&target).await?;
            let rests = untold.events == 0 && untold.unpaid == 0;
            let passed = begun.elapsed();
            if rests && !told {
                told = true;
                counts.add("drainedMilliseconds", milliseconds(passed));
            }
            if rests && untold.deliveries == 0 {
                counts.add("broughtMilliseconds", milliseconds(passed));
                return Ok(());
            }
            let patience = if rests {
                BRING_PATIENCE
            } else {
                DRAIN_PATIENCE
            };
            if passed >= patience {
                let what = format!("after {patience:?} not everything is told: {untold:?}");
                verdict.breaches.push(what);
                return Ok(());
            }
            sleep(POLL).await;
        }
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
