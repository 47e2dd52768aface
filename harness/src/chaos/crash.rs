//! Owns kills at named points: start, die there, restart, and look whether a won is missing.

use std::collections::{BTreeSet, VecDeque};
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{bail, ensure};
use serde::{Deserialize, Serialize};
use tokio::process::Command;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::aftermath::{SETTINGS, Verdict, reckon};
use super::journal::Journal;
use super::parts::random_faults;
use super::progress::{self, Progress, Totals};
use super::traffic;
use crate::output;
use crate::random::Dice;
use crate::stand::{Parts, Stand};

/// How long recovery, expiry and reversals get to pass the point, once the clients are done.
const LINGER: Duration = Duration::from_secs(6);
/// How much longer nobody pays, where expiry is to be seen.
const UNPAID: Duration = Duration::from_secs(8);
const LIST_PATIENCE: Duration = Duration::from_secs(10);
const HIT_MAX: u64 = 3;
/// How often a point that was not reached is tried again, at its first hit.
const ATTEMPTS_MAX: u64 = 3;
/// How the service ends at a crash point: by SIGKILL, nothing unwound, nothing flushed.
const KILLED: i32 = 9;

/// Kills the service at each crash point and checks the books.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    parts: Parts,
    /// `all`, or names separated by commas.
    #[arg(long, default_value = "all")]
    points: String,
    /// How many runs per point.
    #[arg(long, default_value_t = 3)]
    seeds: u64,
    /// How many points at once, each with a service and a database of its own.
    #[arg(long, default_value_t = 1)]
    at_once: usize,
    /// No further run is begun after this time.
    #[arg(long)]
    budget_seconds: Option<u64>,
    /// A file of finished runs: they are not repeated.
    #[arg(long)]
    state: Option<PathBuf>,
}

/// One run at a crash point.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    /// Where it was to die.
    point: String,
    /// What decided everything else.
    seed: u64,
    /// At the how-manieth time.
    hit: u64,
    /// Whether it died there.
    reached: bool,
    /// Whether it was killed once more while recovering.
    killed_again: bool,
    #[serde(flatten)]
    verdict: Verdict,
}

/// The last line.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Sum<'a> {
    kills: usize,
    points_never_reached: Vec<&'a str>,
    #[serde(flatten)]
    totals: Totals<'a, Record>,
}

impl progress::Run for Record {
    fn is(&self, name: &str, seed: u64) -> bool {
        self.point == name && self.seed == seed
    }

    fn verdict(&self) -> &Verdict {
        &self.verdict
    }
}

/// One run.
struct Run<'a> {
    point: &'a str,
    seed: u64,
    hit: u64,
}

/// What the workers share.
struct Shared {
    arguments: Arguments,
    waiting: Mutex<VecDeque<String>>,
    progress: Mutex<Progress<Record>>,
    until: Option<Instant>,
    complete: AtomicBool,
}

/// Runs all; whether nothing was wrong.
pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let points = points(arguments).await?;
    let budget = arguments.budget_seconds.map(Duration::from_secs);
    let shared = Arc::new(Shared {
        arguments: arguments.clone(),
        waiting: Mutex::new(points.iter().cloned().collect()),
        progress: Mutex::new(Progress::resume(arguments.state.as_deref())?),
        until: budget.and_then(|budget| Instant::now().checked_add(budget)),
        complete: AtomicBool::new(true),
    });
    let mut workers = JoinSet::new();
    for _ in 0..arguments.at_once.max(1) {
        workers.spawn(Arc::clone(&shared).work());
    }
    while let Some(worked) = workers.join_next().await {
        worked??;
    }
    let progress = shared.progress.lock().await;
    Ok(conclude(
        &progress,
        &points,
        shared.complete.load(Ordering::SeqCst),
    ))
}

/// Prints the totals; whether all is well.
fn conclude(progress: &Progress<Record>, points: &[String], complete: bool) -> bool {
    let records = progress.records();
    let reached = records.iter().filter(|record| record.reached);
    let seen: BTreeSet<&str> = reached.clone().map(|record| &*record.point).collect();
    let tried = |point: &&str| records.iter().any(|record| record.point == **point);
    let again = records.iter().filter(|record| record.killed_again);
    let names = points.iter().map(String::as_str);
    let sum = Sum {
        kills: reached.count().saturating_add(again.count()),
        points_never_reached: names
            .filter(|point| !seen.contains(point))
            .filter(tried)
            .collect(),
        totals: progress.totals(complete),
    };
    output::print_json(&sum);
    sum.totals.are_well() && sum.points_never_reached.is_empty()
}

impl Shared {
    /// Takes one point after the other until none waits.
    async fn work(self: Arc<Self>) -> anyhow::Result<()> {
        loop {
            let next = self.waiting.lock().await.pop_front();
            let Some(point) = next else { return Ok(()) };
            self.point(&point).await?;
        }
    }

