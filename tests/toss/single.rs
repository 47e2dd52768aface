//! Owns the proof that the HTTP library never sends an action twice by itself
//! (`reliability.md` F20): arrivals are counted where they arrive.

use std::time::Duration;

use application::ports::PaymentGateway;
use domain::snapshot::{Answer, Cause};

use crate::server::{Deed, Server, json};
use crate::support::{capture, refund, toss};

const DONE: &str = include_str!("../toss-examples/payment-card-done.json");

fn posts(server: &Server) -> usize {
    server
        .arrivals()
        .iter()
        .filter(|request| request.starts_with("POST"))
        .count()
}

#[tokio::test]
async fn a_reused_connection_that_dies_is_not_replaced_silently() {
    for _ in 0..20 {
        let deeds = vec![Deed::Say(json("200 OK", DONE)), Deed::Close];
        let server = Server::start(deeds).await;
        let toss = toss(&server.url);
        assert!(matches!(toss.confirm(&capture()).await, Answer::Found(_)));
        assert_eq!(toss.cancel(&refund()).await, Answer::Unknown(Cause::Lost));
        assert_eq!(posts(&server), 2);
    }
}

/// The connection dies while nobody uses it. Whether the client notices before it writes or only
/// after, the call arrives at most once.
#[tokio::test]
async fn a_connection_that_died_idle_gets_no_second_copy() {
    for pause in [0, 1, 20] {
        let server = Server::start(vec![Deed::SayAndClose(json("200 OK", DONE))]).await;
        let toss = toss(&server.url);
        assert!(matches!(toss.confirm(&capture()).await, Answer::Found(_)));
        tokio::time::sleep(Duration::from_millis(pause)).await;
        let second = toss.cancel(&refund()).await;
        let arrived = posts(&server) - 1;
        match &second {
            Answer::Found(_) => assert_eq!(arrived, 1, "after {pause} ms"),
            Answer::Unknown(Cause::Lost) => assert!(arrived <= 1, "after {pause} ms"),
            Answer::Declined(_) | Answer::NotFound | Answer::Unknown(_) => {
                panic!("after {pause} ms: {second:?}")
            }
        }
    }
}

#[tokio::test]
async fn no_status_is_tried_again() {
    for status in [
        "408 Request Timeout",
        "425 Too Early",
        "500 Error",
        "502 Bad",
        "503 Busy",
    ] {
        let server = Server::start(vec![Deed::Say(json(status, "{}"))]).await;
        let answer = toss(&server.url).confirm(&capture()).await;
        let unknown = matches!(answer, Answer::Unknown(Cause::Unreadable(_) | Cause::Lost));
        assert!(unknown, "{status}: {answer:?}");
        assert_eq!(posts(&server), 1, "{status}");
    }
}
