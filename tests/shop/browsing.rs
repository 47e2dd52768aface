//! A browser at the shop: what a buyer does there, and waits for.

use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::{Client, Locator};

use crate::support::shots;

const WAIT: Duration = Duration::from_secs(20);
const LATE: Duration = Duration::from_mins(3);

/// A browser at the shop.
pub(crate) struct Guest<'a> {
    pub(crate) page: &'a Client,
    pub(crate) url: String,
    pub(crate) name: &'a str,
}

impl Guest<'_> {
    pub(crate) async fn go(&self, path: &str) {
        self.page
            .goto(&format!("{}{path}", self.url))
            .await
            .unwrap();
    }

    pub(crate) async fn click(&self, id: &str) {
        self.press(&format!("#{id}")).await;
    }

    /// Presses what leads to another page, and waits for that: the next step must not find what
    /// is about to vanish.
    pub(crate) async fn press(&self, selector: &str) {
        let element = self.finds(selector).await;
        let mark = "document.documentElement.dataset.left = 'yes'";
        self.page.execute(mark, Vec::new()).await.unwrap();
        element.click().await.unwrap();
        self.finds("html:not([data-left]) main").await;
    }

    pub(crate) async fn finds(&self, selector: &str) -> Element {
        self.finds_within(WAIT, selector).await
    }

    async fn finds_within(&self, patience: Duration, selector: &str) -> Element {
        let waited = self.page.wait().at_most(patience);
        match waited.for_element(Locator::Css(selector)).await {
            Ok(element) => element,
            Err(error) => {
                let source = self.page.source().await.unwrap_or_default();
                panic!("no {selector}: {error}\n{source}")
            }
        }
    }

    /// Waits until the order's page shows this state.
    pub(crate) async fn sees(&self, scene: &str) {
        self.finds(&format!("#order[data-scene={scene}]")).await;
    }

    /// The same of what takes the service more than one look at the gateway.
    pub(crate) async fn sees_late(&self, scene: &str) {
        let selector = format!("#order[data-scene={scene}]");
        self.finds_within(LATE, &selector).await;
    }

    pub(crate) async fn sees_notice(&self, notice: &str) {
        self.finds(&format!("[data-notice={notice}]")).await;
    }

    pub(crate) async fn unfolds(&self, id: &str) {
        let element = self.finds(&format!("#{id} > summary")).await;
        element.click().await.unwrap();
    }

    pub(crate) async fn text(&self, id: &str) -> String {
        let element = self.page.find(Locator::Id(id)).await.unwrap();
        element.text().await.unwrap()
    }

    /// Marks the page that is open: another one does not have the mark.
    pub(crate) async fn stays(&self) {
        let mark = "document.documentElement.dataset.stays = 'yes'";
        self.page.execute(mark, Vec::new()).await.unwrap();
    }

    /// Keeps a picture, and makes sure that nothing hangs out of the page sideways.
    pub(crate) async fn shot(&self, what: &str) {
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
    pub(crate) async fn orders(&self, product: &str) -> String {
        self.go("/").await;
        self.press(&format!("a.product[href='/products/{product}']"))
            .await;
        self.click("add").await;
        self.click("place").await;
        self.sees("to-pay").await;
        self.page.current_url().await.unwrap().path().to_owned()
    }

    /// Opens the payment window and makes a choice there.
    pub(crate) async fn pays(&self, choice: &str) {
        self.press("#pay button").await;
        self.click(choice).await;
    }
}
