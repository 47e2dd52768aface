//! Owns kills on the way of what gateways tell: at each of its crash points the service dies, the
//! gateway repeats what was not answered, and everything is booked once.

use std::time::Duration;

use anyhow::ensure;
use tokio::process::Command;
use tokio::time::{Instant, timeout};

use super::aftermath::{SETTINGS, Verdict, milliseconds};
use super::crash::is_death;
use super::rounds::{Counts, Round, Rounds};
use crate::check;
use crate::hooks::{self, Courier, Told, booked, paid, told};
use crate::output;
use crate::random::Dice;
use crate::stand::Stand;

/// How many payments are told of at each point.
const PAYMENTS: usize = 3;
/// How often each notification comes.
const TIMES: usize = 2;
const LIST_PATIENCE: Duration = Duration::from_secs(10);
/// How long the service may take to come to its point.
const REACH_PATIENCE: Duration = Duration::from_secs(30);
const HIT_MAX: u64 = 2;

/// Kills the service at each crash point of what gateways tell, and checks the books.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    rounds: Rounds,
}

/// Plays all rounds; whether nothing was wrong.
pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let points = points(arguments).await?;
    let round = async |seed| round(arguments, &points, seed).await;
    arguments.rounds.play("told", round).await
}

async fn round(arguments: &Arguments, points: &[String], seed: u64) -> anyhow::Result<Round> {
    let settings = [SETTINGS, hooks::SETTINGS].concat();
    let mut stand = Stand::build(&arguments.rounds.parts, &settings, Duration::ZERO).await?;
    stand.sandbox.tell_nobody().await?;
    let mut dice = Dice::new(seed, "told");
    let (mut counts, mut verdict) = (Counts::default(), Verdict::default());
    let mut keys = Vec::new();
    let begun = Instant::now();
    for point in points {
        let service = stand.start().await?;
        let fresh = paid(&stand, &service, PAYMENTS).await?;
        stand.kill().await?;
        for key in &fresh {
            stand.sandbox.cancel_by_merchant(key, hooks::PART).await?;
        }
        keys.extend(fresh);
        // What comes together is sorted together, once.
        let hits = if point.starts_with("inbox.") {
            1
        } else {
            HIT_MAX
        };
        let hit = dice.between(1, hits);
        let is_reached = died_at(&mut stand, point, hit, &mut dice, &mut counts).await?;
        if !is_reached {
            verdict.breaches.push(format!("{point} was not reached"));
        }
        booked(&stand, keys.len()).await?;
        stand.kill().await?;
    }
    verdict.settled_milliseconds = Some(milliseconds(begun.elapsed()));
    counts.add("payments", u64::try_from(keys.len())?);
    let findings = check::run(&stand.target(), &stand.sandbox, REACH_PATIENCE).await?;
    verdict.unexplained = findings.unexplained;
    verdict.breaches.extend(findings.sayings());
    stand.dismantle().await?;
    Ok(Round { counts, verdict })
}

/// Everything is told to a service that is to die at a point, and what it did not answer once more
/// to the one after it, which runs on; whether it died there.
async fn died_at(
    stand: &mut Stand,
    point: &str,
    hit: u64,
    dice: &mut Dice,
    counts: &mut Counts,
) -> anyhow::Result<bool> {
    output::say(&format!("{point} hit {hit}"));
    let all = told(&stand.sandbox, TIMES, "").await?;
    stand.launch(&[("PAYFLOW_CRASH_POINT", &format!("{point}:{hit}"))])?;
    let all = Told::shuffled(all, dice);
    let unanswered = match stand.ready().await {
        Ok(service) => {
            let courier = Courier::new(service.hook_url(), 1)?;
            courier.tell(all).await?.unanswered
        }
        // What was told before may lead it to the point before it listens.
        Err(error) => match stand.process()?.ended()? {
            Some(status) if is_death(status) => all,
            Some(_) | None => return Err(error),
        },
    };
    let ended = stand.process()?.end_within(REACH_PATIENCE).await?;
    let tail = stand.tail();
    stand.kill().await?;
    if let Some(status) = ended {
        ensure!(is_death(status), "{point}: it ended with {status}:\n{tail}");
        counts.add("kills", 1);
    }
    let service = stand.start().await?;
    counts.add("repeated", u64::try_from(unanswered.len())?);
    let courier = Courier::new(service.hook_url(), 1)?;
    let again = courier.tell(unanswered).await?;
    ensure!(
        again.unanswered.is_empty(),
        "{point}: {} repeats were not answered",
        again.unanswered.len()
    );
    Ok(ended.is_some())
}

/// The points that the executable knows.
async fn points(arguments: &Arguments) -> anyhow::Result<Vec<String>> {
    let mut command = Command::new(&arguments.rounds.parts.service);
    command
        .args(["points", "inbox"])
        .env_clear()
        .kill_on_drop(true);
    let listed = timeout(LIST_PATIENCE, command.output()).await??;
    ensure!(listed.status.success(), "no points: {}", listed.status);
    let text = String::from_utf8(listed.stdout)?;
    let all: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    ensure!(!all.is_empty(), "the executable has no crash points");
    Ok(all)
}
