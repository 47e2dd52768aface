//! Owns how a cell's request is made, whole but for who sends it.

use std::sync::atomic::Ordering;

use payflow::presentation::router::{Named, Route};
use reqwest::{Method, RequestBuilder};
use serde_json::json;

use super::callers::{A, Is};
use super::world::{ENDPOINTS, HOOKS, KEYS, PAYMENTS, Target, World};
use crate::rig::offers::{SUBSCRIPTIONS, WATER};
use crate::rig::{BILLING_KEYS, DEVICE};

impl World {
    /// The request of a cell, whole but for who sends it.
    pub(super) fn request(
        &self,
        method: &Method,
        route: &Route,
        at: &Target,
        is: Is,
    ) -> RequestBuilder {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let path = match route.named.parameter() {
            Some(parameter) => route.path.replace(parameter, &at.id),
            None => route.path.to_owned(),
        };
        let query = match (route.method, route.path) {
            (&Method::GET, PAYMENTS) => "?limit=100".to_owned(),
            // A server has to say whose; a member's are their own.
            (&Method::GET, BILLING_KEYS) if matches!(is, Is::Server(_)) => {
                format!("?memberId={A}")
            }
            (_, path) if path.ends_with("/attempts") => format!("?eventId={}-1", self.payment.id),
            _ => String::new(),
        };
        let body = match (route.method, route.path) {
            (&Method::POST, PAYMENTS) => {
                json!({ "orderId": self.rig.order(), "orderName": "생수", "amount": 15000 })
            }
            (&Method::POST, BILLING_KEYS) if matches!(is, Is::Server(_)) => {
                json!({ "memberId": A })
            }
            (&Method::POST, SUBSCRIPTIONS) => json!({ "memberId": A, "planCode": WATER }),
            (&Method::POST, ENDPOINTS) => json!({ "url": HOOKS }),
            // Up to before the first event.
            (_, path) if path.ends_with("/redeliver") => json!({ "until": "MS4xLjA" }),
            (&Method::PATCH, _) => json!({ "enabled": false }),
            (&Method::POST, KEYS) => json!({ "kind": "publishable" }),
            (_, path) if path.ends_with("/approve") || path.ends_with("/issue") => {
                at.approval.clone()
            }
            (_, path) if path.ends_with("/billing-key") => at.approval.clone(),
            (_, path) if path.ends_with("/cancel") => json!({ "reason": "r" }),
            (_, path) if path.ends_with("/virtual-account") => {
                json!({ "bank": "20", "customerName": "김토스" })
            }
            (_, path) if path.ends_with("/step-up") => {
                json!({ "deviceId": DEVICE, "action": "approve" })
            }
            (&Method::PUT, _) => json!({ "paused": false, "why": "w" }),
            _ => json!({}),
        };
        let request = self
            .rig
            .anonymous(method.clone(), &format!("{path}{query}"));
        if route.named == Named::HookToken {
            return request.json(&json!({ "eventType": "N", "number": number }));
        }
        if !route.body {
            return request;
        }
        request
            .header("idempotency-key", format!("cell-{number}"))
            .json(&body)
    }
}
