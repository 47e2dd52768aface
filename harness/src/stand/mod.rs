//! Owns a test stand: a temporary folder with a database, a sandbox and a service in it.

mod instance;
mod wires;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use tempfile::TempDir;

use crate::books::Target;
use crate::database::Database;
use crate::process::{Process, Program};
use crate::sandbox::Sandbox;
use crate::service::Service;
pub(crate) use instance::Instance;
use instance::START_PATIENCE;
pub(crate) use wires::{Tallies, Wires};

/// What the service reads its gateway's address from.
const SANDBOX_URL: &str = "PAYFLOW_SANDBOX__URL";
/// What it reads its database's address from.
const DATABASE_URL: &str = "DATABASE_URL";
const SECRET_KEY: &str = "test_sk_harness";
/// One for all copies of the service.
const MASTER_KEYS: &str = "harness:aGFybmVzc2hhcm5lc3NoYXJuZXNzaGFybmVzc2hhcm4=";
const CLIENT_KEY: &str = "test_ck_harness";
const MERCHANT_ID: &str = "tsimshop";

/// What the stand is built from.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Parts {
    /// The service's executable.
    #[arg(long)]
    pub(crate) service: PathBuf,
    /// The sandbox's executable.
    #[arg(long)]
    pub(crate) sandbox: PathBuf,
    /// `sqlite`, or the address of a PostgreSQL server on which databases may be created.
    #[arg(long, default_value = "sqlite")]
    pub(crate) database: String,
}

impl Parts {
    /// Which database, without its address.
    pub(crate) fn database_kind(&self) -> &'static str {
        if self.database == "sqlite" {
            "sqlite"
        } else {
            "postgres"
        }
    }
}

/// A sandbox, a database, and a service that may come and go.
pub(crate) struct Stand {
    // Fields are dropped in this order: programs end before their folder goes.
    service: Instance,
    _gateway: Process,
    wires: Option<Wires>,
    /// The sandbox's controls.
    pub(crate) sandbox: Sandbox,
    /// The books.
    pub(crate) database: Database,
    sandbox_url: String,
    folder: TempDir,
}

