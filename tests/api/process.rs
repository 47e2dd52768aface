//! The binary as users start it: embedded database, sandbox and shop, stop and start again.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::rig::{Answer, answer, text};
use crate::support::lines::look_through_folder;

/// Strings that must not be logged: a name, a card number, an authentication's key is fine.
const NAME: &str = "카나리아";
const CARD: &str = "4111111111111111";

/// A running service, killed when it is dropped.
pub(crate) struct Process {
    child: Child,
    folder: PathBuf,
    /// Its `dev-keys.json`.
    pub(crate) keys: Value,
    pub(crate) client: reqwest::Client,
}

impl Process {
    pub(crate) fn start(folder: &Path) -> Self {
        Self::with(folder, &[("PAYFLOW_SHOP__ENABLED", "false")])
    }

    pub(crate) fn with(folder: &Path, settings: &[(&str, &str)]) -> Self {
        let file = folder.join("data/dev-keys.json");
        let before = std::fs::read_to_string(&file).unwrap_or_default();
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(folder.join("log"))
            .unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_payflow"))
            .current_dir(folder)
            .env_clear()
            .env("PAYFLOW_SERVER__LISTEN", "127.0.0.1:0")
            .env("PAYFLOW_METRICS__LISTEN", "127.0.0.1:0")
            .env("PAYFLOW_SANDBOX__LISTEN", "127.0.0.1:0")
            .env("PAYFLOW_LOG__FORMAT", "json")
            .env("RUST_LOG", "trace")
            .envs(settings.iter().copied())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let started = Instant::now();
        let keys = loop {
            let now = std::fs::read_to_string(&file).unwrap_or_default();
            let keys: Value = serde_json::from_str(&now).unwrap_or_default();
            if now != before && !text(&keys["payflowUrl"]).is_empty() {
                break keys;
            }
            let waited = started.elapsed();
            assert!(waited < Duration::from_secs(20), "not started: {now}");
            std::thread::sleep(Duration::from_millis(20));
        };
        let client = reqwest::Client::builder().no_proxy();
        let client = client.timeout(Duration::from_secs(20)).build().unwrap();
        Self {
            child,
            folder: folder.to_owned(),
            keys,
            client,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        let url = format!("{}{path}", text(&self.keys["payflowUrl"]));
        let secret = text(&self.keys["secretKey"]);
        answer(self.client.get(url).bearer_auth(secret)).await
    }

    pub(crate) async fn post(&self, path: &str, key: &str, body: &Value) -> Answer {
        let url = format!("{}{path}", text(&self.keys["payflowUrl"]));
        let request = self
            .client
            .post(url)
            .bearer_auth(text(&self.keys["secretKey"]));
        answer(request.header("idempotency-key", key).json(body)).await
    }

    /// Asks it to end, as an orchestrator does; its exit code.
    pub(crate) fn terminate(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").arg(&id).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        if !std::thread::panicking() {
            look_through_folder(&self.folder);
        }
    }
}

/// Pays 15,000 won for an order; the payment's id.
pub(crate) async fn pay(process: &Process, order: &str) -> String {
    let body = json!({ "orderId": order, "orderName": "생수", "amount": 15000,
                       "customer": { "name": NAME } });
    let prepared = process.post("/api/v1/payments", order, &body).await;
    assert_eq!(prepared.status, 201, "{prepared:?}");
    let data = &prepared.body["data"];
    let url = format!(
        "{}/_sandbox/authenticate",
        text(&process.keys["sandboxUrl"])
    );
    let window = json!({ "orderId": data["gatewayOrderId"], "amount": 15000, "method": "CARD" });
    let paid = answer(process.client.post(url).json(&window)).await;
    let approval = json!({ "paymentKey": paid.body["paymentKey"], "amount": 15000,
                           "gatewayOrderId": data["gatewayOrderId"] });
    let id = text(&data["paymentId"]).to_owned();
    let path = format!("/api/v1/payments/{id}/approve");
    let approved = process
        .post(&path, &format!("{order}-approve"), &approval)
        .await;
    assert_eq!(approved.status, 200, "{approved:?}");
    let timing = approved.header("server-timing");
    assert!(!timing.contains("gateway;dur=0.000"), "{timing}");
    id
}

