//! Owns how much a gateway in trouble is called: its own arrivals are counted, per payment and per
//! idempotency key.

mod arrivals;

use std::time::Duration;

use anyhow::ensure;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::check;
use crate::http::{Reply, insist};
use crate::load;
use crate::output;
use crate::random::unique_name;
use crate::sandbox::Call;
use crate::service::{Authenticated, Service};
use crate::stand::{Parts, Stand};
use crate::stats::per_mille;
use arrivals::{by_key, met, unasked, without_key};

/// So many calls for a thousand payments at most (`R30`).
const CALLS_MAX: u64 = 1_100;
/// How soon after the last client was served, the gateway being back, nothing is unknown any more.
const RESOLVED_MAX: Duration = Duration::from_mins(1);
const SETTLE: Duration = Duration::from_mins(3);
const LATENCY: Duration = Duration::from_millis(20);
/// So many arrivals under one key at most: a call, and repeats of which each follows a question
/// that was answered.
const UNDER_ONE_KEY_MAX: usize = 4;
/// Nobody insists for longer.
const PATIENCE: Duration = Duration::from_mins(2);
const SHOWN: usize = 5;

/// Counts what a gateway in trouble gets to do.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    parts: Parts,
    /// How many payments are approved in each kind of trouble.
    #[arg(long, default_value_t = 400)]
    payments: usize,
    /// How many clients, each with one approval at a time.
    #[arg(long, default_value_t = 8)]
    clients: usize,
    /// How long the gateway is away.
    #[arg(long, default_value_t = 10)]
    away_seconds: u64,
}

/// What troubles the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum Trouble {
    /// About four calls of a hundred: dropped, cut, refused for now.
    Faults,
    /// It is away for a while, and says so.
    Away,
    /// Connections to it are late, reset and cut.
    Wires,
}

impl Trouble {
    const ALL: [Self; 3] = [Self::Faults, Self::Away, Self::Wires];
}

/// What one kind came to.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Count {
    trouble: Trouble,
    approved: usize,
    /// Everything that arrived at the gateway.
    calls: usize,
    questions: usize,
    calls_per_mille: u64,
    /// How many payments met the trouble: more than one call, or one that was not served.
    troubled: usize,
    /// Calls for a thousand of these: what the first figure dilutes.
    calls_per_mille_troubled: u64,
    /// The most calls about one payment.
    about_one_payment: usize,
    /// The most arrivals under one idempotency key.
    under_one_key: usize,
    /// Calls that change something and came under no key: nothing tells them from repeats.
    without_key: usize,
    resolved_milliseconds: Option<u64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Figures {
    what: &'static str,
    database: &'static str,
    counts: Vec<Count>,
    goal_calls_per_mille: u64,
    goal_under_one_key: usize,
    unexplained: u64,
    breaches: Vec<String>,
}

/// Counts; whether nothing was wrong.
pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    ensure!(
        arguments.clients > 0 && arguments.payments > 0,
        "nobody pays"
    );
    let settings = [
        ("PAYFLOW_TIMINGS__DIVIDE_BY", "10"),
        // It asks what nobody else asks.
        ("PAYFLOW_TIMINGS__WATCH_EVERY", "0s"),
    ];
    let mut stand = Stand::build(&arguments.parts, &settings, LATENCY).await?;
    stand.lay_wires(1).await?;
    let service = stand.start().await?;
    let (mut counts, mut breaches, mut mark) = (Vec::new(), Vec::new(), 0);
    for trouble in Trouble::ALL {
        let kept = (&mut mark, &mut breaches);
        let count = count(&stand, &service, arguments, trouble, kept).await?;
        output::say(&format!("{count:?}"));
        judge(&count, &mut breaches);
        counts.push(count);
    }
    let findings = check::run(&stand.target(), &stand.sandbox, SETTLE).await?;
    breaches.extend(findings.sayings());
    if output::breaches(&breaches) {
        output::say(&stand.tail());
    }
    let figures = Figures {
        what: "retries",
        database: arguments.parts.database_kind(),
        counts,
        goal_calls_per_mille: CALLS_MAX,
        goal_under_one_key: UNDER_ONE_KEY_MAX,
        unexplained: findings.unexplained,
        breaches,
    };
    output::print_json(&figures);
    stand.dismantle().await?;
    Ok(figures.breaches.is_empty())
}

fn judge(count: &Count, breaches: &mut Vec<String>) {
    let kind = count.trouble;
    if count.resolved_milliseconds.is_none() {
        breaches.push(format!("{kind:?}: sagas are still open"));
    }
    if count.approved == 0 {
        breaches.push(format!("{kind:?}: nobody paid"));
    }
    if count.calls_per_mille > CALLS_MAX {
        let calls = count.calls_per_mille;
        breaches.push(format!("{kind:?}: {calls} calls for a thousand payments"));
    }
    if count.under_one_key > UNDER_ONE_KEY_MAX {
        let calls = count.under_one_key;
        breaches.push(format!("{kind:?}: {calls} calls came under one key"));
    }
    if count.without_key > 0 {
        let calls = count.without_key;
        breaches.push(format!("{kind:?}: {calls} calls came under no key"));
    }
    // Of those whose connection is cut, some are never heard of at the gateway.
    if count.troubled == 0 && kind != Trouble::Wires {
        breaches.push(format!("{kind:?}: no payment met it: nothing was proven"));
    }
    let late = count.resolved_milliseconds.map(Duration::from_millis);
    if late.is_some_and(|late| late > RESOLVED_MAX) {
        breaches.push(format!("{kind:?}: resolved only after {late:?}"));
    }
}

