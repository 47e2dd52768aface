//! Owns the way to a database: its address, one consistent snapshot, rows of either kind.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Mutex;
use std::time::Duration;

use anyhow::Context as _;
use rusqlite::types::ValueRef;
use tokio::task::JoinSet;
use tokio_postgres::NoTls;

/// How long a read waits for a writer of SQLite.
const BUSY_PATIENCE: Duration = Duration::from_secs(5);

/// Which database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A file.
    Sqlite(PathBuf),
    /// A server's address.
    Postgres(String),
}

impl FromStr for Target {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(text.to_owned()));
        }
        let path = text.strip_prefix("sqlite:").unwrap_or(text);
        let path = path.strip_prefix("//").unwrap_or(path);
        Ok(Self::Sqlite(PathBuf::from(path)))
    }
}

/// A database as it was at one instant.
pub(crate) enum Snapshot {
    /// Of a file; locked, because runs side by side may move between threads.
    Sqlite(Mutex<rusqlite::Connection>),
    /// Of a server; the set drives its connection.
    Postgres {
        client: tokio_postgres::Client,
        _driver: JoinSet<()>,
    },
}

/// One row, whichever the database.
pub(super) enum Row<'a> {
    /// Of a file.
    Sqlite(&'a rusqlite::Row<'a>),
    /// Of a server.
    Postgres(&'a tokio_postgres::Row),
}

/// What differs between the two dialects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Instants are integers.
    Sqlite,
    /// Instants are TIMESTAMPTZ, booleans BOOLEAN.
    Postgres,
}

impl Dialect {
    /// An expression for an instant in microseconds since 1970.
    pub(super) fn microseconds(self, column: &str) -> String {
        match self {
            Self::Sqlite => column.to_owned(),
            Self::Postgres => format!("CAST(EXTRACT(EPOCH FROM {column}) * 1000000 AS BIGINT)"),
        }
    }

    /// An expression for a condition as 0 or 1.
    pub(super) fn condition(self, condition: &str) -> String {
        let truth = match self {
            Self::Sqlite => format!("({condition}) <> 0"),
            Self::Postgres => format!("({condition})"),
        };
        format!("CAST(CASE WHEN {truth} THEN 1 ELSE 0 END AS BIGINT)")
    }
}

impl Snapshot {
    /// Opens a snapshot.
    pub(crate) async fn open(target: &Target) -> anyhow::Result<Self> {
        match target {
            Target::Sqlite(path) => Ok(Self::Sqlite(Mutex::new(open_file(path)?))),
            Target::Postgres(url) => {
                let (client, driver) = connect(url).await?;
                let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
                client.batch_execute(begin).await?;
                Ok(Self::Postgres {
                    client,
                    _driver: driver,
                })
            }
        }
    }

    pub(super) const fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres { .. } => Dialect::Postgres,
        }
    }

    /// Reads all rows of a query.
    pub(super) async fn rows<T>(
        &self,
        sql: &str,
        read: fn(&Row<'_>) -> anyhow::Result<T>,
    ) -> anyhow::Result<Vec<T>> {
        match self {
            Self::Sqlite(connection) => {
                let connection = connection
                    .lock()
                    .expect("nothing panics while it is locked");
                rows_of_file(&connection, sql, read)
            }
            Self::Postgres { client, .. } => {
                let rows = client.query(sql, &[]).await.context(sql.to_owned())?;
                let read = |row| read(&Row::Postgres(row)).with_context(|| sql.to_owned());
                rows.iter().map(read).collect()
            }
        }
    }
}

impl Row<'_> {
    /// A text.
    pub(super) fn text(&self, index: usize) -> anyhow::Result<String> {
        self.text_or_null(index)?
            .with_context(|| format!("column {index} is null"))
    }

    /// A text or nothing.
    pub(super) fn text_or_null(&self, index: usize) -> anyhow::Result<Option<String>> {
        Ok(match self {
            Self::Sqlite(row) => row.get(index)?,
            Self::Postgres(row) => row.try_get(index)?,
        })
    }

    /// A number.
    pub(super) fn number(&self, index: usize) -> anyhow::Result<i64> {
        Ok(match self {
            Self::Sqlite(row) => row.get(index)?,
            Self::Postgres(row) => row.try_get(index)?,
        })
    }

    /// A condition as [`Dialect::condition`] writes it.
    pub(super) fn flag(&self, index: usize) -> anyhow::Result<bool> {
        Ok(self.number(index)? != 0)
    }

    /// Bytes.
    pub(super) fn bytes(&self, index: usize) -> anyhow::Result<Vec<u8>> {
        Ok(match self {
            // A corrupt file may hold text where bytes belong; what counts are the bytes.
            Self::Sqlite(row) => match row.get_ref(index)? {
                ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.to_vec(),
                ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => Vec::new(),
            },
            Self::Postgres(row) => row.try_get(index)?,
        })
    }
}

fn rows_of_file<T>(
    connection: &rusqlite::Connection,
    sql: &str,
    read: fn(&Row<'_>) -> anyhow::Result<T>,
) -> anyhow::Result<Vec<T>> {
    let mut statement = connection.prepare(sql).context(sql.to_owned())?;
    let mut rows = statement.query([])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(read(&Row::Sqlite(row)).with_context(|| sql.to_owned())?);
    }
    Ok(all)
}

/// Connects to a server; dropping the set ends the connection.
pub(crate) async fn connect(url: &str) -> anyhow::Result<(tokio_postgres::Client, JoinSet<()>)> {
    let (client, connection) = tokio_postgres::connect(url, NoTls)
        .await
        .context("cannot connect to PostgreSQL")?;
    let mut driver = JoinSet::new();
    driver.spawn(async move {
        // Whoever uses the client sees the same error.
        let _ = connection.await;
    });
    Ok((client, driver))
}

fn open_file(path: &Path) -> anyhow::Result<rusqlite::Connection> {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE;
    let connection = rusqlite::Connection::open_with_flags(path, flags)
        .with_context(|| format!("cannot open {}", path.display()))?;
    connection.busy_timeout(BUSY_PATIENCE)?;
    connection.execute_batch("PRAGMA query_only = ON; BEGIN")?;
    Ok(connection)
}
