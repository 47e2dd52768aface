//! Owns the card company: what it authorises, declines, repeats and remembers.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use toss_sandbox::{Config, RepeatedTid};

use crate::support::{Bench, Reply, config, send};

const AUTHORIZE: &str = "/card/api/authorize";

fn body(tid: &str, amount: i64) -> Value {
    json!({ "amount": amount, "merchantName": "작은 서점", "tid": tid })
}

/// Asks without any key, as a gateway would.
async fn ask(bench: &Bench, body: &Value) -> reqwest::Result<Reply> {
    let url = format!("{}{AUTHORIZE}", bench.sandbox.url());
    send(bench.client.request(Method::POST, url).json(body)).await
}

async fn answer(bench: &Bench, body: &Value) -> Value {
    let reply = ask(bench, body).await.expect("an answer");
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json()
}

async fn authorized(bench: &Bench) -> Vec<Value> {
    let shown = bench.get("/_sandbox/authorizations").await.json();
    shown["authorizations"].as_array().expect("a list").clone()
}

fn declined(reason: &str) -> Value {
    json!({
        "result": "DECLINED", "refNo": null, "authCode": null,
        "approvedAt": null, "reason": reason,
    })
}

#[tokio::test]
async fn an_authorisation_is_answered_and_remembered() {
    let bench = Bench::new().await;
    let first = answer(&bench, &body("TID-1", 33_000)).await;
    let names: Vec<&String> = first.as_object().expect("an object").keys().collect();
    let expected = ["result", "refNo", "authCode", "approvedAt", "reason"];
    assert_eq!(names, expected);
    assert_eq!(
        (&first["result"], &first["refNo"], &first["reason"]),
        (&json!("APPROVED"), &json!("R000001"), &Value::Null)
    );
    let code = first["authCode"].as_str().expect("a code");
    assert!(code.len() == 7 && code.starts_with('A'), "{code}");
    let at = first["approvedAt"].as_str().expect("a date");
    assert!(at.len() == 25 && at.ends_with("+09:00"), "{at}");

    let second = answer(&bench, &body("TID-2", 500)).await;
    assert_eq!(second["refNo"], "R000002");
    let all = authorized(&bench).await;
    assert_eq!(all.len(), 2);
    assert_eq!(
        (&all[0]["tid"], &all[0]["amount"], &all[0]["authCode"]),
        (&json!("TID-1"), &json!(33_000), &first["authCode"])
    );
    assert!(bench.ledger().await.is_empty(), "the gateway took nothing");
    let calls = bench.get("/_sandbox/calls").await.json();
    assert_eq!(calls["totals"]["authorize"], 2);
    assert_eq!(
        (
            &calls["calls"][0]["operation"],
            &calls["calls"][0]["effect"]
        ),
        (&json!("authorize"), &json!(true))
    );
}

#[tokio::test]
async fn one_tid_is_authorised_once_however_many_ask() {
    let bench = Bench::new().await;
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let url = format!("{}{AUTHORIZE}", bench.sandbox.url());
        waiting.spawn(send(bench.client.post(url).json(&body("TID-1", 1000))));
    }
    let mut answers = Vec::new();
    while let Some(reply) = waiting.join_next().await {
        answers.push(reply.expect("a task").expect("an answer").text);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(authorized(&bench).await.len(), 1);
    let other = answer(&bench, &body("TID-1", 1001)).await;
    assert_eq!(other, declined("DUPLICATED_TID"));
}

#[tokio::test]
async fn a_card_company_may_authorise_a_second_time() {
    let again = |settings: &mut toss_sandbox::Settings| {
        settings.repeated_tid = RepeatedTid::AuthorizedAgain;
    };
    let bench = Bench::with_settings(again).await;
    let first = answer(&bench, &body("TID-1", 1000)).await;
    let second = answer(&bench, &body("TID-1", 1000)).await;
    assert_ne!(first["refNo"], second["refNo"]);
    assert_eq!(authorized(&bench).await.len(), 2, "and the witness knows");
}

#[tokio::test]
async fn declines_are_chosen_by_fault_by_card_or_by_scenario() {
    let bench = Bench::new().await;
    let code = json!({ "type": "code", "code": "REJECT_CARD_PAYMENT" });
    bench
        .fault(json!({ "operation": "authorize", "orderId": "TID-1", "fault": code }))
        .await;
    let told = answer(&bench, &body("TID-1", 1000)).await;
    assert_eq!(told, declined("REJECT_CARD_PAYMENT"));
    let again = answer(&bench, &body("TID-1", 1000)).await;
    assert_eq!(again, told, "a repeat is told the same");
    assert_eq!(
        answer(&bench, &body("TID-1", 1001)).await,
        declined("DUPLICATED_TID")
    );

    for (tid, card, reason) in [
        ("TID-21", "0000 0000 0000 0158", "INVALID_STOPPED_CARD"),
        ("TID-22", "0000000000000034", "REJECT_CARD_COMPANY"),
        ("TID-23", "4000056655665556", "INVALID_CARD_NUMBER"),
    ] {
        let mut asked = body(tid, 1000);
        asked["cardNumber"] = json!(card);
        assert_eq!(answer(&bench, &asked).await, declined(reason), "{card}");
    }

    let step =
        json!({ "operation": "authorize", "fault": { "type": "code", "code": "FDS_ERROR" } });
    let scenario = json!({ "name": "s", "orderId": "TID-3*", "steps": [step] });
    let script = json!({ "scenario": [scenario] });
    assert_eq!(bench.post("/_sandbox/scenarios", script).await.status, 200);
    let told = answer(&bench, &body("TID-31", 1000)).await;
    assert_eq!(told, declined("FDS_ERROR"));
    assert!(authorized(&bench).await.is_empty());
}

