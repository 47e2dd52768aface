//! Owns what operators see of gateways: calls and their times by operation, and how each account
//! does.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use domain::id::GatewayAccountId;
use prometheus::{HistogramVec, IntCounterVec, IntGaugeVec};

use super::Metrics;
use super::book::{Book, begun};
use crate::adapters::gateway::breaker::Turn;
use crate::adapters::gateway::{Observer, Operation};

/// So many accounts have series of their own; those that come later share one.
const ACCOUNTS_MAX: usize = 200;
/// The series that they share.
const OTHERS: &str = "others";

/// The metrics of gateways.
pub(super) struct Gateway {
    seconds: HistogramVec,
    calls: IntCounterVec,
    breaker_open: IntGaugeVec,
    breaker_turns: IntCounterVec,
    known: Mutex<HashSet<GatewayAccountId>>,
}

impl Gateway {
    pub(super) fn registered(book: &Book) -> Result<Self, prometheus::Error> {
        let breaker_turns = book.counter(
            "payflow_gateway_breaker_turns_total",
            "How often the breaker of a gateway account opened or closed",
            &["turn"],
        )?;
        begun(
            &breaker_turns,
            [Turn::Opened, Turn::Closed, Turn::Locked].map(|turn| [word(turn).to_owned()]),
        );
        Ok(Self {
            seconds: book.histogram(
                "payflow_gateway_call_seconds",
                "Time of a call to the gateway",
                &["operation", "outcome"],
            )?,
            calls: book.counter(
                "payflow_gateway_calls_total",
                "Calls with a gateway account, by what they came to",
                &["account", "result"],
            )?,
            breaker_open: book.gauges(
                "payflow_gateway_breaker_open",
                "1 while the breaker of a gateway account lets no action through",
                &["account"],
            )?,
            breaker_turns,
            known: Mutex::default(),
        })
    }

    /// Whether it has series of its own.
    fn is_known(&self, account: GatewayAccountId) -> bool {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.contains(&account)
    }

    /// The account's label, and whether it was not seen before.
    fn label(&self, account: GatewayAccountId) -> (String, bool) {
        // What is under the lock is whole at every moment.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.contains(&account) {
            return (account.to_string(), false);
        }
        if known.len() >= ACCOUNTS_MAX {
            return (OTHERS.to_owned(), false);
        }
        known.insert(account);
        (account.to_string(), true)
    }
}

impl Metrics {
    /// Shows how the breaker of an account stands that was called before: a guard that was
    /// replaced tells nothing any more, nor does one whose account is disabled.
    pub fn breaker_stands(&self, account: GatewayAccountId, is_open: bool) {
        let gateway = &self.gateway;
        if gateway.is_known(account) {
            let label = [account.to_string()];
            let gauge = gateway.breaker_open.with_label_values(&label);
            gauge.set(i64::from(is_open));
        }
    }
}

/// The words of [`crate::adapters::gateway`] for what came back, in three: it answered, it did not
/// say what became of the call, or the call was never sent.
fn result(outcome: &str) -> &'static str {
    match outcome {
        "found" | "declined" | "not_found" => "answered",
        "breaker_open" | "bulkhead_full" | "not_sent" => "not_sent",
        _ => "unknown",
    }
}

const fn word(turn: Turn) -> &'static str {
    match turn {
        Turn::Opened => "opened",
        Turn::Closed => "closed",
        Turn::Locked => "locked",
    }
}

impl Observer for Metrics {
    fn called(
        &self,
        account: GatewayAccountId,
        operation: Operation,
        outcome: &'static str,
        took: Duration,
    ) {
        let gateway = &self.gateway;
        let timed = [operation.as_str(), outcome];
        let seconds = gateway.seconds.with_label_values(&timed);
        seconds.observe(took.as_secs_f64());
        let (account, is_new) = gateway.label(account);
        if is_new {
            gateway.breaker_open.with_label_values(&[&account]).set(0);
            for result in ["answered", "unknown", "not_sent"] {
                let calls = [account.as_str(), result];
                gateway.calls.with_label_values(&calls).inc_by(0);
            }
        }
        let calls = [account.as_str(), result(outcome)];
        gateway.calls.with_label_values(&calls).inc();
    }

    fn turned(&self, account: GatewayAccountId, turn: Turn) {
        let gateway = &self.gateway;
        tracing::debug!(%account, word = word(turn), "breaker counted");
        gateway.breaker_turns.with_label_values(&[word(turn)]).inc();
        let open = match turn {
            Turn::Opened | Turn::Locked => 1,
            Turn::Closed => 0,
        };
        let (account, _) = gateway.label(account);
        gateway
            .breaker_open
            .with_label_values(&[&account])
            .set(open);
    }
}

#[cfg(test)]
mod tests {
    use domain::id::RawId;

    use super::*;

    fn account(number: u128) -> GatewayAccountId {
        GatewayAccountId::new(RawId::from_parts(1, number))
    }

    fn open(metrics: &Metrics, account: GatewayAccountId) -> i64 {
        let label = [account.to_string()];
        metrics.gateway.breaker_open.with_label_values(&label).get()
    }

    #[test]
    fn a_guard_that_is_no_more_leaves_no_breaker_open() {
        let metrics = Metrics::new().unwrap();
        metrics.turned(account(1), Turn::Locked);
        assert_eq!(open(&metrics, account(1)), 1);
        metrics.breaker_stands(account(1), false);
        assert_eq!(open(&metrics, account(1)), 0);
        // One that was never called has no series.
        metrics.breaker_stands(account(2), true);
        assert!(!metrics.gateway.is_known(account(2)));
    }
}
