//! Owns the reading of everything that is in a database, as a thief of its backup would.

use std::fs;
use std::path::Path;

use tokio::task::JoinSet;
use tokio_postgres::{NoTls, SimpleQueryMessage};

/// Every row of every table of a PostgreSQL database; bytes are in hex.
pub(super) async fn rows(url: &str) -> String {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    let mut serving = JoinSet::new();
    serving.spawn(connection);
    let query = async |sql: &str| {
        let messages = client.simple_query(sql).await.unwrap();
        let first = |message: &SimpleQueryMessage| {
            let SimpleQueryMessage::Row(row) = message else {
                return None;
            };
            row.get(0).map(ToOwned::to_owned)
        };
        messages.iter().filter_map(first).collect::<Vec<String>>()
    };
    let tables = query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").await;
    let mut rows = Vec::new();
    for table in tables {
        rows.extend(query(&format!("SELECT t::text FROM \"{table}\" t")).await);
    }
    rows.join("\n")
}

/// The bytes of an `SQLite` database and of what was written to it last.
pub(super) fn bytes(folder: &Path) -> String {
    let files = ["payflow.db", "payflow.db-wal"].map(|name| fs::read(folder.join(name)));
    let bytes = files.into_iter().filter_map(Result::ok).flatten();
    String::from_utf8_lossy(&bytes.collect::<Vec<u8>>()).into_owned()
}
