//! Owns the connections: the pools, and one [`Connection`] to either database on which diesel's
//! own verbs work.

use std::sync::Arc;
use std::time::Duration;

use application::ports::store::Error;
use deadpool::Status;
use deadpool::managed::{Object, Pool, QueueMode, Timeouts};
use diesel::QueryResult;
use diesel_async::methods::{ExecuteDsl, LoadQuery};
use diesel_async::pooled_connection::{
    AsyncDieselConnectionManager, ManagerConfig, PoolableConnection, RecyclingMethod, SetupCallback,
};
use diesel_async::sync_connection_wrapper::SyncConnectionWrapper;
use diesel_async::{AsyncPgConnection, RunQueryDsl as AsyncRunQueryDsl, SimpleAsyncConnection};

use domain::Timestamp;

use super::commit::Group;
use super::dialect::db_now;
use super::types::AsInstant;
use super::{OpenError, Options, error, postgres, sqlite};

/// So many transactions at once keep PostgreSQL busy; fewer share their flush better.
const WRITERS: usize = 4;

/// A connection to PostgreSQL.
pub(super) type Postgres = AsyncPgConnection;
/// A connection to `SQLite`, off the async threads.
pub(super) type Sqlite = SyncConnectionWrapper<SyncSqlite>;
/// The same without its thread.
pub(super) type SyncSqlite = diesel::SqliteConnection;
/// Connections of one kind.
pub(super) type PoolOf<C> = Pool<AsyncDieselConnectionManager<C>>;
type Pooled<C> = Object<AsyncDieselConnectionManager<C>>;

/// The store in SQL.
#[derive(Clone)]
pub struct Database {
    pub(super) pools: Arc<Pools>,
    pub(super) group: Arc<Group>,
    /// How long one transaction may take before its connection is given up.
    pub(super) patience: Duration,
    /// How long to wait for somebody who writes.
    pub(super) wait: Duration,
}

/// The connections of a database.
pub(super) enum Pools {
    Postgres(postgres::Server),
    Sqlite(sqlite::File),
}

impl Database {
    /// Opens the database behind `url`, and makes sure that it answers.
    ///
    /// # Errors
    /// The URL is not of a kind we know, or there is no database behind it.
    pub async fn connect(url: &str, options: &Options) -> Result<Self, OpenError> {
        let (pools, writers) = if let Some(place) = url.strip_prefix("sqlite:") {
            (Pools::Sqlite(sqlite::File::open(place, options)?), 1)
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let server = postgres::Server::new(url, options)?;
            (
                Pools::Postgres(server),
                WRITERS.min(options.connections_max),
            )
        } else {
            return Err(OpenError::Scheme);
        };
        let database = Self {
            pools: Arc::new(pools),
            group: Arc::new(Group::new(writers.max(1))),
            patience: options.statement,
            wait: options.wait,
        };
        let answered = database.writer().await;
        answered.map_err(|error| OpenError::Unreachable(error.to_string()))?;
        Ok(database)
    }

    /// A connection to read with.
    pub(super) async fn reader(&self) -> Result<Lease, Error> {
        match self.pools.as_ref() {
            Pools::Postgres(server) => lease(&server.pool, Held::Postgres).await,
            Pools::Sqlite(file) => lease(&file.readers, Held::Sqlite).await,
        }
    }

    /// A connection to write with.
    pub(super) async fn writer(&self) -> Result<Lease, Error> {
        match self.pools.as_ref() {
            Pools::Postgres(server) => lease(&server.pool, Held::Postgres).await,
            Pools::Sqlite(file) => lease(&file.writer, Held::Sqlite).await,
        }
    }
}

/// How the connections of a pool stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connections {
    /// Which pool: `all`, or `readers` and `writer` of `SQLite`.
    pub pool: &'static str,
    /// How many there may be.
    pub max: usize,
    /// How many are open.
    pub open: usize,
    /// How many of them nobody uses.
    pub idle: usize,
    /// Who waits for one.
    pub waiting: usize,
}

