//! Owns the endpoints of the API about a merchant's webhook endpoints, and their JSON.

pub(super) mod deliveries;
mod shown;

use std::sync::Arc;
use std::time::Duration;

use application::Caller;
use application::webhooks::Edit;
use axum::Extension;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use domain::id::EndpointId;
use domain::principal::{Actor, Scope};
use domain::text::EndpointUrl;
use domain::webhook::{Filter, Topic};
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::bodies::Success;
use super::body::JsonBody;
use super::catalogue::Code;
use super::envelope::{Failure, Reply};
use super::json::Form;
use shown::{Endpoint, EndpointWithChanges, Endpoints, NewEndpoint};

/// How long messages are signed with a replaced secret, too, where nobody says.
const GRACE_SECONDS: u64 = 86_400;
const GRACE_SECONDS_MAX: u64 = 30 * 86_400;

/// An endpoint to be made.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct MakeEndpoint {
    /// Where to: https, and a public address.
    #[schema(
        example = "https://shop.example/hooks",
        min_length = 1,
        max_length = 2048
    )]
    url: String,
    /// The types of events to be told of; all of them, also of later versions, without it.
    /// `webhook_endpoint.disabled` tells that the service itself disabled another endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = json!(["payment.approved", "payment.canceled"]))]
    events: Option<Vec<String>>,
}

/// What is to be different about an endpoint; the rest stays.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ChangeEndpoint {
    /// Where to, from now on; what waits goes there, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        example = "https://shop.example/hooks",
        min_length = 1,
        max_length = 2048
    )]
    url: Option<String>,
    /// The types of events to be told of from now on; an empty list is all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    events: Option<Vec<String>>,
    /// Whether it is told of events.
    #[serde(skip_serializing_if = "Option::is_none")]
    enabled: Option<bool>,
}

/// How a secret is to be replaced.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RotateSecret {
    /// How long messages are signed with the old secret, too, in seconds; 0 ends all old ones at
    /// once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 3600, minimum = 0, maximum = 2_592_000, default = 86_400)]
    grace_seconds: Option<u64>,
}

/// Make a webhook endpoint
///
/// It is told of what happens from now on. The secret that its messages are verified with is in
/// this answer and nowhere else.
#[utoipa::path(
    post,
    path = "/api/v1/webhook-endpoints",
    tag = "webhooks",
    request_body = MakeEndpoint,
    responses((status = 201, description = "The endpoint and its secret, this once",
               body = Success<NewEndpoint>)),
)]
pub(super) async fn make(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    body: JsonBody,
) -> Result<Reply, Failure> {
    let mut form = body.form()?;
    let url = form.required::<EndpointUrl>("url");
    let events = filter(&mut form).map(Option::unwrap_or_default);
    let (url, events) = form.finish(url.zip(events))?;
    let made = api.app.webhooks().add(who(&caller), url, events).await?;
    Reply::new(StatusCode::CREATED, &NewEndpoint::from(made))
}

/// List webhook endpoints
///
/// Those of the caller's merchant and mode, the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/webhook-endpoints",
    tag = "webhooks",
    responses((status = 200, description = "The endpoints", body = Success<Endpoints>)),
)]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
) -> Result<Reply, Failure> {
    let found = api.app.webhooks().list(caller.scope).await?;
    let endpoints = found.into_iter().map(Endpoint::from).collect();
    Reply::new(StatusCode::OK, &Endpoints { endpoints })
}

/// Read a webhook endpoint
///
/// With what was done to it and by whom, the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/webhook-endpoints/{endpointId}",
    tag = "webhooks",
    params(("endpointId" = String, Path, description = "The endpoint")),
    responses((status = 200, description = "The endpoint", body = Success<EndpointWithChanges>)),
)]
pub(super) async fn read(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    EndpointPath(endpoint): EndpointPath,
) -> Result<Reply, Failure> {
    let seen = api.app.webhooks().read(caller.scope, endpoint).await?;
    Reply::new(StatusCode::OK, &EndpointWithChanges::from(seen))
}

