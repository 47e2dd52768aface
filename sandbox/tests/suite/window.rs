//! Owns the payment window: what it shows, how it leads back, and what it never lets through.

use reqwest::Url;
use serde_json::{Value, json};

use crate::support::{Bench, CLIENT_KEY, Reply, SECRET_KEY, send};

const SUCCESS: &str = "http://shop.test/done?from=window#top";
const FAIL: &str = "https://shop.test/failed";

fn query() -> Vec<(&'static str, String)> {
    [
        ("clientKey", CLIENT_KEY),
        ("orderId", "order-0001"),
        ("orderName", "파란 티셔츠"),
        ("amount", "33000"),
        ("successUrl", SUCCESS),
        ("failUrl", FAIL),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .to_vec()
}

fn with(name: &'static str, value: &str) -> Vec<(&'static str, String)> {
    let mut query = query();
    query.retain(|(present, _)| *present != name);
    query.push((name, value.to_owned()));
    query
}

async fn open(bench: &Bench, query: &[(&str, String)]) -> Reply {
    let url = format!("{}/window", bench.sandbox.url());
    send(bench.client.get(url).query(query))
        .await
        .expect("an answer")
}

/// Opens the window of the usual order and returns its path.
pub(crate) async fn open_window(bench: &Bench) -> String {
    window(bench, &query()).await
}

/// Opens the window and returns its path.
async fn window(bench: &Bench, query: &[(&str, String)]) -> String {
    let reply = open(bench, query).await;
    assert_eq!(reply.status, 303, "{}", reply.text);
    reply.header("location").expect("a window").to_owned()
}

pub(crate) async fn see(bench: &Bench, path: &str) -> Reply {
    let url = format!("{}{path}", bench.sandbox.url());
    send(bench.client.get(url)).await.expect("a page")
}

pub(crate) async fn press(bench: &Bench, path: &str, form: &str) -> Reply {
    let url = format!("{}{path}", bench.sandbox.url());
    let request = bench.client.post(url).body(form.to_owned());
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    send(request).await.expect("an answer")
}

/// The parameters of the redirect, and the address without them.
pub(crate) fn redirect(reply: &Reply) -> (Url, Vec<(String, String)>) {
    assert_eq!(reply.status, 303, "{}", reply.text);
    let url = Url::parse(reply.header("location").expect("a location")).expect("a URL");
    let parameters = url
        .query_pairs()
        .map(|(a, b)| (a.into_owned(), b.into_owned()))
        .collect();
    (url, parameters)
}

fn names(parameters: &[(String, String)]) -> Vec<&str> {
    parameters.iter().map(|(name, _)| name.as_str()).collect()
}

#[tokio::test]
async fn approving_leads_to_the_shop_and_can_be_confirmed() {
    let bench = Bench::new().await;
    let path = window(&bench, &query()).await;
    let of_order = async || bench.get("/v1/payments/orders/order-0001").await.json();
    assert_eq!(of_order().await["status"], "READY");

    let page = see(&bench, &path).await;
    assert_eq!(page.status, 200);
    for text in [
        "파란 티셔츠",
        "33,000",
        "order-0001",
        "id=\"approve\"",
        "결제하기",
    ] {
        assert!(page.text.contains(text), "{text}");
    }
    assert!(
        see(&bench, &format!("{path}?lang=en"))
            .await
            .text
            .contains("Pay 33,000 KRW")
    );

    let (url, parameters) = redirect(&press(&bench, &path, "action=approve&method=CARD").await);
    assert!(
        url.as_str()
            .starts_with("http://shop.test/done?from=window&"),
        "{url}"
    );
    assert_eq!(url.fragment(), Some("top"));
    let expected = ["from", "paymentType", "orderId", "paymentKey", "amount"];
    assert_eq!(names(&parameters), expected);
    assert_eq!(
        (parameters[1].1.as_str(), parameters[4].1.as_str()),
        ("NORMAL", "33000")
    );
    assert_eq!(of_order().await["status"], "IN_PROGRESS");
    let confirmed = bench.confirm(&parameters[3].1, "order-0001", 33_000).await;
    assert_eq!(confirmed.json()["orderName"], "파란 티셔츠");

    let again = press(&bench, &path, "action=approve").await;
    assert_eq!(again.status, 400);
    assert!(again.text.contains("ALREADY_PROCESSED_PAYMENT"));
}

#[tokio::test]
async fn refusing_and_abandoning_change_nothing() {
    let bench = Bench::new().await;
    let path = window(&bench, &query()).await;

    let (url, parameters) = redirect(&press(&bench, &path, "action=abandon").await);
    assert!(
        url.as_str().starts_with("https://shop.test/failed?"),
        "{url}"
    );
    assert_eq!(
        names(&parameters),
        ["code", "message"],
        "no order id when the window is closed"
    );
    assert_eq!(parameters[0].1, "PAY_PROCESS_CANCELED");

    let (_, parameters) = redirect(&press(&bench, &path, "action=refuse").await);
    assert_eq!(names(&parameters), ["code", "message", "orderId"]);
    assert_eq!(parameters[0].1, "REJECT_CARD_COMPANY");
    assert_eq!(
        bench.get("/v1/payments/orders/order-0001").await.json()["status"],
        "READY"
    );
    redirect(&press(&bench, &path, "action=approve").await);
}

#[tokio::test]
async fn the_window_carries_scenario_and_method() {
    let bench = Bench::new().await;
    let mut query = with("scenario", "REJECT_ACCOUNT_PAYMENT");
    query.push(("method", "TRANSFER".to_owned()));
    let path = window(&bench, &query).await;
    let page = see(&bench, &path).await.text;
    assert!(page.contains("value=\"REJECT_ACCOUNT_PAYMENT\" selected"));
    assert!(page.contains("value=\"TRANSFER\" checked"));
    let form = "action=approve&method=TRANSFER&scenario=REJECT_ACCOUNT_PAYMENT";
    let (_, parameters) = redirect(&press(&bench, &path, form).await);
    let reply = bench.confirm(&parameters[3].1, "order-0001", 33_000).await;
    reply.refused(403, "REJECT_ACCOUNT_PAYMENT");
}

#[tokio::test]
async fn everything_shown_is_escaped() {
    let bench = Bench::new().await;
    let path = window(
        &bench,
        &with("orderName", "<script>alert('1')</script>{{won}}"),
    )
    .await;
    let page = see(&bench, &format!("{path}?scenario=%3Cb%3E&lang=%3Cb%3E")).await;
    assert!(
        !page.text.contains("<script>") && !page.text.contains("<b>%"),
        "{}",
        page.text
    );
    assert!(
        page.text
            .contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;{{won}}")
    );
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.contains("default-src 'none'"));
    for landing in [
        "success?orderId=",
        "fail?message=",
        "fail?x%22%3E%3Cscript%3E=",
    ] {
        let page = see(&bench, &format!("/landing/{landing}%3Cscript%3E%22")).await;
        assert!(!page.text.contains("<script>"), "{}", page.text);
    }
}

