//! What the watch cannot book, or not yet: open sagas, rivals, strangers, answers that lie.

use std::time::Duration;

use application::ports::gateway::Line;
use application::ports::store::{Access, Payments};
use chrono::TimeDelta;
use domain::id::{GatewayAccountId, RawId};
use domain::merchant::GatewayAccount;
use domain::payment::PayStatus;
use domain::snapshot::{Answer, Cause, Status};
use tokio::time::sleep;

use super::{MINUTE, OVERLAP, canceled, line, page};
use crate::installation::{Installation, START, done, krw, snapshot};
use crate::store::Fault;

#[tokio::test(start_paused = true)]
async fn an_open_saga_is_hastened_and_the_place_kept() {
    let here = Installation::new();
    let command = here.prepared("order-0001").await;
    here.will_answer(Duration::ZERO, Answer::Unknown(Cause::Lost));
    here.approve(&command, "k").await.unwrap();
    let due = || here.memory.all_sagas()[0].progress.due_at;
    let waits_until = due();
    let captured_at = here.now();
    let capture = || page(vec![line(&command, "t", Line::Capture, captured_at)]);
    here.will_list(capture());
    here.watched().await;
    assert_eq!(due(), waits_until, "its call may not even be answered yet");
    assert_eq!(here.questions(), 2, "the saga's own");
    let open = here.memory.all_sagas()[0].clone();
    let mut later = open.clone();
    later.progress.due_at = here.now() + TimeDelta::hours(1);
    later.version += 1;
    let update = domain::change::Change::UpdateSaga {
        saga: Box::new(later),
        expected: open.version,
    };
    here.memory.commit_now(&[update]).unwrap();
    here.will_list(capture());
    here.watched().await;
    assert!(due() <= here.now(), "hastened");
    here.will_list(capture());
    assert_eq!(here.next_start().await, captured_at - OVERLAP);
    assert_eq!(
        here.payment(command.payment).await.status(),
        PayStatus::InProgress
    );
    here.will_show(done(&command));
    here.app.recover().await.unwrap();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(
        here.payment(command.payment).await.status(),
        PayStatus::Done
    );
    here.watched().await;
    let reached = here.now();
    assert_eq!(here.next_start().await, reached - OVERLAP, "and goes on");
    assert_eq!(here.booked_and_strange(), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn who_was_not_first_looks_again() {
    let here = Installation::new();
    let command = here.paid("0001").await;
    here.will_list(page(vec![line(&command, "cancel_1", Line::Cancel, START)]));
    here.will_find(canceled(&command, &[1]));
    here.will_find(canceled(&command, &[1, 2]));
    here.store.is(Fault::RivalOnce);
    here.watched().await;
    let payment = here.payment(command.payment).await;
    assert_eq!(
        payment.balance().unwrap(),
        krw(9_997),
        "as it was shown last"
    );
    assert_eq!(here.questions(), 2);
}

#[tokio::test(start_paused = true)]
async fn one_that_cannot_be_booked_hinders_no_other() {
    let here = Installation::new();
    let good = here.paid("0003").await;
    let stranger = {
        let mut command = here.paid("0001").await;
        command.payment_key = "tgen_0001_stranger".parse().unwrap();
        command
    };
    let refused = here.paid("0002").await;
    here.store.is(Fault::Refuses(refused.payment));
    for _ in 0..2 {
        here.will_list(page(vec![
            line(&good, "cancel_1", Line::Cancel, START),
            line(&refused, "cancel_2", Line::Cancel, START),
            line(&stranger, "t", Line::Capture, START),
        ]));
        // Asked in the order of their keys.
        here.will_find(snapshot(&stranger, Status::Done, 10_000));
        here.will_find(snapshot(&stranger, Status::Done, 10_000));
        let mut shown = canceled(&refused, &[5]);
        shown.cancels[0].transaction_key = "cancel_2".parse().unwrap();
        here.will_find(shown);
        here.will_find(canceled(&good, &[1]));
        here.watched().await;
        here.gateway.questions.lock().unwrap().clear();
    }
    assert_eq!(
        here.payment(good.payment).await.balance().unwrap(),
        krw(9_999)
    );
    assert_eq!(
        here.payment(refused.payment).await.balance().unwrap(),
        krw(10_000)
    );
    assert_eq!(here.booked_and_strange(), (1, 2), "an alarm for each, once");
    let reached = here.now();
    assert_eq!(here.next_start().await, reached - OVERLAP);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_shown_yet_is_looked_for_a_day() {
    let here = Installation::new();
    let command = here.paid("0001").await;
    sleep(MINUTE).await;
    let at = here.now();
    let cancel = || page(vec![line(&command, "cancel_1", Line::Cancel, at)]);
    for told in [
        Answer::NotFound,
        done(&command),
        Answer::Unknown(Cause::Lost),
    ] {
        here.will_list(cancel());
        here.will_show(told);
        here.watched().await;
        assert_eq!(here.next_start().await, at - OVERLAP);
    }
    // Not asked at all, the rest of the list waits as well.
    here.will_list(cancel());
    here.will_show(Answer::Unknown(Cause::NotSent));
    here.watched().await;
    assert_eq!(here.booked_and_strange(), (0, 0));
    sleep(Duration::from_hours(24)).await;
    for _ in 0..2 {
        here.will_list(cancel());
        here.will_show(done(&command));
        here.watched().await;
    }
    assert_eq!(
        here.booked_and_strange(),
        (0, 1),
        "then a person is told, once"
    );
    let reached = here.now();
    assert_eq!(here.next_start().await, reached - OVERLAP);
}

#[tokio::test(start_paused = true)]
async fn an_amount_is_believed_when_it_is_shown_twice() {
    let here = Installation::new();
    let command = here.prepared("order-0001").await;
    let declined = domain::decline::Decline::session_expired();
    here.will_answer(Duration::ZERO, Answer::Declined(declined));
    here.approve(&command, "k").await.unwrap();
    let lines = || page(vec![line(&command, "t", Line::Capture, START)]);
    let shown = |total| snapshot(&command, Status::Done, total);
    // One answer lies, and the next does not repeat it.
    here.will_list(lines());
    here.will_find(shown(10_003));
    here.will_find(shown(10_000));
    here.watched().await;
    let entries = here.memory.entries(command.payment).await.unwrap();
    assert_eq!(entries[0].amount, krw(10_000));
    assert_eq!(entries[0].credit, domain::ledger::Account::Suspense);
    assert_eq!(here.memory.all_sagas().len(), 2, "a reversal gives it back");
    assert_eq!(here.booked_and_strange(), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn what_is_strange_is_believed_when_it_is_shown_twice() {
    let here = Installation::new();
    let command = here.paid("0001").await;
    here.will_list(page(vec![line(&command, "cancel_1", Line::Cancel, START)]));
    let mut elsewhere = canceled(&command, &[1_000]);
    elsewhere.merchant_id = "another".to_owned();
    here.will_find(elsewhere);
    here.will_find(canceled(&command, &[1_000]));
    here.watched().await;
    let payment = here.payment(command.payment).await;
    assert_eq!(payment.balance().unwrap(), krw(9_000));
    assert_eq!(here.booked_and_strange(), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn accounts_with_the_same_list_raise_no_alarm_about_each_other() {
    let here = Installation::new();
    let scope = here.caller.scope;
    let own = here.memory.gateway_accounts(scope).await.unwrap().remove(0);
    let twin = GatewayAccount {
        id: GatewayAccountId::new(RawId::from_parts(7, 7)),
        ..own
    };
    here.memory
        .commit_now(&[domain::change::Change::InsertGatewayAccount(twin)])
        .unwrap();
    let command = here.paid("0001").await;
    for _ in 0..2 {
        here.will_list(page(vec![line(&command, "cancel_1", Line::Cancel, START)]));
        here.will_list(page(Vec::new()));
    }
    here.will_find(canceled(&command, &[1_000]));
    here.watched().await;
    let payment = here.payment(command.payment).await;
    assert_eq!(payment.balance().unwrap(), krw(9_000));
    assert_eq!(here.booked_and_strange(), (1, 0));
}
