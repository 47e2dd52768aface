//! Owns the shop's pages: which address is answered by what.

mod assets;
mod buying;
mod fields;
mod hooks;
mod live;
mod membership;
mod orders;
pub(crate) mod pages;
mod problem;
mod session;
mod visitor;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;

pub(crate) use self::problem::Problem;
use crate::config::Config;
use crate::hooks::Rotated;
use crate::sales::Shop;

/// No form of the shop is longer.
const BODY_BYTES_MAX: usize = 8 * 1024;
/// Where Payflow tells what happens.
pub(crate) const HOOKS: &str = "/hooks/payflow";
/// No message of Payflow's is longer.
const HOOK_BYTES_MAX: usize = 20_000;
/// Above the longest that Payflow may take.
const REQUEST: Duration = Duration::from_secs(30);

/// What handlers need.
pub(crate) struct Web {
    /// The shop.
    pub(crate) shop: Arc<Shop>,
    /// Whether cookies go over HTTPS only.
    pub(crate) secure_cookies: bool,
    /// What webhooks are verified with, too.
    pub(crate) rotated: Rotated,
    /// How many pages can still be told of changes.
    pub(crate) streams: live::Streams,
    /// When the shop stops.
    pub(crate) end: CancellationToken,
}

impl Web {
    /// What handlers of this shop need, until it ends.
    pub(crate) fn new(shop: Arc<Shop>, config: &Config, end: CancellationToken) -> Self {
        Self {
            shop,
            secure_cookies: config.secure_cookies,
            rotated: Rotated(config.hook_secrets.clone()),
            streams: live::Streams::default(),
            end,
        }
    }
}

/// Every address of the shop.
pub(crate) fn router(web: Arc<Web>) -> Router {
    let pages = Router::new()
        .route("/", get(buying::home))
        .route("/products/{slug}", get(buying::product))
        .route("/cart", get(buying::cart).post(buying::fill_cart))
        .route("/language/{tag}", get(buying::choose_language))
        .route("/plans", get(membership::plans))
        .route("/plans/{code}/card", post(membership::subscribe))
        .route("/cards/{id}/success", get(membership::card_success))
        .route("/cards/{id}/fail", get(membership::card_fail))
        .route("/membership", get(membership::own))
        .route("/membership/{id}/card", post(membership::change_card))
        .route("/membership/{id}/end", post(membership::end))
        .route("/orders", get(orders::list).post(orders::place))
        .route("/orders/{id}", get(orders::show))
        .route("/orders/{id}/account", post(orders::ask_account))
        .route("/orders/{id}/live", get(live::follow))
        .route("/orders/{id}/window", post(orders::open_window))
        .route("/orders/{id}/success", get(orders::success))
        .route("/orders/{id}/fail", get(orders::fail))
        .route("/orders/{id}/refunds", post(orders::refund))
        .route("/orders/{id}/withdraw", post(orders::withdraw))
        .fallback(not_found)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn_with_state(Arc::clone(&web), visitor::frame))
        .with_state(Arc::clone(&web));
    let hooks = Router::new()
        .route(HOOKS, post(hooks::take))
        .layer(DefaultBodyLimit::max(HOOK_BYTES_MAX))
        .with_state(web);
    Router::new()
        .route("/assets/{name}", get(assets::serve))
        .merge(pages)
        .merge(hooks)
        .layer(TimeoutLayer::with_status_code(
            StatusCode::GATEWAY_TIMEOUT,
            REQUEST,
        ))
        .layer(CatchPanicLayer::new())
}

async fn not_found() -> Problem {
    Problem::NotFound
}
