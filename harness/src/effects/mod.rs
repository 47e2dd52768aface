//! Owns what a consumer does with what it is told: an effect, and a marker that it had it, in one
//! commit; and what all effects together come to, beside the service's books.

pub(crate) mod consumer;
mod eating;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use rusqlite::{Connection, TransactionBehavior, params};
use serde::Deserialize;
use serde_json::Value;

pub(crate) use eating::{Eaten, eat};

const SCHEMA: &str = "
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS inbox (
    payment TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    PRIMARY KEY (payment, sequence)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS totals (
    payment TEXT NOT NULL,
    kind TEXT NOT NULL,
    times INTEGER NOT NULL,
    amount INTEGER NOT NULL,
    PRIMARY KEY (payment, kind)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS again (
    number INTEGER PRIMARY KEY CHECK (number = 1),
    times INTEGER NOT NULL
) STRICT;
INSERT OR IGNORE INTO again (number, times) VALUES (1, 0);
";
/// How long a write waits for another one.
const BUSY: Duration = Duration::from_secs(20);
const MARK: &str = "INSERT OR IGNORE INTO inbox (payment, sequence) VALUES (?1, ?2)";
const AGAIN: &str = "UPDATE again SET times = times + 1";
const EFFECT: &str = "
    INSERT INTO totals (payment, kind, times, amount) VALUES (?1, ?2, 1, ?3)
    ON CONFLICT (payment, kind) DO UPDATE
    SET times = times + 1, amount = amount + excluded.amount";

/// An event, as far as the effect needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    payment: String,
    sequence: i64,
    kind: String,
    /// In won; nothing where its payload has none.
    amount: i64,
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "type")]
    kind: String,
    data: Data,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    payment_id: String,
    sequence: i64,
    #[serde(default)]
    payload: Value,
}

impl Told {
    /// Reads what the broker or a webhook brings: both have type, payment, sequence and payload.
    pub(crate) fn read(bytes: &[u8]) -> anyhow::Result<Self> {
        let Envelope { kind, data } = serde_json::from_slice(bytes).context("no event")?;
        Ok(Self {
            payment: data.payment_id,
            sequence: data.sequence,
            kind,
            amount: amount(&data.payload),
        })
    }
}

fn amount(payload: &Value) -> i64 {
    let amount = payload.get("amount").and_then(Value::as_i64);
    amount.unwrap_or_default()
}

/// How often each type of event of each payment had its effect, and the won of all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals(BTreeMap<(String, String), (i64, i64)>);

impl Totals {
    /// One event more.
    pub(crate) fn add(&mut self, payment: String, kind: String, payload: &[u8]) {
        let payload: Value = serde_json::from_slice(payload).unwrap_or_default();
        let (times, won) = self.0.entry((payment, kind)).or_default();
        *times = times.saturating_add(1);
        *won = won.saturating_add(amount(&payload));
    }

    /// How many effects.
    pub(crate) fn times(&self) -> i64 {
        self.0.values().map(|(times, _)| *times).sum()
    }

    /// What differs from what the service's books say.
    pub(crate) fn beside(&self, books: &Self) -> Differences {
        let mut differences = Differences::default();
        for (what, (times, won)) in &books.0 {
            let (had, had_won) = self.0.get(what).copied().unwrap_or_default();
            let missing = times.saturating_sub(had).max(0);
            differences.missing = differences.missing.saturating_add(missing);
            let twice = had.saturating_sub(*times).max(0);
            differences.twice = differences.twice.saturating_add(twice);
            let is_other = had == *times && had_won != *won;
            differences.other = differences.other.saturating_add(i64::from(is_other));
        }
        let strange = self
            .0
            .iter()
            .filter(|(what, _)| !books.0.contains_key(what));
        let strange: i64 = strange.map(|(_, (times, _))| *times).sum();
        differences.twice = differences.twice.saturating_add(strange);
        differences
    }
}

/// In how many effects a consumer differs from the books.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Differences {
    /// They never were.
    pub(crate) missing: i64,
    /// They were more often than what they are of.
    pub(crate) twice: i64,
    /// As often as they should be, of other amounts.
    pub(crate) other: i64,
}

impl Differences {
    /// Whether there is none.
    pub(crate) fn is_none(self) -> bool {
        self == Self::default()
    }
}

/// A consumer's own books.
pub(crate) struct Book {
    connection: Connection,
    /// Whether it marks what it has dealt with; one that does not is there to be caught.
    marks: bool,
}