impl Connections {
    fn of(pool: &'static str, status: Status) -> Self {
        Self {
            pool,
            max: status.max_size,
            open: status.size,
            idle: status.available,
            waiting: status.waiting,
        }
    }
}

impl Database {
    /// How the connections stand.
    #[must_use]
    pub fn connections(&self) -> Vec<Connections> {
        match self.pools.as_ref() {
            Pools::Postgres(server) => vec![Connections::of("all", server.pool.status())],
            Pools::Sqlite(file) => vec![
                Connections::of("readers", file.readers.status()),
                Connections::of("writer", file.writer.status()),
            ],
        }
    }

    /// The database's time, by which leases are measured.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn clock(&self) -> Result<Timestamp, Error> {
        let told = self.load::<_, AsInstant>(diesel::select(db_now())).await?;
        let told = told.into_iter().next().map(|told| told.0);
        told.ok_or_else(|| Error::Unavailable("the database tells no time".to_owned()))
    }

    /// Every row of a query that only reads.
    pub(super) async fn load<'query, Q, U>(&self, query: Q) -> Result<Vec<U>, Error>
    where
        Q: for<'a> LoadQuery<'query, &'a Postgres, U> + LoadQuery<'query, Sqlite, U>,
        Q: Send + 'query,
        U: Send,
    {
        let mut lease = self.reader().await?;
        let rows = RunQueryDsl::load(query, &mut lease.connection()).await;
        rows.map_err(|error| error::of_read(&error))
    }

    /// How many rows one statement touched, in a transaction of its own.
    pub(super) async fn execute<'query, Q>(&self, query: Q) -> Result<usize, Error>
    where
        Q: for<'a> ExecuteDsl<&'a Postgres> + ExecuteDsl<Sqlite> + Send + 'query,
    {
        let mut lease = self.writer().await?;
        let touched = RunQueryDsl::execute(query, &mut lease.connection()).await;
        touched.map_err(|error| error::of_read(&error))
    }
}

async fn lease<C>(pool: &PoolOf<C>, held: fn(Pooled<C>) -> Held) -> Result<Lease, Error>
where
    C: PoolableConnection + 'static,
    AsyncDieselConnectionManager<C>: deadpool::managed::Manager<Type = C>,
    <AsyncDieselConnectionManager<C> as deadpool::managed::Manager>::Error: std::fmt::Display,
{
    let pooled = pool.get().await;
    let pooled = pooled.map_err(|error| Error::Unavailable(error.to_string()))?;
    Ok(Lease {
        held: Some(held(pooled)),
        in_transaction: false,
        in_statement: false,
    })
}

/// A pool of connections that `setup` makes.
pub(super) fn pool<C>(
    setup: SetupCallback<C>,
    size: usize,
    options: &Options,
) -> Result<PoolOf<C>, OpenError>
where
    C: PoolableConnection + 'static,
    AsyncDieselConnectionManager<C>: deadpool::managed::Manager<Type = C>,
{
    let mut config = ManagerConfig::default();
    // A broken connection is known as such without a question; see `Lease`'s drop for the rest.
    config.recycling_method = RecyclingMethod::Fast;
    config.custom_setup = setup;
    let manager = AsyncDieselConnectionManager::new_with_config("", config);
    Pool::builder(manager)
        .max_size(size.max(1))
        // The connection used last knows the statements best: its plans and pages are warm.
        .queue_mode(QueueMode::Lifo)
        .timeouts(Timeouts {
            wait: Some(options.wait),
            create: Some(options.connect),
            recycle: Some(options.connect),
        })
        .runtime(deadpool::Runtime::Tokio1)
        .build()
        .map_err(|error| OpenError::Unreachable(error.to_string()))
}

#[expect(
    clippy::large_enum_variant,
    reason = "one to a lease, never in a collection"
)]
enum Held {
    Postgres(Pooled<Postgres>),
    Sqlite(Pooled<Sqlite>),
}

