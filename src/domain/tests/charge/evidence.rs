//! How much has to be known before a charge is called under another key or order, or given up.

use chrono::TimeDelta;
use domain::change::Change;
use domain::decline::Class;
use domain::id::GatewayOrderId;
use domain::payment::PayStatus;
use domain::saga::Step;
use domain::snapshot::{Answer, Cause, Status};

use crate::scene::{AMOUNT, Scene, krw, raw, refusal, unknown};

fn temporary() -> Answer {
    unknown(Cause::Temporary(
        "FAILED_INTERNAL_SYSTEM_PROCESSING".to_owned(),
    ))
}

/// Questions that show nothing, until it calls again or ends: how many, and for how long since the
/// last call.
fn shown_nothing(scene: &mut Scene) -> (usize, TimeDelta) {
    let intended = scene.saga().progress.intent_at;
    let mut asked = 0;
    while !scene.saga().is_closed() && !matches!(scene.next(), Step::Charge(_)) {
        scene.told(&Answer::NotFound);
        asked += 1;
    }
    (asked, scene.now.signed_duration_since(intended))
}

#[test]
fn every_new_key_has_evidence_of_its_own() {
    let mut scene = Scene::charging();
    for n in 1..=4 {
        assert_eq!(scene.called_with(), scene.key_of(n));
        scene.told(&temporary());
        let (asked, passed) = shown_nothing(&mut scene);
        assert!(
            asked >= 2,
            "what was shown before call {n} says nothing of it"
        );
        assert!(passed >= TimeDelta::seconds(75), "{passed} after call {n}");
    }
}

#[test]
fn an_error_of_the_gateway_s_own_is_no_decline_while_it_may_still_work_on_it() {
    for class in [Class::Buyer, Class::Merchant] {
        let mut scene = Scene::charging();
        scene.told(&unknown(Cause::Refused(refusal(class))));
        let (asked, passed) = shown_nothing(&mut scene);
        assert!(asked >= 2 && passed >= TimeDelta::seconds(75), "{passed}");
        assert!(scene.saga().is_closed());
    }
}

#[test]
fn a_gateway_that_fails_for_long_does_not_hold_the_payment_for_weeks() {
    let mut scene = Scene::charging();
    while !scene.saga().is_closed() {
        assert!(scene.saga().progress.n <= 20);
        scene.told(&temporary());
        shown_nothing(&mut scene);
    }
    assert_eq!(scene.payment.status(), PayStatus::Ready);
    let declined = scene.payment.state.declined();
    assert_eq!(
        declined.map(|why| why.code.as_str()),
        Some("PAYFLOW_CHARGE_LAPSED")
    );
}

#[test]
fn an_order_is_left_for_another_once() {
    let used = unknown(Cause::Conflict("DUPLICATED_ORDER_ID".to_owned()));
    let mut scene = Scene::charging();
    for _ in 0..2 {
        assert!(!scene.saga().is_closed());
        scene.told(&used);
        let (asked, passed) = shown_nothing(&mut scene);
        assert!(asked >= 2, "one question may lie");
        assert!(passed >= TimeDelta::seconds(75), "{passed}");
    }
    // With a third one, money under the order in between would be nobody's.
    assert_eq!(scene.orders.len(), 2);
    let declined = scene.payment.state.declined();
    assert_eq!(
        declined.map(|why| why.code.as_str()),
        Some("PAYFLOW_CHARGE_LAPSED")
    );
}

#[test]
fn what_was_taken_for_the_first_order_is_given_back_by_it() {
    let mut scene = Scene::charging();
    let first = scene.orders[0].id;
    scene.told(&unknown(Cause::Conflict("DUPLICATED_ORDER_ID".to_owned())));
    shown_nothing(&mut scene);
    assert_ne!(scene.saga().order(), first, "another order is called with");
    // Late, and told by somebody else: the first one took the money.
    let late = Scene::shown(Status::Done, krw(AMOUNT), first);
    scene.told(&late);
    assert_eq!(scene.payment.status(), PayStatus::Done);
    assert_eq!(scene.saga().order(), first);
}

#[test]
fn an_order_that_a_reversal_names_is_charged_no_more() {
    let mut scene = Scene::charging();
    let (spare, now) = (GatewayOrderId::new(raw(77)), scene.now);
    let next = |scene: &Scene| {
        let newest_first: Vec<_> = scene.orders.iter().rev().cloned().collect();
        let next = scene
            .payment
            .order_to_charge(&newest_first, &scene.sagas, (spare, now));
        next.unwrap()
    };
    assert_eq!(next(&scene), (scene.orders[0].clone(), None));
    let wrong = Scene::shown(Status::Done, krw(AMOUNT + 1), scene.orders[0].id);
    scene.told(&wrong);
    scene.told(&wrong);
    assert_eq!(scene.sagas.len(), 2, "a reversal");
    let (order, change) = next(&scene);
    assert_eq!((order.id, order.payment), (spare, scene.payment.facts.id));
    assert_eq!(change, Some(Change::InsertGatewayOrder(order)));
}
