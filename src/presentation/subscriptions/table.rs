//! Owns the rows of the table of routes that have to do with subscriptions.

use axum::http::Method;

use crate::presentation::catalogue::Code;
use crate::presentation::reach::Named;
use crate::presentation::refusals;
use crate::presentation::table::{Route, SERVER, SERVER_OR_MEMBER};

/// Subscribing a member. Not for members: what they would prove themselves for is not there yet.
pub(in crate::presentation) const SUBSCRIBE: Route = Route {
    method: &Method::POST,
    path: "/api/v1/subscriptions",
    named: Named::Nothing,
    principals: SERVER,
    body: true,
    refusals: refusals::SUBSCRIBE,
};

/// Their list.
pub(in crate::presentation) const LIST: Route = Route {
    method: &Method::GET,
    path: "/api/v1/subscriptions",
    named: Named::Nothing,
    principals: SERVER_OR_MEMBER,
    body: false,
    refusals: &[Code::InvalidRequest],
};

/// One of them.
pub(in crate::presentation) const READ: Route = read("/api/v1/subscriptions/{subscriptionId}", &[]);

/// Its end.
pub(in crate::presentation) const END: Route = Route {
    method: &Method::POST,
    path: "/api/v1/subscriptions/{subscriptionId}/cancel",
    named: Named::Subscription,
    principals: SERVER_OR_MEMBER,
    body: true,
    refusals: refusals::END_SUBSCRIPTION,
};

/// Its card.
pub(in crate::presentation) const PAY_WITH: Route = Route {
    method: &Method::PUT,
    path: "/api/v1/subscriptions/{subscriptionId}/billing-key",
    named: Named::Subscription,
    principals: SERVER_OR_MEMBER,
    body: true,
    refusals: refusals::PAY_WITH,
};

/// Its charges ahead.
pub(in crate::presentation) const SCHEDULE: Route =
    read("/api/v1/subscriptions/{subscriptionId}/schedule", &[]);

/// Its cycles.
pub(in crate::presentation) const CYCLES: Route = read(
    "/api/v1/subscriptions/{subscriptionId}/cycles",
    &[Code::InvalidRequest],
);

/// What became of its cycles.
pub(in crate::presentation) const SUMMARY: Route = read(
    "/api/v1/subscriptions/{subscriptionId}/summary",
    &[Code::InvalidRequest],
);

/// What was done to it.
pub(in crate::presentation) const EVENTS: Route = read(
    "/api/v1/subscriptions/{subscriptionId}/events",
    &[Code::InvalidRequest],
);

/// What a member has paid for.
pub(in crate::presentation) const ENTITLEMENTS: Route = Route {
    method: &Method::GET,
    path: "/api/v1/entitlements/{memberId}",
    named: Named::Member,
    principals: SERVER,
    body: false,
    refusals: &[Code::InvalidRequest],
};

const fn read(path: &'static str, refusals: &'static [Code]) -> Route {
    Route {
        method: &Method::GET,
        path,
        named: Named::Subscription,
        principals: SERVER_OR_MEMBER,
        body: false,
        refusals,
    }
}
