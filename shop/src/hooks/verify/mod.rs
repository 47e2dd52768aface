//! Owns telling Payflow's messages from everybody else's: Standard Webhooks 1.0.0, over the bytes
//! as they came.

use aws_lc_rs::hmac::{self, HMAC_SHA256, Key};
use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Message;
use crate::clock::Timestamp;

/// How far a message's time may be from ours, either way, in seconds.
const AGE_SECONDS_MAX: u64 = 300;
/// No message that Payflow sends is longer.
pub(crate) const BODY_BYTES_MAX: usize = 20_000;
/// No name of one is longer.
const ID_CHARS_MAX: usize = 100;
/// More secrets than two are never in use at once; some room for other versions of signatures.
const SIGNATURES_MAX: usize = 8;

/// Why a message is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    /// A header is missing, comes twice, or is no text.
    #[error("a header is missing or comes twice")]
    Headers,
    /// It has no name that a message could have.
    #[error("its id is none")]
    Id,
    /// Its time is no number of seconds.
    #[error("its timestamp is none")]
    Timestamp,
    /// It is older than five minutes, or from the future.
    #[error("its timestamp is too far from now")]
    Age,
    /// None of its signatures is ours.
    #[error("no signature of it is right")]
    Signature,
    /// It is signed, but is no message.
    #[error("its body is no message")]
    Body,
}

/// What a message's headers say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Headers<'a> {
    id: &'a str,
    timestamp: &'a str,
    signatures: &'a str,
}

impl<'a> Headers<'a> {
    /// The three that count, each of which comes once.
    pub(crate) fn of(headers: &'a HeaderMap) -> Result<Self, Refused> {
        let one = |name| {
            let mut values = headers.get_all(name).iter();
            let value = values.next().filter(|_| values.next().is_none());
            value
                .and_then(|value| value.to_str().ok())
                .ok_or(Refused::Headers)
        };
        Ok(Self {
            id: one("webhook-id")?,
            timestamp: one("webhook-timestamp")?,
            signatures: one("webhook-signature")?,
        })
    }
}

/// The message, if one of these secrets signed it within the last minutes.
///
/// # Errors
/// See [`Refused`]; nothing of the body was read, unless it was signed.
pub(crate) fn verify(
    secrets: &[String],
    headers: Headers<'_>,
    body: &[u8],
    now: Timestamp,
) -> Result<Message, Refused> {
    let Headers { id, timestamp, .. } = headers;
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if id.is_empty() || id.len() > ID_CHARS_MAX || !id.bytes().all(is_name) {
        return Err(Refused::Id);
    }
    // Digits alone: what is signed is the text, and a number has one of them.
    let is_plain = timestamp.bytes().all(|byte| byte.is_ascii_digit());
    let seconds: i64 = timestamp.parse().map_err(|_| Refused::Timestamp)?;
    if !is_plain {
        return Err(Refused::Timestamp);
    }
    if seconds.abs_diff(now.timestamp()) > AGE_SECONDS_MAX {
        return Err(Refused::Age);
    }
    let head = format!("{id}.{timestamp}.");
    let signed = [head.as_bytes(), body].concat();
    let entries = headers.signatures.split(' ').take(SIGNATURES_MAX);
    let tags: Vec<Vec<u8>> = entries
        .filter_map(|entry| STANDARD.decode(entry.strip_prefix("v1,")?).ok())
        .collect();
    let keys = secrets.iter().filter_map(|secret| key(secret));
    // In constant time, by the library.
    let is_ours = |key: Key| {
        let mut tags = tags.iter();
        tags.any(|tag| hmac::verify(&key, &signed, tag).is_ok())
    };
    if !keys.into_iter().any(is_ours) {
        return Err(Refused::Signature);
    }
    if body.len() > BODY_BYTES_MAX {
        return Err(Refused::Body);
    }
    Message::read(id, body)
}

fn key(secret: &str) -> Option<Key> {
    let bytes = STANDARD.decode(secret.strip_prefix("whsec_")?).ok()?;
    let is_long_enough = (24..=64).contains(&bytes.len());
    is_long_enough.then(|| Key::new(HMAC_SHA256, &bytes))
}

#[cfg(test)]
mod tests;
