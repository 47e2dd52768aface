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
        let port_file = folder.join("url");
        let _ = std::fs::remove_file(&port_file);
        let child = Command::new(env!("CARGO_BIN_EXE_toss-sandbox"))
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
            .stdout(Stdio::null())
            .spawn()
            .expect("the program starts");
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
