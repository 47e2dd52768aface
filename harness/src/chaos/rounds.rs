//! Owns rounds: the same trouble once per seed, each on a stand of its own, in bounded time.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout};

use super::aftermath::Verdict;
use super::progress::{Progress, Run, Totals};
use crate::output;
use crate::stalls::Stopwatch;
use crate::stand::{Parts, Tallies, Wires};

/// What all kinds of rounds are told.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Rounds {
    #[command(flatten)]
    pub(super) parts: Parts,
    /// How many rounds; the number of each is its seed.
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// No further round is begun after this time.
    #[arg(long)]
    budget_seconds: Option<u64>,
    /// No round takes that long; one that does hangs.
    #[arg(long, default_value_t = 10)]
    round_minutes: u64,
    /// A file of finished rounds: they are not repeated.
    #[arg(long)]
    state: Option<PathBuf>,
}

/// What a round counted, and what it left behind.
#[derive(Clone, Debug, Default)]
pub(super) struct Round {
    pub(super) counts: Counts,
    pub(super) verdict: Verdict,
}

/// Counted things by name.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Counts(BTreeMap<String, u64>);

/// A finished round.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    what: String,
    database: String,
    seed: u64,
    counts: Counts,
    #[serde(flatten)]
    verdict: Verdict,
}

/// The last line.
#[derive(Debug, Serialize)]
struct Sum<'a> {
    what: &'a str,
    database: &'a str,
    counts: Counts,
    #[serde(flatten)]
    totals: Totals<'a, Record>,
}

impl Run for Record {
    fn is(&self, name: &str, seed: u64) -> bool {
        self.name() == name && self.seed == seed
    }

    fn verdict(&self) -> &Verdict {
        &self.verdict
    }
}

impl Record {
    fn name(&self) -> String {
        format!("{} {}", self.what, self.database)
    }
}

impl Counts {
    /// Adds to what has this name.
    pub(super) fn add(&mut self, name: &str, count: u64) {
        let counter = self.0.entry(name.to_owned()).or_default();
        *counter = counter.saturating_add(count);
    }

    /// How much has this name.
    pub(super) fn of(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or(0)
    }

    /// Adds what went wrong on the wires.
    pub(super) fn troubles(&mut self, wires: &Wires) {
        let Tallies { gateway, database } = wires.tallies();
        for (name, tally) in [("gateway", gateway), ("database", database)] {
            self.add(&format!("{name}Resets"), tally.resets);
            self.add(&format!("{name}Cuts"), tally.cuts);
            self.add(&format!("{name}HalfOpen"), tally.half_open);
        }
        self.add("commits", database.commits);
        self.add("commitAnswersLost", database.answers_lost);
        self.add("commitsLost", database.commits_lost);
    }

    fn merge(&mut self, other: &Self) {
        for (name, count) in &other.0 {
            self.add(name, *count);
        }
    }
}

/// How often a round is played that nobody let come to its end.
const TIMES_MAX: u32 = 4;

/// Plays a round; once more where it did not come to its end, and everything was stopped for a
/// while meanwhile: the patience of whoever waits was over then, and nothing was proven. What was
/// found is never played again.
async fn undisturbed(played: impl AsyncFn() -> anyhow::Result<Round>) -> Round {
    let mut times = 1;
    loop {
        let watch = Stopwatch::start();
        let played = played().await;
        let stood = watch.stood();
        let mut round = match played {
            Err(error) if !stood.is_zero() && times < TIMES_MAX => {
                output::say(&format!("stopped for {stood:?}, once more: {error:#}"));
                times = times.saturating_add(1);
                continue;
            }
            Ok(round) => round,
            Err(error) => Round {
                verdict: Verdict::failed(&error),
                ..Round::default()
            },
        };
        if !stood.is_zero() {
            round.counts.add("seconds stopped", stood.as_secs());
        }
        return round;
    }
}

impl Rounds {
    /// Which of the two databases.
    pub(super) fn database(&self) -> &'static str {
        if self.parts.database == "sqlite" {
            "sqlite"
        } else {
            "postgres"
        }
    }

    /// Plays every round that was not played before; whether nothing was wrong.
    pub(super) async fn play(
        &self,
        what: &str,
        round: impl AsyncFn(u64) -> anyhow::Result<Round>,
    ) -> anyhow::Result<bool> {
        let mut progress: Progress<Record> = Progress::resume(self.state.as_deref())?;
        let begun = Instant::now();
        let budget = self
            .budget_seconds
            .map_or(Duration::MAX, Duration::from_secs);
        let longest = Duration::from_mins(self.round_minutes);
        let database = self.database();
        let mut complete = true;
        for seed in 1..=self.seeds {
            if progress.has(&format!("{what} {database}"), seed) {
                continue;
            }
            if begun.elapsed() >= budget {
                complete = false;
                break;
            }
            let played = async || {
                output::say(&format!("{what} {database} seed {seed}"));
                let played = timeout(longest, Box::pin(round(seed))).await;
                played.map_err(anyhow::Error::from).flatten()
            };
            let Round { counts, verdict } = undisturbed(played).await;
            progress.add(Record {
                what: what.to_owned(),
                database: database.to_owned(),
                seed,
                counts,
                verdict,
            })?;
        }
        let mut counts = Counts::default();
        for record in progress.records() {
            counts.merge(&record.counts);
        }
        let sum = Sum {
            what,
            database,
            counts,
            totals: progress.totals(complete),
        };
        output::print_json(&sum);
        Ok(sum.totals.are_well())
    }
}
