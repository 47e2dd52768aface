//! Configurations that would not be safe: the program does not start, and names the setting.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::support::report;

const CASES_MIN: usize = 20;
const LIVE: &str = "toss.secret_key = \"live_sk_1\"\ntoss.client_key = \"live_ck_1\"\n";
const BOOKS: &str = "database.url = \"postgres://db/payflow\"\n";
/// An issuer of members' tokens that lacks nothing but to say whose members they are.
const ISSUER: &str = "[identity.issuers.login]\nissuer = \"https://login.example\"\n\
    audience = [\"payflow\"]\nmode = \"live\"\njwks_url = \"https://login.example/jwks\"\n";
const MERCHANT: &str = "merchant = \"mer_0001k5z9v2h8m3n4p5q6r7s8t9v0w1x2y3\"\n";
const TEST: &str = "toss.secret_key = \"test_sk_1\"\ntoss.client_key = \"test_ck_1\"\n";

/// The setting that must be named, and the configuration.
const CASES: &[(&str, &[&str])] = &[
    // Keys that somebody else could read, or that are not what they seem.
    (
        "toss.api_url",
        &[TEST, "toss.api_url = \"http://api.tosspayments.com\""],
    ),
    (
        "toss.api_url",
        &[TEST, "toss.api_url = \"http://127.0.0.1.evil.example\""],
    ),
    (
        "toss.api_url",
        &[LIVE, BOOKS, "toss.api_url = \"http://localhost:8081\""],
    ),
    (
        "toss.secret_key",
        &["toss.secret_key = \"changeme\"\ntoss.client_key = \"test_ck_1\""],
    ),
    (
        "toss.secret_key",
        &["toss.secret_key = \"live_sk_1 \"\ntoss.client_key = \"live_ck_1\""],
    ),
    ("toss.secret_key", &["toss.client_key = \"live_ck_1\""]),
    ("toss.client_key", &["toss.secret_key = \"live_sk_1\""]),
    (
        "toss.client_key",
        &["toss.secret_key = \"live_sk_1\"\ntoss.client_key = \"test_ck_1\""],
    ),
    (
        "toss.client_key",
        &["toss.secret_key = \"test_sk_1\"\ntoss.client_key = \"test_sk_1\""],
    ),
    (
        "bounds.key_lifetime",
        &[LIVE, BOOKS, "bounds.key_lifetime = \"14d\""],
    ),
    (
        "sandbox.url",
        &[LIVE, BOOKS, "sandbox.url = \"http://127.0.0.1:8081\""],
    ),
    (
        "sandbox.url",
        &["sandbox.url = \"http://sandbox.example:8081\""],
    ),
    ("sandbox.listen", &["sandbox.listen = \"0.0.0.0:8081\""]),
    ("shop.listen", &["shop.listen = \"0.0.0.0:8082\""]),
    // What copies share, where others could read the password or pass for Redis.
    (
        "redis.url",
        &["redis.url = \"redis://payflow:live_sk_1@redis.example:6379\""],
    ),
    (
        "redis.url",
        &["redis.url = \"rediss://:live_sk_1@redis.example/#insecure\""],
    ),
    (
        "redis.url",
        &["redis.url = \"http://live_sk_1@redis.example\""],
    ),
    (
        "redis.response_timeout",
        &["redis.response_timeout = \"10s\""],
    ),
    ("redis.answers_kept", &["redis.answers_kept = \"1d\""]),
    // Books that could be empty or lost.
    (
        "database.create",
        &[LIVE, "database.url = \"sqlite://data/payflow.db\""],
    ),
    (
        "database.url",
        &[
            LIVE,
            "database.url = \"sqlite::memory:\"\ndatabase.create = false",
        ],
    ),
    (
        "database.url",
        &["database.url = \"sqlite://no/such.db\"\ndatabase.create = false"],
    ),
    ("database.url", &["database.url = \"mysql://db/payflow\""]),
    // Timings under which an outcome could be taken for another.
    (
        "timings.divide_by",
        &[LIVE, BOOKS, "timings.divide_by = 10"],
    ),
    ("timings.call_bound", &["timings.call_bound = \"60s\""]),
    (
        "timings.confirm_window",
        &["timings.confirm_window = \"70s\""],
    ),
    ("timings.heartbeat", &["timings.heartbeat = \"14s\""]),
    ("timings.doubt_for", &["timings.doubt_for = \"0s\""]),
    ("toss.total_timeout", &["toss.total_timeout = \"20s\""]),
    ("bounds.key_lifetime", &["bounds.key_lifetime = \"1h\""]),
    // An edge that lets everybody in, or lets them stay.
    ("metrics.listen", &["metrics.listen = \"127.0.0.1:8080\""]),
    (
        "server.body_bytes_max",
        &["server.body_bytes_max = 1073741824"],
    ),
    ("server.headers_max", &["server.headers_max = 100000"]),
    ("server.header_timeout", &["server.header_timeout = \"0s\""]),
    ("server.body_timeout", &["server.body_timeout = \"1d\""]),
    ("server.write_timeout", &["server.write_timeout = \"0s\""]),
    ("server.cors_origins", &["server.cors_origins = [\"*\"]"]),
    ("server.cors_origins", &["server.cors_origins = [\"null\"]"]),
    (
        "server.cors_origins",
        &["server.cors_origins = [\"http://shop.example\"]"],
    ),
    (
        "server.cors_origins",
        &["server.cors_origins = [\"https://shop.example/\"]"],
    ),
    (
        "server.cors_origins",
        &["server.cors_origins = [\"https://*.shop.example\"]"],
    ),
    (
        "server.trusted_proxies",
        &["server.trusted_proxies = [\"0.0.0.0/0\"]"],
    ),
    (
        "server.trusted_proxies",
        &["server.trusted_proxies = [\"proxy.internal\"]"],
    ),
    // Members who could be somebody else's.
    ("issuers.login.merchant:", &[ISSUER]),
    (
        "issuers.login.merchant_claim",
        &[ISSUER, MERCHANT, "merchant_claim = \"merchant\""],
    ),
    (
        "issuers.login.merchant_by_host",
        &[
            ISSUER,
            MERCHANT,
            "merchant_by_host = { \"pay.example\" = \"mer_0001k5z9v2h8m3n4p5q6r7s8t9v0w1x2y3\" }",
        ],
    ),
    (
        "issuers.login.merchant_claim",
        &[ISSUER, "merchant_claim = \"sub\""],
    ),
    (
        "issuers.login.audience",
        &[
            ISSUER,
            "merchant_by_host = { \"pay.example\" = \"mer_0001k5z9v2h8m3n4p5q6r7s8t9v0w1x2y3\" }",
        ],
    ),
    (
        "issuers.login.shares_members",
        &[
            ISSUER,
            MERCHANT,
            "[identity.issuers.second]\nissuer = \"https://second.example\"",
            "audience = [\"payflow\"]\nmode = \"live\"\nmerchant_claim = \"merchant\"",
            "jwks_url = \"https://second.example/jwks\"",
        ],
    ),
    (
        "issuers.login.jwks_url",
        &[
            "[identity.issuers.login]\nissuer = \"login\"\naudience = [\"payflow\"]",
            "mode = \"live\"",
            MERCHANT,
            "jwks_url = \"http://login.example/jwks\"",
        ],
    ),
    (
        "mode",
        &[
            "[identity.issuers.login]\nissuer = \"login\"\naudience = [\"payflow\"]",
            MERCHANT,
            "jwks_url = \"https://login.example/jwks\"",
        ],
    ),
    // Words that mean nothing, so that a mistyped protection is not taken for one.
    (
        "cors_origin",
        &["server.cors_origin = [\"https://shop.example\"]"],
    ),
    ("forwarded_by", &["server.forwarded_by = \"x-real-ip\""]),
    ("merchant_per_second", &["limits.merchant_per_second = -1"]),
    ("timings.patience", &["timings.patience = \"soon\""]),
];

