//! Owns where gateways tell what happens: the body is kept as it is, and nothing else is done
//! before the answer.

use std::sync::Arc;
use std::time::Duration;

use application::inbox::HookError;
use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use domain::id::GatewayAccountId;
use domain::inbox::{Headers, TokenText};
use serde::Serialize;
use tokio::sync::SemaphorePermit;
use utoipa::ToSchema;

use super::Api;
use super::bodies::Success;
use super::body::bounded;
use super::catalogue::Code;
use super::envelope::{Failure, Reply};

/// What of a header is kept; those of the gateway are shorter (`toss-api.md §15.2`).
const HEADER_CHARS_MAX: usize = 512;
const SOON: Duration = Duration::from_secs(1);

/// Whose notification it is, by the token in the path.
#[derive(Clone, Copy, Debug)]
pub(super) struct HookAccount(GatewayAccountId);

/// That a notification was received.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct HookReceived {
    /// Always true: what is not received is a refusal.
    pub received: bool,
}

/// A place among the notifications that may be under way; they take none of other requests'.
fn admit(api: &Api) -> Result<SemaphorePermit<'_>, Failure> {
    let refused = |_| Failure::from(Code::Overloaded).retry_after(SOON);
    api.hooked.try_acquire().map_err(refused)
}

/// What the path ends with.
pub(super) fn token(request: &Request) -> TokenText {
    let path = request.uri().path();
    TokenText::presented(path.rsplit('/').next().unwrap_or_default())
}

/// Whose notification a request brings, before anything of its body is read.
pub(super) async fn account(api: &Api, token: TokenText) -> Result<HookAccount, Failure> {
    let _place = admit(api)?;
    let account = api.app.hook_account(&token).await?;
    let account = account.ok_or(Code::HookUnknown)?;
    Ok(HookAccount(account))
}

/// Tell what happened at the gateway
///
/// For the gateway alone, which knows the token. The notification is kept before it is answered
/// 200, the same one once, however often it comes. Nothing that it says is believed: it makes the
/// service look for itself.
#[utoipa::path(
    post,
    path = "/webhooks/toss/{hookToken}",
    tag = "gateway",
    params(("hookToken" = String, Path, description = "Made by `payflow hook-token make`")),
    request_body(content = Vec<u8>, content_type = "application/json"),
    responses((status = 200, description = "It is kept", body = Success<HookReceived>)),
)]
pub(super) async fn take(
    State(api): State<Arc<Api>>,
    Extension(HookAccount(account)): Extension<HookAccount>,
    headers: HeaderMap,
    body: Body,
) -> Result<Reply, Failure> {
    // Who sends slowly takes a connection, and none of the places.
    let bytes = bounded(&api, &headers, body).await?;
    let _place = admit(&api)?;
    let told = Headers {
        transmission_id: header(&headers, "tosspayments-webhook-transmission-id"),
        sent_at: header(&headers, "tosspayments-webhook-transmission-time"),
        retried: header(&headers, "tosspayments-webhook-transmission-retried-count"),
        signature: header(&headers, "tosspayments-webhook-signature"),
    };
    api.app.receive_hook(account, told, bytes).await?;
    Reply::new(StatusCode::OK, &HookReceived { received: true })
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    let text = headers.get(name)?.to_str().ok()?;
    Some(text.chars().take(HEADER_CHARS_MAX).collect())
}

impl From<HookError> for Failure {
    fn from(error: HookError) -> Self {
        match error {
            HookError::Limited(limited) => limited.into(),
            HookError::Contended => Self::from(Code::TooManyConflicts).retry_after(SOON),
            HookError::InDoubt => Self::from(Code::StoreUnavailable).retry_after(SOON),
            HookError::Store(error) => error.into(),
        }
    }
}
