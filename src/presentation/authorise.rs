//! Owns who the caller is, decided by the table of routes before a handler runs.

use std::sync::Arc;

use application::Caller;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
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
    let principal = match route_of(&request) {
        Some(route) => route.principal,
        // A handler that nobody entered into the table is closed, not open.
        None => return Failure::from(Code::RouteNotFound).into_response(),
    };
    match principal {
        Principal::Anybody => {}
        Principal::MerchantServer => {
            let trace = request.extensions().get::<Trace>().cloned();
            let key = presented_key(request.headers());
            match merchant_server(&api, key, trace).await {
                Ok(caller) => drop(request.extensions_mut().insert(caller)),
                Err(failure) => return failure.into_response(),
            }
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

async fn merchant_server(
    api: &Api,
    key: Result<String, Failure>,
    trace: Option<Trace>,
) -> Result<Caller, Failure> {
    let scope = api.app.authenticate(&key?).await?;
    Ok(Caller {
        scope,
        actor: Actor::Merchant,
        member: String::new(),
        trace: trace.map(|trace| trace.0).unwrap_or_default(),
    })
}

/// The key of `Basic base64(key:)` or `Bearer key`.
fn presented_key(headers: &HeaderMap) -> Result<String, Failure> {
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
        Ok(key)
    }
}
