//! Who may call what.

use std::time::Duration;

use application::ports::store::Access;
use domain::merchant::Status;
use payflow::presentation::router::{Principal, ROUTES, Route};
use reqwest::{Method, RequestBuilder};
use serde_json::json;
use tokio::time::sleep;

use crate::rig::{
    LIVE, OTHER, OTHER_PUBLISHABLE, PUBLISHABLE, Prepared, Rig, SECRET, SUSPENDED, answer,
    approval, text,
};

/// A request that its route could take, and what it is about.
struct Walk {
    payment: Prepared,
    key: String,
}

impl Walk {
    /// With a payment and a key to spare.
    async fn begin(rig: &Rig) -> Self {
        let issued = rig.post("/api/v1/api-keys", r#"{"kind":"secret"}"#).await;
        Self {
            payment: rig.prepared().await,
            key: text(&issued.body["data"]["apiKey"]["apiKeyId"]).to_owned(),
        }
    }

    fn request(&self, rig: &Rig, route: &Route) -> RequestBuilder {
        let path = route.path.replace("{paymentId}", &self.payment.id);
        let path = path.replace("{apiKeyId}", &self.key);
        let path = path.replace("{operation}", "approvals");
        let body = match (route.method, route.path) {
            (&Method::POST, "/api/v1/payments") => {
                json!({ "orderId": rig.order(), "orderName": "생수", "amount": 1000 }).to_string()
            }
            (_, path) if path.ends_with("/approve") => approval(&self.payment).to_string(),
            (_, path) if path.ends_with("/cancel") => json!({ "reason": "r" }).to_string(),
            (&Method::POST, "/api/v1/api-keys") => json!({ "kind": "secret" }).to_string(),
            (&Method::PUT, _) => json!({ "paused": false, "why": "w" }).to_string(),
            _ if route.body => "{}".to_owned(),
            _ => String::new(),
        };
        rig.anonymous(route.method.clone(), &path)
            .header("content-type", "application/json")
            .header("idempotency-key", format!("walk-{path}"))
            .body(body)
    }
}

#[test]
fn where_a_page_may_call_its_server_may() {
    for route in ROUTES {
        let may = |principal| route.principals.contains(&principal);
        let name = format!("{} {}", route.method, route.path);
        assert!(
            !may(Principal::MerchantPage) || may(Principal::MerchantServer),
            "{name}"
        );
        assert!(
            !may(Principal::Anybody) || route.principals.len() == 1,
            "{name}"
        );
        assert!(!route.principals.is_empty(), "{name}");
    }
    let pages = ROUTES
        .iter()
        .filter(|route| route.principals.contains(&Principal::MerchantPage));
    let pages: Vec<&str> = pages.map(|route| route.path).collect();
    assert_eq!(pages, ["/api/v1/payments/{paymentId}/checkout"]);
}

#[tokio::test]
async fn each_route_takes_its_principals_only() {
    let rig = Rig::new().await;
    for route in ROUTES {
        let name = format!("{} {}", route.method, route.path);
        // What is its caller's own is used up by the call: a new one for each route.
        let walk = Walk::begin(&rig).await;
        let request = || walk.request(&rig, route);
        if route.principals.contains(&Principal::Anybody) {
            assert_eq!(answer(request()).await.status, 200, "{name}");
            continue;
        }
        let anonymous = answer(request()).await;
        assert_eq!(anonymous.code(), "CREDENTIALS_MISSING", "{name}");
        let challenge = anonymous.header("www-authenticate");
        assert!(challenge.starts_with("Basic "), "{name}");
        for (key, status, code) in [
            ("sk_test_nobody", 401, "API_KEY_UNKNOWN"),
            (SUSPENDED, 403, "MERCHANT_SUSPENDED"),
        ] {
            let refused = answer(request().bearer_auth(key)).await;
            assert_eq!((refused.status, refused.code()), (status, code), "{name}");
        }
        let page = answer(request().bearer_auth(PUBLISHABLE)).await;
        if route.principals.contains(&Principal::MerchantPage) {
            assert_eq!(page.status, 200, "{name}: {page:?}");
        } else {
            let found = (page.status, page.code());
            assert_eq!(found, (403, "API_KEY_PUBLISHABLE"), "{name}");
        }
        let unsigned = answer(request().bearer_auth("a.b.c")).await;
        let found = (unsigned.status, unsigned.code());
        assert_eq!(found, (401, "TOKEN_INVALID"), "{name}");
        let token = rig.members.token("member-1");
        let member = answer(request().bearer_auth(token)).await;
        if route.principals.contains(&Principal::Member) {
            // The payment of the walk names no member: a list is taken, a payment not there.
            let expected = if route.path.contains('{') { 404 } else { 200 };
            assert_eq!(member.status, expected, "{name}: {member:?}");
        } else {
            let found = (member.status, member.code());
            assert_eq!(found, (403, "MEMBER_FORBIDDEN"), "{name}");
        }
        let own = answer(request().bearer_auth(SECRET)).await;
        assert!([200, 201].contains(&own.status), "{name}: {own:?}");
    }
}

#[tokio::test]
async fn what_is_another_merchants_or_modes_is_not_there() {
    let rig = Rig::new().await;
    let walk = Walk::begin(&rig).await;
    let before = rig.get("/api/v1/api-keys").await.body["data"].clone();
    for stranger in [OTHER, LIVE, OTHER_PUBLISHABLE] {
        for route in ROUTES {
            let name = format!("{stranger}: {} {}", route.method, route.path);
            let is_page = stranger == OTHER_PUBLISHABLE;
            let may_call = !is_page || route.principals.contains(&Principal::MerchantPage);
            // A switch is named by a word, the same for everybody: each caller turns its own.
            if !route.path.contains("Id}") || !may_call {
                continue;
            }
            let request = walk.request(&rig, route).bearer_auth(stranger);
            let found = answer(request).await;
            let missing = if route.path.contains("{paymentId}") {
                "PAYMENT_NOT_FOUND"
            } else {
                "API_KEY_NOT_FOUND"
            };
            assert_eq!((found.status, found.code()), (404, missing), "{name}");
        }
    }
    for stranger in [OTHER, LIVE] {
        for path in ["/api/v1/payments", "/api/v1/api-keys"] {
            let request = rig.anonymous(Method::GET, path).bearer_auth(stranger);
            let listed = answer(request).await;
            assert_eq!(listed.status, 200, "{path}");
            let told = listed.body.to_string();
            let ours = [&walk.payment.id, &walk.key];
            assert!(ours.iter().all(|id| !told.contains(*id)), "{path}: {told}");
        }
    }
    assert_eq!(rig.gateway.confirms(), 0);
    let payment = rig
        .get(&format!("/api/v1/payments/{}", walk.payment.id))
        .await;
    assert_eq!(payment.body["data"]["status"], "READY");
    assert_eq!(rig.get("/api/v1/api-keys").await.body["data"], before);
    for path in ["/api/v1/payments/pay_nonsense", "/api/v1/payments/key_1"] {
        assert_eq!(rig.get(path).await.code(), "PAYMENT_NOT_FOUND");
    }
}

#[tokio::test]
async fn a_test_order_and_a_live_order_do_not_meet() {
    let rig = Rig::new().await;
    let body = json!({ "orderId": "order-both", "orderName": "생수", "amount": 1000 });
    let mut payments = Vec::new();
    for key in [SECRET, LIVE, OTHER] {
        let request = rig
            .anonymous(Method::POST, "/api/v1/payments")
            .bearer_auth(key);
        let request = request.header("idempotency-key", "both").json(&body);
        let prepared = answer(request).await;
        assert_eq!(prepared.status, 201, "{key}: {prepared:?}");
        assert_eq!(prepared.header("idempotent-replayed"), "", "{key}");
        payments.push(text(&prepared.body["data"]["paymentId"]).to_owned());
    }
    payments.dedup();
    assert_eq!(payments.len(), 3);
}

#[tokio::test]
async fn a_suspended_merchant_is_refused_within_a_short_while_and_resumed_again() {
    let rig = Rig::with("[timings]\ndivide_by = 10\n").await;
    let merchants = rig.store.merchants().await.unwrap();
    assert_eq!(rig.get("/api/v1/payments").await.status, 200);
    for (status, expected) in [(Status::Suspended, 403), (Status::Active, 200)] {
        for merchant in &merchants {
            let tenancy = rig.running.app.tenancy();
            tenancy.set_status(merchant.id, status).await.unwrap();
        }
        // A tenth of what copies of the service may go on with.
        sleep(Duration::from_millis(500)).await;
        assert_eq!(rig.get("/api/v1/payments").await.status, expected);
    }
}

#[tokio::test]
async fn credentials_come_as_basic_or_bearer() {
    let rig = Rig::new().await;
    let with = |value: String| {
        let request = rig.anonymous(Method::GET, "/api/v1/payments");
        answer(request.header("authorization", value))
    };
    // sk_test_one: in base 64, padded; then without the colon, with a password, and not base 64.
    for accepted in [
        "Basic c2tfdGVzdF9vbmU6",
        "basic c2tfdGVzdF9vbmU6",
        "BEARER sk_test_one",
    ] {
        assert_eq!(with(accepted.to_owned()).await.status, 200, "{accepted}");
    }
    for malformed in [
        "Basic c2tfdGVzdF9vbmU=",
        "Basic c2tfdGVzdF9vbmU6cGFzcw==",
        "Basic %%%",
        "Basic",
        "Bearer ",
        "sk_test_one",
    ] {
        let answer = with(malformed.to_owned()).await;
        let found = (answer.status, answer.code());
        assert_eq!(found, (401, "CREDENTIALS_MALFORMED"), "{malformed}");
    }
}

#[tokio::test]
async fn identity_headers_change_nothing() {
    let rig = Rig::new().await;
    let request = rig.anonymous(Method::GET, "/api/v1/payments");
    let request = request
        .header("x-user-id", "1")
        .header("x-authorization-id", "1")
        .header("forwarded", "for=127.0.0.1")
        .header("x-forwarded-for", "127.0.0.1");
    assert_eq!(answer(request).await.status, 401);
}
