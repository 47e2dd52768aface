//! Both services in front of a feed that is worse than Payflow's: it repeats itself, goes back,
//! tells of what nobody knows, errs, and loses its place; and they are killed all the while.
#![expect(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "helpers of tests, not only tests, may panic; small numbers"
)]

mod feed;

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::feed::Feed;

const POINTS: &str = env!("CARGO_BIN_EXE_payflow-points");
const NOTIFICATIONS: &str = env!("CARGO_BIN_EXE_payflow-notifications");
const PATIENCE: Duration = Duration::from_secs(30);

/// A service in a process of its own, killed when it is dropped.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn command(program: &str, folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(folder)
        .env_clear()
        .args(["--data", "own.db"])
        .args(arguments)
        .stdin(Stdio::null());
    command
}

fn start(program: &str, folder: &Path, url: &str, more: &[&str]) -> Program {
    let mut command = command(program, folder, &["--payflow-url", url]);
    command
        .args(["--secret-key", "any", "--page", "2"])
        .args(more);
    let log = std::fs::File::options()
        .create(true)
        .append(true)
        .open(folder.join("log"))
        .unwrap();
    Program(command.stderr(log).stdout(Stdio::null()).spawn().unwrap())
}

fn shown(program: &str, folder: &Path) -> Vec<Value> {
    let Output { status, stdout, .. } = command(program, folder, &["--show"]).output().unwrap();
    assert!(status.success());
    let text = String::from_utf8(stdout).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Four payments: kept, given back in part, given back, and nobody's; then a subscription.
fn history() -> Vec<Value> {
    let event = |payment: &str, sequence: i64, kind: &str, balance: i64| {
        json!({
            "paymentId": payment, "sequence": sequence, "type": kind, "newField": [1],
            "payload": { "orderId": "o", "amount": 10_050, "currency": "KRW", "balance": balance },
        })
    };
    let mut history = vec![
        event("kept", 1, "payment.prepared", 0),
        event("part", 1, "payment.prepared", 0),
        event("kept", 2, "payment.approved", 10_050),
        event("part", 2, "payment.approved", 10_050),
        event("back", 1, "payment.approved", 10_050),
        event("nobody", 1, "payment.approved", 10_050),
        event("part", 3, "payment.cancel_requested", 10_050),
        json!({ "paymentId": "kept", "sequence": 3, "type": "payment.praised", "payload": [5] }),
        event("part", 4, "payment.partially_canceled", 3_999),
        event("back", 2, "payment.cancel_requested", 10_050),
        event("back", 3, "payment.canceled", 0),
        // What nothing promises: an older one of its payment, after newer ones.
        event("back", 1, "payment.approved", 10_050),
        event("part", 2, "payment.approved", 10_050),
    ];
    history.extend(subscribed());
    history
}

/// A card, a subscription that is paid, declined and ends as its last cycle is given back, and the
/// payment of one cycle.
fn subscribed() -> Vec<Value> {
    let of = |sequence: i64, deed: &str, from: &str, to: &str, more: Value| {
        let mut payload = json!({ "planCode": "tea", "amount": 9_900, "currency": "KRW" });
        payload
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        json!({
            "subscriptionId": "tea", "sequence": sequence, "from": from, "to": to,
            "type": format!("subscription.{deed}"), "payload": payload,
        })
    };
    let cycle = format!("sub_{}-1", "0".repeat(34));
    let of_cycle = |sequence: i64, kind: &str, balance: i64| {
        json!({
            "paymentId": "cycle", "sequence": sequence, "type": kind,
            "payload": { "orderId": cycle, "amount": 9_900, "currency": "KRW", "balance": balance },
        })
    };
    let card = |sequence: i64, kind: &str| {
        json!({
            "billingKeyId": "card", "sequence": sequence, "type": kind, "payload": {},
            "from": null, "to": "ACTIVE",
        })
    };
    let mut first = of(1, "created", "", "PENDING", json!({}));
    first.as_object_mut().unwrap().remove("from");
    vec![
        card(1, "billing_key.issued"),
        first,
        of_cycle(1, "payment.approved", 9_900),
        of(
            2,
            "paid",
            "PENDING",
            "ACTIVE",
            json!({ "paidUntil": "2026-04-02" }),
        ),
        of(
            3,
            "payment_declined",
            "ACTIVE",
            "PAST_DUE",
            json!({ "nextTryAt": "2026-04-03" }),
        ),
        of(4, "refunded", "PAST_DUE", "PAST_DUE", json!({})),
        of(5, "cycle_skipped", "PAST_DUE", "PAST_DUE", json!({})),
        of(2, "paid", "PENDING", "ACTIVE", json!({})),
        of(6, "refunded", "PAST_DUE", "CANCELED", json!({})),
        card(2, "billing_key.deleted"),
        card(1, "billing_key.issued"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_feed_does_each_event_has_its_effect_once() {
    let folder = tempfile::tempdir().unwrap();
    for (program, expected) in [
        (
            POINTS,
            vec![
                json!({ "member": "member-back", "points": 0 }),
                json!({ "member": "member-cycle", "points": 99 }),
                json!({ "member": "member-kept", "points": 100 }),
                json!({ "member": "member-part", "points": 39 }),
            ],
        ),
        (
            NOTIFICATIONS,
            vec![
                json!(["kept/2", "APPROVED"]),
                json!(["part/2", "APPROVED"]),
                json!(["back/1", "APPROVED"]),
                json!(["part/3", "CANCEL_REQUESTED"]),
                json!(["part/4", "CANCELLED"]),
                json!(["back/2", "CANCEL_REQUESTED"]),
                json!(["back/3", "CANCELLED"]),
                json!(["card/1", "BILLING_KEY_ISSUED"]),
                json!(["tea/1", "SUBSCRIPTION_CREATED"]),
                json!(["tea/2", "AUTO_BILLING_APPROVED"]),
                json!(["tea/3", "AUTO_BILLING_DECLINED"]),
                json!(["tea/6", "SUBSCRIPTION_CANCELED"]),
                json!(["card/2", "BILLING_KEY_DELETED"]),
            ],
        ),
    ] {
        let name = Path::new(program).file_name().unwrap();
        let folder = folder.path().join(name);
        std::fs::create_dir(&folder).unwrap();
        let feed = Feed::open(history()).await;
        // Killed at every answer, a little later each time, until the end was reached.
        let (mut asked, mut kills) = (0, 0);
        while !feed.is_read() {
            let killed = start(program, &folder, &feed.url, &[]);
            until("no question", || feed.asked() > asked || feed.is_read()).await;
            tokio::time::sleep(Duration::from_millis(kills * 7 % 90)).await;
            drop(killed);
            (asked, kills) = (feed.asked(), kills + 1);
        }
        assert!(kills > 1, "it was not killed on the way");
        // And from the beginning, by request and because the feed has lost its place.
        feed.forget();
        let program_again = start(program, &folder, &feed.url, &["--again"]);
        until("not read again", || feed.is_read()).await;
        feed.restore();
        until("not read after a restore", || feed.is_read()).await;
        drop(program_again);
        let mut found = shown(program, &folder);
        if program == NOTIFICATIONS {
            let told = |row: &Value| json!([row["event"], row["code"]]);
            found = found.iter().map(told).collect();
        }
        assert_eq!(found, expected, "{name:?}");
        let log = std::fs::read_to_string(folder.join("log")).unwrap();
        assert!(
            log.contains("payment.praised"),
            "it tells what it skips: {log}"
        );
        assert!(feed.failed() > 0, "nothing went wrong");
    }
}

#[test]
fn what_cannot_work_is_refused_with_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    for program in [POINTS, NOTIFICATIONS] {
        let half = ["--payflow-url", "http://127.0.0.1:1"];
        let refused = command(program, folder.path(), &half).output().unwrap();
        assert!(!refused.status.success());
        let why = String::from_utf8(refused.stderr).unwrap();
        assert!(why.contains("are given together"), "{why}");
    }
    std::fs::write(folder.path().join("own.db"), "not a database, but words").unwrap();
    let refused = command(POINTS, folder.path(), &["--show"])
        .output()
        .unwrap();
    let why = String::from_utf8(refused.stderr).unwrap();
    assert!(why.contains("not a database"), "{why}");
}
