//! Owns the measuring of one round: clients in a closed loop, and what they and the service took.

use std::time::Duration;

use anyhow::Context as _;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::figures::Round;
use crate::http::Reply;
use crate::sandbox::Sandbox;
use crate::service::Service;
use crate::stats::Samples;
use crate::usage::Usage;

/// The metric of `Server-Timing` that leaves out the gateway.
const OWN_TIME: &str = "own";

/// The clients and what they load.
pub(super) struct Clients {
    pub(super) service: Service,
    pub(super) sandbox: Sandbox,
    pub(super) count: usize,
    pub(super) pid: Option<u32>,
}

/// What one client measured.
#[derive(Default)]
pub(super) struct Measured {
    total: Samples,
    own: Samples,
}

impl Clients {
    /// Lets the clients do what they do for `length`.
    pub(super) async fn measure<F>(
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
pub(super) struct Client {
    pub(super) service: Service,
    pub(super) until: Instant,
}

impl Measured {
    /// Adds one answer.
    pub(super) fn add(&mut self, reply: &Reply) {
        self.total.add(reply.took);
        if let Some(own) = reply.timing_microseconds(OWN_TIME) {
            self.own.add(Duration::from_micros(own));
        }
    }
}
