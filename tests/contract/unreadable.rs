//! A row that cannot be read keeps nobody else waiting, and a saga that only a newer version knows
//! is left to it.

use std::time::Duration;

use application::ports::store::{Commit, Feed, Leases, Line, Payments, Sagas, Webhooks};
use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use domain::change::{Change, Hold};
use domain::event::PaymentEvent;
use domain::feed::{Happening, Subject};
use domain::id::{PaymentId, SagaId, WorkerId};
use domain::lease::Job;
use domain::saga::{self, Saga};
use payflow::adapters::persistence::Database;
use tokio_postgres::NoTls;

use crate::feed::told_of_a_card;
use crate::samples::{self, Tenant, at, raw};
use crate::stores::{opened, sqlite_url};
use crate::support::postgres;
use crate::webhooks;

macro_rules! on_both_databases {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                let (url, _folder) = super::sqlite_url();
                super::$test(&url).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                let server = super::postgres();
                super::$test(server.url()).await;
            })+
        }
    };
}

on_both_databases!(
    an_unreadable_saga_keeps_no_other_waiting,
    a_kind_of_a_newer_version_is_not_touched,
    an_unreadable_payment_keeps_no_other_from_expiring,
    an_unreadable_endpoint_keeps_no_other_from_being_told,
    an_event_of_nobody_holds_no_other_up,
    a_place_of_no_event_and_a_members_of_nobody_are_parked,
    a_payload_that_is_no_json_is_its_subjects_alone,
);

/// Writes past the store, and past the words that a column takes.
async fn write(url: &str, sql: &str) {
    if let Some(path) = url.strip_prefix("sqlite://") {
        let mut conn = SqliteConnection::establish(path).expect("a database");
        let unchecked = "PRAGMA busy_timeout = 5000; PRAGMA ignore_check_constraints = ON";
        conn.batch_execute(unchecked).expect("set");
        conn.batch_execute(sql).expect("written");
        return;
    }
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("a server");
    let driven = tokio_util::task::TaskTracker::new();
    driven.spawn(connection);
    let unchecked = "ALTER TABLE sagas DROP CONSTRAINT IF EXISTS sagas_kind_word";
    client.batch_execute(unchecked).await.expect("altered");
    client.batch_execute(sql).await.expect("written");
}

/// Reversals that are due one after the other.
async fn due(store: &Database, count: i64) -> Vec<Saga> {
    let tenant = samples::tenant(store).await;
    let (payment, order) = samples::stored(store, &tenant).await;
    let sagas: Vec<Saga> = (0..count)
        .map(|number| {
            let mut saga = samples::saga(&payment, &order, saga::Kind::Reversal);
            saga.progress.due_at = at(number);
            saga
        })
        .collect();
    let changes: Vec<_> = sagas.iter().map(|saga| samples::open(saga, None)).collect();
    store.commit(&changes).await.expect("opened");
    sagas
}

async fn stuck(store: &Database) -> Vec<SagaId> {
    let found = store.stuck_sagas(at(9_999), None, 10).await.expect("read");
    found.iter().map(|saga| saga.head.id).collect()
}

async fn claimed(store: &Database, hold: Hold) -> Vec<SagaId> {
    let claimed = store.claim_sagas(at(1_000), hold, 2).await;
    let claimed = claimed.expect("claimed");
    claimed.iter().map(|saga| saga.head.id).collect()
}

async fn an_unreadable_saga_keeps_no_other_waiting(url: &str) {
    let store = opened(url).await;
    let sagas = due(&store, 3).await;
    let first = sagas[0].head.id;
    write(
        url,
        &format!("UPDATE sagas SET payment_key = 'a b' WHERE id = '{first}'"),
    )
    .await;
    assert_eq!(
        stuck(&store).await,
        [sagas[1].head.id, sagas[2].head.id],
        "what can be read is reported"
    );
    let hold = samples::hold(Duration::from_mins(1));
    assert_eq!(claimed(&store, hold).await, [sagas[1].head.id]);
    assert_eq!(
        claimed(&store, hold).await,
        [sagas[2].head.id],
        "what cannot be read takes its place among the two only once"
    );
}

