//! Owns the service of a test, and the merchant and buyers who use it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::support::Service;

const PATIENCE: Duration = Duration::from_secs(30);
const MEMBERS: usize = 5;

/// A service with its sandbox.
pub(crate) struct Payflow {
    service: Service,
    merchant: Arc<Merchant>,
    /// How many orders there were.
    orders: AtomicUsize,
}

/// Whoever has the keys.
struct Merchant {
    client: reqwest::Client,
    keys: Value,
}

impl Payflow {
    pub(crate) async fn start() -> Self {
        let service = Service::start(&[]);
        let merchant = Arc::new(Merchant::of(&service).await);
        Self {
            service,
            merchant,
            orders: AtomicUsize::new(0),
        }
    }

    /// Comes back after a kill, on other ports.
    pub(crate) async fn restart(&mut self) {
        self.service.kill();
        self.service.restart();
        self.merchant = Arc::new(Merchant::of(&self.service).await);
    }

    pub(crate) fn keys_file(&self) -> PathBuf {
        self.service.keys_file()
    }

    /// So many payments, each to an end of its own, some at once.
    pub(crate) fn pay(&self, count: usize, at_once: usize) -> JoinSet<()> {
        let first = self.orders.fetch_add(count, Ordering::SeqCst);
        let mut lanes = JoinSet::new();
        for lane in 0..at_once {
            let merchant = Arc::clone(&self.merchant);
            lanes.spawn(async move {
                for order in (first + lane..first + count).step_by(at_once) {
                    merchant.sell(order).await;
                }
            });
        }
        lanes
    }

    /// Every payment as it is.
    pub(crate) async fn payments(&self) -> Vec<Value> {
        let (mut all, mut query) = (Vec::new(), "?limit=100".to_owned());
        loop {
            let page = self.merchant.get(&format!("/payments{query}")).await;
            all.extend(page["payments"].as_array().expect("a list").iter().cloned());
            let Some(next) = page["nextCursor"].as_str() else {
                return all;
            };
            query = format!("?limit=100&cursor={next}");
        }
    }

    /// Every event, as the payments themselves have them.
    pub(crate) async fn events(&self) -> Vec<Value> {
        let mut all = Vec::new();
        for payment in self.payments().await {
            let id = payment["paymentId"].as_str().expect("an id");
            let page = format!("/payments/{id}/events?limit=100");
            let page = self.merchant.get(&page).await;
            for event in page["events"].as_array().expect("a list") {
                let mut event = event.clone();
                event["paymentId"] = json!(id);
                all.push(event);
            }
        }
        all
    }

    /// The place behind the last of so many events, once all have their position.
    pub(crate) async fn end(&self, count: usize) -> String {
        let begun = Instant::now();
        let (mut seen, mut query, mut next) = (0, String::new(), String::new());
        while seen < count {
            assert!(begun.elapsed() < PATIENCE, "{seen} of {count} events");
            let page = format!("/events?limit=100&wait=2{query}");
            let page = self.merchant.get(&page).await;
            seen += page["events"].as_array().expect("a list").len();
            page["nextAfter"]
                .as_str()
                .expect("a place")
                .clone_into(&mut next);
            query = format!("&after={next}");
        }
        assert_eq!(seen, count, "an event comes twice");
        next
    }
}

impl Merchant {
    async fn of(service: &Service) -> Self {
        let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE);
        Self {
            client: client.build().expect("a client"),
            keys: service.keys().await,
        }
    }

    fn key(&self, name: &str) -> &str {
        self.keys[name].as_str().expect("a key of the service's")
    }

    /// One order, to the end that its number says.
    async fn sell(&self, order: usize) {
        let amount = 1_050 + 777 * i64::try_from(order).expect("a small number");
        let member = format!("member-{}", order % MEMBERS);
        // Some buy without being a member.
        let customer = if order % 7 == 6 {
            json!({})
        } else {
            json!({ "memberId": member })
        };
        let body = json!({
            "orderId": format!("order-{order}"), "orderName": "T-shirt", "amount": amount,
            "currency": "KRW", "customer": customer,
        });
        let payment = self.post("", &format!("prepare-{order}"), &body, 201).await;
        let id = payment["paymentId"].as_str().expect("an id");
        if order % 6 == 5 {
            return self.give_back(id, order, None).await;
        }
        let gateway_order = &payment["gatewayOrderId"];
        let is_declined = order % 6 == 4;
        if is_declined {
            let fault = json!({ "type": "code", "code": "REJECT_CARD_PAYMENT" });
            let rule = json!({ "operation": "confirm", "orderId": gateway_order, "fault": fault });
            self.sandbox("faults", &rule).await;
        }
        let passed = json!({ "orderId": gateway_order, "amount": amount });
        let passed = self.sandbox("authenticate", &passed).await;
        let body = json!({
            "paymentKey": passed["paymentKey"], "gatewayOrderId": gateway_order, "amount": amount,
        });
        let status = if is_declined { 402 } else { 200 };
        let (path, key) = (format!("/{id}/approve"), format!("approve-{order}"));
        self.post(&path, &key, &body, status).await;
        match order % 6 {
            1 => self.give_back(id, order, Some(amount / 3)).await,
            2 => self.give_back(id, order, None).await,
            3 => {
                self.give_back(id, order, Some(amount / 2)).await;
                self.give_back(id, order, None).await;
            }
            _ => {}
        }
    }

    async fn give_back(&self, id: &str, order: usize, amount: Option<i64>) {
        let key = format!("cancel-{order}-{}", amount.unwrap_or_default());
        let mut body = json!({ "reason": "by hand" });
        if let Some(amount) = amount {
            body["amount"] = json!(amount);
        }
        self.post(&format!("/{id}/cancel"), &key, &body, 200).await;
    }

    async fn sandbox(&self, path: &str, body: &Value) -> Value {
        let url = format!("{}/_sandbox/{path}", self.key("sandboxUrl"));
        let answer = self.client.post(url).json(body).send().await;
        answer.expect("an answer").json().await.expect("JSON")
    }

    async fn post(&self, path: &str, key: &str, body: &Value, status: u16) -> Value {
        let url = format!("{}/api/v1/payments{path}", self.key("payflowUrl"));
        let request = self.client.post(url).bearer_auth(self.key("secretKey"));
        let request = request.header("Idempotency-Key", key).json(body);
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), status, "{answer:?}");
        let answer: Value = answer.json().await.expect("JSON");
        answer["data"].clone()
    }

    async fn get(&self, path: &str) -> Value {
        let url = format!("{}/api/v1{path}", self.key("payflowUrl"));
        let request = self.client.get(url).bearer_auth(self.key("secretKey"));
        let answer = request.send().await.expect("an answer");
        assert!(answer.status().is_success(), "{answer:?}");
        let answer: Value = answer.json().await.expect("JSON");
        answer["data"].clone()
    }
}
