//! What comes in from the bus: dealt with once however often it comes, and put aside when it can
//! only come to nothing.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use application::Approve;
use application::consumers::{
    Announced, Consumer, Handled, Joined, Newest, Requested, as_it_came, noted,
};
use application::ports::bus::{
    Bus, BusAway, Group, Message, Receipt, Received, Subscription, Topic,
};
use application::ports::sink::Begin;
use application::ports::store::{self, PaymentFilter, Payments};
use async_trait::async_trait;
use domain::feed::Reader;
use domain::id::{RawId, SagaId};
use domain::payment::{PayStatus, Payment};
use domain::trace::Trace;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::installation::{Installation, done};
use crate::store::Fault;

fn received(topic: Topic, body: &Value) -> Received {
    Received {
        topic,
        key: Some(b"order-0001".to_vec()),
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
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse::<Trace>();
    let (told, parent) = (events[0].trace, parent.unwrap());
    assert_eq!((told.id(), told.is_sampled()), (parent.id(), true));
    assert_ne!(told.span(), parent.span(), "a span of its own");
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

#[test]
fn what_never_can_be_read_is_not_waited_for() {
    let away = store::Error::Unavailable("away".to_owned());
    let corrupt = store::Error::Corrupt {
        table: "sagas",
        id: "sag_1".to_owned(),
        why: "an unknown word".to_owned(),
    };
    assert!(matches!(Handled::from(away), Handled::Again(_)));
    assert!(is_never(&Handled::from(corrupt)));
    assert!(is_never(&Handled::from(store::Error::Broken(
        "no".to_owned()
    ))));
}

/// A bus that takes messages up to a size, and gives those that wait.
struct Small {
    bytes_max: usize,
    waiting: Mutex<VecDeque<Received>>,
    taken: Mutex<Vec<Message>>,
}

struct Member(Arc<Small>);

/// The bus, as consumers are given it.
struct Shared(Arc<Small>);

#[async_trait]
impl Subscription for Member {
    async fn next(&mut self) -> Result<Received, BusAway> {
        loop {
            let first = self.0.waiting.lock().unwrap().front().cloned();
            if let Some(first) = first {
                return Ok(first);
            }
            sleep(Duration::from_millis(10)).await;
        }
    }

    async fn done(&mut self) -> Result<(), BusAway> {
        self.0.waiting.lock().unwrap().pop_front();
        Ok(())
    }
}

#[async_trait]
impl Bus for Shared {
    fn reader(&self) -> Reader {
        Reader::named("small")
    }

    fn begin(&self) -> Begin {
        Begin::Now
    }

    async fn publish(&self, messages: &[Message]) -> Vec<Receipt> {
        let publish = |message: &Message| {
            let headers: usize = message
                .headers
                .iter()
                .filter_map(|(_, value)| value.as_ref())
                .map(|value| value.len())
                .sum();
            if headers + message.payload.len() > self.0.bytes_max {
                return Receipt::Refused("too large".to_owned());
            }
            self.0.taken.lock().unwrap().push(message.clone());
            Receipt::Acknowledged
        };
        messages.iter().map(publish).collect()
    }

    fn subscribe(&self, _: Group, _: Topic) -> Result<Box<dyn Subscription>, BusAway> {
        Ok(Box::new(Member(Arc::clone(&self.0))))
    }
}

/// What is put aside when these come, and whether anything waits still.
async fn put_aside(bytes_max: usize, waiting: Vec<Received>) -> (Vec<Message>, usize) {
    let here = Installation::new();
    let small = Arc::new(Small {
        bytes_max,
        waiting: Mutex::new(waiting.into()),
        taken: Mutex::default(),
    });
    let bus = Arc::new(Shared(Arc::clone(&small)));
    let joined = Joined::new(bus, Arc::new(announced(&here)));
    let consuming = Arc::clone(&here.app).consume_continuously(joined);
    tokio::select! {
        () = consuming => panic!("it takes until it is told to end"),
        () = sleep(Duration::from_mins(1)) => {}
    }
    let left = small.waiting.lock().unwrap().len();
    let taken = small.taken.lock().unwrap().clone();
    (taken, left)
}

/// As it comes in again, at this place.
fn come(message: &Message, place: &str) -> Received {
    Received {
        topic: message.topic,
        key: message.key.clone(),
        headers: message.headers.clone(),
        payload: message.payload.clone(),
        place: place.to_owned(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_that_no_broker_takes_holds_nobody_up() {
    let large = Received {
        payload: vec![b'x'; 5_000],
        ..announcement("1", &order("order-0001", 1_000))
    };
    let junk = Received {
        payload: b"junk".to_vec(),
        headers: vec![
            ("dead-letter-office".into(), Some(b"theirs"[..].into())),
            ("nothing".into(), None),
        ],
        place: "order.created/0/1".to_owned(),
        ..large.clone()
    };
    let (letters, left) = put_aside(1_000, vec![large.clone(), junk.clone()]).await;
    assert_eq!(left, 0);
    let stub = come(&letters[0], "order.created.dead-letters/0/0");
    assert_eq!(noted(&stub, "place"), large.place);
    assert_eq!(noted(&stub, "left-out"), "5000");
    assert_eq!(
        as_it_came(&stub),
        None,
        "nobody takes the stub for the message"
    );
    let whole = as_it_came(&come(&letters[1], "order.created.dead-letters/0/1")).unwrap();
    assert_eq!(whole.payload, junk.payload);
    assert!(
        whole.headers.starts_with(&junk.headers),
        "{:?}",
        whole.headers
    );
    let (none, left) = put_aside(10, vec![large, junk]).await;
    assert_eq!((none, left), (Vec::new(), 0), "not even the notes");
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_put_aside_again_is_one_letter_still() {
    let mut message = Received {
        payload: b"junk".to_vec(),
        ..announcement("1", &order("order-0001", 1_000))
    };
    let mut letters = Vec::new();
    for round in 0..3 {
        let (aside, _) = put_aside(10_000, vec![message.clone()]).await;
        let place = format!("order.created.dead-letters/0/{round}");
        letters.push(come(&aside[0], &place));
        let again = as_it_came(&letters[round]).unwrap();
        message = come(&again, &format!("order.created/0/{}", round + 7));
    }
    let other = Received {
        place: "order.created/0/99".to_owned(),
        headers: Vec::new(),
        ..message
    };
    let (aside, _) = put_aside(10_000, vec![other]).await;
    letters.push(come(&aside[0], "order.created.dead-letters/1/0"));
    let mut newest = Newest::default();
    for letter in &letters {
        newest.note(letter);
    }
    letters.retain(|letter| newest.is(letter));
    let places: Vec<&str> = letters.iter().map(|letter| letter.place.as_str()).collect();
    assert_eq!(
        places,
        [
            "order.created.dead-letters/0/2",
            "order.created.dead-letters/1/0"
        ]
    );
}
