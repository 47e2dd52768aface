//! Owns the step-up over HTTP: what a request shows of the person, and the endpoint that asks them.

use std::sync::Arc;

use application::{Caller, Evidence};
use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use chrono::{DateTime, Utc};
use domain::step_up::{Action, DeviceId};
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::bodies::Success;
use super::body::JsonBody;
use super::catalogue::Code;
use super::envelope::{Failure, Reply};
use super::extract::PaymentPath;

/// The header with a signed proof of the person.
pub(super) const STEP_UP_PROOF: HeaderName = HeaderName::from_static("step-up-proof");
/// The header with the id of the device.
pub(super) const DEVICE_ID: HeaderName = HeaderName::from_static("device-id");

/// Who is to be asked, and for what.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct AskStepUp {
    /// What the app or browser calls itself: random, kept on the device, and sent as `Device-Id`
    /// with the request that the proof is for.
    #[schema(
        example = "7f9c1b52d8a64e0f9a3c",
        min_length = 16,
        max_length = 128,
        pattern = "^[!-~]+$"
    )]
    pub device_id: String,
    /// `approve` or `cancel`.
    #[schema(example = "approve", pattern = "^(approve|cancel)$")]
    pub action: String,
}

/// A challenge.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct StepUpChallenge {
    /// What the proof has to carry as its claim `nonce`.
    #[schema(example = "chl_06f8q0e1x4000000000000000000000000")]
    pub challenge: String,
    /// What it asks for.
    #[schema(example = "approve")]
    pub action: String,
    /// From when on no proof of it is taken.
    pub expires_at: DateTime<Utc>,
}

/// Ask a member to prove themselves
///
/// Answers with a challenge for this payment, action and device. The member authenticates anew at
/// the platform's identity provider, which signs a proof with the challenge as its `nonce`; the
/// proof goes into `Step-Up-Proof` of the request that asked for it, once.
#[utoipa::path(
    post,
    path = "/api/v1/payments/{paymentId}/step-up",
    tag = "step-up",
    params(("paymentId" = String, Path, description = "The payment")),
    request_body = AskStepUp,
    responses((status = 201, description = "The challenge", body = Success<StepUpChallenge>)),
)]
pub(super) async fn ask(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    PaymentPath(payment): PaymentPath,
    body: JsonBody,
) -> Result<Reply, Failure> {
    let mut form = body.form()?;
    let device = form.required::<DeviceId>("deviceId");
    let action = form.required::<Action>("action");
    let (device, action) = form.finish(device.zip(action))?;
    let challenge = api.app.challenge(&caller, payment, action, &device).await?;
    let challenge = StepUpChallenge {
        challenge: challenge.id.to_string(),
        action: challenge.action.to_string(),
        expires_at: challenge.expires_at,
    };
    Reply::new(StatusCode::CREATED, &challenge)
}

/// What these headers show of the person. What is no text proves nothing, and is kept as such: a
/// proof that was sent is never taken for none.
pub(super) fn evidence(headers: &HeaderMap, host: Option<String>) -> Result<Evidence, Failure> {
    let malformed = || Failure::from(Code::DeviceIdMalformed);
    let device = headers.get(DEVICE_ID).map(|value| {
        let text = value.to_str().map_err(|_| malformed())?;
        text.parse().map_err(|_| malformed())
    });
    let proof = headers.get(STEP_UP_PROOF);
    Ok(Evidence {
        device: device.transpose()?,
        proof: proof.map(|value| value.to_str().unwrap_or_default().to_owned()),
        host,
    })
}
