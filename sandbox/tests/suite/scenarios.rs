//! Owns scripted scenarios: which orders a file means, and what each goes through by itself.

use std::path::Path;

use reqwest::Method;
use serde_json::{Value, json};
use toss_sandbox::{Config, Error, start};

use crate::support::{Bench, config, confirm_body, send};

/// A bench that was started with a file of scenarios.
async fn scripted(text: &str) -> Bench {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("scenarios.toml");
    std::fs::write(&path, text).expect("a file");
    Bench::with(with_file(&path)).await
}

fn with_file(path: &Path) -> Config {
    Config {
        scenarios: Some(path.to_owned()),
        ..config()
    }
}

/// What a confirm of the order comes to: a code, or `OK`, or `LOST`.
async fn outcome(bench: &Bench, payment_key: &str, order_id: &str) -> String {
    let body = confirm_body(payment_key, order_id, 1000);
    let request = bench.api(Method::POST, "/v1/payments/confirm").json(&body);
    match send(request).await {
        Err(_) => "LOST".to_owned(),
        Ok(reply) if reply.status == 200 => "OK".to_owned(),
        Ok(reply) => reply.json()["code"].as_str().expect("a code").to_owned(),
    }
}

/// What confirms of one order come to, one after the other.
async fn outcomes(bench: &Bench, order_id: &str, times: usize) -> Vec<String> {
    let payment_key = bench.authenticate(order_id, 1000).await;
    let mut all = Vec::new();
    for _ in 0..times {
        all.push(outcome(bench, &payment_key, order_id).await);
    }
    all
}

const LOST_AND_LATE: &str = r#"
[[scenario]]
name = "the answer is lost and reads lag behind"
orderId = "lost-*"

[[scenario.steps]]
operation = "confirm"
fault = { type = "dropAfter" }

[[scenario.steps]]
operation = "any"
times = 2
fault = { type = "notFound" }
"#;

#[tokio::test]
async fn every_order_of_a_pattern_goes_through_the_steps_by_itself() {
    let bench = scripted(LOST_AND_LATE).await;
    for order_id in ["lost-0001", "lost-0002"] {
        let payment_key = bench.authenticate(order_id, 1000).await;
        let path = format!("/v1/payments/{payment_key}");
        let by_order = format!("/v1/payments/orders/{order_id}");
        assert_eq!(bench.get(&path).await.status, 200, "not before its turn");

        assert_eq!(outcome(&bench, &payment_key, order_id).await, "LOST");
        bench.get(&path).await.refused(404, "NOT_FOUND_PAYMENT");
        let unseen = bench.get(&by_order).await;
        unseen.refused(404, "NOT_FOUND_PAYMENT");

        assert_eq!(bench.get(&path).await.json()["status"], "DONE");
        let again = outcome(&bench, &payment_key, order_id).await;
        assert_eq!(again, "ALREADY_PROCESSED_PAYMENT");
    }
    assert_eq!(outcomes(&bench, "other-0001", 1).await, ["OK"]);
    let shown = bench.get("/_sandbox/scenarios").await.json();
    assert_eq!(shown["scenarios"][0]["orders"], 2);
    let calls = bench.calls().await;
    let struck = calls.iter().filter(|call| !call["fault"].is_null()).count();
    assert_eq!(struck, 6);
}

#[tokio::test]
async fn calls_may_pass_first_and_a_last_step_may_never_end() {
    let bench = scripted(
        r#"
        [[scenario]]
        name = "the second and third fail, then the gateway stays busy"
        orderId = "order-?"
        steps = [
          { operation = "confirm", skip = 1, times = 2,
            fault = { type = "code", code = "PROVIDER_ERROR" } },
          { operation = "confirm", times = "always", fault = { type = "tooManyRequests" } },
        ]
        "#,
    )
    .await;
    // The first passes, and is refused by the rules themselves.
    let payment_key = bench.authenticate("order-7", 1000).await;
    let body = confirm_body(&payment_key, "order-7", 1);
    let wrong = bench.post("/v1/payments/confirm", body).await;
    wrong.refused(403, "FORBIDDEN_REQUEST");
    for expected in [
        "PROVIDER_ERROR",
        "PROVIDER_ERROR",
        "TOO_MANY_REQUESTS",
        "TOO_MANY_REQUESTS",
    ] {
        assert_eq!(outcome(&bench, &payment_key, "order-7").await, expected);
    }
    assert!(bench.ledger().await.is_empty());
    assert_eq!(outcomes(&bench, "order-77", 1).await, ["OK"]);
}

#[tokio::test]
async fn orders_are_known_by_name_and_amount_and_the_first_scenario_is_theirs() {
    let declined = |name: &str, code: &str| {
        let fault = json!({ "type": "code", "code": code });
        let steps = json!([{ "operation": "confirm", "times": "always", "fault": fault }]);
        let mut scenario = json!({ "name": name, "steps": steps });
        scenario["orderName"] = json!("*카드*");
        scenario
    };
    let mut of_amount = declined("by amount", "EXCEED_MAX_AMOUNT");
    of_amount["amount"] = json!(1000);
    let script = json!({ "scenario": [of_amount, declined("by name", "FDS_ERROR")] });
    let bench = Bench::new().await;
    let staged = bench.post("/_sandbox/scenarios", script).await;
    assert_eq!(staged.status, 200, "{}", staged.text);

    let cases = [
        (1000, "새 카드 지갑", "EXCEED_MAX_AMOUNT"),
        (2000, "새 카드 지갑", "FDS_ERROR"),
        (1000, "셔츠", "OK"),
    ];
    for (number, (amount, order_name, expected)) in cases.into_iter().enumerate() {
        let order_id = format!("order-{number:04}");
        let body = json!({ "orderId": order_id, "amount": amount, "orderName": order_name });
        let payment_key = bench.authenticate_as(body).await;
        let reply = bench.confirm(&payment_key, &order_id, amount).await;
        let code = reply.json()["code"].as_str().unwrap_or("OK").to_owned();
        assert_eq!(code, expected, "{amount} {order_name}");
    }
}

