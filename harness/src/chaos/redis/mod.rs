//! Owns the loss of what copies share: a Redis that is flushed every second, killed, and frozen,
//! under requests that come twice at once and again.

mod operation;
pub(crate) mod server;

use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::aftermath::{SETTLE_PATIENCE, Verdict, milliseconds};
use super::rounds::{Counts, Round, Rounds};
use crate::check;
use crate::random::unique_name;
use crate::sandbox::Sandbox;
use crate::service::{Prepared, Service};
use crate::stand::{Instance, Stand};
use operation::{Operation, Seen, Wish};
use server::Server;

const AMOUNT: i64 = 12_000;
/// Long enough that a twin arrives while the first is under way.
const LATENCY: Duration = Duration::from_millis(10);
const FLUSHED_EVERY: Duration = Duration::from_secs(1);
const POLL: Duration = Duration::from_millis(10);

/// Flushes, kills and freezes the Redis that two copies share under load, and checks the books.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    rounds: Rounds,
    /// The executable of Redis.
    #[arg(long)]
    redis: PathBuf,
    /// How many operations happen while it is flushed; half as many while it is killed and frozen.
    #[arg(long, default_value_t = 500)]
    operations: usize,
    /// How many clients there are.
    #[arg(long, default_value_t = 8)]
    clients: usize,
}

/// What everybody in a run needs.
#[derive(Clone)]
struct Scene {
    copies: Arc<Vec<Service>>,
    sandbox: Sandbox,
    done: Arc<AtomicUsize>,
}

/// What clients did, and what they were told.
#[derive(Default)]
struct Work {
    operations: Vec<Operation>,
    seen: Seen,
}

/// Plays all rounds; whether nothing was wrong.
pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    ensure!(
        arguments.rounds.database() == "postgres",
        "only on PostgreSQL there are several copies"
    );
    let round = async |_| Box::pin(round(arguments)).await;
    arguments.rounds.play("redis", round).await
}

async fn round(arguments: &Arguments) -> anyhow::Result<Round> {
    let mut server = Server::begin(&arguments.redis).await?;
    let url = server.url();
    let settings = [("REDIS_URL", url.as_str())];
    let mut stand = Stand::build(&arguments.rounds.parts, &settings, LATENCY).await?;
    let first = stand.start().await?;
    let mut rival = stand.rival()?;
    let second = rival.start().await?;
    let scene = Scene {
        copies: Arc::new(vec![first, second]),
        sandbox: stand.sandbox.clone(),
        done: Arc::default(),
    };
    let mut counts = Counts::default();
    let begun = Instant::now();
    let mut work = scene.flushed(arguments, &server, &mut counts).await?;
    counts.add("flushedMilliseconds", milliseconds(begun.elapsed()));
    let kept = scene.metric("payflow_redis_replays_total").await?;
    counts.add("replaysByRedis", kept);
    work.merge(scene.lost(arguments, &mut server).await?);
    counts.add(
        "failuresOfRedis",
        scene.metric("payflow_redis_failures_total").await?,
    );
    server.thaw()?;
    for operation in &work.operations {
        work.seen.merge(operation.again(&scene.copies).await?);
    }
    let verdict = judged(&stand, &work, &counts).await?;
    counts.add("operations", count(work.operations.len()));
    counts.add("requests", work.seen.requests);
    counts.add("replays", work.seen.replays);
    counts.add("slowestMilliseconds", milliseconds(work.seen.slowest));
    end(stand, rival).await?;
    Ok(Round { counts, verdict })
}

async fn end(stand: Stand, mut rival: Instance) -> anyhow::Result<()> {
    rival.kill().await?;
    stand.dismantle().await
}

/// A run in which Redis was of no use, or never missed, proves nothing.
async fn judged(stand: &Stand, work: &Work, counts: &Counts) -> anyhow::Result<Verdict> {
    let findings = check::run(&stand.target(), &stand.sandbox, SETTLE_PATIENCE).await?;
    let mut breaches = work.seen.breaches.clone();
    breaches.extend(findings.sayings());
    for (name, why) in [
        ("flushes", "it was never flushed"),
        ("replaysByRedis", "no repeat was answered by it"),
        ("failuresOfRedis", "it was never missed"),
    ] {
        if counts.of(name) == 0 {
            breaches.push(format!("{why}: nothing was proven"));
        }
    }
    Ok(Verdict {
        settled_milliseconds: findings.settled.map(milliseconds),
        unexplained: findings.unexplained,
        breaches,
        ..Verdict::default()
    })
}

