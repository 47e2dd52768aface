//! Owns the tests of what the database must never allow.

use std::os::unix::fs::PermissionsExt as _;
use std::slice;

use super::hooks::Taken;
use super::{Begun, Cart, Store};
use crate::clock::now;
use crate::hooks::{Message, Told};
use crate::intent::{Act, Intent, State};
use crate::membership::{Purpose, Registering};
use crate::order::tests::{order, payment};
use crate::order::{Order, Status, Way};
use crate::payflow::{Payment, PaymentStatus};

/// A store with one order that waits for its payment.
async fn with_order() -> (Store, Order) {
    let store = Store::open(None).unwrap();
    let order = order();
    let cart = Cart {
        product: order.product.clone(),
        quantity: order.quantity,
    };
    store.fill_cart(&order.owner, Some(cart)).await.unwrap();
    let placed = store.place(order).await.unwrap().unwrap();
    (store, placed)
}

async fn told(store: &Store, status: PaymentStatus, refunded: i64) {
    let order = store.order(&order().id).await.unwrap().unwrap();
    let order = order.told(payment(status, refunded)).unwrap();
    store.keep(&order).await.unwrap();
}

fn approve(payment_key: &str) -> Act {
    Act::Approve {
        payment_key: payment_key.to_owned(),
        gateway_order: "gwo_1".to_owned(),
    }
}

fn begun(begun: Begun) -> Intent {
    match begun {
        Begun::Intent(intent) => intent,
        Begun::Busy | Begun::Stale | Begun::OverBalance => panic!("{begun:?}"),
    }
}

#[tokio::test]
async fn a_cart_becomes_one_order_and_only_as_it_was_seen() {
    let (store, placed) = with_order().await;
    assert_eq!(store.place(placed.clone()).await.unwrap(), None);

    let changed = Cart {
        product: "mug".to_owned(),
        quantity: 2,
    };
    store.fill_cart(&placed.owner, Some(changed)).await.unwrap();
    let again = Order {
        id: "H261121-AAAAAAAAAA".to_owned(),
        ..placed.clone()
    };
    assert_eq!(store.place(again).await.unwrap(), None);
    assert_eq!(store.orders(&placed.owner).await.unwrap(), [placed]);
}

#[tokio::test]
async fn the_same_authentication_is_one_intent_and_another_must_wait() {
    let (store, order) = with_order().await;
    let first = begun(store.begin_approval(&order.id, approve("a")).await.unwrap());
    let again = store.begin_approval(&order.id, approve("a")).await.unwrap();
    let other = store.begin_approval(&order.id, approve("b")).await.unwrap();
    assert_eq!((begun(again), other), (first.clone(), Begun::Busy));

    let refused = (State::Refused, Some("PAYMENT_DECLINED".to_owned()));
    store.end(&first, refused, &order).await.unwrap();
    let replayed = begun(store.begin_approval(&order.id, approve("a")).await.unwrap());
    assert_eq!(
        (replayed.state, replayed.key()),
        (State::Refused, first.key())
    );
    let second = begun(store.begin_approval(&order.id, approve("b")).await.unwrap());
    assert_ne!(second.key(), first.key());
}

#[tokio::test]
async fn an_ended_intent_stays_ended() {
    let (store, order) = with_order().await;
    let intent = begun(store.begin_approval(&order.id, approve("a")).await.unwrap());
    store
        .end(&intent, (State::Done, None), &order)
        .await
        .unwrap();
    let late = (State::Refused, Some("PAYMENT_ALREADY_APPROVED".to_owned()));
    store.end(&intent, late, &order).await.unwrap();
    let [kept] = store.intents(&order.id).await.unwrap().try_into().unwrap();
    assert_eq!((kept.state, kept.code), (State::Done, None));
}

