//! Owns the life of a sandbox inside a process: start, address, clock, shutdown.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::config::Config;
use crate::courier;
use crate::error::Error;
use crate::faults::Script;
use crate::journal::Journal;
use crate::mailer::Mailer;
use crate::sandbox::Sandbox;
use crate::server;
use crate::state::State;
use crate::store::Store;

/// How long open connections get to finish when the sandbox stops.
const SHUTDOWN_SECONDS_MAX: u64 = 5;

/// A sandbox that listens. Dropping it stops it without waiting.
#[derive(Debug)]
pub struct Running {
    /// Where it listens; the port is the real one even if port 0 was asked for.
    pub address: SocketAddr,
    sandbox: Arc<Sandbox>,
    requests: TaskTracker,
    journal: TaskTracker,
    stop: DropGuard,
}

/// Rebuilds the state from the journal and starts to listen.
pub async fn start(config: Config) -> Result<Running, Error> {
    let script = match &config.scenarios {
        None => Script::default(),
        Some(path) => script(path)?,
    };
    let clock = Clock::default();
    let mut state = State::new(clock.clone());
    let (requests, journal_tasks) = (TaskTracker::new(), TaskTracker::new());
    let listen_error = |source| Error::Listen {
        address: config.listen,
        source,
    };
    let listener = TcpListener::bind(config.listen)
        .await
        .map_err(listen_error)?;
    let address = listener.local_addr().map_err(listen_error)?;
    let journal = match &config.data {
        None => Journal::in_memory(),
        Some(path) => Journal::open(path, &journal_tasks, |fact| state.apply(fact)).await?,
    };
    let mailer = Mailer::new(config.clone(), Sandbox::base(address));
    let store = Store::new(clock.clone(), state, journal, mailer);
    let stop = CancellationToken::new();
    let sandbox = Sandbox::new(
        config,
        address,
        (clock, store),
        (requests.clone(), stop.clone()),
    );
    sandbox.faults.stage(script);
    let sandbox = Arc::new(sandbox);
    let router = server::router(Arc::clone(&sandbox));
    requests.spawn(server::serve(
        listener,
        router,
        requests.clone(),
        stop.clone(),
    ));
    requests.spawn(courier::carry(Arc::clone(&sandbox)));
    Ok(Running {
        address,
        sandbox,
        requests,
        journal: journal_tasks,
        stop: stop.drop_guard(),
    })
}

fn script(path: &Path) -> Result<Script, Error> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::Scenarios {
        path: path.to_owned(),
        source,
    })?;
    Script::of_toml(&text).map_err(|problem| Error::ScenariosMalformed {
        path: path.to_owned(),
        problem,
    })
}

impl Running {
    /// The base address for clients, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        self.sandbox.base.clone()
    }

    /// The clock that windows, expiry and idempotency keys go by.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.sandbox.clock.clone()
    }

    /// Stops accepting, lets requests finish for a few seconds, and closes the journal.
    pub async fn shutdown(self) {
        drop(self.stop);
        let patience = Duration::from_secs(SHUTDOWN_SECONDS_MAX);
        self.requests.close();
        if tokio::time::timeout(patience, self.requests.wait())
            .await
            .is_err()
        {
            tracing::warn!("connections are still open at shutdown; left behind");
        }
        self.sandbox.store.close();
        self.journal.close();
        if tokio::time::timeout(patience, self.journal.wait())
            .await
            .is_err()
        {
            tracing::warn!("the journal is still being written at shutdown");
        }
    }
}
