//! A buyer in a real browser, on a phone and on a desktop: everything one can do to an order.

use fantoccini::Locator;

use serde_json::json;

use crate::browsing::Guest;
use crate::stand::{Stand, cancel, capture};
use crate::support::{Screen, browser};

/// So that an approval that comes late is waited for on the order's page.
const IMPATIENT: [(&str, &str); 1] = [("PAYFLOW_TIMINGS__PATIENCE", "1s")];

async fn shops(stand: Stand, screen: Screen, name: &str) {
    let browser = browser(screen).await;
    let guest = Guest {
        page: browser.client(),
        url: stand.url(),
        name,
    };
    let order = looks_around_and_orders(&guest).await;
    refuses_abandons_and_pays(&guest).await;
    assert_eq!(stand.ledger().await, [capture(33_000)], "{name}");
    refunds_a_half_and_the_rest(&guest, &order).await;
    let refunded = [capture(33_000), cancel(16_500), cancel(16_500)];
    assert_eq!(stand.ledger().await, refunded, "{name}");
    pays_in_two_tabs(&guest).await;
    let ledger = stand.ledger().await;
    assert_eq!(
        ledger.get(refunded.len()..).unwrap(),
        [capture(18_000)],
        "{name}"
    );
    waits_for_a_late_approval(&guest, &stand).await;
    guest.click("language").await;
    guest.shot("english").await;
    guest.go("/orders").await;
    guest.shot("list").await;
}

async fn looks_around_and_orders(guest: &Guest<'_>) -> String {
    guest.go("/orders").await;
    guest.shot("empty").await;
    guest.go("/").await;
    guest.click("language").await;
    guest.shot("front").await;
    guest.press("a.product[href='/products/tote']").await;
    guest.shot("product").await;
    guest.click("add").await;
    guest.click("more").await;
    guest.click("fewer").await;
    guest.shot("cart").await;
    guest.click("place").await;
    guest.sees("to-pay").await;
    guest.shot("to-pay").await;
    guest.page.current_url().await.unwrap().path().to_owned()
}

async fn refuses_abandons_and_pays(guest: &Guest<'_>) {
    guest.pays("refuse").await;
    guest.sees_notice("refused").await;
    guest.shot("refused").await;
    guest.pays("abandon").await;
    guest.sees_notice("abandoned").await;
    guest.sees("to-pay").await;
    guest.pays("approve").await;
    guest.sees("paid").await;
    guest.shot("paid").await;
    guest.page.refresh().await.unwrap();
    guest.sees("paid").await;
}

async fn refunds_a_half_and_the_rest(guest: &Guest<'_>, order: &str) {
    guest.go(order).await;
    guest.unfolds("refund").await;
    let amount = guest.page.find(Locator::Id("refund-amount")).await.unwrap();
    amount.send_keys("16500").await.unwrap();
    guest.shot("refund").await;
    guest.click("refund-part").await;
    guest.sees("partly-refunded").await;
    guest.unfolds("refund").await;
    assert_eq!(guest.text("refundable").await, "16,500원");
    guest.shot("partly-refunded").await;
    guest.click("refund-all").await;
    guest.sees("refunded").await;
    guest.shot("refunded").await;
}

/// The windows of two tabs are open at once, and both are passed.
async fn pays_in_two_tabs(guest: &Guest<'_>) {
    let order = guest.orders("mug").await;
    guest.press("#pay button").await;
    let first = guest.page.window().await.unwrap();
    let second = guest.page.new_window(true).await.unwrap().handle;
    guest.page.switch_to_window(second).await.unwrap();
    guest.go(&order).await;
    guest.pays("approve").await;
    guest.sees("paid").await;
    guest.page.switch_to_window(first).await.unwrap();
    guest.click("approve").await;
    guest.sees("paid").await;
    guest.sees_notice("second").await;
}

/// Nobody touches the page: it finds out by itself.
async fn waits_for_a_late_approval(guest: &Guest<'_>, stand: &Stand) {
    let fault = json!({ "type": "delay", "milliseconds": 2500 });
    stand
        .fault(&json!({ "operation": "confirm", "fault": fault }))
        .await;
    guest.orders("candle").await;
    guest.pays("approve").await;
    guest.sees("confirming").await;
    guest.shot("confirming").await;
    guest.sees("paid").await;
}

#[tokio::test]
async fn browser_shops_with_a_phone() {
    let stand = Stand::with(&IMPATIENT).await;
    shops(stand, Screen::PHONE, "phone").await;
}

#[tokio::test]
async fn browser_shops_with_a_desktop_at_the_shop_that_the_service_opens() {
    let stand = Stand::embedded(&IMPATIENT).await;
    shops(stand, Screen::DESKTOP, "desktop").await;
}

/// A bank that takes a deposit back is believed at the second look.
pub(crate) const LOOKING: [(&str, &str); 2] = [
    ("PAYFLOW_TIMINGS__WATCH_EVERY", "3s"),
    ("PAYFLOW_TIMINGS__WATCH_GRACE", "3s"),
];

/// Nobody touches the page either: a deposit changes it, and so does the bank.
async fn transfers(stand: Stand, screen: Screen, name: &str) {
    let browser = browser(screen).await;
    let guest = Guest {
        page: browser.client(),
        url: stand.url(),
        name,
    };
    guest.go("/").await;
    guest.click("language").await;
    guest.press("a.product[href='/products/lamp']").await;
    guest.click("add").await;
    guest.unfolds("by-account").await;
    let bank = guest.finds("#bank").await;
    bank.select_by_value("20").await.unwrap();
    let holder = guest.finds("#holder").await;
    holder.send_keys("홍길동").await.unwrap();
    guest.shot("by-account").await;
    guest.click("ask-account").await;
    guest.sees("awaiting-deposit").await;
    guest.shot("awaiting-deposit").await;
    let number = guest.text("account-number").await;

    guest.stays().await;
    stand.bank("deposits", &number).await;
    guest.sees("paid").await;
    guest.shot("deposited").await;
    stand.bank("deposits/reverse", &number).await;
    guest.sees_late("deposit-taken-back").await;
    guest.shot("deposit-taken-back").await;
    assert_eq!(guest.text("account-number").await, number, "{name}");
    stand.bank("deposits", &number).await;
    guest.sees("paid").await;
    // It is the same page: nothing was loaded but what it shows.
    guest.finds("html[data-stays]").await;
    guest.go("/orders").await;
    guest.finds(".chip.paid").await;
}

#[tokio::test]
async fn browser_transfers_with_a_phone() {
    transfers(Stand::with(&LOOKING).await, Screen::PHONE, "phone").await;
}

#[tokio::test]
async fn browser_transfers_with_a_desktop_at_the_shop_that_the_service_opens() {
    transfers(Stand::embedded(&LOOKING).await, Screen::DESKTOP, "desktop").await;
}
