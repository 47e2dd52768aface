//! Owns what handlers take out of a request besides its body: the key, the id.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use domain::id::PaymentId;
use domain::text::IdempotencyKey;

use super::Api;
use super::catalogue::Code;
use super::envelope::Failure;

/// The header that makes a repeat recognisable.
pub(super) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// How the request is repeated, by its idempotency key where it has one, and when it is answered.
pub(super) struct KeyHeader {
    key: Option<IdempotencyKey>,
    leaves: bool,
}

impl KeyHeader {
    /// The key, which this route needs.
    pub(super) fn required(self) -> Result<IdempotencyKey, Failure> {
        self.key.ok_or_else(|| Code::IdempotencyKeyMissing.into())
    }

    /// The key, which this route takes.
    pub(super) fn optional(self) -> Option<IdempotencyKey> {
        self.key
    }

    /// Whether it would rather be answered before it is done (`Prefer: respond-async`, RFC 7240).
    pub(super) const fn leaves(&self) -> bool {
        self.leaves
    }
}

fn leaves(headers: &HeaderMap) -> bool {
    let lines = headers.get_all("prefer").iter();
    let lines = lines.filter_map(|line| line.to_str().ok());
    let mut wishes = lines.flat_map(|line| line.split(','));
    wishes.any(|wish| {
        let name = wish.split([';', '=']).next().unwrap_or_default();
        name.trim().eq_ignore_ascii_case("respond-async")
    })
}

impl FromRequestParts<Arc<Api>> for KeyHeader {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Api>) -> Result<Self, Failure> {
        let leaves = leaves(&parts.headers);
        let Some(value) = parts.headers.get(IDEMPOTENCY_KEY) else {
            return Ok(Self { key: None, leaves });
        };
        let malformed = || Failure::from(Code::IdempotencyKeyMalformed);
        let text = value.to_str().map_err(|_| malformed())?;
        let key = unquoted(text).ok_or_else(malformed)?.parse();
        let key = Some(key.map_err(|_| malformed())?);
        Ok(Self { key, leaves })
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
    fn who_prefers_not_to_wait_says_so() {
        let says = |lines: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append("prefer", line.parse().unwrap());
            }
            leaves(&headers)
        };
        assert!(says(&["respond-async"]));
        assert!(says(&["wait=10, Respond-Async"]));
        assert!(says(&["return=minimal", "respond-async; foo=bar"]));
        assert!(!says(&[]));
        assert!(!says(&["respond-asynchronously", "return=respond-async"]));
    }

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
