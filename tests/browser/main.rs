//! A buyer in a real browser: the service as a newcomer starts it, on both databases.
#![expect(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "a test stops at the first surprise, and its numbers are small"
)]

#[path = "../support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::Locator;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use support::{Screen, browser, postgres};

/// The service as `cargo run` starts it, in a folder of its own.
struct Service {
    process: Child,
    folder: TempDir,
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Service {
    fn start(database: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_payflow"));
        command
            .current_dir(folder.path())
            .env("PAYFLOW_SERVER__LISTEN", "127.0.0.1:0")
            .env("PAYFLOW_SANDBOX__LISTEN", "127.0.0.1:0")
            .env("PAYFLOW_METRICS__LISTEN", "127.0.0.1:0")
            .stdin(Stdio::null())
            .stdout(log);
        if let Some(url) = database {
            command.env("DATABASE_URL", url);
        }
        Self {
            process: command.spawn().unwrap(),
            folder,
        }
    }

    async fn keys(&self) -> Value {
        let file = self.folder.path().join("data/dev-keys.json");
        let end = Instant::now() + Duration::from_secs(30);
        while Instant::now() < end {
            let read = std::fs::read(&file).ok();
            let keys = read.and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
            // The keys are written before the service listens, its addresses once it does.
            if let Some(keys) = keys.filter(|keys| keys["payflowUrl"] != "") {
                return keys;
            }
            sleep(Duration::from_millis(50)).await;
        }
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        panic!("the service did not start:\n{log}")
    }
}

/// A merchant's server, as the README's curl lines are one.
struct Merchant {
    keys: Value,
    client: reqwest::Client,
}

impl Merchant {
    fn text(&self, key: &str) -> &str {
        self.keys[key].as_str().unwrap()
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let url = format!("{}{path}", self.text("payflowUrl"));
        let sent = self
            .client
            .post(url)
            .basic_auth(self.text("secretKey"), Some(""))
            .header(
                "Idempotency-Key",
                format!("browser{}", path.replace('/', "-")),
            )
            .json(body)
            .send()
            .await
            .unwrap();
        (sent.status().as_u16(), sent.json().await.unwrap())
    }

    async fn get(&self, path: &str) -> Value {
        let url = format!("{}{path}", self.text("payflowUrl"));
        let request = self
            .client
            .get(url)
            .basic_auth(self.text("secretKey"), Some(""));
        request.send().await.unwrap().json().await.unwrap()
    }

    fn window(&self, order: &str) -> String {
        let sandbox = self.text("sandboxUrl");
        format!(
            "{sandbox}/window?clientKey={}&orderId={order}&orderName=T-shirt&amount=33000\
             &successUrl={sandbox}/landing/success&failUrl={sandbox}/landing/fail",
            self.text("clientKey"),
        )
    }
}

fn shots() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("screenshots");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

async fn buys(database: Option<&str>, screen: Screen, name: &str) {
    let service = Service::start(database);
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(20))
        .build()
        .unwrap();
    let merchant = Merchant {
        keys: service.keys().await,
        client,
    };
    let order = json!({
        "orderId": "order-0001", "orderName": "T-shirt", "amount": 33_000, "currency": "KRW"
    });
    let (status, prepared) = merchant.post("/api/v1/payments", &order).await;
    assert_eq!(status, 201, "{prepared}");
    let id = prepared["data"]["paymentId"].as_str().unwrap().to_owned();
    let gateway_order = prepared["data"]["gatewayOrderId"]
        .as_str()
        .unwrap()
        .to_owned();

    let browser = browser(screen).await;
    let page = browser.client();
    page.goto(&merchant.window(&gateway_order)).await.unwrap();
    let approve = page
        .wait()
        .for_element(Locator::Id("approve"))
        .await
        .unwrap();
    std::fs::write(
        shots().join(format!("{name}-window.png")),
        page.screenshot().await.unwrap(),
    )
    .unwrap();
    approve.click().await.unwrap();
    let key = page
        .wait()
        .for_element(Locator::Id("paymentKey"))
        .await
        .unwrap();
    let payment_key = key.text().await.unwrap();
    std::fs::write(
        shots().join(format!("{name}-landing.png")),
        page.screenshot().await.unwrap(),
    )
    .unwrap();

    let approval = json!({
        "paymentKey": payment_key.trim(), "gatewayOrderId": gateway_order, "amount": 33_000
    });
    let path = format!("/api/v1/payments/{id}/approve");
    let (status, approved) = merchant.post(&path, &approval).await;
    assert_eq!(status, 200, "{approved}");
    assert_eq!(approved["data"]["status"], "DONE", "{approved}");
    let read = merchant.get(&format!("/api/v1/payments/{id}")).await;
    assert_eq!(read["data"]["balanceAmount"], 33_000, "{read}");
}

#[tokio::test]
async fn browser_pays_on_sqlite_with_a_phone() {
    buys(None, Screen::PHONE, "phone").await;
}

#[tokio::test]
async fn browser_pays_on_postgres_with_a_desktop() {
    let database = postgres();
    buys(Some(database.url()), Screen::DESKTOP, "desktop").await;
}
