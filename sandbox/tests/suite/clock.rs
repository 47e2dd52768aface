//! Owns the windows: 30 minutes to authenticate, 10 to confirm, on a clock that can be moved.

use chrono::TimeDelta;
use serde_json::json;

use crate::confirm::create;
use crate::support::Bench;

#[tokio::test]
async fn an_opened_window_closes_after_thirty_minutes() {
    let bench = Bench::new().await;
    let opened = create(&bench, "order-0001").await;
    assert_eq!(opened["status"], "READY");
    let payment_key = opened["paymentKey"].as_str().expect("a key").to_owned();

    bench.advance(29 * 60).await;
    assert_eq!(bench.payment(&payment_key).await["status"], "READY");
    bench.advance(61).await;
    let expired = bench.payment(&payment_key).await;
    assert_eq!(expired["status"], "EXPIRED");
    assert_eq!(expired["failure"]["code"], "EXPIRED_PAYMENT");
    let late = bench
        .post(
            "/_sandbox/authenticate",
            json!({ "paymentKey": payment_key }),
        )
        .await;
    late.refused(404, "NOT_FOUND_PAYMENT_SESSION");
}

#[tokio::test]
async fn an_authentication_must_be_confirmed_within_ten_minutes() {
    let bench = Bench::new().await;
    let (kept, lost) = (
        bench.authenticate("order-0001", 1000).await,
        bench.authenticate("order-0002", 1000).await,
    );

    bench.advance(9 * 60).await;
    assert_eq!(bench.confirm(&kept, "order-0001", 1000).await.status, 200);
    bench.advance(61).await;
    let late = bench.confirm(&lost, "order-0002", 1000).await;
    late.refused(404, "NOT_FOUND_PAYMENT_SESSION");

    let expired = bench.payment(&lost).await;
    assert_eq!(expired["status"], "EXPIRED");
    for hidden in [
        "secret",
        "method",
        "card",
        "useEscrow",
        "receipt",
        "lastTransactionKey",
    ] {
        assert!(expired[hidden].is_null(), "{hidden}");
    }
    assert_eq!(bench.payment(&kept).await["status"], "DONE");
    assert_eq!(
        bench.get("/v1/payments/orders/order-0002").await.json()["status"],
        "EXPIRED"
    );
    assert_eq!(bench.ledger().await.len(), 1);
}

#[tokio::test]
async fn the_ten_minutes_begin_at_authentication() {
    let bench = Bench::new().await;
    let opened = create(&bench, "order-0001").await;
    let payment_key = opened["paymentKey"].as_str().expect("a key").to_owned();
    bench.advance(25 * 60).await;
    bench
        .authenticate_as(json!({ "paymentKey": payment_key }))
        .await;
    bench.advance(9 * 60).await;
    assert_eq!(
        bench.confirm(&payment_key, "order-0001", 7000).await.status,
        200
    );
}

#[tokio::test]
async fn the_clock_moves_forward_only() {
    let bench = Bench::new().await;
    let clock = bench.sandbox.clock();
    assert_eq!(clock.offset(), TimeDelta::zero());

    bench.advance(90).await;
    bench.advance(10).await;

    assert_eq!(clock.offset(), TimeDelta::seconds(100));
    for seconds in [-1, i64::MIN, i64::MAX] {
        let body = json!({ "advanceSeconds": seconds });
        assert_eq!(bench.post("/_sandbox/clock", body).await.status, 400);
    }
    let shown = bench.get("/_sandbox/clock").await.json();
    assert_eq!(shown["offsetSeconds"], 100);
    assert!(
        shown["now"]
            .as_str()
            .is_some_and(|now| now.ends_with("+09:00")),
        "{shown}"
    );
}

#[tokio::test]
async fn dates_of_payments_follow_the_moved_clock() {
    let bench = Bench::new().await;
    let before = bench.authenticate("order-0001", 1000).await;
    bench.advance(400 * 86_400).await;
    let after = bench.authenticate("order-0002", 1000).await;
    let year = async |payment_key: &str| {
        let payment = bench.payment(payment_key).await;
        let date = payment["requestedAt"].as_str().expect("a date").to_owned();
        assert!(date.ends_with("+09:00"), "{date}");
        date[..4].parse::<i32>().expect("a year")
    };
    assert!(year(&after).await > year(&before).await);
}
