//! Owns the Payflow API as a merchant's server uses it.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;

use crate::http::{self, Reply};

/// The file that each start of the service writes.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DevKeys {
    /// Where the service listens.
    pub(crate) payflow_url: String,
    /// Where its gateway listens.
    pub(crate) sandbox_url: String,
    /// Where its metrics are.
    #[serde(default)]
    pub(crate) metrics_url: String,
    /// The merchant's secret key.
    pub(crate) secret_key: String,
    /// Where its gateway tells what happens.
    #[serde(default)]
    pub(crate) gateway_webhook_url: String,
}

impl DevKeys {
    /// Reads the file.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text)
    }

    /// Reads the file's text.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        serde_json::from_str(text).context("the keys file is unreadable")
    }
}

/// A client of a running service.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    http: reqwest::Client,
    url: String,
    metrics_url: String,
    hook_url: String,
    authorization: String,
}

/// A payment that waits for its buyer.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    /// Its id.
    pub(crate) payment: String,
    /// The order id that the gateway sees.
    pub(crate) gateway_order: String,
    /// What is to be paid, in won.
    pub(crate) amount: i64,
}

/// A payment whose buyer has passed authentication.
#[derive(Clone, Debug)]
pub(crate) struct Authenticated {
    /// The payment.
    pub(crate) prepared: Prepared,
    /// The authentication.
    pub(crate) payment_key: String,
}

impl Service {
    /// A client of the service that wrote these keys.
    pub(crate) fn new(keys: &DevKeys) -> anyhow::Result<Self> {
        let credentials = STANDARD.encode(format!("{}:", keys.secret_key));
        Ok(Self {
            http: http::client()?,
            url: keys.payflow_url.trim_end_matches('/').to_owned(),
            metrics_url: keys.metrics_url.clone(),
            hook_url: keys.gateway_webhook_url.clone(),
            authorization: format!("Basic {credentials}"),
        })
    }

