//! Owns one measured round: a stock is prepared first, then the clients use it up in a closed loop.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Scenario;
use super::figures::Round;
use crate::http::Reply;
use crate::random::unique_name;
use crate::sandbox::Sandbox;
use crate::service::{Authenticated, Service};
use crate::stats::Samples;
use crate::usage::Usage;

const AMOUNT: i64 = 10_000;
/// The metric of `Server-Timing` that leaves out the gateway.
const OWN_TIME: &str = "own";
/// Preparing has little to gain from more.
const PREPARERS: usize = 16;

/// The clients and what they load.
pub(super) struct Clients {
    pub(super) service: Service,
    pub(super) sandbox: Sandbox,
    pub(super) count: usize,
    pub(super) pid: Option<u32>,
}

/// What is left to be approved.
type Stock = Arc<Mutex<VecDeque<Authenticated>>>;

/// What one client measured.
#[derive(Default)]
struct Measured {
    total: Samples,
    own: Samples,
}

impl Clients {
    /// Prepares, then measures for `length`, or until the stock is used up.
    pub(super) async fn round(
        &self,
        scenario: Scenario,
        length: Duration,
        stock: usize,
    ) -> anyhow::Result<Round> {
        match scenario {
            Scenario::Approve => {
                let stock = Arc::new(Mutex::new(self.prepare(stock).await?));
                self.measure(length, |service| approve_all(service, Arc::clone(&stock)))
                    .await
            }
            Scenario::Read => {
                let one = self
                    .prepare(1)
                    .await?
                    .pop_front()
                    .context("nothing prepared")?;
                let reply = self.service.approve(&one, AMOUNT, &unique_name()).await?;
                ensure!(reply.status == 200, "not approved: {}", reply.body);
                let payment = one.prepared.payment;
                self.measure(length, |service| read_on(service, payment.clone()))
                    .await
            }
        }
    }

    async fn prepare(&self, count: usize) -> anyhow::Result<VecDeque<Authenticated>> {
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

    async fn measure<F>(
        &self,
        length: Duration,
        client: impl Fn(Client) -> F,
    ) -> anyhow::Result<Round>
    where
        F: Future<Output = anyhow::Result<Measured>> + Send + 'static,
    {
        let before = self.pid.map(Usage::of).transpose()?;
        let begun = Instant::now();
        let mut clients = JoinSet::new();
        for _ in 0..self.count {
            let until = begun.checked_add(length).context("a round too long")?;
            clients.spawn(client(Client {
                service: self.service.clone(),
                until,
            }));
        }
        let mut all = Measured::default();
        for measured in clients.join_all().await {
            let measured = measured?;
            all.total.merge(measured.total);
            all.own.merge(measured.own);
        }
        let took = begun.elapsed();
        let after = self.pid.map(Usage::of).transpose()?;
        let cpu_microseconds = before.zip(after).map(|(before, after)| {
            after
                .cpu_microseconds
                .saturating_sub(before.cpu_microseconds)
        });
        Ok(Round {
            took,
            total: all.total,
            own: all.own,
            cpu_microseconds,
            usage: after,
        })
    }
}

/// One client of a round.
struct Client {
    service: Service,
    until: Instant,
}

impl Measured {
    fn add(&mut self, reply: &Reply) {
        self.total.add(reply.took);
        if let Some(own) = reply.timing_microseconds(OWN_TIME) {
            self.own.add(Duration::from_micros(own));
        }
    }
}

async fn approve_all(client: Client, stock: Stock) -> anyhow::Result<Measured> {
    let mut measured = Measured::default();
    while Instant::now() < client.until {
        let next = stock
            .lock()
            .expect("nothing panics while it is locked")
            .pop_front();
        let Some(wanted) = next else { break };
        let reply = client
            .service
            .approve(&wanted, AMOUNT, &unique_name())
            .await?;
        ensure!(
            reply.status == 200,
            "not approved: {} {}",
            reply.status,
            reply.body
        );
        measured.add(&reply);
    }
    Ok(measured)
}

async fn read_on(client: Client, payment: String) -> anyhow::Result<Measured> {
    let mut measured = Measured::default();
    while Instant::now() < client.until {
        let reply = client.service.payment(&payment).await?;
        ensure!(
            reply.status == 200,
            "not read: {} {}",
            reply.status,
            reply.body
        );
        measured.add(&reply);
    }
    Ok(measured)
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
