//! Owns the address at which Payflow tells the shop what happens. Nobody's session counts here,
//! only the signature.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};

use super::Web;
use crate::clock::now;
use crate::hooks::{Headers, verify};
use crate::store::Taken;

/// 204 only once what the message says is written; another answer, and it comes again.
pub(super) async fn take(
    State(web): State<Arc<Web>>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let store = &web.shop.store;
    let hook = match store.hook().await {
        Ok(hook) => hook,
        Err(error) => {
            tracing::error!(%error, "a webhook cannot be verified");
            return StatusCode::SERVICE_UNAVAILABLE;
        }
    };
    let mut secrets: Vec<String> = hook.into_iter().map(|hook| hook.secret).collect();
    secrets.extend(web.rotated.secrets().await);
    let verified = Headers::of(&headers);
    let verified = verified.and_then(|headers| verify(&secrets, headers, &body, now()));
    let message = match verified {
        Ok(message) => message,
        Err(why) => {
            tracing::warn!(%why, "a webhook is refused");
            return StatusCode::UNAUTHORIZED;
        }
    };
    let id = message.id.clone();
    match store.take(message, now()).await {
        Ok(Taken::Told) => tracing::info!(id, "told of a payment"),
        Ok(Taken::Again | Taken::Nothing) => tracing::debug!(id, "told of nothing new"),
        Ok(Taken::Foreign) => {
            tracing::error!(
                id,
                "a webhook is of another payment than the order's; money stays"
            );
        }
        Err(error) => {
            tracing::error!(id, %error, "a webhook is not taken");
            return StatusCode::SERVICE_UNAVAILABLE;
        }
    }
    StatusCode::NO_CONTENT
}
