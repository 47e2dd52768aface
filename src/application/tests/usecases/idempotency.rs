//! The contract of idempotency keys.

use std::time::Duration;

use application::{ApproveError, Cancel, CancelError, Ended, KeyError, Outcome, PrepareError};
use domain::decline::Decline;
use domain::snapshot::{Answer, Cause};
use tokio::time::sleep;

use crate::installation::{Installation, done, keyed, order};
use crate::store::Fault;

#[tokio::test(start_paused = true)]
async fn a_replay_tells_the_same_and_calls_nobody() {
    let here = Installation::new();
    let command = here.prepared("order-0001").await;
    here.will_answer(Duration::ZERO, done(&command));
    let first = here.approve(&command, "k").await.unwrap();
    let again = here.approve(&command, "k").await.unwrap();
    assert!(!first.replayed && again.replayed);
    assert_eq!(first.outcome, again.outcome);
    assert_eq!(here.keys_used().len(), 1);
}

/// The answer to its commit is lost while the database is still at it.
#[tokio::test(start_paused = true)]
async fn what_a_commit_in_doubt_has_begun_is_the_requests_own() {
    for fault in [Fault::AnswerLost, Fault::AnswerLate] {
        let here = Installation::new();
        let command = here.prepared("order-0001").await;
        here.will_answer(Duration::ZERO, done(&command));
        here.store.is(fault);
        let first = here.approve(&command, "k").await;
        let first = first.unwrap_or_else(|error| panic!("{fault:?}: {error:?}"));
        assert!(!first.replayed && matches!(first.outcome, Outcome::Ended(_)));
        assert_eq!(here.keys_used().len(), 1, "{fault:?}");
    }
}

/// The same request was sent twice at once, perhaps to two copies: the first is committed after the
/// second has asked for its key, and before it reads the payment.
#[tokio::test(start_paused = true)]
async fn a_twin_is_told_what_the_first_came_to_and_not_what_it_finds() {
    let here = Installation::new();
    let app = &here.app;
    let (caller, keyed_prepare) = (&here.caller, keyed("p", 2));
    let prepare = async || {
        app.prepare(caller, &order("order-0002"), Some(&keyed_prepare))
            .await
    };
    let first = prepare().await.unwrap();
    here.store.is(Fault::KeyMissedOnce);
    let twin = prepare().await.unwrap();
    assert!(twin.replayed && twin.outcome == first.outcome);
    here.store.is(Fault::KeyMissedOnce);
    let other = app
        .prepare(caller, &order("order-0002"), Some(&keyed("q", 2)))
        .await;
    assert!(
        matches!(other, Err(PrepareError::OrderTaken { .. })),
        "{other:?}"
    );

    let command = here.prepared("order-0001").await;
    here.will_answer(Duration::ZERO, done(&command));
    let first = here.approve(&command, "k").await.unwrap();
    here.store.is(Fault::KeyMissedOnce);
    let twin = here.approve(&command, "k").await.unwrap();
    assert!(twin.replayed && twin.outcome == first.outcome);
    here.store.is(Fault::KeyMissedOnce);
    let other = here.approve(&command, "l").await;
    assert!(matches!(other, Err(ApproveError::Refused(_))), "{other:?}");
    assert_eq!(here.keys_used().len(), 1);

    let unpaid = here.prepared("order-0003").await;
    let withdraw = async |key| {
        let all = Cancel {
            payment: unpaid.payment,
            amount_minor: None,
            tax_free_minor: None,
            reason: "changed my mind".parse().unwrap(),
            to: None,
        };
        app.cancel(caller.clone(), all, keyed(key, 3)).await
    };
    let first = withdraw("w").await.unwrap();
    here.store.is(Fault::KeyMissedOnce);
    let twin = withdraw("w").await.unwrap();
    assert!(twin.replayed && twin.outcome == first.outcome);
    here.store.is(Fault::KeyMissedOnce);
    let other = withdraw("x").await;
    assert!(matches!(other, Err(CancelError::Refused(_))), "{other:?}");
}

/// While the first is under way, its twin is told so and not that the payment is busy.
#[tokio::test(start_paused = true)]
async fn a_twin_of_a_request_under_way_is_told_to_come_back() {
    let here = Installation::new();
    let command = here.prepared("order-0001").await;
    here.will_answer(Duration::from_secs(2), done(&command));
    let (first, twin) = tokio::join!(here.approve(&command, "k"), async {
        sleep(Duration::from_secs(1)).await;
        here.store.is(Fault::KeyMissedOnce);
        here.approve(&command, "k").await
    });
    assert!(
        matches!(twin, Err(ApproveError::Key(KeyError::Running { .. }))),
        "{twin:?}"
    );
    assert!(!first.unwrap().replayed);
    assert_eq!(here.keys_used().len(), 1);
}

/// "Pending" would mean that nothing has to be sent again.
#[tokio::test(start_paused = true)]
async fn what_is_not_durable_in_time_is_to_be_sent_again() {
    let here = Installation::new();
    let command = here.prepared("order-0001").await;
    here.store.is(Fault::CommitsHang);
    let answered = here.approve(&command, "k").await;
    assert!(
        matches!(answered, Err(ApproveError::Key(KeyError::Running { .. }))),
        "{answered:?}"
    );
    here.store.is(None);
    here.will_answer(Duration::ZERO, done(&command));
    let again = here.approve(&command, "k").await.unwrap();
    assert!(matches!(
        again.outcome,
        Outcome::Ended(Ended::Approved { .. })
    ));
}

