//! The life of a payment, as a merchant's server sees it.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;

use crate::rig::{Rig, answer, text};

#[tokio::test]
async fn a_payment_is_prepared_approved_and_read() {
    let rig = Rig::new().await;
    let body = json!({
        "orderId": "order-2026-1", "orderName": "생수 외 1건", "amount": 15000,
        "currency": "KRW", "taxFreeAmount": 5000, "expiresInSeconds": 1800,
        "customer": { "name": "김토스", "memberId": "member-1" },
    });
    let prepared = rig.post("/api/v1/payments", body.to_string()).await;
    assert_eq!(
        (prepared.status, prepared.code()),
        (201, "OK"),
        "{prepared:?}"
    );
    let data = &prepared.body["data"];
    assert_eq!(data["status"], "READY");
    assert_eq!(data["amount"], 15000);
    assert_eq!(data["taxFreeAmount"], 5000);
    assert_eq!(data["currency"], "KRW");
    let id = text(&data["paymentId"]).to_owned();
    let approval = json!({
        "paymentKey": "tgen_1", "gatewayOrderId": data["gatewayOrderId"], "amount": 15000,
    });
    let request = rig.posting(
        &format!("/api/v1/payments/{id}/approve"),
        approval.to_string(),
    );
    let approved = answer(request.header("idempotency-key", "key-1")).await;
    assert_eq!(
        (approved.status, approved.code()),
        (200, "OK"),
        "{approved:?}"
    );
    assert_eq!(approved.body["data"]["status"], "DONE");
    assert_eq!(approved.body["data"]["balanceAmount"], 15000);
    let read = rig.get(&format!("/api/v1/payments/{id}")).await;
    assert_eq!(read.body["data"]["status"], "DONE");
    assert_eq!(read.body["data"]["customerName"], "김토스");
    assert_eq!(read.body["data"]["paymentKey"], "tgen_1");
    assert!(chrono::DateTime::parse_from_rfc3339(text(&read.body["data"]["approvedAt"])).is_ok());
    let events = rig.get(&format!("/api/v1/payments/{id}/events")).await;
    let events = events.body["data"]["events"].as_array().unwrap().clone();
    let kinds: Vec<_> = events.iter().map(|event| text(&event["type"])).collect();
    let expected = [
        "payment.prepared",
        "payment.approval_requested",
        "payment.approved",
    ];
    assert_eq!(kinds, expected);
    assert_eq!(events[1]["previousHash"], events[0]["hash"]);
    assert_eq!(events[1]["traceId"], approved.body["traceId"]);
    assert_eq!(events[2]["payload"]["balance"], 15000);
}

#[tokio::test]
async fn a_window_is_opened_again_with_a_fresh_order() {
    let rig = Rig::new().await;
    let payment = rig.prepared().await;
    let again = rig
        .post(&format!("/api/v1/payments/{}/checkout", payment.id), "")
        .await;
    assert_eq!(again.status, 200, "{again:?}");
    let fresh = text(&again.body["data"]["gatewayOrderId"]).to_owned();
    assert_ne!(fresh, payment.gateway_order);
    // The first window may still be open in another tab: both orders lead to the payment.
    assert_eq!(rig.approve(&payment, "key-1").await.status, 200);
}

#[tokio::test]
async fn pages_hold_every_payment_once() {
    let rig = Rig::new().await;
    let mut prepared = Vec::new();
    for _ in 0..7 {
        prepared.push(rig.prepared().await.id);
    }
    let mut listed = Vec::new();
    let mut path = "/api/v1/payments?limit=3".to_owned();
    for _ in 0..4 {
        let page = rig.get(&path).await;
        let rows = page.body["data"]["payments"].as_array().unwrap().clone();
        listed.extend(rows.iter().map(|row| text(&row["paymentId"]).to_owned()));
        let Some(cursor) = page.body["data"]["nextCursor"].as_str() else {
            break;
        };
        assert_eq!(rows.len(), 3);
        path = format!("/api/v1/payments?limit=3&cursor={cursor}");
    }
    prepared.reverse();
    assert_eq!(listed, prepared, "newest first");
    let none = rig.get("/api/v1/payments?status=DONE").await;
    assert_eq!(none.body["data"]["payments"], json!([]));
}

#[tokio::test]
async fn a_client_that_leaves_changes_nothing() {
    let rig = Rig::new().await;
    let payment = rig.prepared().await;
    let request = rig
        .approving(&payment, "key-1")
        .timeout(Duration::from_millis(1));
    // Whether the request arrived before the client left is a race; either is fine.
    let left = request.send().await.is_err();
    let read = async || {
        let read = rig.get(&format!("/api/v1/payments/{}", payment.id)).await;
        text(&read.body["data"]["status"]).to_owned()
    };
    for _ in 0..50 {
        if read().await != "IN_PROGRESS" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let status = read().await;
    assert!(
        ["READY", "DONE"].contains(&status.as_str()),
        "{status}, left: {left}"
    );
    let again = rig.approve(&payment, "key-1").await;
    assert_eq!(again.status, 200);
    assert_eq!(rig.gateway.confirms(), 1);
}

#[tokio::test]
async fn identical_approvals_at_once_call_the_gateway_once() {
    let rig = Rig::new().await;
    let payment = rig.prepared().await;
    let many = tokio_util::task::TaskTracker::new();
    let failed = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    for _ in 0..64 {
        let request = rig.approving(&payment, "key-1");
        let failed = std::sync::Arc::clone(&failed);
        many.spawn(async move {
            let answer = answer(request).await;
            let expected = answer.status == 200
                || answer.status == 409 && answer.code() == "IDEMPOTENCY_KEY_IN_PROGRESS";
            failed.fetch_add(u64::from(!expected), Ordering::Relaxed);
        });
    }
    many.close();
    many.wait().await;
    assert_eq!(failed.load(Ordering::Relaxed), 0);
    assert_eq!(rig.gateway.confirms(), 1);
}

/// Nobody waits, and the bus of this process wakes the worker.
#[tokio::test]
async fn an_approval_that_is_left_is_answered_at_once_and_done_by_a_worker() {
    let rig = Rig::new().await;
    let payment = rig.prepared().await;
    let leaving = || rig.approving(&payment, "key-1");
    let first = answer(leaving().header("Prefer", "respond-async")).await;
    assert_eq!((first.status, first.code()), (202, "PAYMENT_PENDING"));
    assert_eq!(first.header("preference-applied"), "respond-async");
    assert_eq!(first.body["data"]["status"], "IN_PROGRESS");
    let path = first.header("location").to_owned();
    let begun = tokio::time::Instant::now();
    while rig.get(&path).await.body["data"]["status"] != "DONE" {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "nobody takes it up"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(rig.gateway.confirms(), 1);
    let again = answer(leaving().header("Prefer", "respond-async")).await;
    assert_eq!(
        (again.status, again.header("idempotent-replayed")),
        (200, "true")
    );
}
