//! What gateways tell: kept before it is answered, refused without being read where nobody is told
//! anything, and never both answered and lost.

use std::time::{Duration, Instant};

use domain::inbox::Verdict;
use domain::principal::Mode;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::edge::exchange;
use crate::rig::{Answer, Fault, Prepared, Rig, answer};

const UNKNOWN: (u16, &str) = (404, "HOOK_UNKNOWN");
const KEPT: (u16, &str) = (200, "OK");

fn told(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.code())
}

/// As Toss tells it, of this payment.
fn status_changed(payment: &Prepared, status: &str, movement: &str) -> String {
    json!({
        "createdAt": "2026-03-15T10:30:41.297718",
        "eventType": "PAYMENT_STATUS_CHANGED",
        "data": {
            "paymentKey": "tgen_evil",
            "orderId": payment.gateway_order,
            "status": status,
            "lastTransactionKey": movement,
            "totalAmount": 1,
        },
    })
    .to_string()
}

/// What nobody who has a token is told.
pub(crate) async fn refusal() -> Answer {
    let rig = Rig::new().await;
    answer(rig.telling("hook_nobody", "{}")).await
}

#[tokio::test]
async fn what_is_told_is_kept_as_it_is_and_once() {
    let rig = Rig::new().await;
    let token = rig.own_hook_token().await;
    let body = "{\"eventType\":\"METHOD_UPDATED\", \"data\": {} }\n";
    for _ in 0..7 {
        let answer = answer(rig.telling(&token, body)).await;
        assert_eq!(told(&answer), KEPT, "{answer:?}");
    }
    let kept = rig.told().await;
    assert_eq!(kept.len(), 1);
    assert_eq!(rig.body_of(&kept[0]).await, body.as_bytes());
    assert_eq!(kept[0].kind.as_str(), "METHOD_UPDATED");
    let id = kept[0].headers.transmission_id.as_deref();
    assert_eq!(id, Some("whtrans_a01"));
    // The same words to another account are told to another.
    let account = rig.account(rig.members.merchants[1], Mode::Test).await;
    let other = rig.hook_token(account).await;
    assert_eq!(told(&answer(rig.telling(&other, body)).await), KEPT);
    assert_eq!(rig.told().await.len(), 2);
}

#[tokio::test]
async fn whatever_the_bytes_are_they_are_answered() {
    let rig = Rig::with("inbox.unreadable_per_hour = 4\n").await;
    let token = rig.own_hook_token().await;
    for body in ["", "null", "{", "[1]", "\u{0}", "x", "y"] {
        let answer = answer(rig.telling(&token, body)).await;
        assert_eq!(told(&answer), KEPT, "{body:?}");
    }
    let kept = rig.told().await;
    assert_eq!(kept.len(), 4, "enough of them");
    assert!(kept.iter().all(|one| one.verdict == Verdict::Unreadable));
    let path = format!("/webhooks/toss/{token}");
    let strange = rig.anonymous(reqwest::Method::POST, &path);
    let strange = strange.header("content-type", "text/xml").body("<x/>");
    assert_eq!(told(&answer(strange).await), KEPT);
}

#[tokio::test]
async fn only_a_token_lets_in_and_only_until_it_ends() {
    let rig = Rig::new().await;
    let first = rig.own_hook_token().await;
    let second = rig.own_hook_token().await;
    for token in [&first, &second] {
        assert_eq!(told(&answer(rig.telling(token, "{}")).await), KEPT);
    }
    rig.clock.move_ahead(chrono::TimeDelta::hours(2));
    for token in ["", "x", "hook_", "hook_%00", &first[..first.len() - 1]] {
        let request = rig.telling(token, "{}").basic_auth("sk_test_one", Some(""));
        let answer = answer(request).await;
        let right = told(&answer) == UNKNOWN || told(&answer) == (404, "ROUTE_NOT_FOUND");
        assert!(right, "{token:?}: {answer:?}");
    }
    let get = rig.anonymous(reqwest::Method::GET, &format!("/webhooks/toss/{first}"));
    assert_eq!(told(&answer(get).await), (405, "METHOD_NOT_ALLOWED"));
    assert_eq!(rig.told().await.len(), 1);
}

#[tokio::test]
async fn a_body_has_its_bounds() {
    let rig = Rig::with("server.body_timeout = \"300ms\"\n").await;
    let token = rig.own_hook_token().await;
    let large = answer(rig.telling(&token, "x".repeat(65 * 1024))).await;
    assert_eq!(told(&large), (413, "BODY_TOO_LARGE"));
    let slow =
        format!("POST /webhooks/toss/{token} HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{{");
    let (status, text) = exchange(rig.running.address, &slow).await;
    assert_eq!(status, 408, "{text}");
    assert!(rig.told().await.is_empty());
}

