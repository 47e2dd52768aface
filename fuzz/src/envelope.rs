//! Owns what must hold of messages that others publish: an order is dealt with once, as it says, or
//! comes to nothing and leaves nothing behind; and no word of it is told to whoever reads why.

use std::sync::LazyLock;

use application::consumers::{Announced, Consumer, Handled, Requested};
use application::ports::bus::{Received, Topic};
use application::ports::store::{PaymentFilter, Payments as _};
use domain::payment::{PayStatus, Payment};
use domain::principal::{Mode, Scope};
use domain::text::{CustomerName, MemberId};
use serde_json::Value;

use crate::card;
use crate::input::{Here, line};
use crate::issuers::MERCHANT;
use crate::request::world::{AMOUNT_MAX, World};

/// What a first line says that is a command; everything else is an order.
const COMMAND: &[u8] = b"command";
/// More digits than a place in a text has.
const DIGITS_MAX: usize = 8;

struct Service {
    here: Here,
    world: World,
    scope: Scope,
}

static SERVICE: LazyLock<Service> = LazyLock::new(|| Service {
    here: Here::new(),
    world: World::new(),
    scope: Scope {
        merchant: MERCHANT.parse().expect("an id"),
        mode: Mode::Test,
    },
});

/// The topic in the first line, then the message.
pub(crate) fn run(bytes: &[u8]) {
    let (first, payload) = line(bytes);
    let Service { here, world, .. } = &*SERVICE;
    here.wait(async {
        if first == COMMAND {
            SERVICE.command(payload).await;
        } else {
            SERVICE.order(payload).await;
        }
        world.put_back().await;
    });
}

fn received(topic: Topic, payload: &[u8]) -> Received {
    Received {
        topic,
        key: None,
        headers: Vec::new(),
        payload: payload.to_vec(),
        place: format!("{topic}/0/0"),
    }
}

impl Service {
    /// Nobody left anything to a worker: no command is one of ours.
    async fn command(&self, payload: &[u8]) {
        let message = received(Topic::PaymentRequested, payload);
        let handled = Requested.handle(&self.world.app, &message).await;
        let Handled::Never(why) = handled else {
            panic!("{handled:?}");
        };
        is_discreet(&why, payload);
        assert!(self.payments().await.is_empty(), "a payment of a command");
    }

    async fn order(&self, payload: &[u8]) {
        let message = received(Topic::OrderCreated, payload);
        let consumer = Announced {
            scope: self.scope,
            amount_minor_max: AMOUNT_MAX,
        };
        let first = consumer.handle(&self.world.app, &message).await;
        let made = self.payments().await;
        match &first {
            Handled::Done => {
                let [payment] = made.as_slice() else {
                    panic!("{} payments of an order", made.len());
                };
                says_the_same(payment, payload);
                self.is_told(payment, payload).await;
            }
            Handled::Never(why) => {
                is_discreet(why, payload);
                assert!(made.is_empty(), "a payment of nothing: {why}");
            }
            Handled::Again(why) => panic!("nothing is away: {why}"),
        }
        // It comes again, as it may.
        let again = consumer.handle(&self.world.app, &message).await;
        assert_eq!(again, first);
        assert_eq!(self.payments().await, made, "something more of the same");
    }

    async fn payments(&self) -> Vec<Payment> {
        let all = PaymentFilter::default();
        let found = self.world.memory.payments(self.scope, &all, None, 10);
        found.await.expect("memory can be read")
    }

    /// One event tells of it, under a trace that is one; the message's, where that has one.
    async fn is_told(&self, payment: &Payment, payload: &[u8]) {
        let events = self.world.memory.events(payment.facts.id, 0, 10).await;
        let events = events.expect("memory can be read");
        let [event] = events.as_slice() else {
            panic!("{} events of an order", events.len());
        };
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let trace = event.trace.id().to_string();
        assert!(trace.len() == 32 && trace.bytes().all(hex));
        let value: Value = serde_json::from_slice(payload).expect("it was read");
        let given = value["traceparent"].as_str().unwrap_or_default();
        let digits = |text: &str, length| text.len() == length && text.bytes().all(hex);
        let some = |text: &str| text.bytes().any(|byte| byte != b'0');
        let parts: Vec<&str> = given.split('-').collect();
        if let ["00", id, span, flags] = *parts.as_slice() {
            let is_one = digits(id, 32) && digits(span, 16) && digits(flags, 2);
            let goes_on = is_one && some(id) && some(span);
            assert!(!goes_on || trace == id, "{given}");
        }
    }
}

/// The payment is the one that the message announces, read a second time.
fn says_the_same(payment: &Payment, payload: &[u8]) {
    let value: Value = serde_json::from_slice(payload).expect("it was read");
    assert!(value.is_object(), "an envelope is an object");
    assert_eq!(value["specversion"], "1.0");
    for name in ["id", "source"] {
        let text = value[name].as_str().expect("a text");
        assert!(!text.is_empty(), "{name} is empty");
    }
    let data = &value["data"];
    assert!(data.is_object(), "an order is an object");
    let facts = &payment.facts;
    assert_eq!(payment.status(), PayStatus::Ready);
    assert_eq!(data["orderId"], facts.order_id.as_str());
    assert_eq!(data["orderName"], facts.order_name.as_str());
    assert_eq!(data["amount"], facts.amount.minor());
    assert!((1..=AMOUNT_MAX).contains(&facts.amount.minor()));
    let currency = data["currency"].as_str().unwrap_or("KRW");
    assert_eq!(currency, facts.amount.currency().code());
    let customer = &data["customer"];
    let name = facts.customer.name.as_ref().map(CustomerName::as_str);
    let member = facts.customer.member.as_ref().map(MemberId::as_str);
    assert_eq!(customer["name"].as_str(), name);
    assert_eq!(customer["memberId"].as_str(), member);
    for text in [Some(facts.order_name.as_str()), name]
        .into_iter()
        .flatten()
    {
        assert!(!card::is_in(text), "{text}");
    }
}

/// A reason is read by people and kept with the dead letter: nothing of the message is in it.
fn is_discreet(why: &str, payload: &[u8]) {
    assert!(why.is_ascii() && why.len() <= 200, "{why}");
    let said = String::from_utf8_lossy(payload);
    let numbers = said.split(|c: char| !c.is_ascii_digit());
    for number in numbers.filter(|number| number.len() > DIGITS_MAX) {
        assert!(!why.contains(number), "{why} tells {number}");
    }
}
