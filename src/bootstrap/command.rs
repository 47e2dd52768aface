//! Owns the command line: `serve`, `migrate`, `merchant`, `api-key`, `gateway-account`,
//! `webhook`, `hook-token`, `security-key`, `inbox`, `plans`, `billing`, `feed`, `stuck`,
//! `settle`, `acknowledge`, `doctor`, `rotate-master-key`, `dead-letters`, `pause`, `unpause`,
//! `switches`, `version`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use application::ports::{Store, Vault};
use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use super::accounts::Accounts;
use super::merchants::{self, DevKeys};
use super::outside::{self, Counterpart};
use super::{
    Outside, Role, Roles, Running, api_keys, billing, bus, credentials, dead_letters, demo, doctor,
    endpoints, feed, handles, inbox, launch, plans, security_keys, settle, stuck, switches,
    tenants, vault,
};
use crate::adapters::clock::Wall;
use crate::adapters::identity::Tokens;
use crate::adapters::ids::Drawn;
use crate::adapters::telemetry::{self, Metrics};
use crate::config::{Config, Gateway};

/// A self-hosted payment service.
#[derive(Parser)]
#[command(name = "payflow", version, about)]
struct Arguments {
    /// A TOML file that overrides the defaults; the environment overrides both.
    #[arg(long, env = "PAYFLOW_CONFIG", global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve payments; what happens without a command, too.
    Serve {
        /// Only this part of it; see docs/operations.md. Several are named with commas, or one by
        /// one. Whatever is not named has to be done by other copies.
        #[arg(
            long = "role",
            value_enum,
            value_delimiter = ',',
            env = "PAYFLOW_ROLES"
        )]
        roles: Vec<Role>,
    },
    /// Bring the database to this version's schema, create the topics where there is a broker, and
    /// end.
    Migrate,
    /// Make merchants, list, suspend and resume them, choose their currencies and zone.
    Merchant {
        #[command(subcommand)]
        action: tenants::Action,
    },
    /// Issue API keys, list, rotate and revoke them.
    ApiKey {
        #[command(subcommand)]
        action: api_keys::Action,
    },
    /// Give merchants accounts at gateways, list, disable and enable them, replace their keys.
    GatewayAccount {
        #[command(subcommand)]
        action: credentials::Action,
    },
    /// Make webhook endpoints, list, change and delete them, see their deliveries, send again.
    Webhook {
        #[command(subcommand)]
        action: endpoints::Action,
    },
    /// Load a merchant's plans from a file, list them.
    Plans {
        #[command(subcommand)]
        action: plans::Action,
    },
    /// See how the cycles of subscriptions stand.
    Billing {
        #[command(subcommand)]
        action: billing::Action,
    },
    /// Make, rotate and revoke the tokens that let gateways' notifications in.
    HookToken {
        #[command(subcommand)]
        action: inbox::TokenAction,
    },
    /// Keep the keys that gateways sign some of what they tell with, rotate and revoke them.
    SecurityKey {
        #[command(subcommand)]
        action: security_keys::Action,
    },
    /// Look at what gateways told, and have it looked at again.
    Inbox {
        #[command(subcommand)]
        action: inbox::Action,
    },
    /// See who is told of events and what could not be told, try it again, end every cursor.
    Feed {
        #[command(subcommand)]
        action: feed::Action,
    },
    /// Wrap every data key with the current master key; see docs/secrets.md.
    RotateMasterKey,
    /// Pause approvals, cancels or charges; what is under way is finished.
    Pause(switches::Named),
    /// Let what was paused go on.
    Unpause(switches::Named),
    /// List what is paused.
    Switches {
        /// Every turn of late instead, newest first.
        #[arg(long)]
        history: bool,
    },
    /// Look at everything that the service needs, as it is configured here, and say what to mend; a
    /// line of JSON for each. Changes nothing. Ends with 1 if something is not well.
    Doctor,
    /// List what is unknown for too long, and what the gateway contradicts: money that a person has
    /// to look for there.
    Stuck(stuck::Listed),
    /// End a saga as a person found out at the gateway, where no answer tells.
    Settle(settle::Found),
    /// Note that what the gateway contradicts was dealt with; it is listed no more.
    Acknowledge(settle::DealtWith),
    /// Look at what came in from the broker and could not be dealt with, and try it again.
    DeadLetters {
        #[command(subcommand)]
        action: dead_letters::Action,
    },
    /// Tell which version this is.
    Version,
}

