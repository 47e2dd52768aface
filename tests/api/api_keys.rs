//! A merchant's own API keys over HTTP: shown once, rotated, revoked.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

use crate::rig::{Answer, PUBLISHABLE, Rig, SECRET, answer, text};

const KEYS: &str = "/api/v1/api-keys";

async fn issued(rig: &Rig, kind: &str) -> Value {
    let body = json!({ "kind": kind, "name": "주문 서버" });
    let answer = rig.post(KEYS, body.to_string()).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(answer.header("cache-control"), "no-store");
    answer.body["data"].clone()
}

/// Any read, with this key.
async fn reading(rig: &Rig, key: &str) -> Answer {
    let request = rig.anonymous(Method::GET, "/api/v1/payments");
    answer(request.bearer_auth(key)).await
}

async fn rotated(rig: &Rig, id: &str, body: Value) -> Answer {
    rig.post(&format!("{KEYS}/{id}/rotate"), body.to_string())
        .await
}

async fn revoked(rig: &Rig, id: &str) -> Answer {
    answer(rig.request(Method::DELETE, &format!("{KEYS}/{id}"))).await
}

async fn listed(rig: &Rig) -> Vec<Value> {
    let answer = rig.get(KEYS).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let keys = answer.body["data"]["apiKeys"].as_array();
    keys.cloned().unwrap()
}

#[tokio::test]
async fn a_key_is_shown_once_and_listed_by_how_it_begins() {
    let rig = Rig::new().await;
    for (kind, beginning) in [("secret", "sk_test_"), ("publishable", "pk_test_")] {
        let new = issued(&rig, kind).await;
        let key = text(&new["key"]);
        assert!(key.starts_with(beginning), "{kind}");
        // 256 bits in base 64.
        assert_eq!(key.len(), beginning.len() + 43);
        let all = listed(&rig).await;
        assert_eq!(all[0], new["apiKey"], "the newest first");
        assert_eq!(all[0]["prefix"], key[..12]);
        assert_eq!(all[0]["name"], "주문 서버");
        let told = Value::Array(all).to_string();
        assert!(!told.contains(&key[8..]), "{told}");
    }
    let (first, second) = (issued(&rig, "secret").await, issued(&rig, "secret").await);
    assert_ne!(first["key"], second["key"]);
    assert_eq!(reading(&rig, text(&first["key"])).await.status, 200);
}

#[tokio::test]
async fn a_rotated_key_goes_on_for_its_grace() {
    let rig = Rig::new().await;
    let old = issued(&rig, "secret").await;
    let id = text(&old["apiKey"]["apiKeyId"]);
    let answer = rotated(&rig, id, json!({ "graceSeconds": 3600 })).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let data = &answer.body["data"];
    assert_eq!(data["replaces"]["apiKeyId"], id);
    assert!(data["replaces"]["expiresAt"].is_string());
    assert_eq!(data["apiKey"]["name"], old["apiKey"]["name"]);
    let (old, new) = (text(&old["key"]), text(&data["key"]));
    assert_eq!(reading(&rig, old).await.status, 200);
    assert_eq!(reading(&rig, new).await.status, 200);
    let again = rotated(&rig, id, json!({})).await;
    assert_eq!((again.status, again.code()), (409, "API_KEY_ENDING"));
    rig.clock.move_ahead(TimeDelta::hours(1));
    let refused = reading(&rig, old).await;
    assert_eq!((refused.status, refused.code()), (401, "API_KEY_EXPIRED"));
    assert!(refused.header("www-authenticate").starts_with("Basic "));
    assert_eq!(reading(&rig, new).await.status, 200);
}

#[tokio::test]
async fn grace_is_a_day_by_default_and_a_month_at_most() {
    let rig = Rig::new().await;
    let old = issued(&rig, "secret").await;
    let id = text(&old["apiKey"]["apiKeyId"]);
    for wrong in [json!(2_592_001), json!(-1)] {
        let answer = rotated(&rig, id, json!({ "graceSeconds": wrong })).await;
        assert_eq!(answer.errors(), ["graceSeconds: FIELD_RANGE"]);
    }
    assert_eq!(rotated(&rig, id, json!({})).await.status, 201);
    rig.clock.move_ahead(TimeDelta::hours(23));
    assert_eq!(reading(&rig, text(&old["key"])).await.status, 200);
    rig.clock.move_ahead(TimeDelta::hours(24));
    let refused = reading(&rig, text(&old["key"])).await;
    assert_eq!(refused.code(), "API_KEY_EXPIRED");
}

