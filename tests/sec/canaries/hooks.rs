//! Webhooks: their secrets, made and replaced over the API and by command, addresses with a token
//! in them, what is sent there, and what receivers answer.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use super::operated::{COMMANDS, done};
use super::stand::Stand;
use crate::rig::text;

const ENDPOINTS: &str = "/api/v1/webhook-endpoints";
/// Where a merchant's own people read what they entered, and what their receivers say.
const LISTS: &str = "lists of webhooks";
const MESSAGES: &str = "webhooks";
const TOKEN: &str = "canary-of-a-receiver-8841";
const USER: &str = "canary-user-8842";
const PASSWORD: &str = "canary-password-8843";
const ANSWER: &str = "canary-of-an-answer-8844";
/// What a running service may take to bring something, and some more for a busy machine.
const BROUGHT_MAX: Duration = Duration::from_secs(20);

/// Each message: its signatures, and all of its rest.
type Told = Arc<Mutex<Vec<(String, String)>>>;

/// A receiver that answers with something of its own; its address.
async fn receiver(told: Told, tasks: &TaskTracker) -> String {
    let take = async |State(told): State<Told>, mut headers: HeaderMap, body: Bytes| {
        let signature = headers.remove("webhook-signature").unwrap();
        let rest = format!("{headers:?}\n{}", String::from_utf8_lossy(&body));
        let signature = signature.to_str().unwrap().to_owned();
        told.lock().unwrap().push((signature, rest));
        ANSWER
    };
    let routes = Router::new().fallback(take).with_state(told);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tasks.spawn(async move { axum::serve(listener, routes).await });
    address.to_string()
}

/// A secret, as it is shown and as its bytes.
fn keep(stand: &mut Stand, secret: &Value) {
    let secret = text(secret);
    let encoded = secret.strip_prefix("whsec_").unwrap();
    stand.sensitive("a webhook's secret", secret);
    stand.sensitive("a webhook's secret without its name", encoded);
    let bytes = STANDARD.decode(encoded).unwrap();
    stand.sensitive("the bytes of a webhook's secret", bytes);
}

/// Made, replaced, listed over the API; and what is no address for it.
async fn over_the_api(stand: &mut Stand, url: &str) -> String {
    let made = stand
        .asked(Method::POST, ENDPOINTS, "-", &json!({ "url": url }))
        .await;
    assert_eq!(made.status, 201, "{made:?}");
    keep(stand, &made.body["data"]["secret"]);
    let id = text(&made.body["data"]["endpoint"]["endpointId"]).to_owned();
    let path = format!("{ENDPOINTS}/{id}");
    let grace = json!({ "graceSeconds": 3600 });
    let rotated = stand
        .asked(Method::POST, &format!("{path}/rotate"), "-", &grace)
        .await;
    assert_eq!(rotated.status, 201, "{rotated:?}");
    keep(stand, &rotated.body["data"]["secret"]);
    let at = url.strip_prefix("http://").unwrap();
    for refused in [
        format!("http://{USER}:{PASSWORD}@{at}"),
        format!("https://{USER}:{PASSWORD}@shop.example/hooks?token={PASSWORD}"),
        format!("ftp://shop.example/{PASSWORD}"),
        format!("https://10.0.0.1/{PASSWORD}"),
        format!("https://[{PASSWORD}/"),
    ] {
        let body = json!({ "url": refused });
        for (method, path) in [(Method::POST, ENDPOINTS), (Method::PATCH, &path)] {
            let answer = stand.asked(method, path, "-", &body).await;
            assert!((400..500).contains(&answer.status), "{answer:?}");
        }
    }
    for path in [ENDPOINTS, &path] {
        let listed = stand.asked(Method::GET, path, "-", &json!({})).await;
        stand.heard(LISTS, &listed.body.to_string(), "endpointId");
    }
    id
}

/// Made, replaced, listed by command.
fn by_command(stand: &mut Stand, url: &str) -> String {
    let listed = stand.service.run(&["merchant", "list"]);
    let merchant: Value = serde_json::from_str(listed.lines().next().unwrap()).unwrap();
    let merchant = text(&merchant["merchantId"]).to_owned();
    let add = stand.command(&["webhook", "add", &merchant, url]);
    let added = done(stand, add, "");
    keep(stand, &added["secret"]);
    let id = text(&added["endpointId"]).to_owned();
    let rotate = stand.command(&["webhook", "rotate", &id, "--grace-seconds", "0"]);
    let rotated = done(stand, rotate, "");
    keep(stand, &rotated["secret"]);
    for arguments in [
        &["webhook", "list", &merchant][..],
        &["webhook", "show", &id],
        &["webhook", "deliveries", &id],
    ] {
        let command = stand.command(arguments);
        done(stand, command, "");
    }
    id
}

/// What is brought to both, once it is so much.
async fn brought(told: &Told, count: usize) {
    let begun = Instant::now();
    while told.lock().unwrap().len() < count {
        assert!(begun.elapsed() < BROUGHT_MAX, "nothing is brought");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Secrets, addresses, messages and answers of webhooks go every way that they can.
pub(super) async fn webhooks(stand: &mut Stand) {
    let shown = &[LISTS, COMMANDS, "the database"];
    stand.sensitive_but("a token in an address", TOKEN, shown);
    stand.sensitive("a user in an address", USER);
    stand.sensitive("a password in an address", PASSWORD);
    stand.sensitive_but("a receiver's answer", ANSWER, shown);
    let (told, tasks) = (Told::default(), TaskTracker::new());
    let address = receiver(Arc::clone(&told), &tasks).await;
    let url = |path: &str| format!("http://{address}/{path}?token={TOKEN}");
    let first = over_the_api(stand, &url("api")).await;
    let second = by_command(stand, &url("command"));
    let body = json!({ "orderId": "order-hooks", "orderName": "생수", "amount": 100 });
    let prepared = stand
        .asked(Method::POST, "/api/v1/payments", "order-hooks", &body)
        .await;
    assert_eq!(prepared.status, 201, "{prepared:?}");
    brought(&told, 2).await;
    let event = format!("{}-1", text(&prepared.body["data"]["paymentId"]));
    let (of_first, again) = (format!("{ENDPOINTS}/{first}"), json!({ "eventId": event }));
    let sent = stand
        .asked(Method::POST, &format!("{of_first}/redeliver"), "-", &again)
        .await;
    assert!(sent.status < 300, "{sent:?}");
    brought(&told, 3).await;
    for path in ["deliveries", &format!("attempts?eventId={event}")] {
        let path = format!("{of_first}/{path}");
        let listed = stand.asked(Method::GET, &path, "-", &json!({})).await;
        assert_eq!(listed.status, 200, "{listed:?}");
        stand.heard(LISTS, &listed.body.to_string(), "endpointId");
    }
    let attempts = stand.command(&["webhook", "attempts", &second, &event]);
    done(stand, attempts, "");
    for (signatures, rest) in told.lock().unwrap().iter() {
        for signature in signatures.split(' ') {
            let tag = signature.strip_prefix("v1,").unwrap();
            stand.sensitive("a message's signature", tag);
        }
        // Whoever receives it knows where it was sent.
        stand.heard(MESSAGES, rest, "webhook-id");
    }
}
