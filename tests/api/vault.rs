//! Secrets as operators handle them: accounts at gateways and master keys, by command, beside a
//! service that runs.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::{Process, pay};
use crate::rig::text;

const OLD: &str = "2026a:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const NEW: &str = "2026b:Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=";
const SECRET: &str = "test_sk_abcdefghcanary";
const CLIENT: &str = "test_ck_ijklmnopcanary";
/// What a running service may take to notice, and some more for a busy machine.
const NOTICED_SECONDS_MAX: u64 = 20;

/// Runs a command in `folder`, with these variables and this input.
pub(crate) fn payflow(
    folder: &Path,
    arguments: &[&str],
    variables: &[(&str, &str)],
    input: &str,
) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_payflow"))
        .current_dir(folder)
        .env_clear()
        .envs(variables.iter().copied())
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A command that refuses its arguments does not read.
    drop(stdin.write_all(input.as_bytes()));
    drop(stdin);
    child.wait_with_output().unwrap()
}

/// The lines that a command prints, which must succeed and show no key.
pub(crate) fn lines(output: &Output) -> Vec<Value> {
    assert!(output.status.success(), "{output:?}");
    let printed = String::from_utf8(output.stdout.clone()).unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!printed.contains("canary") && !said.contains("canary"));
    let lines = printed.lines().filter(|line| !line.is_empty());
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn refusal(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!said.contains("canary"), "{said}");
    said
}

/// A folder with a merchant, and that merchant's id.
fn merchant(variables: &[(&str, &str)]) -> (TempDir, String) {
    let folder = TempDir::new().unwrap();
    let create = ["merchant", "create", "shop"];
    let created = payflow(folder.path(), &create, variables, "");
    let id = text(&lines(&created)[0]["merchantId"]).to_owned();
    (folder, id)
}

#[test]
fn accounts_are_added_replaced_and_listed_and_no_key_is_shown() {
    let (folder, merchant) = merchant(&[]);
    let run = |arguments: &[&str], variables: &[(&str, &str)], input: &str| {
        payflow(folder.path(), arguments, variables, input)
    };
    let add = [
        "gateway-account",
        "add",
        "--merchant",
        &merchant,
        "--name",
        "main",
    ];
    let pair = format!("{SECRET}\n{CLIENT}\n");
    let added = lines(&run(&add, &[], &pair)).remove(0);
    assert_eq!(added["secretKey"], "test_sk_abcd…");
    assert_eq!(added["clientKey"], "test_ck_ijkl…");
    assert_eq!(
        (&added["mode"], &added["name"]),
        (&json!("test"), &json!("main"))
    );
    let id = text(&added["gatewayAccountId"]);

    let other = [
        ("GATEWAY_SECRET_KEY", "test_gsk_qrstcanary"),
        ("GATEWAY_CLIENT_KEY", "test_gck_uvwxcanary"),
    ];
    let replaced = lines(&run(&["gateway-account", "replace-key", id], &other, "")).remove(0);
    assert_eq!(replaced["credentialVersion"], 2);
    assert_eq!(replaced["secretKey"], "test_gsk_qrst…");
    for (action, status) in [("disable", "DISABLED"), ("enable", "ACTIVE")] {
        // A second time it is so already.
        for _ in 0..2 {
            let now = lines(&run(&["gateway-account", action, id], &[], ""));
            assert_eq!(now[0]["status"], status);
        }
    }
    let listed = lines(&run(&["gateway-account", "list"], &[], ""));
    assert_eq!(listed.len(), 2, "the merchant's own and the added one");
    assert_eq!(listed[0]["secretKey"], Value::Null);
    assert_eq!(listed[1], replaced);
    let books = std::fs::read(folder.path().join("data/payflow.db")).unwrap();
    let books = String::from_utf8_lossy(&books).into_owned();
    assert!(
        books.contains(id) && !books.contains("canary"),
        "it is not sealed"
    );

    let half = run(&add, &other[..1], "");
    assert!(refusal(&half).contains("come together"));
}

#[test]
fn keys_that_do_not_fit_are_refused() {
    let (folder, merchant) = merchant(&[]);
    let listed = payflow(folder.path(), &["gateway-account", "list"], &[], "");
    let listed = lines(&listed).remove(0);
    let id = text(&listed["gatewayAccountId"]);
    let add = ["gateway-account", "add", "--merchant", &merchant];
    let pair = format!("{SECRET}\n{CLIENT}\n");
    for (arguments, input, why) in [
        (&add[..], "sk_canary\nck_canary", "a secret key begins with"),
        (&add, SECRET, "two lines of standard input"),
        (&add, "test_sk_canary\nlive_ck_canary", "does not go with"),
        (
            &[
                "gateway-account",
                "add",
                "--merchant",
                &merchant,
                "--mode",
                "live",
            ],
            &pair,
            "test keys, not live ones",
        ),
        (&add, "live_sk_canary\nlive_ck_canary", "database.create"),
        (
            &["gateway-account", "replace-key", id],
            "live_sk_canary\nlive_ck_canary",
            "live keys, not test ones",
        ),
    ] {
        let said = refusal(&payflow(folder.path(), arguments, &[], input));
        assert!(said.contains(why), "{arguments:?}: {said}");
    }
}

