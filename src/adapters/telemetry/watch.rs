//! Owns what operators see of the watch over the gateway's lists.

use application::ports::{Brought, Finding, Looked, Store, Tally};
use domain::Timestamp;
use prometheus::{Gauge, IntCounterVec, IntGauge};

use super::Metrics;
use super::book::{Book, begun, registered};

/// What the watch over the gateway's lists comes to.
pub(super) struct Watch {
    findings: IntCounterVec,
    open: IntGauge,
    strange: IntGauge,
    behind_seconds: Gauge,
}

impl Watch {
    pub(super) fn registered(book: &Book) -> Result<Self, prometheus::Error> {
        let findings = book.counter(
            "payflow_watch_findings_total",
            "Movements at the gateway that the books lacked, and what could not be booked",
            &["result"],
        )?;
        let all = [
            Finding::Booked,
            Finding::Strange,
            Finding::RefundFailed,
            Finding::Unreadable,
        ];
        begun(&findings, all.map(|finding| [word(finding).to_owned()]));
        let gauge = |name, help| registered(book, IntGauge::new(name, help)?);
        let behind_seconds = Gauge::new(
            "payflow_watch_behind_seconds",
            "For how long the account furthest behind was not watched",
        )?;
        Ok(Self {
            findings,
            open: gauge(
                "payflow_watch_open",
                "Payments seen to have moved, not settled",
            )?,
            strange: gauge(
                "payflow_watch_strange",
                "Those of them a person was told of",
            )?,
            behind_seconds: registered(book, behind_seconds)?,
        })
    }

    /// Looks at the store.
    pub(super) async fn count(&self, store: &dyn Store, now: Timestamp) {
        let standing = match store.standing().await {
            Ok(standing) => standing,
            Err(error) => {
                tracing::warn!(%error, "sightings not counted");
                return;
            }
        };
        let count = |count| i64::try_from(count).unwrap_or(i64::MAX);
        self.open.set(count(standing.open));
        self.strange.set(count(standing.strange));
        let behind = standing.until.map(|until| now.signed_duration_since(until));
        let behind = behind.and_then(|behind| behind.to_std().ok());
        let seconds = behind.unwrap_or_default().as_secs_f64();
        self.behind_seconds.set(seconds);
    }
}

const fn word(finding: Finding) -> &'static str {
    match finding {
        Finding::Booked => "booked",
        Finding::Strange => "strange",
        Finding::RefundFailed => "refund_failed",
        Finding::Unreadable => "unreadable",
    }
}

impl Tally for Metrics {
    fn found(&self, finding: Finding) {
        self.watch
            .findings
            .with_label_values(&[word(finding)])
            .inc();
    }

    fn brought(&self, brought: Brought) {
        self.inbox.brought(brought);
    }

    fn looked(&self, looked: Looked) {
        self.inbox.looked(looked);
    }
}
