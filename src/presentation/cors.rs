//! Owns which pages may call from a browser: those of the listed origins, and no other.

use std::time::Duration;

use axum::http::header::{
    ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_TYPE, HeaderName, LOCATION, RETRY_AFTER,
    WWW_AUTHENTICATE,
};
use axum::http::{HeaderValue, Method};
use tower_http::cors::CorsLayer;

use super::extract::IDEMPOTENCY_KEY;
use super::middleware::TRACE_ID;
use super::step_up::{DEVICE_ID, STEP_UP_PROOF};
use super::stream::LAST_EVENT_ID;

const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// How long a browser remembers that it may.
const REMEMBERED: Duration = Duration::from_mins(10);

/// Lets the pages of these origins call, with a key that they name themselves: cookies are never
/// sent along, so no page can borrow somebody's rights. None where there is no origin.
pub(super) fn layer(origins: &[HeaderValue]) -> Option<CorsLayer> {
    let layer = CorsLayer::new()
        .allow_origin(origins.to_vec())
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
        .allow_headers([
            AUTHORIZATION,
            CONTENT_TYPE,
            ACCEPT_LANGUAGE,
            IDEMPOTENCY_KEY,
            STEP_UP_PROOF,
            DEVICE_ID,
            LAST_EVENT_ID,
        ])
        .expose_headers([
            LOCATION,
            RETRY_AFTER,
            WWW_AUTHENTICATE,
            TRACE_ID,
            IDEMPOTENT_REPLAYED,
        ])
        .max_age(REMEMBERED);
    (!origins.is_empty()).then_some(layer)
}
