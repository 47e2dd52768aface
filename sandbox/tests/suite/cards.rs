//! Owns the test cards: what each number leads to, and that no number is kept or shown.

use reqwest::Method;
use serde_json::{Value, json};
use toss_sandbox::Config;

use crate::support::{Bench, Reply, config, confirm_body, send};
use crate::window::{open_window, press, redirect, see};

/// Each card by its last four digits, and what the first, the second confirm and a cancel of a
/// part come to.
const STORIES: [(&str, [&str; 3]); 24] = [
    ("0000", ["OK", DONE, "OK"]),
    ("0018", ["OK", DONE, "OK"]),
    ("0026", ["OK", DONE, "NOT_ALLOWED_PARTIAL_REFUND"]),
    ("0034", ["REJECT_CARD_COMPANY", "", ""]),
    ("0042", ["LOST", DONE, "OK"]),
    ("0059", ["LOST", "OK", "OK"]),
    ("0067", ["LOST", DONE, "OK"]),
    ("0075", ["OK", DONE, "LOST"]),
    ("0083", ["OK", DONE, "REFUND_REJECTED"]),
    ("0091", ["LOST", "OK", "OK"]),
    ("0109", ["REJECT_CARD_PAYMENT", DONE, UNPAID]),
    ("0117", ["REJECT_CARD_COMPANY", DONE, UNPAID]),
    ("0125", ["EXCEED_MAX_AMOUNT", DONE, UNPAID]),
    ("0133", ["EXCEED_MAX_DAILY_PAYMENT_COUNT", DONE, UNPAID]),
    ("0141", ["EXCEED_MAX_PAYMENT_AMOUNT", DONE, UNPAID]),
    ("0158", ["INVALID_STOPPED_CARD", DONE, UNPAID]),
    ("0166", ["INVALID_CARD_EXPIRATION", DONE, UNPAID]),
    ("0174", ["INVALID_CARD_LOST_OR_STOLEN", DONE, UNPAID]),
    ("0182", ["INVALID_REJECT_CARD", DONE, UNPAID]),
    ("0190", ["FDS_ERROR", DONE, UNPAID]),
    ("0208", ["PROVIDER_ERROR", "OK", "OK"]),
    (
        "0216",
        ["CARD_PROCESSING_ERROR", "CARD_PROCESSING_ERROR", UNPAID],
    ),
    (
        "0224",
        [
            "FAILED_INTERNAL_SYSTEM_PROCESSING",
            "FAILED_INTERNAL_SYSTEM_PROCESSING",
            UNPAID,
        ],
    ),
    (
        "0232",
        ["UNKNOWN_PAYMENT_ERROR", "UNKNOWN_PAYMENT_ERROR", UNPAID],
    ),
];
const DONE: &str = "ALREADY_PROCESSED_PAYMENT";
const UNPAID: &str = "NOT_CANCELABLE_PAYMENT";
const REFUSED_IN_WINDOW: &str = "0034";
const SLOW: &str = "0018";

fn number(tail: &str) -> String {
    format!("000000000000{tail}")
}

fn code(reply: reqwest::Result<Reply>) -> String {
    match reply {
        Err(_) => "LOST".to_owned(),
        Ok(reply) if reply.status == 200 => "OK".to_owned(),
        Ok(reply) => reply.json()["code"].as_str().expect("a code").to_owned(),
    }
}

#[tokio::test]
async fn every_listed_card_leads_to_its_story() {
    let bench = Bench::new().await;
    let listed = bench.get("/_sandbox/cards").await.json();
    let listed: Vec<String> = listed["cards"]
        .as_array()
        .expect("cards")
        .iter()
        .map(|card| card["number"].as_str().expect("a number").replace(' ', ""))
        .collect();
    let told: Vec<String> = STORIES.iter().map(|(tail, _)| number(tail)).collect();
    assert_eq!(listed, told, "every card has its story here");

    let mut stories = tokio::task::JoinSet::new();
    for (tail, expected) in STORIES {
        let api = |path: &str| bench.api(Method::POST, path);
        let confirm = [api("/v1/payments/confirm"), api("/v1/payments/confirm")];
        let order_id = format!("order-{tail}");
        let body = json!({ "orderId": order_id, "amount": 1000, "cardNumber": number(tail) });
        let opened = bench.post("/_sandbox/authenticate", body).await;
        if tail == REFUSED_IN_WINDOW {
            opened.refused(403, expected[0]);
            continue;
        }
        let payment_key = opened.json()["paymentKey"]
            .as_str()
            .expect("a key")
            .to_owned();
        let cancel = api(&format!("/v1/payments/{payment_key}/cancel"));
        stories.spawn(async move {
            let mut seen = Vec::new();
            for request in confirm {
                let body = confirm_body(&payment_key, &order_id, 1000);
                seen.push(code(send(request.json(&body)).await));
            }
            let part = json!({ "cancelReason": "x", "cancelAmount": 400 });
            seen.push(code(send(cancel.json(&part)).await));
            assert_eq!(seen, expected, "{tail}");
        });
    }
    while let Some(story) = stories.join_next().await {
        story.expect("the card's story");
    }
}

#[tokio::test]
async fn a_slow_card_is_approved_after_its_time() {
    let bench = Bench::new().await;
    let body = json!({ "orderId": "order-0001", "amount": 1000, "cardNumber": number(SLOW) });
    let payment_key = bench.authenticate_as(body).await;
    let begun = std::time::Instant::now();
    let reply = bench.confirm(&payment_key, "order-0001", 1000).await;
    assert_eq!(reply.status, 200);
    assert!(begun.elapsed() >= std::time::Duration::from_secs(5));
}

