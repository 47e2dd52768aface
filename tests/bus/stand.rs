//! Owns a service beside a broker, and a client of both.

use std::sync::Arc;
use std::time::Duration;

use application::ports::Bus;
use application::ports::bus::{Group, Received, Topic};
use payflow::adapters::kafka::Kafka;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use crate::broker::Broker;
use crate::rig::{Counts, LONG, settings};
use crate::support::Service;

pub(crate) struct Stand {
    pub(crate) broker: Broker,
    pub(crate) service: Service,
    keys: Value,
    client: reqwest::Client,
}

impl Stand {
    pub(crate) async fn start() -> Self {
        let broker = Broker::start();
        let address = broker.address();
        let service = Service::start(&[
            ("KAFKA_BROKERS", &address),
            ("PAYFLOW_KAFKA__DELIVERY_TIMEOUT", "5s"),
            ("PAYFLOW_KAFKA__SESSION_TIMEOUT", "1s"),
            ("PAYFLOW_FEED__PAUSE_MAX", "1s"),
        ]);
        let keys = service.keys().await;
        service.run(&["migrate"]);
        let client = reqwest::Client::builder().timeout(LONG).build();
        Self {
            broker,
            service,
            keys,
            client: client.expect("a client"),
        }
    }

    /// Starts the service again, with this setting besides.
    pub(crate) async fn set(&mut self, name: &str, value: &str) {
        self.service.kill();
        self.service.set(name, value);
        self.service.restart();
        self.keys = self.service.keys().await;
    }

    /// Starts the service again, as one that takes the orders of its merchant.
    pub(crate) async fn take_orders(&mut self) {
        let merchant = self.service.run(&["merchant", "list"]);
        let merchant: Value = serde_json::from_str(&merchant).expect("the only merchant");
        let merchant = merchant["merchantId"].as_str().expect("an id");
        self.set("PAYFLOW_KAFKA__ORDERS_MERCHANT", merchant).await;
    }

    fn key(&self, name: &str) -> &str {
        self.keys[name].as_str().expect("a key of the service's")
    }

    async fn post(&self, path: &str, key: &str, request: (&Value, &[(&str, &str)])) -> Value {
        let (body, headers) = request;
        let url = format!("{}/api/v1/payments{path}", self.key("payflowUrl"));
        let request = self.client.post(url).bearer_auth(self.key("secretKey"));
        let mut request = request.header("Idempotency-Key", key).json(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.expect("an answer");
        assert!(answer.status().is_success(), "{answer:?}");
        answer.json().await.expect("JSON")
    }

    pub(crate) async fn prepare(&self, order: &str) -> Value {
        let body = json!({
            "orderId": order,
            "orderName": "T-shirt",
            "amount": 1000,
            "currency": "KRW",
            "customer": { "memberId": "member-7" },
        });
        self.post("", order, (&body, &[])).await["data"].clone()
    }

    /// The buyer authenticates, and the merchant approves with these headers besides.
    pub(crate) async fn approve(&self, payment: &Value, headers: &[(&str, &str)]) -> Value {
        let body = json!({ "orderId": payment["gatewayOrderId"], "amount": 1000 });
        let url = format!("{}/_sandbox/authenticate", self.key("sandboxUrl"));
        let answer = self.client.post(url).json(&body).send().await;
        let shown: Value = answer.expect("an answer").json().await.expect("JSON");
        let body = json!({
            "paymentKey": shown["paymentKey"],
            "gatewayOrderId": payment["gatewayOrderId"],
            "amount": 1000,
        });
        let id = payment["paymentId"].as_str().expect("an id");
        let (path, key) = (format!("/{id}/approve"), format!("approve-{id}"));
        self.post(&path, &key, (&body, headers)).await
    }

    /// In which spans the gateway was called about the payment.
    pub(crate) async fn calls(&self, payment: &Value) -> Vec<String> {
        let order = payment["gatewayOrderId"].as_str().expect("an order");
        let sandbox = self.key("sandboxUrl");
        let url = format!("{sandbox}/_sandbox/calls?orderId={order}");
        let answer = self.client.get(url).send().await.expect("an answer");
        let calls: Value = answer.json().await.expect("JSON");
        let calls = calls["calls"].as_array().expect("calls").iter();
        let said = calls.map(|call| call["traceparent"].as_str().unwrap_or_default());
        said.map(ToOwned::to_owned).collect()
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let url = format!("{}/api/v1/payments{path}", self.key("payflowUrl"));
        let request = self.client.get(url).bearer_auth(self.key("secretKey"));
        let answer = request.send().await.expect("an answer");
        assert!(answer.status().is_success(), "{answer:?}");
        answer.json().await.expect("JSON")
    }

    /// A page of the merchant's events, once there is one.
    pub(crate) async fn events(&self, query: &str) -> Value {
        let begun = Instant::now();
        loop {
            let (status, answer) = self.try_events(query).await;
            assert_eq!(status, 200, "{answer}");
            let is_there = answer["data"]["events"] != json!([]);
            if is_there || !query.is_empty() {
                return answer["data"].clone();
            }
            assert!(begun.elapsed() < LONG, "{}", self.service.log());
            sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) async fn try_events(&self, query: &str) -> (u16, Value) {
        let url = format!("{}/api/v1/events{query}", self.key("payflowUrl"));
        let request = self.client.get(url).bearer_auth(self.key("secretKey"));
        let answer = request.send().await.expect("an answer");
        (answer.status().as_u16(), answer.json().await.expect("JSON"))
    }

    pub(crate) async fn metric(&self, name: &str) -> f64 {
        let answer = self.client.get(self.key("metricsUrl")).send().await;
        let text = answer.expect("metrics").text().await.expect("a text");
        let mut lines = text.lines().filter(|line| line.starts_with(name));
        let line = lines.next().unwrap_or_else(|| panic!("no {name}"));
        let value = line.rsplit_once(' ').expect("a value").1;
        value.parse().expect("a number")
    }

    pub(crate) async fn until(&self, name: &str, holds: fn(f64) -> bool) {
        let begun = Instant::now();
        while !holds(self.metric(name).await) {
            assert!(begun.elapsed() < LONG, "{name}: {}", self.service.log());
            sleep(Duration::from_millis(200)).await;
        }
    }

    /// The first of what came of a topic, what came again left out.
    pub(crate) async fn told(&self, topic: Topic, count: usize) -> Vec<Received> {
        self.came(topic, count, |one, other| one.payload == other.payload)
            .await
    }

    /// The first messages of a topic.
    pub(crate) async fn all(&self, topic: Topic, count: usize) -> Vec<Received> {
        self.came(topic, count, |one, other| one.place == other.place)
            .await
    }

    async fn came(
        &self,
        topic: Topic,
        count: usize,
        is_same: fn(&Received, &Received) -> bool,
    ) -> Vec<Received> {
        let bus = Kafka::new(settings(&self.broker.address()), Arc::<Counts>::default());
        let mut member = bus.subscribe(Group("test"), topic).expect("a group");
        let mut came: Vec<Received> = Vec::new();
        let coming = async {
            while came.len() < count {
                match member.next().await {
                    Ok(received) if !came.iter().any(|known| is_same(known, &received)) => {
                        came.push(received);
                    }
                    Ok(_) => {}
                    // The topic is made by what is told of it.
                    Err(_) => sleep(Duration::from_millis(100)).await,
                }
            }
        };
        let waited = timeout(LONG, coming).await;
        assert!(waited.is_ok(), "only {came:?}");
        came
    }
}

pub(crate) fn body(received: &Received) -> Value {
    serde_json::from_slice(&received.payload).expect("JSON")
}
