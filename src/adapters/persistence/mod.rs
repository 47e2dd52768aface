//! Owns the store in SQL: one set of queries for PostgreSQL and embedded `SQLite`.
//!
//! Every write goes through `commit`; the other files read, and claim sagas. `connection.rs`
//! is the only file that names a driver, `dialect.rs` the only one where the databases differ.

mod access;
mod accounts;
mod billing;
mod books;
mod commit;
mod connection;
mod declines;
mod dialect;
mod error;
mod feed;
mod inbox;
mod keys;
mod leases;
mod migrations;
mod payments;
mod postgres;
mod sagas;
mod schema;
mod secrets;
mod settlements;
mod sqlite;
mod step_up;
mod subscriptions;
mod switches;
mod tls;
mod types;
mod watches;
mod webhooks;

use std::sync::Arc;
use std::time::Duration;

use application::ports::Store;
use application::ports::store::Error;

pub use connection::{Connections, Database};
pub use error::OpenError;
pub use migrations::{migrate, pending_migrations};

/// How to open a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// How many connections to PostgreSQL; `SQLite` has one writer and as many readers.
    pub connections_max: usize,
    /// How long to wait for a free connection before the store counts as unavailable.
    pub wait: Duration,
    /// How long establishing a connection may take.
    pub connect: Duration,
    /// How long one statement, or one commit as a whole, may take.
    pub statement: Duration,
    /// Whether a `SQLite` file that does not exist is created. A mistyped path in production
    /// would otherwise be an empty database.
    pub create: bool,
    /// Whether to be the only process of its kind on a `SQLite` file: `serve` is, commands
    /// beside it are not.
    pub exclusive: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connections_max: 16,
            wait: Duration::from_secs(3),
            connect: Duration::from_secs(5),
            statement: Duration::from_secs(10),
            create: false,
            exclusive: false,
        }
    }
}

/// Opens the store behind `url`: `postgres://…`, `sqlite://path` or `sqlite::memory:`. Does not
/// migrate it.
///
/// # Errors
/// The URL is none of these, or there is no database behind it.
pub async fn open(url: &str, options: &Options) -> Result<Arc<dyn Store>, OpenError> {
    Ok(Arc::new(Database::connect(url, options).await?))
}

/// What can be read of `rows`. A row that cannot is logged and left out, so that work which others
/// wait for goes on.
fn readable<T: TryFrom<R, Error = Error>, R>(rows: Vec<R>) -> Vec<T> {
    let read = |row: Result<T, Error>| {
        row.inspect_err(|error| tracing::error!(%error, "left out"))
            .ok()
    };
    rows.into_iter().map(T::try_from).filter_map(read).collect()
}

/// What the only row is, where there is one.
fn one<T: TryFrom<R, Error = Error>, R>(rows: Vec<R>) -> Result<Option<T>, Error> {
    rows.into_iter().next().map(T::try_from).transpose()
}
