//! Owns the programs that the harness starts: each with a log, bounded waits, and a certain end.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

const POLL: Duration = Duration::from_millis(20);
const TAIL_LINES: usize = 25;

/// What to start.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    /// The executable.
    pub(crate) path: PathBuf,
    /// Its arguments.
    pub(crate) arguments: Vec<String>,
    /// Its whole environment: nothing is inherited.
    pub(crate) environment: BTreeMap<String, String>,
    /// Where it runs.
    pub(crate) folder: PathBuf,
    /// What it prints is appended here.
    pub(crate) log: PathBuf,
}

/// A program that was started here. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    pid: u32,
    log: PathBuf,
}

impl Process {
    /// Starts a program.
    pub(crate) fn start(program: &Program) -> anyhow::Result<Self> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(&program.log)?;
        let child = Command::new(&program.path)
            .args(&program.arguments)
            .env_clear()
            .envs(&program.environment)
            .current_dir(&program.folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", program.path.display()))?;
        let pid = child.id().context("it ended before it had begun")?;
        Ok(Self {
            child,
            pid,
            log: program.log.clone(),
        })
    }

    /// Its process id.
    pub(crate) const fn pid(&self) -> u32 {
        self.pid
    }

    /// How it ended, when it has.
    pub(crate) fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// How it ended; none when it still runs after `patience`.
    pub(crate) async fn end_within(
        &mut self,
        patience: Duration,
    ) -> anyhow::Result<Option<ExitStatus>> {
        match timeout(patience, self.child.wait()).await {
            Ok(status) => Ok(Some(status?)),
            Err(_) => Ok(None),
        }
    }

    /// Kills it, if it still runs, and waits for its end.
    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        if self.ended()?.is_none() {
            self.child.kill().await?;
        }
        Ok(())
    }

    /// Waits until it has written a file, and `finds` something in it.
    pub(crate) async fn file<T>(
        &mut self,
        path: &Path,
        patience: Duration,
        finds: impl Fn(&str) -> Option<T>,
    ) -> anyhow::Result<T> {
        let begun = Instant::now();
        loop {
            if let Ok(text) = std::fs::read_to_string(path)
                && let Some(found) = finds(&text)
            {
                return Ok(found);
            }
            if let Some(status) = self.ended()? {
                bail!(
                    "it ended with {status} before it was ready:\n{}",
                    self.tail()
                );
            }
            if begun.elapsed() >= patience {
                bail!("it was not ready within {patience:?}:\n{}", self.tail());
            }
            sleep(POLL).await;
        }
    }

    /// The end of its log.
    pub(crate) fn tail(&self) -> String {
        let bytes = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().collect();
        let first = lines.len().saturating_sub(TAIL_LINES);
        lines.get(first..).unwrap_or_default().join("\n")
    }
}
