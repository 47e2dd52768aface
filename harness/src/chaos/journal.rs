//! Owns what clients asked for and were told, that they come back for it, and that it was true.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::timeout;

use super::parts::Part;
use crate::http::{Reply, insist};
use crate::random::unique_name;
use crate::service::{Authenticated, Service};

/// How long a client waits for one answer.
const ANSWER_PATIENCE: Duration = Duration::from_secs(5);
/// How long a client that came back goes on asking.
const RETURN_PATIENCE: Duration = Duration::from_secs(10);

/// What a client wants.
#[derive(Clone, Debug)]
pub(super) enum Wish {
    /// To pay.
    Approve {
        authenticated: Authenticated,
        amount: i64,
    },
    /// Its money back: a part, or all that is left.
    Cancel {
        payment: String,
        amount: Option<i64>,
    },
}

/// One thing that a client asked for: it may ask again with the same key.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    wish: Wish,
    key: String,
}

/// What clients did and were told.
#[derive(Clone, Debug, Default)]
pub(super) struct Journal {
    attempts: Vec<Attempt>,
    /// The part of each payment that was prepared.
    played: BTreeMap<String, Part>,
    /// Final answers by idempotency key.
    told: BTreeMap<String, Vec<u16>>,
    /// Payments that somebody was told are paid.
    paid: BTreeSet<String>,
    /// What somebody was told is given back, by idempotency key.
    given_back: BTreeMap<String, (String, Option<i64>)>,
    /// Answers that no request should ever get, and promises that were broken.
    pub(super) surprises: Vec<String>,
}

impl Attempt {
    /// With a key of its own.
    pub(super) fn at(wish: Wish) -> Self {
        Self {
            wish,
            key: unique_name(),
        }
    }

    /// The answer; none when the service is gone or too slow.
    pub(super) async fn send(&self, service: &Service) -> Option<Reply> {
        let request = async {
            match &self.wish {
                Wish::Approve {
                    authenticated,
                    amount,
                } => service.approve(authenticated, *amount, &self.key).await,
                Wish::Cancel { payment, amount } => {
                    service.cancel(payment, *amount, &self.key).await
                }
            }
        };
        timeout(ANSWER_PATIENCE, request).await.ok()?.ok()
    }

    /// Has a worker do it, and waits for the promise alone; a cancellation is always waited for.
    pub(super) async fn leave(&self, service: &Service) -> Option<Reply> {
        let Wish::Approve {
            authenticated,
            amount,
        } = &self.wish
        else {
            return self.send(service).await;
        };
        let request = service.leave(authenticated, *amount, &self.key);
        timeout(ANSWER_PATIENCE, request).await.ok()?.ok()
    }

    /// Asks again until the answer is final, for so long at most.
    pub(super) async fn insist(&self, service: &Service, patience: Duration) -> Option<Reply> {
        let stays = |reply: Option<&Reply>| {
            reply.is_some_and(|reply| {
                let wait = reply.header("retry-after").is_some();
                !(matches!(reply.status, 202 | 503) || (reply.status == 409 && wait))
            })
        };
        insist(|| self.send(service), stays, patience).await
    }
}

impl Journal {
    /// How much was asked for.
    pub(super) fn asked(&self) -> u64 {
        u64::try_from(self.attempts.len()).unwrap_or(u64::MAX)
    }

    /// Notes which part a payment plays.
    pub(super) fn cast(&mut self, payment: &str, part: Part) {
        self.played.insert(payment.to_owned(), part);
    }

    /// Which part each payment plays.
    pub(super) const fn played(&self) -> &BTreeMap<String, Part> {
        &self.played
    }

    /// Notes an attempt, before it is made.
    pub(super) fn intend(&mut self, attempt: Attempt) {
        self.attempts.push(attempt);
    }

    /// Adds what other clients did.
    pub(super) fn merge(&mut self, other: Self) {
        self.attempts.extend(other.attempts);
        self.played.extend(other.played);
        for (key, told) in other.told {
            self.told.entry(key).or_default().extend(told);
        }
        self.paid.extend(other.paid);
        self.given_back.extend(other.given_back);
        self.surprises.extend(other.surprises);
    }

    /// Notes an answer that nobody should ever get.
    pub(super) fn surprise(&mut self, to: &str, reply: &Reply) {
        self.surprises.push(format!(
            "{to} was answered {}: {}",
            reply.status, reply.body
        ));
    }

    /// Notes an answer.
    pub(super) fn hear(&mut self, attempt: &Attempt, reply: &Reply) {
        let no = match &attempt.wish {
            Wish::Approve { .. } => 402,
            Wish::Cancel { .. } => 422,
        };
        match (&attempt.wish, reply.status) {
            (Wish::Approve { authenticated, .. }, 200) => {
                self.paid.insert(authenticated.prepared.payment.clone());
            }
            (Wish::Cancel { payment, amount }, 200) => {
                let told = (payment.clone(), *amount);
                self.given_back.insert(attempt.key.clone(), told);
            }
            (_, 202 | 409 | 503) => {}
            (_, status) if status == no => {}
            (Wish::Approve { .. }, _) => self.surprise("an approval", reply),
            (Wish::Cancel { .. }, _) => self.surprise("a cancellation", reply),
        }
        if reply.status == 200 || reply.status == no {
            let told = self.told.entry(attempt.key.clone()).or_default();
            told.push(reply.status);
        }
    }

    /// Every client comes back with its own keys, and goes on until it is told the end.
    pub(super) async fn return_to(&mut self, service: &Service) {
        let mut clients = JoinSet::new();
        for attempt in self.attempts.clone() {
            let service = service.clone();
            clients
                .spawn(async move { (attempt.insist(&service, RETURN_PATIENCE).await, attempt) });
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

    /// Whoever was told that it is paid finds it paid, and what was given back is given back.
    pub(super) async fn verify(&mut self, service: &Service) -> anyhow::Result<()> {
        for payment in self.paid.clone() {
            let reply = service.payment(&payment).await?;
            let status = reply.data("status").unwrap_or_default();
            if !matches!(status, "DONE" | "PARTIAL_CANCELED" | "CANCELED") {
                self.surprise("whoever was told it is paid", &reply);
            }
        }
        let mut promised: BTreeMap<&str, (i64, bool)> = BTreeMap::new();
        for (payment, amount) in self.given_back.values() {
            let (parts, whole) = promised.entry(payment).or_default();
            *parts = parts.saturating_add(amount.unwrap_or(0));
            *whole |= amount.is_none();
        }
        let mut broken = Vec::new();
        for (payment, (parts, whole)) in promised {
            let reply = service.payment(payment).await?;
            let given_back = reply.number("canceledAmount").unwrap_or(0);
            let all = reply.data("status") == Some("CANCELED");
            if given_back < parts || (whole && !all) {
                broken.push((format!("whoever was told {parts} is back"), reply));
            }
        }
        for (to, reply) in broken {
            self.surprise(&to, &reply);
        }
        Ok(())
    }
}
