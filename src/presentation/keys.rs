//! Owns the endpoint that hands out idempotency keys.

use std::sync::Arc;

use application::Caller;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;

use super::Api;
use super::bodies::{IdempotencyKey, Success};
use super::envelope::{Failure, Reply};

/// Issue an idempotency key
///
/// For clients that would rather not make their own. It is valid for the caller only.
#[utoipa::path(
    post,
    path = "/api/v1/idempotency-keys",
    tag = "idempotency",
    responses((status = 201, description = "The key", body = Success<IdempotencyKey>)),
)]
pub(super) async fn issue(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
) -> Result<Reply, Failure> {
    let issued = api.app.issue_key(&caller).await?;
    let key = IdempotencyKey {
        idempotency_key: issued.key.key.to_string(),
        expires_at: issued.expires_at,
    };
    Reply::new(StatusCode::CREATED, &key)
}
