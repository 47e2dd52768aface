//! Owns the sandbox's controls: authentication, faults, the clock, and its own ledger.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::http::{self, Reply};
use crate::service::{Authenticated, Prepared, Service};

/// Which way money moved at the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Movement {
    /// To us.
    Capture,
    /// Back to the buyer.
    Cancel,
    /// Back to the buyer's bank, which found that the deposit was a mistake.
    Reversal,
}

/// One line of the sandbox's ledger: money that really moved.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Line {
    /// Which way.
    pub(crate) kind: Movement,
    /// Of which authentication.
    pub(crate) payment_key: String,
    /// Of which gateway order.
    pub(crate) order_id: String,
    /// The movement's name.
    pub(crate) transaction_key: String,
    /// How much.
    pub(crate) amount: i64,
    /// In which currency.
    pub(crate) currency: String,
    /// The key under which it was asked for.
    pub(crate) idempotency_key: Option<String>,
}

/// One arrival at the sandbox's API.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Call {
    /// What was asked for.
    pub(crate) operation: String,
    /// Whether money moved.
    pub(crate) effect: bool,
    /// Its place among all arrivals.
    pub(crate) sequence: u64,
    /// About which authentication.
    pub(crate) payment_key: Option<String>,
    /// About which gateway order.
    pub(crate) order_id: Option<String>,
    /// The key under which it came.
    pub(crate) idempotency_key: Option<String>,
    /// What the caller was told; none where the connection died.
    pub(crate) status: Option<u16>,
}

impl Call {
    /// Whether it asks what became of a payment.
    pub(crate) fn is_question(&self) -> bool {
        matches!(self.operation.as_str(), "get" | "getByOrder")
    }
}

#[derive(Deserialize)]
struct Ledger {
    entries: Vec<Line>,
}

#[derive(Deserialize)]
struct Deliveries {
    deliveries: Vec<Value>,
}

#[derive(Deserialize)]
struct Calls {
    calls: Vec<Call>,
}

/// A client of a running sandbox.
#[derive(Clone, Debug)]
pub(crate) struct Sandbox {
    http: reqwest::Client,
    url: String,
}

impl Sandbox {
    /// A client of the sandbox at `url`.
    pub(crate) fn new(url: &str) -> anyhow::Result<Self> {
        Ok(Self {
            http: http::client()?,
            url: url.trim().trim_end_matches('/').to_owned(),
        })
    }

    /// The buyer passes authentication.
    pub(crate) async fn authenticate(&self, prepared: &Prepared) -> anyhow::Result<Authenticated> {
        let body = json!({ "orderId": prepared.gateway_order, "amount": prepared.amount });
        let answer = self.post("authenticate", &body).await?;
        let payment_key = answer.get("paymentKey").and_then(Value::as_str);
        Ok(Authenticated {
            prepared: prepared.clone(),
            payment_key: payment_key.context("no paymentKey")?.to_owned(),
        })
    }

    /// The buyer registers a card in the gateway's window; what the redirect brings back.
    pub(crate) async fn consent(&self, customer: &str, card: &str) -> anyhow::Result<String> {
        let body = json!({ "customerKey": customer, "cardNumber": card });
        let answer = self.post("billing-auth", &body).await?;
        let auth_key = answer.get("authKey").and_then(Value::as_str);
        Ok(auth_key.context("no authKey")?.to_owned())
    }

    /// Another test card stands behind the stored cards of this customer.
    pub(crate) async fn change_card(&self, customer: &str, card: &str) -> anyhow::Result<()> {
        let all: Value = self.get("billing-keys").await?;
        let keys = all.get("billingKeys").and_then(Value::as_array);
        let mut changed = false;
        for key in keys.context("no billing keys")? {
            let text = |field| key.get(field).and_then(Value::as_str);
            if text("customerKey") == Some(customer) {
                let billing_key = text("billingKey").context("a key without its name")?;
                let body = json!({ "billingKey": billing_key, "cardNumber": card });
                self.post("billing-keys", &body).await?;
                changed = true;
            }
        }
        ensure!(changed, "{customer} has no card");
        Ok(())
    }

