//! Ordering, paying, giving back: the pages, and the gateway's ledger after each.

use crate::stand::{Stand, cancel, capture};

#[tokio::test]
async fn a_paid_order_is_confirmed_and_every_repeat_replays() {
    let stand = Stand::start().await;
    let mut buyer = stand.buyer();
    let order = buyer.order("tote", "2").await;
    let page = buyer.get(&order).await;
    assert_eq!(
        (page.scene(), page.attribute("data-status")),
        ("to-pay", Some("PENDING"))
    );
    assert!(page.text.contains("66,000원"), "{page:?}");

    let success = buyer.pass(&stand, &order, None).await;
    for _ in 0..3 {
        let back = buyer.get(&success).await;
        assert_eq!(
            (back.status, back.location.as_deref()),
            (303, Some(order.as_str()))
        );
        let page = buyer.get(&order).await;
        assert_eq!(
            (page.scene(), page.attribute("data-status")),
            ("paid", Some("CONFIRMED"))
        );
    }
    assert_eq!(stand.ledger().await, [capture(66_000)]);

    let listed = buyer.get("/orders").await;
    assert!(
        listed.text.contains("chip paid") && listed.text.contains("66,000원"),
        "{listed:?}"
    );
}

#[tokio::test]
async fn the_same_cart_is_ordered_once() {
    let stand = Stand::start().await;
    let mut buyer = stand.buyer();
    let page = buyer.get("/products/mug").await;
    let fields = [("product", "mug"), ("quantity", "1")];
    buyer.post("/cart", &page, &fields).await;
    let cart = buyer.get("/cart").await;
    assert!(cart.text.contains("18,000원"), "{cart:?}");

    let first = buyer.post("/orders", &cart, &[]).await;
    let second = buyer.post("/orders", &cart, &[]).await;

    let order = first.location.unwrap();
    assert!(order.starts_with("/orders/H"), "{order}");
    assert_eq!(second.location.as_deref(), Some("/orders"));
    let listed = buyer.get("/orders").await;
    assert_eq!(listed.text.matches("panel order").count(), 1, "{listed:?}");
    assert!(buyer.get("/cart").await.text.contains("class=\"empty\""));
}

#[tokio::test]
async fn an_order_paid_in_two_windows_is_captured_once() {
    let stand = Stand::start().await;
    let mut buyer = stand.buyer();
    let order = buyer.order("mug", "1").await;
    let one = buyer.pass(&stand, &order, None).await;
    let other = buyer.pass(&stand, &order, None).await;
    assert_ne!(one, other, "two openings of the window");

    let first = buyer.get(&one).await;
    let second = buyer.get(&other).await;

    assert_eq!(first.location, Some(order.clone()));
    assert_eq!(second.location, Some(format!("{order}?notice=second")));
    assert_eq!(buyer.get(&order).await.scene(), "paid");
    assert_eq!(stand.ledger().await, [capture(18_000)]);
}

#[tokio::test]
async fn tabs_that_come_back_at_once_capture_once() {
    let stand = Stand::start().await;
    let mut buyer = stand.buyer();
    let order = buyer.order("mug", "1").await;
    let one = buyer.pass(&stand, &order, None).await;
    let other = buyer.pass(&stand, &order, None).await;
    let (mut a, mut b, mut c, mut d) = (buyer.tab(), buyer.tab(), buyer.tab(), buyer.tab());

    let backs = tokio::join!(a.get(&one), b.get(&other), c.get(&one), d.get(&other));

    for back in [backs.0, backs.1, backs.2, backs.3] {
        let to = back.location.unwrap_or_default();
        assert!(
            to == order || to == format!("{order}?notice=second"),
            "{to}"
        );
    }
    buyer.after(&order, "confirming").await;
    assert_eq!(buyer.get(&order).await.scene(), "paid");
    assert_eq!(stand.ledger().await, [capture(18_000)]);
}

