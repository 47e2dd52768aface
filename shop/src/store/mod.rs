//! Owns the shop's database: one SQLite file, written by one connection at a time.

mod carts;
mod hooks;
mod intents;
mod orders;
mod registrations;
#[cfg(test)]
mod tests;

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::watch;

pub(crate) use self::carts::Cart;
pub(crate) use self::hooks::Taken;
pub(crate) use self::intents::{Begun, next_number};

const SCHEMA: &str = include_str!("schema.sql");
/// What was added to it since.
const HOOKS: &str = include_str!("hooks.sql");
const ACCOUNTS: &str = include_str!("accounts.sql");
const REGISTRATIONS: &str = include_str!("registrations.sql");
const SINGLE: &str = include_str!("single.sql");
const SCHEMA_VERSION: i64 = 5;
const BUSY: Duration = Duration::from_secs(5);

/// Why the database does not do what it is asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// It cannot be written or read.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// The file cannot be made.
    #[error(transparent)]
    File(#[from] std::io::Error),
    /// A row holds what the shop never writes.
    #[error("unreadable {column} {text:?}")]
    Unreadable {
        /// Where.
        column: &'static str,
        /// What.
        text: String,
    },
    /// Another version of the shop wrote the file.
    #[error("the database has schema {found}, this shop has {SCHEMA_VERSION}")]
    Version {
        /// The file's.
        found: i64,
    },
    /// The work was cut off.
    #[error("the work was cut off: {0}")]
    Cut(#[from] tokio::task::JoinError),
}

/// The database; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    connection: Arc<Mutex<Connection>>,
    changes: Arc<watch::Sender<()>>,
}

impl Store {
    /// Opens the file, or a database in memory, and brings it to this version's schema.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, Error> {
        let connection = match path {
            Some(path) => {
                create(path)?;
                Connection::open(path)?
            }
            None => Connection::open_in_memory()?,
        };
        connection.busy_timeout(BUSY)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
        let found = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        match found {
            0 => advance(
                &connection,
                &[SCHEMA, HOOKS, ACCOUNTS, REGISTRATIONS, SINGLE],
            )?,
            1 => advance(&connection, &[HOOKS, ACCOUNTS, REGISTRATIONS, SINGLE])?,
            2 => advance(&connection, &[ACCOUNTS, REGISTRATIONS, SINGLE])?,
            3 => advance(&connection, &[REGISTRATIONS, SINGLE])?,
            4 => advance(&connection, &[SINGLE])?,
            SCHEMA_VERSION => {}
            found => return Err(Error::Version { found }),
        }
        Ok(Self {
            connection: Arc::new(Mutex::new(connection)),
            changes: Arc::new(watch::Sender::new(())),
        })
    }

    /// Wakes whoever shows an order, at each change of any.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// What is no news wakes nobody.
    fn changed(&self, is_news: bool) {
        if is_news {
            self.changes.send_replace(());
        }
    }

    /// Runs work on the connection, all of it or nothing, away from the threads that serve pages.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let shared = Arc::clone(&self.connection);
        let done = tokio::task::spawn_blocking(move || {
            // A panic under the lock was rolled back like any other error.
            let mut connection = shared.lock().unwrap_or_else(PoisonError::into_inner);
            let transaction =
                connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            let done = work(&transaction)?;
            transaction.commit()?;
            Ok(done)
        });
        done.await?
    }
}

/// Brings the schema on, in one step.
fn advance(connection: &Connection, steps: &[&str]) -> Result<(), Error> {
    let steps = steps.concat();
    Ok(connection.execute_batch(&format!("BEGIN IMMEDIATE; {steps} COMMIT;"))?)
}

/// Makes the file where there is none, for its owner only; SQLite's own files follow it.
fn create(path: &Path) -> Result<(), Error> {
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o600);
    Ok(options.open(path).map(drop)?)
}
