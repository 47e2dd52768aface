//! Owns the bench the tests share: a sandbox on a free port and a client that knows its keys.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use toss_sandbox::{Config, Running, Settings, start};

pub(crate) const SECRET_KEY: &str = "test_sk_suite";
pub(crate) const CLIENT_KEY: &str = "test_ck_suite";

/// A running sandbox and a client for it.
pub(crate) struct Bench {
    pub(crate) sandbox: Running,
    pub(crate) client: Client,
}

/// An answer as it came over the wire.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

pub(crate) fn config() -> Config {
    Config {
        secret_key: SECRET_KEY.to_owned(),
        client_key: CLIENT_KEY.to_owned(),
        ..Config::default()
    }
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::with(config()).await
    }

    pub(crate) async fn with_settings(change: impl FnOnce(&mut Settings)) -> Self {
        let mut config = config();
        change(&mut config.settings);
        Self::with(config).await
    }

    pub(crate) async fn with(config: Config) -> Self {
        let client = Client::builder()
            .timeout(Duration::from_secs(20))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .expect("a client");
        Self {
            sandbox: start(config).await.expect("the sandbox starts"),
            client,
        }
    }

    /// A request of the merchant.
    pub(crate) fn api(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.sandbox.url());
        self.client
            .request(method, url)
            .basic_auth(SECRET_KEY, Some(""))
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        send(self.api(Method::GET, path)).await.expect("an answer")
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Reply {
        send(self.api(Method::POST, path).json(&body))
            .await
            .expect("an answer")
    }

    /// A POST under an idempotency key.
    pub(crate) async fn post_as(&self, key: &str, path: &str, body: Value) -> Reply {
        let request = self.api(Method::POST, path).header("Idempotency-Key", key);
        send(request.json(&body)).await.expect("an answer")
    }

    /// An authenticated payment's key.
    pub(crate) async fn authenticate(&self, order_id: &str, amount: i64) -> String {
        self.authenticate_as(json!({ "orderId": order_id, "amount": amount }))
            .await
    }

    pub(crate) async fn authenticate_as(&self, body: Value) -> String {
        let reply = self.post("/_sandbox/authenticate", body).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.json()["paymentKey"]
            .as_str()
            .expect("a payment key")
            .to_owned()
    }

    pub(crate) async fn confirm(&self, payment_key: &str, order_id: &str, amount: i64) -> Reply {
        self.post(
            "/v1/payments/confirm",
            confirm_body(payment_key, order_id, amount),
        )
        .await
    }

    /// A payment that was approved.
    pub(crate) async fn paid(&self, order_id: &str, amount: i64) -> String {
        let payment_key = self.authenticate(order_id, amount).await;
        let reply = self.confirm(&payment_key, order_id, amount).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        payment_key
    }

    pub(crate) async fn cancel(&self, payment_key: &str, body: Value) -> Reply {
        self.post(&format!("/v1/payments/{payment_key}/cancel"), body)
            .await
    }

    pub(crate) async fn payment(&self, payment_key: &str) -> Value {
        let reply = self.get(&format!("/v1/payments/{payment_key}")).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.json()
    }

    pub(crate) async fn ledger(&self) -> Vec<Value> {
        let reply = self.get("/_sandbox/ledger").await;
        reply.json()["entries"].as_array().expect("entries").clone()
    }

    pub(crate) async fn calls(&self) -> Vec<Value> {
        self.get("/_sandbox/calls").await.json()["calls"]
            .as_array()
            .expect("calls")
            .clone()
    }

    pub(crate) async fn fault(&self, body: Value) {
        let reply = self.post("/_sandbox/faults", body).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
    }

    pub(crate) async fn advance(&self, seconds: i64) {
        let reply = self
            .post("/_sandbox/clock", json!({ "advanceSeconds": seconds }))
            .await;
        assert_eq!(reply.status, 200, "{}", reply.text);
    }

    /// Everything the connection carries for one confirm, and how it ended.
    pub(crate) fn raw_confirm(&self, body: &Value) -> (String, std::io::Result<()>) {
        let body = body.to_string();
        let mut stream = TcpStream::connect(self.sandbox.address).expect("a connection");
        let timeout = Some(Duration::from_secs(10));
        stream.set_read_timeout(timeout).expect("a timeout");
        let head = format!(
            "POST /v1/payments/confirm HTTP/1.1\r\nhost: sandbox\r\nauthorization: {}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            authorization(&format!("{SECRET_KEY}:")),
            body.len(),
        );
        stream
            .write_all(head.as_bytes())
            .expect("the request is sent");
        let mut bytes = Vec::new();
        let ended = stream.read_to_end(&mut bytes).map(|_| ());
        (String::from_utf8_lossy(&bytes).into_owned(), ended)
    }
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect("JSON")
    }

    /// Checks that this is the refusal with that code.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: &str) {
        let actual = self.json()["code"].as_str().unwrap_or_default().to_owned();
        assert_eq!(
            (self.status, actual.as_str()),
            (status, code),
            "{}",
            self.text
        );
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

pub(crate) fn confirm_body(payment_key: &str, order_id: &str, amount: i64) -> Value {
    json!({ "paymentKey": payment_key, "orderId": order_id, "amount": amount })
}

pub(crate) async fn send(request: RequestBuilder) -> reqwest::Result<Reply> {
    let response = request.send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Ok(Reply {
        status,
        headers,
        text: response.text().await?,
    })
}

/// A Basic header with padded base64.
pub(crate) fn authorization(text: &str) -> String {
    use base64::Engine as _;
    format!(
        "Basic {}",
        base64::engine::general_purpose::STANDARD.encode(text)
    )
}
