//! The service beside a broker: what happens to payments is told there, also what happened while
//! the broker was away.

use std::time::Duration;

use application::ports::Bus;
use application::ports::bus::{Group, Received, Topic};
use payflow::adapters::kafka::Kafka;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use crate::broker::Broker;
use crate::rig::{Counts, LONG, settings};
use crate::support::Service;

struct Stand {
    broker: Broker,
    service: Service,
    keys: Value,
    client: reqwest::Client,
}

impl Stand {
    async fn start() -> Self {
        let broker = Broker::start();
        let address = broker.address();
        let service = Service::start(&[
            ("KAFKA_BROKERS", &address),
            ("PAYFLOW_KAFKA__DELIVERY_TIMEOUT", "1s"),
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

    fn key(&self, name: &str) -> &str {
        self.keys[name].as_str().expect("a key of the service's")
    }

    async fn post(&self, path: &str, key: &str, body: &Value) -> Value {
        let url = format!("{}/api/v1/payments{path}", self.key("payflowUrl"));
        let request = self.client.post(url).bearer_auth(self.key("secretKey"));
        let request = request.header("Idempotency-Key", key).json(body);
        let answer = request.send().await.expect("an answer");
        assert!(answer.status().is_success(), "{answer:?}");
        answer.json().await.expect("JSON")
    }

    async fn prepare(&self, order: &str) -> Value {
        let body = json!({
            "orderId": order,
            "orderName": "T-shirt",
            "amount": 1000,
            "currency": "KRW",
            "customer": { "memberId": "member-7" },
        });
        self.post("", order, &body).await["data"].clone()
    }

    async fn pay(&self, payment: &Value) {
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
        self.post(&format!("/{id}/approve"), &format!("approve-{id}"), &body)
            .await;
    }

    async fn metric(&self, name: &str) -> f64 {
        let answer = self.client.get(self.key("metricsUrl")).send().await;
        let text = answer.expect("metrics").text().await.expect("a text");
        let mut lines = text.lines().filter(|line| line.starts_with(name));
        let line = lines.next().unwrap_or_else(|| panic!("no {name}"));
        let value = line.rsplit_once(' ').expect("a value").1;
        value.parse().expect("a number")
    }

    async fn until(&self, name: &str, holds: fn(f64) -> bool) {
        let begun = Instant::now();
        while !holds(self.metric(name).await) {
            assert!(begun.elapsed() < LONG, "{name}: {}", self.service.log());
            sleep(Duration::from_millis(200)).await;
        }
    }

    /// What came of a topic first, without what came again: an acknowledgement that is late makes
    /// the same be told twice.
    async fn told(&self, topic: Topic, count: usize) -> Vec<Received> {
        let bus = Kafka::new(
            settings(&self.broker.address()),
            std::sync::Arc::<Counts>::default(),
        );
        let mut member = bus.subscribe(Group("test"), topic).expect("a group");
        let mut came: Vec<Received> = Vec::new();
        let coming = async {
            while came.len() < count {
                match member.next().await {
                    Ok(received) => {
                        let known = came.iter().any(|known| id(known) == id(&received));
                        came.extend((!known).then_some(received));
                    }
                    // The topic is made by what is told of it.
                    Err(_) => sleep(Duration::from_millis(100)).await,
                }
                let _ = member.done().await;
            }
        };
        let waited = timeout(LONG, coming).await;
        assert!(waited.is_ok(), "only {came:?}");
        came
    }
}

fn body(received: &Received) -> Value {
    serde_json::from_slice(&received.payload).expect("JSON")
}

fn id(received: &Received) -> Value {
    body(received)["id"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn payments_are_told_of_also_after_an_outage() {
    let mut stand = Stand::start().await;
    let payment = stand.prepare("order-1").await;
    stand.pay(&payment).await;
    let id = payment["paymentId"].as_str().expect("an id");
    let told = stand.told(Topic::PaymentEvents, 3).await;
    let types: Vec<Value> = told.iter().map(|told| body(told)["type"].clone()).collect();
    assert_eq!(
        types,
        [
            "payment.prepared",
            "payment.approval_requested",
            "payment.approved"
        ]
    );
    for (place, told) in told.iter().enumerate() {
        assert_eq!(told.key, id.as_bytes());
        assert_eq!(body(told)["id"], format!("{id}/{}", place + 1));
        assert_eq!(body(told)["data"]["paymentId"], id);
    }
    let notified = stand.told(Topic::Notifications, 1).await;
    assert_eq!(notified[0].key, b"member-7");
    assert_eq!(body(&notified[0])["data"]["code"], "APPROVED");

    stand.broker.kill();
    let payment = stand.prepare("order-2").await;
    stand.until("payflow_bus_away", |away| away > 0.5).await;
    stand
        .until("payflow_reader_lag_events{reader=\"kafka\"}", |lag| {
            lag > 0.5
        })
        .await;
    stand.broker.restart();
    let told = stand.told(Topic::PaymentEvents, 1).await;
    assert_eq!(body(&told[0])["data"]["paymentId"], payment["paymentId"]);
    stand.until("payflow_bus_away", |away| away < 0.5).await;
    stand
        .until("payflow_reader_lag_events{reader=\"kafka\"}", |lag| {
            lag < 0.5
        })
        .await;
    let log = stand.service.log();
    assert!(log.contains("the broker takes no messages"), "{log}");
    assert!(log.contains("the broker takes messages again"), "{log}");
}