#[tokio::test]
async fn it_starts_takes_money_stops_and_remembers() {
    let folder = TempDir::new().unwrap();
    let first = Process::start(folder.path());
    let id = pay(&first, "order-1").await;
    let card = json!({ "orderId": "order-2", "orderName": CARD, "amount": 1 });
    let refused = first.post("/api/v1/payments", "card", &card).await;
    assert_eq!(refused.errors(), ["orderName: CARD_NUMBER_REFUSED"]);
    let issue = json!({ "kind": "secret" });
    let issued = first.post("/api/v1/api-keys", "key", &issue).await;
    let issued = text(&issued.body["data"]["key"]).to_owned();
    assert!(issued.starts_with("sk_test_"));
    let secret = text(&first.keys["secretKey"]).to_owned();
    assert!(secret.starts_with("sk_test_") && secret.len() > 50);
    assert_eq!(first.terminate(), Some(0));

    let second = Process::start(folder.path());
    assert_eq!(text(&second.keys["secretKey"]), secret, "keys are kept");
    let read = second.get(&format!("/api/v1/payments/{id}")).await;
    assert_eq!(read.body["data"]["status"], "DONE");
    pay(&second, "order-3").await;
    let metrics = second
        .client
        .get(text(&second.keys["metricsUrl"]))
        .send()
        .await
        .unwrap();
    let metrics = metrics.text().await.unwrap();
    let confirmed = "payflow_gateway_call_seconds_count{operation=\"confirm\",outcome=\"found\"} 1";
    assert!(metrics.contains(confirmed), "{metrics}");
    assert_eq!(second.terminate(), Some(0));

    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    let lines = log.lines().map(|line| serde_json::from_str(line).unwrap());
    let lines: Vec<Value> = lines.collect();
    let answers = lines
        .iter()
        .filter(|line| line["message"] == "gateway answered" && line["operation"] == "confirm");
    let answers: Vec<&Value> = answers.collect();
    assert_eq!(answers.len(), 2, "two payments: {log}");
    for line in answers {
        let spans = line["spans"].as_array().unwrap();
        let saga = spans.iter().find(|span| span["name"] == "saga").unwrap();
        assert!(text(&saga["saga"]).starts_with("sag_"), "{line}");
        assert_eq!(text(&saga["trace_id"]).len(), 32, "{line}");
    }
    for canary in [NAME, CARD, &secret, &issued, "test_sk_sandbox"] {
        assert!(!log.contains(canary), "{canary} was logged");
    }
}

