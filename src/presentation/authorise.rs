//! Owns who the caller is, decided by the table of routes before a handler runs.

use std::sync::Arc;

use application::{Caller, Credential};
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use domain::merchant::{KeyKind, KeyText};
use domain::principal::Actor;

use super::Api;
use super::catalogue::Code;
use super::envelope::Failure;
use super::failures::unauthorized;
use super::middleware::Trace;
use super::router::{Principal, ROUTES, Route};

/// Clients pad or do not; both are the same text.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Lets a request through to its handler, with the caller that the route asks for.
pub(super) async fn authorised(
    State(api): State<Arc<Api>>,
    mut request: Request,
    next: Next,
) -> Response {
    let principals = match route_of(&request) {
        Some(route) => route.principals,
        // A handler that nobody entered into the table is closed, not open.
        None => return Failure::from(Code::RouteNotFound).into_response(),
    };
    if !principals.contains(&Principal::Anybody) {
        let trace = request.extensions().get::<Trace>().cloned();
        let key = presented_key(request.headers());
        match by_key(&api, principals, key, trace).await {
            Ok(caller) => drop(request.extensions_mut().insert(caller)),
            Err(failure) => return failure.into_response(),
        }
    }
    next.run(request).await
}

fn route_of(request: &Request) -> Option<&'static Route> {
    let path = request.extensions().get::<MatchedPath>()?;
    let method = match request.method() {
        &Method::HEAD => &Method::GET,
        method => method,
    };
    ROUTES
        .iter()
        .find(|route| route.path == path.as_str() && route.method == method)
}

/// The caller behind an API key, where the route is for such principals.
async fn by_key(
    api: &Api,
    principals: &[Principal],
    key: Result<KeyText, Failure>,
    trace: Option<Trace>,
) -> Result<Caller, Failure> {
    let Credential { scope, kind } = api.app.authenticate(&key?).await?;
    let (principal, actor) = match kind {
        KeyKind::Secret => (Principal::MerchantServer, Actor::Merchant),
        KeyKind::Publishable => (Principal::MerchantPage, Actor::Buyer),
    };
    if !principals.contains(&principal) {
        return Err(Code::ApiKeyPublishable.into());
    }
    Ok(Caller {
        scope,
        actor,
        member: String::new(),
        trace: trace.map(|trace| trace.0).unwrap_or_default(),
    })
}

/// The key of `Basic base64(key:)` or `Bearer key`.
fn presented_key(headers: &HeaderMap) -> Result<KeyText, Failure> {
    let value = headers
        .get(AUTHORIZATION)
        .ok_or_else(|| unauthorized(Code::CredentialsMissing))?;
    let malformed = || unauthorized(Code::CredentialsMalformed);
    let text = value.to_str().map_err(|_| malformed())?;
    let (scheme, credentials) = text.split_once(' ').ok_or_else(malformed)?;
    let credentials = credentials.trim();
    let key = if scheme.eq_ignore_ascii_case("bearer") {
        credentials.to_owned()
    } else if scheme.eq_ignore_ascii_case("basic") {
        let decoded = BASE64.decode(credentials).map_err(|_| malformed())?;
        let pair = String::from_utf8(decoded).map_err(|_| malformed())?;
        let (key, password) = pair.split_once(':').ok_or_else(malformed)?;
        if !password.is_empty() {
            return Err(malformed());
        }
        key.to_owned()
    } else {
        return Err(malformed());
    };
    if key.is_empty() {
        Err(malformed())
    } else {
        Ok(KeyText::presented(&key))
    }
}
