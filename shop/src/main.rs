//! Owns the `payflow-shop` program: settings from flags and environment, then run until told to
//! stop.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Parser;
use payflow_shop::{Access, Config, Keys, start};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// A demo shop that takes its payments through Payflow.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Where to listen; port 0 picks a free one.
    #[arg(long, env = "SHOP_LISTEN", default_value = "127.0.0.1:8082")]
    listen: SocketAddr,
    /// The database file.
    #[arg(long, env = "SHOP_DATA", default_value = "data/shop.db")]
    data: PathBuf,
    /// The file that Payflow writes when it is started with nothing configured.
    #[arg(long, env = "SHOP_KEYS", default_value = "data/dev-keys.json")]
    keys: PathBuf,
    /// Where Payflow is, instead of what the file says; the next three go with it.
    #[arg(long, env = "SHOP_PAYFLOW_URL")]
    payflow_url: Option<String>,
    /// The merchant's secret key at Payflow.
    #[arg(long, env = "SHOP_PAYFLOW_SECRET_KEY", hide_env_values = true)]
    secret_key: Option<String>,
    /// The gateway's client key.
    #[arg(long, env = "SHOP_TOSS_CLIENT_KEY")]
    client_key: Option<String>,
    /// Where browsers load the gateway's SDK from.
    #[arg(
        long,
        env = "SHOP_TOSS_SDK_URL",
        default_value = "https://js.tosspayments.com/v2/standard"
    )]
    sdk_url: String,
    /// Where Payflow reaches the shop with webhooks; where it listens, otherwise.
    #[arg(long, env = "SHOP_PUBLIC_URL")]
    public_url: Option<String>,
    /// A file with secrets of the shop's webhook endpoint, after a rotation: a line each.
    #[arg(long, env = "SHOP_HOOK_SECRETS", default_value = "data/hook-secrets")]
    hook_secrets: PathBuf,
    /// Send cookies over HTTPS only: for a shop behind a TLS proxy.
    #[arg(long, env = "SHOP_SECURE_COOKIES")]
    secure_cookies: bool,
    /// A file to write the shop's URL to once it listens.
    #[arg(long, env = "SHOP_PORT_FILE")]
    port_file: Option<PathBuf>,
}

impl Arguments {
    fn access(&self) -> anyhow::Result<Access> {
        let given = (&self.payflow_url, &self.secret_key, &self.client_key);
        match given {
            (None, None, None) => Ok(Access::KeysFile(self.keys.clone())),
            (Some(payflow_url), Some(secret_key), Some(client_key)) => Ok(Access::Given(Keys {
                payflow_url: payflow_url.trim_end_matches('/').to_owned(),
                secret_key: secret_key.clone(),
                client_key: client_key.clone(),
                sdk_url: self.sdk_url.clone(),
            })),
            _ => bail!("--payflow-url, --secret-key and --client-key are given together"),
        }
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let arguments = Arguments::parse();
    let access = arguments.access()?;
    if let Some(folder) = arguments.data.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
    }
    let shop = start(Config {
        listen: arguments.listen,
        data: Some(arguments.data),
        access,
        public_url: arguments.public_url,
        hook_secrets: Some(arguments.hook_secrets),
        secure_cookies: arguments.secure_cookies,
    })
    .await?;
    let url = shop.url();
    if let Some(path) = arguments.port_file {
        publish(&path, &url).with_context(|| format!("cannot write {}", path.display()))?;
    }
    writeln!(std::io::stdout(), "\n  Shop           {url}\n")?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminate.recv() => {}
    }
    shop.shutdown().await;
    Ok(())
}

/// Writes the URL in one step: whoever waits for the file never reads half of it.
fn publish(path: &PathBuf, url: &str) -> std::io::Result<()> {
    let draft = path.with_extension("draft");
    std::fs::write(&draft, format!("{url}\n"))?;
    std::fs::rename(draft, path)
}
