//! Owns the gateway's rules as the adapter sees them, with nothing going wrong.

use application::ports::PaymentGateway;
use domain::decline::Class;
use domain::saga::{CancelCall, ConfirmCall};
use domain::snapshot::{Answer, Cause, Status};
use payflow::adapters::gateway::toss::{Settings, Toss};
use serde_json::json;
use toss_sandbox::Config;

use super::{Bench, found, unknown};
use crate::support::{krw, order, settings};

#[tokio::test]
async fn a_payment_is_captured_shown_and_given_back() {
    let bench = Bench::new().await;
    assert_eq!(bench.status().await, Status::InProgress);
    let done = found(bench.confirm(1).await);
    assert_eq!(done.status, Status::Done);
    assert_eq!(
        (done.total, done.balance),
        (Some(krw(33_000)), Some(krw(33_000)))
    );
    assert_eq!(done.order_id, bench.order.to_string());
    assert_eq!(done.payment_key, bench.payment_key);
    assert_eq!(done.merchant_id, Config::default().merchant_id);
    assert!(done.approved_at.is_some() && done.last_transaction_key.is_some());
    assert_eq!(
        found(bench.toss.payment_by_key(&bench.payment_key).await),
        done
    );

    let part = found(bench.cancel(1, 3_000, 33_000).await);
    assert_eq!(
        (part.status, part.balance),
        (Status::PartialCanceled, Some(krw(30_000)))
    );
    let rest = found(bench.cancel(2, 30_000, 30_000).await);
    assert_eq!(
        (rest.status, rest.balance),
        (Status::PartialCanceled, Some(krw(0)))
    );
    assert_eq!(rest.cancels.len(), 2);
    assert_eq!(rest.cancels[0].amount, krw(3_000));
    assert!(
        rest.cancels
            .iter()
            .all(|cancel| cancel.done && cancel.reason.contains("[sag_2]"))
    );
    assert_eq!(
        rest.last_transaction_key.as_ref(),
        Some(&rest.cancels[1].transaction_key)
    );
    assert_eq!(bench.movements().await.len(), 3);
}

#[tokio::test]
async fn the_part_without_vat_is_read_as_of_the_capture() {
    let mut bench = Bench::new().await;
    let mixed = json!({
        "orderId": order(2).to_string(),
        "amount": 33_000,
        "taxFreeAmount": 3_000,
    });
    let opened = bench.control("authenticate", mixed).await;
    bench.payment_key = opened["paymentKey"].as_str().unwrap().parse().unwrap();
    bench.order = order(2);
    let done = found(bench.confirm(1).await);
    assert_eq!(done.tax_free_captured(), Some(krw(3_000)));

    let call = CancelCall {
        key: "sag_2-1".parse().unwrap(),
        payment_key: bench.payment_key.clone(),
        amount: krw(11_000),
        tax_free: Some(krw(1_000)),
        refundable: krw(33_000),
        reason: "a third [sag_2]".to_owned(),
        to: None,
    };
    let part = found(bench.toss.cancel(&call).await);
    assert_eq!(part.tax_free, Some(krw(2_000)), "it follows the balance");
    assert_eq!(part.tax_free_captured(), Some(krw(3_000)));
}

#[tokio::test]
async fn a_repeated_key_moves_nothing_again() {
    let bench = Bench::new().await;
    let first = bench.confirm(1).await;
    assert_eq!(bench.confirm(1).await, first);
    let processed = unknown(Cause::Conflict("ALREADY_PROCESSED_PAYMENT".to_owned()));
    assert_eq!(bench.confirm(2).await, processed);
    let back = bench.cancel(1, 33_000, 33_000).await;
    assert_eq!(bench.cancel(1, 33_000, 33_000).await, back);
    assert_eq!(bench.movements().await.len(), 2);
}

#[tokio::test]
async fn another_balance_than_expected_gives_nothing_back() {
    let bench = Bench::new().await;
    found(bench.confirm(1).await);
    let differs = unknown(Cause::Conflict("NOT_MATCHES_REFUNDABLE_AMOUNT".to_owned()));
    assert_eq!(bench.cancel(1, 10_000, 30_000).await, differs);
    assert_eq!(bench.movements().await.len(), 1);
}

#[tokio::test]
async fn an_unknown_payment_is_a_gone_session_and_nothing_to_see() {
    let mut bench = Bench::new().await;
    bench.payment_key = "tsims00000000000000nobody".parse().unwrap();
    assert_eq!(bench.confirm(1).await, unknown(Cause::SessionGone));
    assert_eq!(
        bench.toss.payment_by_key(&bench.payment_key).await,
        Answer::NotFound
    );
    assert_eq!(
        bench.toss.payment_by_order(&order(9)).await,
        Answer::NotFound
    );
    let conflict = unknown(Cause::Conflict("NOT_FOUND_PAYMENT".to_owned()));
    assert_eq!(bench.cancel(1, 33_000, 33_000).await, conflict);
}

#[tokio::test]
async fn a_lapsed_payment_shows_as_expired() {
    let bench = Bench::new().await;
    bench
        .control("clock", json!({ "advanceSeconds": 601 }))
        .await;
    assert_eq!(bench.confirm(1).await, unknown(Cause::SessionGone));
    assert_eq!(bench.status().await, Status::Expired);
}

#[tokio::test]
async fn a_wrong_amount_is_a_decline() {
    let bench = Bench::new().await;
    let call = ConfirmCall {
        key: "sag_1-1".parse().unwrap(),
        payment_key: bench.payment_key.clone(),
        order: bench.order,
        amount: krw(1_000),
    };
    let Answer::Declined(decline) = bench.toss.confirm(&call).await else {
        panic!("FORBIDDEN_REQUEST is listed")
    };
    assert_eq!(
        (decline.code.as_str(), decline.class),
        ("FORBIDDEN_REQUEST", Class::Merchant)
    );
}

#[tokio::test]
async fn wrong_credentials_are_a_matter_of_configuration() {
    let bench = Bench::new().await;
    let locked = unknown(Cause::Configuration("UNAUTHORIZED_KEY".to_owned()));
    let url = bench.running.url();
    let foreign = Settings {
        secret_key: "test_sk_other".into(),
        ..settings(&url)
    };
    let answer = Toss::new(foreign)
        .unwrap()
        .payment_by_key(&bench.payment_key)
        .await;
    assert_eq!(answer, locked);
}