#[tokio::test]
async fn nothing_is_read_where_nobody_is_told_anything() {
    let rig = Rig::new().await;
    let begun = Instant::now();
    let never = "POST /webhooks/toss/hook_nobody HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n";
    let (status, text) = exchange(rig.running.address, never).await;
    assert_eq!(status, 404, "{text}");
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn who_tells_slowly_takes_nobodys_place() {
    let rig = Rig::with("server.requests_max = 2\ninbox.requests_max = 1\n").await;
    let token = rig.own_hook_token().await;
    let head =
        format!("POST /webhooks/toss/{token} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n");
    let mut slow = Vec::new();
    for _ in 0..20 {
        let mut stream = TcpStream::connect(rig.running.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        slow.push(stream);
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    let paid = rig.paid().await;
    assert!(!paid.id.is_empty(), "money goes on");
    assert_eq!(told(&answer(rig.telling(&token, "{}")).await), KEPT);
    let mut last = slow.pop().unwrap();
    last.write_all(b"[]").await.unwrap();
    let mut text = [0; 12];
    last.read_exact(&mut text).await.unwrap();
    assert_eq!(&text, b"HTTP/1.1 200");
}

#[tokio::test]
async fn what_may_be_lost_is_not_answered_as_kept() {
    let rig = Rig::new().await;
    let token = rig.own_hook_token().await;
    for (number, fault, status, code) in [
        (1, Fault::Away, 503, "STORE_UNAVAILABLE"),
        (2, Fault::CommitLost, 503, "STORE_UNAVAILABLE"),
        (3, Fault::AnswerLost, 200, "OK"),
        (4, Fault::Contended, 503, "TOO_MANY_CONFLICTS"),
    ] {
        let body = format!("{{\"eventType\":\"N\",\"n\":{number}}}");
        rig.store.is(Some(fault));
        let first = answer(rig.telling(&token, body.as_str())).await;
        rig.store.is(None);
        assert_eq!(told(&first), (status, code), "{fault:?}");
        let kept = async || {
            let mut count = 0;
            for one in rig.told().await {
                count += usize::from(rig.body_of(&one).await == body.as_bytes());
            }
            count
        };
        assert_eq!(kept().await, usize::from(status == 200), "{fault:?}");
        let second = answer(rig.telling(&token, body.as_str())).await;
        assert_eq!(told(&second), KEPT, "{fault:?}");
        assert_eq!(kept().await, 1, "{fault:?}");
    }
}

#[tokio::test]
async fn an_account_that_tells_without_end_is_slowed_down() {
    let rig = Rig::with("inbox.account_per_second = 2\n").await;
    let token = rig.own_hook_token().await;
    let mut codes = Vec::new();
    for number in 0..6 {
        let body = format!("{{\"eventType\":\"N\",\"n\":{number}}}");
        let answer = answer(rig.telling(&token, body)).await;
        codes.push((answer.status, answer.code().to_owned()));
    }
    assert_eq!(codes[0].0, 200);
    let limited = (429, "RATE_LIMITED".to_owned());
    assert!(codes.contains(&limited), "{codes:?}");
}

/// Until the inbox has nothing that waits.
async fn settled(rig: &Rig) {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let kept = rig.told().await;
        if kept.iter().all(|one| one.verdict != Verdict::Waiting) {
            return;
        }
        assert!(Instant::now() < end, "{kept:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn the_books_follow_the_gateway_and_not_what_is_told() {
    let rig = Rig::with("[inbox]\ngrace = \"0s\"\npoll = \"20ms\"\n").await;
    let token = rig.own_hook_token().await;
    let (paid, unpaid) = (rig.paid().await, rig.prepared().await);
    let lie = Prepared {
        id: String::new(),
        gateway_order: "gwo_00000000000000000000000000000000zz".to_owned(),
    };
    for body in [
        status_changed(&paid, "CANCELED", "forged"),
        status_changed(&unpaid, "DONE", "forged"),
        status_changed(&unpaid, "EXPIRED", ""),
        status_changed(&lie, "DONE", "forged"),
    ] {
        assert_eq!(told(&answer(rig.telling(&token, body)).await), KEPT);
    }
    settled(&rig).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let status = async |payment: &Prepared| {
        let read = rig.get(&format!("/api/v1/payments/{}", payment.id)).await;
        read.body["data"]["status"].clone()
    };
    assert_eq!(status(&paid).await, Value::from("DONE"));
    assert_eq!(status(&unpaid).await, Value::from("READY"));
    let verdicts: Vec<Verdict> = rig.told().await.iter().map(|one| one.verdict).collect();
    let [none, known, hinted] = [Verdict::UnknownOrder, Verdict::Known, Verdict::Hinted];
    assert_eq!(verdicts, [none, known, hinted, hinted]);
}
