//! Owns the writes about endpoints and deliveries.

use super::{Attempt, Delivery, DeliveryKey, Endpoint, Note};
use crate::Timestamp;
use crate::id::EndpointId;

/// One write about where events are brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A new endpoint.
    InsertEndpoint(Box<Endpoint>),
    /// Replaces everything of an endpoint but since when it fails.
    UpdateEndpoint {
        /// The endpoint as it shall be; its version is `expected + 1`.
        endpoint: Box<Endpoint>,
        /// The version it must have now.
        expected: i64,
    },
    /// A line of what was done to an endpoint; its version must have none.
    Note(Note),
    /// The endpoint took nothing at this try; it must not be failing.
    BeginFailing {
        /// Which endpoint.
        endpoint: EndpointId,
        /// Since when.
        since: Timestamp,
    },
    /// The endpoint took something; it must be failing.
    EndFailing(EndpointId),
    /// A new delivery; the endpoint must have none of this event.
    InsertDelivery(Box<Delivery>),
    /// Replaces a delivery's state, and ends whoever's hold on it.
    UpdateDelivery {
        /// The delivery as it shall be; its version is `expected + 1`.
        delivery: Box<Delivery>,
        /// The version it must have now: the fence.
        expected: i64,
    },
    /// A try that was made; its number must be free.
    LogAttempt(Box<Attempt>),
}

impl Change {
    /// Where it stands in the order of locks, see [`crate::change::Change::lock_order`].
    pub(crate) fn lock_order(&self) -> (u8, String) {
        match self {
            Self::InsertEndpoint(endpoint) | Self::UpdateEndpoint { endpoint, .. } => {
                (30, endpoint.id.to_string())
            }
            Self::BeginFailing { endpoint, .. } | Self::EndFailing(endpoint) => {
                (30, endpoint.to_string())
            }
            Self::Note(note) => (31, format!("{}/{:020}", note.endpoint, note.version)),
            Self::InsertDelivery(delivery) | Self::UpdateDelivery { delivery, .. } => {
                (32, place(&delivery.key))
            }
            Self::LogAttempt(attempt) => (
                33,
                format!("{}/{:020}", place(&attempt.key), attempt.number),
            ),
        }
    }
}

fn place(key: &DeliveryKey) -> String {
    format!(
        "{}/{}/{:020}",
        key.endpoint, key.event.subject, key.event.sequence
    )
}
