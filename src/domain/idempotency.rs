//! Owns idempotency keys: what a repeat must match, and what it is answered with.

use crate::Timestamp;
use crate::id::{PaymentId, SagaId};
use crate::principal::Scope;
use crate::text::IdempotencyKey;

/// Where a key is valid. Never scoped by the API key that was used: keys are rotated.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyRef {
    /// Whose.
    pub scope: Scope,
    /// The member it belongs to; empty for the merchant's own server.
    pub member: String,
    /// The caller's text.
    pub key: IdempotencyKey,
}

/// SHA-256 over route and body: what a repeat must match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub [u8; 32]);

/// A key in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// Which key.
    pub key: KeyRef,
    /// Of which request.
    pub fingerprint: Fingerprint,
    /// About which payment; none where the work moved none, and its outcome is here.
    pub payment: Option<PaymentId>,
    /// Whose end is the outcome; none when the work was committed with the key.
    pub saga: Option<SagaId>,
    /// Until then a repeat is told to wait; afterwards it is answered 202.
    pub patience_until: Timestamp,
    /// When it was first used.
    pub created_at: Timestamp,
    /// The versioned outcome of committed work; none while the saga is open.
    pub outcome: Option<Vec<u8>>,
}

/// A key that we issued: valid for its scope until it expires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedKey {
    /// Which key, and for whom.
    pub key: KeyRef,
    /// Until when its first use must come.
    pub expires_at: Timestamp,
    /// When it was issued.
    pub created_at: Timestamp,
}
