//! Owns what operators see of the database: whether it answers, its commits and connections, and
//! who does what only one copy does at a time.

use std::time::Duration;

use application::ports::Store;
use application::ports::store::{CommitError, LeaseStanding};
use domain::lease::Job;
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

/// Whether anybody should miss who does this job.
pub(super) fn is_shown(lease: &LeaseStanding, wanted: &[Job]) -> bool {
    lease.is_held || wanted.contains(&lease.job)
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

    /// Shows the jobs: those that the settings want done, held or not, and others while somebody
    /// does them. What is neither is left of settings of before, and nobody is missed there.
    pub(super) fn show_jobs(&self, leases: &[LeaseStanding], wanted: &[Job]) {
        for job in wanted {
            let held = leases
                .iter()
                .any(|lease| lease.job == *job && lease.is_held);
            let gauge = self.lease_held.with_label_values(&[job.as_str()]);
            gauge.set(i64::from(held));
        }
        for lease in leases {
            let job = [lease.job.as_str()];
            if is_shown(lease, wanted) {
                let held = self.lease_held.with_label_values(&job);
                held.set(i64::from(lease.is_held));
                self.lease_fence.with_label_values(&job).set(lease.fence);
            } else {
                // What was shown before would be shown as it was then, for ever.
                let _ = self.lease_held.remove_label_values(&job);
                let _ = self.lease_fence.remove_label_values(&job);
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    static SEQUENCER: Job = Job::named("sequencer");
    static KAFKA: Job = Job::named("kafka");

    fn lease(job: &Job, is_held: bool) -> LeaseStanding {
        let holder = format!("wrk_{}", "0".repeat(34));
        LeaseStanding {
            job: job.clone(),
            holder: holder.parse().expect("an id"),
            fence: 3,
            until: domain::Timestamp::UNIX_EPOCH,
            is_held,
        }
    }

    /// What is shown of who holds what.
    fn shown(leases: &[LeaseStanding], wanted: &[Job]) -> Vec<(String, bool)> {
        let book = Book::with_process().expect("it registers");
        let database = Database::registered(&book).expect("it registers");
        let (registry, _) = book.close();
        // As when it was still wanted and held.
        database.show_jobs(&[lease(&KAFKA, true)], std::slice::from_ref(&KAFKA));
        database.show_jobs(leases, wanted);
        let families = registry.gather();
        let held = families
            .iter()
            .filter(|family| family.name() == "payflow_lease_held");
        let metrics = held.flat_map(prometheus::proto::MetricFamily::get_metric);
        let metrics = metrics.map(|metric| {
            let job = metric.get_label().first().expect("its label").value();
            (job.to_owned(), metric.get_gauge().get_value() > 0.0)
        });
        metrics.collect()
    }

    #[test]
    fn nobody_is_missed_where_the_settings_want_no_one() {
        let left = [lease(&SEQUENCER, true), lease(&KAFKA, false)];
        let wanted = std::slice::from_ref(&SEQUENCER);
        assert_eq!(shown(&left, wanted), [("sequencer".to_owned(), true)]);
    }

    #[test]
    fn whoever_is_wanted_is_missed_also_if_nobody_ever_came() {
        let wanted = [SEQUENCER.clone(), KAFKA.clone()];
        let missed = [("kafka".to_owned(), false), ("sequencer".to_owned(), true)];
        let held = lease(&SEQUENCER, true);
        assert_eq!(
            shown(&[held.clone(), lease(&KAFKA, false)], &wanted),
            missed
        );
        assert_eq!(shown(&[held], &wanted), missed);
    }

    #[test]
    fn what_others_still_do_is_shown() {
        let held = [lease(&SEQUENCER, true), lease(&KAFKA, true)];
        let wanted = std::slice::from_ref(&SEQUENCER);
        assert_eq!(shown(&held, wanted).len(), 2);
    }
}
