//! Owns what the clients of each scenario do, and what has to be there before they begin.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, ensure};
use tokio::task::JoinSet;
use tokio::time::{Duration, Instant};

use super::Scenario;
use super::figures::Round;
use super::rounds::{Client, Clients, Measured};
use crate::http::Reply;
use crate::random::unique_name;
use crate::service::Authenticated;

const AMOUNT: i64 = 10_000;
/// Preparing has little to gain from more.
const PREPARERS: usize = 16;
/// What there is to be listed, at least.
const LISTED: usize = 500;
/// So many pages are read before the list is read from its beginning again.
const PAGES: usize = 5;

/// What is left to be approved, or the payments left to be canceled.
type Stock<T> = Arc<Mutex<VecDeque<T>>>;

impl Clients {
    /// Prepares, then measures for `length`, or until a stock that is used up is at its end.
    pub(super) async fn round(
        &self,
        scenario: Scenario,
        length: Duration,
        stock: usize,
    ) -> anyhow::Result<Round> {
        match scenario {
            Scenario::Approve => {
                let stock = Arc::new(Mutex::new(self.prepare(stock).await?));
                self.measure(length, |client| approve_all(client, Arc::clone(&stock)))
                    .await
            }
            Scenario::Cancel => {
                let stock = Arc::new(Mutex::new(self.pay(stock).await?));
                self.measure(length, |client| cancel_all(client, Arc::clone(&stock)))
                    .await
            }
            Scenario::Replay => {
                let (one, key) = self.approved().await?;
                self.measure(length, |client| replay_on(client, one.clone(), key.clone()))
                    .await
            }
            Scenario::Read => {
                let (one, _) = self.approved().await?;
                let payment = one.prepared.payment;
                self.measure(length, |client| read_on(client, payment.clone()))
                    .await
            }
            Scenario::List => {
                self.prepare(LISTED).await?;
                self.measure(length, list_on).await
            }
        }
    }

    /// An approved payment, and the key that it was approved with.
    async fn approved(&self) -> anyhow::Result<(Authenticated, String)> {
        let prepared = self.prepare(1).await?.pop_front();
        let one = prepared.context("nothing prepared")?;
        let key = unique_name();
        let reply = self.service.approve(&one, AMOUNT, &key).await?;
        ensure!(reply.status == 200, "not approved: {}", reply.body);
        Ok((one, key))
    }

    /// Paid payments.
    async fn pay(&self, count: usize) -> anyhow::Result<VecDeque<String>> {
        let prepared = Arc::new(Mutex::new(self.prepare(count).await?));
        let mut payers = JoinSet::new();
        for _ in 0..PREPARERS {
            let (service, prepared) = (self.service.clone(), Arc::clone(&prepared));
            payers.spawn(async move {
                let mut paid = Vec::new();
                while let Some(one) = next(&prepared) {
                    let reply = service.approve(&one, AMOUNT, &unique_name()).await?;
                    done("paid", reply)?;
                    paid.push(one.prepared.payment);
                }
                anyhow::Ok(paid)
            });
        }
        let mut stock = VecDeque::new();
        for paid in payers.join_all().await {
            stock.extend(paid?);
        }
        Ok(stock)
    }

    /// Payments whose buyers have passed authentication.
    pub(super) async fn prepare(&self, count: usize) -> anyhow::Result<VecDeque<Authenticated>> {
        let mut preparers = JoinSet::new();
        for share in shares(count) {
            let (service, sandbox) = (self.service.clone(), self.sandbox.clone());
            preparers.spawn(async move {
                let mut prepared = Vec::new();
                for _ in 0..share {
                    let order = format!("load-{}", unique_name());
                    prepared.push(sandbox.authenticated(&service, &order, AMOUNT).await?);
                }
                anyhow::Ok(prepared)
            });
        }
        let mut stock = VecDeque::new();
        for prepared in preparers.join_all().await {
            stock.extend(prepared?);
        }
        Ok(stock)
    }
}

async fn approve_all(client: Client, stock: Stock<Authenticated>) -> anyhow::Result<Measured> {
    let mut measured = Measured::default();
    while Instant::now() < client.until {
        let Some(wanted) = next(&stock) else { break };
        let key = unique_name();
        let reply = client.service.approve(&wanted, AMOUNT, &key).await?;
        measured.add(&done("approved", reply)?);
    }
    Ok(measured)
}

async fn cancel_all(client: Client, stock: Stock<String>) -> anyhow::Result<Measured> {
    let mut measured = Measured::default();
    while Instant::now() < client.until {
        let Some(payment) = next(&stock) else { break };
        let key = unique_name();
        let reply = client.service.cancel(&payment, None, &key).await?;
        let reply = done("canceled", reply)?;
        ensure!(
            reply.data("status") == Some("CANCELED"),
            "not canceled: {}",
            reply.body
        );
        measured.add(&reply);
    }
    Ok(measured)
}

fn next<T>(stock: &Stock<T>) -> Option<T> {
    let mut stock = stock.lock().expect("nothing panics while it is locked");
    stock.pop_front()
}

async fn replay_on(client: Client, one: Authenticated, key: String) -> anyhow::Result<Measured> {
    let mut measured = Measured::default();
    while Instant::now() < client.until {
        let reply = client.service.approve(&one, AMOUNT, &key).await?;
        let reply = done("replayed", reply)?;
        ensure!(reply.is_replay(), "approved once more: {}", reply.body);
        measured.add(&reply);
    }
    Ok(measured)
}

async fn read_on(client: Client, payment: String) -> anyhow::Result<Measured> {
    let mut measured = Measured::default();
    while Instant::now() < client.until {
        let reply = client.service.payment(&payment).await?;
        measured.add(&done("read", reply)?);
    }
    Ok(measured)
}

async fn list_on(client: Client) -> anyhow::Result<Measured> {
    let mut measured = Measured::default();
    while Instant::now() < client.until {
        let mut cursor: Option<String> = None;
        for _ in 0..PAGES {
            let reply = client.service.payments(cursor.as_deref()).await?;
            let reply = done("listed", reply)?;
            measured.add(&reply);
            cursor = reply.data("nextCursor").map(str::to_owned);
            ensure!(cursor.is_some(), "too short a list: {}", reply.body);
        }
    }
    Ok(measured)
}

fn done(what: &str, reply: Reply) -> anyhow::Result<Reply> {
    ensure!(
        reply.status == 200,
        "not {what}: {} {}",
        reply.status,
        reply.body
    );
    Ok(reply)
}

/// `count` in `PREPARERS` shares that differ by one at most.
fn shares(count: usize) -> impl Iterator<Item = usize> {
    let (each, more) = (count / PREPARERS, count % PREPARERS);
    (0..PREPARERS).map(move |part| each.saturating_add(usize::from(part < more)))
}

#[cfg(test)]
mod tests {
    use super::shares;

    #[test]
    fn shares_add_up() {
        for count in 0..40 {
            assert_eq!(shares(count).sum::<usize>(), count);
        }
    }
}
