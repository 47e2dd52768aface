//! Owns automatic payment: consents and the billing keys they become.

mod charges;
mod window;

use reqwest::Method;
use serde_json::{Value, json};
use toss_sandbox::{Config, FailedCharge};

use crate::golden::{example, same, same_shape};
use crate::support::{Bench, Reply, config, send};

const ISSUE: &str = "/v1/billing/authorizations/issue";
const CUSTOMER: &str = "cus_7f3e2a90-5c1d-4b7e-9d20-1a2b3c4d5e6f";

/// A buyer's consent, as the window's redirect would bring it.
async fn consent(bench: &Bench, further: Value) -> String {
    let mut body = json!({ "customerKey": CUSTOMER });
    let further = further.as_object().expect("an object").clone();
    body.as_object_mut().expect("an object").extend(further);
    let reply = bench.post("/_sandbox/billing-auth", body).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    text(&reply.json(), "authKey")
}

async fn issue(bench: &Bench, auth_key: &str, customer_key: &str) -> Reply {
    let body = json!({ "authKey": auth_key, "customerKey": customer_key });
    bench.post(ISSUE, body).await
}

/// A billing key of the usual customer.
pub(crate) async fn billing_key(bench: &Bench, further: Value) -> String {
    let auth_key = consent(bench, further).await;
    let reply = issue(bench, &auth_key, CUSTOMER).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    text(&reply.json(), "billingKey")
}

async fn key_of_card(bench: &Bench, tail: &str) -> String {
    let number = format!("000000000000{tail}");
    billing_key(bench, json!({ "cardNumber": number })).await
}

fn charge_body(order_id: &str, amount: i64) -> Value {
    json!({
        "customerKey": CUSTOMER, "orderId": order_id, "amount": amount,
        "orderName": "monthly plan",
    })
}

pub(crate) async fn charge(bench: &Bench, key: &str, order_id: &str, amount: i64) -> Reply {
    let body = charge_body(order_id, amount);
    bench.post(&format!("/v1/billing/{key}"), body).await
}

async fn delete(bench: &Bench, key: &str) -> Reply {
    let request = bench.api(Method::DELETE, &format!("/v1/billing/{key}"));
    send(request).await.expect("an answer")
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().expect("text").to_owned()
}

#[tokio::test]
async fn keys_look_like_captured_ones() {
    let bench = Bench::new().await;
    let names = ["customerKey", "method", "card", "transfers", "easyPay"];
    let older = example!("billing-card");
    let auth_key = consent(&bench, json!({})).await;
    let actual = issue(&bench, &auth_key, CUSTOMER).await.json();
    same_shape(&actual, &older, "billing");
    same(&actual, &older, &names);
    same(&actual, &older, &["cardCompany", "cardNumber"]);
    assert_eq!(text(&actual, "billingKey").len(), 44, "{actual}");

    let account = example!("billing-transfer");
    let auth_key = consent(&bench, json!({ "method": "TRANSFER" })).await;
    let actual = issue(&bench, &auth_key, CUSTOMER).await.json();
    same_shape(&actual, &account, "billing");
    same(&actual, &account, &["method", "card", "transfers"]);

    let bench = Bench::with_settings(|settings| {
        settings.api_version = "2024-06-01";
    })
    .await;
    let newer = example!("billing-card-2024");
    let auth_key = consent(&bench, json!({})).await;
    let actual = issue(&bench, &auth_key, CUSTOMER).await.json();
    same_shape(&actual, &newer, "billing");
    same(&actual, &newer, &names);
}

