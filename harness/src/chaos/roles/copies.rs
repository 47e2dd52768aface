//! Owns many copies at once: three of every role, one of which is killed every few seconds and
//! comes back later, under load.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::playing::Playing;
use super::told::{DRAIN_PATIENCE, drain};
use crate::chaos::aftermath::reckon;
use crate::chaos::load::Load;
use crate::chaos::rounds::{Counts, Round, Rounds};
use crate::random::Dice;
use crate::service::Service;
use crate::stand::Instance;

pub(super) const API: &str = "api";
const ROLES: [&str; 6] = [API, "worker", "scheduler", "sequencer", "relay", "courier"];

/// Kills one copy of some role every few seconds, and checks books and telling.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    rounds: Rounds,
    /// The broker's executable.
    #[arg(long)]
    broker: PathBuf,
    /// For how long.
    #[arg(long, default_value_t = 300)]
    seconds: u64,
    /// How often one is killed.
    #[arg(long, default_value_t = 15)]
    every_seconds: u64,
    /// How many copies of every role.
    #[arg(long, default_value_t = 3)]
    copies: usize,
    /// By when everything has to be told once the load is over.
    #[arg(long, default_value_t = DRAIN_PATIENCE.as_secs())]
    drained_seconds: u64,
}

/// A copy, and where it answers while it lives.
pub(super) struct Copy {
    pub(super) role: &'static str,
    pub(super) instance: Instance,
    pub(super) service: Option<Service>,
}

/// Plays all rounds; whether nothing was wrong.
pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let round = async |seed| round(arguments, seed).await;
    arguments.rounds.play("copies", round).await
}

async fn round(arguments: &Arguments, seed: u64) -> anyhow::Result<Round> {
    let mut playing = Playing::begin(&arguments.rounds.parts, &arguments.broker).await?;
    let mut copies = start(&playing, arguments.copies).await?;
    let mut dice = Dice::new(seed, "copies");
    let load = Load::begin(&playing.stand.sandbox, dice.next());
    load.at(&answering(&copies));
    let mut counts = Counts::default();
    let every = Duration::from_secs(arguments.every_seconds);
    let until = Instant::now()
        .checked_add(Duration::from_secs(arguments.seconds))
        .context("too long")?;
    let mut kills: usize = 0;
    // However long a start takes: every role loses a copy.
    while Instant::now() < until || kills < ROLES.len() {
        let next = Instant::now().checked_add(every).context("too long")?;
        // One role after the other, so that none is left out; which of its copies, the dice say.
        let role = *ROLES.get(kills.rem_euclid(ROLES.len())).context("a role")?;
        kills = kills.saturating_add(1);
        let chosen = copies.iter().enumerate();
        let chosen = chosen.filter(|(_, copy)| copy.role == role);
        let chosen: Vec<usize> = chosen.map(|(which, _)| which).collect();
        let which = dice.one_of(&chosen);
        let copy = copies.get_mut(which).context("a copy")?;
        copy.instance.kill().await?;
        copy.service = None;
        counts.add("kills", 1);
        counts.add(&format!("kills {}", copy.role), 1);
        load.at(&answering(&copies));
        // The others have to have done without it, leases and all.
        sleep(every.checked_div(2).unwrap_or(every)).await;
        let copy = copies.get_mut(which).context("a copy")?;
        copy.service = Some(copy.instance.start().await?);
        load.at(&answering(&copies));
        sleep_until(next).await;
    }
    let begun = Instant::now();
    let journal = load.end().await?;
    playing.stand.sandbox.heal().await?;
    counts.add("asked", journal.asked());
    let service = answering(&copies)
        .first()
        .copied()
        .context("nobody")?
        .clone();
    let target = playing.stand.target();
    let (drained, verdict) = tokio::join!(
        drain(&target, begun),
        reckon(&mut playing.stand, &service, journal, begun)
    );
    let mut verdict = verdict?;
    for role in ROLES {
        if counts.of(&format!("kills {role}")) == 0 {
            verdict.breaches.push(format!("no {role} was killed"));
        }
    }
    let within = Duration::from_secs(arguments.drained_seconds);
    playing
        .judge((drained?, within), &mut counts, &mut verdict)
        .await?;
    for copy in &mut copies {
        copy.instance.kill().await?;
    }
    playing.stand.dismantle().await?;
    Ok(Round { counts, verdict })
}

/// Starts so many copies of every role.
pub(super) async fn start(playing: &Playing, each: usize) -> anyhow::Result<Vec<Copy>> {
    let mut starting = JoinSet::new();
    for role in ROLES {
        for number in 1..=each {
            let mut instance = playing.copy(number, role)?;
            starting.spawn(async move {
                let service = Some(instance.start().await?);
                anyhow::Ok(Copy {
                    role,
                    instance,
                    service,
                })
            });
        }
    }
    starting.join_all().await.into_iter().collect()
}

/// Those that requests can be sent to.
pub(super) fn answering(copies: &[Copy]) -> Vec<&Service> {
    let apis = copies.iter().filter(|copy| copy.role == API);
    apis.filter_map(|copy| copy.service.as_ref()).collect()
}
