//! Accounts at gateways: whose answers count, what a replaced key proves, what a disabled account
//! still does.

use std::time::Duration;

use application::ports::store::{Access, Payments};
use application::{Approve, ApproveError, Cancel, Outcome, PrepareError};
use chrono::TimeDelta;
use domain::account::{self, GatewayAccount};
use domain::change::Change;
use domain::id::{GatewayAccountId, RawId};
use domain::payment::PayStatus;
use domain::snapshot::{Answer, Cause, Status};
use tokio::time::sleep;

use crate::installation::{Installation, done, keyed, order, snapshot};
use crate::store::Fault;

async fn account(here: &Installation, command: &Approve) -> GatewayAccountId {
    here.payment(command.payment).await.facts.account
}

async fn pinned(here: &Installation, command: &Approve) -> Option<String> {
    let id = account(here, command).await;
    let found = here.memory.gateway_account(id).await.unwrap();
    found.unwrap().merchant_id
}

/// The same payment at somebody else's shop.
fn foreign(command: &Approve) -> Answer {
    let mut foreign = snapshot(command, Status::Done, 10_000);
    "tgen_other".clone_into(&mut foreign.merchant_id);
    Answer::Found(Box::new(foreign))
}

#[tokio::test(start_paused = true)]
async fn the_first_capture_pins_the_merchant_id_and_others_are_not_believed() {
    let here = Installation::with_merchant_id(None);
    let first = here.prepared("order-0001").await;
    here.will_answer(Duration::ZERO, done(&first));
    here.approve(&first, "k1").await.unwrap();
    assert_eq!(pinned(&here, &first).await.as_deref(), Some("tgen_test"));

    let second = here.prepared("order-0002").await;
    here.will_answer(Duration::ZERO, foreign(&second));
    let answered = here.approve(&second, "k2").await.unwrap();
    assert!(
        matches!(answered.outcome, Outcome::Pending(_)),
        "{answered:?}"
    );
    assert_eq!(here.memory.entries(second.payment).await.unwrap().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_end_without_a_capture_pins_nothing() {
    for status in [Status::Aborted, Status::Expired] {
        let here = Installation::with_merchant_id(None);
        let command = here.prepared("order-0001").await;
        let ended = snapshot(&command, status, 10_000);
        here.will_answer(Duration::ZERO, Answer::Found(Box::new(ended)));
        let answered = here.approve(&command, "k").await.unwrap();
        assert!(
            matches!(answered.outcome, Outcome::Ended(_)),
            "{answered:?}"
        );
        assert_eq!(pinned(&here, &command).await, None);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_counts_only_when_it_can_be_told_whose_it_is() {
    let here = Installation::with_merchant_id(None);
    let command = here.prepared("order-0001").await;
    let id = account(&here, &command).await;
    here.will_answer(Duration::from_secs(30), foreign(&command));
    here.approve(&command, "k").await.unwrap();
    // Another process pins the id while the call is out, and then the account cannot be read.
    let pin = Change::PinMerchantId {
        account: id,
        merchant_id: "tgen_test".to_owned(),
    };
    here.memory.commit_now(&[pin]).unwrap();
    here.store.is(Fault::AccountsAway);
    sleep(Duration::from_secs(25)).await;
    here.store.is(None);
    let entries = here.memory.entries(command.payment).await.unwrap();
    assert!(entries.is_empty(), "a stranger's money was booked");
    here.will_show(done(&command));
    sleep(Duration::from_secs(10)).await;
    here.app.recover().await.unwrap();
    sleep(Duration::from_secs(1)).await;
    let status = here.payment(command.payment).await.status();
    assert_eq!(status, PayStatus::Done, "asked again, and believed");
}

/// A call that was lost, and time after which only evidence is missing.
async fn lost_for_long(here: &Installation) -> Approve {
    let command = here.prepared("order-0001").await;
    here.will_answer(Duration::ZERO, Answer::Unknown(Cause::Lost));
    let answered = here.approve(&command, "k").await.unwrap();
    let pending = matches!(answered.outcome, Outcome::Pending(_));
    assert!(pending, "{answered:?}");
    sleep(Duration::from_mins(15)).await;
    command
}

/// The account's secret key was replaced.
fn replace_key(here: &Installation) {
    here.gateway.terms.lock().unwrap().credential_version += 1;
}

/// The next questions show this.
async fn shown_twice(here: &Installation, answer: Answer) {
    for _ in 0..2 {
        here.will_show(answer.clone());
        here.app.recover().await.unwrap();
        sleep(Duration::from_mins(5)).await;
    }
}

async fn is_open(here: &Installation, command: &Approve) -> bool {
    here.payment(command.payment).await.status() == PayStatus::InProgress
}

#[tokio::test(start_paused = true)]
async fn not_found_under_a_replaced_key_proves_nothing_until_the_key_is_proven() {
    let here = Installation::new();
    let kept = lost_for_long(&here).await;
    shown_twice(&here, Answer::NotFound).await;
    assert!(!is_open(&here, &kept).await, "under its own key it does");

    let here = Installation::new();
    let replaced = lost_for_long(&here).await;
    replace_key(&here);
    shown_twice(&here, Answer::NotFound).await;
    assert!(
        is_open(&here, &replaced).await,
        "another shop knows nothing"
    );
    // The new key opens a payment of the same merchant: now it tells the truth about this one.
    let other = here.prepared("order-0002").await;
    here.will_answer(Duration::ZERO, done(&other));
    here.approve(&other, "k2").await.unwrap();
    shown_twice(&here, Answer::NotFound).await;
    assert!(!is_open(&here, &replaced).await, "it stays open for ever");
}

#[tokio::test(start_paused = true)]
async fn after_a_replaced_key_a_call_is_repeated_only_once_a_question_showed_no_effect() {
    let here = Installation::new();
    let command = here.prepared("order-0001").await;
    here.will_answer(Duration::ZERO, Answer::Unknown(Cause::Lost));
    here.approve(&command, "k").await.unwrap();
    replace_key(&here);
    let asked = here.gateway.asked.lock().unwrap().len();
    sleep(Duration::from_mins(1)).await;
    here.app.recover().await.unwrap();
    sleep(Duration::from_secs(1)).await;
    assert!(here.gateway.asked.lock().unwrap().len() > asked);
    assert_eq!(here.keys_used().len(), 1, "called without an answer");
    let open = snapshot(&command, Status::InProgress, 10_000);
    here.will_show(Answer::Found(Box::new(open)));
    here.will_answer(Duration::ZERO, done(&command));
    sleep(Duration::from_mins(3)).await;
    here.app.recover().await.unwrap();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(here.keys_used().len(), 2);
    assert!(!is_open(&here, &command).await);
}

#[tokio::test(start_paused = true)]
async fn a_disabled_account_takes_nothing_new_and_finishes_what_it_has() {
    let here = Installation::new();
    let paid = here.prepared("order-0001").await;
    here.will_answer(Duration::ZERO, done(&paid));
    here.approve(&paid, "k1").await.unwrap();
    let mut lost = here.prepared("order-0002").await;
    lost.payment_key = "tgen_key0002".parse().unwrap();
    here.will_answer(Duration::ZERO, Answer::Unknown(Cause::Lost));
    here.approve(&lost, "k2").await.unwrap();
    let waiting = here.prepared("order-0003").await;
    let sagas = here.memory.all_sagas().len();
    here.gateway.terms.lock().unwrap().active = false;

    let refused = here.approve(&waiting, "k3").await.unwrap_err();
    assert!(matches!(refused, ApproveError::AccountDisabled));
    assert_eq!(here.memory.all_sagas().len(), sagas, "nothing is stored");
    here.will_show(done(&lost));
    sleep(Duration::from_mins(1)).await;
    here.app.recover().await.unwrap();
    sleep(Duration::from_secs(1)).await;
    let status = here.payment(lost.payment).await.status();
    assert_eq!(status, PayStatus::Done, "what was begun is finished");
    let refund = Cancel {
        payment: paid.payment,
        amount_minor: None,
        tax_free_minor: None,
        reason: "because".parse().unwrap(),
        to: None,
    };
    let begun = here
        .app
        .cancel(here.caller.clone(), refund, keyed("k4", 4))
        .await;
    assert!(begun.is_ok(), "{begun:?}");

    let id = account(&here, &paid).await;
    let disable = Change::SetAccountStatus {
        account: id,
        status: account::Status::Disabled,
    };
    here.memory.commit_now(&[disable]).unwrap();
    let fourth = order("order-0004");
    let refused = here.app.prepare(&here.caller, &fourth, None).await;
    let refused = refused.unwrap_err();
    assert!(matches!(refused, PrepareError::AccountDisabled));
}

#[tokio::test(start_paused = true)]
async fn a_payment_is_taken_at_the_oldest_active_account() {
    let here = Installation::new();
    let first = here.prepared("order-0001").await;
    let oldest = account(&here, &first).await;
    let second = GatewayAccountId::new(RawId::from_parts(9, 9));
    let created_at = here.app.clock().now() + TimeDelta::seconds(1);
    let added = GatewayAccount::new(second, here.caller.scope, created_at);
    here.memory
        .commit_now(&[Change::InsertGatewayAccount(added)])
        .unwrap();
    let next = here.prepared("order-0002").await;
    assert_eq!(account(&here, &next).await, oldest);
    let disable = Change::SetAccountStatus {
        account: oldest,
        status: account::Status::Disabled,
    };
    here.memory.commit_now(&[disable]).unwrap();
    let next = here.prepared("order-0003").await;
    assert_eq!(account(&here, &next).await, second);
}
