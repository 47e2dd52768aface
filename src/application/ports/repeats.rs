//! Owns the port by which it is known without asking the store that a request is a repeat: of one
//! that is under way somewhere, or of one that was answered a moment ago.

use std::time::Duration;

use async_trait::async_trait;
use domain::idempotency::{Fingerprint, KeyRef};

/// A request with a key: whose it is, and what exactly it asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Asked {
    /// The key, and whose it is.
    pub key: KeyRef,
    /// Of method, path and body.
    pub fingerprint: Fingerprint,
}

/// Shown by whoever works on a request to say that this is over; nobody else can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket(pub u128);

/// What is known of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Nothing. With a ticket it counts as under way from now on, until that is given back or the
    /// time is over for which it counts at most.
    Nothing(Option<Ticket>),
    /// The very same is under way.
    UnderWay {
        /// How long it counts as that at most.
        retry_after: Duration,
    },
    /// The very same was answered, by these bytes.
    Answered(Vec<u8>),
}

/// How far it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// In this process; that is all there is to be.
    Process,
    /// In every copy of the service.
    Copies,
    /// In this process, although it should be everywhere.
    Cut,
}

/// Knows repeats, as far as it can: it may forget anything at any time, and then the store says
/// what it would have said.
#[async_trait]
pub trait Repeats: Send + Sync {
    /// What is known of a request, of which one more has come.
    async fn begin(&self, asked: &Asked) -> Heard;

    /// It is not under way any more; from now on this answers it, where there is an answer.
    async fn end(&self, asked: &Asked, ticket: Ticket, answer: Option<&[u8]>);

    /// How far it is known now.
    fn reach(&self) -> Reach;
}
