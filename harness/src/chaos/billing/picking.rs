//! Owns one figure: taking the cycles that are due costs the same among many subscriptions as among
//! few. Two services run side by side, the same number of cycles comes due at each in turn, and
//! what the service itself measured of its taking is compared. Charges are paused, so that nothing
//! else is measured: what was taken is taken again when its lease is over.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use chrono::TimeDelta;
use serde::Serialize;
use tokio::time::{Instant, sleep};

use super::members;
use super::past;
use crate::books::{Target, write};
use crate::output;
use crate::service::Service;
use crate::stand::{Parts, Stand};
use crate::stats::{median, per_mille};

/// How the services are told: they look often, and hold for a short time what they took.
const SETTINGS: &[(&str, &str)] = &[
    ("PAYFLOW_BILLING__EVERY", "200ms"),
    ("PAYFLOW_BILLING__LEASE", "1s"),
    ("PAYFLOW_BILLING__CHARGES_PER_SECOND", "1000"),
    ("PAYFLOW_BILLING__CHARGES_AT_ONCE", "64"),
    ("PAYFLOW_TIMINGS__WATCH_EVERY", "0s"),
    ("PAYFLOW_LIMITS__MERCHANT_PER_SECOND", "0"),
    ("PAYFLOW_DATABASE__POOL_SIZE", "6"),
];
/// With a card each; all subscriptions are theirs. Of each one comes due at once at most.
const MEMBERS: u64 = 100;
/// What the service takes at once at most, by its defaults, is more.
const DUE_MAX: u64 = 99;
/// The first rounds are not counted: connections, statements and pages are cold.
const WARM_UP: u64 = 1;
/// In thousandths.
const GOAL: u64 = 1_500;
/// How often what is due is taken in a round.
const TAKINGS: u64 = 5;
/// How long that may take.
const PATIENCE: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(250);
const TAKEN: &str = "payflow_billing_take_seconds";
/// What is not due is due so much later.
const LATER: TimeDelta = TimeDelta::days(20);

/// Measures what taking due cycles costs among few subscriptions, and among many.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    parts: Parts,
    /// How many subscriptions are few.
    #[arg(long, default_value_t = 1_000)]
    smaller: u64,
    /// How many are many.
    #[arg(long, default_value_t = 1_000_000)]
    larger: u64,
    /// How often cycles come due at each.
    #[arg(long, default_value_t = 7)]
    rounds: u64,
    /// How many come due at once, 99 at most.
    #[arg(long, default_value_t = 90)]
    due: u64,
    /// Whether the ratio counts.
    #[arg(long)]
    judge: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Figures {
    database: &'static str,
    due_at_once: u64,
    smaller: Costs,
    larger: Costs,
    /// Of the medians of taking, in thousandths.
    ratio_per_mille: u64,
    /// Of the medians of looking where nothing is due.
    idle_ratio_per_mille: u64,
    goal_per_mille: u64,
    met: bool,
}

/// What one of the two measured.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Costs {
    subscriptions: u64,
    /// Of taking all that was due once, the mean of each round.
    taking_microseconds: Vec<u64>,
    taking_microseconds_median: u64,
    /// Of one look that finds nothing, the mean of each round.
    idle_microseconds: Vec<u64>,
    idle_microseconds_median: u64,
}

/// A service among so many subscriptions.
struct Side {
    stand: Stand,
    service: Service,
    costs: Costs,
}

/// Measures; whether the goal was met, where it counts.
pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    ensure!(
        (1..=DUE_MAX).contains(&arguments.due),
        "what comes due is taken at once: 1 to {DUE_MAX}"
    );
    ensure!(
        arguments.rounds > 0 && copies(arguments.smaller) > 0,
        "nothing comes due"
    );
    let mut smaller = Side::begin(&arguments.parts, arguments.smaller).await?;
    let mut larger = Side::begin(&arguments.parts, arguments.larger).await?;
    for round in 0..arguments.all_rounds() {
        for side in [&mut smaller, &mut larger] {
            side.round(arguments, round).await?;
        }
    }
    let (smaller, larger) = (smaller.end().await?, larger.end().await?);
    let ratio = per_mille(
        larger.taking_microseconds_median,
        smaller.taking_microseconds_median,
    );
    let idle = per_mille(
        larger.idle_microseconds_median,
        smaller.idle_microseconds_median,
    );
    let figures = Figures {
        database: arguments.parts.database_kind(),
        due_at_once: arguments.due,
        smaller,
        larger,
        ratio_per_mille: ratio,
        idle_ratio_per_mille: idle,
        goal_per_mille: GOAL,
        met: is_met(ratio),
    };
    output::print_json(&figures);
    Ok(figures.met || !arguments.judge)
}

/// Nothing measured is no proof.
fn is_met(ratio: u64) -> bool {
    (1..=GOAL).contains(&ratio)
}

impl Arguments {
    /// With those that are not counted.
    const fn all_rounds(&self) -> u64 {
        self.rounds.saturating_add(WARM_UP)
    }
}

/// How many subscriptions of each member there are beside the one that it made.
fn copies(subscriptions: u64) -> u64 {
    let each = subscriptions.checked_div(MEMBERS).unwrap_or_default();
    each.saturating_sub(1)
}

