//! Approvals that are left to a worker: answered before anybody calls, and called once.

use std::time::Duration;

use application::ports::store::{Payments, Sagas};
use application::{Answered, Approve, ApproveError, KeyError, Outcome};
use domain::change::{Change, Hold};
use domain::id::{RawId, WorkerId};
use domain::payment::PayStatus;
use domain::snapshot::Status;
use tokio::time::{Instant, sleep};

use crate::installation::{Installation, done, snapshot};

async fn left(here: &Installation) -> Approve {
    let command = here.prepared("order-0001").await;
    Approve {
        asynchronous: true,
        ..command
    }
}

async fn leave(here: &Installation, command: &Approve) -> Answered {
    here.approve(command, "k").await.expect("left")
}

/// Lets what a pass has begun go as far as it goes.
async fn recover(here: &Installation) {
    here.app.recover().await.unwrap();
    sleep(Duration::from_millis(10)).await;
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_and_nobody_has_called() {
    let here = Installation::new();
    let command = left(&here).await;
    let begun = Instant::now();
    let answered = leave(&here, &command).await;
    assert_eq!(begun.elapsed(), Duration::ZERO);
    assert!(
        matches!(answered.outcome, Outcome::Pending(_)),
        "{answered:?}"
    );
    assert!(here.keys_used().is_empty());
    let payment = here.payment(command.payment).await;
    assert_eq!(payment.status(), PayStatus::InProgress);
    let events = here.memory.events(command.payment, 0, 10).await.unwrap();
    let payload = String::from_utf8(events[1].payload.clone()).unwrap();
    assert!(payload.contains(r#""asynchronous":true"#), "{payload}");
}

#[tokio::test(start_paused = true)]
async fn a_worker_calls_at_once_and_only_once() {
    let here = Installation::new();
    let command = left(&here).await;
    leave(&here, &command).await;
    here.will_answer(Duration::ZERO, done(&command));
    recover(&here).await;
    recover(&here).await;
    let payment = here.payment(command.payment).await;
    assert_eq!(payment.status(), PayStatus::Done);
    assert_eq!(here.keys_used().len(), 1);
    assert!(
        here.gateway.asked.lock().unwrap().is_empty(),
        "nothing was unknown"
    );
}

#[tokio::test(start_paused = true)]
async fn a_repeat_is_told_the_same_and_then_the_end() {
    let here = Installation::new();
    let command = left(&here).await;
    leave(&here, &command).await;
    let again = leave(&here, &command).await;
    assert!(again.replayed);
    assert!(matches!(again.outcome, Outcome::Pending(_)), "{again:?}");
    match here.approve(&command, "another").await {
        Err(ApproveError::Refused(_)) => {}
        other => panic!("a second approval: {other:?}"),
    }
    here.will_answer(Duration::ZERO, done(&command));
    recover(&here).await;
    let end = leave(&here, &command).await;
    assert!(matches!(end.outcome, Outcome::Ended(_)), "{end:?}");
    assert_eq!(here.keys_used().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_told_to_wait_still() {
    let here = Installation::new();
    let command = here.prepared("order-0001").await;
    here.will_answer(Duration::from_secs(5), done(&command));
    let (first, again) = tokio::join!(here.approve(&command, "k"), async {
        sleep(Duration::from_secs(1)).await;
        here.approve(&command, "k").await
    });
    assert!(matches!(first.unwrap().outcome, Outcome::Ended(_)));
    let again = again.unwrap_err();
    assert!(
        matches!(again, ApproveError::Key(KeyError::Running { .. })),
        "{again:?}"
    );
}

/// A worker that took it up and was lost may have called: whoever comes next asks first.
#[tokio::test(start_paused = true)]
async fn once_taken_up_it_is_asked_about_first() {
    let here = Installation::new();
    let command = left(&here).await;
    leave(&here, &command).await;
    let hold = Hold {
        holder: WorkerId::new(RawId::from_parts(2, 2)),
        lease: Duration::from_secs(15),
    };
    let now = here.app.clock().now();
    let saga = here
        .memory
        .claim_sagas(now, hold, 10)
        .await
        .unwrap()
        .remove(0);
    assert!(saga.is_left());
    let expected = saga.version;
    let saga = Box::new(saga.taken_up(now));
    here.memory
        .commit_now(&[Change::UpdateSaga { saga, expected }])
        .unwrap();
    sleep(Duration::from_secs(16)).await;
    here.will_show(domain::snapshot::Answer::Found(Box::new(snapshot(
        &command,
        Status::Done,
        10_000,
    ))));
    recover(&here).await;
    assert!(here.keys_used().is_empty(), "called without having asked");
    assert_eq!(here.gateway.asked.lock().unwrap().len(), 1);
    let payment = here.payment(command.payment).await;
    assert_eq!(payment.status(), PayStatus::Done);
}

/// A gateway without a window of its own would take the money, long after the buyer went.
#[tokio::test(start_paused = true)]
async fn what_nobody_took_up_in_time_is_not_called_any_more() {
    let here = Installation::new();
    let command = left(&here).await;
    leave(&here, &command).await;
    sleep(Duration::from_mins(11)).await;
    here.will_answer(Duration::ZERO, done(&command));
    recover(&here).await;
    assert!(here.keys_used().is_empty(), "called after the window");
    let payment = here.payment(command.payment).await;
    assert_ne!(payment.status(), PayStatus::InProgress);
    assert_ne!(payment.status(), PayStatus::Done);
    let end = leave(&here, &command).await;
    assert!(matches!(end.outcome, Outcome::Ended(_)), "{end:?}");
}
