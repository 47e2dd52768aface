//! Owns what an outage of the broker costs approvals: runs with it and without it, in turn.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde::Serialize;
use tokio::time::{Instant, sleep};

use super::{Arguments, Broker};
use crate::books::Books;
use crate::load;
use crate::output;
use crate::stand::Stand;
use crate::stats;

/// How much slower the slowest hundredth may be, in thousandths.
const RATIO_MAX: u64 = 1_250;
/// How long the relay may take to catch up before the next run.
const PATIENCE: Duration = Duration::from_mins(2);
const POLL: Duration = Duration::from_millis(100);

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Figures {
    runs: usize,
    clients: usize,
    with_broker_microseconds_p99: Vec<u64>,
    without_broker_microseconds_p99: Vec<u64>,
    ratio_per_mille_median: u64,
    goal_per_mille: u64,
    met: bool,
}

/// Measures; whether approvals hardly noticed, where that counts.
pub(super) async fn run(arguments: &Arguments, runs: usize) -> anyhow::Result<bool> {
    ensure!(runs > 0, "nothing is to be measured");
    let mut broker = Broker::reserve(&arguments.broker)?;
    broker.start().await?;
    let address = broker.address();
    let settings = [
        ("KAFKA_BROKERS", address.as_str()),
        ("PAYFLOW_FEED__PAUSE_MAX", "1s"),
    ];
    let mut stand = Stand::build(&arguments.parts, &settings, Duration::ZERO).await?;
    let service = stand.start().await?;
    let length = Duration::from_secs(arguments.seconds);
    let approvals = async || {
        let clients = arguments.clients;
        let peak = load::peak(&service, &stand.sandbox, clients, length).await?;
        anyhow::Ok(peak.p99)
    };
    // The first one warms up.
    approvals().await?;
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        caught_up(&stand).await?;
        with.push(approvals().await?);
        broker.kill().await?;
        without.push(approvals().await?);
        broker.start().await?;
    }
    let pairs = with.iter().zip(&without);
    let mut ratios: Vec<u64> = pairs
        .map(|(with, without)| stats::per_mille(*without, *with))
        .collect();
    ratios.sort_unstable();
    let ratio = *ratios.get(runs / 2).context("a median")?;
    let met = ratio <= RATIO_MAX || !arguments.judge_rates;
    output::print_json(&Figures {
        runs,
        clients: arguments.clients,
        with_broker_microseconds_p99: with,
        without_broker_microseconds_p99: without,
        ratio_per_mille_median: ratio,
        goal_per_mille: RATIO_MAX,
        met,
    });
    stand.dismantle().await?;
    Ok(met)
}

/// Until everything is told: what an outage left must not slow the run beside which it is held.
async fn caught_up(stand: &Stand) -> anyhow::Result<()> {
    let begun = Instant::now();
    while Books::untold(&stand.target()).await?.events > 0 {
        ensure!(begun.elapsed() < PATIENCE, "the relay does not catch up");
        sleep(POLL).await;
    }
    Ok(())
}
