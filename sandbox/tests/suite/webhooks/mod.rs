//! Owns webhooks: what is told of what, in which form, and to whom.

mod delivery;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use base64::Engine as _;
use reqwest::Method;
use serde_json::{Value, json};

use crate::billing::{billing_key, charge};
use crate::golden::{example, same, same_shape};
use crate::support::{Bench, config, send};

/// A merchant's server that writes down what it is told.
#[derive(Clone, Default)]
pub(crate) struct Merchant {
    heard: Arc<Mutex<Vec<Heard>>>,
    /// What it answers next, 200 when nothing is left; 0 is no answer for five seconds.
    answers: Arc<Mutex<Vec<u16>>>,
}

#[derive(Debug, Clone)]
pub(crate) struct Heard {
    headers: HeaderMap,
    text: String,
}

impl Heard {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect("JSON")
    }

    fn header(&self, name: &str) -> Option<&str> {
        let name = format!("tosspayments-webhook-{name}");
        self.headers
            .get(name)
            .map(|value| value.to_str().expect("text"))
    }
}

impl Merchant {
    /// Starts to listen; returns the address of its hook.
    pub(crate) async fn listen(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0");
        let listener = listener.await.expect("a port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let router = Router::new().fallback(hear).with_state(self.clone());
        // The test's runtime ends it; it has nothing to finish.
        let tasks = tokio_util::task::TaskTracker::new();
        tasks.spawn(async move { axum::serve(listener, router).await });
        url
    }

    fn answer(&self, statuses: &[u16]) {
        *self.answers.lock().expect("answers") = statuses.iter().rev().copied().collect();
    }

    fn heard(&self) -> Vec<Heard> {
        self.heard.lock().expect("what was heard").clone()
    }

    /// Waits until it was told so often, and returns everything.
    pub(crate) async fn hears(&self, count: usize) -> Vec<Heard> {
        for _ in 0..500 {
            if self.heard().len() >= count {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let heard = self.heard();
        assert_eq!(heard.len(), count, "{heard:#?}");
        heard
    }
}

async fn hear(State(merchant): State<Merchant>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let text = String::from_utf8(body.to_vec()).expect("text");
    merchant
        .heard
        .lock()
        .expect("a list")
        .push(Heard { headers, text });
    let status = merchant.answers.lock().expect("answers").pop();
    match status {
        None => StatusCode::OK,
        Some(0) => {
            tokio::time::sleep(Duration::from_secs(5)).await;
            StatusCode::OK
        }
        Some(status) => StatusCode::from_u16(status).expect("a status"),
    }
}

pub(crate) async fn register(bench: &Bench, url: &str, events: Value) -> u64 {
    let body = json!({ "url": url, "events": events });
    let reply = bench.post("/_sandbox/webhooks", body).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json()["id"].as_u64().expect("an id")
}

/// A sandbox, and a merchant that hears everything.
async fn connected() -> (Bench, Merchant) {
    let (bench, merchant) = (Bench::new().await, Merchant::default());
    register(&bench, &merchant.listen().await, Value::Null).await;
    (bench, merchant)
}

async fn deliveries(bench: &Bench) -> Vec<Value> {
    let shown = bench.get("/_sandbox/webhooks/deliveries").await.json();
    shown["deliveries"].as_array().expect("deliveries").clone()
}

/// Waits until every delivery is over, and returns them.
async fn settled(bench: &Bench) -> Vec<Value> {
    for _ in 0..500 {
        let all = deliveries(bench).await;
        if all.iter().all(|one| one["state"] != "waiting") {
            return all;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{:#?}", deliveries(bench).await);
}

#[tokio::test]
async fn payments_tell_what_became_of_them_as_captured() {
    let (bench, merchant) = connected().await;
    let done = example!("wh-payment-done");
    let order = json!({
        "orderId": done["data"]["orderId"], "amount": 33_000,
        "orderName": done["data"]["orderName"], "metadata": done["data"]["metadata"],
    });
    let key = bench.authenticate_as(order).await;
    let confirmed = bench.confirm(&key, "ord_20260315_000001", 33_000).await;
    let heard = merchant.hears(1).await;
    same_shape(&heard[0].json(), &done, "webhook");
    assert_eq!(heard[0].json()["data"], confirmed.json());
    let created = heard[0].json()["createdAt"]
        .as_str()
        .expect("text")
        .to_owned();
    assert!(
        !created.contains('+') && created.starts_with("20"),
        "{created}"
    );

    let partial = example!("wh-payment-partial");
    bench.cancel(&key, example!("req-cancel-partial")).await;
    let heard = merchant.hears(2).await;
    same_shape(&heard[1].json(), &partial, "webhook");
    same(
        &heard[1].json()["data"],
        &partial["data"],
        &["status", "balanceAmount"],
    );
    bench
        .cancel(&key, json!({ "cancelReason": "the rest" }))
        .await;
    assert_eq!(
        merchant.hears(3).await[2].json()["data"]["balanceAmount"],
        0
    );

    let declined = json!({ "orderId": "order-0002", "amount": 900, "scenario": "FDS_ERROR" });
    let declined = bench.authenticate_as(declined).await;
    bench.confirm(&declined, "order-0002", 900).await;
    assert_eq!(
        merchant.hears(4).await[3].json()["data"]["status"],
        "ABORTED"
    );

    // Nobody asks about it: its time alone runs out.
    let expired = example!("wh-payment-expired");
    bench.authenticate("order-0003", 120_000).await;
    bench.advance(600).await;
    let heard = merchant.hears(5).await;
    same_shape(&heard[4].json(), &expired, "webhook");
    same(
        &heard[4].json()["data"],
        &expired["data"],
        &["status", "failure"],
    );
}

#[tokio::test]
async fn windows_authentications_and_reads_are_not_told() {
    let (bench, merchant) = connected().await;
    let key = bench.paid("order-0001", 1000).await;
    bench.authenticate("order-0002", 1000).await;
    bench.payment(&key).await;
    merchant.hears(1).await;
    bench.paid("order-0003", 1000).await;
    merchant.hears(2).await;
    let path = "/_sandbox/webhooks/deliveries?orderId=order-0003";
    let by_order = bench.get(path).await.json();
    assert_eq!(by_order["deliveries"].as_array().map(Vec::len), Some(1));
    assert_eq!(settled(&bench).await.len(), 2);
}

#[tokio::test]
async fn every_transmission_has_the_headers() {
    let (bench, merchant) = connected().await;
    bench.paid("order-0001", 1000).await;
    let heard = merchant.hears(1).await;
    let time = heard[0].header("transmission-time").expect("a time");
    assert!(time.len() == 25 && time.ends_with("+09:00"), "{time}");
    assert_eq!(heard[0].header("transmission-retried-count"), Some("0"));
    let id = heard[0].header("transmission-id").expect("an id");
    assert!(id.len() == 35 && id.starts_with("whtrans_a01"), "{id}");
    assert_eq!(
        heard[0].header("signature"),
        None,
        "payments are not signed"
    );
    let kind = heard[0].headers.get("content-type").expect("a type");
    assert_eq!(kind, "application/json");
    let shown = settled(&bench).await;
    assert_eq!(
        (
            &shown[0]["transmissionId"],
            &shown[0]["eventType"],
            &shown[0]["state"]
        ),
        (
            &json!(id),
            &json!("PAYMENT_STATUS_CHANGED"),
            &json!("delivered")
        )
    );
    assert_eq!(shown[0]["body"].as_str(), Some(heard[0].text.as_str()));
}

#[tokio::test]
async fn charges_are_silent_and_deleted_keys_are_told() {
    let (bench, merchant) = connected().await;
    let (key, other) = (
        billing_key(&bench, json!({})).await,
        billing_key(&bench, json!({})).await,
    );
    let taken = charge(&bench, &key, "order-0001", 1000).await.json();
    let gone = bench.api(Method::DELETE, &format!("/v1/billing/{key}"));
    assert_eq!(send(gone).await.expect("an answer").status, 200);
    let example = example!("wh-billing-deleted");
    let heard = merchant.hears(1).await;
    same_shape(&heard[0].json(), &example, "webhook");
    assert_eq!(heard[0].json()["data"]["billingKey"], key);
    let body = json!({ "billingKey": other, "remove": true });
    bench.post("/_sandbox/billing-keys", body).await;
    assert_eq!(
        merchant.hears(2).await[1].json()["data"]["billingKey"],
        other
    );
    let payment_key = taken["paymentKey"].as_str().expect("a key");
    bench
        .cancel(payment_key, json!({ "cancelReason": "x" }))
        .await;
    let heard = merchant.hears(3).await;
    assert_eq!(heard[2].json()["data"]["type"], "BILLING");
}

/// The signatures of a body, checked with the keys that signed it.
fn signed_by(heard: &Heard, keys: &[&str]) -> bool {
    use hmac::{Hmac, KeyInit as _, Mac as _};
    let time = heard.header("transmission-time").expect("a time");
    let made = keys.iter().map(|key| {
        let mac = Hmac::<sha2::Sha256>::new_from_slice(key.as_bytes());
        let mut mac = mac.expect("any length will do");
        mac.update(format!("{}:{time}", heard.text).as_bytes());
        let bytes = mac.finalize().into_bytes();
        let text = base64::engine::general_purpose::STANDARD.encode(bytes);
        format!("v1:{text}")
    });
    let expected = made.collect::<Vec<_>>().join(",");
    heard.header("signature") == Some(expected.as_str())
}

#[tokio::test]
async fn payouts_and_sellers_are_signed_by_every_key() {
    let mut config = config();
    config.security_keys = vec!["old".to_owned(), "new".to_owned()];
    let (bench, merchant) = (Bench::with(config).await, Merchant::default());
    register(&bench, &merchant.listen().await, Value::Null).await;
    for (number, (event, example)) in [
        ("payout.changed", example!("wh-payout")),
        ("seller.changed", example!("wh-seller")),
    ]
    .into_iter()
    .enumerate()
    {
        let body = json!({ "eventType": event });
        let reply = bench.post("/_sandbox/webhooks/send", body).await;
        assert_eq!(reply.json()["deliveries"], 1, "{}", reply.text);
        let heard = &merchant.hears(number + 1).await[number];
        same_shape(&heard.json(), &example, "webhook");
        assert!(signed_by(heard, &["old", "new"]), "{heard:?}");
        assert!(!signed_by(heard, &["new", "old"]), "and by no other");
    }
    let body = json!({ "eventType": "payout.changed", "entityBody": { "status": "FAILED" } });
    bench.post("/_sandbox/webhooks/send", body).await;
    let heard = &merchant.hears(3).await[2];
    assert_eq!(heard.json()["entityBody"], json!({ "status": "FAILED" }));
}

#[tokio::test]
async fn cancellations_of_overseas_easy_pay_are_told_by_hand() {
    let (bench, merchant) = (Bench::new().await, Merchant::default());
    let url = merchant.listen().await;
    register(&bench, &url, json!(["CANCEL_STATUS_CHANGED"])).await;
    let key = bench.paid("order-0001", 1000).await;
    let body = json!({ "eventType": "CANCEL_STATUS_CHANGED", "paymentKey": key });
    let early = bench.post("/_sandbox/webhooks/send", body.clone()).await;
    early.refused(404, "NOT_FOUND_PAYMENT");
    bench.cancel(&key, json!({ "cancelReason": "x" })).await;
    bench.post("/_sandbox/webhooks/send", body).await;
    let heard = merchant.hears(1).await;
    let mut example = example!("wh-cancel-status");
    // The sandbox cancels at once: there is no request to wait for.
    example["data"]["cancelRequestId"] = Value::Null;
    same_shape(&heard[0].json(), &example, "webhook");
    let senseless = json!({ "eventType": "DEPOSIT_CALLBACK" });
    let reply = bench.post("/_sandbox/webhooks/send", senseless).await;
    reply.refused(400, "INVALID_REQUEST");
}

#[tokio::test]
async fn hooks_lead_to_this_machine_and_nowhere_else() {
    let bench = Bench::new().await;
    for (body, said) in [
        (json!({ "url": "http://example.com/hook" }), "this machine"),
        (json!({ "url": "http://10.0.0.1/hook" }), "this machine"),
        (
            json!({ "url": "http://u:p@127.0.0.1/hook" }),
            "without credentials",
        ),
        (json!({ "url": "ftp://127.0.0.1/hook" }), "web address"),
        (json!({ "url": "hook" }), "url"),
        (
            json!({ "url": "http://127.0.0.1/", "events": [] }),
            "no event",
        ),
        (
            json!({ "url": "http://127.0.0.1/", "events": ["?"] }),
            "unknown variant",
        ),
    ] {
        let reply = bench.post("/_sandbox/webhooks", body).await;
        assert_eq!(reply.status, 400, "{}", reply.text);
        assert!(reply.text.contains(said), "{said}: {}", reply.text);
    }
    for url in [
        "http://localhost:9/x",
        "http://[::1]:9/x",
        "https://127.0.0.2/",
    ] {
        register(&bench, url, Value::Null).await;
    }
    let url = "http://localhost:9/x";
    let again = register(&bench, url, json!(["BILLING_DELETED", "BILLING_DELETED"])).await;
    assert_eq!(
        again, 1,
        "an address that registers again changes what it asks for"
    );
    let shown = bench.get("/_sandbox/webhooks").await.json();
    assert_eq!(shown["webhooks"][0]["events"], json!(["BILLING_DELETED"]));
    assert_eq!(shown["webhooks"].as_array().map(Vec::len), Some(3));
    let bench = Bench::with_settings(|settings| {
        settings.webhook_targets = toss_sandbox::WebhookTargets::Any;
    })
    .await;
    register(&bench, "https://shop.example/hook", Value::Null).await;
}
