//! Owns what operators see of the bus: what became of messages, how long it took, and whether the
//! broker is away.

use std::time::Duration;

use application::ports::bus::Topic;
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts};

use super::Metrics;
use super::book::{BUCKETS, Book, begun, registered};
use crate::adapters::kafka::{Observer, Told};

/// The metrics of the bus.
pub(super) struct Bus {
    messages: IntCounterVec,
    seconds: HistogramVec,
    away: IntGauge,
}

impl Bus {
    pub(super) fn registered(registry: &Book) -> Result<Self, prometheus::Error> {
        let messages = Opts::new(
            "payflow_bus_messages_total",
            "What became of messages that were given to the broker",
        );
        let seconds = HistogramOpts::new(
            "payflow_bus_publish_seconds",
            "Time until it was known what became of a message",
        );
        let away = IntGauge::new("payflow_bus_away", "1 while the broker takes no messages")?;
        let messages = IntCounterVec::new(messages, &["topic", "result"])?;
        let messages = registered(registry, messages)?;
        for topic in Topic::ALL {
            let told = [Told::Acknowledged, Told::Refused, Told::Away];
            begun(
                &messages,
                told.map(|told| [topic.as_str().to_owned(), told.as_str().to_owned()]),
            );
        }
        Ok(Self {
            messages,
            seconds: registered(
                registry,
                HistogramVec::new(seconds.buckets(BUCKETS.to_vec()), &["topic"])?,
            )?,
            away: registered(registry, away)?,
        })
    }
}

impl Observer for Metrics {
    fn published(&self, topic: Topic, told: Told, count: u32, took: Duration) {
        let labels = [topic.as_str(), told.as_str()];
        let messages = self.bus.messages.with_label_values(&labels);
        messages.inc_by(count.into());
        let seconds = self.bus.seconds.with_label_values(&[topic.as_str()]);
        for _ in 0..count {
            seconds.observe(took.as_secs_f64());
        }
    }

    fn is_away(&self, away: bool) {
        self.bus.away.set(i64::from(away));
    }
}
