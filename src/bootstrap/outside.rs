//! Owns what is built from settings before the application: store, gateways, sandbox, clock.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use application::KeyPair;
use application::ports::vault::Secret;
use application::ports::{Clock, Store};
use domain::principal::Mode;

use super::demo::Demo;
use super::merchants::DevKeys;
use crate::adapters::clock::Wall;
use crate::adapters::persistence::{Database, Options, migrate, pending_migrations};
use crate::config::{ClockSource, Config, Gateway};

/// How long a statement may take before the store counts as away.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long establishing a connection to the database may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// In which mode this process takes payments.
pub(super) fn mode(config: &Config) -> Mode {
    if config.is_live() {
        Mode::Live
    } else {
        Mode::Test
    }
}

/// The database, with this version's schema. `exclusive` keeps a second service off the same
/// `SQLite` file.
pub(super) async fn open(config: &Config, exclusive: bool) -> anyhow::Result<Arc<dyn Store>> {
    Ok(Arc::new(database(config, exclusive).await?))
}

/// The same, with its connections to be seen.
///
/// # Errors
/// It cannot be opened, or migrated; or its schema is older and `database.migrate` is false.
pub(super) async fn database(config: &Config, exclusive: bool) -> anyhow::Result<Database> {
    if config.database.migrate {
        return migrated(config, exclusive).await;
    }
    let database = made(config, exclusive).await?;
    let pending = pending_migrations(&database).await;
    let pending = pending.context("cannot read which migrations it has")?;
    anyhow::ensure!(
        pending.is_empty(),
        "{} migrations are pending, and database.migrate is false: run `payflow migrate`",
        pending.len()
    );
    Ok(database)
}

/// The database, brought to this version's schema whatever the settings say.
pub(super) async fn migrated(config: &Config, exclusive: bool) -> anyhow::Result<Database> {
    let database = made(config, exclusive).await?;
    migrate(&database)
        .await
        .context("cannot migrate the database")?;
    Ok(database)
}

async fn made(config: &Config, exclusive: bool) -> anyhow::Result<Database> {
    let settings = &config.database;
    if let Some(path) = settings.url.strip_prefix("sqlite://")
        && settings.create
        && let Some(folder) = Path::new(path).parent()
    {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    }
    connect(config, exclusive, settings.create).await
}

/// The database as it is: not migrated, and made only if `create`.
pub(super) async fn connect(
    config: &Config,
    exclusive: bool,
    create: bool,
) -> anyhow::Result<Database> {
    let settings = &config.database;
    let options = Options {
        connections_max: settings.pool_size,
        wait: settings.acquire_timeout.duration(),
        connect: CONNECT_TIMEOUT,
        statement: STATEMENT_TIMEOUT,
        create,
        exclusive,
    };
    Database::connect(&settings.url, &options)
        .await
        .context("cannot open the database (database.url)")
}

/// A gateway to talk to, and the sandbox behind it where it is ours.
pub(super) struct Counterpart {
    /// Where the sandbox is; none at the real gateway.
    pub(super) sandbox_url: Option<String>,
    /// The sandbox, where it runs in this process, and the shop.
    pub(super) demo: Option<Demo>,
    /// What an account of the configuration's is called with.
    pub(super) keys: KeyPair,
}

impl Counterpart {
    /// Starts or finds it; `kept` are the keys that a sandbox of ours takes.
    pub(super) async fn find(config: &Config, kept: &DevKeys) -> anyhow::Result<Self> {
        let (sandbox_url, demo) = match config.gateway() {
            Gateway::Toss => (None, None),
            Gateway::Sandbox { url } => (Some(url.trim_end_matches('/').to_owned()), None),
            Gateway::Embedded => {
                let demo = Demo::start(config, kept).await?;
                (Some(demo.sandbox_url()), Some(demo))
            }
        };
        let toss = &config.toss;
        let (secret_key, client_key) = if toss.secret_key.is_empty() {
            (&kept.gateway_secret_key, &kept.client_key)
        } else {
            (&toss.secret_key, &toss.client_key)
        };
        Ok(Self {
            sandbox_url,
            demo,
            keys: KeyPair {
                secret_key: Secret::from(secret_key.as_str()),
                client_key: Secret::from(client_key.as_str()),
            },
        })
    }

    /// What money is dated by.
    pub(super) fn clock(&self, config: &Config) -> Arc<dyn Clock> {
        match (config.clock.source, &self.demo) {
            (ClockSource::Sandbox, Some(demo)) => demo.clock(),
            (ClockSource::Sandbox | ClockSource::System, _) => Arc::new(Wall::default()),
        }
    }
}
