//! Owns a second reading of the event hash, written from its definition and not from the code.
//!
//! SHA-256 over the previous hash and then, each preceded by its length as eight big-endian bytes:
//! merchant, mode, payment, sequence (decimal), kind, from (empty for none), to, actor, reason
//! (empty for none), trace, at (microseconds since 1970, decimal), payload.

use sha2::{Digest as _, Sha256};

use crate::books::Event;

/// What the first event of a payment points back to.
pub(super) const GENESIS: [u8; 32] = [0; 32];

/// The hash that the event must carry after `previous`.
pub(super) fn hash(previous: &[u8], event: &Event) -> Vec<u8> {
    let mut bytes = previous.to_vec();
    let fields: [&[u8]; 12] = [
        event.merchant.as_bytes(),
        event.mode.as_bytes(),
        event.payment.as_bytes(),
        &event.sequence.to_string().into_bytes(),
        event.kind.as_bytes(),
        event.from.as_deref().unwrap_or_default().as_bytes(),
        event.to.as_bytes(),
        event.actor.as_bytes(),
        event.reason.as_deref().unwrap_or_default().as_bytes(),
        event.trace.as_bytes(),
        &event.at.to_string().into_bytes(),
        &event.payload,
    ];
    for field in fields {
        let length = u64::try_from(field.len()).expect("no field is that long");
        bytes.extend(length.to_be_bytes());
        bytes.extend(field);
    }
    Sha256::digest(&bytes).to_vec()
}
