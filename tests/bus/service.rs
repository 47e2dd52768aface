//! The service beside a broker: what happens to payments is told there, also what happened while
//! the broker was away.

use application::ports::bus::Topic;
use serde_json::Value;

use crate::stand::{Stand, body};

#[tokio::test(flavor = "multi_thread")]
async fn payments_are_told_of_also_after_an_outage() {
    let mut stand = Stand::start().await;
    let payment = stand.prepare("order-1").await;
    stand.approve(&payment, &[]).await;
    let id = payment["paymentId"].as_str().expect("an id");
    let told = stand.told(Topic::PaymentEvents, 3).await;
    let types: Vec<Value> = told.iter().map(|told| body(told)["type"].clone()).collect();
    assert_eq!(
        types,
        [
            "payment.prepared",
            "payment.approval_requested",
            "payment.approved"
        ]
    );
    for (place, told) in told.iter().enumerate() {
        assert_eq!(told.key.as_deref(), Some(id.as_bytes()));
        assert_eq!(body(told)["id"], format!("{id}/{}", place + 1));
        assert_eq!(body(told)["data"]["paymentId"], id);
    }
    let notified = stand.told(Topic::Notifications, 1).await;
    assert_eq!(notified[0].key.as_deref(), Some(b"member-7".as_slice()));
    assert_eq!(body(&notified[0])["data"]["code"], "APPROVED");

    stand.broker.kill();
    let payment = stand.prepare("order-2").await;
    stand.until("payflow_bus_away", |away| away > 0.5).await;
    stand
        .until("payflow_reader_lag_events{reader=\"kafka\"}", |lag| {
            lag > 0.5
        })
        .await;
    stand.broker.restart();
    let told = stand.told(Topic::PaymentEvents, 1).await;
    assert_eq!(body(&told[0])["data"]["paymentId"], payment["paymentId"]);
    stand.until("payflow_bus_away", |away| away < 0.5).await;
    stand
        .until("payflow_reader_lag_events{reader=\"kafka\"}", |lag| {
            lag < 0.5
        })
        .await;
    let log = stand.service.log();
    assert!(log.contains("the broker takes no messages"), "{log}");
    assert!(log.contains("the broker takes messages again"), "{log}");
}
