//! What operators do by command, beside the service and without it, rightly and wrongly.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::stand::Stand;
use crate::rig::{answer, text};

const SECRET_KEYS: [&str; 2] = ["test_sk_canary0abcdefgh", "test_gsk_canary1ijklmn"];
const CLIENT_KEYS: [&str; 2] = ["test_ck_canary2abcdefgh", "test_gck_canary3ijklmn"];
const MISTYPED: &str = "canary7734mistyped";
const MISTYPED_NUMBER: &str = "773477347734";
/// What a running service may take to notice, and some more for a busy machine.
const NOTICED_MAX: Duration = Duration::from_secs(20);
pub(super) const COMMANDS: &str = "commands";
const CONTROL: &str = "gatewayAccountId";
const STARTS: &str = "refused starts";

/// Runs it with this input.
fn run(mut command: Command, input: &str) -> Output {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A command that refuses its arguments does not read.
    drop(stdin.write_all(input.as_bytes()));
    drop(stdin);
    child.wait_with_output().unwrap()
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs a command that must succeed; its line of JSON. What it prints is kept unless it is a key.
pub(super) fn done(stand: &mut Stand, command: Command, input: &str) -> Value {
    let output = run(command, input);
    assert!(output.status.success(), "{output:?}");
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    stand.heard(COMMANDS, &shown(&output.stderr), CONTROL);
    // A new key or secret is printed, this once.
    let new = ["key", "publishableKey", "secret", "token"];
    if new.iter().all(|name| printed[name].is_null()) {
        stand.heard(COMMANDS, &shown(&output.stdout), CONTROL);
    }
    printed
}

/// Another merchant, its account at the gateway with sealed credentials, and its keys.
pub(super) async fn accounts_and_keys(stand: &mut Stand) {
    for key in SECRET_KEYS.into_iter().chain(CLIENT_KEYS) {
        stand.sensitive("a key at the gateway", key);
    }
    let create = stand.command(&["merchant", "create", "shop"]);
    let merchant = done(stand, create, "");
    for key in ["secretKey", "publishableKey"] {
        stand.sensitive("a key of a new merchant", text(&merchant[key]));
    }
    let merchant = text(&merchant["merchantId"]).to_owned();
    let add = stand.command(&["gateway-account", "add", "--merchant", &merchant]);
    let pair = format!("{}\n{}\n", SECRET_KEYS[0], CLIENT_KEYS[0]);
    let account = done(stand, add, &pair);
    let account = text(&account["gatewayAccountId"]).to_owned();
    let mut replace = stand.command(&["gateway-account", "replace-key", &account]);
    replace.env("GATEWAY_SECRET_KEY", SECRET_KEYS[1]);
    replace.env("GATEWAY_CLIENT_KEY", CLIENT_KEYS[1]);
    done(stand, replace, "");
    for arguments in [
        &["gateway-account", "list"][..],
        &["gateway-account", "disable", &account],
        &["gateway-account", "enable", &account],
        &["rotate-master-key"],
        &["merchant", "list"],
    ] {
        let command = stand.command(arguments);
        done(stand, command, "");
    }
    let issue = stand.command(&["api-key", "issue", &merchant]);
    let issued = done(stand, issue, "");
    let rotate = ["api-key", "rotate", text(&issued["apiKeyId"])];
    let rotate = stand.command(&rotate);
    let rotated = done(stand, rotate, "");
    let list = stand.command(&["api-key", "list", &merchant]);
    done(stand, list, "");
    for key in [&issued, &rotated] {
        let key = text(&key["key"]);
        assert!(key.starts_with("sk_test_"), "{issued} {rotated}");
        stand.sensitive("a key from a command", key);
    }
    let payment = pays(stand, text(&rotated["key"])).await;
    settled(stand, &payment);
}

/// A payment of the other merchant, on the account whose credentials were replaced; its id.
async fn pays(stand: &mut Stand, key: &str) -> String {
    let body = json!({ "orderId": "order-1", "orderName": "생수", "amount": 15000 });
    let begun = Instant::now();
    let prepared = loop {
        let prepare = stand.request(Method::POST, "/api/v1/payments");
        let prepared = stand.sent(prepare.bearer_auth(key).json(&body)).await;
        if prepared.code() != "GATEWAY_NOT_CONFIGURED" {
            break prepared;
        }
        assert!(begun.elapsed() < NOTICED_MAX, "the account is not noticed");
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    assert_eq!(prepared.status, 201, "{prepared:?}");
    let data = &prepared.body["data"];
    let window = json!({ "orderId": data["gatewayOrderId"], "amount": 15000, "method": "CARD" });
    let paid = answer(stand.at_the_gateway("/_sandbox/authenticate").json(&window)).await;
    let approval = json!({ "paymentKey": paid.body["paymentKey"], "amount": 15000,
                           "gatewayOrderId": data["gatewayOrderId"] });
    let path = format!("/api/v1/payments/{}/approve", text(&data["paymentId"]));
    let approve = stand.request(Method::POST, &path).bearer_auth(key);
    let approve = approve.header("idempotency-key", "a").json(&approval);
    let approved = stand.sent(approve).await;
    assert!([200, 202].contains(&approved.status), "{approved:?}");
    text(&data["paymentId"]).to_owned()
}

/// Paused and not any more, with reasons that are kept for people.
pub(super) async fn switches(stand: &mut Stand) {
    const WHY: &str = "canary@example.com 님의 요청";
    stand.sensitive_but("why something was paused", WHY, &[COMMANDS, "the database"]);
    for arguments in [
        &["pause", "cancels", "--everywhere", "--why", WHY][..],
        &["unpause", "cancels", "--everywhere", "--why", WHY],
        &["switches", "--history"],
    ] {
        let command = stand.command(arguments);
        done(stand, command, "");
    }
    let body = json!({ "paused": false, "why": WHY });
    let turned = stand
        .asked(Method::PUT, "/api/v1/switches/approvals", "-", &body)
        .await;
    assert_eq!(turned.status, 200, "{turned:?}");
}

/// What a person writes of a payment that needs none: it is refused, and not repeated.
fn settled(stand: &mut Stand, payment: &str) {
    const SEEN: &str = "canary 길동 님, 010-7734-7734: 승인 내역";
    stand.sensitive("what a person found out", SEEN);
    stand.sensitive("what stands where it should not", "canary-as-an-argument");
    let settle = ["settle", payment, "--not-captured", "--by", "kim"];
    for (rest, input) in [
        (&["--evidence", "-"][..], SEEN),
        (&["--evidence", "canary-as-an-argument"][..], ""),
    ] {
        let command = stand.command(&[&settle[..], rest].concat());
        let output = run(command, input);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let said = [output.stdout, output.stderr].concat();
        stand.heard(STARTS, &shown(&said), "Error:");
    }
}

/// Settings with a secret that is mistyped, or stands where none belongs.
fn mistyped([short, private]: &[String; 2]) -> Vec<String> {
    let issuer = |file: &str, algorithm: &str| {
        format!(
            "[identity.issuers.login]\nissuer = \"login\"\naudience = [\"payflow\"]\n\
             mode = \"test\"\nmerchant_claim = \"merchant\"\n\
             keys = [{{ algorithm = \"{algorithm}\", file = \"{file}\" }}]"
        )
    };
    vec![
        format!("toss.secret_key = \"live_sk_{MISTYPED}"),
        format!("toss.secret_key live_sk_{MISTYPED}"),
        format!("toss = \"live_sk_{MISTYPED}\""),
        format!("toss.secret_key = [\"live_sk_{MISTYPED}\"]"),
        format!("toss.secret_key = \"live_sk_{MISTYPED}\""),
        format!("toss.secret_key = \"{MISTYPED}\"\ntoss.client_key = \"{MISTYPED}\""),
        format!("toss.secret_key = {MISTYPED_NUMBER}"),
        format!("toss.key = \"live_sk_{MISTYPED}\""),
        format!("vault.master_keys = \"2026a:{MISTYPED}\""),
        format!("vault.master_keys = \"{MISTYPED}\""),
        format!("vault.master_keys = {MISTYPED_NUMBER}"),
        format!("vault.master_key_file = \"{short}\""),
        format!("database.url = \"postgres://user:{MISTYPED}@127.0.0.1:1/payflow\""),
        format!("database.url = \"postgres://user:{MISTYPED}@[host/payflow\""),
        format!("database.url = \"postgres://user:{MISTYPED}@/payflow\""),
        format!("database.url = \"mysql://user:{MISTYPED}@host/payflow\""),
        format!("redis.url = \"redis://user:{MISTYPED}@redis.example/0\""),
        format!("redis.url = \"rediss://user:{MISTYPED}@/0\""),
        format!("redis.url = \"redis://user:{MISTYPED}@127.0.0.1:99999\""),
        format!("database.url = {{ password = \"{MISTYPED}\" }}"),
        issuer(short, "HS256"),
        issuer(private, "ES256"),
        issuer(short, MISTYPED),
    ]
}

/// Secrets where they do not belong, or mistyped: the program says what is wrong, not what it read.
pub(super) fn unsafely(stand: &mut Stand) {
    stand.sensitive("a mistyped secret", MISTYPED);
    stand.sensitive("a mistyped secret of digits", MISTYPED_NUMBER);
    let folder = TempDir::new().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let private = format!("-----BEGIN PRIVATE KEY-----\n{MISTYPED}\n-----END PRIVATE KEY-----\n");
    let files = [file("short", MISTYPED), file("private.pem", &private)];
    for settings in mistyped(&files) {
        let config = file("payflow.toml", &settings);
        let mut start = Command::new(env!("CARGO_BIN_EXE_payflow"));
        start.current_dir(folder.path()).env_clear();
        start.env("RUST_LOG", "trace").env("PAYFLOW_CONFIG", config);
        let output = run(start, "");
        assert_eq!(output.status.code(), Some(1), "{settings}: {output:?}");
        let said = [output.stdout, output.stderr].concat();
        stand.heard(STARTS, &shown(&said), "Error:");
    }
    for (name, value) in [
        ("PAYFLOW_VAULT__MASTER_KEYS", MISTYPED_NUMBER),
        ("PAYFLOW_TOSS__SECRET", MISTYPED),
        ("TOSS_SECRET_KEY", MISTYPED),
        ("DATABASE_URL", MISTYPED),
        ("REDIS_URL", MISTYPED),
    ] {
        let mut start = Command::new(env!("CARGO_BIN_EXE_payflow"));
        start.current_dir(folder.path()).env_clear();
        start.env("RUST_LOG", "trace").env(name, value);
        start.arg("migrate");
        let output = run(start, "");
        assert_eq!(output.status.code(), Some(1), "{name}: {output:?}");
        stand.heard(STARTS, &shown(&output.stderr), "Error:");
    }
    let merchants = stand.service.run(&["merchant", "list"]);
    let merchant: Value = serde_json::from_str(merchants.lines().next().unwrap()).unwrap();
    let merchant = text(&merchant["merchantId"]);
    let arguments = ["gateway-account", "add", "--merchant", merchant];
    for input in [MISTYPED, &format!("{MISTYPED}\n{MISTYPED}")] {
        let output = run(stand.command(&arguments), input);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        stand.heard(STARTS, &shown(&output.stderr), "Error:");
    }
}

/// What the program says of itself, with everything in its environment.
pub(super) fn with_help(stand: &mut Stand) {
    for arguments in [
        &["--help"][..],
        &["help", "serve"],
        &["help", "merchant"],
        &["help", "api-key"],
        &["help", "gateway-account"],
        &["help", "webhook"],
        &["help", "pause"],
        &["help", "settle"],
        &["help", "rotate-master-key"],
        &["version"],
    ] {
        let mut command = stand.command(arguments);
        for name in [
            "TOSS_SECRET_KEY",
            "GATEWAY_SECRET_KEY",
            "PAYFLOW_VAULT__MASTER_KEYS",
        ] {
            command.env(name, MISTYPED);
        }
        let output = run(command, "");
        stand.heard(
            "help",
            &shown(&[output.stdout, output.stderr].concat()),
            "Usage",
        );
    }
}
