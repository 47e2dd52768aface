//! Owns outages over simulated years: again and again nobody charges for days or months, by kill or
//! by freeze, and each time all that came due meanwhile is dealt with as its plan says.
//!
//! Time does not pass by a clock that everybody obeys; all dates are moved back instead, which is
//! the same to whoever compares them with the present.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use tokio::time::{Instant, sleep};

use super::copies::drained_within;
use super::members::{self, Fate, Member};
use super::past::{self, Span};
use super::{BILLING, compare, troubles};
use crate::books::{Books, Cycle, Target};
use crate::chaos::aftermath::{SETTINGS, Verdict, milliseconds};
use crate::chaos::rounds::{Counts, Round, Rounds};
use crate::output;
use crate::random::Dice;
use crate::stand::Stand;

const DAYS_MAX: u64 = 120;
/// One of so many outages is a kill; the others are freezes.
const KILL_ONE_OF: u64 = 4;
/// One of so many catch-ups is cut short by another kill.
const AGAIN_ONE_OF: u64 = 5;
const AGAIN_MAX_MS: u64 = 600;
const PATIENCE: Duration = Duration::from_mins(2);

/// Has nobody charge for days or months, again and again, and checks each catch-up.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    rounds: Rounds,
    /// How many outages in each round.
    #[arg(long, default_value_t = 20)]
    outages: u64,
    /// How many members with a card and a subscription.
    #[arg(long, default_value_t = 10)]
    members: usize,
    /// How many of a thousand calls to the gateway go wrong, about.
    #[arg(long, default_value_t = 40)]
    faults: u64,
}

/// Plays all rounds; whether nothing was wrong.
pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let round = async |seed| round(arguments, seed).await;
    arguments.rounds.play("downtime", round).await
}

async fn round(arguments: &Arguments, seed: u64) -> anyhow::Result<Round> {
    let settings = [SETTINGS, BILLING].concat();
    let mut stand = Stand::build(&arguments.rounds.parts, &settings, Duration::ZERO).await?;
    let service = stand.start().await?;
    members::offer(&stand).await?;
    let members = members::join(&stand, &service, arguments.members).await?;
    let mut dice = Dice::new(seed, "downtime");
    let (mut counts, mut verdict) = (Counts::default(), Verdict::default());
    if arguments.faults > 0 {
        let faults = troubles(dice.next(), arguments.faults);
        stand.sandbox.add_faults(&faults).await?;
    }
    let begun = Instant::now();
    let mut before = Resolved::default();
    for _ in 0..arguments.outages {
        outage(&mut stand, &mut dice, &mut counts).await?;
        let drained = drained_within(&stand, PATIENCE).await?;
        ensure!(drained, "something is left to do\n{}", stand.tail());
        before = caught_up(&stand, (&members, &before), &mut verdict).await?;
        if !verdict.breaches.is_empty() {
            output::say(&stand.tail());
            break;
        }
    }
    stand.kill().await?;
    verdict.settled_milliseconds = Some(milliseconds(begun.elapsed()));
    let books = compare(&stand, &mut verdict).await?;
    for status in ["PAID", "SKIPPED"] {
        let count = books.cycles.iter().filter(|cycle| cycle.status == status);
        let name = format!("cycles {}", status.to_lowercase());
        counts.add(&name, u64::try_from(count.count())?);
    }
    if counts.of("cycles paid") == 0 {
        verdict.breaches.push("nothing came due".to_owned());
    }
    stand.dismantle().await?;
    Ok(Round { counts, verdict })
}

/// Nobody is there for up to months; then somebody is, now and then not for long.
async fn outage(stand: &mut Stand, dice: &mut Dice, counts: &mut Counts) -> anyhow::Result<()> {
    let days = dice.between(1, DAYS_MAX);
    // Who is frozen may hold the only right to write to a file.
    let is_file = matches!(stand.target(), Target::Sqlite(_));
    let is_kill = dice.below(KILL_ONE_OF) == 0 || is_file;
    if is_kill {
        stand.kill().await?;
    } else {
        stand.process()?.freeze().await?;
    }
    past::move_back(&stand.target(), Span::Days(days), None).await?;
    if is_kill {
        counts.add("kills", 1);
        stand.start().await?;
    } else {
        counts.add("freezes", 1);
        stand.process()?.thaw()?;
    }
    if dice.below(AGAIN_ONE_OF) == 0 {
        sleep(dice.pause(AGAIN_MAX_MS)).await;
        stand.kill().await?;
        counts.add("kills while catching up", 1);
        stand.start().await?;
    }
    counts.add("outages", 1);
    counts.add("days", days);
    Ok(())
}

/// How many cycles of each subscription are resolved.
type Resolved = BTreeMap<String, usize>;

/// What came due since `before` was dealt with as its plan says: each charged, or the newest one,
/// and nothing of whose card was lost.
async fn caught_up(
    stand: &Stand,
    (members, before): (&[Member], &Resolved),
    verdict: &mut Verdict,
) -> anyhow::Result<Resolved> {
    let books = Books::read(&stand.target()).await?;
    let mut cycles: BTreeMap<&str, Vec<&Cycle>> = BTreeMap::new();
    for cycle in &books.cycles {
        cycles.entry(&cycle.subscription).or_default().push(cycle);
    }
    let mut resolved = Resolved::new();
    for member in members {
        let id = &member.subscription;
        let subscription = books.subscriptions.get(id).context("a subscription")?;
        let all = cycles.remove(&**id).unwrap_or_default();
        let known = before.get(id).copied().unwrap_or_default();
        // The last one is to come, or was given up.
        let until = all.len().saturating_sub(1);
        let came: Vec<&str> = all
            .get(known..until)
            .unwrap_or_default()
            .iter()
            .map(|cycle| &*cycle.status)
            .collect();
        if !is_by_plan(member.fate, &came) {
            let what = format!("{:?}: {came:?} of {subscription:?}", member.fate);
            verdict.breaches.push(what);
        }
        resolved.insert(id.clone(), until.max(known));
    }
    Ok(resolved)
}

/// Whether the cycles that came due in one outage ended so as the plan says.
fn is_by_plan(fate: Fate, came: &[&str]) -> bool {
    match (fate, came.split_last()) {
        (_, None) => true,
        (Fate::Each, Some(_)) => came.iter().all(|status| *status == "PAID"),
        (Fate::Newest, Some((newest, missed))) => {
            *newest == "PAID" && missed.iter().all(|status| *status == "SKIPPED")
        }
        (Fate::Lost, Some(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_says_what_becomes_of_missed_cycles() {
        assert!(is_by_plan(Fate::Each, &["PAID", "PAID"]));
        assert!(!is_by_plan(Fate::Each, &["SKIPPED", "PAID"]));
        assert!(is_by_plan(Fate::Newest, &["SKIPPED", "PAID"]));
        assert!(!is_by_plan(Fate::Newest, &["PAID", "PAID"]));
        assert!(!is_by_plan(Fate::Newest, &["PAID", "SKIPPED"]));
        assert!(is_by_plan(Fate::Lost, &[]));
        assert!(!is_by_plan(Fate::Lost, &["PAID"]));
    }
}
