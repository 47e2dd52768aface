//! A service in this process, on a free port, over the store in memory and a scripted gateway.

mod accounts;
mod billing_keys;
mod by_hand;
pub(crate) mod cards;
mod feed;
mod gateway;
mod hooks;
mod listener;
pub(crate) mod members;
pub(crate) mod offers;
mod payments;
mod proofs;
pub(crate) mod seed;
mod store;
mod subscriptions;
mod webhooks;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use application::memory::Memory;
use application::ports::Store;
use payflow::adapters::clock::Wall;
use payflow::adapters::ids::Drawn;
use payflow::adapters::telemetry::Metrics;
use payflow::adapters::vault::{MasterKeys, Vault};
use payflow::bootstrap::{Outside, Roles, Running, launch};
use payflow::config::Config;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

pub(crate) use cards::{BILLING_KEYS, Registered};
pub(crate) use gateway::Scripted;
pub(crate) use listener::{Listener, Said};
pub(crate) use members::{AWAY, HOST, HOSTED, Members, OTHER_HOST, PROOF_HEADER};
pub(crate) use proofs::{DEVICE, of};
pub(crate) use seed::{LIVE, OTHER, PUBLISHABLE, SECRET, SUSPENDED, WITHOUT_GATEWAY};
pub(crate) use store::{Fault, Faulty};

use crate::support::lines::{self, Lines};

const SETTINGS: &str = "server.listen = \"127.0.0.1:0\"\nmetrics.listen = \"127.0.0.1:0\"\n";

/// A service and a client of it.
pub(crate) struct Rig {
    pub(crate) running: Running,
    pub(crate) gateway: Arc<Scripted>,
    pub(crate) store: Arc<Faulty>,
    pub(crate) clock: Wall,
    pub(crate) members: Members,
    client: reqwest::Client,
    orders: AtomicU64,
    _lines: Lines,
}

/// An answer, taken apart.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    /// The errors as `field: code`, sorted.
    pub(crate) fn errors(&self) -> Vec<String> {
        let lines = self.body["errors"].as_array().cloned().unwrap_or_default();
        let mut lines: Vec<String> = lines
            .iter()
            .map(|line| format!("{}: {}", text(&line["field"]), text(&line["code"])))
            .collect();
        lines.sort_unstable();
        lines
    }
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A payment that was prepared.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    pub(crate) id: String,
    pub(crate) gateway_order: String,
}

/// A vault with a master key that every test knows.
fn vault(store: Arc<dyn Store>) -> Arc<Vault> {
    let masters = MasterKeys::parse(&format!("2026a:{}=", "A".repeat(43))).unwrap();
    Arc::new(Vault::new(masters, store))
}

impl Rig {
    /// With the default settings.
    pub(crate) async fn new() -> Self {
        Self::with("").await
    }

    /// With these settings besides.
    pub(crate) async fn with(settings: &str) -> Self {
        Self::doing(&Roles::default(), settings).await
    }

