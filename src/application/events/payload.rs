//! Owns the bytes that an event of what is no payment is kept and published as.

use domain::member_event::Facts;

/// The payload's bytes: made once, when the event is written.
#[must_use]
pub fn payload_of(facts: &Facts) -> Vec<u8> {
    serde_json::to_vec(facts).expect("plain fields serialise")
}
