//! What buyers see while the gateway or the service is away, and how it ends.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;

use crate::stand::{Stand, cancel, capture};

#[tokio::test]
async fn a_late_approval_says_so_and_ends_without_a_visit() {
    let stand = Stand::with(&[("PAYFLOW_TIMINGS__PATIENCE", "300ms")]).await;
    let rule = json!({
        "operation": "confirm", "fault": { "type": "delay", "milliseconds": 3000 }
    });
    stand.fault(&rule).await;
    let mut buyer = stand.buyer();
    let order = buyer.order("mug", "1").await;
    let success = buyer.pass(&stand, &order, None).await;
    buyer.get(&success).await;

    let page = buyer.get(&order).await;
    assert_eq!(
        (page.scene(), page.attribute("data-status")),
        ("confirming", Some("PENDING"))
    );
    assert!(page.text.contains("http-equiv=\"refresh\""), "{page:?}");
    let window = buyer.open_refused(&order, &page).await;
    assert_eq!(
        window["leave"],
        json!(order),
        "a second window for money that may be taken"
    );

    // The list asks nobody: it shows what the shop has found out by itself.
    buyer.listed(&order, "chip paid").await;
    assert_eq!(stand.ledger().await, [capture(18_000)]);
}

#[tokio::test]
async fn an_approval_outlives_a_kill_of_the_service_and_a_restart_of_the_shop() {
    let mut stand = Stand::start().await;
    let mut buyer = stand.buyer();
    let order = buyer.order("mug", "1").await;
    let success = buyer.pass(&stand, &order, None).await;

    stand.service.kill();
    buyer.get(&success).await;
    let page = buyer.get(&order).await;
    assert_eq!(page.scene(), "confirming");
    assert!(page.text.contains("id=\"not-fresh\""), "{page:?}");
    stand.reopen_shop().await;
    buyer.follow(&stand);
    stand.restart_service().await;

    let page = buyer.after(&order, "confirming").await;
    assert_eq!(
        (page.scene(), page.attribute("data-status")),
        ("paid", Some("CONFIRMED"))
    );
    assert_eq!(stand.ledger().await, [capture(18_000)]);
}

#[tokio::test]
async fn a_lost_answer_to_a_refund_is_found_out() {
    let stand = Stand::with(&[("PAYFLOW_TIMINGS__PATIENCE", "300ms")]).await;
    let mut buyer = stand.buyer();
    let order = buyer.buy(&stand, "candle", "1").await;
    // On a busy machine the approval may take longer than the patience.
    let page = buyer.after(&order, "confirming").await;
    let rule = json!({ "operation": "cancel", "fault": { "type": "dropAfter" } });
    stand.fault(&rule).await;

    buyer.refund(&order, &page, "28000").await;
    let page = buyer.after(&order, "refunding").await;

    assert_eq!(
        (page.scene(), page.attribute("data-status")),
        ("refunded", Some("CANCELLED"))
    );
    assert_eq!(stand.ledger().await, [capture(28_000), cancel(28_000)]);
}

#[tokio::test]
async fn a_buyer_who_leaves_in_the_middle_is_refunded_once() {
    let stand = Stand::start().await;
    let mut buyer = stand.buyer();
    let order = buyer.buy(&stand, "candle", "1").await;
    let page = buyer.get(&order).await;
    let rule = json!({
        "operation": "cancel", "fault": { "type": "delay", "milliseconds": 1500 }
    });
    stand.fault(&rule).await;

    // The shop's own call to the service is cut off with the page; the watch sends it again.
    let mut tab = buyer.tab();
    let sent = tab.refund(&order, &page, "1000");
    assert!(
        timeout(Duration::from_millis(500), sent).await.is_err(),
        "answered at once"
    );
    assert_eq!(buyer.get(&order).await.scene(), "refunding");
    let page = buyer.after(&order, "refunding").await;

    assert_eq!(
        (page.scene(), page.attribute("data-status")),
        ("partly-refunded", Some("CONFIRMED"))
    );
    assert_eq!(stand.ledger().await, [capture(28_000), cancel(1_000)]);
}

