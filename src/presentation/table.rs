//! Owns the one table of routes: who may call each, and which refusals each can answer with.

use axum::http::Method;

use super::catalogue::Code;
use super::reach::{Named, Principal};
use super::refusals;
use super::subscriptions::table as subscriptions;

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
pub(super) const SERVER: &[Principal] = &[Principal::MerchantServer];
const GATEWAY: &[Principal] = &[Principal::Gateway];
const MEMBER: &[Principal] = &[Principal::Member];
pub(super) const SERVER_OR_MEMBER: &[Principal] = &[Principal::MerchantServer, Principal::Member];
const SERVER_PAGE_OR_MEMBER: &[Principal] = &[
    Principal::MerchantServer,
    Principal::MerchantPage,
    Principal::Member,
];

/// The pages for people; anybody may read them.
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
        refusals: refusals::PREPARE,
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
        refusals: refusals::CHECKOUT,
    },
    Route {
        method: &Method::POST,
        path: "/api/v1/payments/{paymentId}/approve",
        named: Named::Payment,
        principals: SERVER_OR_MEMBER,
        body: true,
        refusals: refusals::APPROVE,
    },
    Route {
        method: &Method::POST,
        path: "/api/v1/payments/{paymentId}/charge",
        named: Named::Payment,
        principals: SERVER_OR_MEMBER,
        body: true,
        refusals: refusals::CHARGE,
    },
    super::virtual_account::ISSUE,
    Route {
        method: &Method::POST,
        path: "/api/v1/payments/{paymentId}/cancel",
        named: Named::Payment,
        principals: SERVER_OR_MEMBER,
        body: true,
        refusals: refusals::CANCEL,
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
        refusals: &[
            Code::InvalidRequest,
            Code::CursorExpired,
            Code::EventUnreadable,
        ],
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
        method: &Method::POST,
        path: "/api/v1/webhook-endpoints",
        named: Named::Nothing,
        principals: SERVER,
        body: true,
        refusals: &[
            Code::InvalidRequest,
            Code::WebhookEndpointLimit,
            Code::TooManyConflicts,
        ],
    },
    Route {
        method: &Method::GET,
        path: "/api/v1/webhook-endpoints",
        named: Named::Nothing,
        principals: SERVER,
        body: false,
        refusals: &[],
    },
    Route {
        method: &Method::GET,
        path: "/api/v1/webhook-endpoints/{endpointId}",
        named: Named::Endpoint,
        principals: SERVER,
        body: false,
        refusals: &[],
    },
    Route {
        method: &Method::PATCH,
        path: "/api/v1/webhook-endpoints/{endpointId}",
        named: Named::Endpoint,
        principals: SERVER,
        body: true,
        refusals: &[Code::InvalidRequest, Code::TooManyConflicts],
    },
    Route {
        method: &Method::DELETE,
        path: "/api/v1/webhook-endpoints/{endpointId}",
        named: Named::Endpoint,
        principals: SERVER,
        body: false,
        refusals: &[Code::TooManyConflicts],
    },
    Route {
        method: &Method::POST,
        path: "/api/v1/webhook-endpoints/{endpointId}/rotate",
        named: Named::Endpoint,
        principals: SERVER,
        body: true,
        refusals: &[
            Code::InvalidRequest,
            Code::WebhookSecretLimit,
            Code::TooManyConflicts,
        ],
    },
    Route {
        method: &Method::GET,
        path: "/api/v1/webhook-endpoints/{endpointId}/deliveries",
        named: Named::Endpoint,
        principals: SERVER,
        body: false,
        refusals: &[Code::InvalidRequest],
    },
    Route {
        method: &Method::GET,
        path: "/api/v1/webhook-endpoints/{endpointId}/attempts",
        named: Named::Endpoint,
        principals: SERVER,
        body: false,
        refusals: &[Code::InvalidRequest],
    },
    Route {
        method: &Method::POST,
        path: "/api/v1/webhook-endpoints/{endpointId}/redeliver",
        named: Named::Endpoint,
        principals: SERVER,
        body: true,
        refusals: &[
            Code::InvalidRequest,
            Code::WebhookDeliveryNotFound,
            Code::WebhookEndpointDisabled,
            Code::CursorExpired,
            Code::TooManyConflicts,
        ],
    },
    Route {
        method: &Method::POST,
        path: "/api/v1/billing-keys",
        named: Named::Nothing,
        principals: SERVER_OR_MEMBER,
        body: true,
        refusals: refusals::REGISTER,
    },
    Route {
        method: &Method::GET,
        path: "/api/v1/billing-keys",
        named: Named::Nothing,
        principals: SERVER_OR_MEMBER,
        body: false,
        refusals: &[Code::InvalidRequest],
    },
    Route {
        method: &Method::GET,
        path: "/api/v1/billing-keys/{billingKeyId}",
        named: Named::BillingKey,
        principals: SERVER_OR_MEMBER,
        body: false,
        refusals: &[],
    },
    Route {
        method: &Method::POST,
        path: "/api/v1/billing-keys/{billingKeyId}/issue",
        named: Named::BillingKey,
        principals: SERVER_OR_MEMBER,
        body: true,
        refusals: refusals::ISSUE,
    },
    Route {
        method: &Method::PUT,
        path: "/api/v1/billing-keys/{billingKeyId}/default",
        named: Named::BillingKey,
        principals: SERVER_OR_MEMBER,
        body: false,
        refusals: refusals::PREFER,
    },
    Route {
        method: &Method::DELETE,
        path: "/api/v1/billing-keys/{billingKeyId}",
        named: Named::BillingKey,
        principals: SERVER_OR_MEMBER,
        body: false,
        refusals: refusals::DELETE_BILLING_KEY,
    },
    Route {
        method: &Method::GET,
        path: "/api/v1/plans",
        named: Named::Nothing,
        principals: SERVER_OR_MEMBER,
        body: false,
        refusals: &[],
    },
    subscriptions::SUBSCRIBE,
    subscriptions::LIST,
    subscriptions::READ,
    subscriptions::END,
    subscriptions::PAY_WITH,
    subscriptions::SCHEDULE,
    subscriptions::CYCLES,
    subscriptions::SUMMARY,
    subscriptions::EVENTS,
    subscriptions::ENTITLEMENTS,
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
        method: &Method::POST,
        path: "/webhooks/toss/{hookToken}",
        named: Named::HookToken,
        principals: GATEWAY,
        // As it comes, whatever it is.
        body: false,
        refusals: &[
            Code::MalformedBody,
            Code::BodyTimeout,
            Code::BodyTooLarge,
            Code::RateLimited,
            Code::Overloaded,
            Code::StoreUnavailable,
            Code::TooManyConflicts,
        ],
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
