//! Owns what is told of a trouble: a line of JSON for programs, and rows of one table for people.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::pace::Goodput;
use super::tally::{Board, Heard, Phase};
use super::trouble::Trouble;
use crate::output;
use crate::stats::{show_tenths, tenths_per_second};

/// What became of one trouble.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    pub(super) trouble: Trouble,
    pub(super) database: &'static str,
    /// Everything that the service waits for is divided by this.
    pub(super) timings_divided_by: u32,
    pub(super) seconds_each: u64,
    pub(super) phases: BTreeMap<Phase, Told>,
    /// Approvals a second before, in tenths.
    pub(super) served_before_tenths: u64,
    /// After how many seconds four fifths of that were served again.
    pub(super) served_again_seconds: Option<u64>,
    /// How many of those who came after the trouble were refused, by second.
    pub(super) refused_after: Vec<u64>,
    /// Requests without an end when the trouble was over.
    pub(super) without_end: usize,
    /// Of these, asked again under the same key, how many were told one.
    pub(super) ended: usize,
    /// From the last request until no saga was open.
    pub(super) settled_milliseconds: Option<u64>,
    /// From the trouble's end until the broker was told of everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) told_milliseconds: Option<u64>,
    /// Whether the database ended when its disk was full.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) database_ended: bool,
    /// Payments that somebody was told are paid, and that are.
    pub(super) paid: usize,
    /// Movements at the gateway, each of which is looked for in the books.
    pub(super) movements: usize,
    /// Minor units that one side has and the other does not.
    pub(super) unexplained: u64,
    pub(super) breaches: Vec<String>,
}

/// What was told in a phase.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Told {
    #[serde(rename = "told")]
    counts: BTreeMap<String, BTreeMap<String, u64>>,
    microseconds: BTreeMap<String, Spread>,
    /// At its end; none where the books could not be read.
    open_sagas: Option<u64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Spread {
    p50: u64,
    p99: u64,
}

impl Told {
    /// What the board has of a phase.
    pub(super) fn of(board: &Board, phase: Phase, open_sagas: Option<u64>) -> Self {
        let Heard { told, took } = board.heard(phase);
        let spread = took.into_iter().map(|(kind, samples)| {
            let at = |per_mille| samples.percentile(per_mille).unwrap_or(0);
            let (p50, p99) = (at(500), at(990));
            (kind, Spread { p50, p99 })
        });
        Self {
            counts: told,
            microseconds: spread.collect(),
            open_sagas,
        }
    }

    /// The cells between the phase and how it ended.
    fn cells(&self) -> [String; 9] {
        let of = |kind: &str| {
            let counts = self.counts.get(kind).into_iter().flatten();
            let parts = counts.map(|(told, count)| format!("{count} x {told}"));
            parts.collect::<Vec<_>>().join(", ")
        };
        let took = |kind: &str| match self.microseconds.get(kind) {
            Some(Spread { p50, p99 }) => {
                let (p50, p99) = (p50.div_euclid(1_000), p99.div_euclid(1_000));
                format!("{p50} / {p99}")
            }
            None => "-".to_owned(),
        };
        let open = self.open_sagas;
        [
            of("prepare"),
            of("approve"),
            took("approve"),
            of("cancel"),
            of("read"),
            took("read"),
            of("ready"),
            of("live"),
            open.map_or_else(|| "unreadable".to_owned(), |open| open.to_string()),
        ]
    }
}

impl Report {
    /// Whether all holds.
    pub(super) fn is_well(&self) -> bool {
        self.breaches.is_empty()
    }

    /// Its rows of the table: one for each phase, the last with how it ended.
    pub(super) fn rows(&self) -> Vec<String> {
        let rows = self.phases.iter().map(|(phase, told)| {
            let end = match phase {
                Phase::Before | Phase::During => String::new(),
                Phase::After => self.end(),
            };
            let name = format!("{phase:?}").to_lowercase();
            let cells = told.cells().join(" | ");
            format!(
                "| `{}`, {} | {name} | {cells} | {end} |",
                self.trouble.name(),
                self.database
            )
        });
        rows.collect()
    }

    fn end(&self) -> String {
        let mut parts = vec![match self.served_again_seconds {
            Some(seconds) => format!("served again within {seconds} s"),
            None => "**not served again**".to_owned(),
        }];
        let refused: u64 = self.refused_after.iter().sum();
        parts.push(format!("{refused} refused after it"));
        parts.push(format!(
            "{} of {} told an end under their key",
            self.ended, self.without_end
        ));
        parts.push(match self.settled_milliseconds {
            Some(took) => format!("nothing open {} s after the last", seconds(took)),
            None => "**something is open**".to_owned(),
        });
        if let Some(took) = self.told_milliseconds {
            parts.push(format!("the broker told of all within {} s", seconds(took)));
        }
        if self.database_ended {
            parts.push("the database had ended".to_owned());
        }
        parts.push(format!("{} movements", self.movements));
        parts.push(format!("{} won unexplained", self.unexplained));
        parts.push(format!("{} breaches", self.breaches.len()));
        parts.join("; ")
    }

    /// What must not be, for people; then one line of JSON.
    pub(super) fn print(&self) {
        let name = self.trouble.name();
        output::breaches(
            self.breaches
                .iter()
                .map(|breach| format!("{name}: {breach}")),
        );
        output::print_json(self);
    }
}

pub(super) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// How many were served a second, in tenths.
pub(super) fn per_second_tenths(goodput: Goodput) -> u64 {
    let served = usize::try_from(goodput.served).unwrap_or(usize::MAX);
    tenths_per_second(served, goodput.within)
}

fn seconds(milliseconds: u64) -> String {
    show_tenths(milliseconds.div_ceil(100))
}
