//! Owns one thing that is wanted under one key: it is asked for at both copies at once, again at
//! each once it has ended, and everybody must be told the same.

use std::time::Duration;

use anyhow::ensure;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::http::Reply;
use crate::service::{Authenticated, Service};

/// How long an end may take to come.
const PATIENCE: Duration = Duration::from_secs(30);
const RETRY_PAUSE: Duration = Duration::from_millis(25);
/// What says that a request is under way, or may be sent again.
const UNDER_WAY: [&str; 3] = [
    "IDEMPOTENCY_KEY_IN_PROGRESS",
    "PAYMENT_PENDING",
    "TOO_MANY_CONFLICTS",
];

/// What is wanted.
#[derive(Clone, Debug)]
pub(super) enum Wish {
    Prepare { order: String, amount: i64 },
    Approve(Authenticated),
    Cancel { payment: String, amount: i64 },
}

/// What an end says, but for the trace.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Told {
    status: u16,
    code: String,
    pub(super) data: Value,
}

/// What was wanted, under which key, and how it ended.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    wish: Wish,
    key: String,
    pub(super) told: Told,
}

/// What an operation showed.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) requests: u64,
    pub(super) replays: u64,
    pub(super) slowest: Duration,
    pub(super) breaches: Vec<String>,
}

impl Seen {
    pub(super) fn merge(&mut self, other: Self) {
        self.requests = self.requests.saturating_add(other.requests);
        self.replays = self.replays.saturating_add(other.replays);
        self.slowest = self.slowest.max(other.slowest);
        self.breaches.extend(other.breaches);
    }
}

impl Wish {
    async fn send(&self, service: &Service, key: &str) -> reqwest::Result<Reply> {
        match self {
            Self::Prepare { order, amount } => service.prepare_under(order, *amount, key).await,
            Self::Approve(authenticated) => {
                let amount = authenticated.prepared.amount;
                service.approve(authenticated, amount, key).await
            }
            Self::Cancel { payment, amount } => service.cancel(payment, Some(*amount), key).await,
        }
    }

    /// The end that a copy tells, however often it has to be asked.
    async fn end(&self, service: &Service, key: &str, seen: &mut Seen) -> anyhow::Result<Reply> {
        let begun = Instant::now();
        loop {
            let reply = self.send(service, key).await?;
            seen.requests = seen.requests.saturating_add(1);
            seen.slowest = seen.slowest.max(reply.took);
            if !UNDER_WAY.contains(&code(&reply).as_str()) {
                if reply.is_replay() {
                    seen.replays = seen.replays.saturating_add(1);
                }
                return Ok(reply);
            }
            ensure!(
                begun.elapsed() < PATIENCE,
                "{self:?} has no end: {}",
                reply.body
            );
            sleep(RETRY_PAUSE).await;
        }
    }
}

impl Operation {
    /// Asks both copies at once, and each once more; all are to be told one end.
    pub(super) async fn done(
        wish: Wish,
        key: String,
        copies: &[Service],
    ) -> anyhow::Result<(Self, Seen)> {
        let (mut seen, mut twin) = (Seen::default(), Seen::default());
        let (one, other) = pair(copies);
        let (first, second) = tokio::join!(
            wish.end(one, &key, &mut seen),
            wish.end(other, &key, &mut twin)
        );
        seen.merge(twin);
        let (first, second) = (first?, second?);
        let told = told(&first);
        let operation = Self { wish, key, told };
        if !first.is_replay() && !second.is_replay() {
            let what = format!("two were the first of {}", operation.key);
            seen.breaches.push(what);
        }
        if !(200..300).contains(&first.status) {
            let what = format!("{:?} was told {}", operation.wish, first.body);
            seen.breaches.push(what);
        }
        operation.compare(&second, &mut seen);
        seen.merge(operation.again(copies).await?);
        Ok((operation, seen))
    }

    /// Asks each copy once more.
    pub(super) async fn again(&self, copies: &[Service]) -> anyhow::Result<Seen> {
        let mut seen = Seen::default();
        for service in copies {
            let reply = self.wish.end(service, &self.key, &mut seen).await?;
            if !reply.is_replay() {
                seen.breaches.push(format!("{} was done again", self.key));
            }
            self.compare(&reply, &mut seen);
        }
        Ok(seen)
    }

    fn compare(&self, reply: &Reply, seen: &mut Seen) {
        if told(reply) != self.told {
            let what = format!("{} was told {} after {:?}", self.key, reply.body, self.told);
            seen.breaches.push(what);
        }
    }
}

/// Both of them; a single one twice.
fn pair(copies: &[Service]) -> (&Service, &Service) {
    let one = copies.first().expect("a run has copies");
    (one, copies.last().unwrap_or(one))
}

fn code(reply: &Reply) -> String {
    let code = reply.body.get("code").and_then(Value::as_str);
    code.unwrap_or_default().to_owned()
}

fn told(reply: &Reply) -> Told {
    Told {
        status: reply.status,
        code: code(reply),
        data: reply.body.get("data").cloned().unwrap_or_default(),
    }
}