#[tokio::test]
async fn a_form_gives_back_once_and_never_more_than_is_left() {
    let (store, order) = with_order().await;
    let refund = |amount| Act::Refund { amount };
    let ask = |number, act| store.begin_numbered(&order.id, number, act);
    assert_eq!(ask(1, refund(1)).await.unwrap(), Begun::Stale, "not paid");

    told(&store, PaymentStatus::Done, 0).await;
    for (number, amount, expected) in [
        (2, 1, Begun::Stale),
        (1, 0, Begun::OverBalance),
        (1, -1, Begun::OverBalance),
        (1, 18_001, Begun::OverBalance),
    ] {
        let asked = ask(number, refund(amount)).await.unwrap();
        assert_eq!(asked, expected, "{number} {amount}");
    }
    let first = begun(ask(1, refund(8_000)).await.unwrap());
    assert_eq!(begun(ask(1, refund(8_000)).await.unwrap()), first);
    assert_eq!(ask(1, refund(9_000)).await.unwrap(), Begun::Stale);
    assert_eq!(ask(2, refund(8_000)).await.unwrap(), Begun::Busy);
    assert_eq!(ask(2, Act::Withdraw).await.unwrap(), Begun::Busy);

    let paid = store.order(&order.id).await.unwrap().unwrap();
    let refunded = paid.told(payment(PaymentStatus::PartialCanceled, 8_000));
    store
        .end(&first, (State::Done, None), &refunded.unwrap())
        .await
        .unwrap();
    assert_eq!(ask(2, refund(10_001)).await.unwrap(), Begun::OverBalance);
    begun(ask(2, refund(10_000)).await.unwrap());
}

#[tokio::test]
async fn what_was_known_later_is_not_overwritten() {
    let (store, order) = with_order().await;
    // Both were computed from the same row, before either was kept.
    let early = order.clone().told(payment(PaymentStatus::Done, 0)).unwrap();
    let late = order
        .clone()
        .told(payment(PaymentStatus::PartialCanceled, 5_000))
        .unwrap();
    store.keep(&late).await.unwrap();
    store.keep(&early).await.unwrap();
    store.keep(&order).await.unwrap();
    let kept = Order {
        revision: 1,
        ..late
    };
    assert_eq!(store.order(&order.id).await.unwrap(), Some(kept));
}

#[tokio::test]
async fn of_a_deposit_only_an_answer_to_what_is_known_counts() {
    let store = Store::open(None).unwrap();
    let order = Order {
        way: Way::Account,
        ..order()
    };
    let cart = Cart {
        product: order.product.clone(),
        quantity: order.quantity,
    };
    store.fill_cart(&order.owner, Some(cart)).await.unwrap();
    let placed = store.place(order).await.unwrap().unwrap();
    let says = |order: &Order, status, sequence| {
        let payment = Payment {
            sequence,
            ..payment(status, 0)
        };
        order.clone().told(payment).unwrap()
    };
    let (waits, done) = (PaymentStatus::WaitingForDeposit, PaymentStatus::Done);
    let waiting = store.keep(&says(&placed, waits, 3)).await.unwrap();
    let late = says(&waiting, done, 4);
    let paid = store.keep(&says(&waiting, done, 4)).await.unwrap();
    let back = store.keep(&says(&paid, waits, 5)).await.unwrap();
    assert_eq!((back.status, back.reversals), (Status::Pending, 1));
    // Read before the bank took it back, and kept after.
    assert_eq!(store.keep(&late).await.unwrap(), back);
    // What is no news wakes nobody.
    assert_eq!(store.keep(&says(&back, waits, 5)).await.unwrap(), back);
    // Nor does the message of that deposit pay for the order once more; one of the next does.
    let message = |sequence| Message {
        id: format!("pay_1-{sequence}"),
        told: Some(Told {
            payment: payment(done, 0).id,
            order: back.id.clone(),
            sequence,
            status: done,
            is_taken_back: false,
            amount: back.amount,
            refunded: Some(0),
        }),
    };
    let taken = store.take(message(4), back.created_at).await.unwrap();
    assert_eq!(taken, Taken::Nothing);
    assert_eq!(store.order(&back.id).await.unwrap(), Some(back.clone()));
    let taken = store.take(message(6), back.created_at).await.unwrap();
    assert_eq!(taken, Taken::Told);
    let paid = store.order(&back.id).await.unwrap().unwrap();
    assert_eq!((paid.status, paid.reversals), (Status::Confirmed, 1));
    // An answer that was read before it leads back no more.
    assert_eq!(store.keep(&says(&paid, waits, 5)).await.unwrap(), paid);
}

