//! Owns COMMITs in doubt: under load the answers of some are lost after the server has committed,
//! and some never reach it; the service has to find out which, without being restarted.

use std::time::Duration;

use anyhow::ensure;
use tokio::time::{Instant, sleep};

use super::aftermath::{SETTINGS, reckon};
use super::load::Load;
use super::rounds::{Counts, Round, Rounds};
use crate::proxy::CommitOdds;
use crate::stand::Stand;

/// The cuts of a round have come by then, or the load is none.
const CUTS_PATIENCE: Duration = Duration::from_mins(2);
const POLL: Duration = Duration::from_millis(50);
/// Long enough for the server to have written it, and for others to read it meanwhile.
const HELD: Duration = Duration::from_millis(30);

/// Loses the answers of COMMITs under load, on PostgreSQL, and checks the books.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    rounds: Rounds,
    /// How many answers are lost in each round.
    #[arg(long, default_value_t = 20)]
    cuts: u64,
}

/// Plays all rounds; whether nothing was wrong.
pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    ensure!(
        arguments.rounds.database() == "postgres",
        "only PostgreSQL has a connection to cut"
    );
    let round = async |seed| round(arguments, seed).await;
    arguments.rounds.play("commit", round).await
}

async fn round(arguments: &Arguments, seed: u64) -> anyhow::Result<Round> {
    let mut stand = Stand::build(&arguments.rounds.parts, SETTINGS, Duration::ZERO).await?;
    stand.lay_wires(seed).await?;
    let service = stand.start().await?;
    stand.wires()?.trouble_commits(CommitOdds {
        answer_lost: 120,
        lost: 60,
        held: HELD,
        answers_lost_max: arguments.cuts,
    });
    let load = Load::begin(&stand.sandbox, seed);
    load.at(&[&service]);
    let begun = Instant::now();
    while stand.wires()?.tallies().database.answers_lost < arguments.cuts {
        ensure!(begun.elapsed() < CUTS_PATIENCE, "too few COMMITs came by");
        stand.still_runs()?;
        sleep(POLL).await;
    }
    stand.wires()?.calm();
    let journal = load.end().await?;
    stand.sandbox.heal().await?;
    let mut counts = Counts::default();
    counts.add("asked", journal.asked());
    counts.troubles(stand.wires()?);
    let begun = Instant::now();
    let verdict = reckon(&mut stand, &service, journal, begun).await?;
    stand.dismantle().await?;
    Ok(Round { counts, verdict })
}
