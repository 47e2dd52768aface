//! Owns what an event's payload tells, as far as it has to agree with the rest of the books.

use serde::Deserialize;

use crate::books::Event;

/// What an event tells.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Payload {
    pub(super) order_id: String,
    pub(super) amount: i64,
    pub(super) currency: String,
    /// What is held after it.
    pub(super) balance: i64,
    pub(super) saga_id: Option<String>,
    pub(super) movement: Option<Told>,
}

/// The movement of money that an event tells of.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Told {
    pub(super) payment_key: String,
    pub(super) transaction_key: Option<String>,
    pub(super) amount: i64,
}

impl Payload {
    /// None when it is unreadable.
    pub(super) fn of(event: &Event) -> Option<Self> {
        serde_json::from_slice(&event.payload).ok()
    }
}
