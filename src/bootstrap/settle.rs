//! Owns `payflow settle`: what a person found out at the gateway ends a saga that no answer ends;
//! and `payflow acknowledge`: somebody dealt with what the gateway said against that.

use std::io::{IsTerminal as _, Read as _, Write as _};
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use application::events::Bell;
use application::ports::Store;
use application::{App, Desk, KeptSecrets, Parts, Settled, Subject};
use clap::{ArgGroup, Args};
use domain::Timestamp;
use domain::id::{GatewayAccountId, SagaId};
use domain::settlement::{Finding, Proposal, Settlement, Verdict};
use domain::text::{Evidence, OperatorName, TransactionKey};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::shared::Shared;
use super::{bounds, hooks, outside, policy, step_up, timings, vault, webhooks};
use crate::adapters::clock::Wall;
use crate::adapters::gateway::{Registry, card_company};
use crate::adapters::identity::Tokens;
use crate::adapters::ids::Drawn;
use crate::adapters::telemetry::Metrics;
use crate::config::Config;

/// Longer than any evidence.
const INPUT_BYTES_MAX: u64 = 16 * 1024;
const INPUT: &str = "-";

/// Which saga, what became of its money, and how that is known.
#[derive(Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "a flag for each verdict, of which one is given"
)]
#[command(group = ArgGroup::new("verdict").required(true))]
pub(super) struct Found {
    /// sag_…, or pay_… where one saga of the payment is open; see `payflow stuck`.
    #[arg(value_parser = subject)]
    id: Subject,
    /// The money was taken.
    #[arg(long, group = "verdict")]
    captured: bool,
    /// The money was not taken, and will not be.
    #[arg(long, group = "verdict")]
    not_captured: bool,
    /// The money was given back.
    #[arg(long, group = "verdict")]
    given_back: bool,
    /// The money was not given back, and will not be.
    #[arg(long, group = "verdict")]
    not_given_back: bool,
    /// How that is known: where it was looked up, and what was shown. It is read from standard
    /// input, and "-" says so: it may name people, and arguments are seen by everybody.
    #[arg(long, default_value = INPUT, hide_default_value = true)]
    evidence: String,
    /// The gateway's name of the movement: its transaction key, or the card company's refNo.
    #[arg(long, required_if_eq_any = [("captured", "true"), ("given_back", "true")])]
    reference: Option<TransactionKey>,
    /// When it happened there, as 2026-01-31T09:00:00+09:00; now, where it is not known.
    #[arg(long)]
    at: Option<Timestamp>,
    /// Who found it out.
    #[arg(long, env = "USER")]
    by: OperatorName,
}

/// With what the gateway said against it, and what came of that.
#[derive(Args)]
pub(super) struct DealtWith {
    /// sag_…, as `payflow stuck` shows it.
    id: SagaId,
    /// What came of it. It is read from standard input, and "-" says so.
    #[arg(long, default_value = INPUT, hide_default_value = true)]
    why: String,
    /// Who dealt with it.
    #[arg(long, env = "USER")]
    by: OperatorName,
}

/// What is written to standard input, its lines in one.
fn read(option: &str, given: &str) -> anyhow::Result<Evidence> {
    ensure!(
        given == INPUT,
        "--{option}: an argument is seen by everybody on this machine and stays in the shell's \
         history; write it to standard input, with --{option} -"
    );
    let mut input = std::io::stdin();
    if input.is_terminal() {
        writeln!(std::io::stderr(), "{option}, ended by Ctrl-D:")?;
    }
    let mut text = String::new();
    let read = input
        .by_ref()
        .take(INPUT_BYTES_MAX)
        .read_to_string(&mut text);
    read.with_context(|| format!("--{option}: standard input cannot be read"))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let text = lines.collect::<Vec<_>>().join(" ");
    text.parse().with_context(|| format!("--{option}"))
}

fn subject(text: &str) -> Result<Subject, String> {
    let saga = text.parse().map(Subject::Saga);
    let either = saga.or_else(|_| text.parse().map(Subject::Payment));
    either.map_err(|_| "it is neither a sag_… nor a pay_…".to_owned())
}

impl Found {
    fn verdict(&self) -> Verdict {
        if self.captured {
            Verdict::Captured
        } else if self.not_captured {
            Verdict::NotCaptured
        } else if self.given_back {
            Verdict::GivenBack
        } else {
            Verdict::NotGivenBack
        }
    }
}

