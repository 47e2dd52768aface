//! The shop that the service opens itself: after one command somebody can pay.

use reqwest::Response;
use reqwest::header::{CONTENT_TYPE, LOCATION};
use serde_json::Value;

use crate::stand::{Stand, capture, client};

fn location(answer: &Response) -> &str {
    assert_eq!(answer.status(), 303, "{answer:?}");
    answer.headers()[LOCATION].to_str().unwrap()
}

/// Opens the window as the script of the order's page does, and approves there; where it leads.
async fn approves(stand: &Stand, opening: &Value) -> String {
    let text = |name: &str| opening[name].as_str().unwrap();
    let at_shop = |path: &str| format!("{}{path}", stand.url());
    let at_gateway = |path: &str| format!("{}{path}", stand.text("sandboxUrl"));
    let opened = client().get(at_gateway("/window")).query(&[
        ("clientKey", text("clientKey")),
        ("orderId", text("orderId")),
        ("orderName", text("orderName")),
        ("amount", &opening["amount"].to_string()),
        ("successUrl", &at_shop(text("successPath"))),
        ("failUrl", &at_shop(text("failPath"))),
    ]);
    let window = at_gateway(location(&opened.send().await.unwrap()));
    let page = client().get(&window).send().await.unwrap();
    let page = page.text().await.unwrap();
    assert!(page.contains("id=\"approve\""), "{page}");
    let choice = client()
        .post(&window)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body("action=approve");
    location(&choice.send().await.unwrap()).to_owned()
}

#[tokio::test]
async fn one_command_is_enough_for_a_first_payment() {
    let stand = Stand::embedded(&[]).await;
    let mut buyer = stand.buyer();
    let front = buyer.get("/").await;
    assert_eq!(front.status, 200, "{front:?}");
    assert!(front.text.contains("/products/mug"), "{front:?}");

    let order = buyer.order("mug", "1").await;
    let page = buyer.get(&order).await;
    let script = format!("{}/v2/standard", stand.text("sandboxUrl"));
    assert!(page.text.contains(&script), "{page:?}");
    let script = client().get(&script).send().await.unwrap();
    assert_eq!(script.status(), 200, "what opens the window");

    let opening = buyer.open(&order).await;
    let back = approves(&stand, &opening).await;
    let back = back.strip_prefix(&stand.url()).unwrap();
    assert_eq!(buyer.get(back).await.location, Some(order.clone()));
    assert_eq!(buyer.get(&order).await.scene(), "paid");
    assert_eq!(stand.ledger().await, [capture(18_000)]);
}

#[tokio::test]
async fn what_was_bought_outlives_the_process() {
    let mut stand = Stand::embedded(&[]).await;
    let mut buyer = stand.buyer();
    let paid = buyer.buy(&stand, "tea", "1").await;
    let unpaid = buyer.order("mug", "1").await;

    stand.service.kill();
    stand.restart_service().await;
    buyer.follow(&stand);

    assert_eq!(buyer.get(&paid).await.scene(), "paid");
    let success = buyer.pass(&stand, &unpaid, None).await;
    buyer.get(&success).await;
    assert_eq!(buyer.get(&unpaid).await.scene(), "paid");
    assert_eq!(stand.ledger().await, [capture(24_000), capture(18_000)]);
}