#[test]
fn a_master_key_is_rotated_and_a_missing_one_is_named() {
    let keys = |keys: &str| [("PAYFLOW_VAULT__MASTER_KEYS", keys.to_owned())];
    let (folder, merchant) = merchant(&[("PAYFLOW_VAULT__MASTER_KEYS", OLD)]);
    let run = |arguments: &[&str], masters: &str, input: &str| {
        let variables = keys(masters);
        let variables: Vec<_> = variables.iter().map(|(n, v)| (*n, v.as_str())).collect();
        payflow(folder.path(), arguments, &variables, input)
    };
    let add = ["gateway-account", "add", "--merchant", &merchant];
    lines(&run(&add, OLD, &format!("{SECRET}\n{CLIENT}")));

    let alone = refusal(&run(&["rotate-master-key"], NEW, ""));
    assert!(
        alone.contains("2026a") && alone.contains("vault.master_keys"),
        "{alone}"
    );
    assert!(alone.contains(&merchant), "{alone}");
    let both = format!("{NEW},{OLD}");
    let rotated = lines(&run(&["rotate-master-key"], &both, "")).remove(0);
    assert_eq!(rotated, json!({ "rewrapped": 1, "alreadyCurrent": 0 }));
    let again = lines(&run(&["rotate-master-key"], &both, "")).remove(0);
    assert_eq!(again, json!({ "rewrapped": 0, "alreadyCurrent": 1 }));

    let shown = |masters: &str| {
        let listed = lines(&run(&["gateway-account", "list"], masters, ""));
        text(&listed[1]["secretKey"]).to_owned()
    };
    assert_eq!(shown(NEW), "test_sk_abcd…", "the old key can go");
    assert_eq!(shown(OLD), "unreadable");
    assert!(
        !folder.path().join("data/master.key").exists(),
        "none is made where one is configured"
    );
    // The service does not start without the master key either, and says which setting it wants.
    let said = refusal(&run(&[], OLD, ""));
    assert!(
        said.contains("2026b") && said.contains("vault.master_keys"),
        "{said}"
    );
}

#[test]
fn a_live_account_is_served_only_where_real_money_is_safe() {
    let books = "sqlite://books.db";
    let (folder, merchant) =
        merchant(&[("PAYFLOW_VAULT__MASTER_KEYS", OLD), ("DATABASE_URL", books)]);
    let safe = [
        ("PAYFLOW_VAULT__MASTER_KEYS", OLD),
        ("DATABASE_URL", books),
        ("PAYFLOW_DATABASE__CREATE", "false"),
    ];
    let add = [
        "gateway-account",
        "add",
        "--merchant",
        &merchant,
        "--mode",
        "live",
    ];
    let input = "live_sk_abcdcanary\nlive_ck_abcdcanary";
    let added = lines(&payflow(folder.path(), &add, &safe, input));
    assert_eq!(added[0]["mode"], "live");
    for (unsafe_settings, setting) in [
        (
            [safe[0], safe[1], ("PAYFLOW_DATABASE__CREATE", "true")],
            "database.create",
        ),
        (
            [safe[1], safe[2], ("PAYFLOW_VAULT__MASTER_KEYS", "")],
            "vault.master_keys",
        ),
    ] {
        let said = refusal(&payflow(folder.path(), &[], &unsafe_settings, ""));
        assert!(said.contains(setting), "{setting}: {said}");
    }
}

