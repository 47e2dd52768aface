//! Owns the journal: what a sandbox still knows after it was stopped or killed.

use std::fs;
use std::path::Path;

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::json;
use toss_sandbox::{Config, Error, start};

use crate::support::{Bench, config, confirm_body, send};

const CONFIRM: &str = "/v1/payments/confirm";

fn kept_in(folder: &Path) -> Config {
    Config {
        data: Some(folder.join("sandbox/journal.jsonl")),
        ..config()
    }
}

#[tokio::test]
async fn everything_survives_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = Bench::with(kept_in(folder.path())).await;
    let paid = bench.authenticate("order-0001", 5000).await;
    let body = confirm_body(&paid, "order-0001", 5000);
    let first = bench.post_as("key-1", CONFIRM, body.clone()).await;
    bench
        .cancel(&paid, json!({ "cancelReason": "x", "cancelAmount": 700 }))
        .await;
    let open = bench.authenticate("order-0002", 800).await;
    let declined = json!({ "orderId": "order-0003", "amount": 900, "scenario": "FDS_ERROR" });
    let declined = bench.authenticate_as(declined).await;
    bench
        .confirm(&declined, "order-0003", 900)
        .await
        .refused(403, "FDS_ERROR");
    bench.advance(500).await;
    let (ledger, payment) = (bench.ledger().await, bench.payment(&declined).await);
    bench.sandbox.shutdown().await;

    let bench = Bench::with(kept_in(folder.path())).await;

    assert_eq!(bench.ledger().await, ledger);
    assert_eq!(bench.sandbox.clock().offset(), TimeDelta::seconds(500));
    let replayed = bench.post_as("key-1", CONFIRM, body).await;
    assert_eq!(replayed.text, first.text);
    assert_eq!(bench.payment(&paid).await["balanceAmount"], 4300);
    assert_eq!(
        bench.payment(&declined).await["failure"],
        payment["failure"]
    );
    assert_eq!(bench.confirm(&open, "order-0002", 800).await.status, 200);
    let sequences: Vec<_> = bench
        .ledger()
        .await
        .iter()
        .map(|entry| entry["sequence"].clone())
        .collect();
    assert_eq!(sequences, [json!(1), json!(2), json!(3)]);
}

#[tokio::test]
async fn what_was_answered_is_on_disk() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = Bench::with(kept_in(folder.path())).await;
    let copy = folder.path().join("copy.jsonl");
    let mut waiting = tokio::task::JoinSet::new();
    for number in 0..50 {
        let order_id = format!("order-{number:04}");
        let payment_key = bench.authenticate(&order_id, 1000).await;
        let body = confirm_body(&payment_key, &order_id, 1000);
        waiting.spawn(send(bench.api(Method::POST, CONFIRM).json(&body)));
    }
    while let Some(reply) = waiting.join_next().await {
        assert_eq!(reply.expect("a task").expect("an answer").status, 200);
    }
    // The file as a kill at this instant would leave it.
    fs::copy(folder.path().join("sandbox/journal.jsonl"), &copy).expect("a copy");

    let other = Bench::with(Config {
        data: Some(copy),
        ..config()
    })
    .await;
    assert_eq!(other.ledger().await, bench.ledger().await);
    assert_eq!(other.ledger().await.len(), 50);
}

#[tokio::test]
async fn only_the_last_line_may_be_torn() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("sandbox/journal.jsonl");
    let bench = Bench::with(kept_in(folder.path())).await;
    bench.paid("order-0001", 1000).await;
    bench.paid("order-0002", 1000).await;
    bench.sandbox.shutdown().await;
    let whole = fs::read(&path).expect("the journal");

    fs::write(&path, &whole[..whole.len() - 10]).expect("torn");
    let bench = Bench::with(kept_in(folder.path())).await;
    assert_eq!(
        bench.ledger().await.len(),
        1,
        "the torn capture was never answered"
    );
    bench.paid("order-0003", 1000).await;
    bench.sandbox.shutdown().await;
    let bench = Bench::with(kept_in(folder.path())).await;
    assert_eq!(
        bench.ledger().await.len(),
        2,
        "and the file goes on behind the tear"
    );
    bench.sandbox.shutdown().await;

    let mut damaged = fs::read(&path).expect("the journal");
    let middle = damaged.len() / 2;
    damaged[middle] = b'\n';
    fs::write(&path, &damaged).expect("damaged");
    let refused = start(kept_in(folder.path()))
        .await
        .expect_err("facts would be lost");
    assert!(
        matches!(refused, Error::JournalUnreadable { .. }),
        "{refused}"
    );
}

#[tokio::test]
async fn one_journal_has_one_sandbox() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = Bench::with(kept_in(folder.path())).await;
    let refused = start(kept_in(folder.path())).await.expect_err("in use");
    assert!(matches!(refused, Error::JournalInUse { .. }), "{refused}");
    bench.sandbox.shutdown().await;
    start(kept_in(folder.path())).await.expect("free again");
}

#[tokio::test]
async fn a_foreign_file_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("notes.txt");
    fs::write(&path, "milk\nbread\n").expect("notes");
    let refused = start(Config {
        data: Some(path.clone()),
        ..config()
    })
    .await;
    assert!(matches!(
        refused,
        Err(Error::JournalUnreadable { line: 1, .. })
    ));
    assert_eq!(fs::read_to_string(path).expect("notes"), "milk\nbread\n");
}

#[tokio::test]
async fn the_journal_holds_no_secret_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = Bench::with(kept_in(folder.path())).await;
    let payment_key = bench.authenticate("order-0001", 1000).await;
    bench
        .post_as(
            "key-1",
            CONFIRM,
            confirm_body(&payment_key, "order-0001", 1000),
        )
        .await;
    bench.sandbox.shutdown().await;
    let text = fs::read_to_string(folder.path().join("sandbox/journal.jsonl")).expect("text");
    assert!(text.contains("key-1") && !text.contains(crate::support::SECRET_KEY));
}
