//! Owns who comes too often: requests are counted by address and by caller, guessed credentials by
//! address, and whoever has used a bucket up is refused before anything happens.

use std::sync::Arc;

use application::Caller;
use application::ports::limiter::{Bucket, Limited, Rate};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::principal::Actor;

use super::Api;
use super::catalogue::Code;
use super::envelope::{Failure, Unrendered};
use super::origin::{Peer, counted};

/// How often somebody may come; none is without a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// The requests of a merchant's servers, of its pages, and of each of its members.
    pub merchant: Option<Rate>,
    /// The requests from an address.
    pub address: Option<Rate>,
    /// The guessed credentials from an address.
    pub failures: Option<Rate>,
}

impl From<Limited> for Failure {
    fn from(limited: Limited) -> Self {
        Self::from(Code::RateLimited).retry_after(limited.retry_after)
    }
}

/// Counts by address: requests before anybody asks who it is, and the guesses among them after.
/// A limit of guesses refuses the guesses alone: what is right passes, whoever else shares the
/// address.
pub(super) async fn by_address(
    State(api): State<Arc<Api>>,
    request: Request,
    next: Next,
) -> Response {
    let Some(Peer(peer)) = request.extensions().get().copied() else {
        return next.run(request).await;
    };
    let address = counted(api.settings.proxies.client(peer, request.headers()));
    let rates = api.settings.rates;
    if let Err(limited) = taken(&api, Bucket::Address(address), rates.address).await {
        return limited.into_response();
    }
    let response = next.run(request).await;
    if !is_guess(&response) {
        return response;
    }
    match taken(&api, Bucket::Guesses(address), rates.failures).await {
        Ok(()) => response,
        Err(limited) => limited.into_response(),
    }
}

/// What credentials that nobody was ever given are told. Who has some that are over, or is asked to
/// prove themselves, has guessed nothing.
const GUESSES: [Code; 5] = [
    Code::CredentialsMalformed,
    Code::ApiKeyUnknown,
    Code::TokenInvalid,
    Code::StepUpProofInvalid,
    Code::HookUnknown,
];

fn is_guess(response: &Response) -> bool {
    let told = response.extensions().get::<Unrendered>();
    told.is_some_and(|told| GUESSES.iter().any(|code| code.as_str() == told.code()))
}

async fn taken(api: &Api, bucket: Bucket, rate: Option<Rate>) -> Result<(), Failure> {
    let Some(rate) = rate else { return Ok(()) };
    Ok(api.limiter.take(bucket, rate).await?)
}

/// Counts by merchant, once it is known who calls: its servers, its pages and each of its members
/// for themselves, since the key of a page is public and must not use up what the servers need.
pub(super) async fn by_merchant(
    State(api): State<Arc<Api>>,
    request: Request,
    next: Next,
) -> Response {
    if let Some(caller) = request.extensions().get::<Caller>() {
        let bucket = bucket_of(caller);
        if let Err(limited) = taken(&api, bucket, api.settings.rates.merchant).await {
            return limited.into_response();
        }
    }
    next.run(request).await
}

fn bucket_of(caller: &Caller) -> Bucket {
    if let Some(member) = &caller.member {
        return Bucket::Member(caller.scope, member.clone());
    }
    match caller.actor {
        Actor::Buyer => Bucket::Pages(caller.scope),
        Actor::Merchant | Actor::Operator | Actor::System | Actor::Gateway => {
            Bucket::Servers(caller.scope)
        }
    }
}
