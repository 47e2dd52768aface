//! Owns a database server that dies: every process of it is killed under load, again and again, and
//! it recovers from its log of writes while the service goes on.

use std::time::Duration;

use anyhow::ensure;
use tokio::time::{Instant, sleep};

use super::aftermath::{SETTINGS, reckon};
use super::load::Load;
use super::rounds::{Counts, Round, Rounds};
use crate::random::Dice;
use crate::server::Server;
use crate::stand::{Parts, Stand};

/// How long it works between two deaths, in milliseconds.
const WORKS_MS: (u64, u64) = (700, 2_500);
/// How long it stays away at most, in milliseconds.
const AWAY_MAX_MS: u64 = 1_500;

/// Kills a PostgreSQL of its own with all its processes, under load, and checks the books.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    rounds: Rounds,
    /// How often it dies in each round.
    #[arg(long, default_value_t = 3)]
    kills: u64,
}

/// Plays all rounds; whether nothing was wrong.
pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    ensure!(
        arguments.rounds.database() == "postgres",
        "only PostgreSQL has a server"
    );
    let round = async |seed| round(arguments, seed).await;
    arguments.rounds.play("server", round).await
}

async fn round(arguments: &Arguments, seed: u64) -> anyhow::Result<Round> {
    let mut server = Server::begin(false).await?;
    let parts = Parts {
        database: server.url(),
        ..arguments.rounds.parts.clone()
    };
    let mut stand = Stand::build(&parts, SETTINGS, Duration::ZERO).await?;
    let service = stand.start().await?;
    let load = Load::begin(&stand.sandbox, seed);
    load.at(&[&service]);
    let mut dice = Dice::new(seed, "server");
    let mut counts = Counts::default();
    for _ in 0..arguments.kills {
        sleep(Duration::from_millis(dice.between(WORKS_MS.0, WORKS_MS.1))).await;
        let processes = server.kill().await?;
        counts.add("kills", 1);
        counts.add("processesKilled", processes);
        sleep(dice.pause(AWAY_MAX_MS)).await;
        server.start().await?;
        stand.still_runs()?;
    }
    let begun = Instant::now();
    let journal = load.end().await?;
    counts.add("asked", journal.asked());
    let mut verdict = reckon(&mut stand, &service, journal, begun).await?;
    if counts.of("asked") == 0 {
        verdict.breaches.push("nobody came".to_owned());
    }
    stand.dismantle().await?;
    Ok(Round { counts, verdict })
}
