//! Owns what operators see of webhooks: tries and what they came to, what waits, and endpoints that
//! are told no more.

use application::ports::{Clock as _, Store};
use domain::webhook::{Change, Deed, Outcome};
use prometheus::{Gauge, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts};

use super::book::{BUCKETS, Book, begun, lower, registered};
use crate::adapters::clock::Wall;

/// The metrics of webhooks.
pub(in crate::adapters) struct Webhooks {
    made: IntCounterVec,
    try_seconds: HistogramVec,
    deeds: IntCounterVec,
    pending: IntGauge,
    oldest_seconds: Gauge,
    failing: IntGauge,
}

impl Webhooks {
    pub(super) fn registered(registry: &Book) -> Result<Self, prometheus::Error> {
        let made = Opts::new(
            "payflow_webhook_deliveries_total",
            "Deliveries by what became of them: made, delivered or given up",
        );
        let seconds = HistogramOpts::new(
            "payflow_webhook_try_seconds",
            "How long receivers took, by what the try came to",
        );
        let deeds = Opts::new(
            "payflow_webhook_endpoint_changes_total",
            "What was done to endpoints; gone and dead are the service's own doing",
        );
        let oldest_seconds = Gauge::new(
            "payflow_webhook_oldest_due_seconds",
            "For how long the oldest delivery to an enabled endpoint is due",
        )?;
        let gauge = |name, help| registered(registry, IntGauge::new(name, help)?);
        let seconds = seconds.buckets(BUCKETS.to_vec());
        let made = registered(registry, IntCounterVec::new(made, &["result"])?)?;
        begun(&made, lower(["made", "delivered", "given_up"]));
        let deeds = registered(registry, IntCounterVec::new(deeds, &["change"])?)?;
        begun(&deeds, lower(Deed::ALL.iter().map(|deed| deed.as_str())));
        let try_seconds = registered(registry, HistogramVec::new(seconds, &["outcome"])?)?;
        for [outcome] in lower(Outcome::ALL.iter().map(|outcome| outcome.as_str())) {
            let _ = try_seconds.with_label_values(&[outcome.as_str()]);
        }
        Ok(Self {
            made,
            try_seconds,
            deeds,
            pending: gauge(
                "payflow_webhook_pending",
                "Deliveries that wait for a try, or are tried; 10000 is so many or more",
            )?,
            oldest_seconds: registered(registry, oldest_seconds)?,
            failing: gauge(
                "payflow_webhook_endpoints_failing",
                "Enabled endpoints whose last tries all failed",
            )?,
        })
    }

    /// Counts what was committed.
    pub(in crate::adapters) fn committed(&self, change: &Change) {
        match change {
            Change::InsertDelivery(_) => self.made.with_label_values(&["made"]).inc(),
            Change::UpdateDelivery { delivery, .. } => {
                use domain::webhook::State;
                let result = match delivery.state {
                    State::Pending => return,
                    State::Delivered => "delivered",
                    State::Failed => "given_up",
                };
                self.made.with_label_values(&[result]).inc();
            }
            Change::LogAttempt(attempt) => {
                let outcome = attempt.outcome.as_str().to_lowercase();
                let timed = self.try_seconds.with_label_values(&[outcome.as_str()]);
                timed.observe(attempt.took.as_secs_f64());
            }
            Change::Note(note) => {
                let deed = note.deed.as_str().to_lowercase();
                self.deeds.with_label_values(&[deed.as_str()]).inc();
            }
            Change::InsertEndpoint(_)
            | Change::UpdateEndpoint { .. }
            | Change::BeginFailing { .. }
            | Change::EndFailing(_) => {}
        }
    }

    /// Looks at the store, at the real time, by which deliveries are due.
    pub(super) async fn count(&self, store: &dyn Store) {
        let now = Wall::default().now();
        match store.queue().await {
            Ok(queue) => {
                let whole = |count| i64::try_from(count).unwrap_or(i64::MAX);
                self.pending.set(whole(queue.pending));
                self.failing.set(whole(queue.failing));
                let late = queue.oldest_due.map(|due| now.signed_duration_since(due));
                let late = late.and_then(|late| late.to_std().ok());
                self.oldest_seconds
                    .set(late.unwrap_or_default().as_secs_f64());
            }
            Err(error) => tracing::warn!(%error, "webhooks are not counted"),
        }
    }
}
