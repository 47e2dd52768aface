//! Owns what handlers take out of a request besides its body: the key, the id.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path};
use axum::http::HeaderName;
use axum::http::request::Parts;
use domain::id::PaymentId;
use domain::text::IdempotencyKey;

use super::Api;
use super::catalogue::Code;
use super::envelope::Failure;

/// The header that makes a repeat recognisable.
pub(super) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The request's idempotency key, where it has one.
pub(super) struct KeyHeader(Option<IdempotencyKey>);

impl KeyHeader {
    /// The key, which this route needs.
    pub(super) fn required(self) -> Result<IdempotencyKey, Failure> {
        self.0.ok_or_else(|| Code::IdempotencyKeyMissing.into())
    }

    /// The key, which this route takes.
    pub(super) fn optional(self) -> Option<IdempotencyKey> {
        self.0
    }
}

impl FromRequestParts<Arc<Api>> for KeyHeader {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Api>) -> Result<Self, Failure> {
        let Some(value) = parts.headers.get(IDEMPOTENCY_KEY) else {
            return Ok(Self(None));
        };
        let malformed = || Failure::from(Code::IdempotencyKeyMalformed);
        let text = value.to_str().map_err(|_| malformed())?;
        let key = unquoted(text).ok_or_else(malformed)?.parse();
        key.map(|key| Self(Some(key))).map_err(|_| malformed())
    }
}

/// The text of a bare key, or of a structured-field string (RFC 8941 §3.3.3).
fn unquoted(text: &str) -> Option<String> {
    let Some(rest) = text.strip_prefix('"') else {
        return Some(text.to_owned());
    };
    let inner = rest.strip_suffix('"')?;
    let mut plain = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => return None,
            '\\' => match chars.next() {
                Some(escaped @ ('"' | '\\')) => plain.push(escaped),
                Some(_) | None => return None,
            },
            c => plain.push(c),
        }
    }
    Some(plain)
}

/// The payment that the path names. Text that cannot be an id names no payment.
pub(super) struct PaymentPath(pub(super) PaymentId);

impl FromRequestParts<Arc<Api>> for PaymentPath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Failure> {
        let missing = || Failure::from(Code::PaymentNotFound);
        let Path(text) = Path::<String>::from_request_parts(parts, api)
            .await
            .map_err(|_| missing())?;
        text.parse().map(Self).map_err(|_| missing())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_and_bare_keys_are_the_same() {
        assert_eq!(unquoted("abc").as_deref(), Some("abc"));
        assert_eq!(unquoted(r#""abc""#).as_deref(), Some("abc"));
        assert_eq!(unquoted(r#""a\"b\\c""#).as_deref(), Some(r#"a"b\c"#));
        for wrong in ["\"", r#""abc"#, r#""a"b""#, r#""a\b""#, r#""a\""#] {
            assert_eq!(unquoted(wrong), None, "{wrong}");
        }
    }
}
