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
fn merchants_are_suspended_resumed_and_given_currencies() {
    let folder = TempDir::new().unwrap();
    let run = |arguments: &[&str]| lines(folder.path(), arguments).remove(0);
    let made = run(&["merchant", "create", "shop"]);
    let id = text(&made["merchantId"]);
    assert_eq!(run(&["merchant", "suspend", id])["status"], "SUSPENDED");
    assert_eq!(run(&["merchant", "list"])["status"], "SUSPENDED");
    assert_eq!(run(&["merchant", "resume", id])["status"], "ACTIVE");
    let changed = run(&["merchant", "currencies", id, "JPY,KRW"]);
    assert_eq!(changed["currencies"], json!(["KRW", "JPY"]));
    assert_eq!(run(&["merchant", "list"]), changed);
}

#[test]
fn what_cannot_be_is_refused_and_named() {
    let folder = TempDir::new().unwrap();
    let nobody = format!("mer_{}", "0".repeat(34));
    for (arguments, named) in [
        (vec!["merchant", "create", " "], "name"),
        (
            vec!["merchant", "create", "a", "--currencies", "XBT"],
            "currenc",
        ),
        (vec!["merchant", "create", "a", "--mode", "real"], "mode"),
        (vec!["merchant", "suspend", "shop"], "id"),
        (vec!["merchant", "suspend", &nobody], "no such merchant"),
        (vec!["merchant", "currencies", &nobody, ""], "currenc"),
    ] {
        let output = payflow(folder.path(), &arguments);
        let said = String::from_utf8_lossy(&output.stderr).to_lowercase();
        assert!(!output.status.success(), "{arguments:?}: {said}");
        assert!(said.contains(named), "{arguments:?}: {said}");
    }
}
