//! What a buyer cannot do: name a price, see another's order, be made to act by another site.

use crate::stand::Stand;

#[tokio::test]
async fn the_amount_is_the_orders_own() {
    let stand = Stand::start().await;
    let mut buyer = stand.buyer();
    let page = buyer.get("/products/lamp").await;
    let priced = [
        ("product", "lamp"),
        ("quantity", "1"),
        ("price", "1"),
        ("amount", "1"),
    ];
    buyer.post("/cart", &page, &priced).await;
    let cart = buyer.get("/cart").await;
    let order = buyer
        .post("/orders", &cart, &[("amount", "1")])
        .await
        .location
        .unwrap();
    let success = buyer.pass(&stand, &order, None).await;

    for wrong in [
        success.replace("amount=64000", "amount=100"),
        success.replace("amount=64000", "amount=-64000"),
        success.replace("paymentKey=", "paymentKey=&x="),
    ] {
        let back = buyer.get(&wrong).await;
        assert_eq!(
            back.location,
            Some(format!("{order}?notice=wrong")),
            "{wrong}"
        );
    }
    assert_eq!(buyer.get(&order).await.scene(), "to-pay");
    assert_eq!(stand.ledger().await, []);

    for quantity in ["10", "-1", "x", "99999999999999999999"] {
        let fields = [("product", "lamp"), ("quantity", quantity)];
        assert_eq!(
            buyer.post("/cart", &page, &fields).await.status,
            400,
            "{quantity}"
        );
    }
}

#[tokio::test]
async fn an_order_is_its_owners_alone() {
    let stand = Stand::start().await;
    let (mut buyer, mut other) = (stand.buyer(), stand.buyer());
    let order = buyer.order("mug", "1").await;
    let success = buyer.pass(&stand, &order, None).await;
    let page = other.get("/products/mug").await;
    other
        .post("/cart", &page, &[("product", "mug"), ("quantity", "1")])
        .await;
    let own = other.get("/cart").await;

    for path in [order.clone(), success, format!("{order}/fail?code=X")] {
        assert_eq!(other.get(&path).await.status, 404, "{path}");
    }
    let fields = [("number", "1"), ("amount", "1000")];
    for action in ["refunds", "withdraw", "window"] {
        let path = format!("{order}/{action}");
        assert_eq!(
            other.post(&path, &own, &fields).await.status,
            404,
            "{action}"
        );
    }
    assert!(other.get("/orders").await.text.contains("class=\"empty\""));
    assert_eq!(buyer.get(&order).await.scene(), "to-pay");
    assert_eq!(stand.ledger().await, []);
}

#[tokio::test]
async fn a_form_is_taken_from_its_own_page_only() {
    let stand = Stand::start().await;
    let (mut buyer, mut other) = (stand.buyer(), stand.buyer());
    let (page, foreign) = (
        buyer.get("/products/mug").await,
        other.get("/products/mug").await,
    );
    let token = page.attribute("name=\"token\" value").unwrap().to_owned();
    let fields = [("product", "mug"), ("quantity", "1")];

    assert_eq!(buyer.post("/cart", &foreign, &fields).await.status, 403);
    assert_eq!(buyer.post_bare("/cart", &fields, &[]).await.status, 403);
    let signed = [
        ("product", "mug"),
        ("quantity", "1"),
        ("token", token.as_str()),
    ];
    for (site, status) in [
        ("cross-site", 403),
        ("same-site", 403),
        ("same-origin", 303),
    ] {
        let sent = buyer
            .post_bare("/cart", &signed, &[("sec-fetch-site", site)])
            .await;
        assert_eq!(sent.status, status, "{site}");
    }
}

#[tokio::test]
async fn pages_hold_no_secret_and_load_nothing_from_elsewhere() {
    let stand = Stand::start().await;
    let mut buyer = stand.buyer();
    let order = buyer.buy(&stand, "mug", "1").await;
    let unpaid = buyer.order("tea", "1").await;
    let opening = buyer.open(&unpaid).await.to_string();
    let secret = stand.keys["secretKey"].as_str().unwrap();
    assert!(
        !opening.contains(secret) && opening.contains(stand.keys["clientKey"].as_str().unwrap())
    );

    let sdk = stand.keys["sandboxUrl"].as_str().unwrap();
    for path in [
        "/",
        "/products/mug",
        "/cart",
        "/orders",
        &order,
        &unpaid,
        "/nowhere",
    ] {
        let page = buyer.get(path).await;
        assert!(!page.text.contains(secret), "{path}");
        assert!(
            page.policy.contains("default-src 'none'"),
            "{path}: {}",
            page.policy
        );
        assert!(!page.policy.contains("unsafe"), "{path}: {}", page.policy);
        // Only where the window can be opened may its script run.
        assert_eq!(
            page.policy.contains(sdk),
            path == unpaid,
            "{path}: {}",
            page.policy
        );
        let (inline, handlers) = (page.text.contains("<style"), page.text.contains(" onclick"));
        assert!(!inline && !handlers, "{path}");
    }
}

#[tokio::test]
async fn a_fail_page_shows_what_is_so_and_not_what_its_address_says() {
    let stand = Stand::start().await;
    let mut buyer = stand.buyer();
    let order = buyer.order("mug", "1").await;
    let closed = format!("{order}/fail?code=PAY_PROCESS_CANCELED&message=m");
    let refused = format!("{order}/fail?code=REJECT_CARD_COMPANY&message=<b>call+me</b>");
    let page = buyer.get(&closed).await;
    assert_eq!(
        (page.scene(), page.attribute("data-notice")),
        ("to-pay", Some("abandoned"))
    );
    let page = buyer.get(&refused).await;
    assert_eq!(
        (page.scene(), page.attribute("data-notice")),
        ("to-pay", Some("refused"))
    );
    assert!(
        !page.text.contains("call"),
        "words of the address: {page:?}"
    );

    let success = buyer.pass(&stand, &order, None).await;
    buyer.get(&success).await;
    let page = buyer.get(&refused).await;
    assert_eq!(
        (page.scene(), page.attribute("data-notice")),
        ("paid", None)
    );
}

#[tokio::test]
async fn both_languages_are_spoken() {
    let stand = Stand::start().await;
    let mut buyer = stand.buyer();
    buyer.language = "en-GB,en;q=0.9,ko;q=0.5";
    let page = buyer.get("/products/mug").await;
    assert!(
        page.text.contains("lang=\"en\"") && page.text.contains("Add to cart"),
        "{page:?}"
    );

    let chosen = buyer.get("/language/ko?back=/products/mug").await;
    assert_eq!(chosen.location.as_deref(), Some("/products/mug"));
    let page = buyer.get("/products/mug").await;
    assert!(
        page.text.contains("lang=\"ko\"") && page.text.contains("장바구니에 담기"),
        "{page:?}"
    );

    for away in ["//evil.example", "https://evil.example", "/\\evil.example"] {
        let chosen = buyer.get(&format!("/language/en?back={away}")).await;
        assert_eq!(chosen.location.as_deref(), Some("/"), "{away}");
    }
    assert_eq!(buyer.get("/language/fr").await.status, 404);
}
