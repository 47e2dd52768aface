//! Owns the one table of routes: who may call each, and which refusals each can answer with.

use std::sync::Arc;

use axum::Router;
use axum::http::Method;
use axum::middleware::{from_fn, from_fn_with_state};
use tower::util::option_layer;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::catalogue::Code;
use super::envelope::Failure;
pub use super::reach::{Named, Principal, Reach};
use super::{
    Api, api_keys, authorise, body, cancel, cors, edge, events, feed, health, keys, limits,
    middleware, pages, payments, step_up, stream, switches,
};

/// A route.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// Its method.
    pub method: &'static Method,
    /// Its path template.
    pub path: &'static str,
    /// What its path names.
    pub named: Named,
    /// Who may call it.
    pub principals: &'static [Principal],
    /// Whether it reads a JSON body.
    pub body: bool,
    /// The refusals of its own, besides those that follow from the other columns.
    pub refusals: &'static [Code],
}

impl Route {
    /// Whether members may have to prove themselves here.
    pub(super) fn takes_proof(&self) -> bool {
        self.refusals.contains(&Code::StepUpRequired)
    }
}

const ANYBODY: &[Principal] = &[Principal::Anybody];
const SERVER: &[Principal] = &[Principal::MerchantServer];
const MEMBER: &[Principal] = &[Principal::Member];
const SERVER_OR_MEMBER: &[Principal] = &[Principal::MerchantServer, Principal::Member];
const SERVER_PAGE_OR_MEMBER: &[Principal] = &[
    Principal::MerchantServer,
    Principal::MerchantPage,
    Principal::Member,
];

/// The pages for people, which anybody may read.
pub const PAGES: &[&str] = &[
    "/docs",
    "/docs/",
    "/docs/{*rest}",
    "/docs/errors",
    "/docs/errors/{code}",
    "/openapi.json",
];