#[tokio::test(start_paused = true)]
async fn a_decline_is_replayed_too() {
    let here = Installation::new();
    let command = here.prepared("order-0001").await;
    here.will_answer(Duration::ZERO, Answer::Declined(Decline::session_expired()));
    let first = here.approve(&command, "k").await.unwrap();
    let again = here.approve(&command, "k").await.unwrap();
    assert_eq!(first.outcome, again.outcome);
    assert!(matches!(
        again.outcome,
        Outcome::Ended(Ended::Declined { .. })
    ));
}

#[tokio::test(start_paused = true)]
async fn another_body_is_refused_and_another_scope_is_another_key() {
    let here = Installation::new();
    let command = here.prepared("order-0001").await;
    here.will_answer(Duration::ZERO, done(&command));
    here.approve(&command, "k").await.unwrap();
    let other = here
        .app
        .approve(here.caller.clone(), command.clone(), keyed("k", 2))
        .await;
    assert!(
        matches!(other, Err(ApproveError::Key(KeyError::Reused))),
        "{other:?}"
    );
    let mut member = here.caller.clone();
    member.member = Some("member-1".parse().unwrap());
    // The key is new to the member, and a payment that does not name them is not there.
    let refused = here.app.approve(member, command, keyed("k", 2)).await;
    assert!(
        matches!(refused, Err(ApproveError::NotFound)),
        "{refused:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn while_patience_lasts_a_repeat_waits_and_afterwards_it_is_pending() {
    let here = Installation::new();
    let command = here.prepared("order-0001").await;
    here.will_answer(Duration::from_secs(40), done(&command));
    let first = {
        let (app, caller) = (here.app.clone(), here.caller.clone());
        let command = command.clone();
        here.tasks
            .spawn(async move { app.approve(caller, command, keyed("k", 1)).await })
    };
    tokio::time::sleep(Duration::from_secs(3)).await;
    match here.approve(&command, "k").await {
        Err(ApproveError::Key(KeyError::Running { retry_after })) => {
            assert_eq!(retry_after, Duration::from_secs(5));
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(
        first.await.unwrap().unwrap().outcome,
        Outcome::Pending(_)
    ));
    let again = here.approve(&command, "k").await.unwrap();
    assert!(again.replayed && matches!(again.outcome, Outcome::Pending(_)));
    assert_eq!(here.keys_used().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn sixty_four_at_once_make_one_call() {
    let here = Installation::new();
    let command = here.prepared("order-0001").await;
    here.will_answer(Duration::from_secs(1), done(&command));
    let all: Vec<_> = (0..64)
        .map(|_| {
            let (app, caller) = (here.app.clone(), here.caller.clone());
            let command = command.clone();
            here.tasks
                .spawn(async move { app.approve(caller, command, keyed("k", 1)).await })
        })
        .collect();
    let mut approved = 0;
    for one in all {
        match one.await.unwrap() {
            Ok(answered) => {
                assert!(matches!(
                    answered.outcome,
                    Outcome::Ended(Ended::Approved { .. })
                ));
                approved += 1;
            }
            Err(ApproveError::Key(KeyError::Running { .. })) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(approved, 1);
    assert_eq!(here.keys_used().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn issued_keys_are_bound_and_expire() {
    let here = Installation::new();
    let command = here.prepared("order-0001").await;
    let unknown = here.approve(&command, "idk_never-issued").await;
    assert!(
        matches!(unknown, Err(ApproveError::Key(KeyError::NotIssued))),
        "{unknown:?}"
    );
    let issued = here.app.issue_key(&here.caller).await.unwrap();
    here.will_answer(Duration::ZERO, done(&command));
    here.approve(&command, issued.key.key.as_str())
        .await
        .unwrap();
    let late = here.app.issue_key(&here.caller).await.unwrap();
    tokio::time::sleep(Duration::from_hours(25)).await;
    let expired = here.approve(&command, late.key.key.as_str()).await;
    assert!(
        matches!(expired, Err(ApproveError::Key(KeyError::NotIssued))),
        "{expired:?}"
    );
    let mut stranger = here.caller.clone();
    stranger.member = Some("member-1".parse().unwrap());
    let fresh = here.app.issue_key(&here.caller).await.unwrap();
    let keyed = keyed(fresh.key.key.as_str(), 1);
    let foreign = here.app.approve(stranger, command, keyed).await;
    assert!(
        matches!(foreign, Err(ApproveError::Key(KeyError::NotIssued))),
        "{foreign:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn preparing_with_a_key_is_replayed_whole() {
    let here = Installation::new();
    let command = order("order-0001");
    let key = keyed("prepare-1", 1);
    let first = here
        .app
        .prepare(&here.caller, &command, Some(&key))
        .await
        .unwrap();
    let again = here
        .app
        .prepare(&here.caller, &command, Some(&key))
        .await
        .unwrap();
    assert!(again.replayed);
    assert_eq!(first.outcome, again.outcome);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_stays_pending_under_its_key_until_it_is_resolved() {
    let here = Installation::new();
    let command = here.prepared("order-0001").await;
    here.will_answer(Duration::ZERO, Answer::Unknown(Cause::Lost));
    let first = here.approve(&command, "k").await.unwrap();
    assert!(matches!(first.outcome, Outcome::Pending(_)));
    tokio::time::sleep(Duration::from_mins(1)).await;
    here.will_show(done(&command));
    here.app.recover().await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let again = here.approve(&command, "k").await.unwrap();
    assert!(
        matches!(again.outcome, Outcome::Ended(Ended::Approved { .. })),
        "{again:?}"
    );
}