#[tokio::test]
async fn a_revoked_key_is_refused_at_once_and_the_last_one_stays() {
    let rig = Rig::new().await;
    let spare = issued(&rig, "secret").await;
    let key = text(&spare["key"]);
    assert_eq!(reading(&rig, key).await.status, 200);
    let id = text(&spare["apiKey"]["apiKeyId"]);
    let answer = revoked(&rig, id).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(reading(&rig, key).await.code(), "API_KEY_EXPIRED");
    let again = revoked(&rig, id).await;
    assert_eq!(again.body["data"], answer.body["data"], "as it was");
    for key in listed(&rig).await {
        let lasting = key["expiresAt"].is_null();
        let told = revoked(&rig, text(&key["apiKeyId"])).await;
        let expected = match text(&key["kind"]) {
            "secret" if lasting => "API_KEY_LAST",
            _ => "OK",
        };
        assert_eq!(told.code(), expected, "{key}");
    }
    assert_eq!(reading(&rig, SECRET).await.status, 200);
    assert_eq!(reading(&rig, PUBLISHABLE).await.code(), "API_KEY_EXPIRED");
}

#[tokio::test]
async fn a_repeat_with_the_next_key_is_told_the_same() {
    let rig = Rig::new().await;
    let payment = rig.prepared().await;
    let first = rig.approve(&payment, "across-keys").await;
    assert_eq!(first.status, 200, "{first:?}");
    let of_ours = |key: &&Value| key["prefix"] == SECRET;
    let id = listed(&rig).await;
    let id = text(&id.iter().find(of_ours).unwrap()["apiKeyId"]).to_owned();
    let new = rotated(&rig, &id, json!({ "graceSeconds": 0 })).await;
    let new = text(&new.body["data"]["key"]).to_owned();
    assert_eq!(reading(&rig, SECRET).await.code(), "API_KEY_EXPIRED");
    let path = format!("/api/v1/payments/{}/approve", payment.id);
    let request = rig
        .anonymous(Method::POST, &path)
        .bearer_auth(&new)
        .header("idempotency-key", "across-keys")
        .header("content-type", "application/json")
        .body(crate::rig::approval(&payment).to_string());
    let again = answer(request).await;
    assert_eq!(again.status, 200, "{again:?}");
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.body["data"], first.body["data"]);
    assert_eq!(rig.gateway.confirms(), 1);
}

#[tokio::test]
async fn a_use_is_told_later() {
    let rig = Rig::new().await;
    let used = |keys: Vec<Value>| {
        let used = keys.into_iter().filter(|key| !key["lastUsedAt"].is_null());
        used.map(|key| text(&key["prefix"]).to_owned())
            .collect::<Vec<_>>()
    };
    assert!(used(listed(&rig).await).is_empty());
    rig.running.app.note_uses().await.unwrap();
    assert_eq!(used(listed(&rig).await), [SECRET]);
}

#[tokio::test]
async fn what_a_browser_is_shown_names_nobody() {
    let rig = Rig::new().await;
    let body = json!({ "orderId": rig.order(), "orderName": "생수", "amount": 1000,
                       "customer": { "name": "김토스", "memberId": "member-1" } });
    let prepared = rig.post("/api/v1/payments", body.to_string()).await;
    let path = format!(
        "/api/v1/payments/{}/checkout",
        text(&prepared.body["data"]["paymentId"])
    );
    let checkout = async |key: &str| {
        let request = rig.anonymous(Method::POST, &path).bearer_auth(key);
        let answer = answer(request).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body["data"].clone()
    };
    let in_browser = checkout(PUBLISHABLE).await;
    assert!(text(&in_browser["gatewayOrderId"]).starts_with("gwo_"));
    let shown = in_browser.to_string();
    assert!(
        !shown.contains("김토스") && !shown.contains("member-1"),
        "{shown}"
    );
    let own = checkout(SECRET).await;
    assert_eq!(own["customerName"], "김토스");
    let events = rig.get(&path.replace("checkout", "events")).await;
    let actors = events.body["data"]["events"].as_array().unwrap().iter();
    let actors: Vec<&str> = actors.map(|event| text(&event["actor"])).collect();
    assert_eq!(actors, ["MERCHANT", "BUYER", "MERCHANT"]);
}
