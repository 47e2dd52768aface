//! Owns bringing a database to the schema that this binary knows; safe when several start at once.

use diesel::pg::Pg;
use diesel::sqlite::Sqlite;
use diesel_async::{AsyncMigrationHarness, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use tokio::task::spawn_blocking;

use super::connection::{Database, Pools};
use super::{OpenError, postgres, sqlite};

const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");
const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");

/// Held while migrating: the migrations themselves take no lock, and two that run together fail.
const LOCK: &str = "SELECT pg_advisory_lock(7041)";

/// Runs the migrations that are pending. Needs the multi-thread runtime.
///
/// # Errors
/// The database is away, or a migration fails; each one is all or nothing.
pub async fn migrate(database: &Database) -> Result<(), OpenError> {
    match database.pools.as_ref() {
        Pools::Postgres(server) => migrate_postgres(server).await,
        Pools::Sqlite(file) => migrate_sqlite(file).await,
    }
}

/// The names of the migrations that are pending. Needs the multi-thread runtime.
///
/// # Errors
/// The database is away.
pub async fn pending_migrations(database: &Database) -> Result<Vec<String>, OpenError> {
    match database.pools.as_ref() {
        Pools::Postgres(server) => {
            let conn = server.apart().await.map_err(unreachable)?;
            let pending = AsyncMigrationHarness::new(conn).pending_migrations(POSTGRES);
            let pending = pending.map_err(failed)?;
            Ok(pending.iter().map(|one| one.name().to_string()).collect())
        }
        Pools::Sqlite(file) => {
            let connect = file.apart();
            let looked = spawn_blocking(move || {
                let mut conn = connect().map_err(unreachable)?;
                let pending = MigrationHarness::<Sqlite>::pending_migrations(&mut conn, SQLITE);
                let pending = pending.map_err(failed)?;
                Ok(pending.iter().map(|one| one.name().to_string()).collect())
            });
            looked.await.map_err(unreachable)?
        }
    }
}

async fn migrate_postgres(server: &postgres::Server) -> Result<(), OpenError> {
    // Its own connection, closed at the end: the lock ends with it.
    let mut conn = server.apart().await.map_err(unreachable)?;
    conn.batch_execute(LOCK).await.map_err(unreachable)?;
    // A migration that waits for a busy table would make everybody else wait behind it.
    conn.batch_execute("SET lock_timeout = '2s'")
        .await
        .map_err(unreachable)?;
    let mut harness = AsyncMigrationHarness::new(conn);
    MigrationHarness::<Pg>::run_pending_migrations(&mut harness, POSTGRES).map_err(failed)?;
    Ok(())
}

async fn migrate_sqlite(file: &sqlite::File) -> Result<(), OpenError> {
    let connect = file.apart();
    let ran = spawn_blocking(move || {
        let mut conn = connect().map_err(unreachable)?;
        // The write lock from the start: what is pending is read under it.
        conn.immediate_transaction(|conn| {
            let ran = MigrationHarness::<Sqlite>::run_pending_migrations(conn, SQLITE);
            ran.map(|_| ()).map_err(Failed::Migration)
        })
        .map_err(|error| match error {
            Failed::Migration(error) => failed(error),
            Failed::Database(error) => unreachable(error),
        })
    });
    ran.await.map_err(unreachable)?
}

enum Failed {
    Migration(Box<dyn std::error::Error + Send + Sync>),
    Database(diesel::result::Error),
}

impl From<diesel::result::Error> for Failed {
    fn from(error: diesel::result::Error) -> Self {
        Self::Database(error)
    }
}

fn unreachable(error: impl std::fmt::Display) -> OpenError {
    OpenError::Unreachable(error.to_string())
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn failed(error: Box<dyn std::error::Error + Send + Sync>) -> OpenError {
    OpenError::Migration(error.to_string())
}