#[tokio::test]
async fn payments_show_the_masked_number_and_its_refusal() {
    let bench = Bench::new().await;
    let spaced = "0000 0000 0000 0026";
    let body = json!({ "orderId": "order-0001", "amount": 1000, "cardNumber": spaced });
    let payment_key = bench.authenticate_as(body).await;
    bench.confirm(&payment_key, "order-0001", 1000).await;
    let payment = bench.payment(&payment_key).await;
    assert_eq!(payment["card"]["number"], "00000000****002*");
    assert_eq!(payment["isPartialCancelable"], false);

    let declined = number("0158");
    let body = json!({ "orderId": "order-0002", "amount": 1000, "cardNumber": declined });
    let payment_key = bench.authenticate_as(body).await;
    bench.confirm(&payment_key, "order-0002", 1000).await;
    let payment = bench.payment(&payment_key).await;
    assert_eq!(
        (&payment["status"], &payment["failure"]["code"]),
        (&json!("ABORTED"), &json!("INVALID_STOPPED_CARD"))
    );
}

#[tokio::test]
async fn the_window_offers_the_cards_and_takes_their_numbers() {
    let bench = Bench::new().await;
    let path = open_window(&bench).await;
    let page = see(&bench, &path).await.text;
    assert!(page.contains("autocomplete=\"off\""), "{page}");
    for (tail, _) in STORIES {
        assert!(page.contains(&format!("0000 0000 0000 {tail}")), "{tail}");
    }
    let form = "action=approve&method=CARD&scenario=approve&cardNumber=";
    let refused = press(&bench, &path, &format!("{form}0000+0000+0000+0034")).await;
    let (url, parameters) = redirect(&refused);
    assert!(
        url.as_str().starts_with("https://shop.test/failed"),
        "{url}"
    );
    let expected = [("code", "REJECT_CARD_COMPANY"), ("orderId", "order-0001")];
    for (name, value) in expected {
        let sent = (name.to_owned(), value.to_owned());
        assert!(parameters.contains(&sent), "{parameters:?}");
    }

    let (_, parameters) =
        redirect(&press(&bench, &path, &format!("{form}0000-0000-0000-0125")).await);
    let reply = bench.confirm(&parameters[3].1, "order-0001", 33_000).await;
    reply.refused(400, "EXCEED_MAX_AMOUNT");
}

#[tokio::test]
async fn a_scenario_chosen_beside_the_card_comes_first() {
    let bench = Bench::new().await;
    let path = open_window(&bench).await;
    let form = "action=approve&method=CARD&scenario=FDS_ERROR&cardNumber=0000000000000125";
    let (_, parameters) = redirect(&press(&bench, &path, form).await);
    let reply = bench.confirm(&parameters[3].1, "order-0001", 33_000).await;
    reply.refused(403, "FDS_ERROR");
}

#[tokio::test]
async fn other_numbers_are_turned_away_and_no_number_is_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = folder.path().join("journal.jsonl");
    let bench = Bench::with(Config {
        data: Some(journal.clone()),
        ..config()
    })
    .await;
    let path = open_window(&bench).await;
    let form = "action=approve&method=CARD&cardNumber=";
    let strange = "5555444433332222";
    let page = press(&bench, &path, &format!("{form}{strange}")).await;
    assert_eq!(page.status, 400);
    assert!(
        page.text.contains("id=\"approve\""),
        "the window stays open"
    );
    assert!(
        page.text.contains("테스트 카드번호가 아닙니다"),
        "{}",
        page.text
    );
    assert!(!page.text.contains(strange), "and does not repeat it");
    let body = json!({ "orderId": "order-0002", "amount": 1000, "cardNumber": strange });
    let reply = bench.post("/_sandbox/authenticate", body).await;
    reply.refused(400, "INVALID_CARD_NUMBER");

    // Another method has no card.
    let transfer = format!("action=approve&method=TRANSFER&cardNumber={strange}");
    redirect(&press(&bench, &path, &transfer).await);
    let path = open_window(&bench).await;
    let known = number("0042");
    redirect(&press(&bench, &path, &format!("{form}{known}")).await);
    let calls = bench.get("/_sandbox/calls").await.text;
    bench.sandbox.shutdown().await;
    let kept = std::fs::read_to_string(journal).expect("the journal");
    assert!(kept.contains("00000000****004*"), "{kept}");
    for text in [kept, calls] {
        assert!(!text.contains(&known) && !text.contains(strange), "{text}");
    }
}

#[tokio::test]
async fn the_story_belongs_to_the_payment_even_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let kept = || Config {
        data: Some(folder.path().join("journal.jsonl")),
        ..config()
    };
    let bench = Bench::with(kept()).await;
    let body = json!({ "orderId": "order-0001", "amount": 1000, "cardNumber": number("0083") });
    let payment_key = bench.authenticate_as(body).await;
    bench.confirm(&payment_key, "order-0001", 1000).await;
    bench.sandbox.shutdown().await;

    let bench = Bench::with(kept()).await;
    let reply = bench
        .cancel(&payment_key, json!({ "cancelReason": "x" }))
        .await;
    reply.refused(400, "REFUND_REJECTED");
    let other = bench.paid("order-0002", 1000).await;
    let reply = bench.cancel(&other, json!({ "cancelReason": "x" })).await;
    assert_eq!(reply.status, 200);
    assert_ne!(reply.json()["card"]["number"], Value::Null);
}
