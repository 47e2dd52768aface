//! Owns who the caller is, decided by the table of routes before a handler runs.

use std::sync::Arc;

use application::{Caller, Credential, Evidence};
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{AUTHORIZATION, HOST};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use domain::merchant::{KeyKind, KeyText};
use domain::principal::Actor;
use domain::trace::Trace;

use super::Api;
use super::catalogue::Code;
use super::envelope::Failure;
use super::failures::unauthorized;
use super::hooks;
use super::middleware::{Framed, admit};
use super::router::{PAGES, Principal, ROUTES, Route};
use super::step_up::evidence;

/// Clients pad or do not; both are the same text.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Lets a request through to its handler, with a caller that the route takes.
pub(super) async fn authorised(
    State(api): State<Arc<Api>>,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(route) = route_of(&request) else {
        if is_page(&request) {
            return next.run(request).await;
        }
        // A handler that nobody entered into the table is closed, not open.
        return Failure::from(Code::RouteNotFound).into_response();
    };
    if route.principals.contains(&Principal::Gateway) {
        match hooks::account(&api, hooks::token(&request)).await {
            Ok(account) => drop(request.extensions_mut().insert(account)),
            Err(failure) => return failure.into_response(),
        }
    } else if !route.principals.contains(&Principal::Anybody) {
        let shown = Shown::by(&request, route);
        // Asking the store who it is counts as under way; what the client still sends does not.
        let caller = match admit(&api) {
            Ok(_admitted) => caller(&api, route, shown).await,
            Err(overloaded) => Err(overloaded),
        };
        match caller {
            Ok(caller) => drop(request.extensions_mut().insert(caller)),
            Err(failure) => return failure.into_response(),
        }
    }
    next.run(request).await
}

/// The route that a request is for, by the table.
pub(super) fn route_of(request: &Request) -> Option<&'static Route> {
    let path = request.extensions().get::<MatchedPath>()?;
    let method = match request.method() {
        &Method::HEAD => &Method::GET,
        method => method,
    };
    ROUTES
        .iter()
        .find(|route| route.path == path.as_str() && route.method == method)
}

fn is_page(request: &Request) -> bool {
    let path = request.extensions().get::<MatchedPath>();
    path.is_some_and(|path| PAGES.contains(&path.as_str()))
}

/// Who calls, by the credentials alone: no other header says anything about it.
async fn caller(api: &Api, route: &Route, shown: Shown) -> Result<Caller, Failure> {
    let Shown { trace, host, .. } = shown;
    let principals = route.principals;
    match shown.credentials? {
        Credentials::Key(key) => {
            let Credential { id, scope, kind } = api.app.authenticate(&key).await?;
            let (principal, actor) = match kind {
                KeyKind::Secret => (Principal::MerchantServer, Actor::Merchant),
                KeyKind::Publishable => (Principal::MerchantPage, Actor::Buyer),
            };
            if !principals.contains(&Principal::MerchantServer) {
                return Err(Code::MemberRequired.into());
            }
            if !principals.contains(&principal) {
                return Err(Code::ApiKeyPublishable.into());
            }
            Ok(Caller {
                scope,
                actor,
                member: None,
                key: Some(id),
                issuer: None,
                evidence: Evidence::default(),
                trace,
            })
        }
        Credentials::Token(token) => {
            let member = api.app.authenticate_member(&token, host.as_deref());
            let member = member.await?;
            if !principals.contains(&Principal::Member) {
                return Err(Code::MemberForbidden.into());
            }
            Ok(Caller {
                scope: member.scope,
                actor: Actor::Buyer,
                member: Some(member.id),
                key: None,
                issuer: Some(member.issuer),
                evidence: shown.evidence?,
                trace,
            })
        }
    }
}

/// What a request shows of its caller.
struct Shown {
    credentials: Result<Credentials, Failure>,
    /// Where the route takes it; nothing elsewhere.
    evidence: Result<Evidence, Failure>,
    host: Option<String>,
    trace: Trace,
}

impl Shown {
    fn by(request: &Request, route: &Route) -> Self {
        let trace = request.extensions().get::<Framed>();
        let (headers, host) = (request.headers(), host_of(request));
        Self {
            credentials: presented(headers),
            evidence: if route.takes_proof() {
                evidence(headers, host.clone())
            } else {
                Ok(Evidence::default())
            },
            host,
            trace: trace.map_or(Trace::NONE, |framed| framed.0),
        }
    }
}

/// The host that the request was sent to, without its port.
fn host_of(request: &Request) -> Option<String> {
    let named = request.uri().authority().cloned();
    let named = named.or_else(|| request.headers().get(HOST)?.to_str().ok()?.parse().ok());
    named.map(|authority: Authority| authority.host().to_owned())
}

/// What somebody shows to be let in.
enum Credentials {
    /// An API key.
    Key(KeyText),
    /// A member's token. It has dots, and no API key has one.
    Token(String),
}

/// The key of `Basic base64(key:)` or `Bearer key`, or the token of `Bearer token`.
fn presented(headers: &HeaderMap) -> Result<Credentials, Failure> {
    let value = headers
        .get(AUTHORIZATION)
        .ok_or_else(|| unauthorized(Code::CredentialsMissing))?;
    let malformed = || unauthorized(Code::CredentialsMalformed);
    let text = value.to_str().map_err(|_| malformed())?;
    let (scheme, credentials) = text.split_once(' ').ok_or_else(malformed)?;
    let credentials = credentials.trim();
    if scheme.eq_ignore_ascii_case("bearer") && credentials.contains('.') {
        return Ok(Credentials::Token(credentials.to_owned()));
    }
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
        Ok(Credentials::Key(KeyText::presented(&key)))
    }
}