/// Every route of the API. A request to what is neither in here nor a page is refused.
pub const ROUTES: &[Route] = &[
    Route {
        method: &Method::POST,
        path: "/api/v1/payments",
        named: Named::Nothing,
        principals: SERVER,
        body: true,
        refusals: &[
            Code::InvalidRequest,
            Code::IdempotencyKeyMalformed,
            Code::IdempotencyKeyNotIssued,
            Code::IdempotencyKeyReused,
            Code::IdempotencyKeyInProgress,
            Code::OrderTaken,
            Code::GatewayNotConfigured,
            Code::GatewayAccountDisabled,
            Code::TooManyConflicts,
        ],
    },
    Route {
        method: &Method::GET,
        path: "/api/v1/payments",
        named: Named::Nothing,
        principals: SERVER_OR_MEMBER,
        body: false,
        refusals: &[Code::InvalidRequest],
    },
    Route {
        method: &Method::GET,
        path: "/api/v1/payments/{paymentId}",
        named: Named::Payment,
        principals: SERVER_OR_MEMBER,
        body: false,
        refusals: &[],
    },
    Route {
        method: &Method::POST,
        path: "/api/v1/payments/{paymentId}/checkout",
        named: Named::Payment,
        principals: SERVER_PAGE_OR_MEMBER,
        body: false,
        refusals: &[
            Code::PaymentInProgress,
            Code::PaymentAlreadyApproved,
            Code::PaymentClosed,
            Code::PaymentExpired,
            Code::TooManyConflicts,
        ],
    },
    Route {
        method: &Method::POST,
        path: "/api/v1/payments/{paymentId}/approve",
        named: Named::Payment,
        principals: SERVER_OR_MEMBER,
        body: true,
        refusals: &[
            Code::InvalidRequest,
            Code::IdempotencyKeyMissing,
            Code::IdempotencyKeyMalformed,
            Code::IdempotencyKeyNotIssued,
            Code::IdempotencyKeyReused,
            Code::IdempotencyKeyInProgress,
            Code::StepUpRequired,
            Code::StepUpProofInvalid,
            Code::StepUpProofExpired,
            Code::StepUpProofSpent,
            Code::DeviceIdMalformed,
            Code::GatewayOrderMismatch,
            Code::AmountMismatch,
            Code::PaymentDeclined,
            Code::PaymentInProgress,
            Code::PaymentAlreadyApproved,
            Code::PaymentClosed,
            Code::PaymentExpired,
            Code::PaymentKeySpent,
            Code::PaymentKindMismatch,
            Code::GatewayUnavailable,
            Code::GatewayBusy,
            Code::GatewayNotConfigured,
            Code::OperationPaused,
            Code::GatewayAccountDisabled,
            Code::ShuttingDown,
            Code::TooManyConflicts,
        ],
    },
    Route {
        method: &Method::POST,
        path: "/api/v1/payments/{paymentId}/cancel",
        named: Named::Payment,
        principals: SERVER_OR_MEMBER,
        body: true,
        refusals: &[
            Code::InvalidRequest,
            Code::IdempotencyKeyMissing,
            Code::IdempotencyKeyMalformed,
            Code::IdempotencyKeyNotIssued,
            Code::IdempotencyKeyReused,
            Code::IdempotencyKeyInProgress,
            Code::StepUpRequired,
            Code::StepUpProofInvalid,
            Code::StepUpProofExpired,
            Code::StepUpProofSpent,
            Code::DeviceIdMalformed,
            Code::PaymentInProgress,
            Code::PaymentNotCancelable,
            Code::CancelOverBalance,
            Code::CancelTaxFreeMismatch,
            Code::CancelPartOfUnpaid,
            Code::CancelDeclined,
            Code::GatewayUnavailable,
            Code::GatewayBusy,
            Code::GatewayNotConfigured,
            Code::OperationPaused,
            Code::ShuttingDown,
            Code::TooManyConflicts,
        ],
    },
    Route {
        method: &Method::POST,
        path: "/api/v1/payments/{paymentId}/step-up",
        named: Named::Payment,
        principals: MEMBER,
        body: true,
        refusals: &[Code::InvalidRequest, Code::TooManyConflicts],
    },
    Route {
        method: &Method::GET,
        path: "/api/v1/payments/{paymentId}/events",
        named: Named::Payment,
        principals: SERVER_OR_MEMBER,
        body: false,
        refusals: &[Code::InvalidRequest],
    },
    Route {
        method: &Method::GET,
        path: "/api/v1/payments/{paymentId}/stream",
        named: Named::Payment,
        principals: SERVER_OR_MEMBER,
        body: false,
        refusals: &[Code::InvalidRequest, Code::StreamLimit, Code::ShuttingDown],
    },
    Route {
        method: &Method::GET,
        path: "/api/v1/events",
        named: Named::Nothing,
        principals: SERVER,
        body: false,
        refusals: &[Code::InvalidRequest, Code::CursorExpired],
    },
    Route {
        method: &Method::POST,
        path: "/api/v1/idempotency-keys",
        named: Named::Nothing,
        principals: SERVER,
        body: false,
        refusals: &[],
    },
    Route {
        method: &Method::POST,
        path: "/api/v1/api-keys",
        named: Named::Nothing,
        principals: SERVER,
        body: true,
        refusals: &[
            Code::InvalidRequest,
            Code::ApiKeyLimit,
            Code::TooManyConflicts,
        ],
    },
    Route {
        method: &Method::GET,
        path: "/api/v1/api-keys",
        named: Named::Nothing,
        principals: SERVER,
        body: false,
        refusals: &[],
    },
    Route {
        method: &Method::POST,
        path: "/api/v1/api-keys/{apiKeyId}/rotate",
        named: Named::ApiKey,
        principals: SERVER,
        body: true,
        refusals: &[
            Code::InvalidRequest,
            Code::ApiKeyEnding,
            Code::ApiKeyLimit,
            Code::TooManyConflicts,
        ],
    },
    Route {
        method: &Method::DELETE,
        path: "/api/v1/api-keys/{apiKeyId}",
        named: Named::ApiKey,
        principals: SERVER,
        body: false,
        refusals: &[Code::ApiKeyLast, Code::TooManyConflicts],
    },
    Route {
        method: &Method::GET,
        path: "/api/v1/switches",
        named: Named::Nothing,
        principals: SERVER,
        body: false,
        refusals: &[],
    },
    Route {
        method: &Method::PUT,
        path: "/api/v1/switches/{operation}",
        named: Named::Switch,
        principals: SERVER,
        body: true,
        refusals: &[Code::InvalidRequest, Code::TooManyConflicts],
    },
    Route {
        method: &Method::GET,
        path: "/health/live",
        named: Named::Nothing,
        principals: ANYBODY,
        body: false,
        refusals: &[],
    },
    Route {
        method: &Method::GET,
        path: "/health/ready",
        named: Named::Nothing,
        principals: ANYBODY,
        body: false,
        refusals: &[Code::StoreUnavailable, Code::ShuttingDown],
    },
];