impl Side {
    /// A service with so many subscriptions, none of them due.
    async fn begin(parts: &Parts, subscriptions: u64) -> anyhow::Result<Self> {
        let begun = Instant::now();
        let mut stand = Stand::build(parts, SETTINGS, Duration::ZERO).await?;
        let service = stand.start().await?;
        members::offer(&stand).await?;
        members::join_paying(&stand, &service, usize::try_from(MEMBERS)?).await?;
        stand.kill().await?;
        let target = stand.target();
        // Nobody is to be busy with telling of a million of them.
        past::multiply(&target, copies(subscriptions).saturating_add(1), false).await?;
        past::tidy(&target).await?;
        stand.pause_charges().await?;
        let service = stand.start().await?;
        let took = begun.elapsed();
        output::say(&format!("{subscriptions} subscriptions after {took:?}"));
        let costs = Costs {
            subscriptions,
            ..Costs::default()
        };
        Ok(Self {
            stand,
            service,
            costs,
        })
    }

    /// Cycles come due and are taken again and again; what the taking took.
    async fn round(&mut self, arguments: &Arguments, round: u64) -> anyhow::Result<()> {
        let copies = copies(self.costs.subscriptions);
        let numbers = arguments.due.saturating_mul(arguments.all_rounds());
        let ids = (0..arguments.due).map(|one| {
            let number = one.saturating_mul(arguments.all_rounds());
            let copy = spread(number.saturating_add(round), numbers, copies);
            past::copy_id(copy, one.saturating_add(1))
        });
        let (ids, target): (Vec<String>, Target) = (ids.collect(), self.stand.target());
        let before = self.measured().await?;
        fall_due(&target, &ids, past::now()).await?;
        let begun = Instant::now();
        let after = loop {
            sleep(POLL).await;
            let after = self.measured().await?;
            if after.some.0 >= before.some.0.saturating_add(TAKINGS) {
                break after;
            }
            ensure!(
                begun.elapsed() < PATIENCE,
                "not taken\n{}",
                self.stand.tail()
            );
        };
        let later = past::present().checked_add_signed(LATER);
        let later = later.context("no such day")?.timestamp_micros();
        fall_due(&target, &ids, later).await?;
        let taking = mean(before.some, after.some).context("nothing was taken")?;
        let idle = mean(before.none, after.none).unwrap_or_default();
        output::say(&format!(
            "{} subscriptions: {taking} us to take them, {idle} us to find none",
            self.costs.subscriptions
        ));
        if round >= WARM_UP {
            self.costs.taking_microseconds.push(taking);
            self.costs.idle_microseconds.push(idle);
        }
        Ok(())
    }

    async fn measured(&self) -> anyhow::Result<Measured> {
        let of = async |result: &str| {
            let labels = format!("{{result=\"{result}\"}}");
            self.service.timed(TAKEN, &labels).await
        };
        Ok(Measured {
            some: of("some").await?,
            none: of("none").await?,
        })
    }

    async fn end(self) -> anyhow::Result<Costs> {
        self.stand.dismantle().await?;
        let mut costs = self.costs;
        let middle = |all: &[u64]| median(all).unwrap_or_default();
        costs.taking_microseconds_median = middle(&costs.taking_microseconds);
        costs.idle_microseconds_median = middle(&costs.idle_microseconds);
        Ok(costs)
    }
}

/// What a service counted so far: how often it took some or none, and how long that took.
struct Measured {
    some: (u64, Duration),
    none: (u64, Duration),
}

/// Of one between two counts, in microseconds.
fn mean(before: (u64, Duration), after: (u64, Duration)) -> Option<u64> {
    let times = u32::try_from(after.0.saturating_sub(before.0)).ok()?;
    let one = after.1.saturating_sub(before.1).checked_div(times)?;
    u64::try_from(one.as_micros()).ok()
}

/// The copy, from 1, that one of `numbers` falls to, over all of them.
fn spread(number: u64, numbers: u64, copies: u64) -> u64 {
    let place = number.saturating_mul(copies).checked_div(numbers);
    place.unwrap_or_default().saturating_add(1)
}

/// The open cycles of these subscriptions are due then.
async fn fall_due(target: &Target, ids: &[String], micros: i64) -> anyhow::Result<()> {
    let at = past::instant(target, micros);
    let statement = format!(
        "UPDATE cycles SET due_at = {at}, next_at = {at}
         WHERE status = 'WAITING' AND subscription_id IN ('{}')",
        ids.join("', '")
    );
    write(target, &[statement]).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_due_is_spread_over_all() {
        let all: Vec<u64> = (0..720).map(|one| spread(one, 720, 9_999)).collect();
        assert!(all.is_sorted());
        assert_eq!((all[0], all[719]), (1, 9_986));
        assert_eq!(copies(1_000), 9);
    }

    #[test]
    fn a_mean_is_of_what_came_between() {
        let at = |count, milliseconds| (count, Duration::from_millis(milliseconds));
        assert_eq!(mean(at(2, 10), at(4, 14)), Some(2_000));
        assert_eq!(mean(at(2, 10), at(2, 10)), None);
    }

    #[test]
    fn half_as_much_again_is_the_most() {
        assert!(is_met(1_500) && !is_met(1_501));
        assert!(!is_met(0), "nothing was measured");
    }
}
