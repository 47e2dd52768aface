//! What is asked about stored cards: what the window brought, and the key that the gateway made.

use reqwest::Method;
use serde_json::json;

use super::stand::Stand;
use crate::rig::{answer, text};

const BILLING_KEYS: &str = "/api/v1/billing-keys";
const MEMBER: &str = "member-with-a-card";

/// Registered, refused, issued, charged, deleted.
pub(super) async fn on_file(stand: &mut Stand) {
    let body = json!({ "memberId": MEMBER });
    let opened = stand.asked(Method::POST, BILLING_KEYS, "-", &body).await;
    assert_eq!(opened.status, 201, "{opened:?}");
    let data = &opened.body["data"];
    let window = json!({ "customerKey": data["customerKey"] });
    let told = answer(stand.at_the_gateway("/_sandbox/billing-auth").json(&window)).await;
    let auth_key = text(&told.body["authKey"]).to_owned();
    assert!(!auth_key.is_empty(), "{told:?}");
    stand.sensitive("an authKey", auth_key.clone());
    let path = format!(
        "{BILLING_KEYS}/{}",
        text(&data["billingKey"]["billingKeyId"])
    );
    let issue = format!("{path}/issue");
    for (customer, status) in [
        (json!("cus_of_somebody"), 400),
        (data["customerKey"].clone(), 200),
    ] {
        let body = json!({ "customerKey": customer, "authKey": auth_key });
        let issued = stand.asked(Method::POST, &issue, "-", &body).await;
        assert_eq!(issued.status, status, "{issued:?}");
    }
    let url = format!("{}/_sandbox/billing-keys", text(&stand.keys["sandboxUrl"]));
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let made = answer(client.get(url)).await;
    let made = made.body["billingKeys"].as_array().unwrap().clone();
    let ours = made
        .iter()
        .find(|made| made["customerKey"] == data["customerKey"]);
    let billing_key = text(&ours.unwrap()["billingKey"]).to_owned();
    assert!(!billing_key.is_empty(), "{made:?}");
    stand.sensitive("a billing key", billing_key);
    let body = json!({ "orderId": "order-of-a-card", "orderName": "생수", "amount": 9900,
                       "kind": "BILLING", "customer": { "memberId": MEMBER } });
    let prepared = stand
        .asked(Method::POST, "/api/v1/payments", "order-of-a-card", &body)
        .await;
    assert_eq!(prepared.status, 201, "{prepared:?}");
    let id = text(&prepared.body["data"]["paymentId"]);
    let charge = format!("/api/v1/payments/{id}/charge");
    let charged = stand
        .asked(Method::POST, &charge, "charge", &json!({}))
        .await;
    assert_eq!(charged.status, 200, "{charged:?}");
    let query = format!("{BILLING_KEYS}?memberId={MEMBER}");
    let listed = stand.asked(Method::GET, &query, "-", &json!({})).await;
    stand.heard("cards", &listed.body.to_string(), "billingKeyId");
    let gone = stand.asked(Method::DELETE, &path, "-", &json!({})).await;
    assert_eq!(gone.body["data"]["status"], "DELETED", "{gone:?}");
}
