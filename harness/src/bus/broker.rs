//! Owns the broker: a program that is away until it is started.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use crate::process::{Process, Program};

const START_PATIENCE: Duration = Duration::from_secs(20);

/// A broker that keeps messages in memory.
pub(crate) struct Broker {
    path: PathBuf,
    port: u16,
    process: Option<Process>,
    folder: TempDir,
}

impl Broker {
    /// An address where nobody listens yet.
    pub(crate) fn reserve(path: &Path) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        Ok(Self {
            path: path.to_owned(),
            port: listener.local_addr()?.port(),
            process: None,
            folder: tempfile::tempdir()?,
        })
    }

    /// Ends it as a power cut would; it forgets everything.
    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        match self.process.take() {
            Some(mut process) => process.kill().await,
            None => Ok(()),
        }
    }

    /// Host and port.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Starts it, and waits until it takes connections.
    pub(crate) async fn start(&mut self) -> anyhow::Result<()> {
        let url = format!("tcp://{}", self.address());
        let arguments = [
            ["broker", "--storage-engine=memory://tansu/"],
            ["--listener-url", &url],
            ["--advertised-listener-url", &url],
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
}
