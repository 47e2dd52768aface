//! Owns the Redis that copies of the service share: a program that keeps nothing on a disk.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::process::{Process, Program};

const START_PATIENCE: Duration = Duration::from_secs(20);
const DONE: &[u8] = b"+OK\r\n";

/// A Redis that may come and go.
pub(crate) struct Server {
    path: PathBuf,
    port: u16,
    process: Option<Process>,
    folder: TempDir,
}

impl Server {
    /// One that runs.
    pub(crate) async fn begin(path: &Path) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let mut server = Self {
            path: path.to_owned(),
            port: listener.local_addr()?.port(),
            process: None,
            folder: tempfile::tempdir()?,
        };
        drop(listener);
        server.start().await?;
        Ok(server)
    }

    /// What `REDIS_URL` would be.
    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address())
    }

    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Starts it, and waits until it takes connections.
    pub(crate) async fn start(&mut self) -> anyhow::Result<()> {
        let port = self.port.to_string();
        let arguments = [
            ["--port", &port],
            ["--bind", "127.0.0.1"],
            ["--save", ""],
            ["--appendonly", "no"],
        ];
        let process = Process::start(&Program {
            path: self.path.clone(),
            arguments: arguments.concat().into_iter().map(str::to_owned).collect(),
            environment: BTreeMap::new(),
            folder: self.folder.path().to_owned(),
            log: self.folder.path().join("log"),
        })?;
        let address = self.address();
        let process = self.process.insert(process);
        process.listening(&address, START_PATIENCE).await
    }

    /// Ends it as a power cut would.
    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        match self.process.take() {
            Some(mut process) => process.kill().await,
            None => Ok(()),
        }
    }

    /// Stops it in whatever it is doing.
    pub(super) async fn freeze(&self) -> anyhow::Result<()> {
        self.process
            .as_ref()
            .context("it does not run")?
            .freeze()
            .await
    }

    /// Lets it go on.
    pub(super) fn thaw(&self) -> anyhow::Result<()> {
        self.process.as_ref().context("it does not run")?.thaw()
    }

    /// Forgets everything.
    pub(super) async fn flush(&self) -> anyhow::Result<()> {
        let mut stream = TcpStream::connect(self.address()).await?;
        stream.write_all(b"FLUSHALL\r\n").await?;
        let mut answer = [0; DONE.len()];
        stream.read_exact(&mut answer).await?;
        ensure!(answer == DONE, "it does not flush");
        Ok(())
    }
}