#[tokio::test]
async fn rules_come_first_and_healing_ends_scenarios() {
    let bench = scripted(LOST_AND_LATE).await;
    let code = json!({ "type": "code", "code": "COMMON_ERROR" });
    bench
        .fault(json!({ "operation": "confirm", "orderId": "lost-0001", "fault": code }))
        .await;
    let expected = ["COMMON_ERROR", "LOST"];
    assert_eq!(outcomes(&bench, "lost-0001", 2).await, expected);

    let healed = send(bench.api(Method::DELETE, "/_sandbox/faults")).await;
    assert_eq!(healed.expect("an answer").status, 200);
    assert_eq!(outcomes(&bench, "lost-0002", 1).await, ["OK"]);
    let shown = bench.get("/_sandbox/scenarios").await.json();
    assert_eq!(shown, json!({ "scenarios": [] }));
}

#[tokio::test]
async fn a_file_may_bring_random_faults() {
    let bench = scripted("[random]\nseed = 7\nperMille = { tooManyRequests = 1000 }\n").await;
    bench
        .get("/v1/payments/some")
        .await
        .refused(429, "TOO_MANY_REQUESTS");
}

/// A scenario with one thing about it changed.
fn with(name: &str, value: Value) -> Value {
    let mut scenario = json!({
        "name": "s", "orderId": "lost-*",
        "steps": [{ "operation": "confirm", "fault": { "type": "dropAfter" } }],
    });
    scenario[name] = value;
    scenario
}

/// Scenarios that make no sense, and what is said about each.
fn senseless() -> Vec<(Value, &'static str)> {
    let fault = json!({ "type": "dropAfter" });
    let unlisted = json!({ "type": "code", "code": "NO_SUCH" });
    vec![
        (with("name", json!(" ")), "it needs a name"),
        (
            with("orderId", Value::Null),
            "an orderId, an orderName or an amount",
        ),
        (with("orderId", json!("")), "an empty pattern"),
        (with("steps", json!([])), "it has no steps"),
        (with("ordreId", json!("x")), "unknown field `ordreId`"),
        (
            with(
                "steps",
                json!([{ "operation": "get", "fault": { "type": "explode" } }]),
            ),
            "unknown variant `explode`",
        ),
        (
            with(
                "steps",
                json!([{ "operation": "confirm", "fault": { "type": "notFound" } }]),
            ),
            "scenario \"s\": step 1: notFound cannot happen",
        ),
        (
            with(
                "steps",
                json!([{ "operation": "confirm", "fault": unlisted }]),
            ),
            "NO_SUCH is not a documented code",
        ),
        (
            with(
                "steps",
                json!([{ "operation": "confirm", "times": 0, "fault": fault }]),
            ),
            "step 1: it never happens",
        ),
        (
            with(
                "steps",
                json!([{ "operation": "confirm", "times": "often", "fault": fault }]),
            ),
            "times is a number or \"always\"",
        ),
        (
            with(
                "steps",
                json!([
                    { "operation": "confirm", "times": "always", "fault": fault },
                    { "operation": "confirm", "fault": fault },
                ]),
            ),
            "step 1: no step is reached behind one that is always",
        ),
    ]
}

#[tokio::test]
async fn senseless_scenarios_are_refused_with_their_place() {
    let bench = Bench::new().await;
    for (scenario, problem) in senseless() {
        let reply = bench
            .post("/_sandbox/scenarios", json!({ "scenario": [scenario] }))
            .await;
        let message = reply.json()["message"]
            .as_str()
            .expect("a message")
            .to_owned();
        assert!(message.contains(problem), "{message}, not {problem}");
        assert_eq!(reply.status, 400);
    }
    let twice = json!({ "scenario": [with("amount", json!(1)), with("amount", json!(2))] });
    let reply = bench.post("/_sandbox/scenarios", twice).await;
    assert!(
        reply.text.contains("two scenarios are called"),
        "{}",
        reply.text
    );
    let shown = bench.get("/_sandbox/scenarios").await.json();
    assert_eq!(shown, json!({ "scenarios": [] }));
}

#[tokio::test]
async fn a_bad_file_stops_the_start_and_says_where() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("scenarios.toml");
    let cases = [
        ("[[scenario]\n", "line 1"),
        ("\n\n[[scenario]]\nname = 7\n", "line 4"),
        (
            "[[scenario]]\nname = \"a\"\norderId = \"x*\"\nsteps = [\n\
             { operation = \"confirm\", fault = { type = \"late\" } } ]\n",
            "missing field `milliseconds`",
        ),
        (
            "[[scenario]]\nname = \"empty\"\namount = 1\nsteps = []\n",
            "it has no steps",
        ),
        (
            "scenarios = 1\n",
            "unknown field `scenarios`, expected `scenario` or `random`",
        ),
    ];
    for (text, problem) in cases {
        std::fs::write(&path, text).expect("a file");
        let refused = start(with_file(&path)).await.expect_err("a bad file");
        assert!(
            matches!(refused, Error::ScenariosMalformed { .. }),
            "{refused}"
        );
        let told = refused.to_string();
        assert!(
            told.contains("scenarios.toml") && told.contains(problem),
            "{told}"
        );
    }
    let missing = start(with_file(&folder.path().join("none.toml"))).await;
    let refused = missing.expect_err("no file");
    assert!(matches!(refused, Error::Scenarios { .. }), "{refused}");
}
