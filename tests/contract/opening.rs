//! Opening and migrating: safe together, refused where it would hide a mistake, and nothing is
//! lost in between.

use application::ports::store::{Access, Commit};
use domain::change::Change;
use payflow::adapters::persistence::{
    Database, OpenError, Options, migrate, open, pending_migrations,
};

use crate::races::all_at_once;
use crate::samples;
use crate::stores::{options, sqlite_url};
use crate::support::postgres;

async fn eight_migrate_together(url: &str) {
    let starts = (0..8).map(|_| {
        let url = url.to_owned();
        async move {
            let database = Database::connect(&url, &options())
                .await
                .expect("a database");
            migrate(&database).await
        }
    });
    for migrated in all_at_once(starts).await {
        migrated.expect("migrated");
    }
    let database = Database::connect(url, &options())
        .await
        .expect("a database");
    assert_eq!(
        pending_migrations(&database).await.expect("listed"),
        Vec::<String>::new()
    );
    assert_eq!(database.merchants().await.expect("read"), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_migrate_together_on_postgres() {
    eight_migrate_together(postgres().url()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_migrate_together_on_sqlite() {
    let (url, _folder) = sqlite_url();
    eight_migrate_together(&url).await;
}

async fn is_there_after_a_restart(url: &str) {
    let database = Database::connect(url, &options())
        .await
        .expect("a database");
    let pending = pending_migrations(&database).await.expect("listed");
    assert!(pending.len() >= 5, "{pending:?}");
    migrate(&database).await.expect("migrated");
    let merchant = samples::merchant();
    let stored = database
        .commit(&[Change::InsertMerchant(merchant.clone())])
        .await;
    stored.expect("stored");
    drop(database);
    let store = open(url, &Options::default()).await.expect("opened again");
    assert_eq!(store.merchants().await.expect("read"), [merchant]);
}

#[tokio::test(flavor = "multi_thread")]
async fn is_there_after_a_restart_on_postgres() {
    is_there_after_a_restart(postgres().url()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn is_there_after_a_restart_on_sqlite() {
    let (url, _folder) = sqlite_url();
    is_there_after_a_restart(&url).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistyped_path_is_refused() {
    let (url, folder) = sqlite_url();
    let refused = open(&url, &Options::default()).await.err();
    assert!(matches!(refused, Some(OpenError::NoFile(_))), "{refused:?}");
    assert_eq!(
        std::fs::read_dir(folder.path()).expect("a folder").count(),
        0,
        "nothing is made"
    );
    for wrong in ["mysql://h/d", "payflow.db", ""] {
        let refused = open(wrong, &options()).await.err();
        assert!(
            matches!(refused, Some(OpenError::Scheme)),
            "{wrong}: {refused:?}"
        );
    }
    let refused = open("sqlite://", &options()).await.err();
    assert!(matches!(refused, Some(OpenError::Url(_))), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_process_serves_a_file_others_may_look() {
    let (url, _folder) = sqlite_url();
    let serve = Options {
        exclusive: true,
        ..options()
    };
    let first = Database::connect(&url, &serve).await.expect("the first");
    let second = Database::connect(&url, &serve).await.err();
    assert!(matches!(second, Some(OpenError::Served(_))), "{second:?}");
    Database::connect(&url, &options())
        .await
        .expect("a command beside it");
    drop(first);
    Database::connect(&url, &serve)
        .await
        .expect("after it has ended");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_new_file_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (url, folder) = sqlite_url();
    Database::connect(&url, &options())
        .await
        .expect("a database");
    let made = folder.path().join("payflow.db").metadata().expect("a file");
    assert_eq!(made.permissions().mode() & 0o777, 0o600);
}

#[tokio::test(flavor = "multi_thread")]
async fn encryption_that_postgres_cannot_give_is_refused() {
    let server = postgres();
    for mode in ["disable", "prefer"] {
        let url = format!("{}?sslmode={mode}", server.url());
        open(&url, &Options::default()).await.expect(mode);
    }
    for mode in ["require", "verify-full"] {
        let url = format!("{}?sslmode={mode}", server.url());
        let refused = open(&url, &Options::default()).await.err();
        assert!(
            matches!(refused, Some(OpenError::Unreachable(_))),
            "{mode}: {refused:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_is_unreachable() {
    let url = "postgres://nobody:secret-word@127.0.0.1:1/none";
    let refused = open(url, &Options::default()).await.err().expect("refused");
    assert!(matches!(refused, OpenError::Unreachable(_)), "{refused:?}");
    assert!(!refused.to_string().contains("secret-word"), "{refused}");
}

/// Two databases in memory are two.
#[tokio::test(flavor = "multi_thread")]
async fn memories_are_apart() {
    let one = crate::stores::sqlite_memory().await.store;
    let other = crate::stores::sqlite_memory().await.store;
    one.commit(&[Change::InsertMerchant(samples::merchant())])
        .await
        .expect("stored");
    assert_eq!(one.merchants().await.expect("read").len(), 1);
    assert_eq!(other.merchants().await.expect("read"), []);
}
