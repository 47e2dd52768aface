//! Owns the parts alone: nobody is killed, nothing goes wrong but what belongs to each part, and
//! the gateway's clock is left alone, so that what can be approved has to be.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::aftermath::{SETTINGS, SETTLE_PATIENCE, reckon};
use super::ends::unapproved;
use super::journal::Journal;
use super::rounds::{Counts, Round, Rounds};
use super::traffic;
use crate::books::Books;
use crate::check;
use crate::random::Dice;
use crate::stand::Stand;

/// Plays every part without a kill: what the gateway can approve must end approved.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    rounds: Rounds,
    /// How often each part is played in a round.
    #[arg(long, default_value_t = 5)]
    times: u64,
}

/// Plays all rounds; whether nothing was wrong.
pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let round = async |seed| round(arguments, seed).await;
    arguments.rounds.play("parts", round).await
}

async fn round(arguments: &Arguments, seed: u64) -> anyhow::Result<Round> {
    let mut stand = Stand::build(&arguments.rounds.parts, SETTINGS, Duration::ZERO).await?;
    let service = stand.start().await?;
    let mut dice = Dice::new(seed, "parts");
    let begun = Instant::now();
    let mut plays = JoinSet::new();
    for _ in 0..arguments.times {
        let (service, sandbox, seed) = (service.clone(), stand.sandbox.clone(), dice.next());
        plays.spawn(async move { traffic::play(&service, &sandbox, seed).await });
    }
    let mut journal = Journal::default();
    for played in plays.join_all().await {
        journal.merge(played);
    }
    // Those who left never come back; their payments are approved all the same.
    check::settle(&stand.target(), SETTLE_PATIENCE).await?;
    let books = Books::read(&stand.target()).await?;
    let unapproved = unapproved(&books, journal.played());
    let mut counts = Counts::default();
    counts.add("asked", journal.asked());
    counts.add("played", u64::try_from(journal.played().len())?);
    let mut verdict = reckon(&mut stand, &service, journal, begun).await?;
    verdict.breaches.extend(unapproved);
    stand.dismantle().await?;
    Ok(Round { counts, verdict })
}
