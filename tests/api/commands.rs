//! The commands of the binary beside `serve`.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::rig::text;

fn payflow(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_payflow"));
    let command = command.current_dir(folder).env_clear();
    command.args(arguments).output().unwrap()
}

/// What a command that succeeds prints, one JSON per line.
fn lines(folder: &Path, arguments: &[&str]) -> Vec<Value> {
    let output = payflow(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    let printed = String::from_utf8(output.stdout).unwrap();
    let lines = printed.lines().map(serde_json::from_str::<Value>);
    lines.map(|line| line.unwrap()).collect()
}

#[test]
fn it_tells_its_version_and_migrates() {
    let folder = TempDir::new().unwrap();
    let version = payflow(folder.path(), &["version"]).stdout;
    let version = String::from_utf8(version).unwrap();
    assert_eq!(version, format!("payflow {}\n", env!("CARGO_PKG_VERSION")));
    assert!(lines(folder.path(), &["migrate"]).is_empty());
}

#[test]
fn an_older_schema_is_left_to_migrate_where_the_settings_say_so() {
    let folder = TempDir::new().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_payflow"));
        let command = command.current_dir(folder.path()).env_clear();
        let command = command.env("PAYFLOW_DATABASE__MIGRATE", "false");
        command.args(arguments).output().unwrap()
    };
    for waits in [&["serve"][..], &["merchant", "list"]] {
        let refused = run(waits);
        assert_eq!(refused.status.code(), Some(1), "{refused:?}");
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(said.contains("payflow migrate"), "{said}");
    }
    assert!(run(&["migrate"]).status.success());
    let listed = run(&["merchant", "list"]);
    assert!(listed.status.success(), "{listed:?}");
}

#[test]
fn merchants_are_made_with_keys_shown_once() {
    let folder = TempDir::new().unwrap();
    let run = |arguments: &[&str]| lines(folder.path(), arguments);
    let made = run(&["merchant", "create", "shop"]).remove(0);
    assert!(text(&made["secretKey"]).starts_with("sk_test_"));
    assert!(text(&made["publishableKey"]).starts_with("pk_test_"));
    let second = ["merchant", "create", "서점", "--currencies", "USD,KRW"];
    let second = run(&[&second[..], &["--mode", "live"]].concat()).remove(0);
    assert!(text(&second["secretKey"]).starts_with("sk_live_"));

    let listed = run(&["merchant", "list"]);
    let told: Vec<Value> = listed
        .iter()
        .map(|line| {
            json!([
                line["merchantId"],
                line["name"],
                line["status"],
                line["currencies"]
            ])
        })
        .collect();
    let expected = [
        json!([made["merchantId"], "shop", "ACTIVE", ["KRW"]]),
        json!([second["merchantId"], "서점", "ACTIVE", ["KRW", "USD"]]),
    ];
    assert_eq!(told, expected);
    let printed = format!("{listed:?}");
    assert!(
        !printed.contains("sk_") && !printed.contains("pk_"),
        "{printed}"
    );
}

#[test]
fn merchants_are_suspended_resumed_and_given_currencies_and_a_zone() {
    let folder = TempDir::new().unwrap();
    let run = |arguments: &[&str]| lines(folder.path(), arguments).remove(0);
    let made = run(&["merchant", "create", "shop"]);
    let id = text(&made["merchantId"]);
    assert_eq!(run(&["merchant", "suspend", id])["status"], "SUSPENDED");
    assert_eq!(run(&["merchant", "list"])["status"], "SUSPENDED");
    assert_eq!(run(&["merchant", "resume", id])["status"], "ACTIVE");
    let changed = run(&["merchant", "currencies", id, "JPY,KRW"]);
    assert_eq!(changed["currencies"], json!(["KRW", "JPY"]));
    assert_eq!(changed["zone"], "Asia/Seoul");
    let moved = run(&["merchant", "zone", id, "America/New_York"]);
    assert_eq!(moved["zone"], "America/New_York");
    assert_eq!(run(&["merchant", "list"]), moved);
    let abroad = ["merchant", "create", "far", "--zone", "Europe/Berlin"];
    let abroad = run(&abroad);
    let listed = lines(folder.path(), &["merchant", "list"]).remove(1);
    assert_eq!(listed["merchantId"], abroad["merchantId"]);
    assert_eq!(listed["zone"], "Europe/Berlin");
}

#[test]
fn api_keys_are_issued_listed_rotated_and_revoked() {
    let folder = TempDir::new().unwrap();
    let run = |arguments: &[&str]| lines(folder.path(), arguments);
    let made = run(&["merchant", "create", "shop"]).remove(0);
    let merchant = text(&made["merchantId"]);
    let list = || run(&["api-key", "list", merchant]);
    assert_eq!(list().len(), 2);
    let issue = ["api-key", "issue", merchant, "--name", "order service"];
    let new = run(&issue).remove(0);
    let key = text(&new["key"]);
    assert!(key.starts_with("sk_test_") && key.len() == 51, "{new}");
    let live = ["--kind", "publishable", "--mode", "live"];
    let live = run(&[&issue[..], &live].concat()).remove(0);
    assert!(text(&live["key"]).starts_with("pk_live_"));
    let listed = list();
    assert_eq!(listed.len(), 3, "live keys are listed apart");
    assert_eq!(listed[0]["prefix"], key[..12]);
    assert_eq!(listed[0]["name"], "order service");
    assert!(!format!("{listed:?}").contains(&key[8..]), "{listed:?}");

    let id = text(&new["apiKeyId"]);
    let next = run(&["api-key", "rotate", id]).remove(0);
    assert_ne!(next["key"], new["key"]);
    assert_eq!(next["name"], "order service");
    assert!(list()[1]["expiresAt"].is_string());
    for key in list() {
        let revoked = run(&["api-key", "revoke", text(&key["apiKeyId"])]).remove(0);
        assert!(revoked["expiresAt"].is_string(), "{revoked}");
    }
}

