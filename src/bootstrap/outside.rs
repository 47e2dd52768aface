//! Owns what is built from settings before the application: store, gateways, sandbox, clock.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use application::ports::{Clock, Store};
use domain::merchant::GatewayAccount;
use domain::principal::{Mode, Scope};

use super::demo::Demo;
use super::merchants::DevKeys;
use crate::adapters::clock::Wall;
use crate::adapters::gateway::bulkhead::Room;
use crate::adapters::gateway::toss::{Settings, Timeouts, Toss};
use crate::adapters::gateway::{Guard, Guarded, Registry};
use crate::adapters::persistence::{Database, Options, migrate};
use crate::adapters::telemetry::Metrics;
use crate::config::{ClockSource, Config, Gateway};

/// How often accounts that were added by another process are looked for.
const ACCOUNTS_EVERY: Duration = Duration::from_secs(10);
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

/// The database, migrated. `exclusive` keeps a second service off the same `SQLite` file.
pub(super) async fn open(config: &Config, exclusive: bool) -> anyhow::Result<Arc<dyn Store>> {
    let settings = &config.database;
    let options = Options {
        connections_max: settings.pool_size,
        wait: settings.acquire_timeout.duration(),
        connect: CONNECT_TIMEOUT,
        statement: STATEMENT_TIMEOUT,
        create: settings.create,
        exclusive,
    };
    if let Some(path) = settings.url.strip_prefix("sqlite://")
        && settings.create
        && let Some(folder) = Path::new(path).parent()
    {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    }
    let database = Database::connect(&settings.url, &options)
        .await
        .context("cannot open the database (database.url)")?;
    migrate(&database)
        .await
        .context("cannot migrate the database")?;
    Ok(Arc::new(database))
}

/// A gateway to talk to, and the sandbox behind it where it is ours.
pub(super) struct Counterpart {
    /// Where the sandbox is; none at the real gateway.
    pub(super) sandbox_url: Option<String>,
    /// The sandbox, where it runs in this process, and the shop.
    pub(super) demo: Option<Demo>,
    settings: Settings,
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
        let secret_key = match &config.toss.secret_key {
            none if none.is_empty() => kept.gateway_secret_key.clone(),
            given => given.clone(),
        };
        let timeouts = config.toss_timeouts();
        let base_url = sandbox_url.as_ref().unwrap_or(&config.toss.api_url);
        let settings = Settings {
            base_url: base_url.clone(),
            secret_key,
            merchant_id: Some(config.toss.merchant_id.clone()).filter(|id| !id.is_empty()),
            timeouts: Timeouts {
                connect: timeouts.connect,
                read: timeouts.read,
                total: timeouts.total,
            },
        };
        Ok(Self {
            sandbox_url,
            demo,
            settings,
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

/// Lets the configured gateway serve every account of this process's mode, also those that are
/// added while it runs.
pub(super) struct Accounts {
    store: Arc<dyn Store>,
    registry: Arc<Registry>,
    settings: Settings,
    guard: Guard,
    mode: Mode,
    metrics: Arc<Metrics>,
}

impl Accounts {
    pub(super) fn new(
        config: &Config,
        counterpart: &Counterpart,
        store: Arc<dyn Store>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let room = Room {
            actions_max: config.toss.calls_max,
            ..Room::default()
        };
        Self {
            store,
            registry: Arc::default(),
            settings: counterpart.settings.clone(),
            guard: Guard {
                room,
                ..Guard::default()
            },
            mode: mode(config),
            metrics,
        }
    }

    pub(super) fn registry(&self) -> Arc<Registry> {
        Arc::clone(&self.registry)
    }

    /// Serves the accounts that are not served yet.
    pub(super) async fn serve_new(&self) -> anyhow::Result<()> {
        use application::ports::Gateways as _;
        for merchant in self.store.merchants().await? {
            let scope = Scope {
                merchant: merchant.id,
                mode: self.mode,
            };
            for account in self.store.gateway_accounts(scope).await? {
                if self.registry.of(account.id).is_none() {
                    self.serve(&account)?;
                }
            }
        }
        Ok(())
    }

    fn serve(&self, account: &GatewayAccount) -> anyhow::Result<()> {
        let mut settings = self.settings.clone();
        settings.merchant_id = account.merchant_id.clone().or(settings.merchant_id);
        let toss = Toss::new(settings)?;
        let observer = Arc::clone(&self.metrics);
        let guarded = Guarded::new(toss, account.id, self.guard, observer);
        self.registry.put(account.id, Arc::new(guarded));
        Ok(())
    }

    /// Looks for new accounts until it is dropped.
    pub(super) async fn serve_continuously(self) {
        loop {
            tokio::time::sleep(ACCOUNTS_EVERY).await;
            if let Err(error) = self.serve_new().await {
                tracing::warn!(%error, "gateway accounts not read");
            }
        }
    }
}
