//! Owns the life of a shop inside a process: start, address, shutdown.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::config::Config;
use crate::payflow::Client;
use crate::sales::Shop;
use crate::store::{self, Store};
use crate::web::{self, Web};

/// How long open requests get to finish when the shop stops.
const SHUTDOWN_SECONDS_MAX: u64 = 20;

/// Why a shop does not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is taken, or not this machine's.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The database cannot be opened.
    #[error("cannot open the database: {0}")]
    Database(String),
    /// The HTTP client cannot be made.
    #[error("cannot make an HTTP client: {0}")]
    Client(#[from] reqwest::Error),
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        Self::Database(error.to_string())
    }
}

/// A shop that listens. Dropping it stops it without waiting.
#[derive(Debug)]
pub struct Running {
    /// Where it listens; the port is the real one even if port 0 was asked for.
    pub address: SocketAddr,
    tasks: TaskTracker,
    end: DropGuard,
}

/// Opens the database, listens, and looks after the orders under way.
///
/// # Errors
/// See [`Error`].
pub async fn start(config: Config) -> Result<Running, Error> {
    // Whoever started the process may have installed one before.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let shop = Arc::new(Shop {
        store: Store::open(config.data.as_deref())?,
        payflow: Client::new(config.access.clone())?,
    });
    let listen_error = |source| Error::Listen {
        address: config.listen,
        source,
    };
    let listener = TcpListener::bind(config.listen)
        .await
        .map_err(listen_error)?;
    let address = listener.local_addr().map_err(listen_error)?;
    let (tasks, end) = (TaskTracker::new(), CancellationToken::new());
    let web = Web::new(Arc::clone(&shop), &config, end.clone());
    let router = web::router(Arc::new(web));
    let stopped = end.clone().cancelled_owned();
    tasks.spawn(async move {
        let served = axum::serve(listener, router).with_graceful_shutdown(stopped);
        if let Err(error) = served.await {
            tracing::error!(%error, "the shop no longer listens");
        }
    });
    let base = config.public_url;
    let base = base.unwrap_or_else(|| format!("http://{address}"));
    let (told, until) = (Arc::clone(&shop), end.clone());
    let hooks = format!("{}{}", base.trim_end_matches('/'), web::HOOKS);
    tasks.spawn(async move { told.register(hooks, until).await });
    tasks.spawn(shop.watch(end.clone()));
    Ok(Running {
        address,
        tasks,
        end: end.drop_guard(),
    })
}

impl Running {
    /// The base address for browsers, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops accepting, and lets requests and intents under way finish for a while.
    pub async fn shutdown(self) {
        drop(self.end);
        self.tasks.close();
        let patience = Duration::from_secs(SHUTDOWN_SECONDS_MAX);
        if tokio::time::timeout(patience, self.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!("requests are still under way at shutdown; taken up at the next start");
        }
    }
}
