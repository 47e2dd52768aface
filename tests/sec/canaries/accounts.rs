//! What is asked about virtual accounts: whose they are, their numbers, and their receipts.

use reqwest::Method;
use serde_json::json;

use super::stand::Stand;
use crate::rig::{answer, text};

const ORDER: &str = "order-of-an-account";
const HOLDER: &str = "canary-holder";
const RECEIPT: &str = "0105550173";
const REFUNDED: &str = "canary-refunded";
const REFUND: &str = "11020550173421";

/// Asked for, issued, shown, paid into and taken back.
pub(super) async fn paid_into(stand: &mut Stand) {
    stand.sensitive("the holder of an account", HOLDER.to_owned());
    stand.sensitive("the number of a receipt", RECEIPT.to_owned());
    let body = json!({ "orderId": ORDER, "orderName": "생수", "amount": 9900,
                       "kind": "VIRTUAL_ACCOUNT" });
    let prepared = stand
        .asked(Method::POST, "/api/v1/payments", ORDER, &body)
        .await;
    assert_eq!(prepared.status, 201, "{prepared:?}");
    let path = format!(
        "/api/v1/payments/{}",
        text(&prepared.body["data"]["paymentId"])
    );
    let ask = format!("{path}/virtual-account");
    let receipt = json!({ "type": "INCOME_DEDUCTION", "registrationNumber": RECEIPT });
    for (bank, status) in [("92", 400), ("20", 200)] {
        let body = json!({ "bank": bank, "customerName": HOLDER, "cashReceipt": receipt });
        let issued = stand.asked(Method::POST, &ask, "account", &body).await;
        assert_eq!(issued.status, status, "{issued:?}");
    }
    let shown = stand.asked(Method::GET, &path, "-", &json!({})).await;
    let number = text(&shown.body["data"]["virtualAccount"]["accountNumber"]).to_owned();
    assert!(number.len() >= 8, "{shown:?}");
    stand.sensitive("the number of an account", number.clone());
    for control in ["/_sandbox/deposits", "/_sandbox/deposits/reverse"] {
        let whose = json!({ "accountNumber": number });
        let moved = answer(stand.at_the_gateway(control).json(&whose)).await;
        assert_eq!(moved.status, 200, "{moved:?}");
    }
    given_back(stand).await;
    let events = stand
        .asked(Method::GET, &format!("{path}/events"), "-", &json!({}))
        .await;
    stand.heard("events", &events.body.to_string(), "account_issued");
}

/// Another one is cancelled, with the account that its deposit would go back to.
async fn given_back(stand: &mut Stand) {
    stand.sensitive("whose the money goes back to", REFUNDED.to_owned());
    stand.sensitive("the number that money goes back to", REFUND.to_owned());
    let order = "order-that-goes-back";
    let body = json!({ "orderId": order, "orderName": "생수", "amount": 9900,
                       "kind": "VIRTUAL_ACCOUNT" });
    let prepared = stand
        .asked(Method::POST, "/api/v1/payments", order, &body)
        .await;
    let path = format!(
        "/api/v1/payments/{}",
        text(&prepared.body["data"]["paymentId"])
    );
    let body = json!({ "bank": "20", "customerName": HOLDER });
    let ask = format!("{path}/virtual-account");
    let issued = stand.asked(Method::POST, &ask, "account-2", &body).await;
    assert_eq!(issued.status, 200, "{issued:?}");
    let number = text(&issued.body["data"]["virtualAccount"]["accountNumber"]).to_owned();
    stand.sensitive("the number of another account", number);
    for (bank, status) in [("우리", 400), ("88", 200)] {
        let to = json!({ "bank": bank, "accountNumber": REFUND, "holderName": REFUNDED });
        let body = json!({ "reason": "sold out", "refundReceiveAccount": to });
        let cancel = format!("{path}/cancel");
        let canceled = stand.asked(Method::POST, &cancel, "back", &body).await;
        assert_eq!(canceled.status, status, "{canceled:?}");
    }
}