async fn a_kind_of_a_newer_version_is_not_touched(url: &str) {
    let store = opened(url).await;
    let sagas = due(&store, 2).await;
    let newer = sagas[0].head.id;
    write(
        url,
        &format!("UPDATE sagas SET kind = 'TELEPATHY' WHERE id = '{newer}'"),
    )
    .await;
    let hold = samples::hold(Duration::from_mins(1));
    assert_eq!(claimed(&store, hold).await, [sagas[1].head.id]);
    let counted = store.open_sagas(at(0)).await.expect("counted");
    assert_eq!(counted.len(), 1, "the others are counted all the same");
    assert_eq!(stuck(&store).await, [sagas[1].head.id]);
    // Its own version finds it as it was: neither held nor fenced.
    write(
        url,
        &format!("UPDATE sagas SET kind = 'REVERSAL' WHERE id = '{newer}'"),
    )
    .await;
    assert_eq!(
        store.saga(newer).await.expect("read"),
        Some(sagas[0].clone())
    );
    assert_eq!(claimed(&store, hold).await, [newer]);
}

async fn an_unreadable_payment_keeps_no_other_from_expiring(url: &str) {
    let store = opened(url).await;
    let tenant = samples::tenant(&store).await;
    let (bad, _) = samples::stored(&store, &tenant).await;
    let (good, _) = samples::stored(&store, &tenant).await;
    let id = bad.facts.id;
    write(
        url,
        &format!("UPDATE payments SET order_name = ' ' WHERE id = '{id}'"),
    )
    .await;
    let found = store.payments_to_expire(at(9_999), 10).await;
    assert_eq!(found.expect("read"), [good]);
}

async fn an_unreadable_endpoint_keeps_no_other_from_being_told(url: &str) {
    let store = opened(url).await;
    let (one, other) = (samples::tenant(&store).await, samples::tenant(&store).await);
    let (bad, good) = (
        webhooks::endpoint(one.scope),
        webhooks::endpoint(other.scope),
    );
    let filtered = webhooks::endpoint(other.scope);
    let rows = [&bad, &good, &filtered].map(webhooks::made);
    store.commit(&rows).await.expect("endpoints");
    let (unread, later) = (bad.id, filtered.id);
    write(
        url,
        &format!("UPDATE webhook_endpoints SET url = 'a b' WHERE id = '{unread}'"),
    )
    .await;
    write(
        url,
        &format!(
            "UPDATE webhook_endpoints SET events = 'payment.approved,payment.later' \
             WHERE id = '{later}'"
        ),
    )
    .await;
    let merchants = [one.scope.merchant, other.scope.merchant];
    let listening = store.listening(&merchants).await.expect("read");
    assert_eq!(listening.len(), 3);
    for listener in listening {
        let is_bad = listener.merchant == one.scope.merchant;
        assert_eq!(listener.endpoint.is_err(), is_bad, "{listener:?}");
    }
    assert_eq!(store.endpoints(one.scope, 9).await.expect("read"), []);
    let listed = store.endpoints(other.scope, 9).await.expect("read");
    assert_eq!(
        listed.len(),
        2,
        "also one that wants what only a later version tells"
    );
}

static SEQUENCER: Job = Job::named("sequencer");

/// Gives positions to all that waits.
async fn sequence(store: &Database) {
    let minute = Duration::from_mins(1);
    let taken = store.take_lease(&SEQUENCER, WorkerId::new(raw()), minute);
    let tenure = taken.await.expect("asked").expect("nobody has it");
    while store.sequence(&tenure, minute, 7).await.expect("moved") > 0 {}
}

/// The first events of as many payments, at positions of their own.
async fn sequenced(store: &Database, tenant: &Tenant, count: usize) -> Vec<PaymentEvent> {
    let mut events = Vec::new();
    for _ in 0..count {
        let (payment, _) = samples::stored(store, tenant).await;
        let event = samples::event(&payment, 1);
        let append = [Change::AppendEvent(Box::new(event.clone()))];
        store.commit(&append).await.expect("appended");
        events.push(event);
    }
    sequence(store).await;
    events
}

/// In the event's row alone, or in both.
async fn of_nobody(url: &str, table: &str, payment: PaymentId) {
    let ours = format!("SET merchant_id = 'nobody' WHERE payment_id = '{payment}'");
    rewrite(url, table, &ours).await;
}

/// Changes what nobody can change.
async fn rewrite(url: &str, table: &str, how: &str) {
    let on = if url.starts_with("sqlite") {
        String::new()
    } else {
        format!(" ON {table}")
    };
    let sql = format!("DROP TRIGGER IF EXISTS {table}_not_updated{on}; UPDATE {table} {how}");
    write(url, &sql).await;
}

