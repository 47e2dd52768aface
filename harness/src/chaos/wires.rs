//! Owns trouble on the wires: for a while connections to gateway and database are late, reset, cut
//! in mid-answer or half-open; the service has to come through without being restarted.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::aftermath::{SETTINGS, reckon};
use super::load::Load;
use super::rounds::{Counts, Round, Rounds};
use crate::stand::Stand;

/// Connections are kept and used again: now and then all of them are made anew, to meet new odds.
const RESET_EVERY: Duration = Duration::from_secs(2);

/// Breaks connections to gateway and database under load, and checks the books.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    rounds: Rounds,
    /// How long the trouble of each round lasts.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
}

/// Plays all rounds; whether nothing was wrong.
pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let round = async |seed| round(arguments, seed).await;
    arguments.rounds.play("wires", round).await
}

async fn round(arguments: &Arguments, seed: u64) -> anyhow::Result<Round> {
    let mut stand = Stand::build(&arguments.rounds.parts, SETTINGS, Duration::ZERO).await?;
    stand.lay_wires(seed).await?;
    let service = stand.start().await?;
    let load = Load::begin(&stand.sandbox, seed);
    stand.wires()?.trouble();
    load.at(&[&service]);
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(arguments.seconds) {
        stand.wires()?.reset_database();
        sleep(RESET_EVERY).await;
    }
    stand.wires()?.calm();
    let journal = load.end().await?;
    stand.still_runs()?;
    stand.sandbox.heal().await?;
    let mut counts = Counts::default();
    counts.add("asked", journal.asked());
    counts.troubles(stand.wires()?);
    let begun = Instant::now();
    let verdict = reckon(&mut stand, &service, journal, begun).await?;
    stand.dismantle().await?;
    Ok(Round { counts, verdict })
}