#[tokio::test]
async fn forms_sent_at_once_refund_once() {
    let stand = Stand::start().await;
    let mut buyer = stand.buyer();
    let order = buyer.buy(&stand, "tea", "1").await;
    let page = buyer.get(&order).await;
    let (mut a, mut b, mut c, mut d) = (buyer.tab(), buyer.tab(), buyer.tab(), buyer.tab());

    tokio::join!(
        a.refund(&order, &page, "1000"),
        b.refund(&order, &page, "1000"),
        c.refund(&order, &page, "24000"),
        d.refund(&order, &page, "24000"),
    );

    buyer.after(&order, "refunding").await;
    let ledger = stand.ledger().await;
    let once = [capture(24_000), cancel(1_000)];
    let all = [capture(24_000), cancel(24_000)];
    assert!(ledger == once || ledger == all, "{ledger:?}");
}

#[tokio::test]
async fn a_declined_payment_can_be_tried_again() {
    let stand = Stand::start().await;
    let mut buyer = stand.buyer();
    let order = buyer.order("lamp", "1").await;
    let declined = buyer
        .pass(&stand, &order, Some("REJECT_CARD_PAYMENT"))
        .await;
    for _ in 0..2 {
        buyer.get(&declined).await;
        let page = buyer.get(&order).await;
        assert_eq!(
            (page.scene(), page.attribute("data-notice")),
            ("to-pay", Some("declined"))
        );
        assert!(page.text.contains("잔액이나 한도가 부족해요"), "{page:?}");
    }
    assert_eq!(stand.ledger().await, []);

    let success = buyer.pass(&stand, &order, None).await;
    buyer.get(&success).await;
    let page = buyer.get(&order).await;
    assert_eq!(
        (page.scene(), page.attribute("data-notice")),
        ("paid", None)
    );
    assert_eq!(stand.ledger().await, [capture(64_000)]);
}

#[tokio::test]
async fn a_part_is_refunded_then_the_rest() {
    let stand = Stand::start().await;
    let mut buyer = stand.buyer();
    let order = buyer.buy(&stand, "tea", "1").await;
    let page = buyer.get(&order).await;

    // The same form twice is the same refund; another amount on it is not taken.
    let first = buyer.refund(&order, &page, "9,000").await;
    let again = buyer.refund(&order, &page, "9000").await;
    let other = buyer.refund(&order, &page, "1000").await;
    assert_eq!(first.location, Some(order.clone()));
    assert_eq!(again.location, Some(order.clone()));
    assert_eq!(other.location, Some(format!("{order}?notice=stale")));
    let page = buyer.get(&order).await;
    assert_eq!(
        (page.scene(), page.attribute("data-status")),
        ("partly-refunded", Some("CONFIRMED"))
    );
    assert!(page.text.contains("15,000원"), "{page:?}");

    let too_much = buyer.refund(&order, &page, "15001").await;
    assert_eq!(too_much.location, Some(format!("{order}?notice=amount")));
    let rest = buyer.refund(&order, &page, "15000").await;
    assert_eq!(rest.location, Some(order.clone()));
    let page = buyer.get(&order).await;
    assert_eq!(
        (page.scene(), page.attribute("data-status")),
        ("refunded", Some("CANCELLED"))
    );
    assert_eq!(
        stand.ledger().await,
        [capture(24_000), cancel(9_000), cancel(15_000)]
    );
}

#[tokio::test]
async fn an_unpaid_order_is_withdrawn_and_no_longer_paid() {
    let stand = Stand::start().await;
    let mut buyer = stand.buyer();
    let order = buyer.order("mug", "1").await;
    let opening = buyer.open(&order).await;
    let late = stand.authenticate(&opening, None).await;
    let page = buyer.get(&order).await;
    let number = page.attribute("name=\"number\" value").unwrap().to_owned();
    let fields = [("number", number.as_str())];
    buyer
        .post(&format!("{order}/withdraw"), &page, &fields)
        .await;

    let success = format!(
        "{order}/success?orderId={}&paymentKey={late}&amount=18000",
        opening["orderId"].as_str().unwrap()
    );
    let back = buyer.get(&success).await;

    assert_eq!(back.location, Some(format!("{order}?notice=closed")));
    let page = buyer.get(&order).await;
    assert_eq!(
        (page.scene(), page.attribute("data-status")),
        ("withdrawn", Some("CANCELLED"))
    );
    assert_eq!(stand.ledger().await, []);
}
