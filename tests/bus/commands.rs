//! What others publish: orders that get their payment, approvals that are left to a worker, and
//! what comes to nothing and is put aside.

use std::time::Duration;

use application::ports::bus::Topic;
use rdkafka::ClientConfig;
use rdkafka::producer::{FutureProducer, FutureRecord};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::relay::header;
use crate::rig::LONG;
use crate::stand::{Stand, body};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn order(id: &str, order: &str, amount: i64) -> Value {
    json!({
        "specversion": "1.0", "id": id, "source": "/orders", "type": "order.created",
        "data": { "orderId": order, "orderName": "Tea", "amount": amount, "currency": "KRW" },
    })
}

/// As an order service would publish it.
async fn announce(stand: &Stand, payload: &str) {
    let producer: FutureProducer = ClientConfig::new()
        .set("bootstrap.servers", stand.broker.address())
        .set("compression.type", "gzip")
        .create()
        .expect("a producer");
    let record = FutureRecord::to(Topic::OrderCreated.as_str())
        .key("order")
        .payload(payload);
    producer.send(record, LONG).await.expect("published");
}

async fn payments_of(stand: &Stand, order: &str) -> Vec<Value> {
    let answer = stand.get(&format!("?orderId={order}")).await;
    let found = answer["data"]["payments"].as_array().cloned();
    found.expect("a page")
}

async fn until_paid_for(stand: &Stand, order: &str) -> Value {
    let begun = Instant::now();
    loop {
        if let [payment] = payments_of(stand, order).await.as_slice() {
            return payment.clone();
        }
        assert!(begun.elapsed() < LONG, "{}", stand.service.log());
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn announced_orders_get_their_payment_and_others_are_put_aside() {
    let mut stand = Stand::start().await;
    stand.take_orders().await;
    let text = order("1", "order-0001", 1_000).to_string();
    announce(&stand, &text).await;
    announce(&stand, &text).await;
    announce(&stand, "no envelope").await;
    announce(&stand, &order("2", "order-0001", 2_000).to_string()).await;
    announce(&stand, &order("3", "order-0003", 3_000).to_string()).await;
    let payment = until_paid_for(&stand, "order-0003").await;
    assert_eq!(payment["amount"], 3_000);
    let first = payments_of(&stand, "order-0001").await;
    assert_eq!(first.len(), 1, "one payment, however often it came");
    assert_eq!(first[0]["amount"], 1_000);

    let letters = stand.told(Topic::OrderCreatedDead, 2).await;
    assert_eq!(letters[0].payload, b"no envelope");
    let listed = stand.service.run(&["dead-letters", "list"]);
    let count = 2;
    assert_eq!(listed.lines().count(), count, "{listed}");
    assert!(listed.contains("another amount"), "{listed}");
    let first = listed.split(' ').next().expect("a place");
    let shown = stand.service.run(&["dead-letters", "show", first]);
    assert!(shown.contains("dead-letter-reason"), "{shown}");
    let replayed = stand.service.run(&["dead-letters", "replay", "--all"]);
    assert_eq!(replayed.trim(), format!("{count} published again"));
    // They come to nothing again: each is one message still, and nothing comes twice.
    for again in 2..4 {
        stand.all(Topic::OrderCreatedDead, again * count).await;
        let listed = stand.service.run(&["dead-letters", "list"]);
        assert_eq!(listed.lines().count(), count, "{listed}");
        let replayed = stand.service.run(&["dead-letters", "replay", "--all"]);
        assert_eq!(replayed.trim(), format!("{count} published again"));
    }
    assert_eq!(payments_of(&stand, "order-0001").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_is_left_to_a_worker_with_and_without_the_broker() {
    let mut stand = Stand::start().await;
    for broker_is_there in [true, false] {
        if !broker_is_there {
            stand.broker.kill();
        }
        let order = format!("order-left-{broker_is_there}");
        let payment = stand.prepare(&order).await;
        let parent = format!("00-{TRACE}-00f067aa0ba902b7-00");
        let headers = [("Prefer", "respond-async"), ("traceparent", &parent)];
        let answer = stand.approve(&payment, &headers).await;
        assert_eq!(answer["code"], "PAYMENT_PENDING");
        assert_eq!(answer["data"]["status"], "IN_PROGRESS");
        let begun = Instant::now();
        let id = payment["paymentId"].as_str().expect("an id").to_owned();
        while stand.get(&format!("/{id}")).await["data"]["status"] != "DONE" {
            assert!(begun.elapsed() < LONG, "{}", stand.service.log());
            sleep(Duration::from_millis(50)).await;
        }
        if broker_is_there {
            let told = stand.told(Topic::PaymentRequested, 1).await;
            assert_eq!(body(&told[0])["data"]["paymentId"], *id);
            let told = header(&told[0], "traceparent");
            let in_trace = format!("00-{TRACE}-");
            assert!(
                told.starts_with(&in_trace) && told.ends_with("-01"),
                "{told}"
            );
        }
        trace_went_on(&stand, &payment).await;
    }
}

/// The worker went on in the trace of the request, and recorded it although its caller does not:
/// what is recorded here is decided here.
async fn trace_went_on(stand: &Stand, payment: &Value) {
    let id = payment["paymentId"].as_str().expect("an id");
    let events = stand.get(&format!("/{id}/events")).await["data"]["events"].clone();
    let events = events.as_array().expect("events").iter().skip(1);
    let traces: Vec<_> = events.map(|event| event["traceId"].clone()).collect();
    assert_eq!(traces, [TRACE; 2], "but for its preparation");
    let calls = stand.calls(payment).await;
    let in_trace = |call: &String| call.starts_with(&format!("00-{TRACE}-"));
    assert!(!calls.is_empty() && calls.iter().all(in_trace), "{calls:?}");
    assert!(calls.iter().all(|call| call.ends_with("-01")), "{calls:?}");
}
