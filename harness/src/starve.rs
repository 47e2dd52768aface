//! Owns one figure: reads and health stay quick while every approval waits for a slow gateway.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde::Serialize;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::http::Reply;
use crate::output;
use crate::random::unique_name;
use crate::service::{Authenticated, Service};
use crate::stand::{Parts, Stand};
use crate::stats::Samples;

const POOL_SIZE: &str = "4";
const GATEWAY_DELAY_MS: u64 = 30_000;
/// So that approvals that were sent are waiting at the gateway before anything is measured.
const ARRIVE: Duration = Duration::from_millis(1500);
/// Shorter than the patience, so that every approval is still being waited for.
const MEASURE: Duration = Duration::from_secs(5);
const READERS: usize = 4;
const READER_PAUSE: Duration = Duration::from_millis(5);
const P99_MAX: Duration = Duration::from_millis(200);
const AMOUNT: i64 = 4_500;

/// Measures health and reads while many approvals wait for the gateway.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    parts: Parts,
    /// How many approvals wait.
    #[arg(long, default_value_t = 200)]
    waiting: usize,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Figures {
    pool_size: &'static str,
    gateway_delay_milliseconds: u64,
    approvals_sent: usize,
    approvals_at_gateway: usize,
    live: Spread,
    reads: Spread,
    goal_p99_microseconds: u128,
    met: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Spread {
    count: usize,
    p50_microseconds: u64,
    p99_microseconds: u64,
    max_microseconds: u64,
}

/// Measures; whether the goal was met.
pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let settings = [("PAYFLOW_DATABASE__POOL_SIZE", POOL_SIZE)];
    let mut stand = Stand::build(&arguments.parts, &settings, Duration::ZERO).await?;
    let service = stand.start().await?;
    let mut stock = Vec::new();
    for _ in 0..arguments.waiting {
        let order = format!("starve-{}", unique_name());
        stock.push(
            stand
                .sandbox
                .authenticated(&service, &order, AMOUNT)
                .await?,
        );
    }
    let payment = stock
        .first()
        .context("nothing waits")?
        .prepared
        .payment
        .clone();
    let delay = json!({ "type": "delay", "milliseconds": GATEWAY_DELAY_MS });
    let rule = json!({ "operation": "confirm", "times": null, "fault": delay });
    stand.sandbox.add_faults(&rule).await?;

    let approvals = send(&service, &stock);
    sleep(ARRIVE).await;
    let (live, reads) = measure(&service, &payment).await?;
    let mut at_gateway: usize = 0;
    for wanted in &stock {
        let reply = service.payment(&wanted.prepared.payment).await?;
        at_gateway =
            at_gateway.saturating_add(usize::from(reply.data("status") == Some("IN_PROGRESS")));
    }
    drop(approvals);

    let quick = |samples: &Samples| {
        let p99 = samples.percentile(990).map(Duration::from_micros);
        p99.is_some_and(|p99| p99 <= P99_MAX)
    };
    let met = quick(&live) && quick(&reads) && at_gateway == arguments.waiting;
    output::print_json(&Figures {
        pool_size: POOL_SIZE,
        gateway_delay_milliseconds: GATEWAY_DELAY_MS,
        approvals_sent: arguments.waiting,
        approvals_at_gateway: at_gateway,
        live: spread(&live),
        reads: spread(&reads),
        goal_p99_microseconds: P99_MAX.as_micros(),
        met,
    });
    stand.dismantle().await?;
    Ok(met)
}

/// Sends all approvals at once; dropping the set hangs up on all of them.
fn send(service: &Service, stock: &[Authenticated]) -> JoinSet<reqwest::Result<Reply>> {
    let mut approvals = JoinSet::new();
    for wanted in stock {
        let (service, wanted) = (service.clone(), wanted.clone());
        let key = unique_name();
        approvals.spawn(async move { service.approve(&wanted, AMOUNT, &key).await });
    }
    approvals
}

async fn measure(service: &Service, payment: &str) -> anyhow::Result<(Samples, Samples)> {
    let begun = Instant::now();
    let mut readers = JoinSet::new();
    for _ in 0..READERS {
        let (service, payment) = (service.clone(), payment.to_owned());
        readers.spawn(async move {
            let (mut live, mut reads) = (Samples::default(), Samples::default());
            while begun.elapsed() < MEASURE {
                let reply = service.live().await?;
                ensure!(
                    reply.status == 200,
                    "/health/live answered {}",
                    reply.status
                );
                live.add(reply.took);
                let reply = service.payment(&payment).await?;
                ensure!(reply.status == 200, "a read answered {}", reply.status);
                reads.add(reply.took);
                sleep(READER_PAUSE).await;
            }
            anyhow::Ok((live, reads))
        });
    }
    let (mut live, mut reads) = (Samples::default(), Samples::default());
    for measured in readers.join_all().await {
        let (more_live, more_reads) = measured?;
        live.merge(more_live);
        reads.merge(more_reads);
    }
    Ok((live, reads))
}

fn spread(samples: &Samples) -> Spread {
    Spread {
        count: samples.count(),
        p50_microseconds: samples.percentile(500).unwrap_or(0),
        p99_microseconds: samples.percentile(990).unwrap_or(0),
        max_microseconds: samples.max().unwrap_or(0),
    }
}
