//! What is asked over the API: rightly, wrongly, by strangers, members and holders of keys.

use application::ports::Clock as _;
use payflow::adapters::clock::Wall;
use reqwest::Method;
use serde_json::{Value, json};

use super::stand::{SHARED, Stand};
use crate::jwt::forge::{Issued, Signer};
use crate::rig::{answer, text};

const NAME: &str = "카나리아";
const MEMBER: &str = "member-canary-7391";
const DEVICE: &str = "canary-of-a-device-6152";
const REASON: &str = "전화 010-2345-6789 로 문의";
const CARD: &str = "4111111111111111";
const CARD_SPACED: &str = "5555 5555 5555 4444";
const GUESS: &str = "sk_test_canary_of_somebody_else";
const IN_PATH: &str = "canary-in-a-path-5120";
const IN_QUERY: &str = "canary-in-a-query-5121";
const PAYMENTS: &str = "/api/v1/payments";

/// Who may read a buyer's name: columns that can be erased, and whoever has the secret key.
const ERASABLE: &[&str] = &["the database"];

/// A payment that is prepared and, by this amount, authenticated: its path, and its approval.
async fn prepared(stand: &mut Stand, order: &str) -> (String, Value) {
    let customer = json!({ "name": NAME, "memberId": MEMBER });
    let body = json!({ "orderId": order, "orderName": "생수", "amount": 15000,
                       "customer": customer });
    let prepared = stand.asked(Method::POST, PAYMENTS, order, &body).await;
    assert_eq!(prepared.status, 201, "{prepared:?}");
    let data = &prepared.body["data"];
    let window = json!({ "orderId": data["gatewayOrderId"], "amount": 15000, "method": "CARD" });
    let paid = answer(stand.at_the_gateway("/_sandbox/authenticate").json(&window)).await;
    let approval = json!({ "paymentKey": paid.body["paymentKey"], "amount": 15000,
                           "gatewayOrderId": data["gatewayOrderId"] });
    (format!("{PAYMENTS}/{}", text(&data["paymentId"])), approval)
}

/// Paid, repeated, given back in part, refused, read.
pub(super) async fn by_the_merchant(stand: &mut Stand) {
    stand.sensitive_but("a buyer's name", NAME, ERASABLE);
    stand.sensitive_but("a member", MEMBER, ERASABLE);
    // The events of a payment tell why money went back.
    stand.sensitive_but("a reason", REASON, &["events", "the database"]);
    let (path, approval) = prepared(stand, "order-1").await;
    let approve = format!("{path}/approve");
    for _ in 0..2 {
        let approved = stand
            .asked(Method::POST, &approve, "approve", &approval)
            .await;
        assert_eq!(approved.status, 200, "{approved:?}");
    }
    let cancel = format!("{path}/cancel");
    for (key, amount, status) in [("cancel", 5000, 200), ("more", 50000, 422)] {
        let body = json!({ "reason": REASON, "amount": amount });
        let told = stand.asked(Method::POST, &cancel, key, &body).await;
        assert_eq!(told.status, status, "{told:?}");
    }
    let twice = stand
        .asked(Method::POST, &approve, "twice", &approval)
        .await;
    assert_eq!(twice.status, 409, "{twice:?}");
    for path in [PAYMENTS, &path] {
        let read = stand.asked(Method::GET, path, "-", &json!({})).await;
        assert_eq!(read.status, 200, "{read:?}");
    }
    let events = stand
        .asked(Method::GET, &format!("{path}/events"), "-", &json!({}))
        .await;
    stand.heard("events", &events.body.to_string(), "payment.prepared");
}

