//! `payflow doctor`: what it finds where all is well, and of each failure that can be made.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::Command;

use diesel::{Connection as _, RunQueryDsl as _, SqliteConnection};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::{Process, pay};
use crate::rig::{answer, text};

/// Nobody listens there.
const NOBODY: &str = "127.0.0.1:9";
const OTHER_KEY: &str = "other:MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=";

struct Found {
    code: Option<i32>,
    lines: Vec<Value>,
    said: String,
}

impl Found {
    fn of(folder: &Path, settings: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_payflow"));
        let command = command.current_dir(folder).env_clear().arg("doctor");
        let output = command.envs(settings.iter().copied()).output().unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        let lines = printed.lines().map(serde_json::from_str);
        Self {
            code: output.status.code(),
            lines: lines.map(Result::unwrap).collect(),
            said: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// How a check stands, and what it says.
    fn status(&self, check: &str) -> (&str, &str) {
        let line = self.lines.iter().find(|line| line["check"] == check);
        let line = line.unwrap_or_else(|| panic!("no {check}: {:?}", self.lines));
        (text(&line["status"]), text(&line["says"]))
    }

    /// What is wrong is said, and how to mend it, and the command fails by it.
    fn fails(&self, check: &str) -> &Value {
        assert_eq!(self.status(check).0, "FAILED", "{:?}", self.lines);
        assert_eq!(self.code, Some(1));
        assert!(self.said.contains(check), "{}", self.said);
        let line = self.lines.iter().find(|line| line["check"] == check);
        let line = line.unwrap();
        assert!(!text(&line["fix"]).is_empty(), "{line}");
        line
    }
}

/// A service that runs and has been paid.
async fn paid(folder: &Path) -> Process {
    let process = Process::start(folder);
    pay(&process, "order-1").await;
    process
}

#[tokio::test]
async fn a_service_that_is_well_is_found_well() {
    let folder = TempDir::new().unwrap();
    let process = paid(folder.path()).await;
    let found = Found::of(folder.path(), &[]);
    assert_eq!(found.code, Some(0), "{:?} {}", found.lines, found.said);
    for check in [
        "configuration",
        "database",
        "migrations",
        "clock",
        "gateway key",
        "leases",
        "sagas",
        "inbox",
        "secrets",
    ] {
        assert_eq!(found.status(check).0, "OK", "{:?}", found.lines);
    }
    for check in [
        "redis",
        "kafka",
        "gateway",
        "card company",
        "certificates",
        "worker",
        "traces",
    ] {
        assert_eq!(found.status(check).0, "SKIPPED", "{:?}", found.lines);
    }
    assert!(found.status("disk").1.contains("MiB are free"));
    assert_eq!(process.terminate(), Some(0));
    // Nobody does what one copy does at a time: payments would go on, and somebody should look.
    let found = Found::of(folder.path(), &[]);
    assert_eq!(found.code, Some(0), "{:?}", found.lines);
    let (status, says) = found.status("leases");
    assert_eq!(status, "WARNING");
    assert!(says.contains("sequencer"), "{says}");
}

#[test]
fn settings_that_cannot_be_read_are_a_finding() {
    let folder = TempDir::new().unwrap();
    let found = Found::of(folder.path(), &[("PAYFLOW_SERVER__LISTENS", "x")]);
    let line = found.fails("configuration");
    assert!(text(&line["says"]).contains("listens"), "{line}");
    assert_eq!(found.lines.len(), 1);
}

#[test]
fn a_database_that_is_not_there_is_not_made() {
    let folder = TempDir::new().unwrap();
    let found = Found::of(folder.path(), &[]);
    let line = found.fails("database");
    assert!(text(&line["fix"]).contains("payflow migrate"), "{line}");
    assert_eq!(found.status("migrations").0, "SKIPPED");
    assert!(!folder.path().join("data").exists(), "it left something");
}

#[test]
fn a_schema_of_before_is_named() {
    let folder = TempDir::new().unwrap();
    std::fs::create_dir(folder.path().join("data")).unwrap();
    std::fs::write(folder.path().join("data/payflow.db"), "").unwrap();
    let found = Found::of(folder.path(), &[]);
    assert_eq!(found.fails("migrations")["fix"], "payflow migrate");
}

#[test]
fn what_is_away_is_named() {
    let folder = TempDir::new().unwrap();
    let (redis, sandbox) = (format!("redis://{NOBODY}"), format!("http://{NOBODY}"));
    let found = Found::of(
        folder.path(),
        &[
            ("REDIS_URL", &redis),
            ("KAFKA_BROKERS", NOBODY),
            ("PAYFLOW_SANDBOX__URL", &sandbox),
        ],
    );
    // Nothing depends on it.
    assert_eq!(found.status("redis").0, "WARNING", "{:?}", found.lines);
    found.fails("kafka");
    found.fails("gateway");
}

#[test]
fn a_collector_that_is_no_address_is_named() {
    let folder = TempDir::new().unwrap();
    let standing = |endpoint: &str| {
        let found = Found::of(folder.path(), &[("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)]);
        let (status, says) = found.status("traces");
        (status.to_owned(), says.to_owned())
    };
    let (status, says) = standing("collector:4317");
    assert!(
        status == "WARNING" && says.contains("traces.endpoint"),
        "{says}"
    );
    assert_eq!(standing("http://collector:4318").0, "OK");
}

#[test]
fn a_key_is_known_by_how_it_begins() {
    let folder = TempDir::new().unwrap();
    let nowhere = ("TOSS_API_URL", "https://127.0.0.1:9");
    let key = |secret: &str, client: &str| {
        let settings = [
            ("TOSS_SECRET_KEY", secret),
            ("TOSS_CLIENT_KEY", client),
            nowhere,
        ];
        let found = Found::of(folder.path(), &settings);
        let (status, says) = found.status("gateway key");
        (status.to_owned(), says.to_owned())
    };
    let (status, says) = key("test_sk_1", "test_ck_1");
    assert!(status == "OK" && says.starts_with("test:"), "{says}");
}

#[tokio::test]
async fn an_outcome_that_is_unknown_for_too_long_is_named() {
    let folder = TempDir::new().unwrap();
    let process = Process::start(folder.path());
    let order = json!({ "orderId": "order-1", "orderName": "생수", "amount": 15000 });
    let prepared = process.post("/api/v1/payments", "order-1", &order).await;
    let data = prepared.body["data"].clone();
    let sandbox = text(&process.keys["sandboxUrl"]).to_owned();
    let control = |path: &str, body: Value| {
        let url = format!("{sandbox}/_sandbox/{path}");
        answer(process.client.post(url).json(&body))
    };
    let window = json!({ "orderId": data["gatewayOrderId"], "amount": 15000 });
    let paid = control("authenticate", window).await;
    let fault = json!({ "operation": "any", "orderId": data["gatewayOrderId"], "times": null,
                        "fault": { "type": "dropBefore" } });
    assert_eq!(control("faults", fault).await.status, 200);
    let approval = json!({ "paymentKey": paid.body["paymentKey"], "amount": 15000,
                           "gatewayOrderId": data["gatewayOrderId"] });
    let path = format!("/api/v1/payments/{}/approve", text(&data["paymentId"]));
    let pending = process.post(&path, "approve", &approval).await;
    assert_eq!(pending.status, 202, "{pending:?}");
    let soon = [
        ("PAYFLOW_TIMINGS__PATIENCE", "1s"),
        ("PAYFLOW_TIMINGS__STUCK_AFTER", "2s"),
    ];
    let found = Found::of(folder.path(), &soon);
    let line = found.fails("sagas");
    assert!(text(&line["fix"]).contains("payflow stuck"), "{line}");
    // Somebody goes on asking.
    assert_eq!(found.status("worker").0, "OK", "{:?}", found.lines);
    process.terminate();
    rewrite(folder.path(), "UPDATE sagas SET due_at = 1000000000000000");
    let found = Found::of(folder.path(), &soon);
    let line = found.fails("worker");
    assert!(text(&line["fix"]).contains("role worker"), "{line}");
}

#[tokio::test]
async fn secrets_sealed_with_another_key_are_named() {
    let folder = TempDir::new().unwrap();
    let process = paid(folder.path()).await;
    assert_eq!(process.terminate(), Some(0));
    let found = Found::of(folder.path(), &[("PAYFLOW_VAULT__MASTER_KEYS", OTHER_KEY)]);
    found.fails("secrets");
}

#[tokio::test]
async fn a_master_key_that_is_lost_is_named() {
    let folder = TempDir::new().unwrap();
    let process = paid(folder.path()).await;
    assert_eq!(process.terminate(), Some(0));
    let key = folder.path().join("data/master.key");
    std::fs::remove_file(&key).unwrap();
    let found = Found::of(folder.path(), &[]);
    let line = found.fails("secrets");
    assert!(text(&line["says"]).contains("master.key"), "{line}");
    assert!(text(&line["fix"]).contains("backup"), "{line}");
    assert!(!key.exists(), "another one was made");
}

#[test]
fn certificates_that_end_are_named() {
    let folder = TempDir::new().unwrap();
    let settings = "[kafka.properties]\n\"ssl.ca.location\" = \"ca.pem\"\n";
    std::fs::write(folder.path().join("payflow.toml"), settings).unwrap();
    let config = [("PAYFLOW_CONFIG", "payflow.toml")];
    let found = Found::of(folder.path(), &config);
    let line = found.fails("certificates");
    assert!(text(&line["says"]).contains("broker_authority"), "{line}");
    for (days, status) in [("400", "OK"), ("5", "WARNING")] {
        let made = Command::new("openssl")
            .current_dir(folder.path())
            .args("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes".split(' '))
            .args("-subj /CN=test -keyout ca.key -out ca.pem -days".split(' '))
            .arg(days)
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        let found = Found::of(folder.path(), &config);
        assert_eq!(found.status("certificates").0, status, "{:?}", found.lines);
    }
}

/// Certificates that end in so many days, one after the other; before today where it is below zero.
fn bundle(folder: &Path, days: &[i64]) -> String {
    let openssl = |arguments: &str, days: &str| {
        let made = Command::new("openssl")
            .current_dir(folder)
            .args(arguments.split(' '))
            .args(
                (!days.is_empty())
                    .then_some(["-days", days])
                    .into_iter()
                    .flatten(),
            )
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
    };
    let key = "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=test";
    openssl(&format!("{key} -keyout ca.key -out ca.csr"), "");
    let mut text = String::new();
    for days in days {
        let sign = "x509 -req -in ca.csr -signkey ca.key -out one.pem";
        openssl(sign, &days.to_string());
        text.push_str(&std::fs::read_to_string(folder.join("one.pem")).unwrap());
    }
    text
}

#[test]
fn an_old_authority_may_stay_in_a_bundle_and_no_old_certificate_of_ours() {
    let folder = TempDir::new().unwrap();
    let standing = |setting: &str, days: &[i64]| {
        std::fs::write(folder.path().join("some.pem"), bundle(folder.path(), days)).unwrap();
        let settings = format!("[kafka.properties]\n\"{setting}\" = \"some.pem\"\n");
        std::fs::write(folder.path().join("payflow.toml"), settings).unwrap();
        let found = Found::of(folder.path(), &[("PAYFLOW_CONFIG", "payflow.toml")]);
        found.status("certificates").0.to_owned()
    };
    let (authority, own) = ("ssl.ca.location", "ssl.certificate.location");
    assert_eq!(standing(authority, &[-1, 400]), "OK");
    assert_eq!(standing(authority, &[400, 5]), "OK");
    assert_eq!(standing(authority, &[-1, 5]), "WARNING");
    assert_eq!(standing(authority, &[-1, -1]), "FAILED");
    assert_eq!(standing(own, &[400, -1]), "FAILED");
    assert_eq!(standing(own, &[5, 400]), "WARNING");
    assert_eq!(standing(own, &[400, 400]), "OK");
}

/// Answers one request after the other with this status.
fn says(status: &'static str) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let answer =
                format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    url
}

#[test]
fn what_a_proxy_says_is_no_answer_of_a_gateway() {
    let folder = TempDir::new().unwrap();
    for between in [
        "502 Bad Gateway",
        "503 Service Unavailable",
        "504 Gateway Timeout",
    ] {
        let (gateway, company) = (says(between), says("404 Not Found"));
        let settings = [
            ("PAYFLOW_SANDBOX__URL", gateway.as_str()),
            ("PAYFLOW_CARD_COMPANY__API_URL", company.as_str()),
        ];
        let found = Found::of(folder.path(), &settings);
        let line = found.fails("gateway");
        assert!(text(&line["says"]).contains(&between[..3]), "{line}");
        assert_eq!(found.status("card company").0, "OK", "{:?}", found.lines);
    }
    let nobody = format!("http://{NOBODY}");
    let settings = [("PAYFLOW_CARD_COMPANY__API_URL", nobody.as_str())];
    Found::of(folder.path(), &settings).fails("card company");
}

#[tokio::test]
async fn what_nobody_takes_up_is_named() {
    let folder = TempDir::new().unwrap();
    let process = paid(folder.path()).await;
    let told = text(&process.keys["gatewayWebhookUrl"]).to_owned();
    let body = json!({ "eventType": "PAYMENT_STATUS_CHANGED", "createdAt": "2026-01-01T00:00:00",
                       "data": { "paymentKey": "pk", "orderId": "gwo", "status": "DONE" } });
    let kept = answer(process.client.post(told).json(&body)).await;
    assert_eq!(kept.status, 200, "{kept:?}");
    assert_eq!(process.terminate(), Some(0));
    rewrite(
        folder.path(),
        "INSERT OR REPLACE INTO watches (gateway_account_id, watched_until, due_at) \
         SELECT id, 1000000000000000, 1000000000000000 FROM gateway_accounts",
    );
    rewrite(
        folder.path(),
        "UPDATE inbox SET verdict = 'WAITING', received_at = 1000000000000000, \
         due_at = 1000000000000000",
    );
    let found = Found::of(folder.path(), &[]);
    let (status, says) = found.status("watch");
    assert_eq!(status, "WARNING", "{says}");
    let (status, says) = found.status("inbox");
    assert_eq!(status, "WARNING", "{says}");
    assert_eq!(found.code, Some(0), "{:?}", found.lines);
    // Nor was there ever anybody to watch.
    rewrite(folder.path(), "DELETE FROM watches");
    let old = "UPDATE gateway_accounts SET created_at = 1000000000000000";
    rewrite(folder.path(), old);
    let found = Found::of(folder.path(), &[]);
    let (status, says) = found.status("watch");
    assert!(status == "WARNING" && says.contains("ever"), "{says}");
}

/// What time would have made of the books.
fn rewrite(folder: &Path, sql: &str) {
    let file = folder.join("data/payflow.db");
    let mut books = SqliteConnection::establish(text_of(&file)).unwrap();
    let rows = diesel::sql_query(sql).execute(&mut books).unwrap();
    assert!(rows > 0, "{sql}");
}

fn text_of(path: &Path) -> &str {
    path.to_str().unwrap()
}
