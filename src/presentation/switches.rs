//! Owns the endpoints of a merchant's own safety switches, and their bodies.

use std::sync::Arc;

use application::{Caller, Standing};
use axum::Extension;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use chrono::{DateTime, Utc};
use domain::switch::Operation;
use domain::text::SwitchReason;
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::bodies::Success;
use super::body::JsonBody;
use super::catalogue::Code;
use super::envelope::{Failure, Reply};

/// A safety switch to be turned.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct TurnSwitch {
    /// Pause, or let go on.
    #[schema(example = true)]
    pub paused: bool,
    /// Why, for who reads it later.
    #[schema(example = "장애 대응", min_length = 1, max_length = 200)]
    pub why: String,
}

/// A safety switch.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Switch {
    /// `approvals`, `cancels` or `charges`.
    #[schema(example = "approvals")]
    pub operation: String,
    /// Whether the merchant paused it, in this mode.
    pub paused: bool,
    /// Whether the operator paused it, for this merchant or for everybody.
    pub paused_by_operator: bool,
    /// Why the merchant last turned it; none where it never did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// When it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turned_at: Option<DateTime<Utc>>,
}

/// Every safety switch.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Switches {
    /// By operation.
    pub switches: Vec<Switch>,
}

/// Read the safety switches
///
/// What is paused for this merchant in the key's mode: by itself, and by the operator.
#[utoipa::path(
    get,
    path = "/api/v1/switches",
    tag = "switches",
    responses((status = 200, description = "Every switch", body = Success<Switches>)),
)]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
) -> Result<Reply, Failure> {
    let standing = api.app.switches(&caller).await?;
    let switches = standing.into_iter().map(shown).collect();
    Reply::new(StatusCode::OK, &Switches { switches })
}

/// Turn a safety switch
///
/// Pauses the merchant's own approvals, cancels or charges in the key's mode, or lets them go on.
/// It counts everywhere within 10 seconds; what is under way is finished. What the operator paused
/// stays paused.
#[utoipa::path(
    put,
    path = "/api/v1/switches/{operation}",
    tag = "switches",
    params((
        "operation" = String,
        Path,
        description = "`approvals`, `cancels` or `charges`",
        pattern = "^(approvals|cancels|charges)$"
    )),
    request_body = TurnSwitch,
    responses((status = 200, description = "The switch as it is now", body = Success<Switch>)),
)]
pub(super) async fn turn(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    OperationPath(operation): OperationPath,
    body: JsonBody,
) -> Result<Reply, Failure> {
    let mut form = body.form()?;
    let paused = form.required_flag("paused");
    let why = form.required::<SwitchReason>("why");
    let turn = form.finish(paused.zip(why))?;
    let (paused, why) = turn;
    let turn = (paused, why.to_string());
    let standing = api.app.turn_switch(&caller, operation, turn).await?;
    Reply::new(StatusCode::OK, &shown(standing))
}

/// The operation that the path names. Text that cannot be one, or is no text, names no switch.
pub(super) struct OperationPath(Operation);

impl FromRequestParts<Arc<Api>> for OperationPath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Failure> {
        let missing = || Failure::from(Code::SwitchNotFound);
        let Path(text) = Path::<String>::from_request_parts(parts, api)
            .await
            .map_err(|_| missing())?;
        text.parse().map(Self).map_err(|_| missing())
    }
}

fn shown(standing: Standing) -> Switch {
    let own = standing.own;
    let paused = own.as_ref().is_some_and(|turn| turn.paused);
    Switch {
        operation: standing.operation.to_string(),
        paused,
        paused_by_operator: standing.by_operator,
        why: own.as_ref().map(|turn| turn.why.clone()),
        turned_at: own.map(|turn| turn.at),
    }
}
