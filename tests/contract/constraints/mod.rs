//! Every constraint, unique index and trigger of both migration trees refuses what it is there
//! for, and none exists without a statement here that it refuses.

mod accounts;
mod billing;
mod cases;
mod columns;
mod inbox;
mod kept;
mod subscriptions;

use std::collections::BTreeSet;
use std::time::Duration;

use application::ports::store::{Commit, Feed, Leases, Sighting, Subscriptions, Watches};
use cases::{Case, Kind, all};
use diesel::connection::SimpleConnection;
use diesel::sql_types::Text;
use diesel::{Connection, QueryableByName, RunQueryDsl, SqliteConnection, sql_query};
use domain::change::{Change, GatewayOrder};
use domain::feed::{self, Cursor, Parked, Reader};
use domain::id::WorkerId;
use domain::idempotency::IssuedKey;
use domain::lease::Job;
use domain::merchant::KeyKind;
use domain::payment::Payment;
use domain::saga;
use domain::switch::Reach;
use domain::webhook::{Delivery, DeliveryKey, EventId};
use payflow::adapters::persistence::Database;
use tokio_postgres::{Client, NoTls};

use crate::samples::{self, at};
use crate::step_up::{challenge, inserted};
use crate::stores::{opened, sqlite_url};
use crate::support::postgres;
use crate::webhooks;

/// One valid row in every table.
async fn seed(url: &str) {
    let database = opened(url).await;
    let tenant = samples::tenant(&database).await;
    let (payment, order) = samples::stored(&database, &tenant).await;
    let saga = samples::saga(&payment, &order, saga::Kind::Approval);
    let issued = IssuedKey {
        key: samples::key_ref(tenant.scope),
        expires_at: at(99),
        created_at: at(98),
    };
    let rows = [
        Change::InsertDataKey(Box::new(samples::data_key(tenant.scope.merchant))),
        Change::TurnSwitch(Box::new(samples::turn(Reach::Scope(tenant.scope)))),
        Change::InsertApiKey(Box::new(samples::api_key(tenant.scope, KeyKind::Secret))),
        samples::open(&saga, None),
        Change::InsertEntry(Box::new(samples::entry(&payment, None))),
        Change::AppendEvent(Box::new(samples::event(&payment, 1))),
        Change::ReserveKey(Box::new(samples::reservation(&payment, Some(saga.head.id)))),
        Change::IssueKey(Box::new(issued)),
        inserted(&challenge(&payment)),
        crate::billing::inserted(&crate::billing::active(&payment)),
        crate::settlements::inserted(&crate::settlements::settlement(&saga)),
        crate::settlements::proposing(&crate::settlements::proposed(&saga, "김", 3)),
    ];
    database
        .commit(&rows)
        .await
        .expect("one row in every table");
    let watched = database.claim_watch(tenant.account, at(1), Duration::ZERO);
    watched.await.expect("and in the table of watches");
    let sighting = Sighting {
        account: tenant.account,
        key: "tgen_seen".parse().expect("a key"),
        order: order.id,
        first_seen_at: at(1),
        moved_at: None,
        looks: 0,
        verdict: None,
        reported: false,
    };
    let seen = database.sight(&[sighting]).await;
    seen.expect("and in the table of sightings");
    let paid_for = database
        .commit(&crate::subscriptions::one_of_each(&payment))
        .await;
    paid_for.expect("and in those of subscriptions");
    let hold = samples::hold(Duration::from_mins(1));
    let taken = database.claim_cycles(at(1_000), hold, &[], 9).await;
    assert_eq!(taken.expect("and in that of holds").len(), 1);
    read(&database, &payment).await;
    told(&database, &payment, &order).await;
}

/// An endpoint, what was done to it, and a delivery that was tried; and what a gateway told.
async fn told(database: &Database, payment: &Payment, order: &GatewayOrder) {
    let endpoint = webhooks::endpoint(payment.facts.scope);
    let key = DeliveryKey {
        endpoint: endpoint.id,
        event: EventId::of_payment(payment.facts.id, 1),
    };
    let delivery = Delivery::new(key, 1, at(1));
    let rows = [
        webhooks::made(&endpoint),
        webhooks::noted(&endpoint),
        webhooks::inserted(&delivery),
        webhooks::logged(&delivery),
    ];
    let told = database.commit(&rows).await;
    told.expect("and in those of webhooks");
    let rows = crate::inbox::one_of_each(payment, order);
    let told = database.commit(&rows).await;
    told.expect("and in those of the inbox");
}

/// One event that has a position and is parked, and one that waits for its position.
async fn read(database: &Database, payment: &Payment) {
    let (job, minute) = (Job::named("sequencer"), Duration::from_mins(1));
    let worker = WorkerId::new(samples::raw());
    let taken = database.take_lease(&job, worker, minute).await;
    let tenure = taken.expect("asked").expect("the sequencer's lease");
    let moved = database.sequence(&tenure, minute, 9).await;
    assert_eq!(moved.expect("moved"), 1);
    let reader = Reader::named("kafka");
    let at_start = feed::Change::StartCursor {
        reader: reader.clone(),
        at: Cursor::default(),
    };
    let parked = feed::Change::Park(Parked {
        reader,
        subject: feed::Subject::Payment(payment.facts.id),
        sequence: 1,
        position: 1,
        reason: "too large".to_owned(),
        parked_at: at(1),
        asked: false,
    });
    let rows = [
        Change::Feed(Box::new(at_start)),
        Change::Feed(Box::new(parked)),
        Change::AppendEvent(Box::new(samples::event(payment, 2))),
        crate::feed::told_of_a_card(payment.facts.scope),
    ];
    let read = database.commit(&rows).await;
    read.expect("and in those of the feed");
}

