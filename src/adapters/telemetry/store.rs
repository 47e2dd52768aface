//! Owns what operators see of the database: whether it answers, its commits and connections, and
//! who does what only one copy does at a time.

use std::time::Duration;

use application::ports::Store;
use application::ports::store::CommitError;
use prometheus::{HistogramVec, IntCounterVec, IntGauge, IntGaugeVec};
use tokio::time::timeout;

use super::book::{Book, begun, registered};
use crate::adapters::persistence::Connections;

/// A database that takes longer is counted as away; the scrape goes on without it.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// The metrics of the database.
pub(in crate::adapters) struct Database {
    commits: IntCounterVec,
    commit_seconds: HistogramVec,
    up: IntGauge,
    connections: IntGaugeVec,
    waiting: IntGaugeVec,
    lease_held: IntGaugeVec,
    lease_fence: IntGaugeVec,
}

const fn word(result: Result<(), &CommitError>) -> &'static str {
    match result {
        Ok(()) => "ok",
        Err(CommitError::Conflict) => "conflict",
        Err(CommitError::InDoubt) => "in_doubt",
        Err(CommitError::Store(_)) => "failed",
    }
}

impl Database {
    pub(super) fn registered(book: &Book) -> Result<Self, prometheus::Error> {
        let commits = book.counter("payflow_commits_total", "Commits", &["result"])?;
        let words = ["ok", "conflict", "in_doubt", "failed"];
        begun(&commits, words.map(|word| [word.to_owned()]));
        let up = IntGauge::new(
            "payflow_database_up",
            "1 while the database answers, 0 while it does not",
        )?;
        Ok(Self {
            commits,
            commit_seconds: book.histogram(
                "payflow_commit_seconds",
                "Time of a commit",
                &["result"],
            )?,
            up: registered(book, up)?,
            connections: book.gauges(
                "payflow_database_connections",
                "Connections to the database: that there may be, that are open, that are idle",
                &["pool", "state"],
            )?,
            waiting: book.gauges(
                "payflow_database_waiting",
                "Who waits for a connection to the database",
                &["pool"],
            )?,
            lease_held: book.gauges(
                "payflow_lease_held",
                "1 while a copy does the job that one copy does at a time",
                &["lease"],
            )?,
            lease_fence: book.gauges(
                "payflow_lease_fence",
                "How often the job was taken: it grows with every copy that takes it over",
                &["lease"],
            )?,
        })
    }

    /// A commit is over.
    pub(in crate::adapters) fn committed(&self, result: Result<(), &CommitError>, took: Duration) {
        let word = word(result);
        self.commits.with_label_values(&[word]).inc();
        let seconds = self.commit_seconds.with_label_values(&[word]);
        seconds.observe(took.as_secs_f64());
    }

    /// Whether it answers.
    pub(super) async fn is_up(&self, store: &dyn Store) -> bool {
        let up = matches!(timeout(PING_TIMEOUT, store.ping()).await, Ok(Ok(())));
        self.up.set(i64::from(up));
        up
    }

    /// Looks at the leases.
    pub(super) async fn count(&self, store: &dyn Store) {
        match store.leases().await {
            Ok(leases) => {
                for lease in leases {
                    let job = [lease.job.as_str()];
                    let held = self.lease_held.with_label_values(&job);
                    held.set(i64::from(lease.is_held));
                    self.lease_fence.with_label_values(&job).set(lease.fence);
                }
            }
            Err(error) => tracing::warn!(%error, "leases are not counted"),
        }
    }

    /// Shows how the connections stand.
    pub(super) fn show(&self, pools: &[Connections]) {
        let whole = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        for pool in pools {
            for (state, count) in [("max", pool.max), ("open", pool.open), ("idle", pool.idle)] {
                let labels = [pool.pool, state];
                self.connections
                    .with_label_values(&labels)
                    .set(whole(count));
            }
            let waiting = self.waiting.with_label_values(&[pool.pool]);
            waiting.set(whole(pool.waiting));
        }
    }
}
