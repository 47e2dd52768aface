//! What a charge does about every kind of answer, step by step.

#![expect(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "a test stops at the first surprise, and its numbers are small"
)]

mod evidence;
mod scene;

use chrono::TimeDelta;
use domain::billing::{Status as KeyStatus, Work};
use domain::change::Change;
use domain::decline::{Class, Reason};
use domain::id::{BillingKeyId, GatewayAccountId, PaymentId};
use domain::money::{Currency, Money};
use domain::payment::{ChargeRefusal, Kind, PayStatus};
use domain::principal::Mode;
use domain::saga::{Heard, Intent, Outcome, Phase, Policy, Step};
use domain::snapshot::{Answer, Cause, Status};

use scene::{AMOUNT, START, Scene, krw, raw, refusal, unknown};

#[test]
fn a_charge_takes_the_payments_own_amount_and_learns_its_key() {
    let mut scene = Scene::charging();
    assert_eq!(scene.payment.status(), PayStatus::InProgress);
    assert_eq!(
        scene.key.version, 2,
        "whoever wants to delete it decides again"
    );
    let Step::Charge(call) = scene.next() else {
        panic!("it calls first")
    };
    assert_eq!((call.amount, call.tax_free), (krw(AMOUNT), Some(krw(900))));
    assert_eq!(call.order, scene.orders[0].id);
    assert_eq!(scene.saga().head.intent, Intent::Charge(scene.key.id));
    let done = scene.done();
    let changes = scene.told(&done);
    assert!(
        changes
            .iter()
            .any(|change| matches!(change, Change::InsertEntry(_)))
    );
    assert_eq!(scene.payment.status(), PayStatus::Done);
    let paid = scene.payment.paid.as_ref().unwrap();
    assert_eq!(paid.payment_key.as_str(), "bill_1");
    assert_eq!(scene.saga().progress.outcome, Some(Outcome::Approved));
}

/// A saga's row refers to its key's: who writes both locks the key first, as who writes the key
/// alone does.
#[test]
fn the_key_is_locked_before_the_saga_that_refers_to_it() {
    let scene = Scene::charging();
    let update = domain::billing::Change::Update {
        key: Box::new(scene.key.clone()),
        expected: 1,
        hold: None,
    };
    let key = Change::Billing(Box::new(update));
    let saga = Change::InsertSaga {
        saga: Box::new(scene.saga().clone()),
        hold: None,
    };
    assert!(key.lock_order() < saga.lock_order());
}

#[test]
fn declines_by_class() {
    for (class, status) in [
        (Class::Buyer, PayStatus::Ready),
        (Class::Merchant, PayStatus::Aborted),
    ] {
        let mut scene = Scene::charging();
        scene.told(&Answer::Declined(refusal(class)));
        assert_eq!(scene.payment.status(), status);
        assert!(scene.saga().is_closed());
    }
}

#[test]
fn a_lost_answer_is_asked_about_and_repeated_under_the_same_key() {
    let mut scene = Scene::charging();
    let key = scene.called_with();
    for shown in [Status::Aborted, Status::Expired, Status::Ready] {
        scene.told(&unknown(Cause::Lost));
        let order = scene.asks();
        let shown = Scene::shown(shown, krw(AMOUNT), order);
        // Only what shows the money counts: this may be of an earlier try.
        scene.told(&shown);
        assert_eq!(scene.called_with(), key);
    }
    scene.told(&unknown(Cause::Lost));
    scene.asks();
    scene.told(&Answer::NotFound);
    assert_eq!(scene.called_with(), key);
    let done = scene.done();
    scene.told(&done);
    assert_eq!(scene.payment.status(), PayStatus::Done);
}

#[test]
fn no_new_key_beside_a_call_that_may_still_run() {
    for heard in [
        Cause::Temporary("FAILED_INTERNAL_SYSTEM_PROCESSING".to_owned()),
        Cause::Configuration("UNAUTHORIZED_KEY".to_owned()),
        Cause::Unreadable("NEW_CODE".to_owned()),
    ] {
        let mut scene = Scene::charging();
        scene.told(&unknown(heard.clone()));
        let intended = scene.saga().progress.intent_at;
        let mut asked = 0;
        while !matches!(scene.next(), Step::Charge(_)) {
            scene.told(&Answer::NotFound);
            asked += 1;
        }
        assert!(asked >= 2, "one question may lie");
        let passed = scene.now.signed_duration_since(intended);
        assert!(passed >= TimeDelta::seconds(75), "{heard:?} after {passed}");
        assert_eq!(scene.called_with(), scene.key_of(2));
        let open = &scene.saga().progress;
        assert_eq!((open.phase, open.n), (Phase::Call, 2));
    }
}

