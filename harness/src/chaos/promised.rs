//! Owns approvals that nobody waits for: promised by a copy that has no workers, done by workers
//! that are killed again and again, while the broker that wakes them is away for a third of it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::ensure;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::aftermath::{SETTINGS, SETTLE_PATIENCE, Verdict, reckon};
use super::ends::unapproved;
use super::journal::{Attempt, Journal, Wish};
use super::parts::Part;
use super::rounds::{Counts, Round, Rounds};
use crate::books::Books;
use crate::bus::broker::Broker;
use crate::check;
use crate::random::{Dice, unique_name};
use crate::sandbox::Sandbox;
use crate::service::Service;
use crate::stand::{Instance, Stand};

/// Everything but the work that is promised.
const FRONT: (&str, &str) = ("PAYFLOW_ROLES", "api,scheduler,sequencer,relay,courier");
const WORKER: (&str, &str) = ("PAYFLOW_ROLES", "worker");
const WORKERS: usize = 2;
/// A worker is killed after so long; some of it is its start.
const ALIVE_MIN_MS: u64 = 700;
const ALIVE_MAX_MS: u64 = 2500;
/// So many of a hundred kills take all workers.
const ALL_PERCENT: u64 = 30;
/// So long a call takes at least: there is something to be killed in.
const LATENCY: Duration = Duration::from_millis(80);
/// The gateway's ten minutes, at a tenth as every other timing here.
const WINDOW: Duration = Duration::from_mins(1);
const AMOUNT: i64 = 7_700;

/// Has approvals done by workers that are killed, and checks the books.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    rounds: Rounds,
    /// The broker's executable.
    #[arg(long)]
    broker: PathBuf,
    /// How many approvals in each round.
    #[arg(long, default_value_t = 1_000)]
    approvals: u64,
    /// How many of them per second.
    #[arg(long, default_value_t = 20)]
    per_second: u64,
}

/// Plays all rounds; whether nothing was wrong.
pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let round = async |seed| round(arguments, seed).await;
    arguments.rounds.play("async", round).await
}

async fn round(arguments: &Arguments, seed: u64) -> anyhow::Result<Round> {
    ensure!(
        arguments.rounds.database() == "postgres",
        "copies with roles take PostgreSQL"
    );
    let mut broker = Broker::reserve(&arguments.broker)?;
    broker.start().await?;
    let address = broker.address();
    let mut settings = SETTINGS.to_vec();
    settings.extend([
        ("KAFKA_BROKERS", address.as_str()),
        ("PAYFLOW_KAFKA__DELIVERY_TIMEOUT", "20s"),
        ("PAYFLOW_KAFKA__SESSION_TIMEOUT", "1s"),
        ("PAYFLOW_FEED__PAUSE_MAX", "1s"),
    ]);
    let mut stand = Stand::build(&arguments.rounds.parts, &settings, LATENCY).await?;
    stand.launch(&[FRONT])?;
    let service = stand.ready().await?;
    let mut trouble = Trouble {
        broker,
        workers: workers(&stand)?,
        dice: Dice::new(seed, "async"),
        counts: Counts::default(),
    };
    let promised = AtomicU64::new(0);
    let (journal, disturbed) = tokio::join!(
        ask(arguments, (&service, &stand.sandbox), &promised),
        trouble.until(arguments.approvals, &promised, &stand)
    );
    disturbed?;
    let journal = journal?;
    let begun = Instant::now();
    // Before anybody comes back: what was promised is done although nobody asks for it.
    check::settle(&stand.target(), SETTLE_PATIENCE).await?;
    let books = Books::read(&stand.target()).await?;
    let unapproved = unapproved(&books, journal.played());
    let waited = waited(&books);
    let mut counts = trouble.counts;
    counts.add("asked", journal.asked());
    counts.add("approvedAfterMillisecondsMax", waited);
    let mut verdict = reckon(&mut stand, &service, journal, begun).await?;
    verdict.breaches.extend(unapproved);
    judge(&counts, waited, &mut verdict);
    for worker in &mut trouble.workers {
        worker.kill().await?;
    }
    stand.dismantle().await?;
    Ok(Round { counts, verdict })
}

fn workers(stand: &Stand) -> anyhow::Result<Vec<Instance>> {
    let mut workers = Vec::new();
    for number in 0..WORKERS {
        let mut worker = stand.rival_called(&format!("worker-{number}"))?;
        worker.launch(&[WORKER])?;
        workers.push(worker);
    }
    Ok(workers)
}

/// What goes wrong meanwhile.
struct Trouble {
    broker: Broker,
    workers: Vec<Instance>,
    dice: Dice,
    counts: Counts,
}

