//! Owns what operators see of Redis: whether it is there, what failed, how long it takes, and which
//! repeats it spared the store. Nothing is shown where there is none to be.

use std::time::Duration;

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts};

use super::Metrics;
use super::book::{BUCKETS, Book, registered};
use crate::adapters::redis::{Observer, Use};

/// The metrics of Redis.
pub(super) struct Redis {
    up: IntGaugeVec,
    failures: IntCounterVec,
    seconds: HistogramVec,
    spared: IntCounterVec,
}

impl Redis {
    pub(super) fn registered(registry: &Book) -> Result<Self, prometheus::Error> {
        let up = Opts::new(
            "payflow_redis_up",
            "1 while copies share by way of Redis, 0 while each is by itself",
        );
        let failures = Opts::new(
            "payflow_redis_failures_total",
            "What Redis did not answer, or not in time",
        );
        let seconds = HistogramOpts::new("payflow_redis_seconds", "Time of an answer of Redis");
        let spared = Opts::new(
            "payflow_redis_replays_total",
            "Repeats that were told an answer kept in Redis",
        );
        Ok(Self {
            up: registered(registry, IntGaugeVec::new(up, &[])?)?,
            failures: registered(registry, IntCounterVec::new(failures, &["use"])?)?,
            seconds: registered(
                registry,
                HistogramVec::new(seconds.buckets(BUCKETS.to_vec()), &["use"])?,
            )?,
            spared: registered(registry, IntCounterVec::new(spared, &[])?)?,
        })
    }
}

impl Observer for Metrics {
    fn answered(&self, used: Use, took: Duration) {
        let seconds = self.redis.seconds.with_label_values(&[used.as_str()]);
        seconds.observe(took.as_secs_f64());
    }

    fn failed(&self, used: Use) {
        self.redis
            .failures
            .with_label_values(&[used.as_str()])
            .inc();
    }

    fn is_up(&self, up: bool) {
        let none: [&str; 0] = [];
        self.redis.up.with_label_values(&none).set(i64::from(up));
        // There from the start, so that its first step is one.
        self.redis.spared.with_label_values(&none).inc_by(0);
        for used in Use::ALL {
            let failures = &self.redis.failures;
            failures.with_label_values(&[used.as_str()]).inc_by(0);
        }
    }

    fn spared(&self) {
        let none: [&str; 0] = [];
        self.redis.spared.with_label_values(&none).inc();
    }
}
