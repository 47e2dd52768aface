//! What comes in from the bus: dealt with once however often it comes, and put aside when it can
//! only come to nothing.

use std::time::Duration;

use application::Approve;
use application::consumers::{Announced, Consumer, Handled, Requested};
use application::ports::bus::{Received, Topic};
use application::ports::store::{PaymentFilter, Payments};
use domain::id::{RawId, SagaId};
use domain::payment::{PayStatus, Payment};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::installation::{Installation, done};
use crate::store::Fault;

fn received(topic: Topic, body: &Value) -> Received {
    Received {
        topic,
        key: b"order-0001".to_vec(),
        headers: Vec::new(),
        payload: serde_json::to_vec(body).unwrap(),
        place: format!("{topic}/0/0"),
    }
}

fn announcement(id: &str, data: &Value) -> Received {
    let body = json!({
        "specversion": "1.0", "id": id, "source": "/orders", "type": "order.created",
        "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "data": data,
    });
    received(Topic::OrderCreated, &body)
}

fn order(id: &str, amount: i64) -> Value {
    json!({
        "orderId": id, "orderName": "Tea", "amount": amount, "currency": "KRW",
        "customer": { "memberId": "member-7" }, "channel": "of no concern",
    })
}

async fn payments(here: &Installation) -> Vec<Payment> {
    let all = PaymentFilter::default();
    let found = here.memory.payments(here.caller.scope, &all, None, 10);
    found.await.unwrap()
}

fn announced(here: &Installation) -> Announced {
    Announced {
        scope: here.caller.scope,
        amount_minor_max: 1_000_000,
    }
}

fn is_never(handled: &Handled) -> bool {
    matches!(handled, Handled::Never(_))
}

#[tokio::test(start_paused = true)]
async fn an_announced_order_has_one_payment_however_often_it_comes() {
    let here = Installation::new();
    let consumer = announced(&here);
    let message = announcement("1", &order("order-0001", 1_000));
    for _ in 0..3 {
        assert_eq!(consumer.handle(&here.app, &message).await, Handled::Done);
    }
    // The order service says it again in another message.
    let again = announcement("2", &order("order-0001", 1_000));
    assert_eq!(consumer.handle(&here.app, &again).await, Handled::Done);
    let found = payments(&here).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].status(), PayStatus::Ready);
    let member = found[0].facts.customer.member.clone();
    assert_eq!(member.unwrap().as_str(), "member-7");
    let events = here.memory.events(found[0].facts.id, 0, 10).await.unwrap();
    assert_eq!(events[0].trace, "4bf92f3577b34da6a3ce929d0e0e4736");
}

#[tokio::test(start_paused = true)]
async fn what_contradicts_an_earlier_order_comes_to_nothing() {
    let here = Installation::new();
    let consumer = announced(&here);
    let first = announcement("1", &order("order-0001", 1_000));
    assert_eq!(consumer.handle(&here.app, &first).await, Handled::Done);
    let other_amount = announcement("2", &order("order-0001", 2_000));
    assert!(is_never(&consumer.handle(&here.app, &other_amount).await));
    let same_id = announcement("1", &order("order-0002", 1_000));
    assert!(is_never(&consumer.handle(&here.app, &same_id).await));
    assert_eq!(payments(&here).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn orders_that_cannot_be_paid_come_to_nothing() {
    let here = Installation::new();
    let consumer = announced(&here);
    let mut wrong = vec![
        order("x", 1_000),
        order("order-0001", 0),
        order("order-0001", -5),
        order("order-0001", 1_000_001),
        json!({ "orderId": "order-0001", "orderName": "Tea", "amount": 1.5 }),
        json!({ "orderId": "order-0001", "orderName": "Tea", "amount": "1000" }),
        json!({ "orderId": "order-0001", "amount": 1_000 }),
    ];
    for (field, value) in [
        ("currency", json!("ABC")),
        ("currency", json!("USD")),
        ("taxFreeAmount", json!(1_001)),
        ("orderName", json!("4111 1111 1111 1111")),
    ] {
        let mut one = order("order-0001", 1_000);
        one[field] = value;
        wrong.push(one);
    }
    for data in wrong {
        let handled = consumer.handle(&here.app, &announcement("1", &data)).await;
        assert!(is_never(&handled), "{data}: {handled:?}");
    }
    assert_eq!(payments(&here).await.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_commit_in_doubt_makes_no_second_payment() {
    let here = Installation::new();
    let message = announcement("1", &order("order-0001", 1_000));
    here.store.is(Fault::AnswerLost);
    let handled = announced(&here).handle(&here.app, &message).await;
    assert_eq!(handled, Handled::Done);
    assert_eq!(payments(&here).await.len(), 1);
}

fn command(saga: &str, payment: &str) -> Received {
    let body = json!({
        "specversion": "1.0", "id": "1", "source": "/payflow", "type": "payment.requested.v1",
        "data": { "sagaId": saga, "paymentId": payment },
    });
    received(Topic::PaymentRequested, &body)
}

#[tokio::test(start_paused = true)]
async fn a_command_wakes_the_worker_and_one_without_a_saga_comes_to_nothing() {
    let here = Installation::new();
    let approve = Approve {
        asynchronous: true,
        ..here.prepared("order-0001").await
    };
    here.approve(&approve, "k").await.unwrap();
    let saga = here.memory.all_sagas()[0].head.clone();
    let (saga, payment) = (saga.id.to_string(), saga.payment.to_string());
    let other = here.prepared("order-0002").await.payment.to_string();
    let nobodys = SagaId::new(RawId::from_parts(9, 9));
    for wrong in [
        command("nobody", &payment),
        command(&saga, &other),
        command(&nobodys.to_string(), &payment),
    ] {
        let handled = Requested.handle(&here.app, &wrong).await;
        assert!(is_never(&handled), "{handled:?}");
    }
    let working = std::sync::Arc::clone(&here.app).recover_continuously();
    here.will_answer(Duration::ZERO, done(&approve));
    let waking = async {
        assert_eq!(
            Requested.handle(&here.app, &command(&saga, &payment)).await,
            Handled::Done
        );
        sleep(Duration::from_millis(10)).await;
        let paid = here.payment(approve.payment).await;
        assert_eq!(paid.status(), PayStatus::Done);
        // Woken again for what is over.
        assert_eq!(
            Requested.handle(&here.app, &command(&saga, &payment)).await,
            Handled::Done
        );
    };
    tokio::select! {
        () = working => panic!("it works until it is told to end"),
        () = waking => {}
    }
    assert_eq!(here.keys_used().len(), 1);
}