    /// Where it listens: host and port.
    pub(crate) fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap_or(&self.url)
    }

    /// Where its gateway tells what happens.
    pub(crate) fn hook_url(&self) -> &str {
        &self.hook_url
    }

    /// The value of the `Authorization` header.
    pub(crate) fn authorization(&self) -> &str {
        &self.authorization
    }

    /// What its metrics of this name come to together; nothing where it shows none.
    pub(crate) async fn metric(&self, name: &str) -> anyhow::Result<u64> {
        let answer = self.http.get(&self.metrics_url).send().await?;
        let text = answer.text().await?;
        let mut sum: u64 = 0;
        for line in text.lines().filter(|line| line.starts_with(name)) {
            let value = line.rsplit_once(' ').map(|(_, value)| value);
            let value = value.and_then(|value| value.parse().ok());
            sum = sum.saturating_add(value.with_context(|| format!("no count: {line}"))?);
        }
        Ok(sum)
    }

    /// How often something was timed that is counted under these labels, and its times together.
    pub(crate) async fn timed(
        &self,
        histogram: &str,
        labels: &str,
    ) -> anyhow::Result<(u64, Duration)> {
        let answer = self.http.get(&self.metrics_url).send().await?;
        let text = answer.text().await?;
        let value = |part: &str| {
            let name = format!("{histogram}_{part}{labels} ");
            text.lines().find_map(|line| line.strip_prefix(&name))
        };
        let (Some(count), Some(sum)) = (value("count"), value("sum")) else {
            return Ok((0, Duration::ZERO));
        };
        Ok((count.parse()?, Duration::try_from_secs_f64(sum.parse()?)?))
    }

    /// Asks for a payment to be prepared, under a key.
    pub(crate) async fn prepare_under(
        &self,
        order: &str,
        amount: i64,
        key: &str,
    ) -> reqwest::Result<Reply> {
        let request = self.post("/api/v1/payments").json(&ordered(order, amount));
        Reply::to(request.header("Idempotency-Key", key)).await
    }

    /// Prepares a payment; any answer but 201 is an error.
    pub(crate) async fn prepare(&self, order: &str, amount: i64) -> anyhow::Result<Prepared> {
        let body = ordered(order, amount);
        let reply = Reply::to(self.post("/api/v1/payments").json(&body)).await?;
        ensure!(
            reply.status == 201,
            "prepare answered {}: {}",
            reply.status,
            reply.body
        );
        let text = |field| {
            let text = reply.data(field).map(str::to_owned);
            text.with_context(|| format!("prepare answered no {field}: {}", reply.body))
        };
        Ok(Prepared {
            payment: text("paymentId")?,
            gateway_order: text("gatewayOrderId")?,
            amount,
        })
    }

    /// Asks for an approval.
    pub(crate) async fn approve(
        &self,
        authenticated: &Authenticated,
        amount: i64,
        key: &str,
    ) -> reqwest::Result<Reply> {
        Reply::to(self.approving(authenticated, amount, key)).await
    }

    /// Asks for an approval that nobody waits for.
    pub(crate) async fn leave(
        &self,
        authenticated: &Authenticated,
        amount: i64,
        key: &str,
    ) -> reqwest::Result<Reply> {
        let request = self.approving(authenticated, amount, key);
        Reply::to(request.header("Prefer", "respond-async")).await
    }

    fn approving(
        &self,
        authenticated: &Authenticated,
        amount: i64,
        key: &str,
    ) -> reqwest::RequestBuilder {
        let Authenticated {
            prepared,
            payment_key,
        } = authenticated;
        let path = format!("/api/v1/payments/{}/approve", prepared.payment);
        let body = json!({
            "paymentKey": payment_key,
            "gatewayOrderId": prepared.gateway_order,
            "amount": amount,
        });
        self.post(&path).header("Idempotency-Key", key).json(&body)
    }

    /// Asks for money back: a part, or all that is left.
    pub(crate) async fn cancel(
        &self,
        payment: &str,
        amount: Option<i64>,
        key: &str,
    ) -> reqwest::Result<Reply> {
        let path = format!("/api/v1/payments/{payment}/cancel");
        let mut body = json!({ "reason": "harness" });
        if let Some(amount) = amount {
            body["amount"] = amount.into();
        }
        Reply::to(self.post(&path).header("Idempotency-Key", key).json(&body)).await
    }

    /// Reads a payment.
    pub(crate) async fn payment(&self, id: &str) -> reqwest::Result<Reply> {
        Reply::to(self.get(&format!("/api/v1/payments/{id}"))).await
    }

    /// Reads a page of the list, the first or the one at `cursor`.
    pub(crate) async fn payments(&self, cursor: Option<&str>) -> reqwest::Result<Reply> {
        let request = self.get("/api/v1/payments").query(&[("limit", "20")]);
        Reply::to(match cursor {
            Some(cursor) => request.query(&[("cursor", cursor)]),
            None => request,
        })
        .await
    }

    /// Sends JSON and reads what is answered; any failure is an error.
    pub(crate) async fn post_json(
        &self,
        path: &str,
        body: &serde_json::Value,
    ) -> anyhow::Result<serde_json::Value> {
        let reply = Reply::to(self.post(path).json(body)).await?;
        let (status, body) = (reply.status, reply.body);
        ensure!(
            (200..300).contains(&status),
            "{path} answered {status}: {body}"
        );
        Ok(body)
    }

    /// The same under an idempotency key.
    pub(crate) async fn post_keyed(
        &self,
        path: &str,
        body: &serde_json::Value,
        key: &str,
    ) -> anyhow::Result<Reply> {
        let request = self.post(path).header("Idempotency-Key", key).json(body);
        Ok(Reply::to(request).await?)
    }

    /// Asks whether the process lives.
    pub(crate) async fn live(&self) -> reqwest::Result<Reply> {
        Reply::to(self.http.get(format!("{}/health/live", self.url))).await
    }

    /// Asks whether it can serve.
    pub(crate) async fn ready(&self) -> reqwest::Result<Reply> {
        Reply::to(self.http.get(format!("{}/health/ready", self.url))).await
    }

    fn get(&self, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.get(format!("{}{path}", self.url));
        request.header("Authorization", &self.authorization)
    }

    fn post(&self, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.post(format!("{}{path}", self.url));
        request.header("Authorization", &self.authorization)
    }
}

fn ordered(order: &str, amount: i64) -> serde_json::Value {
    json!({
        "orderId": order,
        "orderName": "harness order",
        "amount": amount,
        "currency": "KRW",
    })
}
