//! Owns the pages for people: the API's description, and what each code means.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request};
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use utoipa_swagger_ui::SwaggerUi;

use super::catalogue::Code;
use super::envelope::Failure;
use super::{Api, openapi};

const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
/// The page runs its own scripts, speaks with this service alone and is shown in no frame. Its
/// library writes styles into elements, and has pictures in its style sheet.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'";
const ERRORS: &str = include_str!("../../docs/errors/README.md");

/// `/docs`, `/openapi.json` and `/docs/errors`.
pub(super) fn routes() -> Router<Arc<Api>> {
    let documentation: Router<Arc<Api>> = SwaggerUi::new("/docs")
        .url("/openapi.json", openapi::document())
        .into();
    documentation
        .route("/docs/errors", get(async || text(ERRORS)))
        .route("/docs/errors/{code}", get(explanation))
        .layer(from_fn(harmless))
}

/// What a code means, and what is to be done.
async fn explanation(word: Result<Path<String>, PathRejection>) -> Result<Response, Failure> {
    // What is no text is no code, either.
    let Path(word) = word.map_err(|_| Code::RouteNotFound)?;
    let code = Code::ALL.iter().find(|code| code.as_str() == word);
    let code = code.ok_or(Code::RouteNotFound)?;
    Ok(text(code.page()))
}

/// Markdown, which browsers show as it is when it is called plain.
fn text(page: &'static str) -> Response {
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    ([(CONTENT_TYPE, plain)], page).into_response()
}

/// Keeps a page from what it does not need.
async fn harmless(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if response.status() == StatusCode::NOT_FOUND {
        // The library of the page has an answer of its own form.
        response = Failure::from(Code::RouteNotFound).into_response();
    }
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
        (
            PERMISSIONS_POLICY,
            "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        ),
    ] {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}
