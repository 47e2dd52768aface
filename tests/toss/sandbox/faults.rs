//! Owns what the adapter makes of every fault that the stand-in can have.

use std::time::Duration;

use application::ports::PaymentGateway;
use domain::decline::Reason;
use domain::snapshot::{Answer, Cause, Status};
use payflow::adapters::gateway::toss::{Settings, Toss};
use serde_json::{Value, json};
use toss_sandbox::Config;

use super::{Bench, found, is_unreadable, unknown};
use crate::support::{krw, settings};

fn from_the_edge(status: u16, when: &str) -> Value {
    json!({ "type": "status", "status": status, "when": when, "html": true })
}

/// The connection dies or the answer is spoilt; the question tells what is true.
#[tokio::test]
async fn a_lost_answer_is_found_out_by_asking() {
    let garbage = json!({ "type": "wrongBody", "field": "garbage" });
    for (fault, is_lost, effect) in [
        (json!({ "type": "dropBefore" }), true, false),
        (json!({ "type": "dropAfter" }), true, true),
        (json!({ "type": "cutBody" }), true, true),
        (from_the_edge(502, "before"), true, false),
        (from_the_edge(503, "after"), true, true),
        (garbage, false, true),
    ] {
        let bench = Bench::new().await;
        bench.strike("confirm", fault.clone()).await;
        let answer = bench.confirm(1).await;
        if is_lost {
            assert_eq!(answer, unknown(Cause::Lost), "{fault}");
        } else {
            assert!(is_unreadable(&answer), "{fault}: {answer:?}");
        }
        let expected = if effect {
            Status::Done
        } else {
            Status::InProgress
        };
        assert_eq!(bench.status().await, expected, "{fault}");
        assert_eq!(
            bench.see("calls").await["totals"]["confirm"],
            1,
            "{fault}: sent once"
        );
        assert_eq!(
            bench.movements().await.len(),
            usize::from(effect),
            "{fault}"
        );
    }
}

#[tokio::test]
async fn a_call_that_arrives_late_is_lost_first_and_done_later() {
    let bench = Bench::new().await;
    bench
        .strike("confirm", json!({ "type": "late", "milliseconds": 300 }))
        .await;
    assert_eq!(bench.confirm(1).await, unknown(Cause::Lost));
    assert_eq!(bench.status().await, Status::InProgress);
    for _ in 0..100 {
        if bench.status().await == Status::Done {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it never arrived");
}

/// Temporary errors are kept under their key, so that only the next key is executed.
#[tokio::test]
async fn a_temporary_error_needs_the_next_key() {
    for code in ["PROVIDER_ERROR", "FAILED_INTERNAL_SYSTEM_PROCESSING"] {
        let bench = Bench::new().await;
        bench
            .strike("confirm", json!({ "type": "code", "code": code }))
            .await;
        let temporary = unknown(Cause::Temporary(code.to_owned()));
        assert_eq!(bench.confirm(1).await, temporary);
        assert_eq!(bench.confirm(1).await, temporary, "replayed");
        assert_eq!(found(bench.confirm(2).await).status, Status::Done);
    }
    let bench = Bench::new().await;
    found(bench.confirm(1).await);
    let code = "FORBIDDEN_CONSECUTIVE_REQUEST";
    bench
        .strike("cancel", json!({ "type": "code", "code": code }))
        .await;
    let temporary = unknown(Cause::Temporary(code.to_owned()));
    assert_eq!(bench.cancel(1, 33_000, 33_000).await, temporary);
    assert_eq!(bench.cancel(1, 33_000, 33_000).await, temporary, "replayed");
    assert_eq!(
        found(bench.cancel(2, 33_000, 33_000).await).status,
        Status::Canceled
    );
}

#[tokio::test]
async fn a_refusal_is_final_and_shown() {
    let bench = Bench::new().await;
    let code = "REJECT_CARD_PAYMENT";
    bench
        .strike("confirm", json!({ "type": "code", "code": code }))
        .await;
    let Answer::Declined(decline) = bench.confirm(1).await else {
        panic!("{code} is listed")
    };
    assert_eq!(
        (decline.code.as_str(), decline.reason),
        (code, Reason::InsufficientFunds)
    );
    let shown = found(bench.toss.payment_by_key(&bench.payment_key).await);
    assert_eq!(shown.status, Status::Aborted);
    assert_eq!(shown.failure.unwrap().reason, Reason::InsufficientFunds);
}

#[tokio::test]
async fn a_new_code_is_not_believed() {
    let bench = Bench::new().await;
    bench
        .strike("confirm", json!({ "type": "unknownCode" }))
        .await;
    let answer = bench.confirm(1).await;
    assert!(is_unreadable(&answer), "{answer:?}");
}

#[tokio::test]
async fn being_told_to_wait_leaves_the_key_unused() {
    for fault in ["tooManyRequests", "processing"] {
        let bench = Bench::new().await;
        bench.strike("confirm", json!({ "type": fault })).await;
        let answer = bench.confirm(1).await;
        assert!(
            matches!(answer, Answer::Unknown(Cause::Busy { .. })),
            "{fault}: {answer:?}"
        );
        assert_eq!(
            found(bench.confirm(1).await).status,
            Status::Done,
            "{fault}"
        );
    }
}

#[tokio::test]
async fn answers_about_something_else_are_shown_as_they_are() {
    let bench = Bench::new().await;
    bench
        .strike(
            "confirm",
            json!({ "type": "overCapture", "amount": 50_000 }),
        )
        .await;
    assert_eq!(found(bench.confirm(1).await).total, Some(krw(50_000)));

    let bench = Bench::new().await;
    bench
        .strike(
            "confirm",
            json!({ "type": "wrongBody", "field": "orderId" }),
        )
        .await;
    assert_ne!(
        found(bench.confirm(1).await).order_id,
        bench.order.to_string()
    );

    let mut bench = Bench::new().await;
    let merchant_id = Some(Config::default().merchant_id);
    let url = bench.running.url();
    bench.toss = Toss::new(Settings {
        merchant_id,
        ..settings(&url)
    })
    .unwrap();
    bench
        .strike("confirm", json!({ "type": "wrongBody", "field": "mId" }))
        .await;
    let answer = bench.confirm(1).await;
    assert!(is_unreadable(&answer), "{answer:?}");
    assert_eq!(bench.status().await, Status::Done);
}
