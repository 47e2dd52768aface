//! Owns what a harness writes itself: months that pass, and rows in numbers that no client makes.

use std::time::Duration;

use anyhow::Context as _;

use super::{Target, connect};

/// How long a write waits for another one.
const BUSY_PATIENCE: Duration = Duration::from_secs(20);

/// Writes all of it in one transaction.
pub(crate) async fn write(target: &Target, statements: &[String]) -> anyhow::Result<()> {
    let all = format!("BEGIN;\n{};\nCOMMIT;", statements.join(";\n"));
    match target {
        Target::Sqlite(path) => {
            let path = path.clone();
            let written = tokio::task::spawn_blocking(move || {
                let connection = rusqlite::Connection::open(path)?;
                connection.busy_timeout(BUSY_PATIENCE)?;
                connection.execute_batch(&all).context(all)
            });
            written.await?
        }
        Target::Postgres(url) => {
            let (client, _driver) = connect(url).await?;
            client.batch_execute(&all).await.context(all)
        }
    }
}
