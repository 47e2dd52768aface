//! A buyer in a real browser, on a phone and on a desktop: everything one can do to an order.

use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::{Client, Locator};

use serde_json::json;

use crate::stand::{Stand, cancel, capture};
use crate::support::{Screen, browser, shots};

const WAIT: Duration = Duration::from_secs(20);

/// A browser at the shop.
struct Guest<'a> {
    page: &'a Client,
    url: String,
    name: &'a str,
}

impl Guest<'_> {
    async fn go(&self, path: &str) {
        self.page
            .goto(&format!("{}{path}", self.url))
            .await
            .unwrap();
    }

    async fn click(&self, id: &str) {
        self.press(&format!("#{id}")).await;
    }

    /// Presses what leads to another page, and waits for that: the next step must not find what
    /// is about to vanish.
    async fn press(&self, selector: &str) {
        let element = self.finds(selector).await;
        let mark = "document.documentElement.dataset.left = 'yes'";
        self.page.execute(mark, Vec::new()).await.unwrap();
        element.click().await.unwrap();
        self.finds("html:not([data-left]) main").await;
    }

    async fn finds(&self, selector: &str) -> Element {
        let waited = self.page.wait().at_most(WAIT);
        match waited.for_element(Locator::Css(selector)).await {
            Ok(element) => element,
            Err(error) => {
                let source = self.page.source().await.unwrap_or_default();
                panic!("no {selector}: {error}\n{source}")
            }
        }
    }

    /// Waits until the order's page shows this state.
    async fn sees(&self, scene: &str) {
        self.finds(&format!("#order[data-scene={scene}]")).await;
    }

    async fn sees_notice(&self, notice: &str) {
        self.finds(&format!("[data-notice={notice}]")).await;
    }

    async fn unfolds(&self, id: &str) {
        let element = self.finds(&format!("#{id} > summary")).await;
        element.click().await.unwrap();
    }

    async fn text(&self, id: &str) -> String {
        let element = self.page.find(Locator::Id(id)).await.unwrap();
        element.text().await.unwrap()
    }

    /// Keeps a picture, and makes sure that nothing hangs out of the page sideways.
    async fn shot(&self, what: &str) {
        let overflow = "return document.documentElement.scrollWidth - window.innerWidth";
        let overflow = self.page.execute(overflow, Vec::new()).await.unwrap();
        assert!(
            overflow.as_i64().unwrap() <= 0,
            "{what} is {overflow} pixels too wide"
        );
        let settle = "document.getAnimations().forEach(animation => {
            if (animation.effect.getComputedTiming().endTime < Infinity) animation.finish();
        })";
        self.page.execute(settle, Vec::new()).await.unwrap();
        let file = shots().join(format!("shop-{}-{what}.png", self.name));
        std::fs::write(file, self.page.screenshot().await.unwrap()).unwrap();
    }

    /// From the front page to an order that waits to be paid.
    async fn orders(&self, product: &str) -> String {
        self.go("/").await;
        self.press(&format!("a.product[href='/products/{product}']"))
            .await;
        self.click("add").await;
        self.click("place").await;
        self.sees("to-pay").await;
        self.page.current_url().await.unwrap().path().to_owned()
    }

    /// Opens the payment window and makes a choice there.
    async fn pays(&self, choice: &str) {
        self.press("#pay button").await;
        self.click(choice).await;
    }
}

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