#[tokio::test]
async fn a_charge_looks_like_a_captured_one_and_is_in_the_ledger() {
    let bench = Bench::new().await;
    let key = billing_key(&bench, json!({})).await;
    let example = example!("payment-billing-done");
    let asked = example!("req-billing-charge");
    let reply = bench.post(&format!("/v1/billing/{key}"), asked).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let actual = reply.json();
    same_shape(&actual, &example, "payment");
    let names = [
        "orderId",
        "orderName",
        "status",
        "card",
        "type",
        "method",
        "totalAmount",
        "balanceAmount",
        "suppliedAmount",
        "vat",
    ];
    same(&actual, &example, &names);
    let payment_key = text(&actual, "paymentKey");
    assert_eq!(bench.payment(&payment_key).await, actual);
    let of_order = bench.get("/v1/payments/orders/sub_202603_000001").await;
    assert_eq!(of_order.json(), actual);

    let ledger = bench.ledger().await;
    assert_eq!(ledger.len(), 1);
    assert_eq!(
        (&ledger[0]["kind"], &ledger[0]["amount"]),
        (&json!("capture"), &json!(4900))
    );
    let listed = "/v1/transactions?startDate=2020-01-01&endDate=2100-01-01";
    let listed = bench.get(listed).await.json();
    assert_eq!(listed[0]["customerKey"], CUSTOMER);
    let calls = bench.get("/_sandbox/calls").await.json();
    assert_eq!(
        (
            &calls["totals"]["issueBillingKey"],
            &calls["totals"]["charge"]
        ),
        (&json!(1), &json!(1))
    );

    let back = json!({ "cancelReason": "within seven days", "cancelAmount": 900 });
    let canceled = bench.cancel(&payment_key, back).await.json();
    assert_eq!(
        (&canceled["status"], &canceled["balanceAmount"]),
        (&json!("PARTIAL_CANCELED"), &json!(4000))
    );
}

#[tokio::test]
async fn a_consent_is_worth_one_key_of_its_customer_for_ten_minutes() {
    let bench = Bench::new().await;
    let auth_key = consent(&bench, json!({})).await;
    let code = "INVALID_BILLING_AUTH";
    issue(&bench, &auth_key, "cus_another")
        .await
        .refused(400, code);
    issue(&bench, "bln_never", CUSTOMER)
        .await
        .refused(400, code);
    for body in [
        json!({ "customerKey": CUSTOMER }),
        json!({ "authKey": auth_key }),
        json!([]),
    ] {
        let reply = bench.post(ISSUE, body).await;
        reply.refused(400, "INVALID_REQUEST");
    }
    issue(&bench, &auth_key, "x")
        .await
        .refused(400, "INVALID_CUSTOMER_KEY");
    issue(&bench, &auth_key, &"x".repeat(301))
        .await
        .refused(500, "FAILED_DB_PROCESSING");

    let body = json!({ "authKey": auth_key, "customerKey": CUSTOMER });
    let first = bench.post_as("issue-1", ISSUE, body.clone()).await;
    assert_eq!(first.status, 200, "{}", first.text);
    let again = bench.post_as("issue-1", ISSUE, body).await;
    assert_eq!(
        again.text, first.text,
        "the repeat brings the same key back"
    );
    issue(&bench, &auth_key, CUSTOMER).await.refused(400, code);

    let auth_key = consent(&bench, json!({})).await;
    bench.advance(600).await;
    issue(&bench, &auth_key, CUSTOMER).await.refused(400, code);
}

#[tokio::test]
async fn faults_meet_issuing_and_deleting_too() {
    let bench = Bench::new().await;
    let fault = json!({ "type": "dropAfter" });
    let lost =
        |operation: &str| json!({ "operation": operation, "orderId": CUSTOMER, "fault": fault });
    let auth_key = consent(&bench, json!({})).await;
    bench.fault(lost("issueBillingKey")).await;
    let body = json!({ "authKey": auth_key, "customerKey": CUSTOMER });
    let request = || {
        let request = bench.api(Method::POST, ISSUE).json(&body);
        send(request.header("Idempotency-Key", "issue-1"))
    };
    request().await.expect_err("the answer is lost");
    let key = text(&request().await.expect("an answer").json(), "billingKey");

    for (operation, field) in [("deleteBillingKey", "mId"), ("issueBillingKey", "amount")] {
        let fault = json!({ "type": "wrongBody", "field": field });
        let rule = json!({ "operation": operation, "fault": fault });
        let reply = bench.post("/_sandbox/faults", rule).await;
        assert_eq!(reply.status, 400, "no such answer has it: {}", reply.text);
    }
    bench.fault(lost("deleteBillingKey")).await;
    let gone = bench.api(Method::DELETE, &format!("/v1/billing/{key}"));
    send(gone).await.expect_err("the answer is lost");
    delete(&bench, &key).await.refused(404, "NOT_FOUND_BILLING");
}