impl Scene {
    /// Everything is forgotten every second.
    async fn flushed(
        &self,
        arguments: &Arguments,
        server: &Server,
        counts: &mut Counts,
    ) -> anyhow::Result<Work> {
        let flushing = flush_again(server, counts);
        self.work(arguments, arguments.operations, flushing).await
    }

    /// It is killed for a quarter of the operations, is there for another, and then is frozen.
    async fn lost(&self, arguments: &Arguments, server: &mut Server) -> anyhow::Result<Work> {
        let operations = arguments.operations / 2;
        self.work(arguments, operations, self.lose(operations, server))
            .await
    }

    async fn lose(&self, operations: usize, server: &mut Server) -> anyhow::Result<()> {
        let before = self.done();
        let after = |part: usize| before.saturating_add(operations.saturating_mul(part) / 4);
        self.until(after(1)).await;
        server.kill().await?;
        self.until(after(2)).await;
        server.start().await?;
        self.until(after(3)).await;
        server.freeze().await?;
        std::future::pending().await
    }

    fn done(&self) -> usize {
        self.done.load(Ordering::SeqCst)
    }

    async fn until(&self, done: usize) {
        while self.done() < done {
            sleep(POLL).await;
        }
    }

    /// Clients do so many operations while there is trouble, which has no end of its own.
    async fn work(
        &self,
        arguments: &Arguments,
        operations: usize,
        trouble: impl Future<Output = anyhow::Result<()>>,
    ) -> anyhow::Result<Work> {
        let until = self.done().saturating_add(operations);
        let mut clients = JoinSet::new();
        for _ in 0..arguments.clients.max(1) {
            clients.spawn(self.clone().buy(until));
        }
        let working = async {
            let mut work = Work::default();
            while let Some(bought) = clients.join_next().await {
                work.merge(bought??);
            }
            anyhow::Ok(work)
        };
        let mut trouble = pin!(trouble);
        tokio::select! {
            work = working => work,
            ended = &mut trouble => {
                ended?;
                anyhow::bail!("the trouble was over before the work")
            }
        }
    }

    /// Buys, and wants a third of it back, until so many operations are done by everybody.
    async fn buy(self, until: usize) -> anyhow::Result<Work> {
        let mut work = Work::default();
        while self.done() < until {
            let name = unique_name();
            let wish = Wish::Prepare {
                order: format!("redis-{name}"),
                amount: AMOUNT,
            };
            let data = self.operate(wish, format!("p-{name}"), &mut work).await?;
            let text = |field: &str| {
                let text = data.get(field).and_then(|text| text.as_str());
                text.map(str::to_owned).context("not prepared")
            };
            let prepared = Prepared {
                payment: text("paymentId")?,
                gateway_order: text("gatewayOrderId")?,
                amount: AMOUNT,
            };
            let payment = prepared.payment.clone();
            let wish = Wish::Approve(self.sandbox.authenticate(&prepared).await?);
            self.operate(wish, format!("a-{name}"), &mut work).await?;
            let amount = AMOUNT / 3;
            let wish = Wish::Cancel { payment, amount };
            self.operate(wish, format!("c-{name}"), &mut work).await?;
        }
        Ok(work)
    }

    async fn operate(
        &self,
        wish: Wish,
        key: String,
        work: &mut Work,
    ) -> anyhow::Result<serde_json::Value> {
        let (operation, seen) = Operation::done(wish, key, &self.copies).await?;
        let data = operation.told.data.clone();
        self.done.fetch_add(1, Ordering::SeqCst);
        work.operations.push(operation);
        work.seen.merge(seen);
        Ok(data)
    }

    /// What all copies count by this name, under whatever labels.
    async fn metric(&self, name: &str) -> anyhow::Result<u64> {
        let mut sum: u64 = 0;
        for service in self.copies.as_slice() {
            sum = sum.saturating_add(service.metric(name).await?);
        }
        Ok(sum)
    }
}

impl Work {
    fn merge(&mut self, other: Self) {
        self.operations.extend(other.operations);
        self.seen.merge(other.seen);
    }
}

async fn flush_again(server: &Server, counts: &mut Counts) -> anyhow::Result<()> {
    loop {
        sleep(FLUSHED_EVERY).await;
        server.flush().await?;
        counts.add("flushes", 1);
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
