//! A fresh PostgreSQL database for one test, dropped with its guard.

use std::thread;

use tokio_postgres::{Config, Error, NoTls};

use super::from_script;

/// Names the server and a database on it that may create others.
const SERVER_URL: &str = "PAYFLOW_TEST_POSTGRES_URL";

/// One test's own database; dropping it drops the database, open connections and all.
pub(crate) struct Postgres {
    name: String,
    url: String,
}

impl Postgres {
    /// What `DATABASE_URL` would be.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

/// Creates an empty database. Blocks for the time that takes, with or without a runtime around.
pub(crate) fn postgres() -> Postgres {
    let server = from_script(SERVER_URL);
    let (address, _) = server
        .rsplit_once('/')
        .expect("a URL that ends in a database's name");
    let random = getrandom::u64().expect("a random name");
    let name = format!("payflow_test_{random:016x}");
    // template0 is never connected to, so tests that create at once do not disturb each other.
    on_server(
        &server,
        &format!("CREATE DATABASE {name} TEMPLATE template0"),
    )
    .unwrap_or_else(|error| panic!("no database from {SERVER_URL}={server}: {error:?}"));
    Postgres {
        url: format!("{address}/{name}"),
        name,
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let drop_it = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        if let Err(error) = on_server(&from_script(SERVER_URL), &drop_it) {
            // Not a panic: the test may be failing already, and its reason matters more.
            eprintln!("{} is left behind: {error}", self.name);
        }
    }
}

/// Runs one statement on a thread of its own: a guard may be dropped inside a runtime, where
/// blocking is not allowed.
fn on_server(server: &str, sql: &str) -> Result<(), Error> {
    let config: Config = server.parse()?;
    thread::scope(|scope| scope.spawn(|| execute(&config, sql)).join())
        .expect("the statement's thread does not panic")
}

fn execute(config: &Config, sql: &str) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime for one statement");
    runtime.block_on(async {
        let (client, connection) = config.connect(NoTls).await?;
        let statement = async {
            let outcome = client.batch_execute(sql).await;
            drop(client); // ends the connection, which is polled beside us
            outcome
        };
        let (outcome, closed) = tokio::join!(statement, connection);
        outcome.and(closed)
    })
}