/// Does what the command line says.
///
/// # Errors
/// The service cannot start, or a command fails.
pub fn run() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if matches!(arguments.command, Some(Command::Version)) {
        return print(&format!("payflow {}", env!("CARGO_PKG_VERSION")));
    }
    if matches!(arguments.command, Some(Command::Doctor)) {
        return examine(arguments.config.as_deref());
    }
    let config = Config::load(arguments.config.as_deref())?;
    telemetry::log(&config.log);
    runtime()?.block_on(async {
        let everything = Command::Serve { roles: Vec::new() };
        match arguments.command.unwrap_or(everything) {
            Command::Serve { roles } => serve(&config, &Roles::named(&roles)).await,
            Command::Migrate => {
                outside::migrated(&config, false).await?;
                bus::create_topics(&config).await
            }
            Command::Merchant { action } => print(&tenants::run(&config, action).await?),
            Command::ApiKey { action } => print(&api_keys::run(&config, action).await?),
            Command::GatewayAccount { action } => print(&credentials::run(&config, action).await?),
            Command::Webhook { action } => print(&endpoints::run(&config, action).await?),
            Command::Plans { action } => print(&plans::run(&config, action).await?),
            Command::Billing { action } => print(&billing::run(&config, action).await?),
            Command::HookToken { action } => print(&inbox::tokens(&config, action).await?),
            Command::SecurityKey { action } => print(&security_keys::run(&config, action).await?),
            Command::Inbox { action } => print(&inbox::run(&config, action).await?),
            Command::Feed { action } => print(&feed::run(&config, action).await?),
            Command::RotateMasterKey => print(&vault::rotate(&config).await?),
            Command::Pause(named) => print(&switches::set(&config, named, true).await?),
            Command::Unpause(named) => print(&switches::set(&config, named, false).await?),
            Command::Switches { history } => print(&switches::list(&config, history).await?),
            Command::Stuck(listed) => print(&stuck::run(&config, &listed).await?),
            Command::Settle(found) => print(&settle::run(&config, found).await?),
            Command::Acknowledge(done) => print(&settle::acknowledge(&config, &done).await?),
            Command::DeadLetters { action } => print(&dead_letters::run(&config, action).await?),
            Command::Doctor | Command::Version => Ok(()),
        }
    })
}

/// With what encrypts, installed.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    runtime.context("cannot start the runtime")
}

/// What is wrong with the settings is a finding like any other.
fn examine(file: Option<&Path>) -> anyhow::Result<()> {
    let report = match doctor::configuration(file) {
        Ok((config, finding)) => {
            telemetry::log(&config.log);
            runtime()?.block_on(doctor::examined(&config, finding))
        }
        Err(report) => report,
    };
    print(&report.lines())?;
    report.verdict()
}

