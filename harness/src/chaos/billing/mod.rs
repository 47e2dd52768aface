//! Owns the proof of recurring billing: cycles in numbers are due as after an outage, copies that
//! charge are killed and the gateway errs, and in the end each cycle was captured exactly once.

mod alone;
mod copies;
pub(crate) mod downtime;
mod members;
mod past;
pub(crate) mod picking;
pub(crate) mod points;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::aftermath::{SETTINGS, Verdict, milliseconds};
use super::rounds::{Counts, Round, Rounds};
use crate::books::{Books, Cycle};
use crate::check;
use crate::random::Dice;
use crate::sandbox::Movement;
use crate::stalls::Stopwatch;
use crate::stand::Stand;
use crate::stats::tenths_per_second;
use copies::Schedulers;
use members::{Fate, Member};
use past::Span;

/// How the service is told; what charges is not slowed by what requests may.
const BILLING: &[(&str, &str)] = &[
    ("PAYFLOW_BILLING__EVERY", "200ms"),
    ("PAYFLOW_BILLING__LEASE", "4s"),
    ("PAYFLOW_LIMITS__MERCHANT_PER_SECOND", "0"),
    // There are many copies, and one server.
    ("PAYFLOW_DATABASE__POOL_SIZE", "6"),
];
/// Who does everything else beside copies that charge.
const REST: &str = "api,sequencer";

/// Charges due cycles with several copies, kills them, and checks that each was captured once.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    rounds: Rounds,
    /// How many copies charge, on PostgreSQL; a file has one.
    #[arg(long, default_value_t = 3)]
    schedulers: usize,
    /// How many members with a card.
    #[arg(long, default_value_t = 56)]
    members: usize,
    /// How many subscriptions of each member.
    #[arg(long, default_value_t = 4)]
    each: u64,
    /// How many cycles of each subscription came due.
    #[arg(long, default_value_t = 10)]
    months: u32,
    /// How many kills at most.
    #[arg(long, default_value_t = 6)]
    kills: u64,
    /// How many of a thousand calls to the gateway go wrong, about.
    #[arg(long, default_value_t = 120)]
    faults: u64,
    /// How many charges one copy begins in a second.
    #[arg(long, default_value_t = 200)]
    per_second: u64,
    /// Whether the rate counts: four fifths of what all copies together are told to begin.
    #[arg(long)]
    judge_rate: bool,
    /// How long it may take until nothing is due, once it is begun.
    #[arg(long, default_value_t = 540)]
    patience_seconds: u64,
}

/// Plays all rounds; whether nothing was wrong.
pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let round = async |seed| round(arguments, seed).await;
    arguments.rounds.play("billing", round).await
}

async fn round(arguments: &Arguments, seed: u64) -> anyhow::Result<Round> {
    let per_second = arguments.per_second.to_string();
    let pace = [
        ("PAYFLOW_BILLING__CHARGES_PER_SECOND", per_second.as_str()),
        ("PAYFLOW_BILLING__CHARGES_AT_ONCE", "32"),
    ];
    let settings = [SETTINGS, BILLING, &pace].concat();
    let mut stand = Stand::build(&arguments.rounds.parts, &settings, Duration::ZERO).await?;
    let service = stand.start().await?;
    members::offer(&stand).await?;
    let members = members::join(&stand, &service, arguments.members).await?;
    stand.kill().await?;
    let target = stand.target();
    past::multiply(&target, arguments.each, true).await?;
    past::move_back(&target, Span::Months(arguments.months), None).await?;

    let mut dice = Dice::new(seed, "billing");
    let mut counts = Counts::default();
    if arguments.faults > 0 {
        let faults = troubles(dice.next(), arguments.faults);
        stand.sandbox.add_faults(&faults).await?;
    }
    let begun = Stopwatch::start();
    if arguments.rounds.database() == "postgres" {
        stand.play(REST);
        stand.start().await?;
    }
    let mut schedulers = Schedulers::start(&mut stand, arguments.schedulers).await?;
    let bounds = (
        arguments.kills,
        Duration::from_secs(arguments.patience_seconds),
    );
    let drained = schedulers.drain(&mut stand, bounds, &mut dice, &mut counts);
    let drained = drained.await?;
    let took = begun.elapsed();
    schedulers.end(&mut stand).await?;

    let mut verdict = Verdict {
        settled_milliseconds: drained.then(|| milliseconds(took)),
        ..Verdict::default()
    };
    counts.add("drained milliseconds", milliseconds(took));
    let standing = Books::standing(&target, past::now()).await?;
    let paid = usize::try_from(standing.paid)?;
    if arguments.kills > 0 && counts.of("kills") == 0 {
        let why = "it was drained before anything was killed, and so proves little";
        verdict.breaches.push(why.to_owned());
    }
    judge_rate(arguments, (paid, took), &mut counts, &mut verdict);
    judge(&stand, (arguments, &members), &mut counts, &mut verdict).await?;
    if verdict.breaches.is_empty() {
        if arguments.rounds.database() == "postgres" {
            stand.play(EVERYTHING);
        }
        let wrong = alone::fails_alone(&mut stand, &members, &mut counts).await?;
        verdict.breaches.extend(wrong);
        compare(&stand, &mut verdict).await?;
    }
    stand.dismantle().await?;
    Ok(Round { counts, verdict })
}

