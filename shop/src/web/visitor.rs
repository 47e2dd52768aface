//! Owns what every request is answered with: the visitor, and the headers that guard the pages.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::ACCEPT_LANGUAGE;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, SET_COOKIE, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;

use super::session::{self, Session};
use super::{Web, problem};
use crate::language::Language;

/// Who asks, in which language, and from where.
#[derive(Clone)]
pub(super) struct Visitor {
    /// The session.
    pub(super) session: Session,
    /// The language.
    pub(super) language: Language,
    /// How many things are in the cart.
    pub(super) cart: i64,
    /// The page that is shown, for the way back from a change of language.
    pub(super) page: String,
}

/// Where a page's scripts may come from besides the shop itself.
#[derive(Clone)]
pub(super) struct SdkOrigin(pub(super) String);

/// Frames a request for a page.
pub(super) async fn frame(
    State(web): State<Arc<Web>>,
    mut request: Request,
    next: Next,
) -> Response {
    let session = Session::of(request.headers());
    let cart = if session.is_fresh {
        None
    } else {
        let cart = web.shop.store.cart(&session.owner()).await;
        cart.unwrap_or_else(|error| {
            tracing::error!(%error, "a cart is not read");
            None
        })
    };
    let visitor = Visitor {
        language: language_of(request.headers()),
        cart: cart.map_or(0, |cart| cart.quantity),
        page: match *request.method() {
            Method::GET => request.uri().path().to_owned(),
            _ => "/".to_owned(),
        },
        session,
    };
    request.extensions_mut().insert(visitor.clone());
    let mut response = next.run(request).await;
    if let Some(problem) = response.extensions_mut().remove::<problem::Problem>() {
        response = problem.render(&visitor);
    }
    let sdk = response.extensions_mut().remove::<SdkOrigin>();
    guard(response.headers_mut(), sdk.as_ref());
    if visitor.session.is_fresh
        && let Ok(cookie) = visitor.session.set_cookie(web.secure_cookies).parse()
    {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

fn language_of(headers: &HeaderMap) -> Language {
    let chosen = session::chosen_language(headers).and_then(Language::of_tag);
    chosen.unwrap_or_else(|| {
        let wanted = headers.get(ACCEPT_LANGUAGE);
        Language::of_header(wanted.and_then(|value| value.to_str().ok()).unwrap_or(""))
    })
}

/// Nothing is loaded, run or sent but what the shop itself serves; on the page that opens the
/// payment window, the gateway's script too.
fn guard(headers: &mut HeaderMap, sdk: Option<&SdkOrigin>) {
    let (scripts, connections) = match sdk {
        Some(SdkOrigin(origin)) => (
            format!("'self' {origin}"),
            format!("'self' {origin}; frame-src {origin}"),
        ),
        None => ("'self'".to_owned(), "'self'".to_owned()),
    };
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; script-src {scripts}; \
         connect-src {connections}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    for (name, value) in [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // The way back from the window has a payment key in its address.
        (REFERRER_POLICY, "same-origin"),
        (CACHE_CONTROL, "no-store"),
        (VARY, "accept-language, cookie"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
