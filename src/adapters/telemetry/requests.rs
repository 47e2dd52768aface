//! Owns what operators see of requests: how many, what they were answered, and how long they took,
//! with and without the gateway.

use prometheus::{HistogramVec, IntCounterVec};

use super::Metrics;
use super::book::Book;
use crate::presentation::{Observation, Observer};

/// Methods that have a series of their own. Anybody may invent others.
const METHODS: [&str; 7] = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"];
/// The series of every other method.
const OTHER: &str = "other";

/// The metrics of requests.
pub(super) struct Requests {
    finished: IntCounterVec,
    refused_credentials: IntCounterVec,
    seconds: HistogramVec,
    own_seconds: HistogramVec,
    gateway_seconds: HistogramVec,
}

impl Requests {
    pub(super) fn registered(book: &Book) -> Result<Self, prometheus::Error> {
        Ok(Self {
            finished: book.counter(
                "payflow_http_requests_total",
                "Finished requests",
                &["method", "route", "status"],
            )?,
            refused_credentials: book.counter(
                "payflow_refused_credentials_total",
                "Requests whose credentials open nothing, or not this route",
                &["code"],
            )?,
            seconds: book.histogram(
                "payflow_http_seconds",
                "Time of a request, the gateway's included",
                &["route"],
            )?,
            own_seconds: book.histogram(
                "payflow_http_own_seconds",
                "Time of a request without the gateway's",
                &["route"],
            )?,
            gateway_seconds: book.histogram(
                "payflow_http_gateway_seconds",
                "Time that a request waited for the gateway, of requests that did",
                &["route"],
            )?,
        })
    }
}

impl Observer for Metrics {
    fn observe(&self, observation: &Observation<'_>) {
        let (requests, route) = (&self.requests, [observation.route]);
        let status = observation.status.to_string();
        let known = METHODS.iter().find(|known| **known == observation.method);
        let method = known.copied().unwrap_or(OTHER);
        let labels = [method, observation.route, status.as_str()];
        requests.finished.with_label_values(&labels).inc();
        // Only who calls is refused by these two; each code says why.
        if matches!(observation.status, 401 | 403) {
            let refused = &requests.refused_credentials;
            refused.with_label_values(&[observation.code]).inc();
        }
        let total = requests.seconds.with_label_values(&route);
        total.observe(observation.total.as_secs_f64());
        let own = observation.total.saturating_sub(observation.gateway);
        let owned = requests.own_seconds.with_label_values(&route);
        owned.observe(own.as_secs_f64());
        if !observation.gateway.is_zero() {
            let waited = requests.gateway_seconds.with_label_values(&route);
            waited.observe(observation.gateway.as_secs_f64());
        }
    }

    fn streaming(&self, change: i64) {
        self.feed.streams.add(change);
    }
}
