//! Owns what is taken for what where no answer arrives, and what is never sent at all.

use std::time::{Duration, Instant};

use application::ports::PaymentGateway;
use application::ports::gateway::{Ability, Glance};
use domain::money::{Currency, Money};
use domain::saga::ConfirmCall;
use domain::snapshot::{Answer, Cause};
use tokio::net::TcpListener;

use super::{capture, card_company};
use crate::server::{Deed, Server, json as in_json};
use crate::support::{order, refund};

const APPROVED: &str = r#"{"result":"APPROVED","refNo":"R1","authCode":"A1","approvedAt":null}"#;

#[tokio::test]
async fn whatever_was_sent_and_not_answered_is_lost() {
    let whole = in_json("200 OK", APPROVED);
    let half = whole[..whole.len() - 20].to_vec();
    for deed in [
        Deed::Close,
        Deed::Nothing,
        Deed::SayAndClose(b"HTTP/1.1 200 OK\r\ncontent-ty".to_vec()),
        Deed::SayAndClose(half.clone()),
        Deed::SayAndHang(half),
        Deed::SayAndDrip(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
                           content-length: 999\r\n\r\n"
                .to_vec(),
        ),
    ] {
        let server = Server::start(vec![deed.clone()]).await;
        let begun = Instant::now();
        let answer = card_company(&server.url).confirm(&capture()).await;
        assert_eq!(answer, Answer::Unknown(Cause::Lost), "{deed:?}");
        assert!(begun.elapsed() < Duration::from_secs(20), "{deed:?}");
        assert_eq!(server.arrivals().len(), 1, "{deed:?}: sent once");
    }
}

#[tokio::test]
async fn a_connection_that_died_at_rest_is_not_used_twice_for_one_call() {
    let said = in_json("200 OK", APPROVED);
    let server = Server::start(vec![Deed::SayAndClose(said)]).await;
    let card_company = card_company(&server.url);
    for _ in 0..3 {
        let answer = card_company.confirm(&capture()).await;
        let known = matches!(answer, Answer::Found(_) | Answer::Unknown(Cause::Lost));
        assert!(known, "{answer:?}");
    }
    assert!(server.arrivals().len() <= 3, "the saga alone repeats");
}

#[tokio::test]
async fn a_refused_connection_sent_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let answer = card_company(&url).confirm(&capture()).await;
    assert_eq!(answer, Answer::Unknown(Cause::NotSent));
    let nowhere = card_company("https://no-such-host.invalid");
    assert_eq!(
        nowhere.confirm(&capture()).await,
        Answer::Unknown(Cause::NotSent)
    );
}

/// It can be asked nothing, gives nothing back, and takes won only: it is not called for any of it.
#[tokio::test]
async fn what_it_cannot_do_is_not_sent() {
    let server = Server::start(vec![Deed::Close]).await;
    let card_company = card_company(&server.url);
    let mute = Answer::Unknown(Cause::Mute);
    let key = capture().payment_key;
    assert_eq!(card_company.payment_by_key(&key).await, mute);
    assert_eq!(card_company.payment_by_order(&order(1)).await, mute);
    assert_eq!(card_company.glance(Glance::Key(&key)).await, mute);
    let year = chrono::DateTime::UNIX_EPOCH..chrono::DateTime::UNIX_EPOCH;
    let listed = card_company.movements(&year, None, 10).await;
    assert_eq!(listed, Err(Cause::Mute));
    let Answer::Declined(kept) = card_company.cancel(&refund()).await else {
        panic!("it cannot cancel")
    };
    assert_eq!(kept.code, "GATEWAY_CANNOT_CANCEL");
    let dollars = ConfirmCall {
        amount: Money::new(100, Currency::Usd).unwrap(),
        ..capture()
    };
    let answer = card_company.confirm(&dollars).await;
    assert!(matches!(answer, Answer::Declined(_)), "{answer:?}");
    assert!(server.arrivals().is_empty());
    for ability in [
        Ability::Answers,
        Ability::GivesBack,
        Ability::KeepsCards,
        Ability::IssuesAccounts,
        Ability::NamesPayments,
    ] {
        assert!(!card_company.terms().abilities.has(ability), "{ability:?}");
    }
}