#[test]
fn webhook_endpoints_are_made_changed_rotated_and_deleted() {
    let folder = TempDir::new().unwrap();
    let run = |arguments: &[&str]| lines(folder.path(), arguments);
    let merchant = run(&["merchant", "create", "shop"]).remove(0);
    let merchant = text(&merchant["merchantId"]);
    let add = ["webhook", "add", merchant, "https://shop.example/hooks"];
    let filter = ["payment.approved", "webhook_endpoint.disabled"];
    let filter = filter.map(|word| format!("--event={word}"));
    let filter: Vec<&str> = filter.iter().map(String::as_str).collect();
    let made = run(&[&add[..], &filter].concat()).remove(0);
    assert!(text(&made["secret"]).starts_with("whsec_"), "{made}");
    assert_eq!(
        made["events"],
        json!(["payment.approved", "webhook_endpoint.disabled"])
    );
    let id = text(&made["endpointId"]);
    let listed = run(&["webhook", "list", merchant]);
    assert_eq!(
        (listed.len(), &listed[0]["endpointId"]),
        (1, &made["endpointId"])
    );
    let off = run(&[
        "webhook",
        "change",
        id,
        "--enabled",
        "false",
        "--all-events",
    ])
    .remove(0);
    assert_eq!(
        (&off["status"], &off["events"]),
        (&json!("DISABLED"), &json!([]))
    );
    run(&["webhook", "change", id, "--enabled", "true"]);
    let rotated = run(&["webhook", "rotate", id, "--grace-seconds", "60"]).remove(0);
    assert_ne!(rotated["secret"], made["secret"]);
    assert!(rotated["oldSecretUntil"].is_string());
    let shown = run(&["webhook", "show", id]).remove(0);
    let changes = shown["changes"].as_array().unwrap();
    let changes: Vec<&str> = changes.iter().map(|line| text(&line["change"])).collect();
    assert_eq!(
        changes,
        ["ROTATED", "ENABLED", "DISABLED", "CHANGED", "CREATED"]
    );
    assert_eq!(shown["changes"][0]["actor"], "OPERATOR");
    assert!(!format!("{listed:?}{shown}").contains("whsec_"));
    assert_eq!(run(&["webhook", "deliveries", id]), [json!(null); 0]);
    assert_eq!(
        run(&["webhook", "redeliver", id]),
        [json!({ "redelivered": 0, "unsendable": 0 })]
    );
    let deleted = run(&["webhook", "delete", id]).remove(0);
    assert_eq!(deleted["status"], "DELETED");
    assert!(run(&["webhook", "list", merchant]).is_empty());
}

#[test]
fn what_cannot_be_is_refused_and_named() {
    let folder = TempDir::new().unwrap();
    let zeros = "0".repeat(34);
    let (nobody, key) = (format!("mer_{zeros}"), format!("key_{zeros}"));
    let endpoint = format!("whe_{zeros}");
    for (arguments, named) in [
        (vec!["merchant", "create", " "], "name"),
        (
            vec!["merchant", "create", "a", "--currencies", "XBT"],
            "currenc",
        ),
        (vec!["merchant", "create", "a", "--mode", "real"], "mode"),
        (
            vec!["merchant", "create", "a", "--zone", "Asia/Busan"],
            "zone",
        ),
        (vec!["merchant", "zone", &nobody, "KST"], "time zone"),
        (vec!["merchant", "zone", &nobody, "UTC"], "no such merchant"),
        (vec!["merchant", "suspend", "shop"], "id"),
        (vec!["merchant", "suspend", &nobody], "no such merchant"),
        (vec!["merchant", "currencies", &nobody, ""], "currenc"),
        (vec!["api-key", "issue", &nobody], "no such key"),
        (vec!["api-key", "issue", &nobody, "--kind", "x"], "kind"),
        (vec!["api-key", "rotate", &key], "no such key"),
        (
            vec!["api-key", "rotate", &key, "--grace-seconds", "2592001"],
            "grace",
        ),
        (vec!["api-key", "revoke", "key_1"], "key"),
        (
            vec!["webhook", "add", &nobody, "https://10.0.0.1/"],
            "public",
        ),
        (
            vec!["webhook", "add", &nobody, "https://shop.example/"],
            "no such",
        ),
        (vec!["webhook", "show", &endpoint], "no such endpoint"),
        (vec!["webhook", "show", "whe_1"], "endpoint"),
        (
            vec!["webhook", "attempts", &endpoint, "pay_1"],
            "id of an event",
        ),
    ] {
        let output = payflow(folder.path(), &arguments);
        let said = String::from_utf8_lossy(&output.stderr).to_lowercase();
        assert!(!output.status.success(), "{arguments:?}: {said}");
        assert!(said.contains(named), "{arguments:?}: {said}");
    }
}
