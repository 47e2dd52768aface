//! Owns how much a gateway in trouble is called: its own arrivals are counted, per payment and per
//! idempotency key.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::check;
use crate::http::Reply;
use crate::load;
use crate::output;
use crate::random::unique_name;
use crate::sandbox::Call;
use crate::service::{Authenticated, Service};
use crate::stand::{Parts, Stand};
use crate::stats::per_mille;

/// So many calls for a thousand payments at most (`R30`).
const CALLS_MAX: u64 = 1_100;
/// How soon after the last client was served, the gateway being back, nothing is unknown any more.
const RESOLVED_MAX: Duration = Duration::from_mins(1);
const SETTLE: Duration = Duration::from_mins(3);
const LATENCY: Duration = Duration::from_millis(20);
/// Who is told to come again does so after this, whatever longer time is named.
const PAUSE_MAX: Duration = Duration::from_millis(500);
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
    /// The most arrivals under one idempotency key.
    under_one_key: usize,
    resolved_milliseconds: Option<u64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Figures {
    what: &'static str,
    database: &'static str,
    counts: Vec<Count>,
    goal_calls_per_mille: u64,
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
    let (mut counts, mut breaches) = (Vec::new(), Vec::new());
    for trouble in Trouble::ALL {
        let count = count(&stand, &service, arguments, trouble, &mut breaches).await?;
        output::say(&format!("{count:?}"));
        judge(&count, &mut breaches);
        counts.push(count);
    }
    let findings = check::run(&stand.target(), &stand.sandbox, SETTLE).await?;
    let found = findings.breaches.iter();
    breaches.extend(found.map(|breach| format!("{} {}", breach.invariant, breach.what)));
    for breach in &breaches {
        output::say(&format!("BREACH {breach}"));
    }
    if !breaches.is_empty() {
        output::say(&stand.tail());
    }
    let figures = Figures {
        what: "retries",
        database: arguments.parts.database_kind(),
        counts,
        goal_calls_per_mille: CALLS_MAX,
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
    breaches: &mut Vec<String>,
) -> anyhow::Result<Count> {
    let stock = load::stock(service, &stand.sandbox, arguments.payments).await?;
    let stock: Vec<Authenticated> = stock.into();
    let before = stand.sandbox.all_calls().await?.len();
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
    let calls: Vec<Call> = stand.sandbox.all_calls().await?;
    let calls = calls.get(before..).context("calls were forgotten")?;
    breaches.extend(unasked(calls).into_iter().take(SHOWN));
    let questions = calls.iter().filter(|call| call.is_question()).count();
    let approved = calls.iter().filter(|call| call.effect).count();
    let whole = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    Ok(Count {
        trouble,
        approved,
        calls: calls.len(),
        questions,
        calls_per_mille: per_mille(whole(calls.len()), whole(approved)),
        under_one_key: by_key(calls).values().map(Vec::len).max().unwrap_or(0),
        resolved_milliseconds: resolved.and_then(|took| u64::try_from(took.as_millis()).ok()),
    })
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

/// Pays, coming again under the same key as often as it is told to.
async fn pay(service: &Service, wanted: &Authenticated) -> Option<String> {
    let (begun, key) = (Instant::now(), unique_name());
    while begun.elapsed() < PATIENCE {
        let reply = service.approve(wanted, wanted.prepared.amount, &key).await;
        match reply {
            Ok(reply) if matches!(reply.status, 200 | 202) => return None,
            Ok(reply) => match pause(&reply) {
                Some(pause) => sleep(pause).await,
                None => return Some(format!("{}: {}", reply.status, reply.body)),
            },
            Err(error) => return Some(format!("no answer: {error:#}")),
        }
    }
    Some("told to come again for two minutes".to_owned())
}

/// How long whoever is to come again waits.
fn pause(reply: &Reply) -> Option<Duration> {
    let seconds = reply.header("retry-after")?.parse().ok()?;
    let again = matches!(reply.status, 409 | 429 | 503);
    again.then(|| Duration::from_secs(seconds).min(PAUSE_MAX))
}

/// Arrivals that change something, by the key under which they came.
fn by_key(calls: &[Call]) -> BTreeMap<&str, Vec<&Call>> {
    let mut keys: BTreeMap<&str, Vec<&Call>> = BTreeMap::new();
    for call in calls.iter().filter(|call| !call.is_question()) {
        if let Some(key) = &call.idempotency_key {
            keys.entry(key).or_default().push(call);
        }
    }
    keys
}

/// Calls that came again although nobody had asked what became of the one before: a client library
/// sends such. Who was told that it is too early was told what became of it.
fn unasked(calls: &[Call]) -> Vec<String> {
    let mut unasked = Vec::new();
    for (key, arrivals) in by_key(calls) {
        for pair in arrivals.windows(2) {
            let [first, second] = pair else { continue };
            let between = first.sequence..second.sequence;
            let asked = calls.iter().any(|call| {
                call.is_question() && between.contains(&call.sequence) && is_about(call, first)
            });
            if !asked && first.status != Some(429) {
                unasked.push(format!("{key} came twice, and nobody had asked between"));
            }
        }
    }
    unasked
}

fn is_about(question: &Call, call: &Call) -> bool {
    let same = |one: &Option<String>, other: &Option<String>| one.is_some() && one == other;
    same(&question.payment_key, &call.payment_key) || same(&question.order_id, &call.order_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(sequence: u64, operation: &str, status: Option<u16>) -> Call {
        Call {
            sequence,
            operation: operation.to_owned(),
            effect: false,
            payment_key: Some("pay".to_owned()),
            order_id: None,
            idempotency_key: (operation == "confirm").then(|| "key".to_owned()),
            status,
        }
    }

    #[test]
    fn a_call_that_comes_again_by_itself_is_found() {
        let again = [call(1, "confirm", None), call(2, "confirm", Some(200))];
        assert_eq!(unasked(&again).len(), 1);
        let asked = [
            call(1, "confirm", None),
            call(2, "get", Some(404)),
            call(3, "confirm", Some(200)),
        ];
        assert!(unasked(&asked).is_empty());
        let early = [call(1, "confirm", Some(429)), call(2, "confirm", Some(200))];
        assert!(unasked(&early).is_empty());
    }

    #[test]
    fn a_question_about_another_payment_is_none() {
        let mut other = call(2, "get", Some(404));
        other.payment_key = Some("other".to_owned());
        let calls = [call(1, "confirm", None), other, call(3, "confirm", None)];
        assert_eq!(unasked(&calls).len(), 1);
    }
}
