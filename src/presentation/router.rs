//! Owns which handler answers which route, and what every request passes before it.

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use tower::util::option_layer;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::catalogue::Code;
use super::envelope::Failure;
pub use super::reach::{Named, Principal, Reach};
pub use super::table::{PAGES, ROUTES, Route};
use super::{
    Api, api_keys, authorise, billing, body, cancel, cors, edge, events, feed, health, hooks, keys,
    limits, middleware, pages, payments, plans, step_up, stream, subscriptions, switches,
    virtual_account, webhooks,
};

/// The handlers, with the description that is generated from them.
pub(super) fn described() -> OpenApiRouter<Arc<Api>> {
    money().merge(told()).merge(
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
        .routes(routes!(billing::charge))
        .routes(routes!(virtual_account::issue))
        .routes(routes!(step_up::ask))
        .routes(routes!(events::list))
        .routes(routes!(feed::list))
        .routes(routes!(stream::open))
        .routes(routes!(keys::issue))
        .routes(routes!(api_keys::issue, api_keys::list))
        .routes(routes!(api_keys::rotate))
        .routes(routes!(api_keys::revoke))
        .routes(routes!(webhooks::make, webhooks::list))
        .routes(routes!(webhooks::read, webhooks::change, webhooks::delete))
        .routes(routes!(webhooks::rotate))
        .routes(routes!(webhooks::deliveries::list))
        .routes(routes!(webhooks::deliveries::attempts))
        .routes(routes!(webhooks::deliveries::again))
        .routes(routes!(billing::register, billing::list))
        .routes(routes!(billing::read, billing::delete))
        .routes(routes!(billing::issue))
        .routes(routes!(billing::prefer))
        .routes(routes!(plans::list))
        .routes(routes!(
            subscriptions::subscribe,
            subscriptions::reads::list
        ))
        .routes(routes!(subscriptions::reads::read))
        .routes(routes!(subscriptions::end))
        .routes(routes!(subscriptions::pay_with))
        .routes(routes!(subscriptions::reads::schedule))
        .routes(routes!(subscriptions::reads::cycles))
        .routes(routes!(subscriptions::reads::summary))
        .routes(routes!(subscriptions::reads::events))
        .routes(routes!(subscriptions::reads::entitlements))
        .routes(routes!(switches::list))
        .routes(routes!(switches::turn))
}

/// What gateways tell: with places of its own, and a body that is taken as it is.
fn told() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new().routes(routes!(hooks::take))
}

/// The API, ready to be served.
pub fn router(api: &Arc<Api>) -> Router {
    let shed = from_fn_with_state(Arc::clone(api), middleware::shed);
    let whole = from_fn_with_state(Arc::clone(api), body::whole);
    let authorised = from_fn_with_state(Arc::clone(api), authorise::authorised);
    let (money, _) = money().split_for_parts();
    let (told, _) = told().split_for_parts();
    let by_merchant = from_fn_with_state(Arc::clone(api), limits::by_merchant);
    let by_address = from_fn_with_state(Arc::clone(api), limits::by_address);
    // The last one is asked first.
    let answers = money
        .route_layer(shed)
        .route_layer(whole)
        .route_layer(by_merchant)
        .merge(told)
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
