//! Owns the README's word: it names everything there is, and its commands do what it says.

use std::process::{Command, Stdio};

use serde_json::{Value, json};
use toss_sandbox::Config;

use crate::support::Bench;

const README: &str = include_str!("../../README.md");

/// The README's lines in fenced blocks of a language.
fn blocks(language: &str) -> String {
    let fence = format!("```{language}\n");
    let inside = README.split(&fence).skip(1);
    inside
        .map(|after| after.split_once("```").expect("a closed block").0)
        .collect()
}

#[track_caller]
fn named(texts: impl IntoIterator<Item = impl AsRef<str>>) {
    let missing: Vec<String> = texts
        .into_iter()
        .map(|text| text.as_ref().to_owned())
        .filter(|text| !README.contains(text.as_str()))
        .collect();
    assert!(missing.is_empty(), "the README does not name {missing:?}");
}

/// What stands between two marks, wherever it does.
fn between<'a>(text: &'a str, begin: &'a str, end: &'a str) -> impl Iterator<Item = &'a str> {
    let after = text.split(begin).skip(1);
    after.filter_map(move |rest| Some(rest.split_once(end)?.0))
}

#[tokio::test]
async fn every_setting_stands_beside_its_default() {
    let bench = Bench::new().await;
    let shown = bench.get("/_sandbox/settings").await.json();
    let shown = shown.as_object().expect("settings");
    assert!(shown.len() > 30, "{}", shown.len());
    named(shown.iter().map(|(name, value)| {
        let value = value.as_str().map_or(value.to_string(), str::to_owned);
        format!("\n| `{name}` | `{value}` |")
    }));
    let rows = README.split("## Settings").nth(1).expect("a table");
    let rows = rows.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(rows, shown.len(), "and no setting that does not exist");
}

#[test]
fn every_flag_and_variable_is_named() {
    let output = Command::new(env!("CARGO_BIN_EXE_toss-sandbox"))
        .arg("--help")
        .output()
        .expect("help");
    let help = String::from_utf8(output.stdout).expect("text");
    let flags: Vec<String> = between(&help, "--", " ")
        .filter(|flag| !flag.starts_with("help") && !flag.starts_with("version"))
        .map(|flag| format!("`--{flag}`"))
        .collect();
    assert_eq!(flags.len(), 10, "{flags:?}");
    named(flags);
    let variables: Vec<String> = between(&help, "[env: ", "=")
        .map(|name| format!("`{name}`"))
        .collect();
    assert_eq!(variables.len(), 10, "{variables:?}");
    named(variables);
}

#[test]
fn every_route_is_named() {
    let sources = [
        include_str!("../../src/api/mod.rs"),
        include_str!("../../src/controls/billing.rs"),
        include_str!("../../src/controls/deposits.rs"),
        include_str!("../../src/controls/mod.rs"),
        include_str!("../../src/controls/webhooks.rs"),
        include_str!("../../src/window/billing.rs"),
        include_str!("../../src/window/mod.rs"),
    ];
    let routes: Vec<String> = sources
        .iter()
        .flat_map(|source| between(source, ".route(", ","))
        .map(|route| route.trim().trim_matches('"').to_owned())
        .filter(|route| !route.contains("/window/{"))
        .map(|route| {
            let route = route.replace("{payment_key}", "{paymentKey}");
            let route = route.replace("{billing_key}", "{billingKey}");
            route.replace("{order_id}", "{orderId}")
        })
        .collect();
    assert!(routes.len() > 20, "{routes:?}");
    named(routes);
}

#[tokio::test]
async fn every_fault_and_operation_is_named() {
    let bench = Bench::new().await;
    let wrong_type = json!({ "operation": "confirm", "fault": { "type": "?" } });
    let wrong_operation = json!({ "operation": "?", "fault": { "type": "dropAfter" } });
    for (body, least) in [(wrong_type, 13), (wrong_operation, 13)] {
        let told = bench.post("/_sandbox/faults", body).await.json();
        let message = told["message"].as_str().expect("a message");
        let (_, known) = message.split_once("expected one of ").expect("the names");
        let known: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
        assert!(known.len() >= least, "{known:?}");
        named(known.iter().map(|name| format!("`{name}")));
    }
}

