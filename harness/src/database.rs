//! Owns a database of one's own: a file in the stand's folder, or a fresh one on a server.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use tokio::runtime;
use tokio::time::timeout;

use crate::books::{Target, connect};
use crate::{output, random};

/// How long a run that failed waits for its database to be dropped.
const DROP_PATIENCE: Duration = Duration::from_secs(20);

/// A database that nothing else uses.
#[derive(Debug)]
pub(crate) enum Database {
    /// A file, removed with its folder.
    Sqlite(PathBuf),
    /// A database on a server.
    Postgres(OnServer),
}

/// A database on a server, dropped with this also where a run fails.
#[derive(Debug)]
pub(crate) struct OnServer {
    /// Where it may be created and dropped.
    server: String,
    /// Its name; none once it was dropped.
    name: Option<String>,
}

impl OnServer {
    fn address(&self) -> String {
        within(&self.server, self.name.as_deref().unwrap_or_default())
    }
}

impl Drop for OnServer {
    fn drop(&mut self) {
        let Some(name) = self.name.take() else {
            return;
        };
        let server = self.server.clone();
        let called = name.clone();
        // Within a runtime nothing may be waited for: that needs one of its own, elsewhere.
        let dropped = thread::spawn(move || {
            let mut own = runtime::Builder::new_current_thread();
            let own = own.enable_all().build()?;
            own.block_on(async { timeout(DROP_PATIENCE, drop_it(&server, &called)).await? })
        });
        match dropped.join() {
            Ok(Ok(())) => {}
            Ok(Err(error)) => output::say(&format!("{name} stays behind: {error:#}")),
            Err(_) => output::say(&format!("{name} stays behind")),
        }
    }
}

impl Database {
    /// Makes one: of `sqlite` in `folder`, or on the server at an address.
    pub(crate) async fn create(kind: &str, folder: &Path) -> anyhow::Result<Self> {
        if kind == "sqlite" {
            return Ok(Self::Sqlite(folder.join("data/payflow.db")));
        }
        let name = format!("payflow_harness_{}", random::unique_name());
        execute(kind, &format!("CREATE DATABASE {name}")).await?;
        Ok(Self::Postgres(OnServer {
            server: kind.to_owned(),
            name: Some(name),
        }))
    }

    /// A copy on the same server; nobody may be connected to this one.
    pub(crate) async fn copy(&self, server: &str) -> anyhow::Result<Self> {
        let Self::Postgres(OnServer { name, .. }) = self else {
            anyhow::bail!("only a server copies databases");
        };
        let original = name.as_deref().context("it was dropped")?;
        let name = format!("payflow_harness_{}", random::unique_name());
        execute(
            server,
            &format!("CREATE DATABASE {name} TEMPLATE {original}"),
        )
        .await?;
        Ok(Self::Postgres(OnServer {
            server: server.to_owned(),
            name: Some(name),
        }))
    }

    /// Where the checks find it.
    pub(crate) fn target(&self) -> Target {
        match self {
            Self::Sqlite(path) => Target::Sqlite(path.clone()),
            Self::Postgres(own) => Target::Postgres(own.address()),
        }
    }

    /// Where the service finds it.
    pub(crate) fn address(&self) -> anyhow::Result<String> {
        match self {
            Self::Sqlite(path) => {
                let path = path.to_str().context("a path that is not UTF-8")?;
                Ok(format!("sqlite://{path}"))
            }
            Self::Postgres(own) => Ok(own.address()),
        }
    }

    /// Drops it.
    pub(crate) async fn remove(self) -> anyhow::Result<()> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(mut own) => match &own.name {
                Some(name) => {
                    drop_it(&own.server, name).await?;
                    own.name = None;
                    Ok(())
                }
                None => Ok(()),
            },
        }
    }
}

async fn drop_it(server: &str, name: &str) -> anyhow::Result<()> {
    let statement = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
    execute(server, &statement).await
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
    use std::env;
    use std::path::Path;

    use super::{Database, within};
    use crate::books::connect;

    /// A run that fails drops what it has made, and so does one that panics.
    #[tokio::test]
    #[expect(
        clippy::disallowed_methods,
        reason = "the script speaks through the environment"
    )]
    async fn what_is_given_up_is_dropped() {
        let server = env::var("PAYFLOW_TEST_POSTGRES_URL").expect("run ./scripts/test");
        let database = Database::create(&server, Path::new("")).await.unwrap();
        let Database::Postgres(own) = &database else {
            panic!("on a server")
        };
        let name = own.name.clone().unwrap();
        // Somebody is connected to it, as a service that was killed a moment ago.
        let connected = connect(&own.address()).await.unwrap();
        drop(database);
        drop(connected);
        let (client, _driver) = connect(&server).await.unwrap();
        let asked = "SELECT datname FROM pg_database WHERE datname = $1";
        assert!(client.query(asked, &[&name]).await.unwrap().is_empty());
    }

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