async fn count(
    stand: &Stand,
    service: &Service,
    arguments: &Arguments,
    trouble: Trouble,
    (mark, breaches): (&mut u64, &mut Vec<String>),
) -> anyhow::Result<Count> {
    let stock = load::stock(service, &stand.sandbox, arguments.payments).await?;
    let stock: Vec<Authenticated> = stock.into();
    *mark = last(&stand.sandbox.calls_after(*mark).await?, *mark);
    begin(stand, trouble).await?;
    let clients = clients(service, stock, arguments.clients);
    if trouble == Trouble::Away {
        sleep(Duration::from_secs(arguments.away_seconds)).await;
        stand.sandbox.heal().await?;
    }
    for served in clients.join_all().await {
        breaches.extend(served.into_iter().take(SHOWN));
    }
    stand.sandbox.heal().await?;
    stand.wires()?.calm();
    let served = Instant::now();
    let tally = stand.wires()?.tallies().gateway;
    if trouble == Trouble::Wires && tally.resets.saturating_add(tally.cuts) < 2 {
        breaches.push(format!("the wires were not in trouble: {tally:?}"));
    }
    let settled = check::settle(&stand.target(), SETTLE).await?;
    let resolved = settled.map(|_| served.elapsed());
    let calls = stand.sandbox.calls_after(*mark).await?;
    *mark = last(&calls, *mark);
    breaches.extend(unasked(&calls).into_iter().take(SHOWN));
    let questions = calls.iter().filter(|call| call.is_question()).count();
    let approved = calls.iter().filter(|call| call.effect).count();
    let whole = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let met = met(&calls);
    Ok(Count {
        trouble,
        approved,
        calls: calls.len(),
        questions,
        calls_per_mille: per_mille(whole(calls.len()), whole(approved)),
        troubled: met.troubled,
        calls_per_mille_troubled: per_mille(whole(met.calls), whole(met.troubled)),
        about_one_payment: met.most,
        under_one_key: by_key(&calls).values().map(Vec::len).max().unwrap_or(0),
        without_key: without_key(&calls),
        resolved_milliseconds: resolved.and_then(|took| u64::try_from(took.as_millis()).ok()),
    })
}

/// The number of the last of these calls; of the one before them where there are none.
fn last(calls: &[Call], before: u64) -> u64 {
    calls.last().map_or(before, |call| call.sequence)
}

async fn begin(stand: &Stand, trouble: Trouble) -> anyhow::Result<()> {
    let order = match trouble {
        Trouble::Faults => json!({ "random": { "seed": 7, "perMille": {
            "dropBefore": 8, "dropAfter": 8, "cutBody": 8, "status": 8, "tooManyRequests": 8,
        } } }),
        Trouble::Away => json!({ "operation": "any", "times": Value::Null, "fault":
            { "type": "status", "status": 503, "when": "before" } }),
        Trouble::Wires => {
            stand.wires()?.trouble();
            stand.wires()?.reset_gateway();
            return Ok(());
        }
    };
    stand.sandbox.add_faults(&order).await
}

/// Each approves its share, one after the other; what they were told that nobody should be.
fn clients(service: &Service, mut stock: Vec<Authenticated>, count: usize) -> JoinSet<Vec<String>> {
    let mut clients = JoinSet::new();
    let each = stock.len().div_ceil(count);
    while !stock.is_empty() {
        let rest = stock.split_off(each.min(stock.len()));
        let (service, share) = (service.clone(), std::mem::replace(&mut stock, rest));
        clients.spawn(async move {
            let mut wrong = Vec::new();
            for wanted in share {
                wrong.extend(pay(&service, &wanted).await);
            }
            wrong
        });
    }
    clients
}

/// Pays, coming again under the same key as often as it is told to; what nobody should be told.
async fn pay(service: &Service, wanted: &Authenticated) -> Option<String> {
    let key = &unique_name();
    let send = || async move {
        let reply = service.approve(wanted, wanted.prepared.amount, key).await;
        reply.ok()
    };
    let stays = |reply: Option<&Reply>| !reply.is_some_and(comes_again);
    let reply = insist(send, stays, PATIENCE).await;
    match reply {
        Some(reply) if matches!(reply.status, 200 | 202) => None,
        Some(reply) if comes_again(&reply) => Some("told to come again for two minutes".to_owned()),
        Some(reply) => Some(format!("{}: {}", reply.status, reply.body)),
        None => Some("no answer".to_owned()),
    }
}

/// Whether somebody is told when to come again, and nothing else.
fn comes_again(reply: &Reply) -> bool {
    matches!(reply.status, 409 | 429 | 503) && reply.header("retry-after").is_some()
}