#[test]
fn under_another_key_of_ours_nothing_is_repeated() {
    let mut scene = Scene::charging();
    scene.told(&unknown(Cause::Lost));
    let saga = scene.saga().clone();
    assert_eq!(
        saga.clone().under_credentials(1, scene.now),
        saga,
        "it is the same key"
    );
    // The account's secret key is another one when recovery goes on.
    scene.sagas[0] = saga.under_credentials(2, scene.now);
    let mut asked = 0;
    while !matches!(scene.next(), Step::Charge(_)) {
        scene.told(&Answer::NotFound);
        asked += 1;
    }
    assert!(asked >= 2);
    assert!(scene.now >= START + TimeDelta::seconds(75));
    assert_eq!(scene.called_with(), scene.key_of(2));
    assert_eq!(scene.saga().progress.rekeyed, Some(2));
    let same = scene.saga().clone().under_credentials(2, scene.now);
    assert_eq!(
        &same,
        scene.saga(),
        "under the new one it is repeated as ever"
    );
}

#[test]
fn a_call_that_was_about_to_be_made_is_not_made_under_another_key_of_ours() {
    let scene = Scene::charging();
    let saga = scene.saga().clone().under_credentials(2, scene.now);
    assert_eq!(saga.progress.phase, Phase::Ask);
    assert_eq!(saga.progress.heard, Heard::Temporary);
}

#[test]
fn a_used_order_is_looked_at_before_another_is_charged() {
    let used = unknown(Cause::Conflict("DUPLICATED_ORDER_ID".to_owned()));
    let mut paid = Scene::charging();
    paid.told(&used);
    assert!(!paid.saga().is_closed(), "it is no refusal");
    paid.asks();
    let done = paid.done();
    paid.told(&done);
    assert_eq!(paid.payment.status(), PayStatus::Done);
    assert_eq!(paid.orders.len(), 1);

    let mut spent = Scene::charging();
    let first = spent.orders[0].id;
    spent.told(&used);
    while !matches!(spent.next(), Step::Charge(_)) {
        let order = spent.asks();
        assert_eq!(order, first);
        let shown = Scene::shown(Status::Aborted, krw(AMOUNT), order);
        spent.told(&shown);
    }
    assert!(spent.now >= START + TimeDelta::seconds(75));
    let Step::Charge(call) = spent.next() else {
        panic!("another order")
    };
    assert_eq!(call.order, spent.orders[1].id);
    assert_ne!(call.order, first);
    assert_eq!(call.key.to_string(), spent.key_of(2));
    let done = spent.done();
    spent.told(&done);
    assert_eq!(spent.payment.status(), PayStatus::Done);
}

#[test]
fn a_key_that_is_gone_is_a_decline_once_a_question_shows_nothing() {
    let mut scene = Scene::charging();
    let gone = "ALREADY_REMOVED_BILLING_KEY".to_owned();
    scene.told(&unknown(Cause::Conflict(gone)));
    for _ in 0..2 {
        assert!(!scene.saga().is_closed());
        scene.asks();
        scene.told(&Answer::NotFound);
    }
    assert_eq!(scene.payment.status(), PayStatus::Ready);
    let declined = scene.payment.state.declined().unwrap();
    assert_eq!(declined.reason, Reason::CardUnusable);
}

#[test]
fn wrong_amounts_and_currencies_are_booked_to_be_given_back() {
    let dollars = Money::new(AMOUNT, Currency::Usd).unwrap();
    for wrong in [krw(AMOUNT + 1), krw(AMOUNT - 1), dollars] {
        let mut scene = Scene::charging();
        let order = scene.orders[0].id;
        let answer = Scene::shown(Status::Done, wrong, order);
        scene.told(&answer);
        assert!(!scene.saga().is_closed(), "one answer may lie");
        scene.asks();
        let changes = scene.told(&answer);
        let entry = changes.iter().find_map(|change| {
            if let Change::InsertEntry(entry) = change {
                Some(entry)
            } else {
                None
            }
        });
        let entry = entry.expect("it is booked");
        assert_eq!(entry.amount, wrong);
        assert_eq!(entry.credit, domain::ledger::Account::Suspense);
        let reversal = scene.sagas.get(1).expect("it is given back");
        assert_eq!(
            reversal.head.intent,
            Intent::Reverse("bill_1".parse().unwrap())
        );
        assert_eq!(reversal.head.gateway_order, order);
        assert_eq!(reversal.head.amount, wrong);
        assert_eq!(scene.payment.status(), PayStatus::InProgress);
    }
}