/// Asks again until the answer's code is this.
pub(crate) async fn until_told(process: &Process, path: &str, body: &Value, code: &str) -> Value {
    let begun = Instant::now();
    loop {
        let key = format!("again-{}", begun.elapsed().as_nanos());
        let told = process.post(path, &key, body).await;
        if told.code() == code {
            return told.body;
        }
        let waited = begun.elapsed().as_secs();
        assert!(waited < NOTICED_SECONDS_MAX, "{code} awaited: {told:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn order(number: u32) -> Value {
    json!({ "orderId": format!("order-{number}"), "orderName": "생수", "amount": 1 })
}

/// What a command beside the running service prints.
fn beside(folder: &TempDir, arguments: &[&str], input: &str) -> Value {
    lines(&payflow(folder.path(), arguments, &[], input)).remove(0)
}

/// The keys that the sandbox takes, as the commands read them.
fn known_keys(process: &Process) -> String {
    let keys = &process.keys;
    format!(
        "{}\n{}",
        text(&keys["gatewaySecretKey"]),
        text(&keys["clientKey"])
    )
}

#[tokio::test]
async fn a_running_service_notices_a_disabled_and_an_added_account() {
    let folder = TempDir::new().unwrap();
    let process = Process::start(folder.path());
    let paid = pay(&process, "order-1").await;
    let first = beside(&folder, &["gateway-account", "list"], "");
    assert_eq!(first["configured"], true, "the sandbox's keys are seeded");
    let id = text(&first["gatewayAccountId"]);

    let waiting = process.post("/api/v1/payments", "w", &order(2)).await;
    let waiting = &waiting.body["data"];
    assert_eq!(waiting["clientKey"], process.keys["clientKey"]);
    beside(&folder, &["gateway-account", "disable", id], "");
    let approve = format!("/api/v1/payments/{}/approve", text(&waiting["paymentId"]));
    let body = json!({ "paymentKey": "tgen_never", "amount": 1,
                       "gatewayOrderId": waiting["gatewayOrderId"] });
    until_told(&process, &approve, &body, "GATEWAY_ACCOUNT_DISABLED").await;
    let none = process.post("/api/v1/payments", "n", &order(3)).await;
    assert_eq!(none.code(), "GATEWAY_ACCOUNT_DISABLED");
    let refund = format!("/api/v1/payments/{paid}/cancel");
    let refund = process
        .post(&refund, "refund", &json!({ "reason": "r" }))
        .await;
    assert_eq!(refund.status, 200, "{refund:?}");

    let add = [
        "gateway-account",
        "add",
        "--merchant",
        text(&first["merchantId"]),
    ];
    beside(&folder, &add, &known_keys(&process));
    until_told(&process, "/api/v1/payments", &order(4), "OK").await;
    pay(&process, "order-5").await;
    assert_eq!(process.terminate(), Some(0));
}

#[tokio::test]
async fn a_key_of_another_merchant_does_not_replace_ours() {
    let folder = TempDir::new().unwrap();
    let process = Process::start(folder.path());
    let first = beside(&folder, &["gateway-account", "list"], "");
    let id = text(&first["gatewayAccountId"]);
    let sandbox = [("PAYFLOW_SANDBOX__URL", text(&process.keys["sandboxUrl"]))];
    let nowhere = [("PAYFLOW_SANDBOX__URL", "http://127.0.0.1:1")];
    let replace = ["gateway-account", "replace-key", id];
    let run = |variables, input: &str| payflow(folder.path(), &replace, variables, input);
    // Nothing was taken yet: nothing can tell.
    let pair = known_keys(&process);
    assert_eq!(lines(&run(&nowhere, &pair))[0]["credentialVersion"], 2);
    // With the keys that the service knows already, so the window stays open.
    pay(&process, "order-1").await;
    let wrong = format!("{SECRET}\n{CLIENT}");
    let said = refusal(&run(&sandbox, &wrong));
    assert!(said.contains("the gateway refuses these keys"), "{said}");
    let said = refusal(&run(&nowhere, &pair));
    assert!(said.contains("--unchecked"), "{said}");
    assert_eq!(lines(&run(&sandbox, &pair))[0]["credentialVersion"], 3);
    let unchecked = [&replace[..], &["--unchecked"]].concat();
    let forced = payflow(folder.path(), &unchecked, &nowhere, &wrong);
    assert_eq!(lines(&forced)[0]["credentialVersion"], 4);
}

#[tokio::test]
async fn a_running_service_notices_a_replaced_key_and_logs_none() {
    let folder = TempDir::new().unwrap();
    let process = Process::start(folder.path());
    let pair = known_keys(&process);
    let first = beside(&folder, &["gateway-account", "list"], "");
    let replace = [
        "gateway-account",
        "replace-key",
        text(&first["gatewayAccountId"]),
    ];
    let prepared = process.post("/api/v1/payments", "p", &order(1)).await;
    let id = text(&prepared.body["data"]["paymentId"]).to_owned();
    let checkout = format!("/api/v1/payments/{id}/checkout");
    let shows = async |client_key: &str| {
        let begun = Instant::now();
        loop {
            let opened = process.post(&checkout, "k", &json!({})).await;
            if opened.body["data"]["clientKey"] == client_key {
                return;
            }
            let waited = begun.elapsed().as_secs();
            assert!(waited < NOTICED_SECONDS_MAX, "{opened:?}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let wrong = "test_sk_wrongcanary\ntest_ck_wrongcanary";
    let replaced = beside(&folder, &replace, wrong);
    assert_eq!(replaced["credentialVersion"], 2);
    shows("test_ck_wrongcanary").await;
    let mended = beside(&folder, &replace, &pair);
    assert_eq!(mended["credentialVersion"], 3);
    let (secret_key, client_key) = pair.split_once('\n').unwrap();
    shows(client_key).await;
    pay(&process, "order-2").await;

    assert_eq!(process.terminate(), Some(0));
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    let master = std::fs::read_to_string(folder.path().join("data/master.key")).unwrap();
    let (_, master) = master.trim().split_once(':').unwrap();
    for canary in [master, secret_key, "test_sk_wrongcanary"] {
        assert!(!log.contains(canary), "{canary} was logged");
    }
}
