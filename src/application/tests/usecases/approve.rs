//! What is refused before anything is sent, and what each kind of answer leads to.

use std::time::Duration;

use application::ports::gateway::Refused;
use application::ports::store::Payments;
use application::{ApproveError, Ended, Outcome};
use domain::decline::{Class, Decline, Reason};
use domain::ledger::{Account, Movement};
use domain::payment::{ApproveRefusal, PayStatus};
use domain::snapshot::{Answer, Cancel, Cause, Status};
use tokio::time::Instant;

use crate::installation::{Installation, done, krw, snapshot};

fn decline(class: Class) -> Decline {
    Decline {
        reason: Reason::CardRefused,
        class,
        code: "REJECT_CARD_COMPANY".to_owned(),
        message: "refused".to_owned(),
    }
}

#[tokio::test(start_paused = true)]
async fn tampered_redirects_are_refused_before_any_call() {
    let here = Installation::new();
    let good = here.prepared("order-0001").await;
    let other = here.prepared("order-0002").await;
    let mut cheap = good.clone();
    cheap.amount_minor = 100;
    let mut negative = good.clone();
    negative.amount_minor = -1;
    let mut swapped = good.clone();
    swapped.gateway_order = other.gateway_order;
    for (command, amount) in [(cheap, true), (negative, true), (swapped, false)] {
        match here.approve(&command, "k").await {
            Err(ApproveError::Refused(ApproveRefusal::AmountMismatch)) => assert!(amount),
            Err(ApproveError::Refused(ApproveRefusal::OrderMismatch)) => assert!(!amount),
            other => panic!("{other:?}"),
        }
    }
    assert!(here.keys_used().is_empty());
    assert!(here.memory.all_sagas().is_empty());
    assert!(
        here.memory.all_reservations().is_empty(),
        "a refusal is never stored"
    );
}

