//! Owns a test stand: a temporary folder with a database, a sandbox and a service in it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::books::Target;
use crate::database::Database;
use crate::process::{Process, Program};
use crate::sandbox::Sandbox;
use crate::service::{DevKeys, Service};

/// How long a program may take to listen; migrations are part of it.
const START_PATIENCE: Duration = Duration::from_secs(30);
const READY_POLL: Duration = Duration::from_millis(20);
const SECRET_KEY: &str = "test_sk_harness";
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

/// A sandbox, a database, and a service that may come and go.
pub(crate) struct Stand {
    // Fields are dropped in this order: programs end before their folder goes.
    service: Option<Process>,
    _gateway: Process,
    /// The sandbox's controls.
    pub(crate) sandbox: Sandbox,
    /// The books.
    pub(crate) database: Database,
    executable: PathBuf,
    sandbox_url: String,
    settings: BTreeMap<String, String>,
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
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Ok(Self {
            service: None,
            _gateway: gateway,
            sandbox: Sandbox::new(&sandbox_url)?,
            database,
            executable: absolute(&parts.service)?,
            sandbox_url,
            settings: settings.iter().map(own).collect(),
            folder,
        })
    }

    /// Where the books are.
    pub(crate) fn target(&self) -> Target {
        self.database.target()
    }

    /// Starts the service without waiting for it; `extra` is for this start only.
    pub(crate) fn launch(&mut self, extra: &[(&str, &str)]) -> anyhow::Result<()> {
        self.forget_address()?;
        let mut environment = self.environment()?;
        environment.extend(self.settings.clone());
        for (name, value) in extra {
            environment.insert((*name).to_owned(), (*value).to_owned());
        }
        self.service = Some(Process::start(&Program {
            path: self.executable.clone(),
            arguments: Vec::new(),
            environment,
            folder: self.folder.path().to_owned(),
            log: self.folder.path().join("service.log"),
        })?);
        Ok(())
    }

    /// Waits until the launched service is ready. An error also when it died.
    pub(crate) async fn ready(&mut self) -> anyhow::Result<Service> {
        let keys_file = self.keys_file();
        let process = self.process()?;
        let keys = process.file(&keys_file, START_PATIENCE, listening).await?;
        let service = Service::new(&keys)?;
        let begun = Instant::now();
        loop {
            let reply = service.ready().await;
            if reply.as_ref().is_ok_and(|reply| reply.status == 200) {
                return Ok(service);
            }
            if let Some(status) = process.ended()? {
                bail!("the service ended with {status}:\n{}", process.tail());
            }
            if begun.elapsed() >= START_PATIENCE {
                bail!(
                    "the service did not get ready: {reply:?}\n{}",
                    process.tail()
                );
            }
            sleep(READY_POLL).await;
        }
    }

    /// Starts the service and waits until it is ready.
    pub(crate) async fn start(&mut self, extra: &[(&str, &str)]) -> anyhow::Result<Service> {
        self.launch(extra)?;
        self.ready().await
    }

    /// The service's process.
    pub(crate) fn process(&mut self) -> anyhow::Result<&mut Process> {
        self.service.as_mut().context("the service was not started")
    }

    /// Kills the service, if it runs.
    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        match self.service.take() {
            Some(mut process) => process.kill().await,
            None => Ok(()),
        }
    }

    /// The end of the service's log.
    pub(crate) fn tail(&self) -> String {
        self.service.as_ref().map(Process::tail).unwrap_or_default()
    }

    /// Ends everything and removes what the stand made.
    pub(crate) async fn dismantle(mut self) -> anyhow::Result<()> {
        self.kill().await?;
        self.database.remove().await
    }

    /// What the last start wrote must not be taken for the next one's; the keys stay valid.
    fn forget_address(&self) -> anyhow::Result<()> {
        let path = self.keys_file();
        if !path.exists() {
            return Ok(());
        }
        let mut keys: Value = serde_json::from_str(&std::fs::read_to_string(&path)?)?;
        if let Some(url) = keys.get_mut("payflowUrl") {
            *url = Value::String(String::new());
        }
        Ok(std::fs::write(&path, keys.to_string())?)
    }

    fn keys_file(&self) -> PathBuf {
        self.folder.path().join("data/dev-keys.json")
    }

    fn environment(&self) -> anyhow::Result<BTreeMap<String, String>> {
        let mut environment: BTreeMap<String, String> = [
            ("PAYFLOW_SERVER__LISTEN", "127.0.0.1:0"),
            ("PAYFLOW_METRICS__LISTEN", "127.0.0.1:0"),
            ("PAYFLOW_CLOCK__SOURCE", "system"),
            ("PAYFLOW_SANDBOX__URL", &self.sandbox_url),
            ("TOSS_SECRET_KEY", SECRET_KEY),
            ("TOSS_CLIENT_KEY", CLIENT_KEY),
            ("TOSS_MERCHANT_ID", MERCHANT_ID),
            ("PAYFLOW_LOG__FILTER", "warn"),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
        environment.insert("DATABASE_URL".to_owned(), self.database.address()?);
        Ok(environment)
    }
}

/// The keys of a service that listens: it writes them once before, without an address.
fn listening(text: &str) -> Option<DevKeys> {
    DevKeys::parse(text)
        .ok()
        .filter(|keys| !keys.payflow_url.is_empty())
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
