//! Webhooks over HTTP, from the endpoint that a merchant makes to the message that its receiver
//! verifies.

mod notices;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use application::ports::Clock as _;
use aws_lc_rs::hmac;
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use payflow::adapters::clock::Wall;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};
use tokio_util::task::TaskTracker;

use crate::rig::{Answer, OTHER, Rig, answer, text};

const ENDPOINTS: &str = "/api/v1/webhook-endpoints";
/// Receivers of tests are on this machine.
pub(crate) const HERE: &str = "[webhooks]\nexempt = [\"127.0.0.0/8\"]\npoll = \"50ms\"\n";

/// A receiver that keeps what it is told.
#[derive(Clone, Default)]
struct Receiver {
    told: Arc<Mutex<Vec<(HeaderMap, Bytes)>>>,
    /// What it answers; 200 without it.
    answers: Arc<Mutex<Option<u16>>>,
}

impl Receiver {
    /// Its address.
    async fn open(&self) -> String {
        let receiver = self.clone();
        let take = async move |headers: HeaderMap, body: Bytes| {
            receiver.told.lock().unwrap().push((headers, body));
            let status = receiver.answers.lock().unwrap().unwrap_or(200);
            StatusCode::from_u16(status).unwrap()
        };
        let routes = Router::new().route("/hooks", post(take));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hooks", listener.local_addr().unwrap());
        let tasks = TaskTracker::new();
        tasks.spawn(async move { axum::serve(listener, routes).await });
        url
    }

    /// What it was told, once that is so much.
    async fn told(&self, count: usize) -> Vec<(HeaderMap, Bytes)> {
        let begun = Instant::now();
        loop {
            let told = self.told.lock().unwrap().clone();
            if told.len() >= count || begun.elapsed() > Duration::from_secs(20) {
                assert_eq!(told.len(), count);
                return told;
            }
            sleep(Duration::from_millis(10)).await;
        }
    }
}

/// The signatures of a message that these secrets make, as its receiver computes them.
fn signed(headers: &HeaderMap, body: &[u8], secrets: &[&str]) -> String {
    let of = |name: &str| headers[name].to_str().unwrap();
    let head = format!("{}.{}.", of("webhook-id"), of("webhook-timestamp"));
    let message = [head.as_bytes(), body].concat();
    let sign = |secret: &&str| {
        let bytes = STANDARD
            .decode(secret.strip_prefix("whsec_").unwrap())
            .unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA256, &bytes);
        format!("v1,{}", STANDARD.encode(hmac::sign(&key, &message)))
    };
    secrets.iter().map(sign).collect::<Vec<_>>().join(" ")
}

async fn made(rig: &Rig, body: &Value) -> Value {
    let made = rig.post(ENDPOINTS, &body.to_string()).await;
    assert_eq!(made.status, 201, "{made:?}");
    made.body["data"].clone()
}

async fn patched(rig: &Rig, path: &str, body: &Value) -> Answer {
    answer(rig.request(Method::PATCH, path).json(body)).await
}

