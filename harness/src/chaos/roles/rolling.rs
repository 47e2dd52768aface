//! Owns a rolling update: two copies of every role, each of which in its turn is told to end and
//! comes back as the next version, while clients notice nothing.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::copies::{API, Copy, answering, start};
use super::playing::Playing;
use super::told::drain;
use crate::chaos::aftermath::{milliseconds, reckon};
use crate::chaos::journal::Journal;
use crate::chaos::rounds::{Counts, Round, Rounds};
use crate::random::unique_name;
use crate::sandbox::Sandbox;
use crate::service::Service;

const COPIES: usize = 2;
/// How many clients pay, one payment after the other.
const CLIENTS: usize = 4;
const AMOUNT: i64 = 2_700;
/// What the balancer is given to send nobody any more, as the chart's `preStopSeconds` does.
const UNROUTED: Duration = Duration::from_millis(300);
/// Twice what a service waits for whatever is under way, by a tenth of `timings.drain`.
const DRAIN_MAX: Duration = Duration::from_secs(5);
/// Both versions together, before the next one goes.
const TOGETHER: Duration = Duration::from_millis(500);
/// Everything is told by then; how long it took is a figure.
const TOLD_MAX: Duration = Duration::from_mins(2);
/// So many of the clients' complaints are shown.
const SHOWN: usize = 5;

/// Replaces every copy by the next version, one after the other, under load.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    rounds: Rounds,
    /// The broker's executable.
    #[arg(long)]
    broker: PathBuf,
    /// The next version's executable; the same one without.
    #[arg(long)]
    next: Option<PathBuf>,
}

/// What clients saw.
#[derive(Default)]
struct Seen {
    paid: u64,
    /// Whatever was no answer, or another one than to a request that is well.
    wrong: Vec<String>,
}

/// Plays all rounds; whether nothing was wrong.
pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let round = async |_| round(arguments).await;
    arguments.rounds.play("rolling", round).await
}

async fn round(arguments: &Arguments) -> anyhow::Result<Round> {
    let mut playing = Playing::begin(&arguments.rounds.parts, &arguments.broker).await?;
    let mut copies = start(&playing, COPIES).await?;
    let (routed, told) = watch::channel(services(&copies));
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        clients.spawn(pay(told.clone(), playing.stand.sandbox.clone()));
    }
    let mut counts = Counts::default();
    let mut breaches = Vec::new();
    for which in 0..copies.len() {
        let slowest = replace(&mut copies, which, &routed, arguments.next.as_ref()).await?;
        counts.add("replaced", 1);
        if slowest > DRAIN_MAX {
            breaches.push(format!("copy {which} took {slowest:?} to end"));
        }
        counts.add("drainMilliseconds", milliseconds(slowest));
        sleep(TOGETHER).await;
    }
    let begun = Instant::now();
    let service = answering(&copies).first().copied().cloned();
    let service = service.context("nobody")?;
    // The clients' end: who has nowhere to go leaves.
    routed.send_replace(Vec::new());
    for seen in clients.join_all().await {
        counts.add("paid", seen.paid);
        counts.add("wrong", u64::try_from(seen.wrong.len()).unwrap_or(u64::MAX));
        breaches.extend(seen.wrong.into_iter().take(SHOWN));
    }
    let target = playing.stand.target();
    let (drained, verdict) = tokio::join!(
        drain(&target, begun),
        reckon(&mut playing.stand, &service, Journal::default(), begun)
    );
    let mut verdict = verdict?;
    playing
        .judge((drained?, TOLD_MAX), &mut counts, &mut verdict)
        .await?;
    verdict.breaches.extend(breaches);
    if counts.of("paid") == 0 {
        verdict.breaches.push("nobody paid".to_owned());
    }
    for copy in &mut copies {
        copy.instance.kill().await?;
    }
    playing.stand.dismantle().await?;
    Ok(Round { counts, verdict })
}

fn services(copies: &[Copy]) -> Vec<Service> {
    answering(copies).into_iter().cloned().collect()
}

/// Ends one copy as whoever updates it does, and starts the next version; how long it took to end.
async fn replace(
    copies: &mut [Copy],
    which: usize,
    routed: &watch::Sender<Vec<Service>>,
    next: Option<&PathBuf>,
) -> anyhow::Result<Duration> {
    let copy = copies.get_mut(which).context("a copy")?;
    let is_api = copy.role == API;
    copy.service = None;
    if is_api {
        routed.send_replace(services(copies));
        sleep(UNROUTED).await;
    }
    let copy = copies.get_mut(which).context("a copy")?;
    let took = copy.instance.end().await?;
    if let Some(next) = next {
        copy.instance.becomes(next.clone());
    }
    copy.service = Some(copy.instance.start().await?);
    if is_api {
        routed.send_replace(services(copies));
    }
    Ok(took)
}

/// Pays one payment after the other, until there is nobody to go to.
async fn pay(told: watch::Receiver<Vec<Service>>, sandbox: Sandbox) -> Seen {
    let mut seen = Seen::default();
    let mut turn: usize = 0;
    while !told.borrow().is_empty() {
        turn = turn.wrapping_add(1);
        match one(&told, turn, &sandbox).await {
            Ok(()) => seen.paid = seen.paid.saturating_add(1),
            Err(error) => seen.wrong.push(format!("a client: {error:#}")),
        }
    }
    seen
}

/// Where the balancer sends a call now; whoever was on the way when all left goes nowhere.
fn balanced(told: &watch::Receiver<Vec<Service>>, turn: usize) -> Option<Service> {
    let services = told.borrow();
    let place = turn.checked_rem(services.len())?;
    services.get(place).cloned()
}

/// Each call goes to another copy than the one before it, where there is one.
async fn one(
    told: &watch::Receiver<Vec<Service>>,
    turn: usize,
    sandbox: &Sandbox,
) -> anyhow::Result<()> {
    let Some(service) = balanced(told, turn) else {
        return Ok(());
    };
    let prepared = service.prepare(&unique_name(), AMOUNT).await?;
    let paid = sandbox.authenticate(&prepared).await?;
    let Some(service) = balanced(told, turn.wrapping_add(1)) else {
        return Ok(());
    };
    let reply = service.approve(&paid, AMOUNT, &unique_name()).await?;
    anyhow::ensure!(
        matches!(reply.status, 200 | 202),
        "approve answered {}: {}",
        reply.status,
        reply.body
    );
    Ok(())
}
