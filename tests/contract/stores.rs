//! The stores under test, each fresh and empty.

use std::sync::Arc;

use application::memory::Memory;
use application::ports::{Clock, Store};
use domain::Timestamp;
use payflow::adapters::persistence::{Database, Options, migrate};
use tempfile::TempDir;

use crate::support::{Postgres, postgres};

/// Real time: what the databases measure leases by, the in-memory store must too.
struct RealTime;

impl Clock for RealTime {
    #[expect(
        clippy::disallowed_methods,
        reason = "stands for the database's own clock"
    )]
    fn now(&self) -> Timestamp {
        chrono::Utc::now()
    }
}

/// A store under test.
pub(crate) struct Tested {
    pub(crate) store: Arc<dyn Store>,
    /// What it needs to exist for as long as it is tested.
    _folder: Option<TempDir>,
    _server: Option<Postgres>,
}

#[expect(clippy::unused_async, reason = "made as the others are")]
pub(crate) async fn memory() -> Tested {
    let store = Arc::new(Memory::new(Arc::new(RealTime)));
    Tested {
        store,
        _folder: None,
        _server: None,
    }
}

pub(crate) async fn sqlite_memory() -> Tested {
    let database = opened("sqlite::memory:").await;
    Tested {
        store: Arc::new(database),
        _folder: None,
        _server: None,
    }
}

pub(crate) async fn sqlite_file() -> Tested {
    let (url, folder) = sqlite_url();
    let database = opened(&url).await;
    Tested {
        store: Arc::new(database),
        _folder: Some(folder),
        _server: None,
    }
}

pub(crate) async fn on_postgres() -> Tested {
    let server = postgres();
    let database = opened(server.url()).await;
    Tested {
        store: Arc::new(database),
        _folder: None,
        _server: Some(server),
    }
}

/// A place for a database in a file.
pub(crate) fn sqlite_url() -> (String, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("payflow.db");
    (format!("sqlite://{}", path.display()), folder)
}

pub(crate) fn options() -> Options {
    Options {
        create: true,
        ..Options::default()
    }
}

/// The database behind `url`, migrated.
pub(crate) async fn opened(url: &str) -> Database {
    let database = Database::connect(url, &options())
        .await
        .expect("a database");
    migrate(&database).await.expect("migrated");
    database
}

/// One test per store for every named function that takes a [`Tested`].
macro_rules! on_every_store {
    ($($test:ident),+ $(,)?) => {
        mod memory {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() { super::$test($crate::stores::memory().await).await; })+
        }
        mod sqlite_memory {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() { super::$test($crate::stores::sqlite_memory().await).await; })+
        }
        mod sqlite_file {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() { super::$test($crate::stores::sqlite_file().await).await; })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() { super::$test($crate::stores::on_postgres().await).await; })+
        }
    };
}
pub(crate) use on_every_store;
