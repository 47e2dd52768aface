//! Owns the answers to probes: whether the process lives, and whether it should get requests.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;

use super::Api;
use super::bodies::{Health, Success};
use super::catalogue::Code;
use super::envelope::{Failure, Reply};

/// A store that takes longer does not serve requests well either.
const PING_TIMEOUT: Duration = Duration::from_secs(2);
const UP: Health = Health { status: "UP" };

/// Tell whether the process lives
#[utoipa::path(
    get,
    path = "/health/live",
    tag = "operation",
    responses((status = 200, description = "It does", body = Success<Health>)),
)]
pub(super) async fn live() -> Result<Reply, Failure> {
    Reply::new(StatusCode::OK, &UP)
}

/// Tell whether requests should be sent here
///
/// Asks the store; not once the service is shutting down.
#[utoipa::path(
    get,
    path = "/health/ready",
    tag = "operation",
    responses((status = 200, description = "They should", body = Success<Health>)),
)]
pub(super) async fn ready(State(api): State<Arc<Api>>) -> Result<Reply, Failure> {
    if api.drain.is_cancelled() {
        return Err(Code::ShuttingDown.into());
    }
    let ping = tokio::time::timeout(PING_TIMEOUT, api.app.store().ping());
    match ping.await {
        Ok(Ok(())) => Reply::new(StatusCode::OK, &UP),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(Code::StoreUnavailable.into()),
    }
}
