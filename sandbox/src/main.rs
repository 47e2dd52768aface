//! Owns the `toss-sandbox` program: settings from flags and environment, then run until told to
//! stop.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use toss_sandbox::{Config, SECURITY_KEY, Settings, start};
use tracing_subscriber::EnvFilter;

/// A stand-in for the Toss Payments API, with a payment window, faults on demand and its own
/// ledger.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Where to listen; port 0 picks a free one.
    #[arg(long, env = "TOSS_SANDBOX_LISTEN", default_value = "127.0.0.1:8081")]
    listen: SocketAddr,
    /// The journal file; without it everything is forgotten at the end.
    #[arg(long, env = "TOSS_SANDBOX_DATA")]
    data: Option<PathBuf>,
    /// A file of scripted scenarios: faults per order.
    #[arg(long, env = "TOSS_SANDBOX_SCENARIOS")]
    scenarios: Option<PathBuf>,
    /// A behaviour that nobody has published, as name=value; several, or separated by commas.
    #[arg(long, env = "TOSS_SANDBOX_SET", value_delimiter = ',', value_parser = setting)]
    set: Vec<Setting>,
    /// The secret key the API accepts.
    #[arg(
        long,
        env = "TOSS_SANDBOX_SECRET_KEY",
        default_value = "test_sk_sandbox"
    )]
    secret_key: String,
    /// The client key the payment window accepts.
    #[arg(
        long,
        env = "TOSS_SANDBOX_CLIENT_KEY",
        default_value = "test_ck_sandbox"
    )]
    client_key: String,
    /// The merchant id that payments carry.
    #[arg(long, env = "TOSS_SANDBOX_MERCHANT_ID", default_value = "tsimshop")]
    merchant_id: String,
    /// A key that signs webhooks of payouts and sellers; several, or separated by commas.
    #[arg(
        long,
        env = "TOSS_SANDBOX_SECURITY_KEY",
        value_delimiter = ',',
        default_value = SECURITY_KEY
    )]
    security_key: Vec<String>,
    /// How long every API call takes at least.
    #[arg(long, env = "TOSS_SANDBOX_LATENCY_MS", default_value_t = 0)]
    latency_ms: u64,
    /// A file to write the sandbox's URL to once it listens.
    #[arg(long, env = "TOSS_SANDBOX_PORT_FILE")]
    port_file: Option<PathBuf>,
}

/// A setting's name and its value.
#[derive(Debug, Clone)]
struct Setting {
    name: String,
    value: String,
}

fn setting(text: &str) -> Result<Setting, &'static str> {
    let (name, value) = text.split_once('=').ok_or("a setting is name=value")?;
    Ok(Setting {
        name: name.trim().to_owned(),
        value: value.trim().to_owned(),
    })
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).init();
    let arguments = Arguments::parse();
    let mut settings = Settings::default();
    for Setting { name, value } in &arguments.set {
        settings.set(name, value)?;
    }
    let sandbox = start(Config {
        listen: arguments.listen,
        data: arguments.data,
        merchant_id: arguments.merchant_id,
        secret_key: arguments.secret_key,
        client_key: arguments.client_key,
        security_keys: arguments.security_key,
        latency: Duration::from_millis(arguments.latency_ms),
        scenarios: arguments.scenarios,
        settings,
    })
    .await?;
    let url = sandbox.url();
    if let Some(path) = arguments.port_file {
        publish(&path, &url).with_context(|| format!("cannot write {}", path.display()))?;
    }
    tracing::info!(url, "toss-sandbox is listening");
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminate.recv() => {}
    }
    sandbox.shutdown().await;
    Ok(())
}

/// Writes the URL in one step: whoever waits for the file never reads half of it.
fn publish(path: &PathBuf, url: &str) -> std::io::Result<()> {
    let draft = path.with_extension("draft");
    std::fs::write(&draft, format!("{url}\n"))?;
    std::fs::rename(draft, path)
}
