//! Owns where a merchant wants its events, whether it still takes them, and what a receiver knows
//! an event by.

mod change;
mod delivery;
mod event_id;
mod filter;
mod ladder;

use std::fmt;

use crate::Timestamp;
use crate::id::EndpointId;
use crate::principal::{Actor, Scope};
use crate::text::EndpointUrl;
use crate::vault::Sealed;

pub use change::Change;
pub use delivery::{Attempt, Delivery, DeliveryKey, Heard, Outcome, State};
pub use event_id::{EventId, Malformed, Subject};
pub use filter::{Filter, Topic};
pub use ladder::{Chance, Ladder, Next};

words! {
    /// Whether an endpoint is told of events.
    Status {
        /// It is.
        Enabled => "ENABLED",
        /// Its merchant or the operator does not want it to be.
        Disabled => "DISABLED",
        /// Its receiver answered that it wants nothing any more.
        Gone => "GONE",
        /// Its receiver took nothing for days.
        Dead => "DEAD",
        /// It is not there any more; what it was sent is kept for a while.
        Deleted => "DELETED",
    }
}

words! {
    /// What was done to an endpoint.
    Deed {
        /// It was made.
        Created => "CREATED",
        /// It has another address, or other events.
        Changed => "CHANGED",
        /// It has another secret.
        Rotated => "ROTATED",
        /// It is told of events again.
        Enabled => "ENABLED",
        /// It is not any more, because somebody said so.
        Disabled => "DISABLED",
        /// It is not any more, because its receiver said so.
        Gone => "GONE",
        /// It is not any more, because its receiver took nothing for days.
        Dead => "DEAD",
        /// It was deleted.
        Deleted => "DELETED",
    }
}

/// What an endpoint's messages are signed with.
#[derive(Clone, PartialEq, Eq)]
pub struct Secrets {
    /// From its last rotation on.
    pub current: Sealed,
    /// Those before that are in use still, sealed together, and until when the last of them is.
    pub previous: Option<(Sealed, Timestamp)>,
}

/// Where a merchant wants its events.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its id.
    pub id: EndpointId,
    /// Whose events, and in which mode.
    pub scope: Scope,
    /// Where to.
    pub url: EndpointUrl,
    /// Which of them.
    pub events: Filter,
    /// Whether it is told.
    pub status: Status,
    /// What its messages are signed with.
    pub secrets: Secrets,
    /// Since when every try has failed; none after one that was taken.
    pub failing_since: Option<Timestamp>,
    /// Raised by everything that is done to it.
    pub version: i64,
    /// Since when.
    pub created_at: Timestamp,
}

impl Endpoint {
    /// The same endpoint with this status, one version on; none where it has it, or is deleted.
    #[must_use]
    pub fn with_status(&self, status: Status) -> Option<Self> {
        let is_new = self.status != status && self.status != Status::Deleted;
        is_new.then(|| Self {
            status,
            ..self.next()
        })
    }

    /// The same endpoint, one version on.
    #[must_use]
    pub fn next(&self) -> Self {
        Self {
            version: self.version.saturating_add(1),
            ..self.clone()
        }
    }

    /// The line about how it came to this version.
    #[must_use]
    pub fn note(&self, deed: Deed, actor: Actor, at: Timestamp) -> Note {
        Note {
            endpoint: self.id,
            version: self.version,
            deed,
            actor,
            at,
        }
    }
}

/// Without what it signs with.
impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("id", &self.id)
            .field("scope", &self.scope)
            .field("url", &self.url)
            .field("status", &self.status)
            .field("failing_since", &self.failing_since)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// A line of what was done to an endpoint: one for each of its versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    /// Which endpoint.
    pub endpoint: EndpointId,
    /// The version that it has since.
    pub version: i64,
    /// What was done.
    pub deed: Deed,
    /// Who did it.
    pub actor: Actor,
    /// When.
    pub at: Timestamp,
}

impl Note {
    /// What the endpoint is since, where the service itself disabled it, of which the merchant's
    /// other endpoints are told; none where something else was done. What people do they know.
    #[must_use]
    pub const fn disabled_by_service(&self) -> Option<Status> {
        match self.deed {
            Deed::Gone => Some(Status::Gone),
            Deed::Dead => Some(Status::Dead),
            Deed::Created
            | Deed::Changed
            | Deed::Rotated
            | Deed::Enabled
            | Deed::Disabled
            | Deed::Deleted => None,
        }
    }

    /// Its name, where endpoints are told of it.
    #[must_use]
    pub const fn event(&self) -> EventId {
        EventId::of_endpoint(self.endpoint, self.version)
    }
}