/// Settles it, and answers with what is kept of it.
///
/// # Errors
/// It is not a person's to decide, or was decided otherwise; the store does not take it.
pub(super) async fn run(config: &Config, found: Found) -> anyhow::Result<String> {
    let verdict = found.verdict();
    if let Some(reference) = &found.reference {
        ensure!(
            Evidence::from_str(reference.as_str()).is_ok(),
            "--reference: card numbers are not accepted here"
        );
    }
    let finding = Finding {
        verdict,
        evidence: read("evidence", &found.evidence)?,
        by: found.by,
        reference: found.reference,
        occurred_at: found.at,
    };
    let store = outside::open(config, false).await?;
    let mute = mute(store.as_ref()).await?;
    let app = app(config, store).await?;
    let desk = Desk {
        mute: &mute,
        alone_minor_max: config.settle.alone_max(),
    };
    let settled = app.settle_by_hand(found.id, &finding, desk).await;
    Ok(told(&settled.context("nothing was written")?))
}

/// Notes that somebody dealt with a contradiction, and answers with what is kept.
///
/// # Errors
/// There is none; the store does not take it.
pub(super) async fn acknowledge(config: &Config, dealt_with: &DealtWith) -> anyhow::Result<String> {
    let why = read("why", &dealt_with.why)?;
    let store = outside::open(config, false).await?;
    let app = app(config, store).await?;
    let done = app.acknowledge(dealt_with.id, &dealt_with.by, &why).await;
    let done = done.context("nothing was written")?;
    let mut told = line(&done.settlement);
    told["again"] = json!(done.again);
    Ok(told.to_string())
}

/// The accounts whose gateways answer no questions.
async fn mute(store: &dyn Store) -> anyhow::Result<Vec<GatewayAccountId>> {
    let accounts = store.every_gateway_account().await?.into_iter();
    let mute = accounts.filter(|account| account.gateway == card_company::NAME);
    Ok(mute.map(|account| account.id).collect())
}

/// The use cases beside the service: they call no gateway, and begin nothing.
async fn app(config: &Config, store: Arc<dyn Store>) -> anyhow::Result<Arc<App>> {
    let metrics = Arc::new(Metrics::new()?);
    let shared = Shared::open(config, &metrics).await?;
    let sealer = Arc::new(vault::open(config, Arc::clone(&store))?);
    let secrets = KeptSecrets::new(Arc::clone(&store), sealer.clone());
    let parts = Parts {
        store,
        gateways: Arc::new(Registry::default()),
        clock: Arc::new(Wall::default()),
        ids: Arc::new(Drawn::default()),
        tally: metrics,
        tokens: Arc::new(Tokens::new(config, Arc::new(Wall::default()))?),
        step_up: step_up(config),
        repeats: Arc::clone(&shared.repeats),
        bell: Arc::new(Bell::default()),
        post: webhooks::post(config, sealer)?,
        intake: hooks::intake(config, Arc::new(secrets), Arc::clone(&shared.limiter)),
        policy: policy(config),
        timings: timings(config),
        bounds: bounds(config),
    };
    Ok(App::new(
        parts,
        TaskTracker::new(),
        CancellationToken::new(),
    ))
}

fn told(settled: &Settled) -> String {
    let (mut told, again) = match settled {
        Settled::Settled { settlement, again } => (line(settlement), again),
        Settled::Proposed { proposal, again } => (proposed(proposal), again),
    };
    told["again"] = json!(again);
    told.to_string()
}

/// What is kept of a proposal, which a second person has to confirm.
pub(super) fn proposed(proposal: &Proposal) -> Value {
    let finding = &proposal.finding;
    json!({
        "state": "PROPOSED",
        "sagaId": proposal.saga,
        "paymentId": proposal.payment,
        "verdict": finding.verdict,
        "evidence": finding.evidence,
        "by": finding.by,
        "reference": finding.reference.as_ref().map(TransactionKey::as_str),
        "occurredAt": finding.occurred_at.map(|at| at.to_rfc3339()),
        "proposedAt": proposal.proposed_at.to_rfc3339(),
    })
}

/// What is kept of a settlement.
pub(super) fn line(settlement: &Settlement) -> Value {
    let finding = &settlement.finding;
    let contradiction = settlement.contradiction.as_ref();
    let confirmation = settlement.confirmation.as_ref();
    let acknowledgement = settlement.acknowledgement.as_ref();
    json!({
        "state": "SETTLED",
        "sagaId": settlement.saga,
        "paymentId": settlement.payment,
        "verdict": finding.verdict,
        "evidence": finding.evidence,
        "by": finding.by,
        "reference": finding.reference.as_ref().map(TransactionKey::as_str),
        "occurredAt": finding.occurred_at.map(|at| at.to_rfc3339()),
        "settledAt": settlement.settled_at.to_rfc3339(),
        "contradiction": contradiction.map(|it| it.said.as_str()),
        "contradictedAt": contradiction.map(|it| it.at.to_rfc3339()),
        "confirmedBy": confirmation.map(|it| it.by.as_str()),
        "confirmation": confirmation.map(|it| it.evidence.as_str()),
        "acknowledgedBy": acknowledgement.map(|it| it.by.as_str()),
        "acknowledgement": acknowledgement.map(|it| it.why.as_str()),
        "acknowledgedAt": acknowledgement.map(|it| it.at.to_rfc3339()),
    })
}
