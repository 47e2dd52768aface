//! Owns the window in which a buyer registers a card or an account.

use super::{CUSTOMER, issue};
use crate::support::{Bench, CLIENT_KEY, Reply, send};
use crate::window::{press, redirect, see};

fn query(method: &str) -> Vec<(&'static str, String)> {
    [
        ("clientKey", CLIENT_KEY),
        ("customerKey", CUSTOMER),
        ("method", method),
        ("successUrl", "http://shop.test/registered?from=window"),
        ("failUrl", "http://shop.test/failed"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .to_vec()
}

async fn open(bench: &Bench, query: &[(&str, String)]) -> Reply {
    let url = format!("{}/billing/window", bench.sandbox.url());
    let opened = send(bench.client.get(url).query(query)).await;
    opened.expect("an answer")
}

async fn window(bench: &Bench, method: &str) -> String {
    let reply = open(bench, &query(method)).await;
    assert_eq!(reply.status, 303, "{}", reply.text);
    reply.header("location").expect("a window").to_owned()
}

#[tokio::test]
async fn the_window_leads_back_with_a_consent() {
    let bench = Bench::new().await;
    let path = window(&bench, "CARD").await;
    let page = see(&bench, &path).await;
    assert!(page.text.contains("자동결제 등록"), "{}", page.text);
    assert!(
        page.text.contains("0000 0000 0000 0166"),
        "the cards are offered"
    );

    let names = |parameters: &[(String, String)]| -> Vec<String> {
        parameters.iter().map(|(name, _)| name.clone()).collect()
    };
    for (action, code) in [
        ("abandon", "PAY_PROCESS_CANCELED"),
        ("refuse", "REJECT_CARD_COMPANY"),
        ("approve&cardNumber=0000000000000034", "REJECT_CARD_COMPANY"),
    ] {
        let (url, parameters) = redirect(&press(&bench, &path, &format!("action={action}")).await);
        assert_eq!(url.path(), "/failed");
        assert_eq!(names(&parameters), ["code", "message"]);
        assert_eq!(parameters[0].1, code);
    }
    let strange = press(&bench, &path, "action=approve&cardNumber=5555444433332222").await;
    assert_eq!(strange.status, 400);
    assert!(!strange.text.contains("5555444433332222"));

    let form = "action=approve&cardNumber=0000+0000+0000+0166";
    let (url, parameters) = redirect(&press(&bench, &path, form).await);
    assert_eq!(url.path(), "/registered");
    assert_eq!(names(&parameters), ["from", "customerKey", "authKey"]);
    let issued = issue(&bench, &parameters[2].1, &parameters[1].1).await;
    assert_eq!(issued.json()["card"]["number"], "00000000****016*");
    let again = press(&bench, &path, form).await;
    assert_eq!(again.status, 400, "a window is good for one consent");

    let path = window(&bench, "TRANSFER").await;
    assert!(!see(&bench, &path).await.text.contains("id=\"cardNumber\""));
    let (_, parameters) = redirect(&press(&bench, &path, "action=approve").await);
    let issued = issue(&bench, &parameters[2].1, CUSTOMER).await.json();
    assert_eq!(issued["method"], "계좌이체");

    let path = window(&bench, "CARD").await;
    bench.advance(1800).await;
    assert_eq!(press(&bench, &path, "action=approve").await.status, 404);
}

#[tokio::test]
async fn windows_are_opened_for_this_merchant_with_addresses_to_return_to() {
    let bench = Bench::new().await;
    for (name, value, code) in [
        ("clientKey", "test_ck_other", "UNAUTHORIZED_KEY"),
        ("customerKey", "x", "INVALID_CUSTOMER_KEY"),
        ("method", "MOBILE_PHONE", "NOT_SUPPORTED_METHOD"),
        ("successUrl", "javascript:x", "INCORRECT_SUCCESS_URL_FORMAT"),
        ("failUrl", "/failed", "INCORRECT_FAIL_URL_FORMAT"),
    ] {
        let mut query = query("CARD");
        query.retain(|(present, _)| *present != name);
        query.push((name, value.to_owned()));
        let page = open(&bench, &query).await;
        assert!(page.text.contains(code), "{code}: {}", page.text);
    }
    let sdk = see(&bench, "/v2/standard").await.text;
    assert!(sdk.contains("requestBillingAuth"));
}
