//! Owns how a connection to PostgreSQL is made: its settings, its timeouts, its encryption.

use std::sync::Arc;
use std::time::Duration;

use diesel::{ConnectionError, ConnectionResult};
use diesel_async::SimpleAsyncConnection;
use diesel_async::pooled_connection::SetupCallback;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::connection::{PoolOf, Postgres, pool};
use super::{OpenError, Options, tls};

/// Shown by the server beside every connection.
const APPLICATION: &str = "payflow";

/// Our joins find each row by its key, once: the planner's cache of rows found before costs more
/// than the join and never has one. Servers before 14 have no such cache.
const NO_MEMOIZE: &str = "SELECT set_config(name, 'off', false) FROM pg_settings \
                          WHERE name = 'enable_memoize'";

/// A server, and the connections to it.
pub(crate) struct Server {
    pub(super) pool: PoolOf<Postgres>,
    address: Arc<Address>,
}

struct Address {
    config: Config,
    tls: Option<MakeRustlsConnect>,
}

impl Server {
    pub(super) fn new(url: &str, options: &Options) -> Result<Self, OpenError> {
        let (url, trust) = tls::take_from(url)?;
        let mut config: Config = url.parse().map_err(|error| unusable(&error))?;
        config
            .ssl_mode(match trust {
                tls::Trust::NoTls => SslMode::Disable,
                tls::Trust::Opportunistic => SslMode::Prefer,
                tls::Trust::Anyone | tls::Trust::Chain(_) | tls::Trust::ChainAndName(_) => {
                    SslMode::Require
                }
            })
            .connect_timeout(options.connect)
            // A server that vanished is noticed within half a minute, also in mid-statement.
            .keepalives_idle(Duration::from_secs(15))
            .keepalives_interval(Duration::from_secs(5))
            .keepalives_retries(3)
            .tcp_user_timeout(Duration::from_secs(30));
        if config.get_application_name().is_none() {
            config.application_name(APPLICATION);
        }
        let address = Arc::new(Address {
            config,
            tls: tls::connector(&trust)?,
        });
        let (made_at, limit) = (Arc::clone(&address), options.statement);
        let setup: SetupCallback<Postgres> = Box::new(move |_| {
            let address = Arc::clone(&made_at);
            Box::pin(async move { address.connect(Some(limit)).await })
        });
        Ok(Self {
            pool: pool(setup, options.connections_max, options)?,
            address,
        })
    }

    /// A connection outside the pool, without a limit on its statements.
    pub(super) async fn apart(&self) -> ConnectionResult<Postgres> {
        self.address.connect(None).await
    }
}

impl Address {
    async fn connect(&self, limit: Option<Duration>) -> ConnectionResult<Postgres> {
        let mut conn = if let Some(tls) = &self.tls {
            let connected = self.config.connect(tls.clone()).await;
            let (client, driven) = connected.map_err(|error| refused(&error))?;
            Postgres::try_from_client_and_connection(client, driven).await?
        } else {
            let connected = self.config.connect(NoTls).await;
            let (client, driven) = connected.map_err(|error| refused(&error))?;
            Postgres::try_from_client_and_connection(client, driven).await?
        };
        if let Some(limit) = limit {
            let limit = format!("SET statement_timeout = {}", limit.as_millis());
            let set = conn.batch_execute(&format!("{limit}; {NO_MEMOIZE}")).await;
            set.map_err(ConnectionError::CouldntSetupConfiguration)?;
        }
        Ok(conn)
    }
}

/// The driver's message and what is behind it; it holds no password.
fn refused(error: &tokio_postgres::Error) -> ConnectionError {
    let why = std::error::Error::source(error)
        .map(|why| format!(": {why}"))
        .unwrap_or_default();
    ConnectionError::BadConnection(format!("{error}{why}"))
}

fn unusable(error: &tokio_postgres::Error) -> OpenError {
    let why =
        std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
    OpenError::Url(why)
}
