//! Owns one copy of the service: its folder, its keys file, and its process while it runs.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::time::{Instant, sleep, timeout};

use crate::process::{Process, Program};
use crate::service::{DevKeys, Service};

/// How long a program may take to listen; migrations are part of it.
pub(super) const START_PATIENCE: Duration = Duration::from_secs(30);
/// Longer than any drain.
const END_PATIENCE: Duration = Duration::from_mins(1);
const READY_POLL: Duration = Duration::from_millis(20);

/// One copy of the service, which may come and go.
pub(crate) struct Instance {
    process: Option<Process>,
    executable: PathBuf,
    folder: PathBuf,
    environment: BTreeMap<String, String>,
    /// What it is told to do; everything without.
    arguments: Vec<String>,
}

impl Instance {
    pub(super) const fn new(
        executable: PathBuf,
        folder: PathBuf,
        environment: BTreeMap<String, String>,
    ) -> Self {
        Self {
            process: None,
            executable,
            folder,
            environment,
            arguments: Vec::new(),
        }
    }

    /// Every later start does these roles alone.
    pub(crate) fn play(&mut self, roles: &str) {
        self.arguments = ["serve", "--role", roles].map(str::to_owned).to_vec();
    }

    /// One more, in a folder of its own, for the same merchant on the same database.
    pub(super) fn rival(&self, folder: PathBuf) -> anyhow::Result<Self> {
        let rival = Self::new(self.executable.clone(), folder, self.environment.clone());
        std::fs::create_dir_all(rival.folder.join("data"))?;
        std::fs::copy(self.keys_file(), rival.keys_file())
            .context("the first copy was never started")?;
        Ok(rival)
    }

    /// What a command of the service prints, beside the one that runs.
    pub(super) async fn command(&self, arguments: &[&str], input: &str) -> anyhow::Result<String> {
        let mut child = tokio::process::Command::new(&self.executable)
            .args(arguments)
            .current_dir(&self.folder)
            .env_clear()
            .envs(&self.environment)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut stdin = child.stdin.take().context("no standard input")?;
        stdin.write_all(input.as_bytes()).await?;
        drop(stdin);
        let ended = timeout(START_PATIENCE, child.wait_with_output()).await??;
        let said = String::from_utf8_lossy(&ended.stderr);
        ensure!(ended.status.success(), "{arguments:?} failed: {said}");
        Ok(String::from_utf8(ended.stdout)?)
    }

    /// Every later start gets this setting.
    pub(super) fn set(&mut self, name: &str, value: String) {
        self.environment.insert(name.to_owned(), value);
    }

    /// Starts the service without waiting for it; `extra` is for this start only.
    pub(crate) fn launch(&mut self, extra: &[(&str, &str)]) -> anyhow::Result<()> {
        self.forget_address()?;
        let mut environment = self.environment.clone();
        for (name, value) in extra {
            environment.insert((*name).to_owned(), (*value).to_owned());
        }
        self.process = Some(Process::start(&Program {
            path: self.executable.clone(),
            arguments: self.arguments.clone(),
            environment,
            folder: self.folder.clone(),
            log: self.folder.join("service.log"),
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
    pub(crate) async fn start(&mut self) -> anyhow::Result<Service> {
        self.launch(&[])?;
        self.ready().await
    }

    /// The service's process.
    pub(crate) fn process(&mut self) -> anyhow::Result<&mut Process> {
        self.process.as_mut().context("the service was not started")
    }

    /// Kills the service, if it runs.
    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        match self.process.take() {
            Some(mut process) => process.kill().await,
            None => Ok(()),
        }
    }

    /// Tells the service to end, and waits until it has; how long that took.
    pub(crate) async fn end(&mut self) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        let mut process = self.process.take().context("the service was not started")?;
        process.terminate()?;
        let ended = process.end_within(END_PATIENCE).await?;
        let status = ended.context("it does not end")?;
        ensure!(
            status.success(),
            "it ended with {status}: {}",
            process.tail()
        );
        Ok(begun.elapsed())
    }

    /// Every later start is of this program.
    pub(crate) fn becomes(&mut self, executable: PathBuf) {
        self.executable = executable;
    }

    /// The end of the service's log.
    pub(crate) fn tail(&self) -> String {
        self.process.as_ref().map(Process::tail).unwrap_or_default()
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
        self.folder.join("data/dev-keys.json")
    }
}

/// The keys of a service that listens: it writes them once before, without an address.
fn listening(text: &str) -> Option<DevKeys> {
    DevKeys::parse(text)
        .ok()
        .filter(|keys| !keys.payflow_url.is_empty())
}
