//! Owns what operators see of how events leave: what waits for a position, and how far readers are
//! behind.

use application::ports::Store;
use application::ports::store::{self, LeaseStanding, ReaderStanding};
use domain::Timestamp;
use domain::lease::Job;
use prometheus::{Gauge, GaugeVec, IntGauge, IntGaugeVec, Opts};

use super::book::{Book, registered};

/// The metrics of the feed.
pub(super) struct Feed {
    unsequenced: IntGauge,
    oldest_seconds: Gauge,
    position: IntGauge,
    lag_events: IntGaugeVec,
    lag_seconds: GaugeVec,
    parked: IntGaugeVec,
    pub(super) streams: IntGauge,
}

impl Feed {
    pub(super) fn registered(registry: &Book) -> Result<Self, prometheus::Error> {
        let count = |name, help| registered(registry, IntGauge::new(name, help)?);
        let counts = |name, help| {
            let counts = IntGaugeVec::new(Opts::new(name, help), &["reader"])?;
            registered(registry, counts)
        };
        let oldest_seconds = Gauge::new(
            "payflow_feed_unsequenced_oldest_seconds",
            "Age of the oldest event without a position",
        )?;
        let lag_seconds = Opts::new(
            "payflow_reader_lag_seconds",
            "Age of the oldest event that a reader has not told yet",
        );
        Ok(Self {
            unsequenced: count(
                "payflow_feed_unsequenced",
                "Events that have no position yet",
            )?,
            oldest_seconds: registered(registry, oldest_seconds)?,
            position: count("payflow_feed_position", "The last position that was given")?,
            lag_events: counts(
                "payflow_reader_lag_events",
                "Positions, of all tenants, that a reader has yet to come to",
            )?,
            lag_seconds: registered(registry, GaugeVec::new(lag_seconds, &["reader"])?)?,
            streams: count("payflow_streams", "Streams of payments that are open")?,
            parked: counts(
                "payflow_reader_parked",
                "Events that a reader could not tell and put aside",
            )?,
        })
    }

    /// Looks at the store.
    pub(super) async fn count(
        &self,
        store: &dyn Store,
        now: Timestamp,
        leases: &[LeaseStanding],
        wanted: &[Job],
    ) {
        if let Err(error) = self.look(store, now, leases, wanted).await {
            tracing::warn!(%error, "the feed is not counted");
        }
    }

    async fn look(
        &self,
        store: &dyn Store,
        now: Timestamp,
        leases: &[LeaseStanding],
        wanted: &[Job],
    ) -> Result<(), store::Error> {
        let backlog = store.backlog().await?;
        self.unsequenced.set(whole(backlog.count));
        self.oldest_seconds.set(age(now, backlog.oldest));
        let head = store.head().await?.position;
        self.position.set(head);
        for standing in store.readers().await? {
            let job = standing.reader.job();
            let done = leases
                .iter()
                .any(|lease| lease.job == *job && lease.is_held);
            if done || wanted.contains(job) {
                self.reader(&standing, head, now);
            } else {
                self.forget(&standing);
            }
        }
        Ok(())
    }

    /// Nobody reads for it any more, nor is meant to: it is behind for ever, and nobody is missed.
    fn forget(&self, standing: &ReaderStanding) {
        let reader = [standing.reader.as_str()];
        let _ = self.lag_events.remove_label_values(&reader);
        let _ = self.lag_seconds.remove_label_values(&reader);
        let _ = self.parked.remove_label_values(&reader);
    }

    fn reader(&self, standing: &ReaderStanding, head: i64, now: Timestamp) {
        let reader = [standing.reader.as_str()];
        let lag = head.saturating_sub(standing.cursor.position).max(0);
        self.lag_events.with_label_values(&reader).set(lag);
        let seconds = age(now, standing.waiting_since);
        self.lag_seconds.with_label_values(&reader).set(seconds);
        let parked = self.parked.with_label_values(&reader);
        parked.set(whole(standing.parked));
    }
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// How long ago it was, in seconds; 0 where there is nothing.
fn age(now: Timestamp, since: Option<Timestamp>) -> f64 {
    let age = since.map(|since| now.signed_duration_since(since));
    let age = age.and_then(|age| age.to_std().ok());
    age.unwrap_or_default().as_secs_f64()
}