/// How a start in this folder ends, and what it says; one that does not end is ended.
fn started(folder: &Path) -> (Option<i32>, String) {
    let log = folder.join("log");
    let mut child = Command::new(env!("CARGO_BIN_EXE_payflow"))
        .current_dir(folder)
        .env_clear()
        .args(["--config", "payflow.toml"])
        .stdout(Stdio::null())
        .stderr(File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    let ended = loop {
        let ended = child.try_wait().unwrap();
        if ended.is_some() || begun.elapsed() > Duration::from_secs(10) {
            break ended;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    drop(child.kill());
    child.wait().unwrap();
    let said = std::fs::read_to_string(log).unwrap();
    (ended.and_then(|ended| ended.code()), said)
}

#[test]
fn the_program_does_not_start_unsafely() {
    let mut wrong = Vec::new();
    for (setting, settings) in CASES {
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("payflow.toml"), settings.join("\n")).unwrap();
        let (code, said) = started(folder.path());
        let flaw = if code != Some(1) {
            "it started"
        } else if !said.contains(setting) {
            "the setting is not named"
        } else if said.contains("live_sk_1") {
            "it shows the key"
        } else if folder.path().join("data").exists() {
            "it left something behind"
        } else {
            continue;
        };
        wrong.push(format!("{setting}: {flaw}: {settings:?}\n{said}"));
    }
    report::cases(
        "unsafe configurations refused",
        CASES.len(),
        CASES_MIN,
        &wrong,
    );
}
