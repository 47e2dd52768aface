//! What is asked about because of a hint: each payment key and order that our books know, in its
//! turn, and the same one until it is answered.

use std::time::Duration;

use application::ports::store::HasInbox as _;
use application::{Approve, Charge};
use domain::decline::Decline;
use domain::payment::PayStatus;
use domain::snapshot::{Answer, Cause};

use super::{canceled, shown};
use crate::installation::{Installation, done, keyed};

const FIRST: &str = "tgen_first";

impl Installation {
    /// What it was asked about, in order, since `before` questions.
    fn about(&self, before: usize) -> Vec<String> {
        let all = self.gateway.about.lock().unwrap();
        all.iter().skip(before).cloned().collect()
    }

    /// An approved payment, of which another payment key was declined before.
    async fn bought_at_last(&self, name: &str) -> Approve {
        let mut command = self.prepared(&format!("order-{name}")).await;
        command.payment_key = FIRST.parse().unwrap();
        let declined = Answer::Declined(Decline::session_expired());
        self.will_answer(Duration::ZERO, declined);
        self.approve(&command, "first").await.unwrap();
        command.payment_key = format!("tgen_{name}").parse().unwrap();
        self.will_answer(Duration::ZERO, done(&command));
        self.approve(&command, name).await.unwrap();
        command
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_look_skips_no_key() {
    let shop = Installation::new();
    let command = shop.bought_at_last("two").await;
    let (before, paid) = (shop.asked(), command.payment_key.to_string());
    shop.will_show(Answer::Unknown(Cause::Lost));
    shop.will_show(shown(canceled(&command, &[("c1", 3_000)])));
    let body = format!("hint {} moved c1", command.gateway_order);
    shop.told(&body).await.unwrap();
    shop.worked_for(10).await;
    // The books have what was claimed then: the other key need not be asked about.
    assert_eq!(shop.about(before), [paid.as_str(), paid.as_str()]);
    assert_eq!(shop.given_back(&command).await, 3_000);
    assert_eq!(shop.memory.all_hints()[0].due_at, None);
}

#[tokio::test(start_paused = true)]
async fn what_another_key_does_not_show_the_next_one_does() {
    let shop = Installation::new();
    let command = shop.bought_at_last("next").await;
    let paid = command.payment_key.to_string();
    shop.will_show(done(&command));
    shop.will_show(Answer::NotFound);
    let body = format!("hint {} unclear", command.gateway_order);
    shop.told(&body).await.unwrap();
    shop.worked_for(10).await;
    // Said again, it begins with the other one, which the gateway never heard of.
    let before = shop.asked();
    shop.will_show(Answer::NotFound);
    shop.will_show(shown(canceled(&command, &[("c1", 3_000)])));
    shop.told(&format!("{body} again")).await.unwrap();
    shop.worked_for(10).await;
    assert_eq!(shop.about(before), [FIRST, paid.as_str()]);
    assert_eq!(shop.given_back(&command).await, 3_000);
}

#[tokio::test(start_paused = true)]
async fn who_says_so_without_end_keeps_no_key_from_its_turn() {
    let shop = Installation::new();
    let command = shop.bought_at_last("flood").await;
    let before = shop.asked();
    for number in 0..100 {
        shop.will_show(Answer::NotFound);
        let body = format!("hint {} moved forged-{number}", command.gateway_order);
        shop.told(&body).await.unwrap();
        shop.worked().await;
    }
    let about = shop.about(before);
    for key in [FIRST, command.payment_key.as_str()] {
        let times = about.iter().filter(|one| *one == key).count();
        assert!(times >= about.len() / 3, "{key}: {about:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_charged_payment_is_asked_about_by_the_key_that_it_was_paid_with() {
    let shop = Installation::new();
    shop.card("member-1", "bk-1").await;
    let approve = shop.cycle("member-1", "cycle-0001").await;
    let command = Charge {
        payment: approve.payment,
        billing_key: None,
    };
    shop.will_answer(Duration::ZERO, done(&approve));
    let charge = shop.app.charge(shop.caller.clone(), command, keyed("k", 1));
    charge.await.unwrap();
    let before = shop.asked();
    shop.will_show(shown(canceled(&approve, &[("c1", 3_000)])));
    let body = format!("hint {} moved c1", approve.gateway_order);
    shop.told(&body).await.unwrap();
    shop.worked_for(10).await;
    assert_eq!(shop.about(before), [approve.payment_key.to_string()]);
    assert_eq!(shop.given_back(&approve).await, 3_000);
    assert!(shop.memory.all_sightings().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_charge_that_is_under_way_is_hastened() {
    let shop = Installation::new();
    shop.card("member-1", "bk-1").await;
    let approve = shop.cycle("member-1", "cycle-0001").await;
    let command = Charge {
        payment: approve.payment,
        billing_key: None,
    };
    shop.will_answer(Duration::ZERO, Answer::Unknown(Cause::Lost));
    let charge = shop.app.charge(shop.caller.clone(), command, keyed("k", 1));
    charge.await.unwrap();
    let before = shop.asked();
    let body = format!("hint {} moved txrd_1", approve.gateway_order);
    shop.told(&body).await.unwrap();
    shop.worked_for(3).await;
    assert_eq!(shop.asked(), before, "its saga asks for itself");
    let saga = &shop.memory.all_sagas()[0];
    assert!(saga.progress.due_at <= shop.app.clock().now(), "hastened");
    *shop.gateway.truth.lock().unwrap() = Some(done(&approve));
    for _ in 0..400 {
        shop.app.recover().await.unwrap();
        shop.worked().await;
    }
    let payment = shop.payment(approve.payment).await;
    assert_eq!(payment.status(), PayStatus::Done);
    assert_eq!(shop.memory.all_entries().len(), 1);
    assert_eq!(shop.memory.inbox().tray().await.unwrap().hints, 0);
}

#[tokio::test(start_paused = true)]
async fn every_order_of_a_payment_that_nobody_tried_to_pay_is_asked_about() {
    let shop = Installation::new();
    let first = shop.prepared("order-twice").await;
    let second = shop.app.reopen(&shop.caller, first.payment).await.unwrap();
    let orders = [first.gateway_order, second.gateway_order];
    for _ in orders {
        shop.will_show(Answer::NotFound);
    }
    for order in orders {
        let body = format!("hint {order} moved txrd_1");
        shop.told(&body).await.unwrap();
    }
    shop.worked_for(10).await;
    let mut about = shop.about(0);
    let mut wanted = orders.map(|order| order.to_string());
    about.sort();
    wanted.sort();
    assert_eq!(about, wanted);
}
