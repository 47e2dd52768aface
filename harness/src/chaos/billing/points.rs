//! Owns kills at the crash points of stored cards, of charges and of due cycles: at each of them
//! the service dies while members register, are charged on demand and come due; everybody comes
//! back, and everything was charged once.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::BILLING;
use super::copies::drained_within;
use super::members::{self, Member};
use super::past::{self, Span};
use crate::chaos::aftermath::{SETTINGS, Verdict, milliseconds};
use crate::chaos::crash::is_death;
use crate::chaos::rounds::{Counts, Round, Rounds};
use crate::check;
use crate::output;
use crate::random::{Dice, unique_name};
use crate::sandbox::Sandbox;
use crate::service::Service;
use crate::stand::Stand;

/// How many members come due at each point; as many pay on demand, and register another card.
const MEMBERS: usize = 3;
const AMOUNT: i64 = 5_000;
const LIST_PATIENCE: Duration = Duration::from_secs(10);
/// How long the service may take to come to its point.
const REACH_PATIENCE: Duration = Duration::from_secs(20);
/// How long a client comes back for.
const PATIENCE: Duration = Duration::from_mins(2);
const POLL: Duration = Duration::from_millis(200);
const HIT_MAX: u64 = 2;

/// Kills the service at each crash point of stored cards, charges and due cycles.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    rounds: Rounds,
    /// `all`, how many of them, spread over all, or names separated by commas.
    #[arg(long, default_value = "all")]
    points: String,
}

/// Plays all rounds; whether nothing was wrong.
pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let points = points(arguments).await?;
    let round = async |seed| round(arguments, &points, seed).await;
    arguments.rounds.play("charges", round).await
}

/// What a client wants, and asks for again until it has it.
#[derive(Clone, Debug)]
enum Wish {
    /// That a payment is charged with the member's card, under this idempotency key.
    Charge { payment: String, key: String },
    /// That the card of this registration is kept.
    Card {
        billing_key: String,
        customer: String,
        auth_key: String,
    },
}

async fn round(arguments: &Arguments, points: &[String], seed: u64) -> anyhow::Result<Round> {
    let settings = [SETTINGS, BILLING].concat();
    let mut stand = Stand::build(&arguments.rounds.parts, &settings, Duration::ZERO).await?;
    let service = stand.start().await?;
    members::offer(&stand).await?;
    let members = members::join(&stand, &service, MEMBERS).await?;
    let mut dice = Dice::new(seed, "charges");
    let (mut counts, mut verdict) = (Counts::default(), Verdict::default());
    let begun = Instant::now();
    for point in points {
        let reached = die_at(&mut stand, (point, &members), &mut dice, &mut counts).await;
        match reached {
            Ok(true) => {}
            Ok(false) => verdict.breaches.push(format!("{point} was not reached")),
            Err(error) => verdict.breaches.push(format!("{point}: {error:#}")),
        }
        if verdict.breaches.len() > points.len() {
            break;
        }
    }
    verdict.settled_milliseconds = Some(milliseconds(begun.elapsed()));
    let target = stand.target();
    let findings = check::run(&target, &stand.sandbox, REACH_PATIENCE).await?;
    verdict.unexplained = findings.unexplained;
    counts.add("cycles paid", u64::try_from(findings.cycles_paid)?);
    counts.add("payments", u64::try_from(findings.payments)?);
    let months = points.len().saturating_mul(MEMBERS);
    if findings.cycles_paid != months {
        let what = format!("{} cycles are paid of {months}", findings.cycles_paid);
        verdict.breaches.push(what);
    }
    verdict.breaches.extend(findings.sayings());
    stand.dismantle().await?;
    Ok(Round { counts, verdict })
}

/// Everybody's next cycle comes due, and everybody wants something, from a service that is to die
/// at a point; then from the one after it, which runs on until all is done. Whether it died there.
async fn die_at(
    stand: &mut Stand,
    (point, members): (&str, &[Member]),
    dice: &mut Dice,
    counts: &mut Counts,
) -> anyhow::Result<bool> {
    stand.kill().await?;
    let service = stand.start().await?;
    let wishes = wishes(&service, &stand.sandbox, members).await?;
    stand.kill().await?;
    past::move_back(&stand.target(), Span::Months(1), None).await?;
    stand.sandbox.heal().await?;
    stand.sandbox.add_faults(&troubles()).await?;
    // What is passed once in a run is passed once.
    let hit = dice.between(1, HIT_MAX);
    output::say(&format!("{point} hit {hit}"));
    stand.launch(&[("PAYFLOW_CRASH_POINT", &format!("{point}:{hit}"))])?;
    let mut clients = JoinSet::new();
    match stand.ready().await {
        Ok(service) => {
            for wish in wishes.clone() {
                let service = service.clone();
                // A request that its patience is over for passes no point of an answer.
                clients.spawn(async move { wish.insist(&service).await });
            }
        }
        // What came due leads it to the point before it listens.
        Err(error) => match stand.process()?.ended()? {
            Some(status) if is_death(status) => {}
            Some(_) | None => return Err(error),
        },
    }
    let ended = stand.process()?.end_within(REACH_PATIENCE).await?;
    let tail = stand.tail();
    clients.shutdown().await;
    stand.kill().await?;
    if let Some(status) = ended {
        ensure!(is_death(status), "it ended with {status}:\n{tail}");
        counts.add("kills", 1);
    }
    stand.sandbox.heal().await?;
    let service = stand.start().await?;
    for wish in wishes {
        wish.insist(&service).await?;
    }
    let drained = drained_within(stand, PATIENCE).await?;
    ensure!(drained, "something is left to do\n{}", stand.tail());
    Ok(ended.is_some())
}