#[tokio::test]
async fn only_web_addresses_are_led_back_to() {
    let bench = Bench::new().await;
    let bad = [
        "javascript:alert(1)",
        "/relative",
        "//shop.test/x",
        "shop.test/x",
        "ftp://shop.test/",
        "data:text/html,x",
        "http://",
        "http://good@evil.test/",
        "",
    ];
    for url in bad {
        for (name, code) in [
            ("successUrl", "INCORRECT_SUCCESS_URL_FORMAT"),
            ("failUrl", "INCORRECT_FAIL_URL_FORMAT"),
        ] {
            let reply = open(&bench, &with(name, url)).await;
            assert_eq!(reply.status, 400, "{name}={url}");
            let code = if url.is_empty() {
                "INVALID_REQUEST"
            } else {
                code
            };
            assert!(reply.text.contains(code), "{name}={url}");
        }
    }
    let split = with("successUrl", "http://shop.test/a\r\nset-cookie: x=1/한글");
    let path = window(&bench, &split).await;
    let reply = press(&bench, &path, "action=approve").await;
    assert_eq!(reply.header("set-cookie"), None);
    let (url, _) = redirect(&reply);
    assert!(
        url.path()
            .starts_with("/a%0D%0Aset-cookie:%20x=1/%ED%95%9C"),
        "{url}"
    );
    bench
        .get("/v1/payments/orders/order-0002")
        .await
        .refused(404, "NOT_FOUND_PAYMENT");
}

