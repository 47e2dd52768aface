//! Owns what every known document is taken for when it is the answer to a question.

use std::fs;
use std::path::{Path, PathBuf};

use application::ports::PaymentGateway;
use domain::snapshot::{Answer, Cause, Snapshot};

use crate::server::{Deed, Server, json};
use crate::support::{capture, payment_key, toss};

fn examples(prefix: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/toss-examples");
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| name(path).starts_with(prefix))
        .collect();
    files.sort();
    files
}

fn name(path: &Path) -> String {
    path.file_stem().unwrap().to_string_lossy().into_owned()
}

async fn ask(status: &str, file: &Path) -> Answer {
    let body = fs::read_to_string(file).unwrap();
    let server = Server::start(vec![Deed::Say(json(status, &body))]).await;
    toss(&server.url).payment_by_key(&payment_key()).await
}

/// A snapshot in a few lines.
fn show(snapshot: &Snapshot) -> String {
    let optional = |shown: Option<String>| shown.unwrap_or_else(|| "-".to_owned());
    let mut text = format!(
        "  {} {} {}\n  {:?} captured={} {} of {}, {} tax-free, by {} at {}\n  last {}\n",
        snapshot.payment_key,
        snapshot.order_id,
        snapshot.merchant_id,
        snapshot.status,
        snapshot.is_captured(),
        optional(snapshot.balance.map(|money| money.to_string())),
        optional(snapshot.total.map(|money| money.to_string())),
        optional(snapshot.tax_free_captured().map(|money| money.to_string())),
        optional(snapshot.method.clone()),
        optional(snapshot.approved_at.map(|at| at.to_rfc3339())),
        optional(
            snapshot
                .last_transaction_key
                .as_ref()
                .map(ToString::to_string)
        ),
    );
    let cancels = snapshot.cancels.iter().map(|cancel| {
        let at = optional(cancel.canceled_at.map(|at| at.to_rfc3339()));
        let (key, amount, reason) = (&cancel.transaction_key, cancel.amount, &cancel.reason);
        format!(
            "  cancel {key} {amount} done={} at {at}: {reason}\n",
            cancel.done
        )
    });
    text.extend(cancels);
    text.extend(snapshot.failure.iter().map(|why| {
        format!(
            "  failure {} {} {}\n",
            why.code,
            why.reason,
            why.class.as_str()
        )
    }));
    text + &format!("  receipt {}\n", optional(snapshot.receipt_url.clone()))
}

#[tokio::test]
async fn payments_are_read() {
    let mut table = String::new();
    let files = examples("payment-");
    assert_eq!(files.len(), 17);
    for file in files {
        let Answer::Found(snapshot) = ask("200 OK", &file).await else {
            panic!("{} is a payment", file.display())
        };
        table.extend([name(&file), "\n".to_owned(), show(&snapshot)]);
    }
    insta::assert_snapshot!("payments", table);
}

#[tokio::test]
async fn errors_are_read() {
    let files = examples("error-");
    assert_eq!(
        files.iter().map(|file| name(file)).collect::<Vec<_>>(),
        ["error-401", "error-404-session", "error-409",]
    );
    let configuration = Answer::Unknown(Cause::Configuration("UNAUTHORIZED_KEY".to_owned()));
    assert_eq!(ask("401 Unauthorized", &files[0]).await, configuration);
    let busy = Answer::Unknown(Cause::Busy {
        retry_after_seconds: None,
    });
    assert_eq!(ask("409 Conflict", &files[2]).await, busy);

    let gone = fs::read_to_string(&files[1]).unwrap();
    let server = Server::start(vec![Deed::Say(json("404 Not Found", &gone))]).await;
    let answer = toss(&server.url).confirm(&capture()).await;
    assert_eq!(answer, Answer::Unknown(Cause::SessionGone));
}

/// Requests, webhooks, billing keys, lists: none of them is a payment, whatever looks like one.
#[tokio::test]
async fn everything_else_is_no_payment() {
    let mut count = 0;
    for file in examples("") {
        let name = name(&file);
        if name.starts_with("payment-") || name.starts_with("error-") {
            continue;
        }
        count += 1;
        for status in ["200 OK", "400 Bad Request", "404 Not Found", "500 Error"] {
            let answer = ask(status, &file).await;
            let as_it_is = if status.starts_with('5') {
                answer == Answer::Unknown(Cause::Lost)
            } else {
                matches!(answer, Answer::Unknown(Cause::Unreadable(_)))
            };
            assert!(as_it_is, "{name} at {status}: {answer:?}");
        }
    }
    assert_eq!(count, 29);
}
