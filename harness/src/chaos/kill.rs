//! Owns kills at any time: under load, with wires and gateway in trouble, also while it recovers.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::aftermath::{SETTINGS, reckon};
use super::load::Load;
use super::parts::random_faults;
use super::rounds::{Counts, Round, Rounds};
use crate::books::Books;
use crate::random::Dice;
use crate::stand::Stand;

/// Killed at some moment after so long under load.
const ALIVE_MIN_MS: u64 = 100;
const ALIVE_MAX_MS: u64 = 2000;
/// Killed again at some moment of its first so many milliseconds after a restart.
const RECOVERING_MAX_MS: u64 = 900;
/// So many of a hundred kills are followed by another one inside recovery.
const AGAIN_PERCENT: u64 = 35;
/// So many of a hundred kills come just after every connection to the database was reset.
const RESET_PERCENT: u64 = 20;
const AFTER_RESET: Duration = Duration::from_millis(100);

/// Kills the service at random under load, also while it recovers, and checks the books.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    rounds: Rounds,
    /// How many kills in each round.
    #[arg(long, default_value_t = 10)]
    kills: u64,
}

/// Plays all rounds; whether nothing was wrong.
pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let round = async |seed| round(arguments, seed).await;
    arguments.rounds.play("kill", round).await
}

async fn round(arguments: &Arguments, seed: u64) -> anyhow::Result<Round> {
    let mut stand = Stand::build(&arguments.rounds.parts, SETTINGS, Duration::ZERO).await?;
    stand.lay_wires(seed).await?;
    let mut dice = Dice::new(seed, "kill");
    let faults = random_faults(dice.next());
    stand.sandbox.add_faults(&faults).await?;
    let load = Load::begin(&stand.sandbox, dice.next());
    let mut counts = Counts::default();
    while counts.of("kills") < arguments.kills {
        let service = stand.start().await?;
        // Not before: one that finds no database does not start, and that is right.
        stand.wires()?.trouble();
        stand.wires()?.reset_database();
        load.at(&[&service]);
        let alive = dice.between(ALIVE_MIN_MS, ALIVE_MAX_MS);
        sleep(Duration::from_millis(alive)).await;
        if dice.below(100) < RESET_PERCENT {
            stand.wires()?.reset_database();
            sleep(AFTER_RESET).await;
        }
        kill(&mut stand, &mut counts).await?;
        load.nobody();
        while counts.of("kills") < arguments.kills && dice.below(100) < AGAIN_PERCENT {
            stand.launch(&[])?;
            sleep(dice.pause(RECOVERING_MAX_MS)).await;
            kill(&mut stand, &mut counts).await?;
            counts.add("killsInRecovery", 1);
        }
        stand.wires()?.calm();
    }
    let journal = load.end().await?;
    stand.sandbox.heal().await?;
    stand.wires()?.calm();
    let begun = Instant::now();
    let service = stand.start().await?;
    counts.add("asked", journal.asked());
    counts.troubles(stand.wires()?);
    let verdict = reckon(&mut stand, &service, journal, begun).await?;
    stand.dismantle().await?;
    Ok(Round { counts, verdict })
}

/// Kills, and counts what is left to be recovered.
async fn kill(stand: &mut Stand, counts: &mut Counts) -> anyhow::Result<()> {
    stand.kill().await?;
    counts.add("kills", 1);
    let open = Books::count_open_sagas(&stand.target()).await?;
    let open = u64::try_from(open).unwrap_or(0);
    counts.add("openAtKills", open);
    counts.add("killsWithOpenSagas", u64::from(open > 0));
    Ok(())
}