/// A connection out of a pool. Dropped in the middle of a statement or a transaction it is
/// closed, which rolls back at once; the pool would only notice when it hands the connection out
/// again, and until then its locks would stay.
pub(super) struct Lease {
    held: Option<Held>,
    in_transaction: bool,
    in_statement: bool,
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.in_transaction || self.in_statement {
            match self.held.take() {
                Some(Held::Postgres(pooled)) => drop(Object::take(pooled)),
                Some(Held::Sqlite(pooled)) => drop(Object::take(pooled)),
                None => {}
            }
        }
    }
}

impl Lease {
    /// The connection, to run statements on.
    pub(super) fn connection(&mut self) -> Connection<'_> {
        match self.held.as_mut().expect("only the drop takes it") {
            Held::Postgres(pooled) => Connection::Postgres(pooled),
            Held::Sqlite(pooled) => Connection::Sqlite {
                conn: pooled,
                running: &mut self.in_statement,
            },
        }
    }

    /// Begins a transaction. In `SQLite` as a writer from the start: a reader could not become
    /// one later when two try.
    pub(super) async fn begin(&mut self) -> QueryResult<()> {
        self.in_transaction = true;
        self.control("BEGIN", "BEGIN IMMEDIATE").await
    }

    /// Commits. After an error the connection is closed with the lease.
    pub(super) async fn commit(&mut self) -> QueryResult<()> {
        self.control("COMMIT", "COMMIT").await?;
        self.in_transaction = false;
        Ok(())
    }

    /// Rolls back. After an error the connection is closed with the lease, which does the same.
    pub(super) async fn rollback(&mut self) {
        if self.control("ROLLBACK", "ROLLBACK").await.is_ok() {
            self.in_transaction = false;
        }
    }

    async fn control(&mut self, postgres: &str, sqlite: &str) -> QueryResult<()> {
        match self.connection() {
            Connection::Postgres(mut conn) => conn.batch_execute(postgres).await,
            Connection::Sqlite { conn, running } => {
                *running = true;
                let done = conn.batch_execute(sqlite).await;
                *running = false;
                done
            }
        }
    }
}

/// A connection to either database.
pub(super) enum Connection<'a> {
    /// Shared: statements that are polled together travel together.
    Postgres(&'a Postgres),
    Sqlite {
        conn: &'a mut Sqlite,
        /// Set while a statement is with its thread.
        running: &'a mut bool,
    },
}

/// diesel's verbs for every query that both databases understand. Named as diesel-async's, and
/// imported instead of it.
pub(super) trait RunQueryDsl: Sized {
    /// How many rows it touched.
    fn execute<'a, 'query>(
        self,
        conn: &mut Connection<'a>,
    ) -> impl Future<Output = QueryResult<usize>> + Send
    where
        Self: ExecuteDsl<&'a Postgres> + ExecuteDsl<Sqlite> + Send + 'query,
    {
        async move {
            match conn {
                Connection::Postgres(conn) => AsyncRunQueryDsl::execute(self, conn).await,
                Connection::Sqlite { conn, running } => {
                    **running = true;
                    let done = AsyncRunQueryDsl::execute(self, *conn).await;
                    **running = false;
                    done
                }
            }
        }
    }

    /// Every row.
    fn load<'a, 'query, U>(
        self,
        conn: &mut Connection<'a>,
    ) -> impl Future<Output = QueryResult<Vec<U>>> + Send
    where
        U: Send,
        Self: LoadQuery<'query, &'a Postgres, U> + LoadQuery<'query, Sqlite, U> + Send + 'query,
    {
        async move {
            match conn {
                Connection::Postgres(conn) => AsyncRunQueryDsl::load(self, conn).await,
                Connection::Sqlite { conn, running } => {
                    **running = true;
                    let rows = AsyncRunQueryDsl::load(self, *conn).await;
                    **running = false;
                    rows
                }
            }
        }
    }
}

impl<Q> RunQueryDsl for Q {}
