//! Owns kills at named points: start, die there, restart, and look whether a won is missing.

use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::{bail, ensure};
use tokio::process::Command;
use tokio::time::{Instant, sleep, timeout};

use super::parts::random_faults;
use super::progress::{Progress, Record};
use super::traffic::{self, Journal};
use crate::books::Books;
use crate::check;
use crate::output;
use crate::random::Dice;
use crate::stand::{Parts, Stand};

/// Leases, patience, windows and schedules at a tenth: what takes minutes takes seconds.
const SETTINGS: &[(&str, &str)] = &[
    ("PAYFLOW_TIMINGS__DIVIDE_BY", "10"),
    // Ten seconds, so that a run sees an unpaid payment expire.
    ("PAYFLOW_TIMINGS__PAYMENT_LIFETIME", "100s"),
];
/// How long recovery, expiry and reversals get to pass the point, once the clients are done.
const LINGER: Duration = Duration::from_secs(6);
/// How much longer nobody pays, where expiry is to be seen.
const UNPAID: Duration = Duration::from_secs(8);
/// No saga may be open longer than this after the last start.
const SETTLE_PATIENCE: Duration = Duration::from_secs(30);
/// By then the gateway's ten minutes, too, are scaled down to nothing.
const LAPSE_AFTER: Duration = Duration::from_secs(4);
/// Just over the gateway's window for confirming an authentication.
const CONFIRM_WINDOW: Duration = Duration::from_secs(601);
const LIST_PATIENCE: Duration = Duration::from_secs(10);
const HIT_MAX: u64 = 3;
/// How often a point that was not reached is tried again, at its first hit.
const ATTEMPTS_MAX: u64 = 3;
/// How the service ends at a crash point: aborted, nothing unwound, nothing flushed.
const ABORTED: i32 = 6;

/// Kills the service at each crash point and checks the books.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    parts: Parts,
    /// `all`, or names separated by commas.
    #[arg(long, default_value = "all")]
    points: String,
    /// How many runs per point.
    #[arg(long, default_value_t = 3)]
    seeds: u64,
    /// No further run is begun after this time.
    #[arg(long)]
    budget_seconds: Option<u64>,
    /// A file of finished runs: they are not repeated.
    #[arg(long)]
    state: Option<PathBuf>,
}

/// One run.
struct Run<'a> {
    point: &'a str,
    seed: u64,
    hit: u64,
}

/// Runs all; whether nothing was wrong.
pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let points = points(arguments).await?;
    let mut progress = Progress::resume(arguments.state.as_deref())?;
    let begun = Instant::now();
    let budget = arguments
        .budget_seconds
        .map_or(Duration::MAX, Duration::from_secs);
    let mut complete = true;
    for point in &points {
        let mut stand: Option<Stand> = None;
        for seed in 1..=arguments.seeds {
            if progress.has(point, seed) {
                continue;
            }
            if begun.elapsed() >= budget {
                complete = false;
                break;
            }
            // One stand serves a point: its books must stay right through all of its runs.
            let mut standing = match stand.take() {
                Some(standing) => standing,
                None => Stand::build(&arguments.parts, SETTINGS, Duration::ZERO).await?,
            };
            let record = match until_reached(&mut standing, point, seed).await {
                Ok(record) => record,
                Err(error) => failed(point, seed, &error),
            };
            if record.breaches.is_empty() {
                stand = Some(standing);
            } else {
                standing.dismantle().await?;
            }
            progress.add(record)?;
        }
        if let Some(stand) = stand {
            stand.dismantle().await?;
        }
    }
    Ok(progress.conclude(&points, complete))
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
        if last.reached || !last.breaches.is_empty() {
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
        settled_milliseconds: None,
        unexplained: 0,
        breaches: vec![format!("{error:#}")],
    }
}

async fn one(stand: &mut Stand, run: &Run<'_>) -> anyhow::Result<Record> {
    output::say(&format!("{} hit {} seed {}", run.point, run.hit, run.seed));
    let mut dice = Dice::new(run.seed, run.point);
    stand
        .sandbox
        .add_faults(&random_faults(dice.next()))
        .await?;
    let (mut journal, reached) = until_death(stand, run, dice.next()).await?;
    let killed_again = run.seed.is_multiple_of(2);
    if killed_again {
        stand.launch(&[])?;
        sleep(dice.pause(2000)).await;
        stand.kill().await?;
    }
    stand.sandbox.heal().await?;
    let begun = Instant::now();
    let service = stand.start(&[]).await?;
    let (lapsed, ()) = tokio::join!(lapse(stand, begun), journal.return_to(&service));
    lapsed?;
    let settled = settle(stand, begun).await?;
    journal.verify(&service).await?;
    let mut record = Record {
        point: run.point.to_owned(),
        seed: run.seed,
        hit: run.hit,
        reached,
        killed_again,
        settled_milliseconds: settled.map(milliseconds),
        unexplained: 0,
        breaches: journal.surprises,
    };
    let books = Books::read(&stand.target()).await?;
    let findings = check::compare(&books, &stand.sandbox.ledger().await?);
    record.unexplained = findings.unexplained;
    let breaches = findings.breaches.iter();
    record
        .breaches
        .extend(breaches.map(|breach| format!("{} {}", breach.invariant, breach.what)));
    if !record.breaches.is_empty() {
        output::say(&stand.tail());
    }
    stand.kill().await?;
    Ok(record)
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

fn is_death(status: ExitStatus) -> bool {
    status.signal() == Some(ABORTED)
}

/// Where sagas stay open for long, the gateway's ten minutes pass, whoever comes back meanwhile.
async fn lapse(stand: &Stand, begun: Instant) -> anyhow::Result<()> {
    let left = LAPSE_AFTER.saturating_sub(begun.elapsed());
    if check::settle(&stand.target(), left).await?.is_none() {
        stand.sandbox.advance(CONFIRM_WINDOW).await?;
    }
    Ok(())
}

/// How long it took from `begun` until no saga was open; none when one still is.
async fn settle(stand: &Stand, begun: Instant) -> anyhow::Result<Option<Duration>> {
    let left = SETTLE_PATIENCE.saturating_sub(begun.elapsed());
    let settled = check::settle(&stand.target(), left).await?;
    Ok(settled.map(|_| begun.elapsed()))
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_abort_is_a_death_at_the_point() {
        assert!(is_death(ExitStatus::from_raw(6)));
        assert!(!is_death(ExitStatus::from_raw(9)));
        assert!(!is_death(ExitStatus::from_raw(1 << 8)));
    }
}
