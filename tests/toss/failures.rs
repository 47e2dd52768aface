//! Owns every way in which a call can fail, and what it is taken for (`reliability.md §2.2`).

use std::time::{Duration, Instant};

use application::ports::PaymentGateway;
use domain::snapshot::{Answer, Cause};
use payflow::adapters::gateway::toss::{Settings, Timeouts, Toss};
use tokio::net::TcpListener;

use crate::server::{Deed, Server, answer, json};
use crate::support::{TIMEOUTS, capture, order, payment_key, refund, settings, toss};

const DONE: &str = include_str!("../toss-examples/payment-card-done.json");

/// What an action and a question make of the same deed; both are tried, on fresh connections.
async fn both(deed: Deed) -> (Answer, Answer) {
    let server = Server::start(vec![deed]).await;
    let action = toss(&server.url).confirm(&capture()).await;
    let question = toss(&server.url).payment_by_key(&payment_key()).await;
    assert_eq!(server.arrivals().len(), 2, "each was sent once");
    (action, question)
}

async fn assert_lost(deed: Deed) {
    let lost = Answer::Unknown(Cause::Lost);
    assert_eq!(both(deed.clone()).await, (lost.clone(), lost), "{deed:?}");
}

async fn assert_unreadable(deed: Deed) {
    let (action, question) = both(deed).await;
    assert!(
        matches!(action, Answer::Unknown(Cause::Unreadable(_))),
        "{action:?}"
    );
    assert!(
        matches!(question, Answer::Unknown(Cause::Unreadable(_))),
        "{question:?}"
    );
}

#[tokio::test]
async fn a_refused_connection_sent_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let not_sent = Answer::Unknown(Cause::NotSent);
    assert_eq!(toss(&url).confirm(&capture()).await, not_sent);
    assert_eq!(toss(&url).cancel(&refund()).await, not_sent);
    assert_eq!(toss(&url).payment_by_order(&order(1)).await, not_sent);
}

#[tokio::test]
async fn an_unknown_host_was_sent_nothing() {
    let answer = toss("https://no-such-host.invalid")
        .confirm(&capture())
        .await;
    assert_eq!(answer, Answer::Unknown(Cause::NotSent));
}

#[tokio::test]
async fn a_failed_handshake_was_sent_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let closing = async {
        let (stream, _) = listener.accept().await.unwrap();
        drop(stream);
    };
    let (answer, ()) = tokio::join!(async { toss(&url).confirm(&capture()).await }, closing);
    assert_eq!(answer, Answer::Unknown(Cause::NotSent));
}

#[tokio::test]
async fn a_handshake_that_takes_too_long_sent_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let answer = toss(&url).confirm(&capture()).await;
    assert_eq!(answer, Answer::Unknown(Cause::NotSent));
}

#[tokio::test]
async fn a_closed_connection_loses_the_answer() {
    assert_lost(Deed::Close).await;
}

#[tokio::test]
async fn silence_loses_the_answer() {
    assert_lost(Deed::Nothing).await;
}

#[tokio::test]
async fn silence_ends_at_the_read_timeout() {
    let server = Server::start(vec![Deed::Nothing]).await;
    let patient = Timeouts {
        read: Duration::from_millis(300),
        total: Duration::from_mins(1),
        ..TIMEOUTS
    };
    let settings = Settings {
        timeouts: patient,
        ..settings(&server.url)
    };
    let begun = Instant::now();
    let answer = Toss::new(settings).unwrap().confirm(&capture()).await;
    assert_eq!(answer, Answer::Unknown(Cause::Lost));
    assert!(begun.elapsed() < Duration::from_secs(30));
}

#[tokio::test]
async fn half_a_head_loses_the_answer() {
    assert_lost(Deed::SayAndClose(b"HTTP/1.1 200 OK\r\ncontent-ty".to_vec())).await;
}

#[tokio::test]
async fn half_a_body_loses_the_answer() {
    let whole = json("200 OK", DONE);
    let half = whole[..whole.len() - DONE.len() / 2].to_vec();
    assert_lost(Deed::SayAndClose(half.clone())).await;
    assert_lost(Deed::SayAndHang(half)).await;
}

