//! Owns the proof of what gateways tell: lies change nothing and cost a budget, the truth is booked
//! once however often and in whatever order it comes, and the answer is quick.

mod courier;
mod lies;
mod truth;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use tokio::time::{Instant, sleep};

use crate::books::Books;
use crate::check;
use crate::output;
use crate::random::{Dice, unique_name};
use crate::service::Service;
use crate::stand::{Parts, Stand};
use crate::stats::tenths_per_second;
use courier::Sent;
use lies::Liar;

pub(crate) use courier::Courier;
pub(crate) use truth::{Told, told};

const AMOUNT: i64 = 9_000;
/// What others give back at once, at the gateway's console.
pub(crate) const PART: i64 = 1_000;
/// How often each true notification comes.
const TIMES: usize = 7;
const QUESTIONS_PER_MINUTE: u64 = 60;
const GOAL_MILLISECONDS: u64 = 50;
/// How long lies are looked at before it is judged what they did.
const LOOKS: Duration = Duration::from_secs(5);
/// How long the truth may take; its questions wait for their budget.
const PATIENCE: Duration = Duration::from_mins(3);
const POLL: Duration = Duration::from_millis(200);
/// How the service is told.
pub(crate) const SETTINGS: &[(&str, &str)] = &[
    // It would find everything by itself.
    ("PAYFLOW_TIMINGS__WATCH_EVERY", "0s"),
    ("PAYFLOW_INBOX__QUESTIONS_PER_MINUTE", "60"),
    ("PAYFLOW_INBOX__ACCOUNT_PER_SECOND", "0"),
    ("PAYFLOW_LIMITS__MERCHANT_PER_SECOND", "0"),
];

/// Tells a service lies and truths as its gateway would.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    parts: Parts,
    /// How many forged, altered or repeated notifications come.
    #[arg(long, default_value_t = 10_000)]
    lies: usize,
    /// How many payments they are about.
    #[arg(long, default_value_t = 20)]
    payments: usize,
    /// How many clients tell at once.
    #[arg(long, default_value_t = 8)]
    clients: usize,
    /// What the choices are drawn from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Whether the time of the answers counts: that of a build that is not optimised says nothing.
    #[arg(long)]
    judge_rates: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Figures {
    database: &'static str,
    lies: usize,
    effects: usize,
    questions: u64,
    questions_allowed: u64,
    truths: usize,
    times_each: usize,
    refused: usize,
    verified: u64,
    answers_per_second_tenths: u64,
    answer_microseconds_p50: Option<u64>,
    answer_microseconds_p99: Option<u64>,
    goal_milliseconds: u64,
    breaches: Vec<String>,
    met: bool,
}

/// What a lie must not change.
#[derive(Debug, PartialEq, Eq)]
struct Effects {
    entries: usize,
    events: usize,
    payments: BTreeMap<String, (String, i64, i64)>,
}

impl Effects {
    async fn read(stand: &Stand) -> anyhow::Result<Self> {
        let books = Books::read(&stand.target()).await?;
        let of = |payment: &crate::books::Payment| {
            (payment.status.clone(), payment.captured, payment.canceled)
        };
        let payments = books.payments.iter();
        Ok(Self {
            entries: books.entries.len(),
            events: books.events.len(),
            payments: payments.map(|(id, one)| (id.clone(), of(one))).collect(),
        })
    }

    /// In how many places it differs.
    fn differences(&self, other: &Self) -> usize {
        let moved = self.payments.iter();
        let moved = moved.filter(|(id, one)| other.payments.get(*id) != Some(*one));
        self.entries
            .abs_diff(other.entries)
            .saturating_add(self.events.abs_diff(other.events))
            .saturating_add(moved.count())
    }
}

/// Tells, and judges what came of it.
pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let mut stand = Stand::build(&arguments.parts, SETTINGS, Duration::ZERO).await?;
    // Nobody listens there: what the gateway tells is taken from its records, and told by us.
    stand.sandbox.tell_nobody().await?;
    let service = stand.start().await?;
    let key = truth::security_key();
    stand.keep_security_key(&key).await?;
    let mut dice = Dice::new(arguments.seed, "hooks");
    let keys = paid(&stand, &service, arguments.payments).await?;
    let known = told(&stand.sandbox, TIMES, &key).await?;
    let courier = Courier::new(service.hook_url(), arguments.clients)?;

    let before = Effects::read(&stand).await?;
    let (asked, begun) = (stand.sandbox.questions().await?, Instant::now());
    let mut liar = Liar::new(&known, dice);
    let forgeries = liar.lies(arguments.lies);
    output::say(&format!("{} lies are told", forgeries.len()));
    let lied = courier.tell(forgeries).await?;
    let lied_for = begun.elapsed();
    sleep(LOOKS).await;
    let questions = stand.sandbox.questions().await?.saturating_sub(asked);
    let allowed = allowance(begun.elapsed());
    let effects = before.differences(&Effects::read(&stand).await?);
    let verified_lies = service.metric(VERIFIED).await?;

    // From here on as many questions as there are truths: what a budget costs was seen above.
    let budget = questions_for(keys.len()).to_string();
    stand.kill().await?;
    stand.launch(&[("PAYFLOW_INBOX__QUESTIONS_PER_MINUTE", &budget)])?;
    let service = stand.ready().await?;
    let courier = Courier::new(service.hook_url(), arguments.clients)?;
    dice = Dice::new(arguments.seed, "truths");
    for key in &keys {
        stand.sandbox.cancel_by_merchant(key, PART).await?;
    }
    stand.sandbox.tell_of_a_payout().await?;
    let all = told(&stand.sandbox, TIMES, &key).await?;
    let truths = all.len().checked_div(TIMES).unwrap_or_default();
    output::say(&format!("{truths} truths are told {TIMES} times"));
    let sent = courier.tell(Told::shuffled(all, &mut dice)).await?;
    booked(&stand, keys.len()).await?;
    let verified = (verified_lies, service.metric(VERIFIED).await?);
    let breaches = breaches(&stand, keys.len(), verified).await?;
    let rate = tenths_per_second(lied.answers.count(), lied_for);
    let figures = judged(arguments, &lied, &sent, (effects, questions, allowed));
    let figures = Figures {
        truths,
        verified: verified.1,
        answers_per_second_tenths: rate,
        met: figures.met && breaches.is_empty(),
        breaches,
        ..figures
    };
    output::print_json(&figures);
    stand.dismantle().await?;
    Ok(figures.met)
}

