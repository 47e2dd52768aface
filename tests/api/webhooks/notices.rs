//! What a merchant's endpoint is told of another that the service disabled.

use std::time::Duration;

use axum::body::Bytes;
use axum::http::HeaderMap;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{ENDPOINTS, HERE, Receiver, made, patched, signed};
use crate::rig::{Rig, text};

const DISABLED: &str = "webhook_endpoint.disabled";

/// An installation in which an endpoint has gone, and what the other was told of it.
struct Stand {
    rig: Rig,
    /// The one that went.
    gone: String,
    /// Where deliveries to the other are asked about.
    path: String,
    secret: String,
    receiver: Receiver,
}

impl Stand {
    async fn new() -> Self {
        let rig = Rig::with(HERE).await;
        let (leaving, receiver) = (Receiver::default(), Receiver::default());
        *leaving.answers.lock().unwrap() = Some(410);
        let gone = made(&rig, &json!({ "url": leaving.open().await })).await;
        let wanted = json!({ "url": receiver.open().await, "events": [DISABLED] });
        let watchman = made(&rig, &wanted).await;
        assert_eq!(watchman["endpoint"]["events"], json!([DISABLED]));
        let path = format!("{ENDPOINTS}/{}", text(&watchman["endpoint"]["endpointId"]));
        let events = json!(["payment.prepared", DISABLED]);
        let changed = patched(&rig, &path, &json!({ "events": events })).await;
        assert_eq!(changed.body["data"]["events"], events, "{changed:?}");
        rig.prepared().await;
        Self {
            rig,
            gone: text(&gone["endpoint"]["endpointId"]).to_owned(),
            path,
            secret: text(&watchman["secret"]).to_owned(),
            receiver,
        }
    }

    /// What it was told of, once it is written that it was.
    async fn told(&self) -> Vec<(HeaderMap, Bytes)> {
        let told = self.receiver.told(2).await;
        let begun = Instant::now();
        loop {
            let listed = self.listed("?status=DELIVERED").await;
            if listed["deliveries"].as_array().map(Vec::len) == Some(2) {
                return told;
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "{listed}");
            sleep(Duration::from_millis(10)).await;
        }
    }

    async fn listed(&self, query: &str) -> Value {
        let path = format!("{}/deliveries{query}", self.path);
        let listed = self.rig.get(&path).await;
        assert_eq!(listed.status, 200, "{listed:?}");
        listed.body["data"].clone()
    }
}

#[tokio::test]
async fn an_endpoint_hears_of_another_that_is_gone_and_can_verify_it() {
    let stand = Stand::new().await;
    let told = stand.told().await;
    let (headers, body) = told
        .iter()
        .find(|(_, body)| String::from_utf8_lossy(body).contains(DISABLED))
        .unwrap_or_else(|| panic!("{told:?}"));
    assert_eq!(
        headers["webhook-signature"],
        signed(headers, body, &[&stand.secret])
    );
    let id = headers["webhook-id"].to_str().unwrap();
    let message: Value = serde_json::from_slice(body).unwrap();
    assert!(message["timestamp"].is_string(), "{message}");
    let data = json!({
        "eventId": id,
        "endpointId": stand.gone,
        "sequence": 2,
        "mode": "test",
        "status": "GONE",
    });
    assert_eq!(
        message,
        json!({ "type": DISABLED, "timestamp": message["timestamp"], "data": data })
    );
    assert_eq!(id, format!("{}-2", stand.gone));

    let query = format!("{}/attempts?eventId={id}", stand.path);
    let tries = stand.rig.get(&query).await;
    assert_eq!(tries.body["data"]["attempts"][0]["outcome"], "TAKEN");
    let again = json!({ "eventId": id }).to_string();
    let again = stand
        .rig
        .post(&format!("{}/redeliver", stand.path), &again)
        .await;
    assert_eq!(
        (again.status, &again.body["data"]["count"]),
        (200, &json!(1))
    );
    let (_, repeated) = &stand.receiver.told(3).await[2];
    assert_eq!(repeated, body);
}

#[tokio::test]
async fn deliveries_beside_the_feed_are_listed_behind_it() {
    let stand = Stand::new().await;
    stand.told().await;
    let listed = stand.listed("").await;
    let [event, notice] = listed["deliveries"].as_array().unwrap().as_slice() else {
        panic!("{listed}");
    };
    assert!(event["paymentId"].is_string() && event["cursor"].is_string());
    assert_eq!(event["type"], "payment.prepared");
    assert_eq!(
        (&notice["type"], &notice["sequence"]),
        (&json!(DISABLED), &json!(2))
    );
    assert_eq!(notice["eventId"], format!("{}-2", stand.gone));
    for of_payments in ["paymentId", "cursor"] {
        assert_eq!(notice.get(of_payments), None, "{notice}");
    }

    let first = stand.listed("?limit=1").await;
    assert_eq!(first["deliveries"], json!([event]));
    let before = text(&first["nextBefore"]);
    let second = stand.listed(&format!("?limit=1&before={before}")).await;
    assert_eq!(second["deliveries"][0]["eventId"], notice["eventId"]);
    let before = text(&second["nextBefore"]);
    let last = stand.listed(&format!("?limit=1&before={before}")).await;
    assert_eq!(last, json!({ "deliveries": [] }));
    // It is no place in the feed.
    let page = stand
        .rig
        .get(&format!("/api/v1/events?after={before}"))
        .await;
    assert_eq!(page.errors(), ["after: CURSOR_INVALID"]);
    let range = json!({ "after": before }).to_string();
    let path = format!("{}/redeliver", stand.path);
    let range = stand.rig.post(&path, &range).await;
    assert_eq!(range.errors(), ["after: CURSOR_INVALID"]);
}
