//! What a gateway tells unasked: whom it is about, the secret of a deposit, and the address that it
//! is told at.

use reqwest::Method;
use serde_json::{Value, json};

use super::operated::done;
use super::stand::Stand;
use crate::rig::{answer, text};

const PHONE: &str = "01055510742";
const PAYER: &str = "canary-of-a-payer";
const SECRET: &str = "ps_canaryOfADeposit9";

/// Brought to the address of an account, kept, and shown by command.
pub(super) async fn by_a_gateway(stand: &mut Stand) {
    stand.sensitive("the phone of who paid", PHONE);
    stand.sensitive("the name of who paid", PAYER);
    stand.sensitive("the secret of a deposit that is told", SECRET);
    let listed = stand.service.run(&["gateway-account", "list"]);
    let account: Value = serde_json::from_str(listed.lines().next().unwrap()).unwrap();
    // The sandbox was given one at the start.
    let command = stand.command(&["hook-token", "rotate", text(&account["gatewayAccountId"])]);
    let made = done(stand, command, "");
    stand.sensitive("the address for a gateway", text(&made["token"]));
    let order = "gwo_nobodysOrderButWellFormed";
    for body in [
        json!({ "eventType": "PAYMENT_STATUS_CHANGED", "createdAt": "2026-03-15T10:30:41.000000",
                "data": { "paymentKey": "tgen_x", "orderId": order, "status": "DONE",
                          "mobilePhone": { "customerMobilePhone": PHONE },
                          "virtualAccount": { "customerName": PAYER } } }),
        json!({ "createdAt": "2026-03-15T10:30:41.000000", "secret": SECRET, "orderId": order,
                "status": "DONE", "transactionKey": "t_x" }),
    ] {
        let told = stand.request(Method::POST, text(&made["path"])).json(&body);
        let told = answer(told).await;
        assert_eq!(told.status, 200, "{told:?}");
    }
    let list = stand.service.run(&["inbox", "list"]);
    stand.heard("the list of what was told", &list, "gatewayAccountId");
    // Whoever may open it reads it as it came.
    let is_shown = list.lines().any(|line| {
        let kept: Value = serde_json::from_str(line).unwrap();
        let shown = stand.service.run(&["inbox", "show", text(&kept["id"])]);
        shown.contains(PHONE)
    });
    assert!(is_shown, "{list}");
}