    /// All runs at one point. One stand serves them: its books must stay right through all.
    async fn point(&self, point: &str) -> anyhow::Result<()> {
        let mut stand: Option<Stand> = None;
        for seed in 1..=self.arguments.seeds {
            if self.progress.lock().await.has(point, seed) {
                continue;
            }
            if self.until.is_some_and(|until| Instant::now() >= until) {
                self.complete.store(false, Ordering::SeqCst);
                break;
            }
            let mut standing = match stand.take() {
                Some(standing) => standing,
                None => Stand::build(&self.arguments.parts, SETTINGS, Duration::ZERO).await?,
            };
            let record = match until_reached(&mut standing, point, seed).await {
                Ok(record) => record,
                Err(error) => failed(point, seed, &error),
            };
            if record.verdict.breaches.is_empty() {
                stand = Some(standing);
            } else {
                standing.dismantle().await?;
            }
            self.progress.lock().await.add(record)?;
        }
        match stand {
            Some(stand) => stand.dismantle().await,
            None => Ok(()),
        }
    }
}

/// The points that the executable knows, of which the wanted ones.
async fn points(arguments: &Arguments) -> anyhow::Result<Vec<String>> {
    let mut command = Command::new(&arguments.parts.service);
    command.arg("points").env_clear().kill_on_drop(true);
    let listed = timeout(LIST_PATIENCE, command.output()).await??;
    ensure!(
        listed.status.success(),
        "points are not listed: {}",
        listed.status
    );
    let text = String::from_utf8(listed.stdout)?;
    let all: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    ensure!(!all.is_empty(), "the executable has no crash points");
    if arguments.points == "all" {
        return Ok(all);
    }
    let wanted: Vec<String> = arguments.points.split(',').map(str::to_owned).collect();
    match wanted.iter().find(|point| !all.contains(point)) {
        Some(point) => bail!("there is no crash point {point}; there are {all:?}"),
        None => Ok(wanted),
    }
}

/// Tries later hits first; a point that is passed only once in a run is tried at the first.
async fn until_reached(stand: &mut Stand, point: &str, seed: u64) -> anyhow::Result<Record> {
    let hit = Dice::new(seed, point).between(1, HIT_MAX);
    let record = one(stand, &Run { point, seed, hit }).await?;
    let mut last = record;
    for attempt in 1..=ATTEMPTS_MAX {
        if last.reached || !last.verdict.breaches.is_empty() {
            break;
        }
        // Other faults lead elsewhere; the record keeps the seed that was asked for.
        let other = seed.saturating_add(attempt.saturating_mul(1000));
        last = one(
            stand,
            &Run {
                point,
                seed: other,
                hit: 1,
            },
        )
        .await?;
        last.seed = seed;
    }
    Ok(last)
}

/// A run that could not be brought to its end counts as a breach: nothing was proven by it.
fn failed(point: &str, seed: u64, error: &anyhow::Error) -> Record {
    Record {
        point: point.to_owned(),
        seed,
        hit: 0,
        reached: false,
        killed_again: false,
        verdict: Verdict::failed(error),
    }
}

async fn one(stand: &mut Stand, run: &Run<'_>) -> anyhow::Result<Record> {
    output::say(&format!("{} hit {} seed {}", run.point, run.hit, run.seed));
    let mut dice = Dice::new(run.seed, run.point);
    stand
        .sandbox
        .add_faults(&random_faults(dice.next()))
        .await?;
    let (journal, reached) = until_death(stand, run, dice.next()).await?;
    let killed_again = run.seed.is_multiple_of(2);
    if killed_again {
        stand.launch(&[])?;
        sleep(dice.pause(2000)).await;
        stand.kill().await?;
    }
    stand.sandbox.heal().await?;
    let begun = Instant::now();
    let service = stand.start().await?;
    let verdict = reckon(stand, &service, journal, begun).await?;
    stand.kill().await?;
    Ok(Record {
        point: run.point.to_owned(),
        seed: run.seed,
        hit: run.hit,
        reached,
        killed_again,
        verdict,
    })
}

/// Starts the service with the point armed, lets the clients play, and waits for its death there.
async fn until_death(
    stand: &mut Stand,
    run: &Run<'_>,
    seed: u64,
) -> anyhow::Result<(Journal, bool)> {
    let armed = format!("{}:{}", run.point, run.hit);
    stand.launch(&[("PAYFLOW_CRASH_POINT", &armed)])?;
    let journal = match stand.ready().await {
        Ok(service) => traffic::play(&service, &stand.sandbox, seed).await,
        // What an earlier run left may lead it to the point before it listens.
        Err(error) => match stand.process()?.ended()? {
            Some(status) if is_death(status) => Journal::default(),
            Some(_) | None => return Err(error),
        },
    };
    let mut status = stand.process()?.end_within(LINGER).await?;
    if status.is_none() && run.point.starts_with("expiry") {
        status = stand.process()?.end_within(UNPAID).await?;
    }
    let tail = stand.tail();
    stand.kill().await?;
    match status {
        Some(status) if is_death(status) => Ok((journal, true)),
        Some(status) => bail!("the service ended with {status} of its own:\n{tail}"),
        None => Ok((journal, false)),
    }
}

/// Whether it died at its point; nobody here kills it before its end was looked at.
pub(crate) fn is_death(status: ExitStatus) -> bool {
    status.signal() == Some(KILLED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_kill_is_a_death_at_the_point() {
        assert!(is_death(ExitStatus::from_raw(9)));
        assert!(!is_death(ExitStatus::from_raw(6)));
        assert!(!is_death(ExitStatus::from_raw(1 << 8)));
    }
}
