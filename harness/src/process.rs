//! Owns the programs that the harness starts: each with a log, bounded waits, and a certain end.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

const POLL: Duration = Duration::from_millis(20);
/// A signal arrives at once; only a process that is gone never stops.
const FREEZE_PATIENCE: Duration = Duration::from_secs(5);
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

    /// Stops it in whatever it is doing; it does not notice.
    pub(crate) async fn freeze(&self) -> anyhow::Result<()> {
        self.signal(Signal::STOP)?;
        let begun = Instant::now();
        while !self.is_frozen()? {
            ensure!(begun.elapsed() < FREEZE_PATIENCE, "it does not stop");
            sleep(POLL).await;
        }
        Ok(())
    }

    /// Tells it to end.
    pub(crate) fn terminate(&self) -> anyhow::Result<()> {
        self.signal(Signal::TERM)
    }

    /// Lets it go on.
    pub(crate) fn thaw(&self) -> anyhow::Result<()> {
        self.signal(Signal::CONT)
    }

    fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        // As long as it was not waited for, nobody else can have its id.
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        Ok(kill_process(pid.context("no process id")?, signal)?)
    }

    /// Whether the kernel says that it is stopped.
    fn is_frozen(&self) -> anyhow::Result<bool> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid))?;
        let state = stat.rsplit_once(')').map(|(_, rest)| rest.trim_start());
        Ok(state.is_some_and(|state| state.starts_with('T')))
    }

    /// Kills it, if it still runs, and waits for its end.
    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        if self.ended()?.is_none() {
            self.child.kill().await?;
        }
        Ok(())
    }

    /// Kills it and the processes that it began, all of them at once as far as they can tell: it
    /// stands still while they die. How many there were.
    pub(crate) async fn kill_family(&mut self) -> anyhow::Result<u64> {
        self.freeze().await?;
        let children = format!("/proc/{pid}/task/{pid}/children", pid = self.pid);
        let mut killed: u64 = 1;
        for child in std::fs::read_to_string(children)?.split_whitespace() {
            let child = Pid::from_raw(child.parse()?).context("no process id")?;
            // One that has just ended by itself is no less dead.
            let _ = kill_process(child, Signal::KILL);
            killed = killed.saturating_add(1);
        }
        self.child.kill().await?;
        Ok(killed)
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

    /// Waits until it takes connections at `address`.
    pub(crate) async fn listening(
        &mut self,
        address: &str,
        patience: Duration,
    ) -> anyhow::Result<()> {
        let begun = Instant::now();
        while TcpStream::connect(address).await.is_err() {
            if let Some(status) = self.ended()? {
                bail!(
                    "it ended with {status} before it listened:\n{}",
                    self.tail()
                );
            }
            if begun.elapsed() >= patience {
                bail!("it did not listen within {patience:?}:\n{}", self.tail());
            }
            sleep(POLL).await;
        }
        Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_frozen_process_does_nothing_until_it_is_thawed() {
        let folder = tempfile::tempdir().unwrap();
        let script = "while :; do sleep 0.02; echo alive; done";
        let mut process = Process::start(&Program {
            path: "/bin/sh".into(),
            arguments: vec!["-c".to_owned(), script.to_owned()],
            environment: BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]),
            folder: folder.path().to_owned(),
            log: folder.path().join("log"),
        })
        .unwrap();
        let length = || std::fs::metadata(folder.path().join("log")).map_or(0, |file| file.len());
        let alive = |text: &str| text.contains("alive").then_some(());
        let log = folder.path().join("log");
        process.file(&log, FREEZE_PATIENCE, alive).await.unwrap();
        process.freeze().await.unwrap();
        let before = length();
        sleep(Duration::from_millis(200)).await;
        assert_eq!(length(), before);
        process.thaw().unwrap();
        let begun = Instant::now();
        while length() == before {
            assert!(begun.elapsed() < FREEZE_PATIENCE);
            sleep(POLL).await;
        }
        process.kill().await.unwrap();
    }
}
