//! A database from before the feed: what is in its log gets positions, each payment in its order.

use application::ports::Store;
use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use domain::event::PaymentEvent;
use domain::feed::Happening;
use payflow::adapters::persistence::{Database, migrate};
use tokio_postgres::NoTls;

use super::{MINUTE, all_lines, appending, assert_in_order, sequence_all, takes};
use crate::samples::{self, at, tenant};
use crate::stores::{opened, sqlite_url};
use crate::support::postgres;

/// Takes the feed's own migration back; what is `postgres` is for that database alone.
fn before_the_feed(postgres: &str) -> String {
    format!(
        "DROP TRIGGER events_await_position{postgres};
         DROP TABLE unsequenced;
         DROP TABLE feed;
         DROP TABLE epochs;
         DROP TABLE leases;
         DROP TABLE cursors;
         DROP TABLE parked;
         DELETE FROM __diesel_schema_migrations WHERE version = '0016';"
    )
}

/// Two payments whose events alternate, and the clock was set back in between.
async fn log(store: &dyn Store) -> Vec<PaymentEvent> {
    let tenant = tenant(store).await;
    let (one, _) = samples::stored(store, &tenant).await;
    let (other, _) = samples::stored(store, &tenant).await;
    let mut events = Vec::new();
    for (payment, sequence, seconds) in [
        (&one, 1, 100),
        (&other, 1, 110),
        (&one, 2, 120),
        (&one, 3, 50),
        (&other, 2, 130),
    ] {
        let event = PaymentEvent {
            at: at(seconds),
            ..samples::event(payment, sequence)
        };
        let appended = store.commit(&[appending(event.clone())]).await;
        appended.expect("appended");
        events.push(event);
    }
    events
}

async fn is_given_positions(database: &Database, told: Vec<PaymentEvent>) {
    migrate(database).await.expect("migrated");
    let store: &dyn Store = database;
    sequence_all(store, &takes(store, MINUTE).await).await;
    let lines = all_lines(store).await;
    assert_in_order(&lines);
    let events: Vec<_> = lines.into_iter().map(|line| line.event).collect();
    assert_eq!(
        events,
        told.into_iter()
            .map(Happening::Payment)
            .map(Ok)
            .collect::<Vec<_>>()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_log_is_given_positions_on_sqlite() {
    let (url, folder) = sqlite_url();
    let database = opened(&url).await;
    let told = log(&database).await;
    let path = folder.path().join("payflow.db");
    let mut conn = SqliteConnection::establish(path.to_str().expect("a path")).expect("a database");
    conn.batch_execute(&before_the_feed(""))
        .expect("taken back");
    is_given_positions(&database, told).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_log_is_given_positions_on_postgres() {
    let server = postgres();
    let database = opened(server.url()).await;
    let told = log(&database).await;
    let connected = tokio_postgres::connect(server.url(), NoTls).await;
    let (client, connection) = connected.expect("a server");
    let driven = tokio_util::task::TaskTracker::new();
    driven.spawn(connection);
    let taken_back = before_the_feed(" ON events; DROP FUNCTION await_position");
    client.batch_execute(&taken_back).await.expect("taken back");
    is_given_positions(&database, told).await;
}