    /// A payment that only waits for its approval.
    pub(crate) async fn authenticated(
        &self,
        service: &Service,
        order: &str,
        amount: i64,
    ) -> anyhow::Result<Authenticated> {
        self.authenticate(&service.prepare(order, amount).await?)
            .await
    }

    /// Adds faults: rules, random ones, or both.
    pub(crate) async fn add_faults(&self, order: &Value) -> anyhow::Result<()> {
        self.post("faults", order).await.map(|_| ())
    }

    /// Nothing goes wrong any more.
    pub(crate) async fn heal(&self) -> anyhow::Result<()> {
        let reply = Reply::to(self.http.delete(format!("{}/_sandbox/faults", self.url))).await?;
        ensure!(
            reply.status == 200,
            "the sandbox does not heal: {}",
            reply.body
        );
        Ok(())
    }

    /// Moves the sandbox's clock forward.
    pub(crate) async fn advance(&self, by: Duration) -> anyhow::Result<()> {
        let body = json!({ "advanceSeconds": by.as_secs() });
        self.post("clock", &body).await.map(|_| ())
    }

    /// All money that ever moved, oldest first.
    pub(crate) async fn ledger(&self) -> anyhow::Result<Vec<Line>> {
        Ok(self.get::<Ledger>("ledger").await?.entries)
    }

    /// The arrivals about one gateway order, oldest first.
    pub(crate) async fn calls(&self, order: &str) -> anyhow::Result<Vec<Call>> {
        Ok(self
            .get::<Calls>(&format!("calls?orderId={order}"))
            .await?
            .calls)
    }

    /// Somebody gives a part back in the gateway's console.
    pub(crate) async fn cancel_by_merchant(&self, key: &str, amount: i64) -> anyhow::Result<()> {
        let body = json!({ "paymentKey": key, "cancelAmount": amount, "cancelReason": "console" });
        self.post("cancel-by-merchant", &body).await.map(|_| ())
    }

    /// What happens is to be told at an address where nobody listens: it is on record then.
    pub(crate) async fn tell_nobody(&self) -> anyhow::Result<()> {
        let body = json!({ "url": "http://127.0.0.1:9/" });
        self.post("webhooks", &body).await.map(|_| ())
    }

    /// A payout changes, which is signed.
    pub(crate) async fn tell_of_a_payout(&self) -> anyhow::Result<()> {
        let body = json!({ "eventType": "payout.changed" });
        self.post("webhooks/send", &body).await.map(|_| ())
    }

    /// What was to be told, oldest first.
    pub(crate) async fn deliveries(&self) -> anyhow::Result<Vec<Value>> {
        let all: Deliveries = self.get("webhooks/deliveries").await?;
        Ok(all.deliveries)
    }

    /// How often anybody asked what became of a payment.
    pub(crate) async fn questions(&self) -> anyhow::Result<u64> {
        let all = self.calls_after(0).await?;
        let questions = all.iter().filter(|call| call.is_question()).count();
        Ok(u64::try_from(questions)?)
    }

    /// Everything that arrived after the call of this number, oldest first; zero is before all.
    pub(crate) async fn calls_after(&self, sequence: u64) -> anyhow::Result<Vec<Call>> {
        let after = format!("calls?after={sequence}");
        Ok(self.get::<Calls>(&after).await?.calls)
    }

    async fn get<T: DeserializeOwned>(&self, control: &str) -> anyhow::Result<T> {
        let reply = Reply::to(self.http.get(format!("{}/_sandbox/{control}", self.url))).await?;
        ensure!(
            reply.status == 200,
            "{control} answered {}: {}",
            reply.status,
            reply.body
        );
        serde_json::from_value(reply.body).with_context(|| format!("{control} is unreadable"))
    }

    async fn post(&self, control: &str, body: &Value) -> anyhow::Result<Value> {
        let request = self
            .http
            .post(format!("{}/_sandbox/{control}", self.url))
            .json(body);
        let reply = Reply::to(request).await?;
        ensure!(
            reply.status == 200,
            "{control} answered {}: {}",
            reply.status,
            reply.body
        );
        Ok(reply.body)
    }
}
