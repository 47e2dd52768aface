//! Owns how an event is serialised and hashed onto its payment's chain.
//!
//! The hash is SHA-256 over the previous hash and then, each preceded by its length as eight
//! big-endian bytes: merchant, mode, payment, sequence (decimal), kind, from (empty for none),
//! to, actor, reason (empty for none), trace, at (microseconds since 1970, decimal), payload.

use domain::event::{Draft, Hash, PaymentEvent, Sealed};
use sha2::{Digest, Sha256};

/// Serialises and hashes `draft` onto the chain that ends in `previous`.
#[must_use]
pub fn seal(draft: &Draft, previous: &Hash) -> Sealed {
    let payload = serde_json::to_vec(&draft.payload).expect("a payload of plain fields serialises");
    let event = draft.clone().into_event(
        *previous,
        Sealed {
            payload,
            hash: Hash::GENESIS,
        },
    );
    let hash = hash_of(&event);
    Sealed {
        payload: event.payload,
        hash,
    }
}

/// The hash that `event` must carry, given the hash before it.
#[must_use]
pub fn hash_of(event: &PaymentEvent) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(event.previous.0);
    let mut field = |bytes: &[u8]| {
        let length = u64::try_from(bytes.len()).expect("no field is that long");
        hasher.update(length.to_be_bytes());
        hasher.update(bytes);
    };
    field(event.scope.merchant.to_string().as_bytes());
    field(event.scope.mode.as_str().as_bytes());
    field(event.payment.to_string().as_bytes());
    field(event.sequence.to_string().as_bytes());
    field(event.kind.as_str().as_bytes());
    field(event.from.map_or("", |status| status.as_str()).as_bytes());
    field(event.to.as_str().as_bytes());
    field(event.actor.as_str().as_bytes());
    field(event.reason.as_deref().unwrap_or("").as_bytes());
    field(event.trace.id().to_string().as_bytes());
    field(event.at.timestamp_micros().to_string().as_bytes());
    field(&event.payload);
    Hash(hasher.finalize().into())
}
