//! Owns how a body is taken: in full and within its limits, before its request counts as under way.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use application::Keyed;
use axum::body::Body;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::idempotency::Fingerprint;
use domain::text::IdempotencyKey;
use hyper::body::Body as _;
use sha2::{Digest, Sha256};

use super::Api;
use super::authorise::route_of;
use super::catalogue::Code;
use super::envelope::Failure;
use super::json::Form;
use super::router::Route;

/// A JSON body, complete and within its limits.
#[derive(Clone)]
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

impl FromRequestParts<Arc<Api>> for JsonBody {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Api>) -> Result<Self, Failure> {
        let taken = parts.extensions.remove();
        taken.ok_or_else(|| Failure::internal(&"the table of routes lacks a body"))
    }
}

/// Takes the body of a route that has one. Whoever sends it slowly keeps a connection busy, and
/// none of the requests that may be under way.
pub(super) async fn whole(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    if !route_of(&request).is_some_and(|route: &Route| route.body) {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    match taken(&api, &parts, body).await {
        Ok(body) => {
            parts.extensions.insert(body);
            next.run(Request::from_parts(parts, Body::empty())).await
        }
        Err(failure) => failure.into_response(),
    }
}

async fn taken(api: &Api, parts: &Parts, body: Body) -> Result<JsonBody, Failure> {
    if !is_plain_json(&parts.headers) {
        return Err(Code::UnsupportedMediaType.into());
    }
    let bytes = bounded(api, &parts.headers, body).await?;
    let fingerprint = fingerprint(parts, &bytes);
    Ok(JsonBody { bytes, fingerprint })
}

/// The bytes of a body, whatever they are: in full, within their limits of size and time.
pub(super) async fn bounded(
    api: &Api,
    headers: &HeaderMap,
    body: Body,
) -> Result<Vec<u8>, Failure> {
    let limit = api.settings.body_bytes_max;
    let announced = headers.get(CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| usize::try_from(length).map_or(true, |l| l > limit)) {
        return Err(Code::BodyTooLarge.into());
    }
    read(body, limit, api.settings.body_timeout).await
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