#[tokio::test]
async fn what_happens_is_brought_and_can_be_verified() {
    let rig = Rig::with(HERE).await;
    let receiver = Receiver::default();
    let made = made(&rig, &json!({ "url": receiver.open().await })).await;
    let (secret, id) = (text(&made["secret"]), text(&made["endpoint"]["endpointId"]));
    let payment = rig.prepared().await;
    let (headers, body) = &receiver.told(1).await[0];
    assert_eq!(
        headers["webhook-signature"],
        signed(headers, body, &[secret])
    );
    assert_eq!(headers["webhook-id"], format!("{}-1", payment.id));
    let seconds: i64 = headers["webhook-timestamp"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((Wall::default().now().timestamp() - seconds).abs() < 300);
    let message: Value = serde_json::from_slice(body).unwrap();
    assert_eq!(message["type"], "payment.prepared");
    assert_eq!(message["data"]["sequence"], 1);
    // The same as the feed says.
    let feed = rig.get("/api/v1/events").await.body["data"]["events"][0].clone();
    assert_eq!(message["data"]["hash"], feed["hash"]);
    assert_eq!(message["data"]["payload"], feed["payload"]);

    let path = format!("{ENDPOINTS}/{id}");
    let listed = rig.get(&format!("{path}/deliveries")).await.body["data"].clone();
    let delivery = &listed["deliveries"][0];
    assert_eq!(
        (&delivery["status"], &delivery["tries"]),
        (&json!("DELIVERED"), &json!(1))
    );
    assert_eq!(delivery["cursor"], feed["cursor"]);
    assert_eq!(listed["nextBefore"], Value::Null);
    let event = text(&delivery["eventId"]);
    let tries = rig.get(&format!("{path}/attempts?eventId={event}")).await;
    let first = &tries.body["data"]["attempts"][0];
    assert_eq!(
        (&first["outcome"], &first["httpStatus"]),
        (&json!("TAKEN"), &json!(200))
    );

    // Sent again it is the same message, newly signed, by both secrets.
    let rotated = rig.post(&format!("{path}/rotate"), "{}").await;
    assert_eq!(rotated.status, 201, "{rotated:?}");
    let newer = text(&rotated.body["data"]["secret"]);
    let again = json!({ "eventId": event }).to_string();
    let again = rig.post(&format!("{path}/redeliver"), &again).await;
    assert_eq!(
        (again.status, &again.body["data"]["count"]),
        (200, &json!(1))
    );
    let (headers, again) = &receiver.told(2).await[1];
    assert_eq!(again, body);
    assert_eq!(
        headers["webhook-signature"],
        signed(headers, again, &[newer, secret])
    );

    let whole = rig.get(ENDPOINTS).await.body.to_string() + &rig.get(&path).await.body.to_string();
    assert!(!whole.contains("whsec_"), "{whole}");
    let gone = answer(rig.request(Method::DELETE, &path)).await;
    assert_eq!(
        (gone.status, &gone.body["data"]["status"]),
        (200, &json!("DELETED"))
    );
    assert_eq!(rig.get(&path).await.status, 404);
}

#[tokio::test]
async fn what_was_missed_is_sent_again() {
    let rig = Rig::with(HERE).await;
    let receiver = Receiver::default();
    let wanted = json!({ "url": receiver.open().await, "events": ["payment.prepared"] });
    let made = made(&rig, &wanted).await;
    let path = format!("{ENDPOINTS}/{}", text(&made["endpoint"]["endpointId"]));
    rig.prepared().await;
    receiver.told(1).await;
    let off = patched(&rig, &path, &json!({ "enabled": false })).await;
    assert_eq!(
        (off.status, &off.body["data"]["status"]),
        (200, &json!("DISABLED"))
    );
    rig.prepared().await;
    rig.prepared().await;
    // Until the reader has passed them, there is nothing that was missed.
    let again = format!("{path}/redeliver");
    let refused = rig.post(&again, "{}").await;
    assert_eq!(
        (refused.status, refused.code()),
        (409, "WEBHOOK_ENDPOINT_DISABLED")
    );
    sleep(Duration::from_secs(2)).await;
    let on = patched(&rig, &path, &json!({ "enabled": true })).await;
    assert_eq!(on.status, 200, "{on:?}");
    let range = rig.post(&again, "{}").await;
    assert_eq!(
        (range.status, &range.body["data"]["count"]),
        (200, &json!(2))
    );
    assert_eq!(range.body["data"]["unsendable"], 0);
    receiver.told(3).await;
    let next = text(&range.body["data"]["nextAfter"]).to_owned();
    let after = json!({ "after": next, "takenToo": true }).to_string();
    let nothing = rig.post(&again, &after).await;
    assert_eq!(
        nothing.body["data"],
        json!({ "count": 0, "unsendable": 0, "nextAfter": next, "more": false })
    );
    let changes = rig.get(&path).await.body["data"]["changes"].clone();
    let deeds: Vec<&str> = changes
        .as_array()
        .unwrap()
        .iter()
        .map(|one| text(&one["change"]))
        .collect();
    assert_eq!(deeds, ["ENABLED", "DISABLED", "CREATED"]);
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_told_no_more() {
    let rig = Rig::with(HERE).await;
    let receiver = Receiver::default();
    *receiver.answers.lock().unwrap() = Some(410);
    let made = made(&rig, &json!({ "url": receiver.open().await })).await;
    let path = format!("{ENDPOINTS}/{}", text(&made["endpoint"]["endpointId"]));
    rig.prepared().await;
    receiver.told(1).await;
    let begun = Instant::now();
    let status = loop {
        let read = rig.get(&path).await.body["data"]["status"].clone();
        if read != "ENABLED" || begun.elapsed() > Duration::from_secs(10) {
            break read;
        }
        sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(status, "GONE");
}

#[tokio::test]
async fn addresses_inside_are_refused_when_they_are_entered() {
    let rig = Rig::new().await;
    for url in [
        "http://shop.example/hooks",
        "https://10.1.2.3/hooks",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::ffff:10.0.0.1]/hooks",
        "https://user:secret@shop.example/hooks",
        "https://0xa000001/",
        "https://100.64.0.1/",
        "shop.example",
    ] {
        let refused = rig
            .post(ENDPOINTS, &json!({ "url": url }).to_string())
            .await;
        assert_eq!(refused.status, 400, "{url}: {refused:?}");
        assert_eq!(refused.errors(), ["url: WEBHOOK_URL_REFUSED"], "{url}");
    }
    let good = made(&rig, &json!({ "url": "https://shop.example/hooks" })).await;
    let path = format!("{ENDPOINTS}/{}", text(&good["endpoint"]["endpointId"]));
    let moved = patched(&rig, &path, &json!({ "url": "https://192.168.0.1/" })).await;
    assert_eq!(moved.errors(), ["url: WEBHOOK_URL_REFUSED"]);
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let rig = Rig::new().await;
    let url = "https://shop.example/hooks";
    for (body, errors) in [
        (json!({}), vec!["url: FIELD_REQUIRED"]),
        (json!({ "url": "" }), vec!["url: FIELD_LENGTH"]),
        (
            json!({ "url": "https://상점.example" }),
            vec!["url: FIELD_CHARACTER"],
        ),
        (
            json!({ "url": url, "events": "payment.approved" }),
            vec!["events: FIELD_TYPE"],
        ),
        (
            json!({ "url": url, "events": ["approved"] }),
            vec!["events: FIELD_WORD"],
        ),
        (
            json!({ "url": url, "events": ["webhook_endpoint.enabled"] }),
            vec!["events: FIELD_WORD"],
        ),
        (
            json!({ "url": url, "events": [1] }),
            vec!["events: FIELD_TYPE"],
        ),
        (
            json!({ "url": url, "secret": "x" }),
            vec!["secret: FIELD_UNKNOWN"],
        ),
    ] {
        let refused = rig.post(ENDPOINTS, &body.to_string()).await;
        assert_eq!(
            (refused.status, refused.errors()),
            (
                400,
                errors.iter().map(ToString::to_string).collect::<Vec<_>>()
            ),
            "{body}"
        );
    }
    let good = made(&rig, &json!({ "url": url })).await;
    let path = format!("{ENDPOINTS}/{}", text(&good["endpoint"]["endpointId"]));
    let place = "MS4xLjA";
    let event = format!("{}-1", rig.prepared().await.id);
    for (body, errors) in [
        (json!({ "eventId": "nothing" }), "eventId: ID_MALFORMED"),
        (json!({ "after": "nothing" }), "after: CURSOR_INVALID"),
        (
            json!({ "eventId": event, "until": place }),
            "until: FIELD_UNKNOWN",
        ),
        (json!({ "takenToo": "yes" }), "takenToo: FIELD_TYPE"),
    ] {
        let refused = rig
            .post(&format!("{path}/redeliver"), &body.to_string())
            .await;
        assert_eq!(refused.errors(), [errors], "{body}");
    }
    for (query, error) in [
        ("deliveries?status=done", "status: FIELD_WORD"),
        ("deliveries?before=x", "before: CURSOR_INVALID"),
        ("deliveries?limit=101", "limit: FIELD_RANGE"),
        ("attempts", "eventId: FIELD_REQUIRED"),
        ("attempts?eventId=1", "eventId: ID_MALFORMED"),
    ] {
        let refused = rig.get(&format!("{path}/{query}")).await;
        assert_eq!(refused.errors(), [error], "{query}");
    }
}

#[tokio::test]
async fn nobody_sees_anothers() {
    let rig = Rig::new().await;
    let good = made(&rig, &json!({ "url": "https://shop.example/hooks" })).await;
    let path = format!("{ENDPOINTS}/{}", text(&good["endpoint"]["endpointId"]));
    let other = answer(rig.anonymous(Method::GET, &path).bearer_auth(OTHER)).await;
    assert_eq!(
        (other.status, other.code()),
        (404, "WEBHOOK_ENDPOINT_NOT_FOUND")
    );
    let listed = answer(rig.anonymous(Method::GET, ENDPOINTS).bearer_auth(OTHER)).await;
    assert_eq!(listed.body["data"]["endpoints"], json!([]));
}

/// The refusals that are of webhooks alone.
pub(crate) async fn refusals() -> Vec<Answer> {
    let rig = Rig::with("[webhooks]\nendpoints_max = 1\n").await;
    let url = json!({ "url": "https://shop.example/hooks" });
    let good = made(&rig, &url).await;
    let path = format!("{ENDPOINTS}/{}", text(&good["endpoint"]["endpointId"]));
    let again = format!("{path}/redeliver");
    let event = format!("{}-9", rig.prepared().await.id);
    let rotate = format!("{path}/rotate");
    for _ in 0..5 {
        assert_eq!(rig.post(&rotate, "{}").await.status, 201);
    }
    let mut told = vec![
        rig.post(&rotate, "{}").await,
        rig.post(ENDPOINTS, &url.to_string()).await,
        rig.post(ENDPOINTS, r#"{"url":"https://10.0.0.1"}"#).await,
        rig.get(&format!("{ENDPOINTS}/whe_nonsense")).await,
        rig.post(&again, &json!({ "eventId": event }).to_string())
            .await,
    ];
    patched(&rig, &path, &json!({ "enabled": false })).await;
    told.push(rig.post(&again, "{}").await);
    told
}
