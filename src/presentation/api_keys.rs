//! Owns the endpoints of a merchant's own API keys, and their JSON.

use std::sync::Arc;
use std::time::Duration;

use application::{Caller, NewKey};
use axum::Extension;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use chrono::{DateTime, Utc};
use domain::id::ApiKeyId;
use domain::merchant::{self, KeyKind, KeyText};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use super::Api;
use super::bodies::Success;
use super::body::JsonBody;
use super::catalogue::Code;
use super::envelope::{Failure, Reply};

/// How long a replaced key goes on, where nobody says.
const GRACE_SECONDS: u64 = 86_400;
const GRACE_SECONDS_MAX: u64 = 30 * 86_400;

/// A key to be issued.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct IssueApiKey {
    /// `secret` for a server, `publishable` for a browser.
    #[schema(example = "secret")]
    kind: String,
    /// What to call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "order service", min_length = 1, max_length = 100)]
    name: Option<String>,
}

/// How a key is to be replaced.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RotateApiKey {
    /// How long the old key goes on, in seconds; 0 ends it at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 3600, minimum = 0, maximum = 2_592_000, default = 86_400)]
    grace_seconds: Option<u64>,
}

/// An API key, without its text.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ApiKey {
    /// Its id; not the key.
    #[serde(rename = "apiKeyId")]
    id: String,
    /// `secret` or `publishable`.
    #[schema(example = "secret")]
    kind: &'static str,
    /// `test` or `live`.
    #[schema(example = "test")]
    mode: &'static str,
    /// How its text begins.
    #[schema(example = "sk_test_4eC3")]
    prefix: String,
    /// What its merchant calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Since when.
    created_at: DateTime<Utc>,
    /// When it was used last, give or take a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_at: Option<DateTime<Utc>>,
    /// From when on it is refused; it was revoked or rotated.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<DateTime<Utc>>,
}

/// A new API key.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewApiKey {
    /// The key itself. It is shown this once and kept nowhere.
    #[serde(serialize_with = "exposed")]
    #[schema(value_type = String, example = "sk_test_4eC39HqLyjWDarjtT1zdp7dcA6wUWJ1vXq7nT0pR2s")]
    key: KeyText,
    /// What is kept of it.
    api_key: ApiKey,
    /// The key that it replaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    replaces: Option<ApiKey>,
}

/// The API keys of the caller's merchant and mode.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ApiKeys {
    /// The newest first; ended ones for 30 days.
    api_keys: Vec<ApiKey>,
}

fn exposed<S: Serializer>(key: &KeyText, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(key.expose())
}

impl From<merchant::ApiKey> for ApiKey {
    fn from(key: merchant::ApiKey) -> Self {
        Self {
            id: key.id.to_string(),
            kind: key.kind.as_str(),
            mode: key.scope.mode.as_str(),
            prefix: key.prefix,
            name: key.name.map(|name| name.to_string()),
            created_at: key.created_at,
            last_used_at: key.last_used_at,
            expires_at: key.expires_at,
        }
    }
}

fn shown(new: NewKey, replaces: Option<merchant::ApiKey>) -> Result<Reply, Failure> {
    let shown = NewApiKey {
        key: new.text,
        api_key: new.key.into(),
        replaces: replaces.map(ApiKey::from),
    };
    Reply::new(StatusCode::CREATED, &shown)
}

/// Issue an API key
///
/// For the caller's merchant and mode. The key is in this answer and nowhere else: a lost one is
/// revoked, not recovered.
#[utoipa::path(
    post,
    path = "/api/v1/api-keys",
    tag = "api keys",
    request_body = IssueApiKey,
    responses((status = 201, description = "The key, this once", body = Success<NewApiKey>)),
)]
pub(super) async fn issue(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    body: JsonBody,
) -> Result<Reply, Failure> {
    let mut form = body.form()?;
    let kind = form.required::<KeyKind>("kind");
    let name = form.optional("name");
    let (kind, name) = form.finish(kind.map(|kind| (kind, name)))?;
    let tenancy = api.app.tenancy();
    let new = tenancy.issue_key(caller.scope, kind, name).await?;
    shown(new, None)
}

/// List API keys
///
/// Those of the caller's merchant and mode, by how they begin.
#[utoipa::path(
    get,
    path = "/api/v1/api-keys",
    tag = "api keys",
    responses((status = 200, description = "The keys", body = Success<ApiKeys>)),
)]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
) -> Result<Reply, Failure> {
    let keys = api.app.tenancy().api_keys(caller.scope).await?;
    let api_keys = keys.into_iter().map(ApiKey::from).collect();
    Reply::new(StatusCode::OK, &ApiKeys { api_keys })
}

/// Rotate an API key
///
/// Issues another of its kind and name. The old one goes on for a time of grace, so that every
/// server can be given the new one.
#[utoipa::path(
    post,
    path = "/api/v1/api-keys/{apiKeyId}/rotate",
    tag = "api keys",
    params(("apiKeyId" = String, Path, description = "The key that is replaced")),
    request_body = RotateApiKey,
    responses((status = 201, description = "The new key, this once", body = Success<NewApiKey>)),
)]
pub(super) async fn rotate(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    ApiKeyPath(key): ApiKeyPath,
    body: JsonBody,
) -> Result<Reply, Failure> {
    let mut form = body.form()?;
    let grace = form.optional_number("graceSeconds", 0..=GRACE_SECONDS_MAX);
    let grace = form.finish(Some(grace.unwrap_or(GRACE_SECONDS)))?;
    let grace = Duration::from_secs(grace);
    let rotated = api.app.rotate_key(caller.scope, key, grace).await?;
    shown(rotated.new, Some(rotated.old))
}

/// Revoke an API key
///
/// It is refused from now on. The last secret key stays: without it nobody could issue another.
#[utoipa::path(
    delete,
    path = "/api/v1/api-keys/{apiKeyId}",
    tag = "api keys",
    params(("apiKeyId" = String, Path, description = "The key")),
    responses((status = 200, description = "The key with its end", body = Success<ApiKey>)),
)]
pub(super) async fn revoke(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    ApiKeyPath(key): ApiKeyPath,
) -> Result<Reply, Failure> {
    let revoked = api.app.revoke_key(caller.scope, key).await?;
    Reply::new(StatusCode::OK, &ApiKey::from(revoked))
}

/// The API key that the path names. Text that cannot be an id names no key.
pub(super) struct ApiKeyPath(ApiKeyId);

impl FromRequestParts<Arc<Api>> for ApiKeyPath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Failure> {
        let missing = || Failure::from(Code::ApiKeyNotFound);
        let Path(text) = Path::<String>::from_request_parts(parts, api)
            .await
            .map_err(|_| missing())?;
        text.parse().map(Self).map_err(|_| missing())
    }
}