/// What does not hold once every truth was told: two movements of each payment, and the one signed
/// notification verified, which is no lie.
async fn breaches(
    stand: &Stand,
    payments: usize,
    verified: (u64, u64),
) -> anyhow::Result<Vec<String>> {
    let findings = check::run(&stand.target(), &stand.sandbox, PATIENCE).await?;
    let mut breaches: Vec<String> = findings.sayings().collect();
    let entries = Effects::read(stand).await?.entries;
    let wanted = payments.saturating_mul(2);
    if entries != wanted {
        breaches.push(format!("{entries} movements are booked, not {wanted}"));
    }
    if verified != (0, 1) {
        let (lies, all) = verified;
        breaches.push(format!("verified: {lies} lies, {all} in all"));
    }
    Ok(breaches)
}

const VERIFIED: &str = "payflow_inbox_sorted_total{verdict=\"verified\"}";

fn judged(
    arguments: &Arguments,
    lied: &Sent,
    sent: &Sent,
    (effects, questions, allowed): (usize, u64, u64),
) -> Figures {
    let p99 = lied.answers.percentile(990);
    let quick = p99.is_some_and(|p99| p99 <= GOAL_MILLISECONDS.saturating_mul(1_000));
    let refused = lied.unanswered.len().saturating_add(sent.unanswered.len());
    Figures {
        database: arguments.parts.database_kind(),
        lies: arguments.lies,
        effects,
        questions,
        questions_allowed: allowed,
        truths: 0,
        times_each: TIMES,
        refused,
        verified: 0,
        answers_per_second_tenths: 0,
        answer_microseconds_p50: lied.answers.percentile(500),
        answer_microseconds_p99: p99,
        goal_milliseconds: GOAL_MILLISECONDS,
        breaches: Vec::new(),
        met: effects == 0
            && questions <= allowed
            && refused == 0
            && (quick || !arguments.judge_rates),
    }
}

/// What the budget holds, and what flows in meanwhile.
fn allowance(elapsed: Duration) -> u64 {
    let flown = elapsed.as_secs().saturating_mul(QUESTIONS_PER_MINUTE);
    let flown = flown.checked_div(60).unwrap_or_default();
    QUESTIONS_PER_MINUTE.saturating_add(flown).saturating_add(1)
}

/// A minute's budget in which all that is true about so many payments can be asked about, however
/// often each is told.
fn questions_for(payments: usize) -> u64 {
    let each = payments.saturating_mul(TIMES);
    u64::try_from(each).map_or(u64::MAX, |each| each.max(QUESTIONS_PER_MINUTE))
}

/// Payments that were approved; their payment keys.
pub(crate) async fn paid(
    stand: &Stand,
    service: &Service,
    count: usize,
) -> anyhow::Result<Vec<String>> {
    let mut keys = Vec::with_capacity(count);
    for _ in 0..count {
        let name = unique_name();
        let order = format!("told-{name}");
        let sandbox = &stand.sandbox;
        let authenticated = sandbox.authenticated(service, &order, AMOUNT).await?;
        let reply = service.approve(&authenticated, AMOUNT, &name).await?;
        anyhow::ensure!(reply.status == 200, "approve answered {}", reply.body);
        keys.push(authenticated.payment_key);
    }
    Ok(keys)
}

/// Until every payment shows what was given back.
pub(crate) async fn booked(stand: &Stand, payments: usize) -> anyhow::Result<()> {
    let begun = Instant::now();
    loop {
        let books = Books::read(&stand.target()).await?;
        let given = books.payments.values().filter(|one| one.canceled == PART);
        let given = given.count();
        if given == payments {
            return Ok(());
        }
        anyhow::ensure!(
            begun.elapsed() < PATIENCE,
            "only {given} of {payments} payments show what was given back\n{}",
            stand.tail()
        );
        sleep(POLL).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_grows_with_time() {
        assert_eq!(allowance(Duration::ZERO), 61);
        assert_eq!(allowance(Duration::from_secs(90)), 151);
    }

    #[test]
    fn whatever_moves_is_a_difference() {
        let payment = ("DONE".to_owned(), 9, 0);
        let effects = |entries, status: &str| Effects {
            entries,
            events: 3,
            payments: BTreeMap::from([("p".to_owned(), (status.to_owned(), 9, 0))]),
        };
        let before = effects(1, &payment.0);
        assert_eq!(before.differences(&effects(1, "DONE")), 0);
        assert_eq!(before.differences(&effects(2, "CANCELED")), 2);
    }
}
