//! Owns the clients of a run: what they ask for, what they were told, and that they come back.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::parts::Part;
use crate::http::Reply;
use crate::random::{Dice, unique_name};
use crate::sandbox::Sandbox;
use crate::service::{Authenticated, Service};

/// How long a client waits for one answer.
const ANSWER_PATIENCE: Duration = Duration::from_secs(5);
/// When an impatient client leaves.
const LEAVE_AFTER: Duration = Duration::from_millis(50);
/// How long a client that came back goes on asking.
const RETURN_PATIENCE: Duration = Duration::from_secs(10);
const RETRY_PAUSE: Duration = Duration::from_millis(250);

/// One thing that a client asked for: it may ask again with the same key.
#[derive(Clone, Debug)]
struct Attempt {
    authenticated: Authenticated,
    amount: i64,
    key: String,
}

/// What clients did and were told.
#[derive(Clone, Debug, Default)]
pub(super) struct Journal {
    attempts: Vec<Attempt>,
    /// Final answers by idempotency key.
    told: BTreeMap<String, Vec<u16>>,
    /// Payments that somebody was told are paid.
    paid: Vec<String>,
    /// Answers that no request should ever get, and promises that were broken.
    pub(super) surprises: Vec<String>,
}

/// One client.
struct Client {
    service: Service,
    sandbox: Sandbox,
    part: Part,
    amount: i64,
    begin_after: Duration,
    journal: Journal,
}

/// All parts at once, until each client is done or the service is gone.
pub(super) async fn play(service: &Service, sandbox: &Sandbox, seed: u64) -> Journal {
    let mut dice = Dice::new(seed, "traffic");
    let mut clients = JoinSet::new();
    for part in Part::ALL {
        let hundreds = i64::try_from(dice.between(10, 900)).expect("a small number");
        let client = Client {
            service: service.clone(),
            sandbox: sandbox.clone(),
            part,
            amount: hundreds.saturating_mul(100),
            begin_after: dice.pause(300),
            journal: Journal::default(),
        };
        clients.spawn(client.play());
    }
    let mut journal = Journal::default();
    for played in clients.join_all().await {
        journal.merge(played);
    }
    journal
}

impl Client {
    async fn play(mut self) -> Journal {
        sleep(self.begin_after).await;
        // Whatever fails here fails because the service is gone: the kill is the point.
        let _ = self.play_part().await;
        self.journal
    }

    async fn play_part(&mut self) -> anyhow::Result<()> {
        let order = format!("order-{}", unique_name());
        let prepared = self.service.prepare(&order, self.amount).await?;
        let rules = self.part.rules(&prepared.gateway_order, self.amount);
        if !rules.is_empty() {
            self.sandbox.add_faults(&rules.into()).await?;
        }
        if self.part == Part::Abandoned {
            return Ok(());
        }
        let authenticated = self.sandbox.authenticate(&prepared).await?;
        match self.part {
            Part::Leaver => {
                let key = unique_name();
                let request = self.service.approve(&authenticated, self.amount, &key);
                let _ = timeout(LEAVE_AFTER, request).await;
            }
            Part::Tampered => {
                let more = self.amount.saturating_add(100);
                let reply = self
                    .service
                    .approve(&authenticated, more, &unique_name())
                    .await?;
                if !(400..500).contains(&reply.status) {
                    self.journal.surprise("a tampered amount", &reply);
                }
                self.ask(vec![authenticated], 1).await;
            }
            Part::TwoKeys => {
                let other = self.sandbox.authenticate(&prepared).await?;
                self.ask(vec![authenticated, other], 1).await;
            }
            Part::Repeated => self.ask(vec![authenticated], 3).await,
            Part::Plain
            | Part::OverCaptured
            | Part::StuckReversal
            | Part::Declined
            | Part::LostAnswer
            | Part::Temporary
            | Part::Late
            | Part::Confused
            | Part::Misquoted
            | Part::Abandoned => self.ask(vec![authenticated], 1).await,
        }
        Ok(())
    }

    /// Asks for each approval under a key of its own, `times` at once.
    async fn ask(&mut self, wanted: Vec<Authenticated>, times: usize) {
        let mut requests = JoinSet::new();
        for authenticated in wanted {
            let attempt = Attempt {
                authenticated,
                amount: self.amount,
                key: unique_name(),
            };
            self.journal.attempts.push(attempt.clone());
            for _ in 0..times {
                let (service, attempt) = (self.service.clone(), attempt.clone());
                requests.spawn(async move { (attempt.send(&service).await, attempt) });
            }
        }
        for (reply, attempt) in requests.join_all().await {
            if let Some(reply) = reply {
                self.journal.hear(&attempt, &reply);
            }
        }
    }
}

impl Attempt {
    /// The answer; none when the service is gone or too slow.
    async fn send(&self, service: &Service) -> Option<Reply> {
        let request = service.approve(&self.authenticated, self.amount, &self.key);
        timeout(ANSWER_PATIENCE, request).await.ok()?.ok()
    }

    /// Asks again until the answer is final.
    async fn insist(&self, service: &Service) -> Option<Reply> {
        let begun = Instant::now();
        loop {
            let reply = self.send(service).await;
            let settled = reply.as_ref().is_some_and(|reply| {
                let wait = reply.header("retry-after").is_some();
                !(matches!(reply.status, 202 | 503) || (reply.status == 409 && wait))
            });
            if settled || begun.elapsed() >= RETURN_PATIENCE {
                return reply;
            }
            sleep(RETRY_PAUSE).await;
        }
    }
}

impl Journal {
    fn merge(&mut self, other: Self) {
        self.attempts.extend(other.attempts);
        for (key, told) in other.told {
            self.told.entry(key).or_default().extend(told);
        }
        self.paid.extend(other.paid);
        self.surprises.extend(other.surprises);
    }

    fn surprise(&mut self, to: &str, reply: &Reply) {
        self.surprises.push(format!(
            "{to} was answered {}: {}",
            reply.status, reply.body
        ));
    }

    fn hear(&mut self, attempt: &Attempt, reply: &Reply) {
        match reply.status {
            200 => self
                .paid
                .push(attempt.authenticated.prepared.payment.clone()),
            202 | 402 | 409 | 503 => {}
            _ => self.surprise("an approval", reply),
        }
        if matches!(reply.status, 200 | 402) {
            self.told
                .entry(attempt.key.clone())
                .or_default()
                .push(reply.status);
        }
    }

    /// Every client comes back with its own keys, and goes on until it is told the end.
    pub(super) async fn return_to(&mut self, service: &Service) {
        let mut clients = JoinSet::new();
        for attempt in self.attempts.clone() {
            let service = service.clone();
            clients.spawn(async move { (attempt.insist(&service).await, attempt) });
        }
        for (reply, attempt) in clients.join_all().await {
            if let Some(reply) = reply {
                self.hear(&attempt, &reply);
            }
        }
        for (key, told) in &self.told {
            if told.iter().any(|status| Some(status) != told.first()) {
                self.surprises
                    .push(format!("key {key} was answered {told:?}"));
            }
        }
    }

    /// Whoever was told that it is paid finds it paid.
    pub(super) async fn verify(&mut self, service: &Service) -> anyhow::Result<()> {
        for payment in self.paid.clone() {
            let reply = service.payment(&payment).await?;
            let status = reply.data("status").unwrap_or_default();
            if !matches!(status, "DONE" | "PARTIAL_CANCELED" | "CANCELED") {
                self.surprise("whoever was told it is paid", &reply);
            }
        }
        Ok(())
    }
}
