//! Subscriptions at the shop: in a browser from the first card to the money back, and what nobody
//! but the subscriber can do.

use std::time::Duration;

use fantoccini::Locator;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::browsing::Guest;
use crate::buyer::Buyer;
use crate::stand::{Stand, cancel, capture, client};
use crate::support::{Screen, browser};

/// What a scheduler takes to see that a date has come, and a charge to be told.
const SETTLE_MAX: Duration = Duration::from_mins(1);
/// Longer than any month.
const MONTH_SECONDS: u64 = 31 * 24 * 3600;
const PLAN: &str = "/plans/tea-monthly/card";
const PRICE: i64 = 19_900;

impl Guest<'_> {
    /// How many elements there are.
    async fn count(&self, selector: &str) -> usize {
        let found = self.page.find_all(Locator::Css(selector)).await;
        found.unwrap().len()
    }

    /// Loads the page of the visitor's own subscriptions until so many cycles are paid.
    async fn has_paid(&self, times: usize) {
        let begun = Instant::now();
        loop {
            self.go("/membership").await;
            if self.count("[data-cycle=PAID]").await == times {
                return;
            }
            let page = self.page.source().await.unwrap();
            assert!(
                begun.elapsed() < SETTLE_MAX,
                "never {times} payments: {page}"
            );
            sleep(Duration::from_millis(300)).await;
        }
    }

    /// The page asks for payments and for dates one after the other: a payment may come in between,
    /// and the next look has both.
    async fn sees_other_dates_than(&self, before: &str) {
        let begun = Instant::now();
        while self.text("next").await == before {
            assert!(begun.elapsed() < SETTLE_MAX, "always {before}");
            sleep(Duration::from_millis(300)).await;
            self.go("/membership").await;
        }
    }

    /// Passes the gateway's window for a card, which this form opens.
    async fn registers(&self, form: &str) {
        self.press(&format!("form[action='{form}'] button")).await;
        self.click("approve").await;
    }
}

async fn subscribes(stand: Stand, screen: Screen, name: &str) {
    let browser = browser(screen).await;
    let guest = Guest {
        page: browser.client(),
        url: stand.url(),
        name,
    };
    guest.go("/membership").await;
    guest.click("language").await;
    guest.shot("no-subscription").await;
    guest.go("/plans").await;
    guest.shot("plans").await;
    guest.press(&format!("form[action='{PLAN}'] button")).await;
    guest.click("abandon").await;
    guest.sees_notice("abandoned").await;
    guest.registers(PLAN).await;
    guest.finds(".membership[data-status=ACTIVE]").await;
    guest.has_paid(1).await;
    assert_eq!(stand.ledger().await, [capture(PRICE)], "{name}");
    assert_eq!(guest.count("#next .dates li").await, 3, "{name}");
    assert_eq!(guest.count(".later .dates li").await, 21, "{name}");
    guest.finds("#entitled").await;
    let card = guest.text("card").await;
    assert!(
        card.contains("····") && card.chars().any(|c| c.is_ascii_digit()),
        "{card}"
    );
    guest.shot("subscribed").await;

    let before = guest.text("next").await;
    stand.skip(MONTH_SECONDS).await;
    guest.has_paid(2).await;
    assert_eq!(
        stand.ledger().await,
        [capture(PRICE), capture(PRICE)],
        "{name}"
    );
    guest.sees_other_dates_than(&before).await;
    guest.finds("#entitled").await;
    guest.shot("second-payment").await;

    let article = guest.finds(".membership").await;
    let id = article.attr("id").await.unwrap().unwrap();
    guest.registers(&format!("/membership/{id}/card")).await;
    guest.finds(".membership[data-status=ACTIVE]").await;
    guest.unfolds("end").await;
    guest.shot("ending").await;
    guest.click("end-now").await;
    guest.finds(".membership[data-status=CANCELED]").await;
    guest.shot("ended").await;
    let given_back = [capture(PRICE), capture(PRICE), cancel(PRICE)];
    assert_eq!(stand.ledger().await, given_back, "{name}");
    guest.click("language").await;
    guest.go("/plans").await;
    guest.shot("plans-english").await;
}

#[tokio::test]
async fn browser_subscribes_with_a_phone() {
    let stand = Stand::start().await;
    stand.offers_plans();
    subscribes(stand, Screen::PHONE, "phone").await;
}

#[tokio::test]
async fn browser_subscribes_with_a_desktop_to_what_the_demo_offers() {
    subscribes(Stand::embedded(&[]).await, Screen::DESKTOP, "desktop").await;
}

/// Presses the button that opens the window for a card; what the browser is handed.
async fn opens(buyer: &mut Buyer, form: &str) -> Value {
    let page = buyer.get("/plans").await;
    let opened = buyer.post(form, &page, &[]).await;
    assert_eq!(opened.status, 200, "{opened:?}");
    serde_json::from_str(&opened.text).unwrap()
}

/// Passes the window without a browser; where it leads.
async fn passes(stand: &Stand, opening: &Value) -> String {
    let url = format!("{}/_sandbox/billing-auth", stand.text("sandboxUrl"));
    let customer = opening["customerKey"].as_str().unwrap();
    let asked = client().post(url).json(&json!({ "customerKey": customer }));
    let given: Value = asked.send().await.unwrap().json().await.unwrap();
    let auth = given["authKey"].as_str().unwrap();
    let path = opening["successPath"].as_str().unwrap();
    format!("{path}?customerKey={customer}&authKey={auth}")
}

#[tokio::test]
async fn a_subscription_is_its_owners_alone_and_made_once() {
    let stand = Stand::start().await;
    stand.offers_plans();
    let (mut buyer, mut other) = (stand.buyer(), stand.buyer());
    let opening = opens(&mut buyer, PLAN).await;
    let success = passes(&stand, &opening).await;
    other.get("/plans").await;
    assert_eq!(other.get(&success).await.status, 404);
    let wrong = success.replace("customerKey=cus_", "customerKey=cus_0");
    assert_eq!(buyer.get(&wrong).await.status, 404);
    for _ in 0..3 {
        let back = buyer.get(&success).await;
        assert_eq!(
            (back.status, back.location.as_deref()),
            (303, Some("/membership"))
        );
    }
    let page = buyer.get("/membership").await;
    assert_eq!(page.attribute("data-status"), Some("ACTIVE"), "{page:?}");
    assert_eq!(stand.ledger().await, [capture(PRICE)]);
    for secret in ["authKey", "customerKey", "cus_", stand.text("secretKey")] {
        assert!(!page.text.contains(secret), "{secret}");
    }

    let (_, id) = page.text.split_once("id=\"sub_").unwrap();
    let id = format!("sub_{}", id.split_once('"').unwrap().0);
    let foreign = other.get("/plans").await;
    for act in ["end", "card"] {
        let path = format!("/membership/{id}/{act}");
        assert_eq!(other.post(&path, &foreign, &[]).await.status, 404, "{act}");
        assert_eq!(buyer.post_bare(&path, &[], &[]).await.status, 403, "{act}");
    }
    assert!(
        other
            .get("/membership")
            .await
            .text
            .contains("class=\"empty\"")
    );
    // Who pays for it already is led there, and no plan is made up.
    let again = opens(&mut buyer, PLAN).await;
    assert_eq!(again["leave"], json!("/membership"));
    let own = buyer.get("/membership").await;
    let none = buyer.post("/plans/nothing/card", &own, &[]).await;
    assert_eq!(none.status, 404);
    assert_eq!(stand.ledger().await, [capture(PRICE)]);
}