#[tokio::test]
async fn an_order_that_nobody_pays_in_time_is_closed() {
    let stand = Stand::with(&[("PAYFLOW_TIMINGS__EXPIRY_EVERY", "100ms")]).await;
    let mut buyer = stand.buyer();
    let order = buyer.order("mug", "1").await;
    let success = buyer.pass(&stand, &order, None).await;
    stand.skip(2 * 60 * 60).await;

    let page = buyer.after(&order, "to-pay").await;
    assert_eq!(
        (page.scene(), page.attribute("data-status")),
        ("expired", Some("EXPIRED"))
    );
    let late = buyer.get(&success).await;
    assert_eq!(late.location, Some(format!("{order}?notice=closed")));
    assert_eq!(stand.ledger().await, []);
}

#[tokio::test]
async fn without_the_service_the_shop_still_sells() {
    let mut stand = Stand::start().await;
    stand.service.kill();
    let mut buyer = stand.buyer();
    let order = buyer.order("notebook", "3").await;
    let page = buyer.get(&order).await;
    assert_eq!(page.scene(), "to-pay");
    assert!(page.text.contains("29,400원"), "{page:?}");
    let token = page.attribute("name=\"token\" value").unwrap().to_owned();
    let json = [("accept", "application/json")];
    let path = format!("{order}/window");
    let refused = buyer.post_bare(&path, &[("token", &token)], &json).await;
    assert_eq!(refused.status, 503);

    stand.restart_service().await;
    let success = buyer.pass(&stand, &order, None).await;
    buyer.get(&success).await;
    assert_eq!(buyer.get(&order).await.scene(), "paid");
}

/// How often the service turned somebody away.
fn turned_away(stand: &Stand) -> usize {
    let log = stand.service.log();
    let lines = log
        .lines()
        .filter(|line| line.contains("MERCHANT_SUSPENDED"));
    lines.count()
}

#[tokio::test]
async fn a_suspended_shop_says_so_and_waits_instead_of_asking_for_ever() {
    let stand = Stand::with(&[
        ("PAYFLOW_TIMINGS__ACCESS_BELIEVED", "0s"),
        ("PAYFLOW_LOG__FORMAT", "json"),
    ])
    .await;
    let mut buyer = stand.buyer();
    let order = buyer.order("mug", "1").await;
    let success = buyer.pass(&stand, &order, None).await;
    let unpaid = buyer.order("tea", "1").await;
    let merchant: Value = serde_json::from_str(&stand.service.run(&["merchant", "list"])).unwrap();
    let merchant = merchant["merchantId"].as_str().unwrap();
    stand.service.run(&["merchant", "suspend", merchant]);
    buyer.get(&success).await;

    let page = buyer.get(&order).await;
    assert_eq!(page.scene(), "confirming");
    assert_eq!(page.attribute("data-notice"), Some("turned-away"));
    assert!(!page.text.contains("http-equiv=\"refresh\""), "{page:?}");
    let opened = buyer.open(&unpaid).await;
    assert_eq!(opened, json!({ "leave": unpaid }));
    let page = buyer.get(&unpaid).await;
    assert_eq!(page.attribute("data-notice"), Some("turned-away"));

    // Five looks of the watch, one of which may ask whether that has changed.
    let asked = turned_away(&stand);
    assert!(asked > 0, "nothing was turned away");
    tokio::time::sleep(Duration::from_secs(10)).await;
    let again = turned_away(&stand);
    assert!(again <= asked + 1, "{asked}, and now {again}");

    stand.service.run(&["merchant", "resume", merchant]);
    // The list asks nobody: it shows what the shop has found out by itself.
    buyer.listed(&order, "chip paid").await;
    let page = buyer.get(&unpaid).await;
    assert_eq!(page.attribute("data-notice"), None, "{page:?}");
    assert_eq!(stand.ledger().await, [capture(18_000)]);
}
