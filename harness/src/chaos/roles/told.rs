//! Owns what has to have been told in the end, to the broker and to the receiver: everything that
//! happened, in order, and each effect once.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Context as _;
use tokio::time::{Instant, sleep};

use super::playing::Playing;
use crate::books::{Books, Target, Untold};
use crate::bus::Reading;
use crate::chaos::aftermath::{Verdict, milliseconds};
use crate::chaos::rounds::Counts;
use crate::effects::{Book, eat};

/// By then everything has to be told, once nobody is killed any more; a machine that does other
/// things is no finding.
pub(super) const DRAIN_PATIENCE: Duration = Duration::from_mins(2);
/// By then webhooks, too: one whose courier died is held until its lease is over.
const BRING_PATIENCE: Duration = Duration::from_secs(45);
const POLL: Duration = Duration::from_millis(100);

impl Playing {
    /// Adds what is wrong with what was told, within this time; copies of every role go on.
    pub(super) async fn judge(
        &self,
        (drained, within): (Drained, Duration),
        counts: &mut Counts,
        verdict: &mut Verdict,
    ) -> anyhow::Result<()> {
        let mut wrong = |what: String| verdict.breaches.push(what);
        counts.add("drainedMilliseconds", drained.told.map_or(0, milliseconds));
        counts.add(
            "broughtMilliseconds",
            drained.brought.map_or(0, milliseconds),
        );
        if !drained.is_within(within) {
            let left = drained.left;
            wrong(format!("not everything is told in {within:?}: {left:?}"));
        }
        let target = self.stand.target();
        let happened = Books::happened(&target).await?;
        counts.add("events", count(happened.len()));
        let mut reading = Reading::begin(&self.broker.address())?;
        let log = reading.until(happened.len()).await?;
        counts.add("messagesCameAgain", count(log.came_again()));
        for (what, number) in [
            ("lost on the bus", log.lost(happened.len())),
            ("before an earlier one of its payment", log.inversions()),
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
        counts.add("webhooksCameAgain", again);
        for id in expected.symmetric_difference(&arrived).take(3) {
            wrong(format!("a webhook is missing, or of nothing: {id}"));
        }
        self.judge_effects(counts, verdict).await
    }

    /// Adds where the effects of what was told are not what the service's books say: those of a
    /// consumer of the bus that is killed itself, and those of the receiver.
    async fn judge_effects(
        &self,
        counts: &mut Counts,
        verdict: &mut Verdict,
    ) -> anyhow::Result<()> {
        let books = Books::totals(&self.stand.target()).await?;
        let eaten = eat(&self.broker.address(), &books).await?;
        for (name, number) in [
            ("effects", eaten.effects),
            ("effectsTwice", eaten.effects_twice),
            ("consumerCameAgain", eaten.came_again),
            ("twiceWithoutMarker", eaten.twice_without_marker),
        ] {
            counts.add(name, u64::try_from(number).unwrap_or_default());
        }
        counts.add("consumerDeaths", eaten.deaths);
        verdict.breaches.extend(eaten.wrong());
        let totals = self
            .receiver
            .look(|arrived| arrived.book.as_ref().map(Book::totals));
        let received = totals
            .context("a receiver without effects")??
            .beside(&books);
        if !received.is_none() {
            let what = format!("the effects of webhooks are not the books': {received:?}");
            verdict.breaches.push(what);
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

impl Drained {
    /// Whether both were told of everything by then.
    fn is_within(&self, limit: Duration) -> bool {
        let is_in_time = |passed: Option<Duration>| passed.is_some_and(|passed| passed <= limit);
        is_in_time(self.told) && is_in_time(self.brought)
    }
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
