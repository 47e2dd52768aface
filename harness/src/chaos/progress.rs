//! Owns the record of finished runs: printed, counted, and kept so that a run can be resumed.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::output;

/// One run at a crash point.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record {
    /// Where it was to die.
    pub(super) point: String,
    /// What decided everything else.
    pub(super) seed: u64,
    /// At the how-manieth time.
    pub(super) hit: u64,
    /// Whether it died there.
    pub(super) reached: bool,
    /// Whether it was killed once more while recovering.
    pub(super) killed_again: bool,
    /// From the last start until no saga was open; none when one still is.
    pub(super) settled_milliseconds: Option<u64>,
    /// Money that one side has and the other does not.
    pub(super) unexplained: u64,
    /// What does not hold.
    pub(super) breaches: Vec<String>,
}

impl Record {
    fn is_well(&self) -> bool {
        self.breaches.is_empty() && self.settled_milliseconds.is_some()
    }
}

/// All runs so far.
#[derive(Debug, Default)]
pub(super) struct Progress {
    records: Vec<Record>,
    file: Option<PathBuf>,
}

/// The last line.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Totals<'a> {
    runs: usize,
    kills: usize,
    unexplained: u64,
    breaches: usize,
    unsettled: usize,
    settled_milliseconds_max: u64,
    points_never_reached: Vec<&'a str>,
    complete: bool,
    /// The runs with which something was wrong, again: whoever reads only the end sees them.
    failed: Vec<&'a Record>,
}

impl Progress {
    /// Goes on from a state file, when one is given and exists.
    pub(super) fn resume(file: Option<&Path>) -> anyhow::Result<Self> {
        let mut records = Vec::new();
        if let Some(path) = file.filter(|path| path.exists()) {
            for line in std::fs::read_to_string(path)?.lines() {
                let read = serde_json::from_str(line);
                records.push(read.with_context(|| format!("{} is unreadable", path.display()))?);
            }
        }
        Ok(Self {
            records,
            file: file.map(Path::to_owned),
        })
    }

    /// Whether this was run before.
    pub(super) fn has(&self, point: &str, seed: u64) -> bool {
        self.records
            .iter()
            .any(|record| record.point == point && record.seed == seed)
    }

    /// Prints a record and keeps it.
    pub(super) fn add(&mut self, record: Record) -> anyhow::Result<()> {
        output::print_json(&record);
        if let Some(path) = &self.file {
            let mut file = File::options().create(true).append(true).open(path)?;
            writeln!(file, "{}", serde_json::to_string(&record)?)?;
        }
        self.records.push(record);
        Ok(())
    }

    /// Prints the totals; whether all is well.
    pub(super) fn conclude(&self, points: &[String], complete: bool) -> bool {
        let reached = |record: &&Record| record.reached;
        let seen: BTreeSet<&str> = self
            .records
            .iter()
            .filter(reached)
            .map(|record| &*record.point)
            .collect();
        let tried = |point: &&str| self.records.iter().any(|record| record.point == **point);
        let never: Vec<&str> = points
            .iter()
            .map(String::as_str)
            .filter(|point| !seen.contains(point))
            .filter(tried)
            .collect();
        let again = self
            .records
            .iter()
            .filter(|record| record.killed_again)
            .count();
        let settled = self
            .records
            .iter()
            .filter_map(|record| record.settled_milliseconds);
        let totals = Totals {
            runs: self.records.len(),
            kills: self
                .records
                .iter()
                .filter(reached)
                .count()
                .saturating_add(again),
            unexplained: self.records.iter().map(|record| record.unexplained).sum(),
            breaches: self
                .records
                .iter()
                .map(|record| record.breaches.len())
                .sum(),
            unsettled: self
                .records
                .iter()
                .filter(|r| r.settled_milliseconds.is_none())
                .count(),
            settled_milliseconds_max: settled.max().unwrap_or(0),
            points_never_reached: never,
            complete,
            failed: self.records.iter().filter(|r| !r.is_well()).collect(),
        };
        output::print_json(&totals);
        totals.breaches == 0 && totals.unsettled == 0 && totals.points_never_reached.is_empty()
    }
}