#[tokio::test]
async fn a_deleted_key_is_never_charged() {
    let bench = Bench::new().await;
    let key = billing_key(&bench, json!({})).await;
    let encoded = key.replace('=', "%3D");
    let taken = charge(&bench, &encoded, "order-0001", 1000).await;
    assert_eq!(taken.status, 200, "the path may be encoded");
    let gone = delete(&bench, &encoded).await;
    assert_eq!((gone.status, gone.text.as_str()), (200, ""));
    charge(&bench, &key, "order-0002", 1000)
        .await
        .refused(400, "ALREADY_REMOVED_BILLING_KEY");
    delete(&bench, &key).await.refused(404, "NOT_FOUND_BILLING");
    delete(&bench, "never")
        .await
        .refused(404, "NOT_FOUND_BILLING");
    let keys = bench.get("/_sandbox/billing-keys").await.json();
    assert_ne!(keys["billingKeys"][0]["removedAt"], Value::Null, "{keys}");
}

#[tokio::test]
async fn what_nobody_has_published_is_a_setting() {
    let bench = Bench::with_settings(|settings| {
        settings.auth_key = chrono::TimeDelta::minutes(1);
        settings.unusable_auth_key_code = "NOT_FOUND_BILLING";
        settings.auth_key_customer_code = "NOT_MATCHES_CUSTOMER_KEY";
        settings.unknown_billing_key_code = "NOT_FOUND_BILLING";
        settings.deleted_billing_key_code = "INVALID_BILL_KEY_REQUEST";
        settings.failed_charge = FailedCharge::LeavesAborted;
    })
    .await;
    let auth_key = consent(&bench, json!({})).await;
    issue(&bench, &auth_key, "cus_another")
        .await
        .refused(400, "NOT_MATCHES_CUSTOMER_KEY");
    bench.advance(60).await;
    issue(&bench, &auth_key, CUSTOMER)
        .await
        .refused(404, "NOT_FOUND_BILLING");
    charge(&bench, "never", "order-0001", 1000)
        .await
        .refused(404, "NOT_FOUND_BILLING");
    delete(&bench, "never")
        .await
        .refused(400, "INVALID_BILL_KEY_REQUEST");
    let key = key_of_card(&bench, "0109").await;
    charge(&bench, &key, "order-0001", 1000)
        .await
        .refused(403, "REJECT_CARD_PAYMENT");
    let left = bench.get("/v1/payments/orders/order-0001").await.json();
    assert_eq!(
        (&left["status"], &left["type"], &left["failure"]["code"]),
        (
            &json!("ABORTED"),
            &json!("BILLING"),
            &json!("REJECT_CARD_PAYMENT")
        )
    );
}

#[tokio::test]
async fn keys_and_consents_survive_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let kept = || Config {
        data: Some(folder.path().join("journal.jsonl")),
        ..config()
    };
    let bench = Bench::with(kept()).await;
    let (key, gone) = (
        key_of_card(&bench, "0166").await,
        billing_key(&bench, json!({})).await,
    );
    delete(&bench, &gone).await;
    let (spent, fresh) = (
        consent(&bench, json!({})).await,
        consent(&bench, json!({})).await,
    );
    issue(&bench, &spent, CUSTOMER).await;
    let keys = bench.get("/_sandbox/billing-keys").await.json();
    bench.sandbox.shutdown().await;

    let bench = Bench::with(kept()).await;
    assert_eq!(bench.get("/_sandbox/billing-keys").await.json(), keys);
    charge(&bench, &key, "order-0001", 1000)
        .await
        .refused(400, "INVALID_CARD_EXPIRATION");
    charge(&bench, &gone, "order-0001", 1000)
        .await
        .refused(400, "ALREADY_REMOVED_BILLING_KEY");
    issue(&bench, &spent, CUSTOMER)
        .await
        .refused(400, "INVALID_BILLING_AUTH");
    assert_eq!(issue(&bench, &fresh, CUSTOMER).await.status, 200);
}
