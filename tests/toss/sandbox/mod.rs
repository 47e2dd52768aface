//! Owns the contract of the adapter with the stand-in for Toss, whose own ledger is the witness.

mod faults;
mod list;
mod rules;

use application::ports::PaymentGateway;
use domain::id::GatewayOrderId;
use domain::saga::{CancelCall, ConfirmCall};
use domain::snapshot::{Answer, Cause, Snapshot, Status};
use domain::text::PaymentKey;
use payflow::adapters::gateway::toss::Toss;
use serde_json::{Value, json};
use toss_sandbox::{Config, Running};

use crate::support::{SECRET, krw, order, toss};

/// A sandbox, an account at it, and an authenticated payment of 33 000 won.
struct Bench {
    running: Running,
    controls: reqwest::Client,
    toss: Toss,
    order: GatewayOrderId,
    payment_key: PaymentKey,
}

impl Bench {
    async fn new() -> Self {
        let running = toss_sandbox::start(Config::default()).await.unwrap();
        assert_eq!(Config::default().secret_key, SECRET);
        // No certificates: a bare machine has none.
        let controls = reqwest::Client::builder()
            .tls_certs_only([])
            .build()
            .unwrap();
        let toss = toss(&running.url());
        let payment_key = "not-yet".parse().unwrap();
        let mut bench = Self {
            running,
            controls,
            toss,
            order: order(1),
            payment_key,
        };
        let opened = bench
            .control(
                "authenticate",
                json!({ "orderId": bench.order.to_string(), "amount": 33_000 }),
            )
            .await;
        bench.payment_key = opened["paymentKey"].as_str().unwrap().parse().unwrap();
        bench
    }

    async fn control(&self, name: &str, body: Value) -> Value {
        let url = format!("{}/_sandbox/{name}", self.running.url());
        let reply = self
            .controls
            .post(url)
            .body(body.to_string())
            .send()
            .await
            .unwrap();
        let status = reply.status();
        let text = reply.text().await.unwrap();
        assert!(status.is_success(), "{name}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    async fn see(&self, name: &str) -> Value {
        let url = format!("{}/_sandbox/{name}", self.running.url());
        let text = self
            .controls
            .get(url)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// The next call of this operation goes wrong, once.
    async fn strike(&self, operation: &str, fault: Value) {
        let rule = json!({ "operation": operation, "times": 1, "fault": fault });
        self.control("faults", json!({ "rules": [rule] })).await;
    }

    /// What the sandbox's ledger says moved.
    async fn movements(&self) -> Vec<(String, i64)> {
        let ledger = self.see("ledger").await;
        let entries = ledger["entries"].as_array().unwrap();
        let entry = |entry: &Value| {
            (
                entry["kind"].as_str().unwrap().to_owned(),
                entry["amount"].as_i64().unwrap(),
            )
        };
        entries.iter().map(entry).collect()
    }

    async fn confirm(&self, n: u32) -> Answer {
        let call = ConfirmCall {
            key: format!("sag_1-{n}").parse().unwrap(),
            payment_key: self.payment_key.clone(),
            order: self.order,
            amount: krw(33_000),
        };
        self.toss.confirm(&call).await
    }

    async fn cancel(&self, n: u32, amount: i64, refundable: i64) -> Answer {
        let call = CancelCall {
            key: format!("sag_2-{n}").parse().unwrap(),
            payment_key: self.payment_key.clone(),
            amount: krw(amount),
            tax_free: None,
            refundable: krw(refundable),
            reason: "wrong capture given back [sag_2]".to_owned(),
            to: None,
        };
        self.toss.cancel(&call).await
    }

    async fn status(&self) -> Status {
        let by_key = found(self.toss.payment_by_key(&self.payment_key).await);
        let by_order = found(self.toss.payment_by_order(&self.order).await);
        assert_eq!(by_key, by_order);
        by_key.status
    }
}

fn found(answer: Answer) -> Snapshot {
    let Answer::Found(snapshot) = answer else {
        panic!("{answer:?}")
    };
    *snapshot
}

fn unknown(cause: Cause) -> Answer {
    Answer::Unknown(cause)
}

fn is_unreadable(answer: &Answer) -> bool {
    matches!(answer, Answer::Unknown(Cause::Unreadable(_)))
}