#[tokio::test]
async fn a_message_that_is_dropped_keeps_no_later_one_out() {
    let (store, order) = with_order().await;
    let kept = order.told(payment(PaymentStatus::Ready, 0)).unwrap();
    let kept = store.keep(&kept).await.unwrap();
    let message = |payment: &str, sequence| Message {
        id: format!("{payment}-{sequence}"),
        told: Some(Told {
            payment: payment.to_owned(),
            order: kept.id.clone(),
            sequence,
            status: PaymentStatus::Done,
            is_taken_back: false,
            amount: kept.amount,
            refunded: Some(0),
        }),
    };
    let foreign = store.take(message("pay_other", 9), kept.created_at).await;
    assert_eq!(foreign.unwrap(), Taken::Foreign);
    let own = payment(PaymentStatus::Done, 0).id;
    let taken = store.take(message(&own, 3), kept.created_at).await.unwrap();
    assert_eq!(taken, Taken::Told);
    // And what is older than what was believed changes nothing.
    let late = store.take(message("pay_other", 2), kept.created_at).await;
    assert_eq!(late.unwrap(), Taken::Nothing);
}

#[tokio::test]
async fn only_what_changed_wakes_pages() {
    let (store, order) = with_order().await;
    let changes = store.changes();
    let done = order.told(payment(PaymentStatus::Done, 0)).unwrap();
    let kept = store.keep(&done).await.unwrap();
    assert!(changes.has_changed().unwrap());
    let changes = store.changes();
    store.keep(&kept).await.unwrap();
    assert!(!changes.has_changed().unwrap());
}

fn registering(card: &str, plan: &str) -> Registering {
    Registering {
        card: card.to_owned(),
        owner: "a".to_owned(),
        customer_key: format!("of-{card}"),
        purpose: Purpose::Subscribe {
            plan: plan.to_owned(),
        },
        auth_key: None,
        state: State::Open,
        code: None,
    }
}

#[tokio::test]
async fn of_two_windows_for_one_plan_one_goes_on() {
    let store = Store::open(None).unwrap();
    for (card, plan) in [("1", "tea"), ("2", "tea"), ("3", "rice")] {
        store
            .register(registering(card, plan), now())
            .await
            .unwrap();
    }
    let authorised = async |card: &str| {
        let customer_key = format!("of-{card}");
        let keys = (customer_key.as_str(), "auth");
        let found = store.authorised("a", card, keys).await.unwrap();
        found.unwrap().auth_key.is_some()
    };
    assert!(authorised("1").await);
    assert!(!authorised("2").await, "charged twice");
    assert!(authorised("3").await);
    // A reload changes nothing.
    assert!(authorised("1").await);
    store.registered("1", (State::Refused, None)).await.unwrap();
    assert!(authorised("2").await);
}

#[tokio::test]
async fn what_is_under_way_is_found_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    let store = Store::open(Some(&path)).unwrap();
    let order = order();
    let cart = Cart {
        product: order.product.clone(),
        quantity: order.quantity,
    };
    store.fill_cart(&order.owner, Some(cart)).await.unwrap();
    store.place(order.clone()).await.unwrap();
    assert!(store.unsettled(9).await.unwrap().is_empty());
    let intent = begun(store.begin_approval(&order.id, approve("a")).await.unwrap());
    drop(store);

    let store = Store::open(Some(&path)).unwrap();
    assert_eq!(
        store.unsettled(9).await.unwrap(),
        slice::from_ref(&order.id)
    );
    let moving = order.told(payment(PaymentStatus::InProgress, 0)).unwrap();
    store
        .end(&intent, (State::Done, None), &moving)
        .await
        .unwrap();
    assert_eq!(
        store.unsettled(9).await.unwrap(),
        slice::from_ref(&intent.order)
    );
    assert_eq!(
        store.waiting(9).await.unwrap(),
        slice::from_ref(&intent.order)
    );
    told(&store, PaymentStatus::Done, 0).await;
    assert!(store.unsettled(9).await.unwrap().is_empty());
    assert!(store.waiting(9).await.unwrap().is_empty());
}

#[test]
fn a_file_of_another_version_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    drop(Store::open(Some(&path)).unwrap());
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "others can read it");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 7).unwrap();
    let error = Store::open(Some(&path)).unwrap_err().to_string();
    assert!(error.contains("schema 7"), "{error}");
}
