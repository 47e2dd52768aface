//! Owns what a charge takes and refuses: by its fields, its order, its fault and its card.

use reqwest::Method;
use serde_json::{Value, json};

use super::{CUSTOMER, billing_key, charge, charge_body, key_of_card, text};
use crate::support::{Bench, send};

#[tokio::test]
async fn senseless_charges_are_refused_and_take_nothing() {
    let bench = Bench::new().await;
    let key = billing_key(&bench, json!({})).await;
    let path = format!("/v1/billing/{key}");
    let with = |name: &str, value: Value| {
        let mut body = charge_body("order-0001", 1000);
        body[name] = value;
        body
    };
    let cases = [
        (
            with("customerKey", json!("cus_another")),
            "NOT_MATCHES_CUSTOMER_KEY",
        ),
        (with("customerKey", Value::Null), "INVALID_REQUEST"),
        (with("orderName", Value::Null), "INVALID_REQUEST"),
        (with("amount", json!(10.5)), "INVALID_REQUEST"),
        (with("amount", json!(0)), "BELOW_ZERO_AMOUNT"),
        (with("amount", json!(99)), "BELOW_MINIMUM_AMOUNT"),
        (with("orderId", json!("short")), "INVALID_ORDER_ID"),
        (with("taxFreeAmount", json!(1001)), "INVALID_REQUEST"),
        (
            with("cardInstallmentPlan", json!(3)),
            "NOT_SUPPORTED_INSTALLMENT_PLAN_CARD_OR_MERCHANT",
        ),
    ];
    for (body, code) in cases {
        bench.post(&path, body).await.refused(400, code);
    }
    charge(&bench, "never", "order-0001", 1000)
        .await
        .refused(400, "INVALID_BILL_KEY_REQUEST");
    assert!(bench.ledger().await.is_empty());

    let account = billing_key(&bench, json!({ "method": "TRANSFER" })).await;
    charge(&bench, &account, "order-0001", 199)
        .await
        .refused(400, "BELOW_MINIMUM_AMOUNT");
    let taken = charge(&bench, &account, "order-0001", 200).await.json();
    assert_eq!(
        (&taken["method"], &taken["transfer"]["bankCode"]),
        (&json!("계좌이체"), &json!("20"))
    );
}

#[tokio::test]
async fn an_order_is_charged_once_whatever_key_asks() {
    let bench = Bench::new().await;
    let (key, other) = (
        billing_key(&bench, json!({})).await,
        billing_key(&bench, json!({})).await,
    );
    let path = format!("/v1/billing/{key}");
    let body = charge_body("order-0001", 1000);
    let mut waiting = tokio::task::JoinSet::new();
    for number in 0..10 {
        let request = bench.api(Method::POST, &path).json(&body);
        let request = request.header("Idempotency-Key", format!("try-{number}"));
        waiting.spawn(send(request));
    }
    let mut statuses = Vec::new();
    while let Some(reply) = waiting.join_next().await {
        statuses.push(reply.expect("a task").expect("an answer").status);
    }
    statuses.sort_unstable();
    let (first, refused) = statuses.split_at(1);
    assert_eq!((first, refused), (&[200][..], &[400; 9][..]));
    for key in [&key, &other] {
        charge(&bench, key, "order-0001", 1000)
            .await
            .refused(400, "DUPLICATED_ORDER_ID");
    }
    let paid = bench.get("/v1/payments/orders/order-0001").await.json();
    bench
        .cancel(&text(&paid, "paymentKey"), json!({ "cancelReason": "x" }))
        .await;
    charge(&bench, &key, "order-0001", 1000)
        .await
        .refused(400, "DUPLICATED_ORDER_ID");
    bench.paid("order-0002", 1000).await;
    charge(&bench, &key, "order-0002", 1000)
        .await
        .refused(400, "DUPLICATED_ORDER_ID");
}

