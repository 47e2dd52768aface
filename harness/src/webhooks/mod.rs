//! Owns one figure: how fast webhooks leave the durable queue for a receiver that answers at once,
//! each of them once.

mod receiver;

use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::output;
use crate::random::unique_name;
use crate::service::Service;
use crate::stand::{Parts, Stand};
use crate::stats::tenths_per_second;
pub(crate) use receiver::Receiver;

/// Receivers of the harness are on this machine.
pub(crate) const EXEMPT: (&str, &str) = ("PAYFLOW_WEBHOOKS__EXEMPT", r#"["127.0.0.0/8"]"#);
/// Nobody is refused for coming often.
const UNLIMITED: (&str, &str) = ("PAYFLOW_LIMITS__MERCHANT_PER_SECOND", "0");
const BROUGHT: &str = "payflow_webhook_deliveries_total{result=\"delivered\"}";
const GOAL_PER_SECOND: u64 = 500;
/// How many payments are prepared at once.
const AT_ONCE: usize = 16;
const AMOUNT: i64 = 3_100;
/// How long the deliveries may take beyond the goal.
const PATIENCE: Duration = Duration::from_mins(2);

/// Measures how fast webhooks leave.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    parts: Parts,
    /// How many events.
    #[arg(long, default_value_t = 10_000)]
    events: usize,
    /// Whether the rate counts: that of a build that is not optimised says nothing.
    #[arg(long)]
    judge_rates: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Figures {
    database: &'static str,
    events: usize,
    arrived: usize,
    lost: usize,
    repeated: u64,
    milliseconds: u64,
    deliveries_per_second_tenths: u64,
    goal_per_second: u64,
    met: bool,
}

/// Measures; whether the goal was met, with none lost.
pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let mut stand = Stand::build(&arguments.parts, &[EXEMPT, UNLIMITED], Duration::ZERO).await?;
    let service = stand.start().await?;
    let receiver = Receiver::open().await?;
    let path = subscribe(&service, &receiver).await?;
    prepare(&service, arguments.events).await?;
    // They were brought as they happened; now all of them again, as after a receiver's outage.
    arrive(&receiver, arguments.events, PATIENCE).await?;
    noted(&service, arguments.events).await?;
    receiver.forget();
    again(&service, &path).await?;
    arrive(&receiver, arguments.events, PATIENCE).await?;
    let figures = figures(&receiver, arguments);
    output::print_json(&figures);
    stand.dismantle().await?;
    Ok(figures.met)
}

/// Has every event brought to the receiver; the endpoint's path.
pub(crate) async fn subscribe(service: &Service, receiver: &Receiver) -> anyhow::Result<String> {
    let url = format!("http://{}/hooks", receiver.address);
    let wanted = json!({ "url": url });
    let made = service
        .post_json("/api/v1/webhook-endpoints", &wanted)
        .await?;
    let endpoint = made
        .pointer("/data/endpoint/endpointId")
        .and_then(Value::as_str);
    Ok(format!(
        "/api/v1/webhook-endpoints/{}",
        endpoint.context("no endpoint was made")?
    ))
}

async fn prepare(service: &Service, events: usize) -> anyhow::Result<()> {
    let mut workers = JoinSet::new();
    for worker in 0..AT_ONCE {
        let service = service.clone();
        let own = events.saturating_sub(worker).div_ceil(AT_ONCE);
        workers.spawn(async move {
            for _ in 0..own {
                let order = format!("hooks-{}", unique_name());
                service.prepare(&order, AMOUNT).await?;
            }
            anyhow::Ok(())
        });
    }
    workers.join_all().await.into_iter().collect()
}

/// Has everything sent again, page by page.
async fn again(service: &Service, path: &str) -> anyhow::Result<()> {
    let path = format!("{path}/redeliver");
    let mut body = json!({ "takenToo": true });
    loop {
        let page = service.post_json(&path, &body).await?;
        let data = page.get("data").context("no page")?;
        if data.get("more") != Some(&Value::Bool(true)) {
            return Ok(());
        }
        body["after"] = data.get("nextAfter").cloned().unwrap_or_default();
    }
}

/// Until so many different messages have arrived.
async fn arrive(receiver: &Receiver, events: usize, patience: Duration) -> anyhow::Result<()> {
    let begun = Instant::now();
    while receiver.look(|arrived| arrived.messages.len()) < events {
        ensure!(
            begun.elapsed() < patience,
            "only {} of {events} have arrived",
            receiver.look(|arrived| arrived.messages.len())
        );
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// Until the service has noted of so many that they were brought: one whose try is still under way
/// is not sent again beside it.
async fn noted(service: &Service, events: usize) -> anyhow::Result<()> {
    let begun = Instant::now();
    let events = u64::try_from(events)?;
    while service.metric(BROUGHT).await? < events {
        ensure!(begun.elapsed() < PATIENCE, "not all of them are noted");
        sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

fn figures(receiver: &Receiver, arguments: &Arguments) -> Figures {
    receiver.look(|arrived| {
        let took = arrived.first.zip(arrived.last);
        let took = took.map_or(Duration::ZERO, |(first, last)| last.duration_since(first));
        let rate = tenths_per_second(arrived.messages.len(), took);
        let more = arrived
            .messages
            .values()
            .map(|times| times.saturating_sub(1));
        let lost = arguments.events.saturating_sub(arrived.messages.len());
        Figures {
            database: arguments.parts.database_kind(),
            events: arguments.events,
            arrived: arrived.messages.len(),
            lost,
            repeated: more.sum(),
            milliseconds: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            deliveries_per_second_tenths: rate,
            goal_per_second: GOAL_PER_SECOND,
            met: lost == 0
                && (rate >= GOAL_PER_SECOND.saturating_mul(10) || !arguments.judge_rates),
        }
    })
}
