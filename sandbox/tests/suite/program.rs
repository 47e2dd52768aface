//! Owns the program itself: its flags, its port file, and what survives a kill without warning.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::support::{SECRET_KEY, confirm_body, send};

/// A sandbox in a process of its own, killed when the test is over.
struct Program {
    child: Child,
    url: String,
}

impl Program {
    async fn start(folder: &Path) -> Self {
        Self::start_with(folder, |_| ()).await
    }

    async fn start_with(folder: &Path, further: impl FnOnce(&mut Command)) -> Self {
        let port_file = folder.join("url");
        let _ = std::fs::remove_file(&port_file);
        let mut command = Command::new(env!("CARGO_BIN_EXE_toss-sandbox"));
        command
            .args([
                "--listen",
                "127.0.0.1:0",
                "--secret-key",
                SECRET_KEY,
                "--merchant-id",
                "mine",
            ])
            .arg("--data")
            .arg(folder.join("journal.jsonl"))
            .arg("--port-file")
            .arg(&port_file)
            .stdout(Stdio::null());
        further(&mut command);
        let child = command.spawn().expect("the program starts");
        let mut program = Self {
            child,
            url: String::new(),
        };
        let begun = Instant::now();
        while program.url.is_empty() {
            assert!(
                begun.elapsed() < Duration::from_secs(20),
                "the program never listened"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
            let url = std::fs::read_to_string(&port_file).unwrap_or_default();
            url.trim().clone_into(&mut program.url);
        }
        program
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let client = Client::builder().no_proxy().build().expect("a client");
        let mut request = client.request(method, format!("{}{path}", self.url));
        request = request
            .basic_auth(SECRET_KEY, Some(""))
            .header("Idempotency-Key", "key-1");
        if let Some(body) = body {
            request = request.json(&body);
        }
        send(request).await.expect("an answer").json()
    }

    fn kill(&mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("gone");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a program that does not start says.
fn refused_with(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_toss-sandbox"))
        .args(["--listen", "127.0.0.1:0"])
        .args(arguments)
        .output()
        .expect("the program ends");
    assert!(!output.status.success(), "it started with {arguments:?}");
    String::from_utf8(output.stderr).expect("text")
}

#[test]
fn a_program_with_a_bad_file_or_setting_says_what_is_wrong() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("scenarios.toml");
    std::fs::write(
        &path,
        "[[scenario]]\nname = \"a\"\norderId = \"x\"\nsteps = 3\n",
    )
    .expect("a file");
    let told = refused_with(&["--scenarios", path.to_str().expect("a path")]);
    for part in [
        "scenarios.toml",
        "line 4",
        "steps = 3",
        "expected a sequence",
    ] {
        assert!(told.contains(part), "{told}");
    }
    for (given, expected) in [
        ("typing=loose", "typing is lenient or strict, not \"loose\""),
        (
            "tyqing=strict",
            "there is no setting tyqing; the settings are",
        ),
        (
            "feePerMille=many",
            "feePerMille is a whole number from 0 to 1000",
        ),
        (
            "wrongAmountCode=NOPE",
            "wrongAmountCode is a documented error code",
        ),
        ("typing", "a setting is name=value"),
    ] {
        let told = refused_with(&["--set", given]);
        assert!(told.contains(expected), "{told}");
    }
}

#[tokio::test]
async fn a_program_takes_scenarios_and_settings() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("scenarios.toml");
    let script = "[[scenario]]\nname = \"a\"\norderId = \"busy-*\"\nsteps = [\n  \
                  { operation = \"confirm\", fault = { type = \"tooManyRequests\" } },\n]\n";
    std::fs::write(&path, script).expect("a file");
    let further = |command: &mut Command| {
        command.env("TOSS_SANDBOX_SET", "typing=strict,secret=null");
        command.env("TOSS_SANDBOX_SCENARIOS", &path);
    };
    let program = Program::start_with(folder.path(), further).await;
    let shown = program.call(Method::GET, "/_sandbox/settings", None).await;
    assert_eq!(
        (&shown["typing"], &shown["secret"]),
        (&json!("strict"), &json!("null"))
    );
    let body = confirm_body("some", "busy-0001", 1000);
    let path = "/v1/payments/confirm";
    let busy = program.call(Method::POST, path, Some(body.clone())).await;
    assert_eq!(busy["code"], "TOO_MANY_REQUESTS");
    let next = program.call(Method::POST, path, Some(body)).await;
    assert_eq!(next["code"], "NOT_FOUND_PAYMENT_SESSION");
}

#[tokio::test]
async fn a_killed_program_comes_back_with_everything() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut program = Program::start(folder.path()).await;
    let order = json!({ "orderId": "order-0001", "amount": 1000 });
    let opened = program
        .call(Method::POST, "/_sandbox/authenticate", Some(order))
        .await;
    let payment_key = opened["paymentKey"].as_str().expect("a key").to_owned();
    let body = confirm_body(&payment_key, "order-0001", 1000);
    let path = "/v1/payments/confirm";
    let approved = program.call(Method::POST, path, Some(body.clone())).await;
    assert_eq!(
        (&approved["status"], &approved["mId"]),
        (&json!("DONE"), &json!("mine"))
    );
    let ledger = program.call(Method::GET, "/_sandbox/ledger", None).await;
    program.kill();

    let program = Program::start(folder.path()).await;

    assert_eq!(
        program.call(Method::GET, "/_sandbox/ledger", None).await,
        ledger
    );
    assert_eq!(ledger["entries"].as_array().expect("entries").len(), 1);
    assert_eq!(
        program.call(Method::POST, path, Some(body)).await,
        approved,
        "replayed"
    );
    let read = program
        .call(Method::GET, &format!("/v1/payments/{payment_key}"), None)
        .await;
    assert_eq!(read["status"], "DONE");
}
