//! Owns load: a closed loop of clients, measured apart from its preparation, and its figures.

mod figures;
mod pgbench;
mod rounds;
mod scenarios;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;

use crate::output;
use crate::sandbox::Sandbox;
use crate::service::{Authenticated, DevKeys, Service};
use crate::stand::{Parts, Stand};
use crate::stats;
use figures::{Figures, Round};
use pgbench::Pgbench;
use rounds::Clients;

/// What the clients do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Scenario {
    /// Approve payments that were prepared and authenticated before.
    Approve,
    /// Give all of a payment back, of those that were paid before.
    Cancel,
    /// Ask again for an approval that was given, with its key.
    Replay,
    /// Read one approved payment.
    Read,
    /// Read the list of payments, page by page.
    List,
}

/// Loads a service and prints figures.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// What the clients do.
    #[arg(long, value_enum, default_value = "approve")]
    scenario: Scenario,
    /// How many clients, each with one request at a time.
    #[arg(long, default_value_t = 16)]
    clients: usize,
    /// How long each measured round takes.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// How many rounds; the figures are those of the median round.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// The keys file of a running service.
    #[arg(long, default_value = "data/dev-keys.json")]
    keys: PathBuf,
    /// Where the running service listens, when not where its keys file says.
    #[arg(long)]
    url: Option<String>,
    /// The running service's process id: for processor time and memory.
    #[arg(long)]
    pid: Option<u32>,
    /// Start this executable, and a sandbox, instead of using a running service.
    #[arg(long, requires = "sandbox")]
    spawn: Option<PathBuf>,
    /// The sandbox's executable, for `--spawn`.
    #[arg(long)]
    sandbox: Option<PathBuf>,
    /// For `--spawn`: `sqlite`, or a PostgreSQL server; then each round is followed by one of
    /// pgbench with the same SQL.
    #[arg(long, default_value = "sqlite")]
    database: String,
    /// For `--spawn`: how long the gateway takes for each call.
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
}

/// What is loaded.
struct Subject {
    stand: Option<Stand>,
    service: Service,
    sandbox: Sandbox,
    pid: Option<u32>,
    pgbench: Option<Pgbench>,
}

/// Runs all rounds and prints a table and one line of JSON.
pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let subject = subject(arguments).await?;
    let clients = Clients {
        service: subject.service.clone(),
        sandbox: subject.sandbox.clone(),
        count: arguments.clients,
        pid: subject.pid,
    };
    let length = Duration::from_secs(arguments.seconds);
    let mut measured: Vec<Round> = Vec::new();
    let mut compared: Vec<u64> = Vec::new();
    // The first, short round warms up, and tells how large a stock the others need.
    let warm_up = clients
        .round(arguments.scenario, Duration::from_secs(2), 400)
        .await?;
    let stock = enough(&warm_up, length);
    for number in 1..=arguments.rounds {
        let round = clients.round(arguments.scenario, length, stock).await?;
        output::say(&format!("round {number}: {}", round.line()));
        measured.push(round);
        if let Some(pgbench) = &subject.pgbench {
            let tenths = pgbench.round(number, arguments.clients, length).await?;
            output::say(&format!(
                "round {number}: pgbench {}/s",
                stats::show_tenths(tenths)
            ));
            compared.push(tenths);
        }
    }
    let figures = Figures::of(arguments.scenario, arguments.clients, measured, &compared)
        .context("nothing was measured")?;
    figures.print();
    if let Some(pgbench) = subject.pgbench {
        pgbench.remove().await?;
    }
    if let Some(stand) = subject.stand {
        stand.dismantle().await?;
    }
    Ok(true)
}

/// What approvals came to, in a closed loop.
pub(crate) struct Peak {
    /// Tenths of approvals per second.
    pub(crate) per_second_tenths: u64,
    /// The slowest hundredth, in microseconds.
    pub(crate) p99: u64,
}

/// The most approvals that a closed loop of clients gets.
pub(crate) async fn peak(
    service: &Service,
    sandbox: &Sandbox,
    count: usize,
    length: Duration,
) -> anyhow::Result<Peak> {
    let clients = Clients {
        service: service.clone(),
        sandbox: sandbox.clone(),
        count,
        pid: None,
    };
    let warm_up = clients
        .round(Scenario::Approve, Duration::from_secs(1), 400)
        .await?;
    let stock = enough(&warm_up, length);
    let round = clients.round(Scenario::Approve, length, stock).await?;
    Ok(Peak {
        per_second_tenths: round.tenths_per_second(),
        p99: round.p99().context("nothing was approved")?,
    })
}

/// Payments that only wait for their approval.
pub(crate) async fn stock(
    service: &Service,
    sandbox: &Sandbox,
    count: usize,
) -> anyhow::Result<VecDeque<Authenticated>> {
    let clients = Clients {
        service: service.clone(),
        sandbox: sandbox.clone(),
        count: 1,
        pid: None,
    };
    clients.prepare(count).await
}

/// A stock that a round of `length` will not use up, with a third to spare.
fn enough(warm_up: &Round, length: Duration) -> usize {
    let tenths = warm_up.tenths_per_second();
    let seconds = length.as_secs().saturating_add(1);
    let needed = tenths.saturating_mul(seconds).saturating_mul(4) / 30;
    usize::try_from(needed).unwrap_or(usize::MAX).max(100)
}

async fn subject(arguments: &Arguments) -> anyhow::Result<Subject> {
    let Some(executable) = arguments.spawn.clone() else {
        let mut keys = DevKeys::read(&arguments.keys)?;
        if let Some(url) = &arguments.url {
            keys.payflow_url.clone_from(url);
        }
        return Ok(Subject {
            stand: None,
            service: Service::new(&keys)?,
            sandbox: Sandbox::new(&keys.sandbox_url)?,
            pid: arguments.pid,
            pgbench: None,
        });
    };
    let parts = Parts {
        service: executable,
        sandbox: arguments
            .sandbox
            .clone()
            .context("--spawn needs --sandbox")?,
        database: arguments.database.clone(),
    };
    let latency = Duration::from_millis(arguments.latency_ms);
    let mut stand = Stand::build(&parts, &[], latency).await?;
    let mut service = stand.start().await?;
    let mut pgbench = None;
    let yardstick = match arguments.scenario {
        Scenario::Approve => Some(pgbench::APPROVAL),
        Scenario::Cancel => Some(pgbench::CANCELLATION),
        Scenario::Replay | Scenario::Read | Scenario::List => None,
    };
    if let Some(yardstick) = yardstick.filter(|_| parts.database != "sqlite") {
        // Copied while nobody is connected: migrated, with its merchant, and otherwise empty.
        stand.kill().await?;
        let copy = Pgbench::build(&parts.database, &stand.database, yardstick, latency);
        pgbench = Some(copy.await?);
        service = stand.start().await?;
    }
    let pid = Some(stand.process()?.pid());
    let sandbox = stand.sandbox.clone();
    Ok(Subject {
        stand: Some(stand),
        service,
        sandbox,
        pid,
        pgbench,
    })
}
