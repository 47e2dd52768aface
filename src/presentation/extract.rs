//! Owns what handlers take out of a request: the body in full, its fingerprint, the key, the id.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use application::Keyed;
use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use domain::id::PaymentId;
use domain::idempotency::Fingerprint;
use domain::text::IdempotencyKey;
use hyper::body::Body as _;
use sha2::{Digest, Sha256};

use super::Api;
use super::catalogue::Code;
use super::envelope::Failure;
use super::json::Form;

/// The header that makes a repeat recognisable.
pub(super) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// A JSON body, complete and within its limits.
pub(super) struct JsonBody {
    bytes: Vec<u8>,
    fingerprint: Fingerprint,
}

impl JsonBody {
    /// Its object.
    pub(super) fn form(&self) -> Result<Form, Failure> {
        Form::parse(&self.bytes)
    }

    /// The key together with what it stands for.
    pub(super) fn keyed(&self, key: IdempotencyKey) -> Keyed {
        let fingerprint = self.fingerprint;
        Keyed { key, fingerprint }
    }
}

impl FromRequest<Arc<Api>> for JsonBody {
    type Rejection = Failure;

    async fn from_request(request: Request, api: &Arc<Api>) -> Result<Self, Failure> {
        let (parts, body) = request.into_parts();
        if !is_plain_json(&parts.headers) {
            return Err(Code::UnsupportedMediaType.into());
        }
        let limit = api.settings.body_bytes_max;
        let announced = parts.headers.get(CONTENT_LENGTH);
        let announced = announced.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        if announced.is_some_and(|length| usize::try_from(length).map_or(true, |l| l > limit)) {
            return Err(Code::BodyTooLarge.into());
        }
        let bytes = read(body, limit, api.settings.body_timeout).await?;
        let fingerprint = fingerprint(&parts, &bytes);
        Ok(Self { bytes, fingerprint })
    }
}

/// `application/json`, in UTF-8, as it is.
fn is_plain_json(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let plain = text(CONTENT_ENCODING).is_none_or(|coding| coding == "identity");
    let json = text(CONTENT_TYPE).is_some_and(|kind| {
        let (essence, parameters) = kind.split_once(';').unwrap_or((kind, ""));
        let charset = parameters.trim().to_ascii_lowercase();
        essence.trim().eq_ignore_ascii_case("application/json")
            && matches!(charset.as_str(), "" | "charset=utf-8" | "charset=\"utf-8\"")
    });
    plain && json
}

async fn read(mut body: Body, limit: usize, timeout: Duration) -> Result<Vec<u8>, Failure> {
    let whole = async {
        let mut bytes = Vec::new();
        while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
            let frame = frame.map_err(|_| Failure::from(Code::MalformedBody))?;
            if let Ok(data) = frame.into_data() {
                if bytes.len().saturating_add(data.len()) > limit {
                    return Err(Failure::from(Code::BodyTooLarge));
                }
                bytes.extend_from_slice(&data);
            }
        }
        Ok(bytes)
    };
    tokio::time::timeout(timeout, whole)
        .await
        .unwrap_or_else(|_| Err(Code::BodyTimeout.into()))
}

/// SHA-256 over method, path and body, each ended or measured so that none runs into the next.
fn fingerprint(parts: &Parts, body: &[u8]) -> Fingerprint {
    let mut hasher = Sha256::new();
    hasher.update(parts.method.as_str().as_bytes());
    hasher.update(b" ");
    hasher.update(parts.uri.path().as_bytes());
    hasher.update(b"\n");
    hasher.update(body);
    Fingerprint(hasher.finalize().into())
}

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