#[tokio::test]
async fn half_of_a_chunked_body_loses_the_answer() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
                transfer-encoding: chunked\r\n\r\n4\r\n{\"mI\r\n";
    assert_lost(Deed::SayAndClose(head.as_bytes().to_vec())).await;
}

#[tokio::test]
async fn a_drip_of_bytes_ends_at_the_total_timeout() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 999\r\n\r\n";
    let server = Server::start(vec![Deed::SayAndDrip(head.as_bytes().to_vec())]).await;
    let begun = Instant::now();
    let answer = toss(&server.url).confirm(&capture()).await;
    assert_eq!(answer, Answer::Unknown(Cause::Lost));
    assert!(begun.elapsed() >= TIMEOUTS.total, "every byte came in time");
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn something_else_than_http_is_lost() {
    assert_lost(Deed::SayAndClose(
        b"220 mail.example.com ESMTP\r\n".to_vec(),
    ))
    .await;
}

#[tokio::test]
async fn html_from_the_edge_is_lost_or_unreadable() {
    let html = "<html><h1>502 Bad Gateway</h1></html>";
    // The gateway itself gives each of its errors a code: the call may have arrived or not.
    assert_lost(Deed::Say(answer("502 Bad Gateway", "text/html", html))).await;
    assert_unreadable(Deed::Say(answer("404 Not Found", "text/html", html))).await;
    assert_unreadable(Deed::Say(answer("200 OK", "text/html", html))).await;
    // Neither is a payment one that does not say it is JSON.
    assert_unreadable(Deed::Say(answer("200 OK", "text/plain", DONE))).await;
}

#[tokio::test]
async fn odd_bodies_are_unreadable() {
    for body in ["", "null", "[]", "{}", "{\"code\":null}", "not json"] {
        assert_unreadable(Deed::Say(json("200 OK", body))).await;
        assert_lost(Deed::Say(json("500 Internal Server Error", body))).await;
    }
    assert_unreadable(Deed::Say(json("201 Created", DONE))).await;
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = Server::start(vec![Deed::Say(json("200 OK", DONE))]).await;
    for status in [
        "301 Moved",
        "302 Found",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let location = &elsewhere.url;
        let head =
            format!("HTTP/1.1 {status}\r\nlocation: {location}/\r\ncontent-length: 0\r\n\r\n");
        assert_unreadable(Deed::Say(head.into_bytes())).await;
    }
    assert_eq!(elsewhere.arrivals(), Vec::<String>::new());
}

#[tokio::test]
async fn a_huge_body_is_not_taken_in() {
    // Blanks change nothing about a payment but its size.
    let padded = |bytes: usize| json("200 OK", &format!("{DONE}{}", " ".repeat(bytes)));
    let (large, _) = both(Deed::SayAndClose(padded(1_000_000))).await;
    assert!(matches!(large, Answer::Found(_)), "{large:?}");
    assert_unreadable(Deed::SayAndClose(padded(4_000_000))).await;
}

#[tokio::test]
async fn being_told_to_wait_is_no_outcome() {
    let busy = |seconds| {
        let answer = Answer::Unknown(Cause::Busy {
            retry_after_seconds: seconds,
        });
        (answer.clone(), answer)
    };
    let processing = include_str!("../toss-examples/error-409.json");
    assert_eq!(
        both(Deed::Say(json("409 Conflict", processing))).await,
        busy(None)
    );
    let slow = |after: &str| {
        let head = format!("HTTP/1.1 429 Too Many Requests\r\n{after}content-length: 0\r\n\r\n");
        Deed::Say(head.into_bytes())
    };
    assert_eq!(both(slow("retry-after: 7\r\n")).await, busy(Some(7)));
    assert_eq!(both(slow("")).await, busy(None));
    for odd in [
        "soon",
        "-1",
        "1.5",
        "Wed, 21 Oct 2026 07:28:00 GMT",
        "99999999999",
    ] {
        assert_eq!(
            both(slow(&format!("retry-after: {odd}\r\n"))).await,
            busy(None),
            "{odd}"
        );
    }
}
