//! The stand of a test: a service with its sandbox, and a shop in front of it.

use std::path::PathBuf;
use std::time::Duration;

use payflow_shop::{Access, Config, Running};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::buyer::Buyer;
use crate::support::Service;

const PATIENCE: Duration = Duration::from_secs(20);

/// Service, sandbox and shop, all of one test.
pub(crate) struct Stand {
    pub(crate) service: Service,
    pub(crate) keys: Value,
    /// None where the service opened it.
    shop: Option<Running>,
    folder: TempDir,
}

impl Stand {
    /// With the settings that the service has by default.
    pub(crate) async fn start() -> Self {
        Self::with(&[]).await
    }

    /// With settings of the service.
    pub(crate) async fn with(settings: &[(&str, &str)]) -> Self {
        let mut stand = Self::of(Service::start(settings)).await;
        stand.open_shop().await;
        stand
    }

    /// As a newcomer has it after one command: the service opens the shop itself.
    pub(crate) async fn embedded(settings: &[(&str, &str)]) -> Self {
        let mut settings = settings.to_vec();
        settings.push(("PAYFLOW_SHOP__ENABLED", "true"));
        Self::of(Service::start(&settings)).await
    }

    async fn of(service: Service) -> Self {
        let keys = service.keys().await;
        Self {
            service,
            keys,
            shop: None,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    async fn open_shop(&mut self) {
        let shop = payflow_shop::start(Config {
            listen: "127.0.0.1:0".parse().unwrap(),
            data: Some(self.database()),
            access: Access::KeysFile(self.service.keys_file()),
            public_url: None,
            hook_secrets: Some(self.hook_secrets()),
            secure_cookies: false,
        });
        self.shop = Some(shop.await.unwrap());
    }

    /// The file with secrets that were rotated.
    pub(crate) fn hook_secrets(&self) -> PathBuf {
        self.folder.path().join("hook-secrets")
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("shop.db")
    }

    /// The shop is stopped and started again on its database.
    pub(crate) async fn reopen_shop(&mut self) {
        self.shop.take().unwrap().shutdown().await;
        self.open_shop().await;
    }

    /// The service comes back after a kill, on other ports.
    pub(crate) async fn restart_service(&mut self) {
        self.service.restart();
        self.keys = self.service.keys().await;
    }

    /// Where the shop is.
    pub(crate) fn url(&self) -> String {
        match &self.shop {
            Some(shop) => shop.url(),
            None => self.text("shopUrl").to_owned(),
        }
    }

    /// An entry of the file with the keys.
    pub(crate) fn text(&self, key: &str) -> &str {
        self.keys[key].as_str().unwrap()
    }

    /// Somebody who has never been here.
    pub(crate) fn buyer(&self) -> Buyer {
        Buyer::new(self.url())
    }

    fn sandbox(&self, path: &str) -> String {
        format!("{}/_sandbox/{path}", self.text("sandboxUrl"))
    }

    /// The buyer passes the payment window, without a browser.
    pub(crate) async fn authenticate(&self, opening: &Value, scenario: Option<&str>) -> String {
        let mut asked = json!({ "orderId": opening["orderId"], "amount": opening["amount"] });
        if let Some(scenario) = scenario {
            asked["scenario"] = json!(scenario);
        }
        let passed = client().post(self.sandbox("authenticate")).json(&asked);
        let passed: Value = passed.send().await.unwrap().json().await.unwrap();
        passed["paymentKey"].as_str().unwrap().to_owned()
    }

    /// Something goes wrong at the gateway.
    pub(crate) async fn fault(&self, rule: &Value) {
        let answer = client().post(self.sandbox("faults")).json(rule);
        assert_eq!(answer.send().await.unwrap().status(), 200, "{rule}");
    }

    /// The clock of the gateway and of the service moves on.
    pub(crate) async fn skip(&self, seconds: u64) {
        let moved = json!({ "advanceSeconds": seconds });
        let answer = client().post(self.sandbox("clock")).json(&moved);
        assert_eq!(answer.send().await.unwrap().status(), 200);
    }

    /// The shop's merchant offers what the demo merchant does.
    pub(crate) fn offers_plans(&self) {
        let listed = self.service.run(&["merchant", "list"]);
        let merchant: Value = serde_json::from_str(listed.lines().next().unwrap()).unwrap();
        let merchant = merchant["merchantId"].as_str().unwrap();
        let plans = concat!(env!("CARGO_MANIFEST_DIR"), "/config/demo-plans.toml");
        self.service
            .run(&["plans", "load", plans, "--merchant", merchant]);
    }

    /// The bank of a virtual account does something about it.
    pub(crate) async fn bank(&self, act: &str, number: &str) {
        let asked = client().post(self.sandbox(act));
        let answer = asked.json(&json!({ "accountNumber": number }));
        let answer = answer.send().await.unwrap();
        assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
    }

    /// Every movement of money at the gateway: what kind, how much.
    pub(crate) async fn ledger(&self) -> Vec<(String, i64)> {
        let answer = client().get(self.sandbox("ledger")).send().await.unwrap();
        let ledger: Value = answer.json().await.unwrap();
        let entry = |entry: &Value| {
            let kind = entry["kind"].as_str().unwrap().to_owned();
            (kind, entry["amount"].as_i64().unwrap())
        };
        ledger["entries"]
            .as_array()
            .unwrap()
            .iter()
            .map(entry)
            .collect()
    }
}

/// One capture of this amount.
pub(crate) fn capture(amount: i64) -> (String, i64) {
    ("capture".to_owned(), amount)
}

/// One cancellation of this amount.
pub(crate) fn cancel(amount: i64) -> (String, i64) {
    ("cancel".to_owned(), amount)
}

/// A client that follows nothing and waits for long.
pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(PATIENCE)
        .build()
        .unwrap()
}
