//! Owns the books as the database holds them: plain rows, read in one snapshot, nothing assumed.

mod billing;
mod rows;
mod sql;
mod target;
mod writer;

use std::collections::BTreeMap;

pub(crate) use billing::{Cycle, Plan, Standing, Subscription, SubscriptionEvent};
pub(crate) use rows::Rows;
#[cfg(test)]
pub(crate) use rows::TABLES;
pub(crate) use sql::{Hold, Untold};
pub(crate) use target::{Snapshot, Target, connect};
pub(crate) use writer::write;

/// Everything that the checks look at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Books {
    /// Payments by id.
    pub(crate) payments: BTreeMap<String, Payment>,
    /// Gateway orders: the payment of each.
    pub(crate) gateway_orders: BTreeMap<String, String>,
    /// Sagas by id.
    pub(crate) sagas: BTreeMap<String, Saga>,
    /// The ledger, in no order.
    pub(crate) entries: Vec<Entry>,
    /// The event log, by payment and sequence.
    pub(crate) events: Vec<Event>,
    /// Idempotency keys in use.
    pub(crate) keys: Vec<Key>,
    /// Every event's place, by position.
    pub(crate) feed: Vec<Place>,
    /// Events that have no place yet: payment and sequence.
    pub(crate) unsequenced: Vec<(String, i64)>,
    /// Plans, in no order.
    pub(crate) plans: Vec<Plan>,
    /// Subscriptions by id.
    pub(crate) subscriptions: BTreeMap<String, Subscription>,
    /// Their cycles, by subscription and number.
    pub(crate) cycles: Vec<Cycle>,
    /// Their logs, by subscription and sequence.
    pub(crate) subscription_events: Vec<SubscriptionEvent>,
    /// What is told of subscriptions and stored cards, in no order.
    pub(crate) member_events: Vec<MemberEvent>,
}

/// What is told of a subscription or a stored card.
#[derive(Clone, Debug)]
pub(crate) struct MemberEvent {
    pub(crate) subject: String,
    pub(crate) sequence: i64,
    pub(crate) merchant: String,
    pub(crate) mode: String,
    pub(crate) kind: String,
    pub(crate) from: Option<String>,
    pub(crate) to: String,
}

/// An event's place in the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) position: i64,
    pub(crate) merchant: String,
    pub(crate) mode: String,
    pub(crate) payment: String,
    pub(crate) sequence: i64,
}

/// A payment.
#[derive(Clone, Debug)]
pub(crate) struct Payment {
    pub(crate) id: String,
    pub(crate) merchant: String,
    pub(crate) mode: String,
    pub(crate) order_id: String,
    pub(crate) status: String,
    pub(crate) saga: Option<String>,
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) captured: i64,
    pub(crate) canceled: i64,
    /// How it was given back, as JSON.
    pub(crate) cancels: Option<String>,
    /// The payment key of its capture.
    pub(crate) paid_by: Option<String>,
    /// What the gateway calls its virtual account, where it has one.
    pub(crate) account: Option<String>,
    pub(crate) head_sequence: i64,
    pub(crate) head_hash: Vec<u8>,
}

/// A saga.
#[derive(Clone, Debug)]
pub(crate) struct Saga {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) payment: String,
    /// Which authentication; none of those that learn it from the answer.
    pub(crate) payment_key: Option<String>,
    /// How much to take, or to give back.
    pub(crate) amount: i64,
    pub(crate) phase: String,
    pub(crate) outcome: Option<String>,
    /// The gateway's code, or ours, of the decline that it ended with.
    pub(crate) outcome_code: Option<String>,
    /// What gives a misfit back.
    pub(crate) reversal: Option<String>,
    pub(crate) keyed: bool,
    /// Who wanted it.
    pub(crate) actor: String,
}

/// A line of the ledger.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) payment: String,
    pub(crate) payment_key: String,
    pub(crate) movement: String,
    pub(crate) debit: String,
    pub(crate) credit: String,
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) transaction_key: Option<String>,
}

/// A line of the event log.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) merchant: String,
    pub(crate) mode: String,
    pub(crate) payment: String,
    pub(crate) sequence: i64,
    pub(crate) kind: String,
    pub(crate) from: Option<String>,
    pub(crate) to: String,
    pub(crate) actor: String,
    pub(crate) reason: Option<String>,
    pub(crate) trace: String,
    /// Microseconds since 1970.
    pub(crate) at: i64,
    pub(crate) payload: Vec<u8>,
    pub(crate) previous: Vec<u8>,
    pub(crate) hash: Vec<u8>,
}

/// An idempotency key in use.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) merchant: String,
    pub(crate) mode: String,
    pub(crate) member: String,
    pub(crate) name: String,
    /// Empty where the work moved none.
    pub(crate) payment: String,
    pub(crate) saga: Option<String>,
    pub(crate) has_outcome: bool,
}

impl Saga {
    /// Whether it still has to do something.
    pub(crate) fn is_open(&self) -> bool {
        self.phase != "CLOSED"
    }
}