async fn an_event_of_nobody_holds_no_other_up(url: &str) {
    let store = opened(url).await;
    let tenant = samples::tenant(&store).await;
    let events = sequenced(&store, &tenant, 4).await;
    let ids: Vec<PaymentId> = events.iter().map(|event| event.payment).collect();
    of_nobody(url, "events", ids[0]).await;
    for lost in [ids[1], ids[2]] {
        of_nobody(url, "events", lost).await;
        of_nobody(url, "feed", lost).await;
    }
    let all = store.lines(0, 9).await.expect("read");
    let told: Vec<_> = all
        .iter()
        .map(|line| (line.place.position, line.place.subject.payment()))
        .collect();
    assert_eq!(told, [(1, Some(ids[0])), (4, Some(ids[3]))]);
    assert_eq!(all[0].place.scope, tenant.scope, "as the feed knows");
    assert!(all[0].event.is_err(), "it is parked with its payment");
    let readable = Happening::Payment(events[3].clone());
    assert_eq!(all[1].event.as_ref(), Ok(&readable));
    // Also where a whole batch is of nobody.
    assert_eq!(store.lines(1, 1).await.expect("read"), all[1..]);
    assert_eq!(store.lines_of(tenant.scope, 0, 9).await.expect("read"), all);
    for after in [1, 2, 3] {
        let places = store.places(after, 1).await.expect("read");
        assert_eq!(places, [all[1].place]);
    }
    assert_eq!(store.places(4, 1).await.expect("read"), []);
}

async fn a_place_of_no_event_and_a_members_of_nobody_are_parked(url: &str) {
    let store = opened(url).await;
    let tenant = samples::tenant(&store).await;
    // A card whose row says nobody, a payment whose place is of no event, and one of each as it is.
    for _ in 0..2 {
        let told = [told_of_a_card(tenant.scope)];
        store.commit(&told).await.expect("appended");
    }
    let events = sequenced(&store, &tenant, 2).await;
    let before = store.lines(0, 9).await.expect("read");
    let cards: Vec<&Line> = before.iter().filter(|line| is_a_card(line)).collect();
    let nobody = cards[0].place;
    let how = format!(
        "SET merchant_id = 'nobody' WHERE subject = '{}'",
        nobody.subject
    );
    rewrite(url, "member_events", &how).await;
    let lost = events[0].payment;
    let how = format!("SET sequence = 9 WHERE payment_id = '{lost}'");
    rewrite(url, "feed", &how).await;
    let lines = store.lines(0, 9).await.expect("read");
    assert_eq!(lines.len(), 4, "nothing is left out");
    for (line, before) in lines.iter().zip(&before) {
        let subject = before.place.subject;
        assert_eq!(line.place.subject, subject);
        if subject == nobody.subject || subject == Subject::Payment(lost) {
            assert!(line.event.is_err(), "it is parked with its subject");
        } else {
            assert_eq!(line, before);
        }
    }
    assert_eq!(
        store.lines_of(tenant.scope, 0, 9).await.expect("read"),
        lines
    );
}

async fn a_payload_that_is_no_json_is_its_subjects_alone(url: &str) {
    let store = opened(url).await;
    let tenant = samples::tenant(&store).await;
    for _ in 0..2 {
        let told = [told_of_a_card(tenant.scope)];
        store.commit(&told).await.expect("appended");
    }
    let events = sequenced(&store, &tenant, 2).await;
    let before = store.lines(0, 9).await.expect("read");
    let card = before.iter().find(|line| is_a_card(line)).expect("a card");
    let lost = [
        events[0].payment.to_string(),
        card.place.subject.to_string(),
    ];
    let (half, empty) = if url.starts_with("sqlite") {
        ("X'7b226f'", "X''")
    } else {
        (r"'\x7b226f'", r"'\x'")
    };
    let how = format!("SET payload = {half} WHERE payment_id = '{}'", lost[0]);
    rewrite(url, "events", &how).await;
    let how = format!("SET payload = {empty} WHERE subject = '{}'", lost[1]);
    rewrite(url, "member_events", &how).await;
    for lines in [
        store.lines(0, 9).await.expect("read"),
        store.lines_of(tenant.scope, 0, 9).await.expect("read"),
    ] {
        assert_eq!(lines.len(), 4, "nothing is left out");
        for (line, before) in lines.iter().zip(&before) {
            assert_eq!(line.place, before.place);
            let subject = line.place.subject.to_string();
            match &line.event {
                Ok(event) if !lost.contains(&subject) => {
                    assert_eq!(Ok(event), before.event.as_ref());
                }
                Err(why) if lost.contains(&subject) => {
                    assert!(why.contains("no JSON") && why.contains(&subject), "{why}");
                }
                other => panic!("{subject}: {other:?}"),
            }
        }
    }
}

fn is_a_card(line: &Line) -> bool {
    line.place.subject.payment().is_none()
}
