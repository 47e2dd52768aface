//! A buyer without a browser: keeps cookies, reads pages, sends the forms that are on them.

use std::time::Duration;

use reqwest::header::{ACCEPT, ACCEPT_LANGUAGE, COOKIE, LOCATION, SET_COOKIE};
use reqwest::{RequestBuilder, Response};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::stand::{Stand, client};

const SETTLE_MAX: Duration = Duration::from_secs(30);
const LATE_MAX: Duration = Duration::from_mins(3);

/// What came back.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) policy: String,
    pub(crate) text: String,
}

impl Seen {
    /// The value of an attribute, the first time it occurs.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        let (_, rest) = self.text.split_once(&format!("{name}=\""))?;
        rest.split_once('"').map(|(value, _)| value)
    }

    /// The state that an order's page shows.
    pub(crate) fn scene(&self) -> &str {
        self.attribute("data-scene")
            .unwrap_or_else(|| panic!("no order: {self:?}"))
    }

    fn hidden(&self, name: &str) -> &str {
        self.attribute(&format!("name=\"{name}\" value"))
            .unwrap_or_else(|| panic!("no {name}: {self:?}"))
    }
}

/// One buyer.
pub(crate) struct Buyer {
    url: String,
    client: reqwest::Client,
    cookies: Vec<(String, String)>,
    pub(crate) language: &'static str,
}

impl Buyer {
    pub(crate) fn new(url: String) -> Self {
        Self {
            url,
            client: client(),
            cookies: Vec::new(),
            language: "ko",
        }
    }

    /// The same buyer in another tab.
    pub(crate) fn tab(&self) -> Self {
        Self {
            url: self.url.clone(),
            client: self.client.clone(),
            cookies: self.cookies.clone(),
            language: self.language,
        }
    }

    /// The shop moved to another port.
    pub(crate) fn follow(&mut self, stand: &Stand) {
        self.url = stand.url();
    }

    pub(crate) async fn get(&mut self, path: &str) -> Seen {
        let request = self.client.get(format!("{}{path}", self.url));
        self.send(request).await
    }

    /// Sends a form with these fields, and what it carries unseen.
    pub(crate) async fn post(&mut self, path: &str, page: &Seen, fields: &[(&str, &str)]) -> Seen {
        let token = page.hidden("token").to_owned();
        let mut fields = fields.to_vec();
        fields.push(("token", &token));
        self.post_bare(path, &fields, &[]).await
    }

