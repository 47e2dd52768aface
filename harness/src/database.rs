//! Owns a database of one's own: a file in the stand's folder, or a fresh one on a server.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::books::{Target, connect};
use crate::random;

/// A database that nothing else uses.
#[derive(Debug)]
pub(crate) enum Database {
    /// A file, removed with its folder.
    Sqlite(PathBuf),
    /// A database on a server.
    Postgres {
        /// Where it may be created and dropped.
        server: String,
        /// Its name.
        name: String,
    },
}

impl Database {
    /// Makes one: of `sqlite` in `folder`, or on the server at an address.
    pub(crate) async fn create(kind: &str, folder: &Path) -> anyhow::Result<Self> {
        if kind == "sqlite" {
            return Ok(Self::Sqlite(folder.join("data/payflow.db")));
        }
        let name = format!("payflow_harness_{}", random::unique_name());
        execute(kind, &format!("CREATE DATABASE {name}")).await?;
        Ok(Self::Postgres {
            server: kind.to_owned(),
            name,
        })
    }

    /// A copy on the same server; nobody may be connected to this one.
    pub(crate) async fn copy(&self, server: &str) -> anyhow::Result<Self> {
        let Self::Postgres { name: original, .. } = self else {
            anyhow::bail!("only a server copies databases");
        };
        let name = format!("payflow_harness_{}", random::unique_name());
        execute(
            server,
            &format!("CREATE DATABASE {name} TEMPLATE {original}"),
        )
        .await?;
        Ok(Self::Postgres {
            server: server.to_owned(),
            name,
        })
    }

    /// Where the checks find it.
    pub(crate) fn target(&self) -> Target {
        match self {
            Self::Sqlite(path) => Target::Sqlite(path.clone()),
            Self::Postgres { server, name } => Target::Postgres(within(server, name)),
        }
    }

    /// Where the service finds it.
    pub(crate) fn address(&self) -> anyhow::Result<String> {
        match self {
            Self::Sqlite(path) => {
                let path = path.to_str().context("a path that is not UTF-8")?;
                Ok(format!("sqlite://{path}"))
            }
            Self::Postgres { server, name } => Ok(within(server, name)),
        }
    }

    /// Drops it.
    pub(crate) async fn remove(self) -> anyhow::Result<()> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres { server, name } => {
                execute(
                    &server,
                    &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
                )
                .await
            }
        }
    }
}

/// The address of another database on the same server.
fn within(server: &str, name: &str) -> String {
    let (address, options) = match server.split_once('?') {
        Some((address, options)) => (address, format!("?{options}")),
        None => (server, String::new()),
    };
    let hosts_from = address.find("://").map_or(0, |at| at.saturating_add(3));
    let hosts = address.get(hosts_from..).unwrap_or_default();
    let end = hosts
        .find('/')
        .map_or(address.len(), |at| hosts_from.saturating_add(at));
    format!("{}/{name}{options}", address.get(..end).unwrap_or(address))
}

async fn execute(server: &str, sql: &str) -> anyhow::Result<()> {
    let (client, _driver) = connect(server).await?;
    client
        .batch_execute(sql)
        .await
        .with_context(|| sql.to_owned())
}

#[cfg(test)]
mod tests {
    use super::within;

    #[test]
    fn keeps_host_and_options() {
        let other = |server| within(server, "b");
        assert_eq!(
            other("postgres://u:p@h:1/a?sslmode=disable"),
            "postgres://u:p@h:1/b?sslmode=disable"
        );
        assert_eq!(other("postgres://h"), "postgres://h/b");
        assert_eq!(other("postgres://u@h:1/"), "postgres://u@h:1/b");
    }
}