    /// One that does only so much.
    pub(crate) async fn doing(roles: &Roles, settings: &str) -> Self {
        let lines = Lines::of_this_process();
        let clock = Wall::default();
        let memory = Arc::new(Memory::new(Arc::new(Wall::default())));
        let store = Arc::new(Faulty::new(memory));
        let config = Config::with(&format!("{SETTINGS}{settings}")).unwrap();
        let members = Members::of(seed::seed(store.as_ref()).await);
        let gateway = Arc::new(Scripted::new(clock.clone()));
        let outside = Outside {
            store: store.clone(),
            gateways: gateway.clone(),
            clock: Arc::new(clock.clone()),
            ids: Arc::new(Drawn::default()),
            tokens: members.tokens.clone(),
            vault: vault(store.clone()),
            metrics: Arc::new(Metrics::new().unwrap()),
            connections: Box::new(Vec::new),
        };
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(30))
            .no_proxy()
            .build()
            .unwrap();
        Self {
            running: launch(&config, outside, roles).await.unwrap(),
            gateway,
            store,
            clock,
            members,
            client,
            orders: AtomicU64::new(1),
            _lines: lines,
        }
    }

    /// Another copy of the service, over the same store and gateway.
    pub(crate) async fn beside(other: &Self, settings: &str) -> Self {
        Self::beside_doing(other, &Roles::default(), settings).await
    }

    /// Another copy, which does only so much.
    pub(crate) async fn beside_doing(other: &Self, roles: &Roles, settings: &str) -> Self {
        let config = Config::with(&format!("{SETTINGS}{settings}")).unwrap();
        let outside = Outside {
            store: other.store.clone(),
            gateways: other.gateway.clone(),
            clock: Arc::new(other.clock.clone()),
            ids: Arc::new(Drawn::default()),
            tokens: other.members.tokens.clone(),
            vault: vault(other.store.clone()),
            metrics: Arc::new(Metrics::new().unwrap()),
            connections: Box::new(Vec::new),
        };
        Self {
            running: launch(&config, outside, roles).await.unwrap(),
            gateway: other.gateway.clone(),
            store: other.store.clone(),
            clock: other.clock.clone(),
            members: other.members.clone(),
            client: other.client.clone(),
            orders: AtomicU64::new(500_000),
            _lines: Lines::of_this_process(),
        }
    }

    /// A request without credentials.
    pub(crate) fn anonymous(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("http://{}{path}", self.running.address);
        self.client.request(method, url)
    }

    /// A request of the merchant's server.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.anonymous(method, path).basic_auth(SECRET, Some(""))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        answer(self.request(Method::GET, path)).await
    }

    /// Posts a text as JSON.
    pub(crate) async fn post(&self, path: &str, body: impl Into<String>) -> Answer {
        answer(self.posting(path, body)).await
    }

    pub(crate) fn posting(&self, path: &str, body: impl Into<String>) -> RequestBuilder {
        self.request(Method::POST, path)
            .header("content-type", "application/json")
            .body(body.into())
    }

    /// An order id that was not used yet.
    pub(crate) fn order(&self) -> String {
        format!("order-{:06}", self.orders.fetch_add(1, Ordering::Relaxed))
    }

    /// A payment of 15,000 won.
    pub(crate) async fn prepared(&self) -> Prepared {
        self.prepared_by(SECRET, json!({})).await
    }

    /// A payment of 15,000 won with these fields besides, of the merchant with this key.
    pub(crate) async fn prepared_by(&self, key: &str, fields: Value) -> Prepared {
        let mut body = json!({ "orderId": self.order(), "orderName": "생수", "amount": 15000 });
        let more = fields.as_object().unwrap().clone();
        body.as_object_mut().unwrap().extend(more);
        let request = self
            .anonymous(Method::POST, "/api/v1/payments")
            .bearer_auth(key)
            .header("content-type", "application/json");
        let answer = answer(request.body(body.to_string())).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let data = &answer.body["data"];
        Prepared {
            id: text(&data["paymentId"]).to_owned(),
            gateway_order: text(&data["gatewayOrderId"]).to_owned(),
        }
    }

    /// A request of a member.
    pub(crate) fn by(&self, member: &str, method: Method, path: &str) -> RequestBuilder {
        let token = self.members.token(member);
        self.anonymous(method, path)
            .bearer_auth(token)
            .header("content-type", "application/json")
    }

    /// The request that approves `payment`.
    pub(crate) fn approving(&self, payment: &Prepared, key: &str) -> RequestBuilder {
        let body = approval(payment).to_string();
        self.posting(&format!("/api/v1/payments/{}/approve", payment.id), body)
            .header("idempotency-key", key)
    }

    pub(crate) async fn approve(&self, payment: &Prepared, key: &str) -> Answer {
        answer(self.approving(payment, key)).await
    }
}

impl Rig {
    /// A payment of 15,000 won, 5,000 of it without VAT, that is paid.
    pub(crate) async fn paid(&self) -> Prepared {
        self.paid_by(SECRET, json!({})).await
    }

    /// The same with these fields besides, of the merchant with this key.
    pub(crate) async fn paid_by(&self, key: &str, mut fields: Value) -> Prepared {
        fields["taxFreeAmount"] = json!(5000);
        let payment = self.prepared_by(key, fields).await;
        let path = format!("/api/v1/payments/{}/approve", payment.id);
        let request = self
            .anonymous(Method::POST, &path)
            .bearer_auth(key)
            .header("content-type", "application/json")
            .header("idempotency-key", format!("paid-{}", payment.id));
        let answer = answer(request.body(approval(&payment).to_string())).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        payment
    }

    /// The request that gives money of `payment` back.
    pub(crate) fn canceling(&self, payment: &Prepared, body: &Value, key: &str) -> RequestBuilder {
        let path = format!("/api/v1/payments/{}/cancel", payment.id);
        self.posting(&path, body.to_string())
            .header("idempotency-key", key)
    }

    pub(crate) async fn cancel(&self, payment: &Prepared, body: Value, key: &str) -> Answer {
        answer(self.canceling(payment, &body, key)).await
    }
}

/// What the redirect brings back.
pub(crate) fn approval(payment: &Prepared) -> Value {
    json!({
        "paymentKey": format!("tgen_{}", payment.gateway_order),
        "gatewayOrderId": payment.gateway_order,
        "amount": 15000,
    })
}

/// Sends a request and takes its answer apart.
pub(crate) async fn answer(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.unwrap();
    let body: Value = serde_json::from_str(&text).unwrap_or(Value::String(text));
    // An API key, which is shown in no other answer.
    if let Some(key) = body["data"]["key"].as_str() {
        lines::secret(key);
    }
    Answer {
        status,
        headers,
        body,
    }
}
