//! Owns what operators see of billing: what waits, and what became of cycles.

use std::time::Duration;

use application::counted_by;
use application::ports::Store;
use application::ports::store::{CountedBy, CycleBacklog};
use domain::Timestamp;
use domain::subscription::{Change, CycleStatus};
use prometheus::{Gauge, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts};

use super::book::{Book, begun, lower, registered};

/// The metrics of billing. No label names a merchant: `payflow billing status` does.
pub(in crate::adapters) struct Billing {
    moved: IntCounterVec,
    cycles: IntGaugeVec,
    oldest_due_seconds: Gauge,
    stuck_cards: IntGauge,
    take_seconds: HistogramVec,
}

impl Billing {
    pub(super) fn registered(registry: &Book) -> Result<Self, prometheus::Error> {
        let moved = Opts::new(
            "payflow_billing_cycles_total",
            "Changes of cycles by the status that they led to",
        );
        let cycles = Opts::new(
            "payflow_billing_cycles",
            "Cycles that are due, late, being charged, waiting for another card, and due of a \
             suspended merchant, which are neither due nor late here",
        );
        let oldest_due_seconds = Gauge::new(
            "payflow_billing_oldest_due_seconds",
            "For how long the cycle is due that has been due the longest",
        )?;
        let stuck_cards = IntGauge::new(
            "payflow_billing_keys_stuck",
            "Stored cards that have waited too long for being issued or deleted at their gateway",
        )?;
        let moved = registered(registry, IntCounterVec::new(moved, &["status"])?)?;
        begun(
            &moved,
            lower(CycleStatus::ALL.iter().map(|status| status.as_str())),
        );
        Ok(Self {
            moved,
            cycles: registered(registry, IntGaugeVec::new(cycles, &["standing"])?)?,
            oldest_due_seconds: registered(registry, oldest_due_seconds)?,
            stuck_cards: registered(registry, stuck_cards)?,
            take_seconds: registry.histogram(
                "payflow_billing_take_seconds",
                "Time of taking cycles that are due: some, or none that were free",
                &["result"],
            )?,
        })
    }

    /// Counts what was committed.
    pub(in crate::adapters) fn committed(&self, change: &Change) {
        match change {
            Change::UpdateCycle { cycle, .. } => {
                let status: CycleStatus = cycle.state.status();
                let word = status.as_str().to_lowercase();
                self.moved.with_label_values(&[word.as_str()]).inc();
            }
            Change::InsertPlan(_)
            | Change::UpdatePlan { .. }
            | Change::InsertSubscription(_)
            | Change::UpdateSubscription { .. }
            | Change::InsertCycle(_)
            | Change::AppendEvent(_) => {}
        }
    }

    /// So many due cycles were taken at once.
    pub(in crate::adapters) fn taken(&self, cycles: usize, took: Duration) {
        let result = if cycles == 0 { "none" } else { "some" };
        let seconds = self.take_seconds.with_label_values(&[result]);
        seconds.observe(took.as_secs_f64());
    }

    /// Looks at the store.
    pub(super) async fn count(&self, store: &dyn Store, now: Timestamp, stuck_after: Duration) {
        let by = CountedBy {
            paid_since: None,
            ..counted_by(now)
        };
        match store.dues().backlog(by).await {
            Ok(lines) => self.show(&lines, now),
            Err(error) => tracing::warn!(%error, "cycles are not counted"),
        }
        let since = application::stuck_since(now, stuck_after);
        match store.dues().stuck_cards(since).await {
            Ok(count) => self
                .stuck_cards
                .set(i64::try_from(count).unwrap_or(i64::MAX)),
            Err(error) => tracing::warn!(%error, "stored cards are not counted"),
        }
    }

    fn show(&self, lines: &[CycleBacklog], now: Timestamp) {
        let sum = |suspended: bool, of: fn(&CycleBacklog) -> u64| {
            let lines = lines.iter().filter(|line| line.suspended == suspended);
            lines.map(of).fold(0, u64::saturating_add)
        };
        let all = |of| sum(false, of).saturating_add(sum(true, of));
        for (standing, count) in [
            ("due", sum(false, |line| line.due)),
            ("late", sum(false, |line| line.late)),
            ("suspended", sum(true, |line| line.due)),
            ("charging", all(|line| line.charging)),
            ("held", all(|line| line.held)),
        ] {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            self.cycles.with_label_values(&[standing]).set(count);
        }
        let charged = lines.iter().filter(|line| !line.suspended);
        let oldest = charged.filter_map(|line| line.oldest_due).min();
        let waited = oldest.map(|oldest| now.signed_duration_since(oldest));
        let waited = waited.and_then(|waited| waited.to_std().ok());
        let waited = waited.unwrap_or_default().as_secs_f64();
        self.oldest_due_seconds.set(waited);
    }
}