/// The handlers, with the description that is generated from them.
pub(super) fn described() -> OpenApiRouter<Arc<Api>> {
    money().merge(
        OpenApiRouter::new()
            .routes(routes!(health::live))
            .routes(routes!(health::ready)),
    )
}

/// What may be refused when too much is under way; health answers even then.
fn money() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(payments::prepare, payments::list))
        .routes(routes!(payments::read))
        .routes(routes!(payments::checkout))
        .routes(routes!(payments::approve))
        .routes(routes!(cancel::cancel))
        .routes(routes!(step_up::ask))
        .routes(routes!(events::list))
        .routes(routes!(feed::list))
        .routes(routes!(stream::open))
        .routes(routes!(keys::issue))
        .routes(routes!(api_keys::issue, api_keys::list))
        .routes(routes!(api_keys::rotate))
        .routes(routes!(api_keys::revoke))
        .routes(routes!(switches::list))
        .routes(routes!(switches::turn))
}

/// The API, ready to be served.
pub fn router(api: &Arc<Api>) -> Router {
    let shed = from_fn_with_state(Arc::clone(api), middleware::shed);
    let whole = from_fn_with_state(Arc::clone(api), body::whole);
    let authorised = from_fn_with_state(Arc::clone(api), authorise::authorised);
    let (money, _) = money().split_for_parts();
    let by_merchant = from_fn_with_state(Arc::clone(api), limits::by_merchant);
    let by_address = from_fn_with_state(Arc::clone(api), limits::by_address);
    // The last one is asked first.
    let answers = money
        .route_layer(shed)
        .route_layer(whole)
        .route_layer(by_merchant)
        .merge(pages::routes())
        .route_layer(authorised)
        .route_layer(by_address);
    framed(answers, api)
}

/// The answers to probes alone, for a copy that takes no requests.
pub fn probes(api: &Arc<Api>) -> Router {
    framed(Router::new(), api)
}

/// With the answers to probes, and in the form of every answer.
fn framed(answers: Router<Arc<Api>>, api: &Arc<Api>) -> Router {
    let authorised = from_fn_with_state(Arc::clone(api), authorise::authorised);
    let (health, _) = OpenApiRouter::new()
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .split_for_parts();
    answers
        .merge(health.route_layer(authorised))
        .fallback(async || Failure::from(Code::RouteNotFound))
        .method_not_allowed_fallback(async || Failure::from(Code::MethodNotAllowed))
        .layer(CatchPanicLayer::custom(middleware::panicked))
        .layer(from_fn(edge::unambiguous))
        .layer(option_layer(cors::layer(&api.settings.cors_origins)))
        .layer(from_fn_with_state(Arc::clone(api), middleware::frame))
        .with_state(Arc::clone(api))
}