#[tokio::test]
async fn every_test_card_is_named_with_its_code() {
    let bench = Bench::new().await;
    let shown = bench.get("/_sandbox/cards").await.json();
    let cards = shown["cards"].as_array().expect("cards");
    for card in cards {
        let number = card["number"].as_str().expect("a number");
        let row = README
            .lines()
            .find(|line| line.contains(&format!("| `{number}` |")));
        let row = row.unwrap_or_else(|| panic!("{number} is not named"));
        let story = card["en"].as_str().expect("a story");
        if let Some((_, code)) = story.split_once(" · ") {
            assert!(row.contains(&format!("`{code}`")), "{row}, not {code}");
        }
    }
    let rows = README.lines().filter(|line| line.starts_with("| `0000 "));
    assert_eq!(rows.count(), cards.len());
}

/// What the README's commands print, one after the other.
const PRINTED: [&str; 32] = [
    "{\n  \"status\": \"DONE\",\n  \"method\": \"카드\",\n  \"card\": \"94310012****780*\"\n}",
    "{\n  \"status\": \"PARTIAL_CANCELED\",\n  \"balanceAmount\": 30000\n}",
    r#"{"kind":"capture","orderId":"order-0001","amount":33000}"#,
    r#"{"kind":"cancel","orderId":"order-0001","amount":3000}"#,
    "303 http://",
    r#"{"code":"PROVIDER_ERROR","#,
    r#"{"status":"DONE","amount":33000}"#,
    r#"{"status":"PARTIAL_CANCELED","amount":-3000}"#,
    "600",
    "\"EXPIRED\"",
    r#""fault":{"type":"dropAfter"}"#,
    "the answer is lost",
    r#"{"status":"DONE","orderId":"order-0004"}"#,
    r#"{"seed":7,"#,
    r#"{"rules":[],"random":null}"#,
    "\"busy\"",
    "\"INVALID_STOPPED_CARD\"",
    r#"{"status":"DONE","type":"BILLING"}"#,
    "\"INVALID_CARD_EXPIRATION\"",
    "200\n",
    "\"ALREADY_REMOVED_BILLING_KEY\"",
    "\"DEPOSIT_AMOUNT_MISMATCH\"",
    "\"DONE\"",
    "\"WAITING_FOR_DEPOSIT\"",
    r#"{"status":"CANCELED","balanceAmount":0}"#,
    "1\n",
    "1000\n",
    r#"{"eventType":"PAYMENT_STATUS_CHANGED","orderId":"order-0006"}"#,
    r#"{"eventType":"PAYMENT_STATUS_CHANGED","orderId":"order-0006"}"#,
    r#"{"removed":1}"#,
    r#"{"result":"APPROVED","refNo":"R000001"}"#,
    r#"{"result":"DECLINED","reason":"REJECT_CARD_PAYMENT"}"#,
];

#[tokio::test(flavor = "multi_thread")]
async fn its_commands_do_what_it_says() {
    // As started by `cargo run`: the keys the commands use are the defaults.
    let bench = Bench::with(Config::default()).await;
    let address = bench.sandbox.address.to_string();
    let script = blocks("sh").replace("localhost:8081", &address);
    let work = tokio::task::spawn_blocking(move || {
        Command::new("bash")
            .args(["-euo", "pipefail", "-c", &script])
            .env("NO_PROXY", "*")
            .stderr(Stdio::piped())
            .output()
            .expect("bash, curl and jq are installed")
    });
    let output = work.await.expect("a thread");
    let printed = String::from_utf8(output.stdout).expect("text");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{printed}\n{told}");
    let mut rest = printed.as_str();
    for expected in PRINTED {
        let at = rest.find(expected);
        let at = at.unwrap_or_else(|| panic!("{expected:?} is not printed in {rest}"));
        rest = &rest[at + expected.len()..];
    }
    let url = format!("{}/_sandbox/ledger", bench.sandbox.url());
    let ledger = bench.client.get(url).send().await.expect("an answer");
    let ledger: Value = ledger.json().await.expect("JSON");
    assert_eq!(ledger["entries"].as_array().map(Vec::len), Some(7));
}

#[tokio::test]
async fn its_scenarios_can_be_loaded() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("scenarios.toml");
    std::fs::write(&path, blocks("toml")).expect("a file");
    let bench = Bench::with(Config {
        scenarios: Some(path),
        ..Config::default()
    })
    .await;
    let staged = bench.get("/_sandbox/scenarios").await.json();
    assert_eq!(staged["scenarios"].as_array().map(Vec::len), Some(3));
    let faults = bench.get("/_sandbox/faults").await.json();
    assert_eq!(faults["random"]["seed"], 7);
}
