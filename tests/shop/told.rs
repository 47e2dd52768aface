//! What the built-in sandbox tells the service by itself: what others do at the gateway is in our
//! books within seconds, and so in the shop.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::stand::{Stand, client};

/// What the notification takes with everything that follows it; the watch takes minutes.
const WITHIN: Duration = Duration::from_secs(10);

/// The key of the only payment at the gateway that was not given back.
async fn payment_key(stand: &Stand) -> String {
    let ledger = format!("{}/_sandbox/ledger", stand.text("sandboxUrl"));
    let ledger: Value = client()
        .get(ledger)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let entries = ledger["entries"].as_array().unwrap();
    let key = entries.last().unwrap()["paymentKey"].as_str();
    key.unwrap_or_else(|| panic!("{ledger}")).to_owned()
}

/// Somebody who has the gateway's key gives everything back, past the service.
async fn gives_back(stand: &Stand, payment_key: &str) {
    let url = stand.text("sandboxUrl");
    let asked = client()
        .post(format!("{url}/v1/payments/{payment_key}/cancel"))
        .basic_auth(stand.text("gatewaySecretKey"), Some(""))
        .json(&json!({ "cancelReason": "console" }));
    let answer = asked.send().await.unwrap();
    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
}

/// What the service says of its payments with this status.
async fn payments(stand: &Stand, status: &str) -> Vec<Value> {
    let url = format!(
        "{}/api/v1/payments?status={status}",
        stand.text("payflowUrl")
    );
    let asked = client()
        .get(url)
        .basic_auth(stand.text("secretKey"), Some(""));
    let listed: Value = asked.send().await.unwrap().json().await.unwrap();
    listed["data"]["payments"].as_array().unwrap().clone()
}

/// Until so many payments are given back.
async fn given_back(stand: &Stand, count: usize) -> Vec<Value> {
    let begun = Instant::now();
    loop {
        let all = payments(stand, "CANCELED").await;
        if all.len() == count {
            return all;
        }
        let log = || stand.service.log();
        assert!(begun.elapsed() < WITHIN, "{all:?}\n{}", log());
        sleep(Duration::from_millis(100)).await;
    }
}

/// What became of what was told about this payment.
fn verdicts(stand: &Stand, payment: &Value) -> Vec<String> {
    let listed = stand.service.run(&["inbox", "list"]);
    let lines = listed.lines().map(serde_json::from_str::<Value>);
    let told = lines.map(Result::unwrap);
    let about = told.filter(|one| one["paymentId"] == *payment);
    let verdict = |one: Value| one["verdict"].as_str().unwrap().to_owned();
    about.map(verdict).collect()
}

/// Where the sandbox tells something.
async fn addresses(stand: &Stand) -> Vec<String> {
    let url = format!("{}/_sandbox/webhooks", stand.text("sandboxUrl"));
    let all: Value = client()
        .get(url)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let all = all["webhooks"].as_array().unwrap().iter();
    all.map(|one| one["url"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn what_others_give_back_at_the_gateway_is_booked_within_seconds() {
    let mut stand = Stand::start().await;
    let mut buyer = stand.buyer();
    let first = buyer.buy(&stand, "mug", "1").await;
    gives_back(&stand, &payment_key(&stand).await).await;
    let all = given_back(&stand, 1).await;
    buyer.listed(&first, "chip refunded").await;
    let told = verdicts(&stand, &all[0]["paymentId"]);
    // Our own approval was told, too; whether before or after it was booked is all the same.
    assert_eq!(told[0], "HINTED", "{told:?}");
    assert_eq!(told.len(), 2, "{told:?}");

    // Back on other ports, the service is told there, and nowhere else.
    stand.service.kill();
    stand.restart_service().await;
    buyer.follow(&stand);
    assert_eq!(addresses(&stand).await, [stand.text("gatewayWebhookUrl")]);
    buyer.buy(&stand, "tea", "1").await;
    gives_back(&stand, &payment_key(&stand).await).await;
    given_back(&stand, 2).await;
}

/// The verdicts on everything of a signed kind, newest first.
fn signed(stand: &Stand) -> Vec<String> {
    let listed = stand.service.run(&["inbox", "list"]);
    let lines = listed.lines().map(serde_json::from_str::<Value>);
    let told = lines.map(Result::unwrap);
    let signed = told.filter(|one| one["kind"].as_str().unwrap().ends_with(".changed"));
    let verdict = |one: Value| one["verdict"].as_str().unwrap().to_owned();
    signed.map(verdict).collect()
}

/// When the newest of a kind was sent, as the gateway writes it.
fn sent_at(stand: &Stand, kind: &str) -> String {
    let listed = stand.service.run(&["inbox", "list"]);
    let lines = listed.lines().map(serde_json::from_str::<Value>);
    let mut told = lines.map(Result::unwrap);
    let newest = told.find(|one| one["kind"] == kind).unwrap();
    newest["sentAt"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_the_gateway_signs_is_told_from_what_is_forged() {
    let stand = Stand::start().await;
    let send = format!("{}/_sandbox/webhooks/send", stand.text("sandboxUrl"));
    for event in ["payout.changed", "seller.changed"] {
        let asked = client().post(&send).json(&json!({ "eventType": event }));
        assert_eq!(asked.send().await.unwrap().status(), 200);
    }
    let begun = Instant::now();
    while signed(&stand) != ["VERIFIED", "VERIFIED"] {
        let log = || stand.service.log();
        assert!(begun.elapsed() < WITHIN, "{:?}\n{}", signed(&stand), log());
        sleep(Duration::from_millis(100)).await;
    }
    // As young as what was signed: nothing is wrong with it but the signature.
    let forged = client()
        .post(stand.text("gatewayWebhookUrl"))
        .header(
            "tosspayments-webhook-transmission-time",
            sent_at(&stand, "payout.changed"),
        )
        .header(
            "tosspayments-webhook-signature",
            "v1:TVXkTpCdn4cN+vPKBvV53EUmW9RFvCAD620yBtWCtEY=",
        )
        .json(&json!({ "eventType": "payout.changed", "entityBody": {} }));
    assert_eq!(forged.send().await.unwrap().status(), 200);
    assert_eq!(signed(&stand)[0], "FORGED");
}

/// What a command prints about security keys, which is never a key.
fn security_keys(stand: &Stand, arguments: &[&str]) -> Vec<Value> {
    let account = stand.service.run(&["gateway-account", "list"]);
    let account: Value = serde_json::from_str(account.lines().next().unwrap()).unwrap();
    let account = account["gatewayAccountId"].as_str().unwrap();
    let (verb, rest) = arguments.split_first().unwrap();
    let printed = stand
        .service
        .run(&[&["security-key", verb, account], rest].concat());
    assert!(!printed.contains(stand.text("gatewaySecurityKey")));
    let lines = printed.lines().map(serde_json::from_str);
    lines.map(Result::unwrap).collect()
}

#[tokio::test]
async fn security_keys_are_listed_without_being_shown_and_revoked() {
    let stand = Stand::start().await;
    let listed = security_keys(&stand, &["list"]);
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (&listed[0]["number"], &listed[0]["expiresAt"]),
        (&json!(1), &Value::Null)
    );
    assert_eq!(security_keys(&stand, &["revoke"])[0]["revoked"], 1);
    assert!(security_keys(&stand, &["list"]).is_empty());
}
