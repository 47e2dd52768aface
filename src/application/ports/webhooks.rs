//! Owns the port to endpoints and deliveries as they are kept: reading them, and taking those that
//! are due.

use async_trait::async_trait;
use domain::Timestamp;
use domain::change::Hold;
use domain::event::PaymentEvent;
use domain::id::{EndpointId, MerchantId};
use domain::principal::Scope;
use domain::webhook::{Attempt, Delivery, DeliveryKey, Endpoint, Note, State};

use super::store::Error;

/// A delivery, and the type of what it brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The delivery.
    pub delivery: Delivery,
    /// What happened, in the word of the event, or of the topic of a note.
    pub kind: String,
}

/// What a delivery brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// What happened to a payment.
    Event(Box<PaymentEvent>),
    /// What was done to another endpoint of the same merchant's.
    Note(Note),
}

/// A delivery that was taken to be tried, and what it brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// The delivery, as the claim left it.
    pub delivery: Delivery,
    /// What it brings; or why its row cannot be read by this version.
    pub news: Result<News, String>,
}

/// An endpoint that is told of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Whose it is.
    pub merchant: MerchantId,
    /// The endpoint; or why its row cannot be read by this version.
    pub endpoint: Result<Endpoint, String>,
}

/// How far deliveries that wait are counted: who looks wants to know whether there are many.
pub const PENDING_COUNTED_MAX: u64 = 10_000;

/// What waits to be delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Queue {
    /// Deliveries that are tried, or wait for their next try, of endpoints that were not deleted;
    /// at most [`PENDING_COUNTED_MAX`], which then means so many or more.
    pub pending: u64,
    /// When the first of those was due whose endpoint is told of events.
    pub oldest_due: Option<Timestamp>,
    /// Endpoints that are told, and have taken nothing since some time.
    pub failing: u64,
}

/// Endpoints and deliveries.
#[async_trait]
pub trait Webhooks: Send + Sync {
    /// An endpoint, for the service itself.
    async fn endpoint(&self, id: EndpointId) -> Result<Option<Endpoint>, Error>;

    /// The endpoints of a tenant and mode that were not deleted, newest first, `limit` at most. One
    /// that cannot be read is left out and logged.
    async fn endpoints(&self, scope: Scope, limit: u32) -> Result<Vec<Endpoint>, Error>;

    /// The endpoints of these tenants, in both modes, that are told of events; also those that
    /// cannot be read, which would miss what they are not told.
    async fn listening(&self, merchants: &[MerchantId]) -> Result<Vec<Listener>, Error>;

    /// What was done to an endpoint, newest first, `limit` at most.
    async fn notes(&self, endpoint: EndpointId, limit: u32) -> Result<Vec<Note>, Error>;

    /// A delivery.
    async fn delivery(&self, key: &DeliveryKey) -> Result<Option<Listed>, Error>;

    /// An endpoint's deliveries, the newest events first, then the newest notes: those before a
    /// position where one is given, in this state where one is given; `limit` at most.
    async fn deliveries(
        &self,
        endpoint: EndpointId,
        state: Option<State>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Listed>, Error>;

    /// An endpoint's deliveries of events at these positions.
    async fn deliveries_at(
        &self,
        endpoint: EndpointId,
        positions: &[i64],
    ) -> Result<Vec<Delivery>, Error>;

    /// The tries of a delivery, newest first, `limit` at most.
    async fn attempts(&self, key: &DeliveryKey, limit: u32) -> Result<Vec<Attempt>, Error>;

    /// Endpoints that are told of events and have deliveries that are due and held by nobody: by
    /// id, above `after` where one is given, `limit` at most. Costs the same however many are due.
    async fn endpoints_due(
        &self,
        now: Timestamp,
        after: Option<EndpointId>,
        limit: u32,
    ) -> Result<Vec<Endpoint>, Error>;

    /// Takes an endpoint's deliveries that are due (`due_at <= now`) and held by nobody, or by
    /// somebody whose lease is over by the database's clock; oldest due first. Raises their version
    /// and holds them. No delivery is given to two claimers at once. Takes nothing of an endpoint
    /// that is told of nothing, or has another version than was seen.
    async fn claim_deliveries(
        &self,
        endpoint: &Endpoint,
        now: Timestamp,
        hold: Hold,
        limit: u32,
    ) -> Result<Vec<Claimed>, Error>;

    /// What waits. Costs little more however much it is.
    async fn queue(&self) -> Result<Queue, Error>;

    /// Forgets deliveries that ended before this, and their tries: those that ended first, `limit`
    /// at most; how many. What is owed still is kept, but to a deleted endpoint nothing is.
    async fn sweep_deliveries(&self, before: Timestamp, limit: u32) -> Result<u64, Error>;
}
