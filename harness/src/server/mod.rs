//! Owns a PostgreSQL of one's own, which may be stopped and started again, on a disk that may be
//! full.

mod disk;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::{Instant, sleep};

use crate::books::connect;
use crate::process::{Process, Program};
pub(crate) use disk::{Disk, apart};

/// Where Debian keeps its servers, by version.
const SERVERS: &str = "/usr/lib/postgresql";
/// The server refuses to run as root; its package brings this user.
const USER: &str = "postgres";
/// What others may do who pass through a folder.
const PASS: u32 = 0o001;
/// Recovery is part of it, on a busy machine.
const START_PATIENCE: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(100);
/// Its files, some of its log of writes, and a little more.
const DISK_MEBIBYTES: u32 = 192;

/// A server that may come and go.
pub(crate) struct Server {
    // Fields are dropped in this order: it ends before its disk goes, and that before its folder.
    process: Option<Process>,
    disk: Option<Disk>,
    folder: TempDir,
    programs: PathBuf,
    port: u16,
    is_root: bool,
}

impl Server {
    /// One that runs; on a small disk of its own, if so asked.
    pub(crate) async fn begin(on_small_disk: bool) -> anyhow::Result<Self> {
        let is_root = id(&["-u"]).await? == 0;
        let folder = tempfile::Builder::new()
            .prefix("payflow-harness-postgres-")
            .tempdir_in(around(is_root)?)?;
        let owner = if is_root {
            id(&["-u", USER]).await?
        } else {
            id(&["-u"]).await?
        };
        std::os::unix::fs::chown(folder.path(), Some(owner), None)?;
        let data = folder.path().join("data");
        std::fs::create_dir(&data)?;
        std::os::unix::fs::chown(&data, Some(owner), None)?;
        let disk = if on_small_disk {
            Some(Disk::mount(&data, DISK_MEBIBYTES, owner)?)
        } else {
            None
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let mut server = Self {
            process: None,
            disk,
            folder,
            programs: programs()?,
            port: listener.local_addr()?.port(),
            is_root,
        };
        drop(listener);
        server.make().await?;
        server.start().await?;
        Ok(server)
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        format!("postgres://{USER}@127.0.0.1:{}/postgres", self.port)
    }

    /// Its disk, where it has one of its own.
    pub(crate) fn disk(&self) -> anyhow::Result<&Disk> {
        self.disk.as_ref().context("it has no disk of its own")
    }

    async fn make(&self) -> anyhow::Result<()> {
        let data = text(&self.folder.path().join("data"))?;
        let (program, arguments) = self.program(
            "initdb",
            &[
                "-D",
                &data,
                "-U",
                USER,
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
            ],
        )?;
        let made = Command::new(program)
            .args(arguments)
            .current_dir(self.folder.path())
            .output();
        let made = made.await?;
        let said = String::from_utf8_lossy(&made.stderr);
        ensure!(made.status.success(), "initdb: {said}");
        Ok(())
    }

    /// Starts it, if it does not run, and waits until it takes connections.
    pub(crate) async fn start(&mut self) -> anyhow::Result<()> {
        let begun = Instant::now();
        loop {
            // What is left of one that was killed may keep another from starting for a moment.
            if !self.runs()? {
                self.process = Some(self.launch()?);
            }
            if connect(&self.url()).await.is_ok() {
                return Ok(());
            }
            let tail = self.process.as_ref().map(Process::tail);
            ensure!(
                begun.elapsed() < START_PATIENCE,
                "PostgreSQL does not start: {}",
                tail.unwrap_or_default()
            );
            sleep(POLL).await;
        }
    }

    /// Whether it runs.
    pub(crate) fn runs(&mut self) -> anyhow::Result<bool> {
        match &mut self.process {
            Some(process) => Ok(process.ended()?.is_none()),
            None => Ok(false),
        }
    }

    fn launch(&self) -> anyhow::Result<Process> {
        let data = text(&self.folder.path().join("data"))?;
        let socket = text(self.folder.path())?;
        let port = self.port.to_string();
        let (path, arguments) = self.program(
            "postgres",
            &[
                "-D",
                &data,
                "-p",
                &port,
                "-k",
                &socket,
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                "shared_buffers=64MB",
                "-c",
                "min_wal_size=32MB",
                "-c",
                "max_wal_size=64MB",
            ],
        )?;
        Process::start(&Program {
            path,
            arguments,
            environment: BTreeMap::from([("LC_ALL".to_owned(), "C.UTF-8".to_owned())]),
            folder: self.folder.path().to_owned(),
            log: self.folder.path().join("log"),
        })
    }

    /// Stops the whole server at once, as `pg_ctl stop -m immediate` does: every connection is cut,
    /// nothing is tidied up, and its next start recovers from its log of writes.
    pub(crate) async fn stop(&mut self) -> anyhow::Result<()> {
        let data = text(&self.folder.path().join("data"))?;
        let (program, arguments) =
            self.program("pg_ctl", &["-D", &data, "-m", "immediate", "-w", "stop"])?;
        let stopped = Command::new(program)
            .args(arguments)
            .current_dir(self.folder.path())
            .output();
        let stopped = stopped.await?;
        let said = String::from_utf8_lossy(&stopped.stderr);
        ensure!(stopped.status.success(), "pg_ctl: {said}");
        if let Some(process) = &mut self.process {
            let ended = process.end_within(START_PATIENCE).await?;
            ensure!(ended.is_some(), "PostgreSQL does not stop");
        }
        self.process = None;
        Ok(())
    }

    /// Kills all of its processes at once, none of which can tidy up after another; how many.
    pub(crate) async fn kill(&mut self) -> anyhow::Result<u64> {
        let killed = match &mut self.process {
            Some(process) => process.kill_family().await?,
            None => 0,
        };
        self.process = None;
        Ok(killed)
    }

    /// One of its programs, as the user it may run as.
    fn program(&self, name: &str, own: &[&str]) -> anyhow::Result<(PathBuf, Vec<String>)> {
        let program = self.programs.join(name);
        let mut arguments: Vec<String> = Vec::new();
        if self.is_root {
            let user = [
                "--reuid=postgres",
                "--regid=postgres",
                "--init-groups",
                "--inh-caps=-all",
            ];
            arguments.extend(user.map(str::to_owned));
            arguments.push(text(&program)?);
        }
        arguments.extend(own.iter().map(|argument| (*argument).to_owned()));
        let path = if self.is_root {
            "/usr/bin/setpriv".into()
        } else {
            program
        };
        Ok((path, arguments))
    }
}

fn text(path: &Path) -> anyhow::Result<String> {
    Ok(path
        .to_str()
        .context("a path that is not UTF-8")?
        .to_owned())
}

/// The nearest folder, from the one for what is temporary upwards, to which the server's user may
/// come: a run that is root's alone has its temporary folder where nobody else may.
fn around(is_root: bool) -> anyhow::Result<PathBuf> {
    let temporary = std::env::temp_dir();
    if !is_root {
        return Ok(temporary);
    }
    let mut nearest = None;
    let mut above: Vec<&Path> = temporary.ancestors().collect();
    above.reverse();
    for folder in above {
        if std::fs::metadata(folder)?.permissions().mode() & PASS == 0 {
            break;
        }
        nearest = Some(folder.to_owned());
    }
    nearest.context("nobody may pass through the root folder")
}

/// The programs of the newest server that is installed.
fn programs() -> anyhow::Result<PathBuf> {
    let mut newest: Option<(u32, PathBuf)> = None;
    for found in std::fs::read_dir(SERVERS).context("no PostgreSQL server is installed")? {
        let path = found?.path();
        let version = path
            .file_name()
            .and_then(|name| name.to_str()?.parse().ok());
        let programs = path.join("bin");
        if let Some(version) = version
            && programs.join("initdb").exists()
            && newest.as_ref().is_none_or(|(other, _)| version > *other)
        {
            newest = Some((version, programs));
        }
    }
    Ok(newest.context("no PostgreSQL server is installed")?.1)
}

/// A user's number, as `id` tells it.
async fn id(arguments: &[&str]) -> anyhow::Result<u32> {
    let told = Command::new("id").args(arguments).output().await?;
    let text = String::from_utf8(told.stdout)?;
    text.trim().parse().context("there is no such user")
}
