//! Owns the `harness` program: check, load, chaos, starve, lean, slow, degrade, bus, webhooks,
//! hooks, billing, downtime, picking, overload and retries, one subcommand each.

mod books;
mod bus;
mod chaos;
mod check;
mod database;
mod degrade;
mod effects;
mod hooks;
mod http;
mod lean;
mod load;
mod output;
mod overload;
mod process;
mod proxy;
mod random;
mod retries;
mod sandbox;
mod server;
mod service;
mod slow;
mod stalls;
mod stand;
mod starve;
mod stats;
mod usage;
mod webhooks;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

/// Programs that load, kill and check a running Payflow from outside.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Compares the books with the sandbox's ledger.
    Check(check::Arguments),
    /// Loads a service and prints figures.
    Load(load::Arguments),
    /// Breaks things on purpose.
    #[command(subcommand)]
    Chaos(Chaos),
    /// Measures health and reads while many approvals wait for the gateway.
    Starve(starve::Arguments),
    /// Measures how soon a service listens, and the memory that it holds idle and loaded.
    Lean(lean::Arguments),
    /// Measures honest requests while thousands of clients are slow on purpose.
    Slow(slow::Arguments),
    /// Takes things away from a service under load, and counts what its callers are told.
    Degrade(degrade::Arguments),
    /// Measures the way of events to a broker that was away.
    Bus(bus::Arguments),
    /// Has an effect of every event that the broker was told: what `bus` and `chaos` start.
    #[command(hide = true)]
    Consume(effects::consumer::Arguments),
    /// Measures how fast webhooks leave the queue, and that none is lost.
    Webhooks(webhooks::Arguments),
    /// Charges due cycles with several copies, kills them, and checks that each was captured once.
    Billing(chaos::billing::Arguments),
    /// Has nobody charge for days or months, again and again, and checks each catch-up.
    Downtime(chaos::billing::downtime::Arguments),
    /// Measures what taking due cycles costs among few subscriptions, and among many.
    Picking(chaos::billing::picking::Arguments),
    /// Tells what a gateway tells, and lies: nothing moves by them, each truth moves once.
    Hooks(hooks::Arguments),
    /// Has more approvals arrive than can be done, and measures what becomes of them.
    Overload(overload::Arguments),
    /// Counts the calls that a gateway in trouble gets for each payment.
    Retries(retries::Arguments),
}

#[derive(Debug, Subcommand)]
enum Chaos {
    /// Kills the service at each crash point and checks the books.
    Crash(chaos::crash::Arguments),
    /// Kills the service at random under load, also while it recovers, and checks the books.
    Kill(chaos::kill::Arguments),
    /// Freezes the service past its leases while another takes over, and checks the books.
    Freeze(chaos::freeze::Arguments),
    /// Loses the answers of COMMITs under load, on PostgreSQL, and checks the books.
    Commit(chaos::commit::Arguments),
    /// Kills the database server with all its processes under load, and checks the books.
    Server(chaos::server::Arguments),
    /// Breaks connections to gateway and database under load, and checks the books.
    Wires(chaos::wires::Arguments),
    /// Kills those who tell of events, at each of their crash points, and checks what was told.
    Roles(chaos::roles::points::Arguments),
    /// Runs copies of every role, kills one every few seconds, and checks books and telling.
    Copies(chaos::roles::copies::Arguments),
    /// A rolling update: every copy is replaced under load, and clients notice nothing.
    Rolling(chaos::roles::rolling::Arguments),
    /// Plays every part without a kill: what the gateway can approve must end approved.
    Parts(chaos::undisturbed::Arguments),
    /// Flushes, kills and freezes the Redis that two copies share, and checks the books.
    Redis(chaos::redis::Arguments),
    /// Sends storms of requests and checks that money moved once.
    Storm(chaos::storm::Arguments),
    /// Kills the service at each crash point of what gateways tell, and checks the books.
    Told(chaos::hooks::Arguments),
    /// Kills the service at each crash point of stored cards, charges and due cycles.
    Charges(chaos::billing::points::Arguments),
    /// Has approvals done by workers that are killed, the broker away, and checks the books.
    Async(chaos::promised::Arguments),
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let cli = Cli::parse();
    stalls::watch();
    let mut terminate = signal(SignalKind::terminate())?;
    // Dropping the work ends every program it started and removes their folders.
    let right = tokio::select! {
        right = work(&cli.command) => right?,
        _ = tokio::signal::ctrl_c() => false,
        _ = terminate.recv() => false,
    };
    Ok(if right {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Whether everything was as it should be.
async fn work(command: &Command) -> anyhow::Result<bool> {
    match command {
        Command::Check(arguments) => check::command(arguments).await,
        Command::Load(arguments) => load::run(arguments).await,
        Command::Chaos(chaos) => broken(chaos).await,
        Command::Starve(arguments) => starve::run(arguments).await,
        Command::Lean(arguments) => lean::run(arguments).await,
        Command::Slow(arguments) => slow::run(arguments).await,
        Command::Degrade(arguments) => degrade::run(arguments).await,
        Command::Bus(arguments) => bus::run(arguments).await,
        Command::Consume(arguments) => effects::consumer::run(arguments).await,
        Command::Webhooks(arguments) => webhooks::run(arguments).await,
        Command::Hooks(arguments) => hooks::run(arguments).await,
        Command::Billing(arguments) => chaos::billing::run(arguments).await,
        Command::Downtime(arguments) => chaos::billing::downtime::run(arguments).await,
        Command::Picking(arguments) => chaos::billing::picking::run(arguments).await,
        Command::Overload(arguments) => overload::run(arguments).await,
        Command::Retries(arguments) => retries::run(arguments).await,
    }
}

async fn broken(chaos: &Chaos) -> anyhow::Result<bool> {
    match chaos {
        Chaos::Crash(arguments) => chaos::crash::run(arguments).await,
        Chaos::Kill(arguments) => chaos::kill::run(arguments).await,
        Chaos::Freeze(arguments) => chaos::freeze::run(arguments).await,
        Chaos::Commit(arguments) => chaos::commit::run(arguments).await,
        Chaos::Server(arguments) => chaos::server::run(arguments).await,
        Chaos::Wires(arguments) => chaos::wires::run(arguments).await,
        Chaos::Roles(arguments) => chaos::roles::points::run(arguments).await,
        Chaos::Copies(arguments) => chaos::roles::copies::run(arguments).await,
        Chaos::Rolling(arguments) => chaos::roles::rolling::run(arguments).await,
        Chaos::Parts(arguments) => chaos::undisturbed::run(arguments).await,
        Chaos::Redis(arguments) => chaos::redis::run(arguments).await,
        Chaos::Storm(arguments) => chaos::storm::run(arguments).await,
        Chaos::Told(arguments) => chaos::hooks::run(arguments).await,
        Chaos::Charges(arguments) => chaos::billing::points::run(arguments).await,
        Chaos::Async(arguments) => chaos::promised::run(arguments).await,
    }
}