#[test]
fn what_is_never_known_is_given_up_when_the_gateway_forgot_the_key() {
    let mut scene = Scene::charging();
    scene.told(&unknown(Cause::Lost));
    scene.pass(14 * 24 * 3_600);
    for _ in 0..2 {
        assert!(!scene.saga().is_closed());
        scene.asks();
        scene.told(&Answer::NotFound);
    }
    assert!(scene.saga().is_closed());
    let declined = scene.payment.state.declined().unwrap();
    assert_eq!(declined.code, "PAYFLOW_CHARGE_LAPSED");
}

#[test]
fn what_does_not_fit_is_refused_before_anything_is_stored() {
    let refused = |mut scene: Scene| scene.begin().expect_err("it does not fit");
    assert_eq!(refused(Scene::new(Kind::OneOff)), ChargeRefusal::WrongKind);
    let mut other = Scene::new(Kind::Billing);
    other.key.member = "member-2".parse().unwrap();
    assert_eq!(refused(other), ChargeRefusal::KeyMismatch);
    let mut elsewhere = Scene::new(Kind::Billing);
    elsewhere.key.account = GatewayAccountId::new(raw(9));
    assert_eq!(refused(elsewhere), ChargeRefusal::KeyMismatch);
    let mut live = Scene::new(Kind::Billing);
    live.key.scope.mode = Mode::Live;
    assert_eq!(refused(live), ChargeRefusal::KeyMismatch);
    let mut nobody = Scene::new(Kind::Billing);
    nobody.payment.facts.customer.member = None;
    assert_eq!(refused(nobody), ChargeRefusal::KeyMismatch);
    let mut foreign = Scene::new(Kind::Billing);
    foreign.orders[0].payment = PaymentId::new(raw(9));
    assert_eq!(refused(foreign), ChargeRefusal::OrderMismatch);
    let mut late = Scene::new(Kind::Billing);
    late.pass(3_600);
    assert_eq!(refused(late), ChargeRefusal::Expired);
    let mut twice = Scene::charging();
    let saga = twice.saga().head.id;
    assert_eq!(twice.begin(), Err(ChargeRefusal::InFlight { saga }));
    let done = twice.done();
    twice.told(&done);
    assert_eq!(twice.begin(), Err(ChargeRefusal::AlreadyPaid));
}

#[test]
fn only_an_active_key_is_charged() {
    let mut deleting = Scene::new(Kind::Billing);
    deleting.key = deleting.key.begin_delete(Work::begun(1, START)).unwrap();
    let refused = deleting.begin();
    assert_eq!(
        refused,
        Err(ChargeRefusal::KeyUnusable(KeyStatus::Deleting))
    );
    deleting.key = deleting.key.deleted().unwrap();
    let refused = deleting.begin();
    assert_eq!(refused, Err(ChargeRefusal::KeyUnusable(KeyStatus::Deleted)));
    assert_eq!(deleting.payment.status(), PayStatus::Ready);
}

#[test]
fn the_call_about_a_key_keeps_its_gateway_key_until_an_error_is_over() {
    let policy = Policy::default();
    let id = BillingKeyId::new(raw(1));
    let begun = Work::begun(1, START);
    let key = |work: &Work| {
        work.gateway_key(id, domain::billing::Call::Issue)
            .to_string()
    };
    let lost = begun.later(domain::billing::Heard::Nothing, None, &policy, START);
    assert!(lost.due_at > START, "it never goes on without a pause");
    let again = lost.intended(1, &policy, lost.due_at).unwrap();
    assert_eq!(key(&again), key(&begun));
    let error = begun.later(domain::billing::Heard::Error, None, &policy, START);
    assert!(error.due_at >= START + TimeDelta::seconds(75));
    let anew = error.intended(1, &policy, error.due_at).unwrap();
    assert_ne!(key(&anew), key(&begun));
    // Another secret key of the account: what was sent under the first one cannot be repeated.
    let waits = lost.intended(2, &policy, lost.due_at).unwrap_err();
    assert_eq!(waits.due_at, START + TimeDelta::seconds(75));
    let anew = waits.intended(2, &policy, waits.due_at).unwrap();
    assert_eq!((anew.n, anew.credential_version), (2, 2));
}
