//! Who may call what.

use payflow::presentation::router::{Principal, ROUTES};
use reqwest::Method;
use serde_json::json;

use crate::rig::{OTHER, PUBLISHABLE, Rig, SECRET, SUSPENDED, answer};

#[tokio::test]
async fn each_route_takes_its_principal_only() {
    let rig = Rig::new().await;
    let payment = rig.prepared().await;
    for route in ROUTES {
        let path = route.path.replace("{paymentId}", &payment.id);
        let request = || {
            let body = if route.body { "{}" } else { "" };
            rig.anonymous(route.method.clone(), &path)
                .header("content-type", "application/json")
                .header("idempotency-key", "matrix")
                .body(body)
        };
        let name = format!("{} {path}", route.method);
        match route.principal {
            Principal::Anybody => assert_eq!(answer(request()).await.status, 200, "{name}"),
            Principal::MerchantServer => {
                let anonymous = answer(request()).await;
                assert_eq!(anonymous.code(), "CREDENTIALS_MISSING", "{name}");
                assert!(
                    anonymous.header("www-authenticate").starts_with("Basic "),
                    "{name}"
                );
                let unknown = answer(request().bearer_auth("sk_test_nobody")).await;
                assert_eq!(
                    (unknown.status, unknown.code()),
                    (401, "API_KEY_UNKNOWN"),
                    "{name}"
                );
                let publishable = answer(request().bearer_auth(PUBLISHABLE)).await;
                assert_eq!(publishable.status, 403, "{name}");
                assert_eq!(publishable.code(), "API_KEY_PUBLISHABLE", "{name}");
                let suspended = answer(request().bearer_auth(SUSPENDED)).await;
                let found = (suspended.status, suspended.code());
                assert_eq!(found, (403, "MERCHANT_SUSPENDED"), "{name}");
                let own = answer(request().bearer_auth(SECRET)).await;
                assert!(
                    ![401, 403, 404, 500].contains(&own.status),
                    "{name}: {own:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn somebody_elses_payment_is_not_there() {
    let rig = Rig::new().await;
    let payment = rig.prepared().await;
    let approval = crate::rig::approval(&payment).to_string();
    for (method, tail, body) in [
        (Method::GET, "", ""),
        (Method::GET, "/events", ""),
        (Method::POST, "/checkout", ""),
        (Method::POST, "/approve", approval.as_str()),
    ] {
        let path = format!("/api/v1/payments/{}{tail}", payment.id);
        let request = rig
            .anonymous(method, &path)
            .bearer_auth(OTHER)
            .header("content-type", "application/json")
            .header("idempotency-key", "theirs")
            .body(body.to_owned());
        let answer = answer(request).await;
        assert_eq!(
            (answer.status, answer.code()),
            (404, "PAYMENT_NOT_FOUND"),
            "{path}"
        );
    }
    assert_eq!(rig.gateway.confirms(), 0);
    let listed = answer(
        rig.anonymous(Method::GET, "/api/v1/payments")
            .bearer_auth(OTHER),
    )
    .await;
    assert_eq!(listed.body["data"]["payments"], json!([]));
    assert_eq!(
        rig.get("/api/v1/payments/pay_nonsense").await.code(),
        "PAYMENT_NOT_FOUND"
    );
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