/// Wrong in every way in which something sensitive can come.
pub(super) async fn wrongly(stand: &mut Stand) {
    for card in [CARD, CARD_SPACED] {
        stand.sensitive("a card", card);
    }
    let (path, mut approval) = prepared(stand, "order-2").await;
    approval["amount"] = json!(1);
    let approve = format!("{path}/approve");
    let cheaper = stand
        .asked(Method::POST, &approve, "cheaper", &approval)
        .await;
    assert_eq!(cheaper.status, 400, "{cheaper:?}");
    let (cancel, post) = (format!("{path}/cancel"), Method::POST);
    let customer = json!({ "name": CARD_SPACED, "memberId": "member-1" });
    for (method, path, field, body) in [
        (
            &post,
            PAYMENTS,
            "orderName",
            json!({ "orderId": "order-3", "orderName": CARD, "amount": 1 }),
        ),
        (
            &post,
            PAYMENTS,
            "customer.name",
            json!({ "orderId": "order-3", "orderName": "a",
                                                   "amount": 1, "customer": customer }),
        ),
        (&post, &cancel, "reason", json!({ "reason": CARD_SPACED })),
        (
            &post,
            "/api/v1/api-keys",
            "name",
            json!({ "kind": "secret", "name": CARD }),
        ),
        (
            &Method::PUT,
            "/api/v1/switches/approvals",
            "why",
            json!({ "paused": true, "why": CARD_SPACED }),
        ),
    ] {
        let refused = stand.asked(method.clone(), path, "card", &body).await;
        assert_eq!(
            refused.errors(),
            [format!("{field}: CARD_NUMBER_REFUSED")],
            "{refused:?}"
        );
    }
    for body in [
        json!({ "orderId": "order-3", "orderName": "a", "amount": 1, CARD: 1 }),
        json!({ "orderId": NAME, "orderName": 7, "amount": REASON, "currency": MEMBER }),
    ] {
        assert_eq!(
            stand.asked(Method::POST, PAYMENTS, "k", &body).await.status,
            400
        );
    }
}

/// Without a key that is one, and without a route.
pub(super) async fn by_strangers(stand: &mut Stand) {
    stand.sensitive("a part of a path", IN_PATH);
    // A refusal says which field of a query is unknown.
    stand.sensitive_but("a part of a query", IN_QUERY, &["refusals"]);
    stand.sensitive("a wrong key", GUESS);
    for path in [
        format!("{PAYMENTS}/{IN_PATH}"),
        format!("/{IN_PATH}"),
        format!("{PAYMENTS}?cursor={IN_QUERY}"),
        format!("{PAYMENTS}?{IN_QUERY}={IN_QUERY}&limit=1"),
    ] {
        let refused = stand.asked(Method::GET, &path, "-", &json!({})).await;
        assert!((400..500).contains(&refused.status), "{path}: {refused:?}");
    }
    for request in [
        stand.request(Method::GET, PAYMENTS).bearer_auth(GUESS),
        stand
            .request(Method::GET, PAYMENTS)
            .basic_auth(GUESS, Some("")),
        stand
            .request(Method::GET, PAYMENTS)
            .basic_auth(GUESS, Some(GUESS)),
        stand
            .request(Method::GET, PAYMENTS)
            .header("authorization", GUESS),
    ] {
        assert_eq!(stand.sent(request).await.status, 401);
    }
}

/// By tokens that are good, and by the same ones after something was done to them.
pub(super) async fn by_members(stand: &mut Stand) {
    let listed = stand.service.run(&["merchant", "list"]);
    let merchant: Value = serde_json::from_str(&listed).unwrap();
    let signer = Signer::secret(SHARED);
    let token = |issuer: &str, audience: &str, lifetime: i64| {
        let expires = Wall::default().now().timestamp() + lifetime;
        let quoted = |text: &str| json!(text).to_string();
        Issued::new("HS256", "shared")
            .claim("iss", &quoted(&format!("https://{issuer}.example")))
            .claim("aud", &quoted(audience))
            .claim("sub", &quoted(MEMBER))
            .claim("exp", &expires.to_string())
            .claim("merchant", &merchant["merchantId"].to_string())
            .signed(&signer)
    };
    let good = token("shared", "payflow", 600);
    let (unsigned, signature) = good.rsplit_once('.').unwrap();
    let (path, approval) = prepared(stand, "order-4").await;
    let approve = stand
        .request(Method::POST, &format!("{path}/approve"))
        .bearer_auth(&good);
    let approved = stand
        .sent(approve.header("idempotency-key", "m").json(&approval))
        .await;
    assert_eq!(approved.status, 200, "{approved:?}");
    for (token, status) in [
        (good.clone(), 200),
        (token("shared", "payflow", -600), 401),
        (token("shared", "elsewhere", 600), 401),
        (token("nobody", "payflow", 600), 401),
        (token("published", "payflow", 600), 503),
        (format!("{unsigned}."), 401),
        (format!("{unsigned}.{signature}A"), 401),
        (format!("{good}.{signature}"), 401),
        (unsigned.to_owned(), 401),
    ] {
        let request = stand.request(Method::GET, PAYMENTS).bearer_auth(&token);
        let told = stand.sent(request).await;
        assert_eq!(told.status, status, "{told:?}");
        let parts = token.split('.').skip(1).filter(|part| part.len() > 8);
        parts.for_each(|part| stand.sensitive("a part of a token", part));
    }
    let forbidden = stand
        .request(Method::GET, "/api/v1/api-keys")
        .bearer_auth(&good);
    assert_eq!(stand.sent(forbidden).await.status, 403);
    let basic = stand
        .request(Method::GET, PAYMENTS)
        .basic_auth(&good, Some(""));
    assert_eq!(stand.sent(basic).await.status, 401);
}

