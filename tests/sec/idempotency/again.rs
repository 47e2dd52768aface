//! What a killed and restarted process answers to the keys of its earlier life.

use reqwest::Client;
use serde_json::{Value, json};

use crate::rig::{Answer, answer, text};
use crate::support::Service;

struct Merchant {
    keys: Value,
    client: Client,
}

impl Merchant {
    async fn of(service: &Service) -> Self {
        Self {
            keys: service.keys().await,
            client: Client::builder().no_proxy().build().unwrap(),
        }
    }

    async fn post(&self, path: &str, key: &str, body: &Value) -> Answer {
        let url = format!("{}{path}", text(&self.keys["payflowUrl"]));
        let request = self
            .client
            .post(url)
            .bearer_auth(text(&self.keys["secretKey"]));
        answer(request.header("idempotency-key", key).json(body)).await
    }

    async fn authenticate(&self, gateway_order: &Value) -> Value {
        let url = format!("{}/_sandbox/authenticate", text(&self.keys["sandboxUrl"]));
        let body = json!({ "orderId": gateway_order, "amount": 15000, "method": "CARD" });
        answer(self.client.post(url).json(&body)).await.body["paymentKey"].clone()
    }
}

#[tokio::test]
async fn a_killed_process_still_knows_its_keys() {
    let mut service = Service::start(&[]);
    let merchant = Merchant::of(&service).await;
    let order = json!({ "orderId": "order-1", "orderName": "생수", "amount": 15000 });
    let prepared = merchant.post("/api/v1/payments", "prepare", &order).await;
    assert_eq!(prepared.status, 201, "{prepared:?}");
    let data = &prepared.body["data"];
    let path = format!("/api/v1/payments/{}", text(&data["paymentId"]));
    let payment_key = merchant.authenticate(&data["gatewayOrderId"]).await;
    let approval = json!({ "paymentKey": payment_key, "amount": 15000,
                           "gatewayOrderId": data["gatewayOrderId"] });
    let (approve, cancel) = (format!("{path}/approve"), format!("{path}/cancel"));
    let approved = merchant.post(&approve, "approve", &approval).await;
    assert_eq!(approved.status, 200, "{approved:?}");
    let part = json!({ "reason": "r", "amount": 5000 });
    let canceled = merchant.post(&cancel, "cancel", &part).await;
    assert_eq!(canceled.status, 200, "{canceled:?}");
    let issued = merchant
        .post("/api/v1/idempotency-keys", "unused", &json!({}))
        .await;
    let issued = text(&issued.body["data"]["idempotencyKey"]).to_owned();

    service.kill();
    service.restart();
    let merchant = Merchant::of(&service).await;
    for (path, key, body, first) in [
        ("/api/v1/payments", "prepare", &order, &prepared),
        (approve.as_str(), "approve", &approval, &approved),
        (cancel.as_str(), "cancel", &part, &canceled),
    ] {
        let again = merchant.post(path, key, body).await;
        assert_eq!((again.status, again.code()), (first.status, first.code()));
        assert_eq!(again.body["data"], first.body["data"], "{key}");
        assert_eq!(again.header("idempotent-replayed"), "true", "{key}");
        let other = merchant
            .post(path, key, &json!({ "reason": "other" }))
            .await;
        assert!([400, 422].contains(&other.status), "{other:?}");
    }
    let reused = merchant
        .post(&cancel, "cancel", &json!({ "reason": "other" }))
        .await;
    assert_eq!(reused.code(), "IDEMPOTENCY_KEY_REUSED");
    let rest = merchant
        .post(&cancel, &issued, &json!({ "reason": "rest" }))
        .await;
    assert_eq!(rest.status, 200, "a key issued before: {rest:?}");
    assert_eq!(rest.body["data"]["balanceAmount"], 0);
}
