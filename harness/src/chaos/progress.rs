//! Owns the record of finished runs: printed, summed up, and kept so that a run can be resumed.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::aftermath::Verdict;
use super::ends::Ends;
use crate::output;

/// The record of one run.
pub(super) trait Run: Clone + Serialize + DeserializeOwned {
    /// Whether it is the record of this run.
    fn is(&self, name: &str, seed: u64) -> bool;

    /// What it left behind.
    fn verdict(&self) -> &Verdict;
}

/// All runs so far.
#[derive(Debug)]
pub(super) struct Progress<R> {
    records: Vec<R>,
    file: Option<PathBuf>,
}

/// What all runs have in common, summed up.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Totals<'a, R> {
    runs: usize,
    unexplained: u64,
    breaches: usize,
    unsettled: usize,
    settled_milliseconds_max: u64,
    /// How often the gateway's clock was moved past its window.
    jumps: u64,
    /// How the payments ended, by part.
    ends: Ends,
    complete: bool,
    /// The runs with which something was wrong, again: whoever reads only the end sees them.
    failed: Vec<&'a R>,
}

impl<R: Run> Progress<R> {
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
    pub(super) fn has(&self, name: &str, seed: u64) -> bool {
        self.records.iter().any(|record| record.is(name, seed))
    }

    /// Prints a record and keeps it.
    pub(super) fn add(&mut self, record: R) -> anyhow::Result<()> {
        output::print_json(&record);
        if let Some(path) = &self.file {
            let mut file = File::options().create(true).append(true).open(path)?;
            writeln!(file, "{}", serde_json::to_string(&record)?)?;
        }
        self.records.push(record);
        Ok(())
    }

    /// All of them.
    pub(super) fn records(&self) -> &[R] {
        &self.records
    }

    /// Their sum.
    pub(super) fn totals(&self, complete: bool) -> Totals<'_, R> {
        let verdicts = || self.records.iter().map(Run::verdict);
        let mut ends = Ends::default();
        verdicts().for_each(|verdict| ends.merge(&verdict.ends));
        let settled = verdicts().filter_map(|verdict| verdict.settled_milliseconds);
        Totals {
            runs: self.records.len(),
            unexplained: verdicts()
                .map(|verdict| verdict.unexplained)
                .fold(0, u64::saturating_add),
            breaches: verdicts().map(|verdict| verdict.breaches.len()).sum(),
            unsettled: verdicts()
                .filter(|verdict| verdict.settled_milliseconds.is_none())
                .count(),
            settled_milliseconds_max: settled.max().unwrap_or(0),
            jumps: verdicts()
                .map(|verdict| verdict.jumps)
                .fold(0, u64::saturating_add),
            ends,
            complete,
            failed: self
                .records
                .iter()
                .filter(|record| !record.verdict().is_well())
                .collect(),
        }
    }
}

impl<R> Totals<'_, R> {
    /// Whether everything that was asked for was proven, and nothing to the contrary.
    pub(super) fn are_well(&self) -> bool {
        self.runs > 0 && self.complete && self.failed.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Clone, Debug, Serialize, Deserialize)]
    struct Record(String, u64, Verdict);

    impl Run for Record {
        fn is(&self, name: &str, seed: u64) -> bool {
            (self.0.as_str(), self.1) == (name, seed)
        }

        fn verdict(&self) -> &Verdict {
            &self.2
        }
    }

    fn record(seed: u64, settled: Option<u64>, breaches: &[&str]) -> Record {
        let verdict = Verdict {
            settled_milliseconds: settled,
            unexplained: 5,
            jumps: 1,
            ends: Ends::default(),
            breaches: breaches.iter().map(|what| (*what).to_owned()).collect(),
        };
        Record("kill".to_owned(), seed, verdict)
    }

    #[test]
    fn goes_on_where_it_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state");
        let mut progress = Progress::resume(Some(&file)).unwrap();
        progress.add(record(1, Some(900), &[])).unwrap();
        let resumed: Progress<Record> = Progress::resume(Some(&file)).unwrap();
        assert!(resumed.has("kill", 1));
        assert!(!resumed.has("kill", 2));
        assert!(!resumed.has("freeze", 1));
        assert_eq!(resumed.records().len(), 1);
    }

    #[test]
    fn no_run_one_breach_or_one_open_saga_is_not_well() {
        let mut progress: Progress<Record> = Progress::resume(None).unwrap();
        assert!(!progress.totals(true).are_well());
        progress.add(record(1, Some(900), &[])).unwrap();
        assert!(progress.totals(true).are_well());
        assert!(!progress.totals(false).are_well(), "there is more to run");
        progress.add(record(2, None, &[])).unwrap();
        assert!(!progress.totals(true).are_well());
        progress.add(record(3, Some(7), &["I1"])).unwrap();
        let totals = progress.totals(false);
        assert_eq!((totals.runs, totals.unsettled, totals.breaches), (3, 1, 1));
        assert_eq!(
            (totals.unexplained, totals.settled_milliseconds_max),
            (15, 900)
        );
        assert_eq!(totals.failed.len(), 2);
    }
}
