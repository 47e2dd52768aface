//! What the watch cannot book, or not yet: open sagas, rivals, strangers, answers that lie.

use std::time::Duration;

use application::ports::gateway::Line;
use application::ports::store::Payments;
use chrono::TimeDelta;
use domain::change::Change;
use domain::id::{GatewayAccountId, MerchantId, RawId};
use domain::merchant::{GatewayAccount, Merchant};
use domain::payment::PayStatus;
use domain::principal::{Mode, Scope};
use domain::snapshot::{Answer, Cause, Status};
use tokio::time::sleep;

use super::{OVERLAP, canceled, line, long_ago, page};
use crate::installation::{Installation, START, done, krw, snapshot};
use crate::store::Fault;

#[tokio::test(start_paused = true)]
async fn an_open_saga_is_hastened_and_the_place_moves_on() {
    let here = Installation::new();
    let command = here.prepared("order-0001").await;
    here.will_answer(Duration::ZERO, Answer::Unknown(Cause::Lost));
    here.approve(&command, "k").await.unwrap();
    let due = || here.memory.all_sagas()[0].progress.due_at;
    let captured_at = here.now();
    let capture = || page(vec![line(&command, "t", Line::Capture, captured_at)]);
    let open = here.memory.all_sagas()[0].clone();
    let mut later = open.clone();
    later.progress.due_at = here.now() + TimeDelta::hours(1);
    later.version += 1;
    let update = Change::UpdateSaga {
        saga: Box::new(later),
        expected: open.version,
    };
    here.memory.commit_now(&[update]).unwrap();
    let asked = here.questions();
    here.will_list(capture());
    here.watched().await;
    assert_eq!(here.memory.all_sightings(), [], "too young");
    assert!(due() > here.now(), "its call may not even be answered yet");
    let reached = here.now();
    here.will_list(capture());
    assert_eq!(here.next_start().await, reached - OVERLAP);
    assert!(due() <= here.now(), "hastened");
    assert_eq!(here.memory.all_sightings().len(), 1);
    assert_eq!(here.questions(), asked, "no question of the watch's own");
    here.will_show(done(&command));
    here.app.recover().await.unwrap();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(
        here.payment(command.payment).await.status(),
        PayStatus::Done
    );
    here.will_show(done(&command));
    here.watched().await;
    assert_eq!(here.memory.all_sightings(), [], "settled");
    assert_eq!(here.booked_and_strange(), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn who_was_not_first_looks_again() {
    let here = Installation::new();
    let command = here.paid("0001").await;
    here.will_list_one(&command, "cancel_1", Line::Cancel);
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
    for round in 0..4 {
        here.will_list(page(vec![
            line(&good, "cancel_1", Line::Cancel, long_ago()),
            line(&refused, "cancel_2", Line::Cancel, long_ago()),
            line(&stranger, "t", Line::Capture, long_ago()),
        ]));
        // Asked in the order in which they are due, then of their keys.
        here.will_find(snapshot(&stranger, Status::Done, 10_000));
        let mut shown = canceled(&refused, &[5]);
        shown.cancels[0].transaction_key = "cancel_2".parse().unwrap();
        here.will_find(shown);
        here.will_find(canceled(&good, &[1]));
        here.watched().await;
        here.gateway.questions.lock().unwrap().clear();
        let strange = here.booked_and_strange().1;
        assert_eq!(strange, if round == 0 { 0 } else { 2 }, "after two answers");
        sleep(Duration::from_hours(1)).await;
    }
    assert_eq!(here.memory.all_sightings().len(), 2, "never given up");
    let reports = here.memory.all_sightings();
    assert!(reports.iter().all(|sighting| sighting.reported));
    assert_eq!(
        here.payment(good.payment).await.balance().unwrap(),
        krw(9_999)
    );
    assert_eq!(
        here.payment(refused.payment).await.balance().unwrap(),
        krw(10_000)
    );
    assert_eq!(here.booked_and_strange(), (1, 2), "an alarm for each, once");
}

#[tokio::test(start_paused = true)]
async fn what_tells_nothing_is_no_verdict() {
    let here = Installation::new();
    let command = here.paid("0001").await;
    let cancel = || page(vec![line(&command, "cancel_1", Line::Cancel, long_ago())]);
    here.will_list(cancel());
    for cause in [
        Cause::Lost,
        Cause::NotSent,
        Cause::Busy {
            retry_after_seconds: Some(1),
        },
        Cause::Configuration("key".to_owned()),
        Cause::Temporary("later".to_owned()),
    ] {
        here.will_show(Answer::Unknown(cause));
        here.watched().await;
        let open = here.memory.all_sightings();
        assert_eq!((open.len(), &open[0].verdict), (1, &None));
    }
    // A definite answer is one, and what it says twice running is told to a person.
    here.will_show(Answer::NotFound);
    here.watched().await;
    assert_eq!(here.booked_and_strange(), (0, 0));
    here.will_show(Answer::Unknown(Cause::Lost));
    sleep(Duration::from_hours(1)).await;
    here.watched().await;
    here.will_show(Answer::NotFound);
    sleep(Duration::from_hours(1)).await;
    here.watched().await;
    assert_eq!(here.booked_and_strange(), (0, 1));
    // It is looked at until it is settled, long after the list has shown it.
    sleep(Duration::from_hours(48)).await;
    here.will_find(canceled(&command, &[1]));
    here.watched().await;
    assert_eq!(here.memory.all_sightings(), []);
    assert_eq!(here.booked_and_strange(), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn books_and_answer_in_agreement_settle_it() {
    let here = Installation::new();
    let command = here.paid("0001").await;
    here.will_list_one(&command, "other", Line::Cancel);
    here.will_show(done(&command));
    here.watched().await;
    assert_eq!(here.memory.all_sightings(), []);
    assert_eq!(here.questions(), 1);
    // The line of a booked capture may carry the status that the payment has by now.
    here.will_list_one(&command, "txrd_1", Line::Cancel);
    here.watched().await;
    assert_eq!(here.questions(), 1, "its key is booked");
    assert_eq!(here.booked_and_strange(), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn an_answer_lost_at_its_commit_books_once() {
    let here = Installation::new();
    let command = here.paid("0001").await;
    here.will_list_one(&command, "cancel_1", Line::Cancel);
    here.will_find(canceled(&command, &[1]));
    here.will_find(canceled(&command, &[1]));
    here.store.is(Fault::AnswerLost);
    here.watched().await;
    let entries = here.memory.entries(command.payment).await.unwrap();
    assert_eq!(entries.len(), 2);
    assert_eq!(here.memory.all_sightings(), []);
}

#[tokio::test(start_paused = true)]
async fn accounts_that_share_credentials_see_their_own() {
    let here = Installation::new();
    let command = here.paid("0001").await;
    let scope = Scope {
        merchant: MerchantId::new(RawId::from_parts(1, 999)),
        mode: Mode::Test,
    };
    let (name, currencies) = ("other".parse().unwrap(), "KRW".parse().unwrap());
    let merchant = Merchant::new(scope.merchant, name, currencies, START);
    // One of another merchant, and a second one of the same.
    let account = |number, scope| {
        let id = GatewayAccountId::new(RawId::from_parts(1, number));
        Change::InsertGatewayAccount(GatewayAccount {
            merchant_id: Some("tgen_test".to_owned()),
            ..GatewayAccount::new(id, scope, START)
        })
    };
    let rows = [
        Change::InsertMerchant(merchant),
        account(997, scope),
        account(998, here.caller.scope),
    ];
    here.memory.commit_now(&rows).unwrap();
    here.will_find(canceled(&command, &[1]));
    for _ in 0..2 {
        // Every list shows everything.
        for _ in 0..3 {
            here.will_list(page(vec![
                line(&command, "txrd_1", Line::Capture, long_ago()),
                line(&command, "cancel_1", Line::Cancel, long_ago()),
            ]));
            here.will_list(page(Vec::new()));
        }
        here.watched().await;
        let pages: Vec<bool> = here
            .listed()
            .iter()
            .map(|(_, after)| after.is_some())
            .collect();
        assert_eq!(pages, [false, true, false, true, false, true]);
        assert_eq!(here.questions(), 1);
        assert_eq!(here.booked_and_strange(), (1, 0));
        assert_eq!(here.memory.all_sightings(), []);
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_movement_hastens_what_was_put_off() {
    let here = Installation::new();
    let command = here.paid("0001").await;
    let known = || line(&command, "cancel_1", Line::Cancel, long_ago());
    for _ in 0..4 {
        here.will_show(Answer::NotFound);
    }
    for _ in 0..40 {
        here.will_list(page(vec![known()]));
        here.will_list(page(Vec::new()));
        here.watched().await;
    }
    assert_eq!(here.questions(), 4, "the next one is an hour away");
    let later = long_ago() + TimeDelta::minutes(1);
    let new = line(&command, "cancel_2", Line::Cancel, later);
    here.will_list(page(vec![known(), new]));
    here.will_find(canceled(&command, &[1, 2]));
    here.watched().await;
    assert_eq!(here.questions(), 5);
    let payment = here.payment(command.payment).await;
    assert_eq!(payment.balance().unwrap(), krw(9_997));
    assert_eq!(here.memory.all_sightings(), []);
}

#[tokio::test(start_paused = true)]
async fn an_amount_is_believed_when_it_is_shown_twice() {
    let here = Installation::new();
    let command = here.prepared("order-0001").await;
    let declined = domain::decline::Decline::session_expired();
    here.will_answer(Duration::ZERO, Answer::Declined(declined));
    here.approve(&command, "k").await.unwrap();
    let lines = || page(vec![line(&command, "t", Line::Capture, long_ago())]);
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
    here.will_list_one(&command, "cancel_1", Line::Cancel);
    let mut elsewhere = canceled(&command, &[1_000]);
    elsewhere.merchant_id = "another".to_owned();
    here.will_find(elsewhere);
    here.will_find(canceled(&command, &[1_000]));
    here.watched().await;
    here.watched().await;
    let payment = here.payment(command.payment).await;
    assert_eq!(payment.balance().unwrap(), krw(9_000));
    assert_eq!(here.booked_and_strange(), (1, 0));
}