#[tokio::test]
async fn a_repeat_under_the_same_key_is_told_what_happened() {
    let bench = Bench::new().await;
    let key = billing_key(&bench, json!({})).await;
    let path = format!("/v1/billing/{key}");
    for (order_id, fault, taken) in [
        ("order-0001", json!({ "type": "dropAfter" }), 1),
        ("order-0002", json!({ "type": "dropBefore" }), 2),
        ("order-0003", json!({ "type": "cutBody" }), 3),
        (
            "order-0004",
            json!({ "type": "late", "milliseconds": 20 }),
            4,
        ),
        (
            "order-0005",
            json!({ "type": "status", "status": 502, "when": "after" }),
            5,
        ),
    ] {
        bench
            .fault(json!({ "operation": "charge", "orderId": order_id, "fault": fault }))
            .await;
        let ask = async || {
            let request = bench.api(Method::POST, &path);
            let request = request.header("Idempotency-Key", order_id);
            send(request.json(&charge_body(order_id, 1000))).await
        };
        assert!(ask().await.map_or(true, |reply| reply.status == 502));
        tokio::time::sleep(std::time::Duration::from_millis(60)).await;
        let told = ask().await.expect("an answer");
        assert_eq!(told.json()["orderId"], order_id, "{}", told.text);
        assert_eq!(bench.ledger().await.len(), taken);
    }
    let wrong = json!({ "type": "overCapture", "amount": 7 });
    bench
        .fault(json!({ "operation": "charge", "fault": wrong }))
        .await;
    let taken = charge(&bench, &key, "order-0006", 1000).await.json();
    assert_eq!(taken["totalAmount"], 7);
    let code = json!({ "type": "code", "code": "FAILED_CARD_COMPANY_RESPONSE" });
    bench
        .fault(json!({ "operation": "charge", "fault": code }))
        .await;
    charge(&bench, &key, "order-0007", 1000)
        .await
        .refused(500, "FAILED_CARD_COMPANY_RESPONSE");
    let taken = charge(&bench, &key, "order-0007", 1000).await;
    assert_eq!(taken.status, 200, "nothing was taken before");
}

#[tokio::test]
async fn the_card_behind_the_key_decides_each_charge() {
    let bench = Bench::new().await;
    for (tail, status, code) in [
        ("0109", 403, "REJECT_CARD_PAYMENT"),
        ("0117", 403, "REJECT_CARD_COMPANY"),
        ("0141", 400, "EXCEED_MAX_PAYMENT_AMOUNT"),
        ("0158", 400, "INVALID_STOPPED_CARD"),
        ("0166", 400, "INVALID_CARD_EXPIRATION"),
        ("0174", 400, "INVALID_CARD_LOST_OR_STOLEN"),
    ] {
        let key = key_of_card(&bench, tail).await;
        for _ in 0..2 {
            let reply = charge(&bench, &key, &format!("order-{tail}"), 1000).await;
            reply.refused(status, code);
        }
        let order = format!("/v1/payments/orders/order-{tail}");
        bench.get(&order).await.refused(404, "NOT_FOUND_PAYMENT");
    }
    assert!(bench.ledger().await.is_empty());

    // A story of the card is played by every order anew.
    let key = key_of_card(&bench, "0208").await;
    for order_id in ["order-0001", "order-0002"] {
        charge(&bench, &key, order_id, 1000)
            .await
            .refused(400, "PROVIDER_ERROR");
        let taken = charge(&bench, &key, order_id, 1000).await;
        assert_eq!(taken.json()["card"]["number"], "00000000****020*");
    }
    let key = key_of_card(&bench, "0067").await;
    let request = bench.api(Method::POST, &format!("/v1/billing/{key}"));
    send(request.json(&charge_body("order-0003", 1000)))
        .await
        .expect_err("the answer is lost");
    let order = "/v1/payments/orders/order-0003";
    for _ in 0..2 {
        bench.get(order).await.refused(404, "NOT_FOUND_PAYMENT");
    }
    assert_eq!(bench.get(order).await.json()["status"], "DONE");
    let window = json!({ "customerKey": CUSTOMER, "cardNumber": "0000000000000034" });
    let reply = bench.post("/_sandbox/billing-auth", window).await;
    reply.refused(403, "REJECT_CARD_COMPANY");
}

#[tokio::test]
async fn cards_die_and_are_replaced_behind_a_key_and_keys_vanish() {
    let bench = Bench::new().await;
    let key = billing_key(&bench, json!({})).await;
    let change = async |further: Value| {
        let mut body = json!({ "billingKey": key });
        let further = further.as_object().expect("an object").clone();
        body.as_object_mut().expect("an object").extend(further);
        bench.post("/_sandbox/billing-keys", body).await
    };
    assert_eq!(charge(&bench, &key, "order-0001", 1000).await.status, 200);
    change(json!({ "cardNumber": "0000 0000 0000 0166" })).await;
    charge(&bench, &key, "order-0002", 1000)
        .await
        .refused(400, "INVALID_CARD_EXPIRATION");
    change(json!({ "cardNumber": "0000 0000 0000 0000" })).await;
    assert_eq!(charge(&bench, &key, "order-0002", 1000).await.status, 200);
    let gone = change(json!({ "remove": true })).await;
    assert_eq!(gone.status, 200, "{}", gone.text);
    charge(&bench, &key, "order-0003", 1000)
        .await
        .refused(400, "ALREADY_REMOVED_BILLING_KEY");
    let unknown = json!({ "billingKey": "never", "cardNumber": "0000000000000000" });
    let reply = bench.post("/_sandbox/billing-keys", unknown).await;
    reply.refused(404, "NOT_FOUND_BILLING");
}