/// Payments that are prepared and cards that are authenticated, one of each for each member.
async fn wishes(
    service: &Service,
    sandbox: &Sandbox,
    members: &[Member],
) -> anyhow::Result<Vec<Wish>> {
    let mut wishes = Vec::new();
    for member in members {
        let body = json!({
            "orderId": format!("order-{}", unique_name()), "orderName": "harness order",
            "amount": AMOUNT, "kind": "BILLING", "customer": { "memberId": member.name },
        });
        let prepared = service.post_json("/api/v1/payments", &body).await?;
        wishes.push(Wish::Charge {
            payment: text(&prepared, "/data/paymentId")?,
            key: unique_name(),
        });
        let (billing_key, customer) = members::register(service, &member.name).await?;
        let auth_key = sandbox.consent(&customer, members::GOOD).await?;
        wishes.push(Wish::Card {
            billing_key,
            customer,
            auth_key,
        });
    }
    Ok(wishes)
}

impl Wish {
    /// Asks once; whether it is done.
    async fn ask(&self, service: &Service) -> anyhow::Result<bool> {
        let (path, body, key) = match self {
            Self::Charge { payment, key } => (
                format!("/api/v1/payments/{payment}/charge"),
                json!({}),
                key.clone(),
            ),
            Self::Card {
                billing_key,
                customer,
                auth_key,
            } => (
                format!("/api/v1/billing-keys/{billing_key}/issue"),
                json!({ "customerKey": customer, "authKey": auth_key }),
                unique_name(),
            ),
        };
        let reply = service.post_keyed(&path, &body, &key).await?;
        let later = matches!(reply.status, 202 | 409 | 429 | 503);
        ensure!(
            later || reply.status == 200,
            "{path} answered {}: {}",
            reply.status,
            reply.body
        );
        Ok(!later)
    }

    /// Asks until it is done.
    async fn insist(&self, service: &Service) -> anyhow::Result<()> {
        let begun = Instant::now();
        while !self.ask(service).await? {
            ensure!(begun.elapsed() < PATIENCE, "never done: {self:?}");
            sleep(POLL).await;
        }
        Ok(())
    }
}

/// The first charges are lost on either way, so that they are asked about, and repeated; so many
/// that not all of them are of those who wait for the answer.
fn troubles() -> Value {
    let times = MEMBERS.saturating_add(1);
    let fault = |fault: Value| json!({ "operation": "charge", "times": times, "fault": fault });
    json!([
        fault(json!({ "type": "dropAfter" })),
        fault(json!({ "type": "dropBefore" })),
        fault(json!({ "type": "dropAfter" })),
    ])
}

fn text(answer: &Value, pointer: &str) -> anyhow::Result<String> {
    let text = answer.pointer(pointer).and_then(Value::as_str);
    let text = text.with_context(|| format!("no {pointer}: {answer}"))?;
    Ok(text.to_owned())
}

/// The points that the executable knows.
async fn points(arguments: &Arguments) -> anyhow::Result<Vec<String>> {
    let mut command = Command::new(&arguments.rounds.parts.service);
    command
        .args(["points", "billing"])
        .env_clear()
        .kill_on_drop(true);
    let listed = timeout(LIST_PATIENCE, command.output()).await??;
    ensure!(listed.status.success(), "no points: {}", listed.status);
    let text = String::from_utf8(listed.stdout)?;
    let all: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    ensure!(!all.is_empty(), "the executable has no crash points");
    chosen(all, &arguments.points)
}

/// Those of `all` that are wanted: so many from the first on with as many between any two, or by
/// their names.
fn chosen(all: Vec<String>, wanted: &str) -> anyhow::Result<Vec<String>> {
    if wanted == "all" {
        return Ok(all);
    }
    if let Ok(count) = wanted.parse::<usize>() {
        let count = count.clamp(1, all.len());
        let step = all.len().checked_div(count).unwrap_or(1);
        return Ok(all.into_iter().step_by(step).take(count).collect());
    }
    let named: Vec<String> = wanted.split(',').map(str::to_owned).collect();
    for name in &named {
        ensure!(all.contains(name), "there is no point {name}");
    }
    Ok(named)
}

#[cfg(test)]
mod tests {
    use super::chosen;

    #[test]
    fn points_are_chosen_by_number_and_by_name() {
        let all: Vec<String> = (0..21).map(|number| format!("p{number}")).collect();
        let of = |wanted: &str| chosen(all.clone(), wanted).unwrap();
        assert_eq!(of("all"), all);
        assert_eq!(of("7"), ["p0", "p3", "p6", "p9", "p12", "p15", "p18"]);
        assert_eq!(of("99"), all);
        assert_eq!(of("0"), ["p0"]);
        assert_eq!(of("p4,p2"), ["p4", "p2"]);
        assert!(chosen(all.clone(), "p4,q").is_err());
    }
}
