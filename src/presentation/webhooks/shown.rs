//! Owns the JSON of endpoints, deliveries and tries.

use application::ports::store::Listed;
use application::ports::vault::Secret;
use application::webhooks::{Redelivered, Seen, Shown};
use chrono::{DateTime, Utc};
use domain::feed::Cursor;
use domain::webhook;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use crate::presentation::feed::text_of;

/// Where a merchant wants its events.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::presentation) struct Endpoint {
    /// Its id.
    #[serde(rename = "endpointId")]
    pub id: String,
    /// `test` or `live`.
    #[schema(example = "test")]
    pub mode: &'static str,
    /// Where to.
    #[schema(example = "https://shop.example/hooks")]
    pub url: String,
    /// The types of events that it is told of; an empty list is all of them.
    pub events: Vec<String>,
    /// ENABLED; DISABLED by a person, GONE by its receiver's word (410), DEAD when it took nothing
    /// for days, DELETED.
    #[schema(example = "ENABLED")]
    pub status: &'static str,
    /// Since when every try has failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<DateTime<Utc>>,
    /// Until when messages are signed with a secret from before the last rotation, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_secret_until: Option<DateTime<Utc>>,
    /// Since when.
    pub created_at: DateTime<Utc>,
}

/// A webhook endpoint and its secret.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::presentation) struct NewEndpoint {
    /// What messages are verified with. It is shown this once.
    #[serde(serialize_with = "exposed")]
    #[schema(value_type = String, example = "whsec_TWZLUTlyOEdL…")]
    pub secret: Secret,
    /// What is kept of it.
    pub endpoint: Endpoint,
}

/// The webhook endpoints of the caller's merchant and mode.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::presentation) struct Endpoints {
    /// The newest first.
    pub endpoints: Vec<Endpoint>,
}

/// What was done to a webhook endpoint.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::presentation) struct EndpointChange {
    /// CREATED, CHANGED, ROTATED, ENABLED, DISABLED, GONE, DEAD or DELETED.
    #[schema(example = "CREATED")]
    pub change: &'static str,
    /// Who did it: MERCHANT, OPERATOR or SYSTEM.
    #[schema(example = "MERCHANT")]
    pub actor: &'static str,
    /// When.
    pub at: DateTime<Utc>,
}

/// A webhook endpoint, and what was done to it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::presentation) struct EndpointWithChanges {
    /// The endpoint.
    #[serde(flatten)]
    pub endpoint: Endpoint,
    /// The newest first, 50 at most.
    pub changes: Vec<EndpointChange>,
}

/// The bringing of one event to one endpoint.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::presentation) struct Delivery {
    /// What it brings: the `webhook-id` of its messages.
    pub event_id: String,
    /// What happened.
    #[serde(rename = "type")]
    #[schema(example = "payment.approved")]
    pub kind: String,
    /// Of which payment, where it is of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<String>,
    /// Which of the events of the payment or endpoint that `eventId` names.
    #[schema(example = 1)]
    pub sequence: i64,
    /// Where the event is in the feed of all events, where it is in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// PENDING, DELIVERED or FAILED.
    #[schema(example = "DELIVERED")]
    pub status: &'static str,
    /// How often it was tried.
    #[schema(example = 1)]
    pub tries: i64,
    /// When it is tried next, while it is PENDING.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_try_at: Option<DateTime<Utc>>,
    /// Since when it exists.
    pub created_at: DateTime<Utc>,
}

/// Deliveries to an endpoint.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::presentation) struct Deliveries {
    /// The newest events first, those about endpoints behind the others.
    pub deliveries: Vec<Delivery>,
    /// `before` of the next request; none where there are no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_before: Option<String>,
}

/// A try.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::presentation) struct Attempt {
    /// 1 for the first.
    #[schema(example = 1)]
    pub number: i64,
    /// When it began.
    pub at: DateTime<Utc>,
    /// How long it took.
    #[schema(example = 42)]
    pub milliseconds: u64,
    /// TAKEN, GONE, REFUSED, UNANSWERED, FORBIDDEN or UNMADE.
    #[schema(example = "TAKEN")]
    pub outcome: &'static str,
    /// The receiver's HTTP status, where it answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 200)]
    pub http_status: Option<u16>,
    /// How the answer begins, or why there is none.
    pub detail: String,
}

/// The tries of a delivery.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::presentation) struct Attempts {
    /// The newest first, 100 at most.
    pub attempts: Vec<Attempt>,
}

/// What is sent again.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::presentation) struct Again {
    /// How many events.
    #[schema(example = 3)]
    pub count: u64,
    /// How many events of the range cannot be sent: their message would be too long, or they cannot
    /// be read.
    #[schema(example = 0)]
    pub unsendable: u64,
    /// `after` of the next request, while there is `more`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_after: Option<String>,
    /// Whether there is more to look at.
    pub more: bool,
}

fn exposed<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

impl From<webhook::Endpoint> for Endpoint {
    fn from(endpoint: webhook::Endpoint) -> Self {
        let previous = endpoint.secrets.previous;
        Self {
            id: endpoint.id.to_string(),
            mode: endpoint.scope.mode.as_str(),
            url: endpoint.url.to_string(),
            events: endpoint.events.words().map(ToOwned::to_owned).collect(),
            status: endpoint.status.as_str(),
            failing_since: endpoint.failing_since,
            old_secret_until: previous.map(|(_, until)| until),
            created_at: endpoint.created_at,
        }
    }
}

impl From<Shown> for NewEndpoint {
    fn from(shown: Shown) -> Self {
        Self {
            secret: shown.secret,
            endpoint: shown.endpoint.into(),
        }
    }
}

impl From<Seen> for EndpointWithChanges {
    fn from(seen: Seen) -> Self {
        let change = |note: &webhook::Note| EndpointChange {
            change: note.deed.as_str(),
            actor: note.actor.as_str(),
            at: note.at,
        };
        Self {
            changes: seen.notes.iter().map(change).collect(),
            endpoint: seen.endpoint.into(),
        }
    }
}

impl Delivery {
    /// A delivery; the feed is of this epoch.
    pub(super) fn of(listed: &Listed, epoch: i64) -> Self {
        let delivery = &listed.delivery;
        let event = delivery.key.event;
        let cursor = |position| text_of(Cursor { epoch, position });
        let is_pending = delivery.state == webhook::State::Pending;
        Self {
            event_id: event.to_string(),
            kind: listed.kind.clone(),
            payment_id: event.subject.payment().map(|id| id.to_string()),
            sequence: event.sequence,
            cursor: delivery.in_feed().map(cursor),
            status: delivery.state.as_str(),
            tries: delivery.tries,
            next_try_at: is_pending.then_some(delivery.due_at),
            created_at: delivery.created_at,
        }
    }
}

impl From<webhook::Attempt> for Attempt {
    fn from(attempt: webhook::Attempt) -> Self {
        Self {
            number: attempt.number,
            at: attempt.at,
            milliseconds: u64::try_from(attempt.took.as_millis()).unwrap_or(u64::MAX),
            outcome: attempt.outcome.as_str(),
            http_status: attempt.status,
            detail: attempt.detail,
        }
    }
}

impl From<Redelivered> for Again {
    fn from(redelivered: Redelivered) -> Self {
        Self {
            count: redelivered.count,
            unsendable: redelivered.unsendable,
            next_after: Some(text_of(redelivered.next)),
            more: redelivered.more,
        }
    }
}
