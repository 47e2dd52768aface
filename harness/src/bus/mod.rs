//! Owns the figures of the bus: what is told after the broker was away, how fast beside a producer
//! that does nothing else, and how late an event is when it is not.

mod approvals;
mod bare;
pub(crate) mod broker;
mod held;
mod late;
pub(crate) mod reading;
mod taken;

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::books::Books;
use crate::effects::{Eaten, eat};
use crate::output;
use crate::random::unique_name;
use crate::service::Service;
use crate::stand::{Parts, Stand};
use crate::stats;
pub(crate) use broker::Broker;
pub(crate) use reading::{Log, Reading};

const AMOUNT: i64 = 4_500;
/// A payment that is prepared and withdrawn.
const EVENTS_EACH: usize = 2;
/// The share of a bare producer's rate that is to be reached, in thousandths.
const RATIO_MIN: u64 = 500;
const LAG_MILLISECONDS_MAX: u64 = 100;
const SETTLES: Duration = Duration::from_secs(5);

/// Measures the way of events to the broker.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    parts: Parts,
    /// The broker's executable.
    #[arg(long)]
    broker: PathBuf,
    /// How many events happen while the broker is away.
    #[arg(long, default_value_t = 2_000)]
    events: usize,
    /// How many clients make them.
    #[arg(long, default_value_t = 16)]
    clients: usize,
    /// How many events happen per second where lateness is measured; 0 leaves it out.
    #[arg(long, default_value_t = 500)]
    events_per_second: u32,
    /// For how long.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Measure approvals beside a broker that is there and one that is away, instead: so many runs
    /// of each, in turn.
    #[arg(long)]
    approvals: Option<usize>,
    /// Instead: have one event commit after all the others, and look that it is told.
    #[arg(long)]
    late: bool,
    /// Instead: have one event be unreadable, and look that its payment alone waits.
    #[arg(long)]
    poison: bool,
    /// Whether the rates count: those of a build that is not optimised say nothing.
    #[arg(long)]
    judge_rates: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Figures {
    events: usize,
    lost: usize,
    inversions: usize,
    came_again: usize,
    consumer: Eaten,
    drained_per_second: Option<u64>,
    bare_per_second: u64,
    ratio_per_mille: Option<u64>,
    goal_per_mille: u64,
    events_besides: usize,
    lag_milliseconds_p99: Option<u64>,
    goal_milliseconds: u64,
    met: bool,
}

/// Measures; whether nothing was lost or turned round, and the goals were met where they count.
pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    if let Some(runs) = arguments.approvals {
        return approvals::run(arguments, runs).await;
    }
    if arguments.late || arguments.poison {
        return held::run(arguments).await;
    }
    let mut broker = Broker::reserve(&arguments.broker)?;
    let address = broker.address();
    let settings = [
        ("KAFKA_BROKERS", address.as_str()),
        ("PAYFLOW_KAFKA__DELIVERY_TIMEOUT", "2s"),
        ("PAYFLOW_FEED__PAUSE_MAX", "1s"),
    ];
    let mut stand = Stand::build(&arguments.parts, &settings, Duration::ZERO).await?;
    let service = stand.start().await?;
    let count = arguments.events.div_ceil(EVENTS_EACH);
    make(&service, count, arguments.clients).await?;
    let events = count.saturating_mul(EVENTS_EACH);
    output::say(&format!("{events} events happened, nobody was told"));
    // The database tidies up behind so many writes, which an outage that ends later does not meet.
    sleep(SETTLES).await;
    broker.start().await?;
    let there = reading::now();
    taken::until(&service, events).await?;
    let mut reading = Reading::begin(&address)?;
    let log = reading.until(events).await?;
    let drained = log.per_second(there);
    let bare = bare::per_second(&address, &log).await?;
    let besides = late::happen(&service, &mut reading, arguments).await?;
    let ratio = drained.map(|drained| stats::per_mille(drained, bare));
    let lag = besides.lag_milliseconds(990);
    let consumer = eat(&address, &Books::totals(&stand.target()).await?).await?;
    for wrong in consumer.wrong() {
        output::say(&wrong);
    }
    let inversions = log.inversions().saturating_add(besides.inversions());
    let whole = log.lost(events) == 0 && inversions == 0 && consumer.wrong().is_empty();
    let quick = ratio.is_some_and(|ratio| ratio >= RATIO_MIN)
        && lag.is_none_or(|lag| lag <= LAG_MILLISECONDS_MAX);
    let met = whole && (quick || !arguments.judge_rates);
    output::print_json(&Figures {
        events,
        lost: log.lost(events),
        inversions,
        came_again: log.came_again().saturating_add(besides.came_again()),
        consumer,
        drained_per_second: drained,
        bare_per_second: bare,
        ratio_per_mille: ratio,
        goal_per_mille: RATIO_MIN,
        events_besides: besides.count(),
        lag_milliseconds_p99: lag,
        goal_milliseconds: LAG_MILLISECONDS_MAX,
        met,
    });
    stand.dismantle().await?;
    Ok(met)
}

/// Payments that are prepared and withdrawn.
async fn make(service: &Service, count: usize, clients: usize) -> anyhow::Result<()> {
    let mut making = JoinSet::new();
    for client in 0..clients {
        let service = service.clone();
        making.spawn(async move {
            for _ in (client..count).step_by(clients.max(1)) {
                one(&service).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(made) = making.join_next().await {
        made??;
    }
    Ok(())
}

/// A payment that is prepared and withdrawn.
pub(crate) async fn one(service: &Service) -> anyhow::Result<()> {
    let name = unique_name();
    let prepared = service.prepare(&format!("bus-{name}"), AMOUNT).await?;
    let key = format!("withdraw-{name}");
    let reply = service.cancel(&prepared.payment, None, &key).await?;
    anyhow::ensure!(reply.status == 200, "withdrawn: {}", reply.body);
    Ok(())
}
