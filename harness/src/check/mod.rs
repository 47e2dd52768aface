//! Owns the comparison of the books with the gateway's own ledger: every breach is named.

mod balance;
mod cancels;
mod cycles;
mod feed;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod fixture_billing;
#[cfg(test)]
mod fixture_file;
mod graph;
mod history;
mod keys;
mod ledger;
mod payload;
mod payments;
mod sagas;
mod seal;
mod self_test;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_billing;
#[cfg(test)]
mod tests_told;
mod told;

use std::fmt;
use std::num::ParseIntError;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde::Serialize;
use tokio::time::{Instant, sleep};

use crate::books::{Books, Target};
use crate::output;
use crate::sandbox::{Line, Sandbox};

const SETTLE_POLL: Duration = Duration::from_millis(200);

/// Compares the books with the sandbox's ledger.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// A SQLite file, or the address of a PostgreSQL database.
    #[arg(long)]
    database: Target,
    /// Where the sandbox listens.
    #[arg(long)]
    sandbox: String,
    /// How long open sagas get to settle first, for example `30s`.
    #[arg(long, default_value = "0s", value_parser = seconds)]
    settle_within: Duration,
    /// Corrupt copies of the database (SQLite) and see whether each corruption is found.
    #[arg(long)]
    self_test: bool,
}

/// What must hold; the numbers are those of the reliability plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) enum Invariant {
    /// Every movement at the gateway is booked exactly once, and nothing else is.
    I1,
    /// At most one kept capture per order.
    I2,
    /// At most one kept capture per cycle: exactly one of each that is paid, and none is left out.
    I3,
    /// At no instant more given back or reserved than captured; in the end as much as at the
    /// gateway.
    I4,
    /// Debits equal credits, suspense is empty at rest, and payments agree with the ledger.
    I5,
    /// Every history is a path of the allowed graph, without gaps, its hashes intact.
    I6,
    /// What happened is told by the event log, one to one.
    I7,
    /// No saga is open once it had time to settle.
    I8,
    /// One idempotency key, one outcome; one gateway key, one effect.
    I9,
    /// CANCELED exactly when nothing of a capture is left.
    Balance,
    /// Every event has one position or waits for one; without gaps, in each payment's order.
    Feed,
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Something that must hold and does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Breach {
    /// What should hold.
    pub(crate) invariant: Invariant,
    /// About what, and how it does not.
    pub(crate) what: String,
}

/// What a check found.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Findings {
    /// Everything that does not hold.
    pub(crate) breaches: Vec<Breach>,
    /// Minor units that one side has and the other does not.
    pub(crate) unexplained: u64,
    /// How many payments were looked at.
    pub(crate) payments: usize,
    /// How many lines of our ledger.
    pub(crate) entries: usize,
    /// How many lines of the gateway's.
    pub(crate) lines: usize,
    /// How many events.
    pub(crate) events: usize,
    /// How many cycles of subscriptions.
    pub(crate) cycles: usize,
    /// Of which so many are paid.
    pub(crate) cycles_paid: usize,
    /// Minor units that were given back, as the gateway says.
    pub(crate) refunded_at_gateway: i64,
    /// Minor units that were given back, as the books say.
    pub(crate) refunded_in_books: i64,
    /// How long it took until no saga was open; none where one still is, or nobody waited.
    #[serde(skip)]
    pub(crate) settled: Option<Duration>,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant, self.what)
    }
}

impl Findings {
    /// What does not hold, a line each.
    pub(crate) fn sayings(&self) -> impl Iterator<Item = String> {
        self.breaches.iter().map(ToString::to_string)
    }

    /// Adds a breach.
    fn breach(&mut self, invariant: Invariant, what: String) {
        self.breaches.push(Breach { invariant, what });
    }
}

/// Compares the books at rest with the gateway's ledger.
pub(crate) fn compare(books: &Books, lines: &[Line]) -> Findings {
    let mut findings = Findings {
        payments: books.payments.len(),
        entries: books.entries.len(),
        lines: lines.len(),
        events: books.events.len(),
        cycles: books.cycles.len(),
        ..Findings::default()
    };
    ledger::check(books, lines, &mut findings);
    payments::check(books, &mut findings);
    cancels::check(books, &mut findings);
    history::check(books, &mut findings);
    balance::check(books, &mut findings);
    cycles::check(books, lines, &mut findings);
    told::check(books, &mut findings);
    sagas::check(books, &mut findings);
    keys::check(books, lines, &mut findings);
    feed::check(books, &mut findings);
    findings
}

/// Waits until no saga is open, at most `patience`; how long it took, or none.
pub(crate) async fn settle(
    target: &Target,
    patience: Duration,
) -> anyhow::Result<Option<Duration>> {
    let begun = Instant::now();
    loop {
        // A database that is being written to may refuse a read; only time tells the difference.
        let open = Books::count_open_sagas(target).await;
        if matches!(open, Ok(0)) {
            return Ok(Some(begun.elapsed()));
        }
        if begun.elapsed() >= patience {
            return open.map(|_| None).context("the books cannot be read");
        }
        sleep(SETTLE_POLL).await;
    }
}

/// Waits for the sagas, then compares, and says how long the sagas took.
pub(crate) async fn run(
    target: &Target,
    sandbox: &Sandbox,
    patience: Duration,
) -> anyhow::Result<Findings> {
    let settled = settle(target, patience).await?;
    // Books first: what is booked must have happened before.
    let books = Books::read(target).await?;
    let lines = sandbox.ledger().await?;
    Ok(Findings {
        settled,
        ..compare(&books, &lines)
    })
}

/// Checks and prints; whether everything holds.
pub(crate) async fn command(arguments: &Arguments) -> anyhow::Result<bool> {
    let sandbox = Sandbox::new(&arguments.sandbox)?;
    let findings = run(&arguments.database, &sandbox, arguments.settle_within).await?;
    output::breaches(findings.sayings());
    output::print_json(&findings);
    if !arguments.self_test {
        return Ok(findings.breaches.is_empty());
    }
    ensure!(
        findings.breaches.is_empty(),
        "only books that are right can be corrupted"
    );
    self_test::run(&arguments.database, &sandbox.ledger().await?).await
}

fn seconds(text: &str) -> Result<Duration, ParseIntError> {
    text.strip_suffix('s')
        .unwrap_or(text)
        .parse()
        .map(Duration::from_secs)
}