async fn serve(config: &Config, roles: &Roles) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    config.check_serving(demo::IS_BUILT_IN)?;
    if !roles.are_all() {
        config.check_shared()?;
    }
    handles::raise(config.server.connections_max);
    // By the system's time: what the sandbox's clock skips makes no token older.
    let tokens = Arc::new(Tokens::new(config, Arc::new(Wall::default()))?);
    let database = outside::database(config, true).await?;
    let store: Arc<dyn Store> = Arc::new(database.clone());
    let dev_keys = match config.gateway() {
        Gateway::Toss => None,
        Gateway::Sandbox { .. } | Gateway::Embedded => Some(DevKeys::keep(&config.files.dir)?),
    };
    let kept = dev_keys.clone().unwrap_or_default();
    let mut counterpart = Counterpart::find(config, &kept).await?;
    if let Some(dev_keys) = &dev_keys {
        merchants::demo(store.as_ref(), config, dev_keys).await?;
    }
    let metrics = Arc::new(Metrics::new()?);
    let sealer: Arc<dyn Vault> = Arc::new(vault::open(config, Arc::clone(&store))?);
    merchants::demo_signed(config, store.as_ref(), sealer.as_ref(), dev_keys.as_ref()).await?;
    let mut accounts = Accounts::new(
        config,
        &counterpart,
        (Arc::clone(&store), Arc::clone(&sealer)),
        Arc::clone(&metrics),
    );
    accounts.serve_first().await?;
    let observer = Arc::clone(&metrics);
    let outside = Outside {
        store,
        gateways: accounts.registry(),
        clock: counterpart.clock(config),
        ids: Arc::new(Drawn::default()),
        tokens: Arc::<Tokens>::clone(&tokens),
        vault: sealer,
        metrics,
        connections: Box::new(move || database.connections()),
    };
    let running = launch(config, outside, roles).await?;
    let metrics_url = told(&running, roles);
    if let Some(mut dev_keys) = dev_keys {
        dev_keys.listens_at(running.address);
        dev_keys.sandbox_url = counterpart.sandbox_url.clone().unwrap_or_default();
        dev_keys.metrics_url = metrics_url;
        dev_keys.shop_url = match &mut counterpart.demo {
            Some(demo) => demo.open(config, &dev_keys).await?,
            None => String::new(),
        };
        // Whoever waits for the banner finds the file as it says.
        dev_keys.write(&config.files.dir)?;
        print(&banner(&dev_keys, &config.files.dir))?;
    }
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = accounts.serve_continuously() => {}
        () = tokens.refresh_continuously(observer.as_ref()) => {}
    }
    tokio::select! {
        () = stop(running, counterpart) => {}
        _ = terminate.recv() => tracing::warn!("told to stop again; what is under way is left"),
        _ = interrupt.recv() => tracing::warn!("told to stop again; what is under way is left"),
    }
    Ok(())
}

/// Logs where it listens; where its metrics are.
fn told(running: &Running, roles: &Roles) -> String {
    let payflow_url = format!("http://{}", running.address);
    let metrics_url = format!("http://{}/metrics", running.metrics_address);
    let does = roles.words().join(",");
    tracing::info!(payflow_url, metrics_url, roles = does, "payflow listens");
    metrics_url
}

/// Begins nothing new, and ends in the order in which they need each other.
async fn stop(running: Running, counterpart: Counterpart) {
    let mut demo = counterpart.demo;
    running.drain();
    if let Some(demo) = &mut demo {
        demo.close_shop().await;
    }
    tracing::info!("payflow stops");
    running.stop().await;
    if let Some(demo) = demo {
        demo.shutdown().await;
    }
}

/// Where everything is; what a newcomer clicks first comes first.
fn banner(dev_keys: &DevKeys, folder: &Path) -> String {
    let (payflow_url, sandbox_url) = (&dev_keys.payflow_url, &dev_keys.sandbox_url);
    let shop = match dev_keys.shop_url.as_str() {
        "" => String::new(),
        url => format!("  Demo shop      {url}\n"),
    };
    format!(
        "\n{shop}  Payflow        {payflow_url}\n  API, try it    {payflow_url}/docs\n  \
         Toss sandbox   {sandbox_url}\n  Keys           {}/dev-keys.json\n",
        folder.display()
    )
}

/// To standard output, which holds results; log lines go to standard error.
fn print(text: &str) -> anyhow::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    writeln!(std::io::stdout(), "{text}").context("cannot write to standard output")
}