impl Trouble {
    /// Kills workers until everything was promised, and has the broker away for a third of that.
    async fn until(
        &mut self,
        approvals: u64,
        promised: &AtomicU64,
        stand: &Stand,
    ) -> anyhow::Result<()> {
        let third = approvals.div_ceil(3);
        let (mut left_at, mut is_away) = (None, false);
        loop {
            let now = promised.load(Ordering::Relaxed);
            if left_at.is_none() && now >= third {
                self.broker.kill().await?;
                (left_at, is_away) = (Some(now), true);
            }
            if let Some(left_at) = left_at.filter(|_| is_away)
                && now.saturating_sub(left_at) >= third
            {
                self.counts
                    .add("promisedWithoutBroker", now.saturating_sub(left_at));
                self.broker.start().await?;
                is_away = false;
            }
            if now >= approvals && !is_away {
                return Ok(());
            }
            self.kill(stand).await?;
        }
    }

    /// Kills one worker, or all; others take over what they had begun.
    async fn kill(&mut self, stand: &Stand) -> anyhow::Result<()> {
        let alive = self.dice.between(ALIVE_MIN_MS, ALIVE_MAX_MS);
        sleep(Duration::from_millis(alive)).await;
        let takes_all = self.dice.below(100) < ALL_PERCENT;
        let only = self.dice.below(u64::try_from(WORKERS)?);
        let open = Books::count_open_sagas(&stand.target()).await?;
        self.counts.add("openAtKills", u64::try_from(open)?);
        for (number, worker) in (0..).zip(&mut self.workers) {
            if takes_all || number == only {
                worker.kill().await?;
                self.counts.add("kills", 1);
                worker.launch(&[WORKER])?;
            }
        }
        Ok(())
    }
}

/// Asks for all of them at their rate, and waits for none.
async fn ask(
    arguments: &Arguments,
    at: (&Service, &Sandbox),
    promised: &AtomicU64,
) -> anyhow::Result<Journal> {
    let every = Duration::from_secs(1).checked_div(u32::try_from(arguments.per_second)?);
    let mut ticks = interval(every.unwrap_or(Duration::from_secs(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut clients, mut journal) = (JoinSet::new(), Journal::default());
    for _ in 0..arguments.approvals {
        ticks.tick().await;
        let (service, sandbox) = (at.0.clone(), at.1.clone());
        clients.spawn(async move { one(&service, &sandbox).await });
        while let Some(asked) = clients.try_join_next() {
            journal.merge(asked??);
            promised.fetch_add(1, Ordering::Relaxed);
        }
    }
    while let Some(asked) = clients.join_next().await {
        journal.merge(asked??);
        promised.fetch_add(1, Ordering::Relaxed);
    }
    Ok(journal)
}

/// One approval, promised.
async fn one(service: &Service, sandbox: &Sandbox) -> anyhow::Result<Journal> {
    let order = format!("async-{}", unique_name());
    let authenticated = sandbox.authenticated(service, &order, AMOUNT).await?;
    let mut journal = Journal::default();
    journal.cast(&authenticated.prepared.payment, Part::Plain);
    let attempt = Attempt::at(Wish::Approve {
        authenticated,
        amount: AMOUNT,
    });
    journal.intend(attempt.clone());
    match attempt.leave(service).await {
        Some(reply) if reply.status == 202 => {}
        Some(reply) => journal.surprise("an approval that nobody waits for", &reply),
        None => journal
            .surprises
            .push("an approval that nobody waits for was not answered".to_owned()),
    }
    Ok(journal)
}

/// The longest time from a promise to its approval, in milliseconds.
fn waited(books: &Books) -> u64 {
    let at = |kind: &str| -> BTreeMap<&str, i64> {
        let events = books.events.iter().filter(|event| event.kind == kind);
        events
            .map(|event| (event.payment.as_str(), event.at))
            .collect()
    };
    let (asked, approved) = (at("payment.approval_requested"), at("payment.approved"));
    let waited = approved.iter().filter_map(|(payment, at)| {
        let microseconds = at.saturating_sub(*asked.get(payment)?);
        u64::try_from(microseconds / 1000).ok()
    });
    waited.max().unwrap_or(0)
}

/// What was promised is done in time; and something was in the way.
fn judge(counts: &Counts, waited: u64, verdict: &mut Verdict) {
    if u128::from(waited) >= WINDOW.as_millis() {
        verdict
            .breaches
            .push(format!("an approval took {waited} ms, beyond the window"));
    }
    for name in ["kills", "openAtKills", "promisedWithoutBroker"] {
        if counts.of(name) == 0 {
            verdict
                .breaches
                .push(format!("no {name}: nothing was proven"));
        }
    }
}