impl Stand {
    /// A fresh database and a running sandbox; `settings` go to every start of the service.
    pub(crate) async fn build(
        parts: &Parts,
        settings: &[(&str, &str)],
        latency: Duration,
    ) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("payflow-harness-")
            .tempdir()?;
        let database = Database::create(&parts.database, folder.path()).await?;
        let port_file = folder.path().join("sandbox.url");
        let milliseconds = latency.as_millis().to_string();
        let data_file = path_text(&folder.path().join("sandbox.journal"))?;
        let port_text = path_text(&port_file)?;
        let arguments = [
            ["--listen", "127.0.0.1:0"],
            ["--port-file", &port_text],
            ["--data", &data_file],
            ["--secret-key", SECRET_KEY],
            ["--client-key", CLIENT_KEY],
            ["--merchant-id", MERCHANT_ID],
            ["--latency-ms", &milliseconds],
        ];
        let mut gateway = Process::start(&Program {
            path: absolute(&parts.sandbox)?,
            arguments: arguments.concat().into_iter().map(str::to_owned).collect(),
            environment: BTreeMap::from([("RUST_LOG".to_owned(), "warn".to_owned())]),
            folder: folder.path().to_owned(),
            log: folder.path().join("sandbox.log"),
        })?;
        let sandbox_url = gateway.file(&port_file, START_PATIENCE, line).await?;
        let mut environment = environment(&sandbox_url, &database)?;
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        environment.extend(settings.iter().map(own));
        let executable = absolute(&parts.service)?;
        Ok(Self {
            service: Instance::new(executable, folder.path().to_owned(), environment),
            _gateway: gateway,
            wires: None,
            sandbox: Sandbox::new(&sandbox_url)?,
            database,
            sandbox_url,
            folder,
        })
    }

    /// The merchant's account keeps this key of its gateway, by the service's own commands.
    pub(crate) async fn keep_security_key(&self, key: &str) -> anyhow::Result<()> {
        let account = self.of_account("gatewayAccountId").await?;
        let set = ["security-key", "set", &account];
        self.service.command(&set, key).await.map(|_| ())
    }

    /// The merchant offers these plans, a file's text, by the service's own commands.
    pub(crate) async fn load_plans(&self, plans: &str) -> anyhow::Result<()> {
        let file = self.folder.path().join("plans.toml");
        std::fs::write(&file, plans)?;
        let merchant = self.of_account("merchantId").await?;
        let load = ["plans", "load", &path_text(&file)?, "--merchant", &merchant];
        self.service.command(&load, "").await.map(|_| ())
    }

    /// Nobody is charged any more, by the service's own commands.
    pub(crate) async fn pause_charges(&self) -> anyhow::Result<()> {
        let pause = [
            "pause",
            "charges",
            "--everywhere",
            "--why",
            "harness",
            "--by",
            "harness",
        ];
        self.service.command(&pause, "").await.map(|_| ())
    }

    /// What a command of the service prints.
    pub(crate) async fn command(&self, arguments: &[&str]) -> anyhow::Result<String> {
        self.service.command(arguments, "").await
    }

    /// A field of the merchant's account at its gateway.
    async fn of_account(&self, field: &str) -> anyhow::Result<String> {
        let listed = self
            .service
            .command(&["gateway-account", "list"], "")
            .await?;
        let first = listed.lines().next().context("there is no account")?;
        let account: serde_json::Value = serde_json::from_str(first)?;
        let value = account.get(field).and_then(|value| value.as_str());
        Ok(value.context("an account without an id")?.to_owned())
    }

    /// Puts proxies between the service and its surroundings, from its next start on.
    pub(crate) async fn lay_wires(&mut self, seed: u64) -> anyhow::Result<()> {
        let wires = Wires::lay(&self.sandbox_url, &self.target(), seed).await?;
        let sandbox = wires.sandbox(&self.sandbox_url);
        self.service.set(SANDBOX_URL, sandbox);
        if let Some(database) = wires.database(&self.target()) {
            self.service.set(DATABASE_URL, database);
        }
        self.wires = Some(wires);
        Ok(())
    }

    /// Puts a proxy between the service and its gateway alone, from its next start on.
    pub(crate) async fn lay_wire_to_gateway(&mut self, seed: u64) -> anyhow::Result<()> {
        let wires = Wires::lay_to_gateway(&self.sandbox_url, seed).await?;
        let sandbox = wires.sandbox(&self.sandbox_url);
        self.service.set(SANDBOX_URL, sandbox);
        self.wires = Some(wires);
        Ok(())
    }

    /// Where the service keeps what it keeps, an embedded database too.
    pub(crate) fn data_folder(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Brings schema and topics up, by the service's own command.
    pub(crate) async fn migrate(&self) -> anyhow::Result<()> {
        self.service.command(&["migrate"], "").await.map(|_| ())
    }

    /// The proxies.
    pub(crate) fn wires(&self) -> anyhow::Result<&Wires> {
        self.wires.as_ref().context("no wires were laid")
    }

    /// A second copy of the service on the same database; this one was started before.
    pub(crate) fn rival(&self) -> anyhow::Result<Instance> {
        self.rival_called("rival")
    }

    /// One more of these, in a folder of this name.
    pub(crate) fn rival_called(&self, name: &str) -> anyhow::Result<Instance> {
        self.service.rival(self.folder.path().join(name))
    }

    /// Every later start does these roles alone.
    pub(crate) fn play(&mut self, roles: &str) {
        self.service.play(roles);
    }

    /// Where the books are.
    pub(crate) fn target(&self) -> Target {
        self.database.target()
    }

    /// Starts the service without waiting for it; `extra` is for this start only.
    pub(crate) fn launch(&mut self, extra: &[(&str, &str)]) -> anyhow::Result<()> {
        self.service.launch(extra)
    }

    /// Waits until the launched service is ready. An error also when it died.
    pub(crate) async fn ready(&mut self) -> anyhow::Result<Service> {
        self.service.ready().await
    }

    /// Starts the service and waits until it is ready.
    pub(crate) async fn start(&mut self) -> anyhow::Result<Service> {
        self.service.start().await
    }

    /// The service's process.
    pub(crate) fn process(&mut self) -> anyhow::Result<&mut Process> {
        self.service.process()
    }

    /// # Errors
    /// The service ended by itself; with the end of its log.
    pub(crate) fn still_runs(&mut self) -> anyhow::Result<()> {
        let ended = self.process()?.ended()?;
        ensure!(ended.is_none(), "the service ended:\n{}", self.tail());
        Ok(())
    }

    /// Kills the service, if it runs.
    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        self.service.kill().await
    }

    /// The end of the service's log.
    pub(crate) fn tail(&self) -> String {
        self.service.tail()
    }

    /// Ends everything and removes what the stand made.
    pub(crate) async fn dismantle(mut self) -> anyhow::Result<()> {
        self.kill().await?;
        self.database.remove().await
    }
}

fn environment(sandbox_url: &str, database: &Database) -> anyhow::Result<BTreeMap<String, String>> {
    let mut environment: BTreeMap<String, String> = [
        ("PAYFLOW_SERVER__LISTEN", "127.0.0.1:0"),
        ("PAYFLOW_METRICS__LISTEN", "127.0.0.1:0"),
        ("PAYFLOW_CLOCK__SOURCE", "system"),
        ("PAYFLOW_VAULT__MASTER_KEYS", MASTER_KEYS),
        (SANDBOX_URL, sandbox_url),
        ("TOSS_SECRET_KEY", SECRET_KEY),
        ("TOSS_CLIENT_KEY", CLIENT_KEY),
        ("TOSS_MERCHANT_ID", MERCHANT_ID),
        ("PAYFLOW_LOG__FILTER", "warn"),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect();
    environment.insert(DATABASE_URL.to_owned(), database.address()?);
    Ok(environment)
}

/// A whole line.
fn line(text: &str) -> Option<String> {
    text.strip_suffix('\n').map(str::to_owned)
}

fn absolute(path: &Path) -> anyhow::Result<PathBuf> {
    path.canonicalize()
        .with_context(|| format!("there is no {}", path.display()))
}

fn path_text(path: &Path) -> anyhow::Result<String> {
    Ok(path
        .to_str()
        .context("a path that is not UTF-8")?
        .to_owned())
}
