//! Words that must not be seen: they go through every main flow of the real program at TRACE, and
//! then through everything that it said.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::rig::{Answer, answer, text};
use crate::support::Service;

const NAME: &str = "카나리아";
const MEMBER: &str = "member-canary-7391";
const REASON: &str = "전화 010-2345-6789 로 문의";
const CARD: &str = "4111111111111111";
const CARD_SPACED: &str = "5555 5555 5555 4444";
const GUESS: &str = "sk_test_canary_of_somebody_else";
const IN_PATH: &str = "canary-in-a-path-5120";
const IN_QUERY: &str = "canary-in-a-query-5121";

struct Flow {
    keys: Value,
    client: Client,
    /// Everything that was answered with a refusal, and every event.
    shown: String,
}

impl Flow {
    async fn send(&mut self, method: Method, path: &str, key: &str, body: &Value) -> Answer {
        let url = format!("{}{path}", text(&self.keys["payflowUrl"]));
        let secret = text(&self.keys["secretKey"]);
        let request = self
            .client
            .request(method, url)
            .basic_auth(secret, Some(""));
        let answer = answer(request.header("idempotency-key", key).json(body)).await;
        if answer.status >= 400 || path.ends_with("/events") {
            self.shown.push_str(&answer.body.to_string());
        }
        answer
    }

    async fn post(&mut self, path: &str, key: &str, body: Value) -> Answer {
        self.send(Method::POST, path, key, &body).await
    }

    /// A payment that is prepared and, by this amount, authenticated.
    async fn prepared(&mut self, order: &str) -> (String, Value) {
        let customer = json!({ "name": NAME, "memberId": MEMBER });
        let body = json!({ "orderId": order, "orderName": "생수", "amount": 15000,
                           "customer": customer });
        let prepared = self.post("/api/v1/payments", order, body).await;
        assert_eq!(prepared.status, 201, "{prepared:?}");
        let data = &prepared.body["data"];
        let url = format!("{}/_sandbox/authenticate", text(&self.keys["sandboxUrl"]));
        let window = json!({ "orderId": data["gatewayOrderId"], "amount": 15000,
                             "method": "CARD" });
        let paid = answer(self.client.post(url).json(&window)).await;
        let approval = json!({ "paymentKey": paid.body["paymentKey"], "amount": 15000,
                               "gatewayOrderId": data["gatewayOrderId"] });
        let path = format!("/api/v1/payments/{}", text(&data["paymentId"]));
        (path, approval)
    }

    /// Paid, repeated, given back in part, refused, read.
    async fn pays(&mut self) {
        let (path, approval) = self.prepared("order-1").await;
        let approve = format!("{path}/approve");
        for _ in 0..2 {
            let approved = self.post(&approve, "approve", approval.clone()).await;
            assert_eq!(approved.status, 200, "{approved:?}");
        }
        let cancel = format!("{path}/cancel");
        let part = json!({ "reason": REASON, "amount": 5000 });
        assert_eq!(self.post(&cancel, "cancel", part).await.status, 200);
        let more = json!({ "reason": REASON, "amount": 50000 });
        assert_eq!(self.post(&cancel, "more", more).await.status, 422);
        let twice = self.post(&approve, "twice", approval).await;
        assert_eq!(twice.status, 409, "{twice:?}");
        for path in [
            path.clone(),
            format!("{path}/events"),
            "/api/v1/payments".to_owned(),
        ] {
            assert_eq!(
                self.send(Method::GET, &path, "-", &json!({})).await.status,
                200
            );
        }
    }

