//! The alarm about stuck sagas, and the end of old idempotency keys.

use std::time::Duration;

use application::{KeyError, Outcome, PrepareError, Upkeep};
use domain::snapshot::{Answer, Cause};
use tokio::time::sleep;

use crate::installation::{Installation, done, keyed, order};
use crate::store::Fault;

const DAY: Duration = Duration::from_hours(24);

#[tokio::test(start_paused = true)]
async fn a_stuck_saga_is_reported_once_by_each_process() {
    let here = Installation::new();
    let command = here.prepared("order-0001").await;
    here.will_answer(Duration::ZERO, Answer::Unknown(Cause::Lost));
    here.approve(&command, "k").await.unwrap();
    let mut upkeep = Upkeep::default();
    let mut waited = Duration::ZERO;
    while here.app.report_stuck(&mut upkeep).await.unwrap() == 0 {
        sleep(Duration::from_secs(10)).await;
        waited += Duration::from_secs(10);
        assert!(waited < Duration::from_mins(11), "never reported");
    }
    let patience = Duration::from_secs(8);
    assert!(waited + patience >= Duration::from_mins(10), "{waited:?}");

    // Another one becomes stuck: only that one is news.
    let second = here.prepared("order-0002").await;
    here.will_answer(Duration::ZERO, Answer::Unknown(Cause::Lost));
    here.approve(&second, "k-2").await.unwrap();
    assert_eq!(here.app.report_stuck(&mut upkeep).await.unwrap(), 0);
    sleep(Duration::from_mins(10)).await;
    assert_eq!(here.app.report_stuck(&mut upkeep).await.unwrap(), 1);
    assert_eq!(here.app.report_stuck(&mut upkeep).await.unwrap(), 0);
    let mut restarted = Upkeep::default();
    assert_eq!(here.app.report_stuck(&mut restarted).await.unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_settled_in_time_is_not_reported() {
    let here = Installation::new();
    let command = here.prepared("order-0001").await;
    here.will_answer(Duration::ZERO, done(&command));
    here.approve(&command, "k").await.unwrap();
    sleep(DAY).await;
    let mut upkeep = Upkeep::default();
    assert_eq!(here.app.report_stuck(&mut upkeep).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_was_away_is_swept_later() {
    let here = Installation::new();
    here.tasks.spawn(here.app.clone().keep_up_continuously());
    here.app
        .prepare(&here.caller, &order("order-0001"), Some(&keyed("k", 1)))
        .await
        .unwrap();
    sleep(14 * DAY + Duration::from_hours(23)).await;
    assert_eq!(here.memory.all_reservations().len(), 1, "kept 15 days");
    here.store.is(Fault::SweepsFail);
    sleep(Duration::from_hours(2)).await;
    assert_eq!(here.memory.all_reservations().len(), 1);
    here.store.is(None);
    sleep(Duration::from_mins(1)).await;
    assert_eq!(here.memory.all_reservations(), []);
    here.drain.cancel();
    here.tasks.close();
    let ended = tokio::time::timeout(Duration::from_secs(1), here.tasks.wait());
    ended.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_backlog_is_swept_without_pauses() {
    let here = Installation::new();
    for number in 0..250 {
        let key = keyed(&format!("k-{number}"), 1);
        let wanted = order(&format!("order-{number:04}"));
        let prepared = here.app.prepare(&here.caller, &wanted, Some(&key));
        prepared.await.unwrap();
    }
    sleep(15 * DAY + Duration::from_secs(1)).await;
    let begun = tokio::time::Instant::now();
    here.tasks.spawn(here.app.clone().keep_up_continuously());
    sleep(Duration::from_secs(1)).await;
    assert_eq!(here.memory.all_reservations(), []);
    assert!(begun.elapsed() < Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn an_issued_key_that_was_forgotten_is_not_taken_again() {
    let here = Installation::new();
    let issued = here.app.issue_key(&here.caller).await.unwrap();
    let key = keyed(issued.key.key.as_str(), 1);
    let wanted = order("order-0001");
    let prepare = || here.app.prepare(&here.caller, &wanted, Some(&key));
    let prepared = prepare().await.unwrap();
    assert!(matches!(prepared.outcome, Outcome::Ended(_)));
    sleep(15 * DAY + Duration::from_secs(1)).await;
    let mut upkeep = Upkeep::default();
    assert_eq!(here.app.sweep_keys(&mut upkeep).await.unwrap(), 1);
    let again = prepare().await;
    assert!(
        matches!(again, Err(PrepareError::Key(KeyError::NotIssued))),
        "{again:?}"
    );
}