/// How many cycles were paid in a second, beside what all copies are told to begin in one.
fn judge_rate(
    arguments: &Arguments,
    (paid, took): (usize, Duration),
    counts: &mut Counts,
    verdict: &mut Verdict,
) {
    let copies = match arguments.rounds.database() {
        "postgres" => u64::try_from(arguments.schedulers).unwrap_or(u64::MAX),
        _ => 1,
    };
    let configured = arguments.per_second.saturating_mul(copies);
    let tenths = tenths_per_second(paid, took);
    counts.add("per second, tenths", tenths);
    counts.add("per second, configured", configured);
    if arguments.judge_rate && tenths < configured.saturating_mul(8) {
        let what = format!("{tenths} tenths of a cycle a second, {configured} configured");
        verdict.breaches.push(what);
    }
}

/// What one copy does that is alone.
const EVERYTHING: &str = "api,worker,scheduler,sequencer";

/// Faults for so many of a thousand calls: late, lost on either way, refused for the moment, not
/// found though it is there.
fn troubles(seed: u64, per_mille: u64) -> Value {
    let kinds = [
        "delay",
        "dropBefore",
        "dropAfter",
        "status",
        "code",
        "cutBody",
        "tooManyRequests",
        "processing",
        "notFound",
        "late",
    ];
    let count = u64::try_from(kinds.len()).unwrap_or(u64::MAX);
    let share = per_mille.checked_div(count).unwrap_or_default();
    let odds: BTreeMap<&str, u64> = kinds.into_iter().map(|kind| (kind, share)).collect();
    json!({
        "random": {
            "seed": seed,
            "perMille": odds,
            "delayMilliseconds": 300,
            "lateMilliseconds": 1000,
        }
    })
}

/// The books and the gateway's agree.
async fn compare(stand: &Stand, verdict: &mut Verdict) -> anyhow::Result<Books> {
    let books = Books::read(&stand.target()).await?;
    let findings = check::compare(&books, &stand.sandbox.ledger().await?);
    verdict.unexplained = verdict.unexplained.saturating_add(findings.unexplained);
    verdict
        .breaches
        .extend(findings.sayings().take(BREACHES_MAX));
    Ok(books)
}

const BREACHES_MAX: usize = 20;

/// Every cycle that was due ended as its member's plan and card have it, and the gateway took as
/// many sums as there are cycles paid.
async fn judge(
    stand: &Stand,
    (arguments, members): (&Arguments, &[Member]),
    counts: &mut Counts,
    verdict: &mut Verdict,
) -> anyhow::Result<()> {
    let books = compare(stand, verdict).await?;
    let fates: BTreeMap<&str, Fate> = members
        .iter()
        .map(|member| (&*member.billing_key, member.fate))
        .collect();
    let mut cycles: BTreeMap<&str, Vec<&Cycle>> = BTreeMap::new();
    for cycle in &books.cycles {
        cycles.entry(&cycle.subscription).or_default().push(cycle);
    }
    let months = usize::try_from(arguments.months)?;
    let (mut paid, mut skipped, mut due) = (0_usize, 0_usize, 0_usize);
    for subscription in books.subscriptions.values() {
        let cycles = cycles.remove(&*subscription.id).unwrap_or_default();
        let of = |status: &str| cycles.iter().filter(|cycle| cycle.status == status).count();
        let got = (of("PAID"), of("SKIPPED"), subscription.status.as_str());
        let fate = fates.get(&*subscription.billing_key).copied();
        let wanted = match fate {
            Some(Fate::Each) => (months, 0, "ACTIVE"),
            Some(Fate::Newest) => (1, months.saturating_sub(1), "ACTIVE"),
            Some(Fate::Lost) | None => (0, 0, "EXPIRED"),
        };
        if got != wanted && verdict.breaches.len() < BREACHES_MAX {
            let what = format!("{got:?}, not {wanted:?} paid and skipped: {subscription:?}");
            verdict.breaches.push(what);
        }
        (paid, skipped) = (paid.saturating_add(got.0), skipped.saturating_add(got.1));
        due = due.saturating_add(if fate == Some(Fate::Lost) { 1 } else { months });
    }
    let lines = stand.sandbox.ledger().await?;
    let captures = lines.iter().filter(|line| line.kind == Movement::Capture);
    let captures = captures.count();
    let given_back = lines.len().saturating_sub(captures);
    if captures.saturating_sub(given_back) != paid || paid == 0 {
        let what = format!("{captures} captures, {given_back} given back, {paid} cycles paid");
        verdict.breaches.push(what);
    }
    for (name, count) in [
        ("cycles due", due),
        ("cycles paid", paid),
        ("cycles skipped by their plan", skipped),
        ("captures", captures),
        ("given back", given_back),
    ] {
        counts.add(name, u64::try_from(count)?);
    }
    Ok(())
}