    /// Wrong in every way in which something sensitive can come.
    async fn errs(&mut self) {
        let (path, mut approval) = self.prepared("order-2").await;
        approval["amount"] = json!(1);
        let cheaper = self
            .post(&format!("{path}/approve"), "cheaper", approval)
            .await;
        assert_eq!(cheaper.status, 400, "{cheaper:?}");
        for body in [
            json!({ "orderId": "order-3", "orderName": CARD, "amount": 1 }),
            json!({ "orderId": "order-3", "orderName": "a", "amount": 1,
                    "customer": { "name": CARD_SPACED, "memberId": CARD } }),
            json!({ "orderId": "order-3", "orderName": "a", "amount": 1, CARD: 1 }),
            json!({ "orderId": NAME, "orderName": 7, "amount": REASON, "currency": MEMBER }),
        ] {
            assert_eq!(self.post("/api/v1/payments", "k", body).await.status, 400);
        }
        let reason = json!({ "reason": CARD_SPACED });
        assert_eq!(
            self.post(&format!("{path}/cancel"), "card", reason)
                .await
                .status,
            400
        );
        for path in [
            format!("/api/v1/payments/{IN_PATH}"),
            format!("/{IN_PATH}"),
            format!("/api/v1/payments?cursor={IN_QUERY}"),
            format!("/api/v1/payments?{IN_QUERY}={IN_QUERY}&limit=1"),
        ] {
            let refused = self.send(Method::GET, &path, "-", &json!({})).await;
            assert!((400..500).contains(&refused.status), "{path}: {refused:?}");
        }
        let url = format!("{}/api/v1/payments", text(&self.keys["payflowUrl"]));
        for request in [
            self.client.get(&url).bearer_auth(GUESS),
            self.client.get(&url).basic_auth(GUESS, Some("")),
            self.client.get(&url).basic_auth(GUESS, Some(GUESS)),
            self.client.get(&url).header("authorization", GUESS),
        ] {
            let refused = answer(request).await;
            assert_eq!(refused.status, 401, "{refused:?}");
            self.shown.push_str(&refused.body.to_string());
        }
    }
}

#[tokio::test]
async fn no_canary_is_seen() {
    let mut service = Service::start(&[("RUST_LOG", "trace"), ("PAYFLOW_LOG__FORMAT", "json")]);
    let keys = service.keys().await;
    let mut flow = Flow {
        client: Client::builder().no_proxy().build().unwrap(),
        shown: String::new(),
        keys: keys.clone(),
    };
    flow.pays().await;
    flow.errs().await;
    let metrics = flow
        .client
        .get(text(&keys["metricsUrl"]))
        .send()
        .await
        .unwrap();
    let metrics = metrics.text().await.unwrap();
    service.kill();
    let log = service.log();
    assert!(
        log.contains("\"TRACE\"") && log.contains("answered"),
        "nothing was logged"
    );

    let mut canaries: Vec<String> = [
        NAME,
        MEMBER,
        REASON,
        CARD,
        CARD_SPACED,
        GUESS,
        IN_PATH,
        IN_QUERY,
    ]
    .map(str::to_owned)
    .to_vec();
    for name in ["secretKey", "gatewaySecretKey", "publishableKey"] {
        let key = text(&keys[name]);
        assert!(!key.is_empty(), "{name} is not in dev-keys.json");
        canaries.push(key.to_owned());
        canaries.push(STANDARD.encode(format!("{key}:")));
    }
    canaries.push(STANDARD.encode(format!("{GUESS}:")));
    canaries.push(STANDARD.encode(format!("{GUESS}:{GUESS}")));
    let mut hits = Vec::new();
    for canary in &canaries {
        // The events of a payment tell why money went back, and a refusal which field is unknown.
        let theirs = [REASON, IN_QUERY].contains(&canary.as_str());
        let answers = if theirs { "" } else { flow.shown.as_str() };
        for (place, said) in [
            ("log", log.as_str()),
            ("answers", answers),
            ("metrics", &metrics),
        ] {
            if let Some(line) = said.lines().find(|line| line.contains(canary.as_str())) {
                hits.push(format!(
                    "{canary} in {place}: {}",
                    line.get(..900).unwrap_or(line)
                ));
            }
        }
    }
    eprintln!("log canaries: {} hits of {}", hits.len(), canaries.len());
    assert!(hits.is_empty(), "{}", hits.join("\n"));
}