impl Book {
    /// Opens the file, and makes what is not there.
    pub(crate) fn open(path: &Path, marks: bool) -> anyhow::Result<Self> {
        Self::of(Connection::open(path)?, marks)
    }

    /// One that is forgotten with the process.
    pub(crate) fn in_memory() -> anyhow::Result<Self> {
        Self::of(Connection::open_in_memory()?, true)
    }

    fn of(connection: Connection, marks: bool) -> anyhow::Result<Self> {
        connection.busy_timeout(BUSY)?;
        connection.execute_batch(SCHEMA)?;
        Ok(Self { connection, marks })
    }

    /// The effects of these events, each with its marker, in one commit.
    pub(crate) fn take(&mut self, events: &[Told]) -> anyhow::Result<()> {
        let immediate = TransactionBehavior::Immediate;
        let commit = self.connection.transaction_with_behavior(immediate)?;
        {
            let mut mark = commit.prepare_cached(MARK)?;
            let mut effect = commit.prepare_cached(EFFECT)?;
            for event in events {
                let marker = params![event.payment, event.sequence];
                if self.marks && mark.execute(marker)? == 0 {
                    commit.execute(AGAIN, [])?;
                    continue;
                }
                effect.execute(params![event.payment, event.kind, event.amount])?;
            }
        }
        Ok(commit.commit()?)
    }

    /// How many effects there were.
    pub(crate) fn times(&self) -> anyhow::Result<i64> {
        let sum = "SELECT COALESCE(SUM(times), 0) FROM totals";
        Ok(self.connection.query_row(sum, [], |row| row.get(0))?)
    }

    /// How many events came again, and changed nothing.
    pub(crate) fn again(&self) -> anyhow::Result<i64> {
        let again = "SELECT times FROM again";
        Ok(self.connection.query_row(again, [], |row| row.get(0))?)
    }

    /// What all effects come to.
    pub(crate) fn totals(&self) -> anyhow::Result<Totals> {
        let all = "SELECT payment, kind, times, amount FROM totals";
        let mut all = self.connection.prepare(all)?;
        let rows = all.query_map([], |row| {
            Ok(((row.get(0)?, row.get(1)?), (row.get(2)?, row.get(3)?)))
        })?;
        let rows: Result<BTreeMap<_, _>, rusqlite::Error> = rows.collect();
        Ok(Totals(rows?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PREPARED: &[u8] = br#"{"orderId":"o","amount":4500}"#;

    fn told(sequence: i64) -> Told {
        let envelope = format!(
            r#"{{"type":"payment.prepared","data":{{"paymentId":"pay_1","sequence":{sequence},
                "payload":{{"orderId":"o","amount":4500}}}}}}"#
        );
        Told::read(envelope.as_bytes()).unwrap()
    }

    fn books() -> Totals {
        let mut books = Totals::default();
        for payment in ["pay_1", "pay_1"] {
            books.add(payment.to_owned(), "payment.prepared".to_owned(), PREPARED);
        }
        books
    }

    /// What a consumer that dies between its effect and its offset is told: the first one again.
    fn differences(marks: bool) -> (Differences, i64) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("book");
        let first = Book::open(&path, marks).unwrap().take(&[told(1)]);
        first.unwrap();
        let mut back = Book::open(&path, marks).unwrap();
        back.take(&[told(1), told(2)]).unwrap();
        let differences = back.totals().unwrap().beside(&books());
        (differences, back.again().unwrap())
    }

    #[test]
    fn who_marks_what_it_did_does_it_once() {
        assert_eq!(differences(true), (Differences::default(), 1));
    }

    #[test]
    fn who_does_not_is_caught() {
        let (differences, again) = differences(false);
        assert_eq!((differences.twice, again), (1, 0));
        assert!(!differences.is_none());
    }

    #[test]
    fn what_is_missing_strange_or_of_another_amount_is_a_difference() {
        let mut other = Totals::default();
        other.add("pay_1".to_owned(), "payment.prepared".to_owned(), PREPARED);
        assert_eq!(other.beside(&books()).missing, 1);
        other.add("pay_1".to_owned(), "payment.prepared".to_owned(), b"{}");
        assert_eq!(other.beside(&books()).other, 1);
        other.add("pay_2".to_owned(), "payment.prepared".to_owned(), PREPARED);
        assert_eq!(other.beside(&books()).twice, 1);
    }
}
