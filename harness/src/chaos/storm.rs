//! Owns storms: many identical requests, two payment keys, clients that leave, and many who want
//! the same money back.

use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::cancels;
use crate::check;
use crate::http::Reply;
use crate::output;
use crate::random::unique_name;
use crate::service::{Authenticated, Service};
use crate::stand::{Parts, Stand};

/// Long enough that identical requests overlap with the call.
const LATENCY: Duration = Duration::from_millis(100);
const LEAVE_AFTER: Duration = Duration::from_millis(20);
const SETTLE_PATIENCE: Duration = Duration::from_secs(30);
const AMOUNT: i64 = 12_300;

/// Sends storms of requests and checks that money moved once.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    parts: Parts,
    /// How many rounds of each storm.
    #[arg(long, default_value_t = 100)]
    rounds: u32,
    /// How many identical requests at once.
    #[arg(long, default_value_t = 64)]
    at_once: usize,
    /// Of how many payments, side by side, twenty want a tenth back each; none to leave it out.
    #[arg(long, default_value_t = 100)]
    payments: u64,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Figures {
    rounds: u32,
    identical_requests: usize,
    /// Answers to the identical requests, by kind.
    answers: BTreeMap<String, u64>,
    cancels: cancels::Figures,
    breaches: Vec<String>,
    unexplained: u64,
}

struct Storm {
    stand: Stand,
    service: Service,
    figures: Figures,
}

/// Runs all rounds; whether nothing was wrong.
pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let mut stand = Stand::build(&arguments.parts, &[], LATENCY).await?;
    let service = stand.start().await?;
    let figures = Figures {
        rounds: arguments.rounds,
        identical_requests: arguments.at_once,
        ..Figures::default()
    };
    let mut storm = Storm {
        stand,
        service,
        figures,
    };
    for _ in 0..arguments.rounds {
        storm.identical(arguments.at_once).await?;
        storm.two_keys().await?;
        storm.leaver().await?;
    }
    let (cancels, breaches) =
        cancels::race(&storm.stand, &storm.service, arguments.payments).await?;
    storm.figures.cancels = cancels;
    for breach in breaches {
        storm.breach(breach);
    }
    let target = storm.stand.target();
    let findings = check::run(&target, &storm.stand.sandbox, SETTLE_PATIENCE).await?;
    storm.figures.unexplained = findings.unexplained;
    storm.figures.breaches.extend(findings.sayings());
    output::print_json(&storm.figures);
    storm.stand.dismantle().await?;
    Ok(storm.figures.breaches.is_empty())
}

impl Storm {
    async fn authenticated(&self) -> anyhow::Result<Authenticated> {
        let order = format!("storm-{}", unique_name());
        self.stand
            .sandbox
            .authenticated(&self.service, &order, AMOUNT)
            .await
    }

    /// One gateway call with effect; everybody else sees a replay or is told to wait.
    async fn identical(&mut self, at_once: usize) -> anyhow::Result<()> {
        let wanted = self.authenticated().await?;
        let key = unique_name();
        let requests = vec![(wanted.clone(), key.clone()); at_once];
        let mut firsts: u32 = 0;
        for reply in self.at_once(requests).await? {
            let kind = match reply.status {
                200 if reply.is_replay() => "replay".to_owned(),
                200 => {
                    firsts = firsts.saturating_add(1);
                    "first".to_owned()
                }
                status => status.to_string(),
            };
            if !matches!(kind.as_str(), "first" | "replay" | "409") {
                self.breach(format!(
                    "an identical request got {}: {}",
                    reply.status, reply.body
                ));
            }
            let count = self.figures.answers.entry(kind).or_default();
            *count = count.saturating_add(1);
        }
        if firsts != 1 {
            self.breach(format!("{firsts} requests under {key} were the first"));
        }
        let calls = self
            .stand
            .sandbox
            .calls(&wanted.prepared.gateway_order)
            .await?;
        let confirms = calls
            .iter()
            .filter(|call| call.operation == "confirm")
            .count();
        let effects = calls.iter().filter(|call| call.effect).count();
        if (confirms, effects) != (1, 1) {
            self.breach(format!(
                "{confirms} confirms with {effects} effects for {wanted:?}"
            ));
        }
        // Once it is over, the same request is a replay of the same answer.
        let again = self.service.approve(&wanted, AMOUNT, &key).await?;
        if !(again.status == 200 && again.is_replay()) {
            self.breach(format!("a repeat got {}: {}", again.status, again.body));
        }
        Ok(())
    }

    /// Two authentications of one order: one capture is kept.
    async fn two_keys(&mut self) -> anyhow::Result<()> {
        let one = self.authenticated().await?;
        let other = self.stand.sandbox.authenticate(&one.prepared).await?;
        let requests = vec![(one.clone(), unique_name()), (other, unique_name())];
        let replies = self.at_once(requests).await?;
        let taken = replies.iter().filter(|reply| reply.status == 200).count();
        if taken != 1 {
            let told: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
            self.breach(format!("two payment keys were told {told:?}"));
        }
        self.done(&one.prepared.payment).await
    }

    /// A client that leaves changes nothing: the payment is approved all the same.
    async fn leaver(&mut self) -> anyhow::Result<()> {
        let wanted = self.authenticated().await?;
        if !self.left(&wanted).await? {
            self.breach("an approval was faster than the client that leaves".to_owned());
        }
        self.done(&wanted.prepared.payment).await
    }

    /// Asks, and leaves as soon as the service has begun: a request that never arrived is none.
    async fn left(&self, wanted: &Authenticated) -> anyhow::Result<bool> {
        let key = unique_name();
        let mut request = pin!(self.service.approve(wanted, AMOUNT, &key));
        let begun = Instant::now();
        while timeout(LEAVE_AFTER, &mut request).await.is_err() {
            let reply = self.service.payment(&wanted.prepared.payment).await?;
            if reply.data("status") != Some("READY") {
                return Ok(true);
            }
            ensure!(begun.elapsed() < SETTLE_PATIENCE, "nothing was begun");
        }
        Ok(false)
    }

    async fn done(&mut self, payment: &str) -> anyhow::Result<()> {
        let target = self.stand.target();
        let settled = check::settle(&target, SETTLE_PATIENCE).await?;
        ensure!(settled.is_some(), "{payment} does not settle");
        let reply = self.service.payment(payment).await?;
        if reply.data("status") != Some("DONE") {
            self.breach(format!("not approved: {}", reply.body));
        }
        Ok(())
    }

    async fn at_once(&self, wanted: Vec<(Authenticated, String)>) -> anyhow::Result<Vec<Reply>> {
        let mut requests = JoinSet::new();
        for (authenticated, key) in wanted {
            let service = self.service.clone();
            requests.spawn(async move { service.approve(&authenticated, AMOUNT, &key).await });
        }
        let replies: Result<Vec<Reply>, _> = requests.join_all().await.into_iter().collect();
        replies.context("a request of the storm was not answered")
    }

    fn breach(&mut self, what: String) {
        output::breaches([&what]);
        self.figures.breaches.push(what);
    }
}