/// Change a webhook endpoint
///
/// Its address, its events, and whether it is told at all. What waits for an endpoint that is
/// enabled is brought to it.
#[utoipa::path(
    patch,
    path = "/api/v1/webhook-endpoints/{endpointId}",
    tag = "webhooks",
    params(("endpointId" = String, Path, description = "The endpoint")),
    request_body = ChangeEndpoint,
    responses((status = 200, description = "The endpoint as it is now", body = Success<Endpoint>)),
)]
pub(super) async fn change(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    EndpointPath(endpoint): EndpointPath,
    body: JsonBody,
) -> Result<Reply, Failure> {
    let mut form = body.form()?;
    let url = form.optional("url");
    let events = filter(&mut form);
    let enabled = form.optional_flag("enabled");
    let edit = form.finish(events.map(|events| Edit {
        url,
        events,
        enabled,
    }))?;
    let office = api.app.webhooks();
    let changed = office.change(who(&caller), endpoint, &edit).await?;
    Reply::new(StatusCode::OK, &Endpoint::from(changed))
}

/// Delete a webhook endpoint
///
/// It is sent nothing any more, also not what waits.
#[utoipa::path(
    delete,
    path = "/api/v1/webhook-endpoints/{endpointId}",
    tag = "webhooks",
    params(("endpointId" = String, Path, description = "The endpoint")),
    responses((status = 200, description = "The endpoint as it was left",
               body = Success<Endpoint>)),
)]
pub(super) async fn delete(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    EndpointPath(endpoint): EndpointPath,
) -> Result<Reply, Failure> {
    let deleted = api.app.webhooks().delete(who(&caller), endpoint).await?;
    Reply::new(StatusCode::OK, &Endpoint::from(deleted))
}

/// Rotate a webhook endpoint's secret
///
/// For a time of grace messages are signed with the old secret, too, so that the receiver can be
/// given the new one. Old secrets whose grace is not over stay in use, five at most.
#[utoipa::path(
    post,
    path = "/api/v1/webhook-endpoints/{endpointId}/rotate",
    tag = "webhooks",
    params(("endpointId" = String, Path, description = "The endpoint")),
    request_body = RotateSecret,
    responses((status = 201, description = "The endpoint and its new secret, this once",
               body = Success<NewEndpoint>)),
)]
pub(super) async fn rotate(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    EndpointPath(endpoint): EndpointPath,
    body: JsonBody,
) -> Result<Reply, Failure> {
    let mut form = body.form()?;
    let grace = form.optional_number("graceSeconds", 0..=GRACE_SECONDS_MAX);
    let grace = form.finish(Some(grace.unwrap_or(GRACE_SECONDS)))?;
    let (office, grace) = (api.app.webhooks(), Duration::from_secs(grace));
    let rotated = office.rotate(who(&caller), endpoint, grace).await?;
    Reply::new(StatusCode::CREATED, &NewEndpoint::from(rotated))
}

/// Which events are wanted; the outer none is a refusal.
#[expect(clippy::option_option, reason = "wrong, not given, given")]
fn filter(form: &mut Form) -> Option<Option<Filter>> {
    match form.optional_words::<Topic>("events", Topic::all().count()) {
        Ok(topics) => Some(topics.map(Filter::of)),
        Err(()) => None,
    }
}

const fn who(caller: &Caller) -> (Scope, Actor) {
    (caller.scope, caller.actor)
}

/// The endpoint that the path names. Text that cannot be an id names none.
pub(super) struct EndpointPath(pub(super) EndpointId);

impl FromRequestParts<Arc<Api>> for EndpointPath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Failure> {
        let missing = || Failure::from(Code::WebhookEndpointNotFound);
        let Path(text) = Path::<String>::from_request_parts(parts, api)
            .await
            .map_err(|_| missing())?;
        text.parse().map(Self).map_err(|_| missing())
    }
}
