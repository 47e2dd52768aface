//! Owns the OpenAPI document: generated from the handlers, completed from the table of routes.

use std::collections::BTreeMap;

use serde_json::json;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    Components, ContentBuilder, InfoBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder,
};
use utoipa::{PartialSchema, ToSchema};

use super::bodies::{Failed, FailedField};
use super::catalogue::{Code, Language};
use super::manner::{occurrence, page_of};
use super::router::{Principal, ROUTES, Route, described};

const DESCRIPTION: &str = "Payflow takes payments through a payment gateway and keeps the books. \
     Amounts are integers of minor units beside their currency; instants are ISO 8601 with an \
     offset. Every answer has a stable code, a message in Korean or English (`Accept-Language`) \
     and a trace id; failures are also served as `application/problem+json` (`Accept`).";
/// What every route can answer with.
const ANYWHERE: &[Code] = &[
    Code::HeaderRepeated,
    Code::HostInvalid,
    Code::LengthRequired,
    Code::RequestMalformed,
    Code::HeadTooLarge,
    Code::InternalError,
];
/// What every route that asks who calls can answer with.
const FOR_SOMEBODY: &[Code] = &[
    Code::CredentialsMissing,
    Code::CredentialsMalformed,
    Code::ApiKeyUnknown,
    Code::ApiKeyExpired,
    Code::TokenExpired,
    Code::TokenInvalid,
    Code::IdentityUnavailable,
    Code::MerchantSuspended,
    Code::StoreUnavailable,
    Code::RateLimited,
    Code::Overloaded,
];
/// What every route with a body can answer with.
const WITH_BODY: &[Code] = &[
    Code::MalformedJson,
    Code::DuplicateJsonKey,
    Code::MalformedBody,
    Code::BodyTimeout,
    Code::BodyTooLarge,
    Code::UnsupportedMediaType,
];

/// The document that is served.
#[must_use]
pub fn document() -> OpenApi {
    let mut document = described().into_openapi();
    document.info = InfoBuilder::new()
        .title("Payflow")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .build();
    let components = document.components.get_or_insert_with(Components::new);
    for (name, scheme, text) in [
        (
            "basic",
            HttpAuthScheme::Basic,
            "The API key as user name, no password",
        ),
        ("bearer", HttpAuthScheme::Bearer, "The API key"),
        (
            "member",
            HttpAuthScheme::Bearer,
            "A member's JWT, from an issuer that the operator believes",
        ),
    ] {
        let scheme = HttpBuilder::new()
            .scheme(scheme)
            .description(Some(text))
            .build();
        components.add_security_scheme(name, SecurityScheme::Http(scheme));
    }
    for (name, schema) in [
        (Failed::name(), Failed::schema()),
        (FailedField::name(), FailedField::schema()),
    ] {
        components.schemas.insert(name.into_owned(), schema);
    }
    for route in ROUTES {
        let item = document.paths.paths.get_mut(route.path);
        if let Some(operation) = item.and_then(|item| operation_of(item, route)) {
            complete(operation, route);
        }
    }
    document
}

/// How a principal shows who it is.
const fn schemes(principal: Principal) -> &'static [&'static str] {
    match principal {
        // Where a page may call its server may, too, by a key of the same form.
        // A gateway's is in the path.
        Principal::Anybody | Principal::MerchantPage | Principal::Gateway => &[],
        Principal::MerchantServer => &["basic", "bearer"],
        Principal::Member => &["member"],
    }
}

fn operation_of<'a>(item: &'a mut PathItem, route: &Route) -> Option<&'a mut Operation> {
    match route.method.as_str() {
        "GET" => item.get.as_mut(),
        "POST" => item.post.as_mut(),
        "PUT" => item.put.as_mut(),
        "PATCH" => item.patch.as_mut(),
        "DELETE" => item.delete.as_mut(),
        _ => None,
    }
}

/// Adds what the table knows: who may call, and every refusal with an example.
fn complete(operation: &mut Operation, route: &Route) {
    let mut codes: Vec<Code> = ANYWHERE.to_vec();
    let schemes: Vec<&str> = route
        .principals
        .iter()
        .copied()
        .flat_map(schemes)
        .copied()
        .collect();
    let required = |scheme: &&str| SecurityRequirement::new(*scheme, [""; 0]);
    operation.security = Some(schemes.iter().map(required).collect());
    if !schemes.is_empty() {
        codes.extend(FOR_SOMEBODY);
        if !route.principals.contains(&Principal::Member) {
            codes.push(Code::MemberForbidden);
        }
        if !route.principals.contains(&Principal::MerchantServer) {
            codes.push(Code::MemberRequired);
        } else if !route.principals.contains(&Principal::MerchantPage) {
            codes.push(Code::ApiKeyPublishable);
        }
    }
    if route.body {
        codes.extend(WITH_BODY);
    }
    codes.extend(route.named.missing());
    codes.extend(route.refusals);
    let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for code in codes {
        by_status
            .entry(code.status().as_u16())
            .or_default()
            .push(code);
    }
    let responses = &mut operation.responses.responses;
    for (status, codes) in by_status {
        responses.insert(status.to_string(), RefOr::T(refusal(&codes)));
    }
}

fn refusal(codes: &[Code]) -> Response {
    let words: Vec<&str> = codes.iter().map(|code| code.as_str()).collect();
    let content = |kind: &str| {
        let examples = codes.iter().map(|code| {
            let value = if kind == "application/json" {
                plain(*code)
            } else {
                problem(*code)
            };
            let example = ExampleBuilder::new()
                .summary(code.message(Language::English))
                .value(Some(value));
            (code.as_str().to_owned(), RefOr::T(example.build()))
        });
        let schema = Ref::from_schema_name(Failed::name());
        let mut content = ContentBuilder::new().examples_from_iter(examples);
        if kind == "application/json" {
            content = content.schema(Some(schema));
        }
        content.build()
    };
    ResponseBuilder::new()
        .description(words.join(", "))
        .content("application/json", content("application/json"))
        .content(
            "application/problem+json",
            content("application/problem+json"),
        )
        .build()
}

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

fn plain(code: Code) -> serde_json::Value {
    let message = code.message(Language::Korean);
    json!({ "code": code.as_str(), "message": message, "errors": [], "traceId": TRACE })
}

fn problem(code: Code) -> serde_json::Value {
    json!({
        "type": page_of(code),
        "title": code.message(Language::Korean),
        "status": code.status().as_u16(),
        "detail": code.message(Language::Korean),
        "instance": occurrence(TRACE),
        "code": code.as_str(),
        "errors": [],
        "traceId": TRACE,
    })
}