/// By a member who proves themselves: with a proof that is none, one that is, and that one again.
pub(super) async fn by_proofs(stand: &mut Stand) {
    stand.sensitive("a device", DEVICE);
    let listed = stand.service.run(&["merchant", "list"]);
    let merchant: Value = serde_json::from_str(&listed).unwrap();
    let signer = Signer::secret(SHARED);
    let now = Wall::default().now().timestamp();
    let issued = || {
        Issued::new("HS256", "shared")
            .claim("iss", r#""https://shared.example""#)
            .claim("aud", r#""payflow""#)
            .claim("sub", &json!(MEMBER).to_string())
            .claim("iat", &now.to_string())
            .claim("exp", &(now + 120).to_string())
            .claim("merchant", &merchant["merchantId"].to_string())
    };
    let token = issued().signed(&signer);
    let (path, approval) = prepared(stand, "order-5").await;
    let ask = stand
        .request(Method::POST, &format!("{path}/step-up"))
        .bearer_auth(&token)
        .json(&json!({ "deviceId": DEVICE, "action": "approve" }));
    let asked = stand.sent(ask).await;
    assert_eq!(asked.status, 201, "{asked:?}");
    let proof = issued()
        .head("typ", r#""step-up+jwt""#)
        .claim("nonce", &asked.body["data"]["challenge"].to_string())
        .claim("auth_time", &now.to_string())
        .signed(&signer);
    for (key, proof, status) in [
        ("p1", format!("{proof}A"), 401),
        ("p2", proof.clone(), 200),
        ("p3", proof, 401),
    ] {
        let approve = stand
            .request(Method::POST, &format!("{path}/approve"))
            .bearer_auth(&token)
            .header("idempotency-key", key)
            .header("device-id", DEVICE)
            .header("step-up-proof", &proof);
        let told = stand.sent(approve.json(&approval)).await;
        assert_eq!(told.status, status, "{told:?}");
        let parts = proof.split('.').skip(1);
        parts.for_each(|part| stand.sensitive("a part of a proof", part));
    }
}

/// Issued, used, rotated, revoked, listed.
pub(super) async fn about_keys(stand: &mut Stand) {
    const KEYS: &str = "/api/v1/api-keys";
    for kind in ["secret", "publishable"] {
        let body = json!({ "kind": kind });
        let issued = stand.asked(Method::POST, KEYS, "-", &body).await;
        assert_eq!(issued.status, 201, "{issued:?}");
        let id = text(&issued.body["data"]["apiKey"]["apiKeyId"]).to_owned();
        let path = format!("{KEYS}/{id}/rotate");
        let rotated = stand
            .asked(Method::POST, &path, "-", &json!({ "graceSeconds": 0 }))
            .await;
        let after = text(&rotated.body["data"]["apiKey"]["apiKeyId"]).to_owned();
        let revoke = format!("{KEYS}/{after}");
        stand.asked(Method::DELETE, &revoke, "-", &json!({})).await;
        for answer in [issued, rotated] {
            let key = text(&answer.body["data"]["key"]).to_owned();
            assert!(!key.is_empty(), "{answer:?}");
            let used = stand.request(Method::GET, PAYMENTS).bearer_auth(&key);
            assert_eq!(stand.sent(used).await.status, 401, "it has ended");
            stand.sensitive("an issued key", key);
        }
    }
    let listed = stand.asked(Method::GET, KEYS, "-", &json!({})).await;
    stand.heard("a list of keys", &listed.body.to_string(), "apiKeyId");
}
