//! A writer that is held open while a thousand others commit: its event is moved late, not skipped.

use std::sync::Arc;

use application::ports::Store;
use tokio_postgres::NoTls;

use super::{MINUTE, all_lines, append_first, assert_in_order, sequence_all, takes};
use crate::races::all_at_once;
use crate::samples::{self, tenant};
use crate::stores::opened;
use crate::support::postgres;

#[tokio::test(flavor = "multi_thread")]
async fn a_late_commit_is_not_skipped_on_postgres() {
    let server = postgres();
    let database = Arc::new(opened(server.url()).await);
    let store: &dyn Store = database.as_ref();
    let tenant = tenant(store).await;
    let (late, _) = samples::stored(store, &tenant).await;
    let another = append_first(store, &tenant).await;
    let tenure = takes(store, MINUTE).await;
    sequence_all(store, &tenure).await;

    let connected = tokio_postgres::connect(server.url(), NoTls).await;
    let (client, connection) = connected.expect("a server");
    let driven = tokio_util::task::TaskTracker::new();
    driven.spawn(connection);
    let copied = format!(
        "BEGIN;
         INSERT INTO events (payment_id, sequence, merchant_id, mode, kind, from_status, to_status,
             actor, reason, trace_id, occurred_at, payload, previous_hash, hash)
         SELECT '{}', 1, merchant_id, mode, kind, from_status, to_status, actor, reason, trace_id,
             occurred_at, payload, previous_hash, hash
         FROM events WHERE payment_id = '{}'",
        late.facts.id, another.payment
    );
    client.batch_execute(&copied).await.expect("inserted");
    let tenant = Arc::new(tenant);
    for _ in 0..4 {
        let others = (0..25).map(|_| {
            let (database, tenant) = (Arc::clone(&database), Arc::clone(&tenant));
            async move {
                for _ in 0..10 {
                    append_first(database.as_ref(), &tenant).await;
                }
            }
        });
        all_at_once(others).await;
        sequence_all(store, &tenure).await;
    }
    let before = all_lines(store).await;
    assert_eq!(before.len(), 1_001, "what is not committed has no position");
    client.batch_execute("COMMIT").await.expect("committed");
    sequence_all(store, &tenure).await;
    let lines = all_lines(store).await;
    assert_in_order(&lines);
    assert_eq!(lines[..1_001], before, "nobody's position changed");
    assert_eq!(lines.len(), 1_002, "the late one was skipped");
    assert_eq!(lines[1_001].place.subject.payment(), Some(late.facts.id));
}