#[tokio::test(start_paused = true)]
async fn somebody_elses_payment_does_not_exist() {
    let here = Installation::new();
    let command = here.prepared("order-0001").await;
    let mut stranger = here.caller.clone();
    stranger.scope.merchant = domain::id::MerchantId::new(domain::id::RawId::from_parts(9, 9));
    let keyed = crate::installation::keyed("k", 1);
    let refused = here.app.approve(stranger, command, keyed).await;
    assert!(
        matches!(refused, Err(ApproveError::NotFound)),
        "{refused:?}"
    );
    assert!(here.keys_used().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_open_breaker_refuses_before_the_first_commit() {
    let here = Installation::new();
    let command = here.prepared("order-0001").await;
    *here.gateway.refused.lock().unwrap() = Some(Refused::BulkheadFull);
    let refused = here.approve(&command, "k").await;
    assert!(
        matches!(refused, Err(ApproveError::Gateway(Refused::BulkheadFull))),
        "{refused:?}"
    );
    assert!(here.memory.all_sagas().is_empty());
    assert_eq!(
        here.payment(command.payment).await.status(),
        PayStatus::Ready
    );
}

#[tokio::test(start_paused = true)]
async fn a_buyers_decline_allows_another_try_and_a_merchants_does_not() {
    for (class, status) in [
        (Class::Buyer, PayStatus::Ready),
        (Class::Merchant, PayStatus::Aborted),
    ] {
        let here = Installation::new();
        let command = here.prepared("order-0001").await;
        here.will_answer(Duration::ZERO, Answer::Declined(decline(class)));
        let answered = here.approve(&command, "k").await.unwrap();
        assert!(matches!(
            answered.outcome,
            Outcome::Ended(Ended::Declined { .. })
        ));
        let payment = here.payment(command.payment).await;
        assert_eq!(payment.status(), status);
        assert_eq!(
            payment.state.declined().unwrap().code,
            "REJECT_CARD_COMPANY"
        );
        assert!(here.memory.all_entries().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_temporary_error_takes_a_new_key_only_after_a_question() {
    let here = Installation::new();
    let command = here.prepared("order-0001").await;
    here.will_answer(
        Duration::ZERO,
        Answer::Unknown(Cause::Temporary("PROVIDER_ERROR".into())),
    );
    here.will_show(Answer::Found(Box::new(snapshot(
        &command,
        Status::InProgress,
        10_000,
    ))));
    here.will_answer(Duration::ZERO, done(&command));
    let answered = here.approve(&command, "k").await.unwrap();
    assert!(
        matches!(answered.outcome, Outcome::Ended(Ended::Approved { .. })),
        "{answered:?}"
    );
    let keys = here.keys_used();
    assert_eq!(keys.len(), 2);
    assert!(
        keys[0].ends_with("-1") && keys[1].ends_with("-2"),
        "{keys:?}"
    );
    assert_eq!(here.gateway.asked.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_repeats_the_same_key() {
    let here = Installation::new();
    let command = here.prepared("order-0001").await;
    here.will_answer(Duration::ZERO, Answer::Unknown(Cause::Lost));
    here.will_show(Answer::NotFound);
    here.will_answer(Duration::ZERO, done(&command));
    here.approve(&command, "k").await.unwrap();
    let keys = here.keys_used();
    assert_eq!(keys.len(), 2);
    assert_eq!(keys[0], keys[1]);
}

#[tokio::test(start_paused = true)]
async fn a_5xx_refusal_closes_once_a_question_shows_no_effect() {
    let here = Installation::new();
    let command = here.prepared("order-0001").await;
    let refused = Cause::Refused(decline(Class::Buyer));
    here.will_answer(Duration::ZERO, Answer::Unknown(refused));
    here.will_show(Answer::Found(Box::new(snapshot(
        &command,
        Status::InProgress,
        10_000,
    ))));
    let answered = here.approve(&command, "k").await.unwrap();
    assert!(matches!(
        answered.outcome,
        Outcome::Ended(Ended::Declined { .. })
    ));
    assert_eq!(here.keys_used().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_amount_is_booked_to_suspense_and_given_back() {
    let here = Installation::new();
    let command = here.prepared("order-0001").await;
    let wrong = snapshot(&command, Status::Done, 10_001);
    here.will_answer(Duration::ZERO, Answer::Found(Box::new(wrong.clone())));
    here.will_show(Answer::Found(Box::new(wrong.clone())));
    let mut given_back = wrong;
    given_back.status = Status::Canceled;
    given_back.balance = Some(krw(0));
    given_back.cancels.push(Cancel {
        transaction_key: "txrd_2".parse().unwrap(),
        amount: krw(10_001),
        tax_free: Some(krw(0)),
        reason: String::new(),
        done: true,
        canceled_at: None,
    });
    let answered = here.approve(&command, "k").await.unwrap();
    assert!(matches!(
        answered.outcome,
        Outcome::Ended(Ended::Declined { .. })
    ));
    assert_eq!(
        here.payment(command.payment).await.status(),
        PayStatus::InProgress
    );
    here.will_show(Answer::NotFound);
    here.will_show(Answer::Found(Box::new(given_back)));
    for _ in 0..20 {
        here.app.recover().await.unwrap();
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    let payment = here.payment(command.payment).await;
    assert_eq!(payment.status(), PayStatus::Aborted);
    let entries = here.memory.entries(command.payment).await.unwrap();
    let booked: Vec<_> = entries
        .iter()
        .map(|e| (e.debit, e.credit, e.amount.minor()))
        .collect();
    let (receivable, suspense) = (Account::GatewayReceivable, Account::Suspense);
    assert_eq!(
        booked,
        [
            (receivable, suspense, 10_001),
            (suspense, receivable, 10_001)
        ]
    );
    assert_eq!(entries[0].movement, Movement::Capture);
}

#[tokio::test(start_paused = true)]
async fn a_lie_about_the_amount_is_not_booked() {
    let here = Installation::new();
    let command = here.prepared("order-0001").await;
    let lie = snapshot(&command, Status::Done, 12_345);
    here.will_answer(Duration::ZERO, Answer::Found(Box::new(lie)));
    here.will_show(done(&command));
    let answered = here.approve(&command, "k").await.unwrap();
    assert!(
        matches!(answered.outcome, Outcome::Ended(Ended::Approved { .. })),
        "{answered:?}"
    );
    let entries = here.memory.entries(command.payment).await.unwrap();
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].amount, krw(10_000));
}

#[tokio::test(start_paused = true)]
async fn patience_ends_in_pending_and_the_work_goes_on() {
    let here = Installation::new();
    let command = here.prepared("order-0001").await;
    here.will_answer(Duration::from_secs(30), done(&command));
    let begun = Instant::now();
    let answered = here.approve(&command, "k").await.unwrap();
    assert!(matches!(answered.outcome, Outcome::Pending(_)));
    assert_eq!(begun.elapsed(), Duration::from_secs(8));
    assert_eq!(answered.gateway_time, Duration::from_secs(8));
    tokio::time::sleep(Duration::from_secs(23)).await;
    assert_eq!(
        here.payment(command.payment).await.status(),
        PayStatus::Done
    );
    let again = here.approve(&command, "k").await.unwrap();
    assert!(again.replayed);
    assert!(matches!(
        again.outcome,
        Outcome::Ended(Ended::Approved { .. })
    ));
}

#[tokio::test(start_paused = true)]
async fn pauses_before_the_gateway_is_asked_again_are_the_gateways_time() {
    let here = Installation::new();
    let command = here.prepared("order-0001").await;
    here.will_answer(Duration::from_millis(300), Answer::Unknown(Cause::Lost));
    let begun = Instant::now();
    let answered = here.approve(&command, "k").await.unwrap();
    assert!(matches!(answered.outcome, Outcome::Pending(_)));
    // Asked after 2 s and 5 s; the next question would be later than anybody waits.
    assert_eq!(begun.elapsed(), Duration::from_millis(7_300));
    assert_eq!(answered.gateway_time, begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_leaves_changes_nothing() {
    let here = Installation::new();
    let command = here.prepared("order-0001").await;
    here.will_answer(Duration::from_secs(3), done(&command));
    let left = tokio::time::timeout(Duration::from_millis(50), here.approve(&command, "k")).await;
    assert!(left.is_err());
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(
        here.payment(command.payment).await.status(),
        PayStatus::Done
    );
    assert_eq!(here.keys_used().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn cancels_by_others_before_the_answer_are_booked_with_the_capture() {
    let here = Installation::new();
    let command = here.prepared("order-0001").await;
    let mut canceled = snapshot(&command, Status::PartialCanceled, 10_000);
    canceled.balance = Some(krw(7_000));
    canceled.cancels.push(Cancel {
        transaction_key: "txrd_2".parse().unwrap(),
        amount: krw(3_000),
        tax_free: Some(krw(0)),
        reason: "console".to_owned(),
        done: true,
        canceled_at: None,
    });
    here.will_answer(Duration::ZERO, Answer::Found(Box::new(canceled)));
    here.approve(&command, "k").await.unwrap();
    let payment = here.payment(command.payment).await;
    assert_eq!(payment.status(), PayStatus::PartialCanceled);
    assert_eq!(payment.balance().unwrap(), krw(7_000));
    assert_eq!(here.memory.entries(command.payment).await.unwrap().len(), 2);
    assert_eq!(
        here.memory
            .events(command.payment, 0, 9)
            .await
            .unwrap()
            .len(),
        4
    );
}