#[tokio::test]
async fn a_repeat_is_told_the_first_answer_whatever_happens_to_it() {
    let bench = Bench::new().await;
    let refused = |tid: &str, fault: Value| {
        let mut rule = json!({ "operation": "authorize", "fault": fault });
        rule["orderId"] = json!(tid);
        rule
    };
    let code = json!({ "type": "code", "code": "FDS_ERROR" });
    let first = answer(&bench, &body("TID-1", 1000)).await;
    bench.fault(refused("TID-1", code.clone())).await;
    let again = answer(&bench, &body("TID-1", 1000)).await;
    assert_eq!(again, first, "what was authorised is never denied");

    let mut lost = body("TID-2", 1000);
    lost["cardNumber"] = json!("0000 0000 0000 0109");
    bench
        .fault(refused("TID-2", json!({ "type": "dropAfter" })))
        .await;
    assert!(ask(&bench, &lost).await.is_err());
    let told = answer(&bench, &body("TID-2", 1000)).await;
    assert_eq!(
        told,
        declined("REJECT_CARD_PAYMENT"),
        "with or without the card"
    );
    assert_eq!(authorized(&bench).await.len(), 1);

    let again = |settings: &mut toss_sandbox::Settings| {
        settings.repeated_tid = RepeatedTid::AuthorizedAgain;
    };
    let bench = Bench::with_settings(again).await;
    bench.fault(refused("TID-1", code)).await;
    let told = answer(&bench, &body("TID-1", 1000)).await;
    assert_eq!(told, declined("FDS_ERROR"));
    let told = answer(&bench, &body("TID-1", 1000)).await;
    assert_eq!(told["result"], "APPROVED", "each is decided anew");
}

#[tokio::test]
async fn time_runs_out_before_and_after_the_authorisation() {
    let bench = Bench::new().await;
    bench
        .fault(json!([
            { "operation": "authorize", "fault": { "type": "delay", "milliseconds": 400 } },
            { "operation": "authorize", "fault": { "type": "dropBefore" } },
            { "operation": "authorize", "fault": { "type": "dropAfter" } },
            { "operation": "authorize", "fault": { "type": "wrongBody", "field": "garbage" } },
        ]))
        .await;
    let begun = Instant::now();
    answer(&bench, &body("TID-1", 1000)).await;
    assert!(begun.elapsed() >= Duration::from_millis(400));
    assert!(ask(&bench, &body("TID-2", 1000)).await.is_err());
    assert_eq!(authorized(&bench).await.len(), 1);
    assert!(ask(&bench, &body("TID-2", 1000)).await.is_err());
    assert_eq!(authorized(&bench).await.len(), 2, "the answer was lost");
    let garbage = ask(&bench, &body("TID-2", 1000)).await.expect("an answer");
    assert!(serde_json::from_str::<Value>(&garbage.text).is_err());
    let told = answer(&bench, &body("TID-2", 1000)).await;
    assert_eq!(told["refNo"], "R000002", "a repeat is told what happened");

    let mut lost = body("TID-3", 1000);
    lost["cardNumber"] = json!("0000 0000 0000 0042");
    assert!(ask(&bench, &lost).await.is_err());
    assert_eq!(answer(&bench, &lost).await["refNo"], "R000003");
}

#[tokio::test]
async fn senseless_requests_are_refused() {
    let bench = Bench::new().await;
    for (name, value) in [
        ("tid", Value::Null),
        ("tid", json!("")),
        ("tid", json!("t".repeat(65))),
        ("merchantName", Value::Null),
        ("merchantName", json!("m".repeat(101))),
        ("amount", Value::Null),
        ("amount", json!(0)),
        ("amount", json!(-5)),
        ("amount", json!(10.5)),
    ] {
        let mut asked = body("TID-1", 1000);
        asked[name] = value.clone();
        let reply = ask(&bench, &asked).await.expect("an answer");
        reply.refused(400, "INVALID_REQUEST");
    }
    for fault in [
        json!({ "type": "processing" }),
        json!({ "type": "notFound" }),
        json!({ "type": "wrongBody", "field": "amount" }),
    ] {
        let rule = json!({ "operation": "authorize", "fault": fault });
        assert_eq!(bench.post("/_sandbox/faults", rule).await.status, 400);
    }
    let get = bench.get(AUTHORIZE).await;
    get.refused(404, "NOT_FOUND_HTTP_METHOD");
    assert!(authorized(&bench).await.is_empty());
}

#[tokio::test]
async fn authorisations_survive_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let kept = || Config {
        data: Some(folder.path().join("journal.jsonl")),
        ..config()
    };
    let bench = Bench::with(kept()).await;
    let first = answer(&bench, &body("TID-1", 1000)).await;
    let mut refused = body("TID-9", 1000);
    refused["cardNumber"] = json!("0000 0000 0000 0109");
    let refused = answer(&bench, &refused).await;
    let all = authorized(&bench).await;
    bench.sandbox.shutdown().await;

    let bench = Bench::with(kept()).await;
    assert_eq!(authorized(&bench).await, all);
    assert_eq!(answer(&bench, &body("TID-1", 1000)).await, first);
    assert_eq!(answer(&bench, &body("TID-9", 1000)).await, refused);
    assert_eq!(
        answer(&bench, &body("TID-2", 1000)).await["refNo"],
        "R000002"
    );
}
