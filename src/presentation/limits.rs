//! Owns who comes too often: requests are counted by address and by merchant, wrong credentials by
//! address, and whoever has used a bucket up is refused before anything happens.

use std::sync::Arc;

use application::Caller;
use application::ports::limiter::{Bucket, Limited, Rate};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Api;
use super::catalogue::Code;
use super::envelope::{Failure, Unrendered};
use super::origin::{Peer, counted};

/// How often somebody may come; none is without a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// The requests of a merchant.
    pub merchant: Option<Rate>,
    /// The requests from an address.
    pub address: Option<Rate>,
    /// The wrong credentials from an address.
    pub failures: Option<Rate>,
}

impl From<Limited> for Failure {
    fn from(limited: Limited) -> Self {
        Self::from(Code::RateLimited).retry_after(limited.retry_after)
    }
}

/// Counts by address, before anybody asks who it is; and afterwards, who it was not.
pub(super) async fn by_address(
    State(api): State<Arc<Api>>,
    request: Request,
    next: Next,
) -> Response {
    let Some(Peer(peer)) = request.extensions().get().copied() else {
        return next.run(request).await;
    };
    let address = counted(api.settings.proxies.client(peer, request.headers()));
    let failures = (Bucket::Failures(address), api.settings.rates.failures);
    if let Err(limited) = within(&api, address, failures).await {
        return Failure::from(limited).into_response();
    }
    let proves = request.headers().contains_key(AUTHORIZATION);
    let response = next.run(request).await;
    if let (bucket, Some(rate)) = failures
        && proves
        && is_wrong(&response)
    {
        // The refusal is this answer already; the next one is asked for.
        let _ = api.limiter.take(bucket, rate).await;
    }
    response
}

/// What is refused although whoever sent it has guessed nothing: they are asked to prove themselves,
/// or what they have was good and is over. An app left open overnight locks nobody out.
const NO_GUESS: [Code; 4] = [
    Code::StepUpRequired,
    Code::StepUpProofExpired,
    Code::TokenExpired,
    Code::ApiKeyExpired,
];

/// Whether it refuses credentials that may be a guess.
fn is_wrong(response: &Response) -> bool {
    let told = response.extensions().get::<Unrendered>();
    let is_no_guess =
        told.is_some_and(|told| NO_GUESS.iter().any(|code| code.as_str() == told.code()));
    response.status() == StatusCode::UNAUTHORIZED && !is_no_guess
}

async fn within(
    api: &Api,
    address: std::net::IpAddr,
    failures: (Bucket, Option<Rate>),
) -> Result<(), Limited> {
    if let Some(rate) = api.settings.rates.address {
        api.limiter.take(Bucket::Address(address), rate).await?;
    }
    if let (bucket, Some(rate)) = failures {
        api.limiter.peek(bucket, rate).await?;
    }
    Ok(())
}

/// Counts by merchant, once it is known who calls.
pub(super) async fn by_merchant(
    State(api): State<Arc<Api>>,
    request: Request,
    next: Next,
) -> Response {
    let scope = request
        .extensions()
        .get::<Caller>()
        .map(|caller| caller.scope);
    if let (Some(scope), Some(rate)) = (scope, api.settings.rates.merchant)
        && let Err(limited) = api.limiter.take(Bucket::Merchant(scope), rate).await
    {
        return Failure::from(limited).into_response();
    }
    next.run(request).await
}