    /// Sends fields as they are, with headers.
    pub(crate) async fn post_bare(
        &mut self,
        path: &str,
        fields: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Seen {
        let body: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let mut request = self
            .client
            .post(format!("{}{path}", self.url))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body.join("&"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request).await
    }

    async fn send(&mut self, request: RequestBuilder) -> Seen {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = request
            .header(COOKIE, cookies.join("; "))
            .header(ACCEPT_LANGUAGE, self.language);
        let response = request.send().await.unwrap();
        self.remember(&response);
        let header = |name| {
            let value = response.headers().get(name);
            value.map(|value| value.to_str().unwrap().to_owned())
        };
        Seen {
            status: response.status().as_u16(),
            location: header(LOCATION.as_str()),
            policy: header("content-security-policy").unwrap_or_default(),
            text: response.text().await.unwrap(),
        }
    }

    fn remember(&mut self, response: &Response) {
        for set in response.headers().get_all(SET_COOKIE) {
            let (pair, rules) = set.to_str().unwrap().split_once(';').unwrap();
            assert!(
                rules.contains("HttpOnly") && rules.contains("SameSite=Lax"),
                "{rules}"
            );
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.retain(|(known, _)| known != name);
            self.cookies.push((name.to_owned(), value.to_owned()));
        }
    }

    /// Puts something into the cart and orders it; the path of the order's page.
    pub(crate) async fn order(&mut self, product: &str, quantity: &str) -> String {
        let page = self.get(&format!("/products/{product}")).await;
        let fields = [("product", product), ("quantity", quantity)];
        let filled = self.post("/cart", &page, &fields).await;
        assert_eq!(filled.location.as_deref(), Some("/cart"), "{filled:?}");
        let cart = self.get("/cart").await;
        let placed = self.post("/orders", &cart, &[]).await;
        placed.location.unwrap()
    }

    /// Presses the button that opens the payment window; what the browser is handed.
    pub(crate) async fn open(&mut self, order: &str) -> Value {
        let page = self.get(order).await;
        let token = page.hidden("token").to_owned();
        let json = [(ACCEPT.as_str(), "application/json")];
        let path = format!("{order}/window");
        let opened = self.post_bare(&path, &[("token", &token)], &json).await;
        assert_eq!(opened.status, 200, "{opened:?}");
        serde_json::from_str(&opened.text).unwrap()
    }

    /// Presses the button of a page that is no longer true; what the browser is handed.
    pub(crate) async fn open_refused(&mut self, order: &str, page: &Seen) -> Value {
        let own = self.get("/products/mug").await;
        assert!(
            page.attribute("id=\"pay\"").is_none(),
            "it still has the button"
        );
        let token = own.hidden("token").to_owned();
        let json = [(ACCEPT.as_str(), "application/json")];
        let path = format!("{order}/window");
        let opened = self.post_bare(&path, &[("token", &token)], &json).await;
        serde_json::from_str(&opened.text).unwrap()
    }

    /// Waits until the list of orders shows this order with this mark.
    pub(crate) async fn listed(&mut self, order: &str, mark: &str) {
        self.listed_within(SETTLE_MAX, order, mark).await;
    }

    /// The same of what takes the service more than one look at the gateway.
    pub(crate) async fn listed_late(&mut self, order: &str, mark: &str) {
        self.listed_within(LATE_MAX, order, mark).await;
    }

    async fn listed_within(&mut self, patience: Duration, order: &str, mark: &str) {
        let begun = Instant::now();
        loop {
            let list = self.get("/orders").await;
            assert!(list.text.contains(order), "{list:?}");
            if list.text.contains(mark) {
                return;
            }
            assert!(begun.elapsed() < patience, "never {mark}: {list:?}");
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// Where the window leads to, once the buyer has passed it.
    pub(crate) async fn pass(
        &mut self,
        stand: &Stand,
        order: &str,
        scenario: Option<&str>,
    ) -> String {
        let opening = self.open(order).await;
        let payment_key = stand.authenticate(&opening, scenario).await;
        let gateway_order = opening["orderId"].as_str().unwrap();
        let path = opening["successPath"].as_str().unwrap();
        format!(
            "{path}?paymentType=NORMAL&orderId={gateway_order}&paymentKey={payment_key}&amount={}",
            opening["amount"],
        )
    }

    /// Orders, passes the window and comes back; the path of the order's page.
    pub(crate) async fn buy(&mut self, stand: &Stand, product: &str, quantity: &str) -> String {
        let order = self.order(product, quantity).await;
        let success = self.pass(stand, &order, None).await;
        let back = self.get(&success).await;
        assert_eq!(
            (back.status, back.location.as_deref()),
            (303, Some(order.as_str()))
        );
        order
    }

    /// Sends the form that gives money back, as the page shows it.
    pub(crate) async fn refund(&mut self, order: &str, page: &Seen, amount: &str) -> Seen {
        let number = page.hidden("number").to_owned();
        let fields = [("number", number.as_str()), ("amount", amount)];
        self.post(&format!("{order}/refunds"), page, &fields).await
    }

    /// The order's page once it shows something else than this.
    pub(crate) async fn after(&mut self, order: &str, scene: &str) -> Seen {
        let begun = Instant::now();
        loop {
            let page = self.get(order).await;
            if page.scene() != scene {
                return page;
            }
            assert!(begun.elapsed() < SETTLE_MAX, "still {scene}");
            sleep(Duration::from_millis(100)).await;
        }
    }
}
