//! Owns kills of those who tell of events, at every named point of their way: whoever gives
//! positions, tells the broker, makes deliveries and brings them dies there, and the next one goes
//! on.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::ensure;
use tokio::process::Command;
use tokio::time::{Instant, timeout};

use super::making::Making;
use super::playing::Playing;
use super::told::{DRAIN_PATIENCE, drain};
use crate::chaos::aftermath::{Verdict, milliseconds};
use crate::chaos::crash::is_death;
use crate::chaos::rounds::{Counts, Round, Rounds};
use crate::check;
use crate::random::Dice;
use crate::stand::Instance;

/// Who is never killed here.
const REST: &str = "api,worker,scheduler";
/// Who is: the role, and how its points begin.
const ROLES: [(&str, &[&str]); 3] = [
    ("sequencer", &["sequencer."]),
    ("relay", &["kafka."]),
    ("courier", &["webhooks.", "delivery."]),
];
const LIST_PATIENCE: Duration = Duration::from_secs(10);
/// How long a copy may take from its start to its point; a lease of who died before is part of it.
const REACH_PATIENCE: Duration = Duration::from_mins(2);
const HIT_MAX: u64 = 4;

/// Kills those who tell of events at each of their crash points, and checks what was told.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    rounds: Rounds,
    /// The broker's executable.
    #[arg(long)]
    broker: PathBuf,
    /// How often each point is died at in a round.
    #[arg(long, default_value_t = 1)]
    times: u64,
}

/// Plays all rounds; whether nothing was wrong.
pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let points = points(arguments).await?;
    let round = async |seed| round(arguments, &points, seed).await;
    arguments.rounds.play("roles", round).await
}

async fn round(arguments: &Arguments, points: &[String], seed: u64) -> anyhow::Result<Round> {
    let mut playing = Playing::begin(&arguments.rounds.parts, &arguments.broker).await?;
    playing.stand.play(REST);
    let service = playing.stand.start().await?;
    let making = Making::begin(&service);
    let [one, two, three] = ROLES.map(|(role, prefixes)| {
        let own = |point: &&String| prefixes.iter().any(|prefix| point.starts_with(prefix));
        let points: Vec<String> = points.iter().filter(own).cloned().collect();
        let dice = Dice::new(seed, role);
        lane((role, playing.copy(1, role)), points, arguments.times, dice)
    });
    let lanes = tokio::join!(one, two, three);
    let (mut copies, mut counts, mut missed) = (Vec::new(), Counts::default(), Vec::new());
    for lane in [lanes.0, lanes.1, lanes.2] {
        let lane = lane?;
        counts.add("kills", lane.kills);
        counts.add(&format!("kills {}", lane.role), lane.kills);
        missed.extend(lane.missed);
        copies.push(lane.copy);
    }
    let begun = Instant::now();
    counts.add("payments", making.end().await?);
    let drained = drain(&playing.stand.target(), begun).await?;
    let mut verdict = Verdict {
        settled_milliseconds: Some(milliseconds(begun.elapsed())),
        ..Verdict::default()
    };
    judge_missed(missed, &mut verdict);
    playing
        .judge((drained, DRAIN_PATIENCE), &mut counts, &mut verdict)
        .await?;
    let target = playing.stand.target();
    let findings = check::run(&target, &playing.stand.sandbox, Duration::ZERO).await?;
    verdict.unexplained = findings.unexplained;
    verdict.breaches.extend(findings.sayings());
    for copy in &mut copies {
        copy.kill().await?;
    }
    playing.stand.dismantle().await?;
    Ok(Round { counts, verdict })
}

/// What came of one role.
struct Lane {
    role: &'static str,
    copy: Instance,
    kills: u64,
    /// Points that were not reached.
    missed: Vec<String>,
}

/// One copy after the other, each until it dies at its point; the last one lives, so that the
/// others come to theirs.
async fn lane(
    (role, copy): (&'static str, anyhow::Result<Instance>),
    points: Vec<String>,
    times: u64,
    mut dice: Dice,
) -> anyhow::Result<Lane> {
    let mut lane = Lane {
        role,
        copy: copy?,
        kills: 0,
        missed: Vec::new(),
    };
    for _ in 0..times {
        for point in &points {
            let armed = format!("{point}:{}", dice.between(1, HIT_MAX));
            lane.copy.launch(&[("PAYFLOW_CRASH_POINT", &armed)])?;
            let ended = lane.copy.process()?.end_within(REACH_PATIENCE).await?;
            let tail = lane.copy.tail();
            lane.copy.kill().await?;
            match ended {
                Some(status) if is_death(status) => lane.kills = lane.kills.saturating_add(1),
                Some(status) => anyhow::bail!("{armed}: it ended with {status}:\n{tail}"),
                None => lane.missed.push(armed),
            }
        }
    }
    lane.copy.start().await?;
    Ok(lane)
}

/// A point that nobody came to proves nothing.
fn judge_missed(missed: Vec<String>, verdict: &mut Verdict) {
    let never = missed
        .into_iter()
        .map(|point| format!("{point} was not reached"));
    verdict.breaches.extend(never);
}

/// The points that the executable knows.
async fn points(arguments: &Arguments) -> anyhow::Result<Vec<String>> {
    let mut command = Command::new(&arguments.rounds.parts.service);
    command
        .args(["points", "events"])
        .env_clear()
        .kill_on_drop(true);
    let listed = timeout(LIST_PATIENCE, command.output()).await??;
    ensure!(listed.status.success(), "no points: {}", listed.status);
    let text = String::from_utf8(listed.stdout)?;
    let all: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    let played = |point: &String| {
        let mut prefixes = ROLES.iter().flat_map(|(_, prefixes)| prefixes.iter());
        prefixes.any(|prefix| point.starts_with(prefix))
    };
    ensure!(
        !all.is_empty() && all.iter().all(played),
        "unknown points: {all:?}"
    );
    Ok(all)
}
