//! A buyer in a real browser: the service as a newcomer starts it, on both databases.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, not only tests, may panic"
)]

#[path = "../support/mod.rs"]
mod support;

use std::time::Duration;

use fantoccini::Locator;
use serde_json::{Value, json};

use support::{Screen, Service, browser, postgres, shots};

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

async fn buys(database: Option<&str>, screen: Screen, name: &str) {
    let settings = database.map(|url| ("DATABASE_URL", url));
    let service = Service::start(settings.as_slice());
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