#[tokio::test]
async fn bad_openings_say_why() {
    let bench = Bench::new().await;
    let cases = [
        ("clientKey", "test_ck_other", 401, "UNAUTHORIZED_KEY"),
        ("clientKey", SECRET_KEY, 403, "INSECURE_KEY_USAGE"),
        ("orderId", "x", 400, "INVALID_ORDER_ID"),
        ("amount", "0", 400, "BELOW_ZERO_AMOUNT"),
        ("amount", "10.5", 400, "INVALID_REQUEST"),
        ("currency", "USD", 400, "INVALID_CURRENCY"),
        ("method", "FOREIGN_EASY_PAY", 400, "NOT_SUPPORTED_METHOD"),
    ];
    for (name, value, status, code) in cases {
        let reply = open(&bench, &with(name, value)).await;
        assert_eq!(reply.status, status, "{name}={value}");
        assert!(reply.text.contains(code), "{name}={value}");
    }
    let path = window(&bench, &query()).await;
    bench.advance(1801).await;
    for reply in [
        see(&bench, &path).await,
        press(&bench, &path, "action=approve").await,
    ] {
        assert_eq!(reply.status, 404);
        assert!(reply.text.contains("NOT_FOUND_PAYMENT_SESSION"));
    }
}

#[tokio::test]
async fn checkout_links_lead_to_the_window() {
    let bench = Bench::new().await;
    let created = crate::confirm::create(&bench, "order-0001").await;
    let link = created["checkout"]["url"]
        .as_str()
        .expect("a link")
        .to_owned();
    let led = send(bench.client.get(link)).await.expect("an answer");
    assert_eq!(led.status, 303);
    let page = see(&bench, led.header("location").expect("a window")).await;
    assert!(page.text.contains("poster"), "{}", page.text);
}

#[tokio::test]
async fn landing_pages_show_what_a_shop_would_get() {
    let bench = Bench::new().await;
    let page = see(
        &bench,
        "/landing/success?paymentType=NORMAL&orderId=order-0001&paymentKey=pk&amount=33000",
    )
    .await;
    for element in [
        "<dd id=\"paymentKey\">pk</dd>",
        "<dd id=\"orderId\">order-0001</dd>",
        "<dd id=\"amount\">33000</dd>",
    ] {
        assert!(page.text.contains(element), "{element}");
    }
    let page = see(
        &bench,
        "/landing/fail?code=PAY_PROCESS_CANCELED&message=bye",
    )
    .await;
    assert!(
        page.text
            .contains("<dd id=\"code\">PAY_PROCESS_CANCELED</dd>")
    );
    assert!(page.text.contains("bye") && !page.text.contains("id=\"orderId\""));
    assert_eq!(see(&bench, "/").await.status, 200);
    let sdk = see(&bench, "/v2/standard").await;
    assert_eq!(
        sdk.header("content-type"),
        Some("text/javascript; charset=utf-8")
    );
    assert!(sdk.text.contains("requestPayment"));
}

#[tokio::test]
async fn metadata_and_customer_come_back() {
    let bench = Bench::new().await;
    let mut query = with("metadata", &json!({ "cartId": "c-1" }).to_string());
    query.push(("taxFreeAmount", "3000".to_owned()));
    window(&bench, &query).await;
    let payment = bench.get("/v1/payments/orders/order-0001").await.json();
    assert_eq!(payment["metadata"], json!({ "cartId": "c-1" }));
    assert_eq!(payment["taxFreeAmount"], 3000);
    assert_eq!(payment["method"], Value::Null);
}