/// Somebody gives money back at the gateway with the same secret key, and nobody asks us.
#[tokio::test]
async fn what_others_give_back_at_the_gateway_is_seen() {
    let folder = TempDir::new().unwrap();
    let settings = [
        ("PAYFLOW_TIMINGS__DIVIDE_BY", "10"),
        ("PAYFLOW_TIMINGS__WATCH_EVERY", "3s"),
        ("PAYFLOW_TIMINGS__WATCH_GRACE", "3s"),
        ("PAYFLOW_SHOP__ENABLED", "false"),
    ];
    let process = Process::with(folder.path(), &settings);
    let id = pay(&process, "order-1").await;
    let path = format!("/api/v1/payments/{id}");
    let paid = process.get(&path).await;
    let payment_key = text(&paid.body["data"]["paymentKey"]);
    let canceled = async |body: Value, status: &str| {
        let sandbox = text(&process.keys["sandboxUrl"]);
        let url = format!("{sandbox}/v1/payments/{payment_key}/cancel");
        let secret = text(&process.keys["gatewaySecretKey"]);
        let request = process.client.post(url).basic_auth(secret, Some(""));
        let console = answer(request.json(&body)).await;
        assert_eq!(console.status, 200, "{console:?}");
        let begun = Instant::now();
        loop {
            let read = process.get(&path).await.body["data"].clone();
            if read["status"] == status {
                return read;
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "{read}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let part = json!({ "cancelReason": "console", "cancelAmount": 4000 });
    let read = canceled(part, "PARTIAL_CANCELED").await;
    assert_eq!(read["balanceAmount"], 11000);
    let rest = json!({ "cancelReason": "console" });
    let read = canceled(rest, "CANCELED").await;
    assert_eq!(read["canceledAmount"], 15000);
    let cancels = read["cancels"].as_array().unwrap();
    assert_eq!(cancels.len(), 2);
    for (cancel, amount) in cancels.iter().zip([4000, 11000]) {
        assert_eq!(cancel["amount"], amount);
        assert!(
            cancel["reason"].is_null() && cancel["reasonCode"].is_null(),
            "{cancel}"
        );
    }
    assert!(read["sagaId"].is_null(), "{read}");
    let events = process.get(&format!("{path}/events")).await;
    let events = events.body["data"]["events"].as_array().unwrap().clone();
    let last: Vec<&str> = events[3..]
        .iter()
        .map(|event| text(&event["type"]))
        .collect();
    assert_eq!(last, ["payment.partially_canceled", "payment.canceled"]);
    let metrics = process.client.get(text(&process.keys["metricsUrl"]));
    let metrics = answer(metrics).await.body;
    let found = "payflow_watch_findings_total{result=\"booked\"} 2";
    assert!(text(&metrics).contains(found), "{metrics}");
    assert_eq!(process.terminate(), Some(0));
}

/// Two would take each other's payments for their own: on `SQLite` there is one copy.
#[tokio::test]
async fn a_second_service_on_the_same_file_is_refused() {
    let folder = TempDir::new().unwrap();
    let first = Process::start(folder.path());
    let kept = std::fs::read_to_string(folder.path().join("data/dev-keys.json")).unwrap();
    let mut second = Command::new(env!("CARGO_BIN_EXE_payflow"));
    second.current_dir(folder.path()).env_clear();
    for listener in ["SERVER", "METRICS", "SANDBOX", "SHOP"] {
        second.env(format!("PAYFLOW_{listener}__LISTEN"), "127.0.0.1:0");
    }
    let output = second.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    for told in ["database.url", "payflow.db", "PostgreSQL"] {
        assert!(said.contains(told), "no {told}: {said}");
    }
    let now = std::fs::read_to_string(folder.path().join("data/dev-keys.json")).unwrap();
    assert_eq!(now, kept, "the first is where it was");
    pay(&first, "order-1").await;
    assert_eq!(first.terminate(), Some(0));
}

#[cfg(unix)]
#[tokio::test]
async fn its_keys_are_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = TempDir::new().unwrap();
    let process = Process::start(folder.path());
    let file = std::fs::metadata(folder.path().join("data/dev-keys.json")).unwrap();
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
    assert_eq!(process.keys["shopUrl"], "", "none was opened");
    assert_eq!(process.terminate(), Some(0));
}

#[tokio::test]
async fn it_opens_a_shop_and_closes_it_before_itself() {
    let folder = TempDir::new().unwrap();
    let listen = [("PAYFLOW_SHOP__LISTEN", "127.0.0.1:0")];
    let process = Process::with(folder.path(), &listen);
    let url = text(&process.keys["shopUrl"]).to_owned();
    let front = process.client.get(&url).send().await.unwrap();
    assert_eq!(front.status(), 200);
    assert!(folder.path().join("data/shop.db").exists());
    let secret = text(&process.keys["secretKey"]).to_owned();
    let client = process.client.clone();
    assert_eq!(process.terminate(), Some(0));

    assert!(client.get(&url).send().await.is_err(), "it still listens");
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(!log.contains(&secret), "the shop's key was logged");
    let at = |said: &str| log.find(said).unwrap_or_else(|| panic!("no {said}: {log}"));
    assert!(at("the demo shop closes") < at("payflow stops"));
    assert!(at("payflow stops") < at("the sandbox stops"));
}

#[test]
fn a_port_that_is_taken_is_named_by_its_setting() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let listeners = ["SERVER", "METRICS", "SANDBOX", "SHOP"];
    for refused in listeners {
        let folder = TempDir::new().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_payflow"));
        command.current_dir(folder.path()).env_clear();
        for listener in listeners {
            let address = if listener == refused {
                &taken
            } else {
                "127.0.0.1:0"
            };
            command.env(format!("PAYFLOW_{listener}__LISTEN"), address);
        }
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{refused}: {said}");
        let setting = format!("({}.listen", refused.to_lowercase());
        assert!(said.contains(&setting) && said.contains(&taken), "{said}");
        assert!(
            output.stdout.is_empty(),
            "{refused}: it says where to click"
        );
    }
}

#[test]
fn it_refuses_settings_that_are_not_safe_and_names_them() {
    let folder = TempDir::new().unwrap();
    for (name, value, setting) in [
        ("TOSS_SECRET_KEY", "live_sk_1", "toss.client_key"),
        ("PAYFLOW_SANDBOX__LISTEN", "0.0.0.0:0", "sandbox.listen"),
        ("PAYFLOW_SHOP__LISTEN", "0.0.0.0:0", "shop.listen"),
        ("PAYFLOW_SERVER__LISTENS", "127.0.0.1:0", "listens"),
        ("DATABASE_URL", "mysql://db", "database.url"),
        ("PAYFLOW_TIMINGS__PATIENCE", "soon", "timings.patience"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_payflow"))
            .current_dir(folder.path())
            .env_clear()
            .env(name, value)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{name}: {said}");
        assert!(said.to_lowercase().contains(setting), "{name}: {said}");
        assert!(
            !folder.path().join("data").exists(),
            "{name} left something behind"
        );
    }
}

#[test]
fn a_file_overrides_the_defaults_and_the_environment_overrides_both() {
    let folder = TempDir::new().unwrap();
    let settings = "[database]\nurl = \"sqlite://from-file/books.db\"\n";
    std::fs::write(folder.path().join("payflow.toml"), settings).unwrap();
    let migrate = |name: &str, value: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_payflow"));
        let command = command.current_dir(folder.path()).env_clear();
        let command = command.env(name, value).arg("migrate");
        assert!(command.status().unwrap().success(), "{name}");
    };
    let exists = |path: &str| folder.path().join(path).exists();
    migrate("PAYFLOW_CONFIG", "payflow.toml");
    assert!(exists("from-file/books.db") && !exists("data"));
    migrate("DATABASE_URL", "sqlite://from-environment/books.db");
    assert!(exists("from-environment/books.db") && !exists("data"));
    migrate("PAYFLOW_DATABASE__URL", "sqlite://nested/books.db");
    assert!(exists("nested/books.db") && !exists("data"));
}