/// Triggers that refuse nothing; what they do is proven by the suite of the feed.
const WRITES: [&str; 2] = ["events_await_position", "member_events_await_position"];

/// Every name that the database enforces is proven here, and every proof is of one that exists.
fn assert_all_proven(enforced: &BTreeSet<String>, proven: &[Case]) {
    let proven: BTreeSet<String> = proven.iter().map(|case| case.name.to_owned()).collect();
    let unproven: Vec<_> = enforced
        .difference(&proven)
        .filter(|name| !WRITES.contains(&name.as_str()))
        .collect();
    assert!(unproven.is_empty(), "no statement violates {unproven:?}");
    let unknown: Vec<_> = proven.difference(enforced).collect();
    assert!(unknown.is_empty(), "not in the database: {unknown:?}");
}

const POSTGRES_NAMES: &str = "
    SELECT conname::text FROM pg_constraint
    JOIN pg_class ON pg_class.oid = conrelid
    WHERE connamespace = 'public'::regnamespace AND relname <> '__diesel_schema_migrations'
    UNION
    SELECT relname::text FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    WHERE indisunique AND relnamespace = 'public'::regnamespace
        AND relname <> '__diesel_schema_migrations_pkey'
    UNION
    SELECT tgname::text FROM pg_trigger WHERE NOT tgisinternal";

#[tokio::test(flavor = "multi_thread")]
async fn every_constraint_refuses_on_postgres() {
    let server = postgres();
    seed(server.url()).await;
    let (client, connection) = tokio_postgres::connect(server.url(), NoTls)
        .await
        .expect("a server");
    let driven = tokio_util::task::TaskTracker::new();
    driven.spawn(connection);
    let rows = client
        .query(POSTGRES_NAMES, &[])
        .await
        .expect("the catalogue");
    let enforced = rows.iter().map(|row| row.get(0)).collect();
    let cases: Vec<Case> = all().collect();
    assert_all_proven(&enforced, &cases);
    for case in &cases {
        refused_by_postgres(&client, case).await;
    }
}

async fn refused_by_postgres(client: &Client, case: &Case) {
    let sql = case.sql("OVERRIDING SYSTEM VALUE");
    let refused = client.batch_execute(&sql).await.err();
    let refused = refused.unwrap_or_else(|| panic!("{} let through: {sql}", case.name));
    let error = refused.as_db_error().unwrap_or_else(|| panic!("{refused}"));
    match case.kind {
        Kind::Check | Kind::Unique(_) | Kind::Foreign => {
            assert_eq!(error.constraint(), Some(case.name), "{error}: {sql}");
        }
        Kind::Trigger | Kind::PostgresTrigger => {
            assert!(
                error.message().ends_with("is append-only"),
                "{error}: {sql}"
            );
        }
    }
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    sql: String,
}

#[tokio::test(flavor = "multi_thread")]
async fn every_constraint_refuses_on_sqlite() {
    let (url, folder) = sqlite_url();
    seed(&url).await;
    let path = folder.path().join("payflow.db");
    let mut conn = SqliteConnection::establish(path.to_str().expect("a path")).expect("a database");
    conn.batch_execute("PRAGMA foreign_keys = ON").expect("set");
    let made = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE '__diesel%'";
    let made: Vec<Line> = sql_query(made).load(&mut conn).expect("the catalogue");
    let enforced = made.iter().flat_map(|line| names_in(&line.sql)).collect();
    let cases: Vec<Case> = all()
        .filter(|case| case.kind != Kind::PostgresTrigger)
        .collect();
    assert_all_proven(&enforced, &cases);
    for case in &cases {
        refused_by_sqlite(&mut conn, case);
    }
}

/// What a CREATE statement enforces by name.
fn names_in(sql: &str) -> Vec<String> {
    let words: Vec<&str> = sql.split_whitespace().collect();
    let after_keyword = |pair: &[&str]| match pair {
        ["CONSTRAINT" | "TRIGGER", name] => Some((*name).to_owned()),
        _ => None,
    };
    let mut names: Vec<String> = words.windows(2).filter_map(after_keyword).collect();
    if let ["CREATE", "UNIQUE", "INDEX", name, ..] = words.as_slice() {
        names.push((*name).to_owned());
    }
    names
}

fn refused_by_sqlite(conn: &mut SqliteConnection, case: &Case) {
    let sql = case.sql("");
    let refused = conn.batch_execute(&sql).err();
    let refused = refused
        .unwrap_or_else(|| panic!("{} let through: {sql}", case.name))
        .to_string();
    let expected = match case.kind {
        Kind::Check => format!("CHECK constraint failed: {}", case.name),
        Kind::Unique(columns) => format!("UNIQUE constraint failed: {columns}"),
        Kind::Foreign => "FOREIGN KEY constraint failed".to_owned(),
        Kind::Trigger | Kind::PostgresTrigger => "is append-only".to_owned(),
    };
    assert!(
        refused.ends_with(&expected),
        "{}: {refused}: {sql}",
        case.name
    );
}
