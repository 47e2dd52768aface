//! Holds, drains, questions on demand, and what the last process left.

use std::time::Duration;

use application::ports::store::Sagas;
use application::{Ended, Outcome};
use domain::change::Hold;
use domain::id::{RawId, WorkerId};
use domain::payment::PayStatus;
use domain::snapshot::{Answer, Cause, Status};
use tokio::time::sleep;

use crate::installation::{Installation, done, snapshot};
use crate::store::Fault;

fn rival() -> Hold {
    Hold {
        holder: WorkerId::new(RawId::from_parts(2, 2)),
        lease: Duration::from_secs(15),
    }
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_keeps_the_hold_while_a_call_is_out() {
    let here = Installation::new();
    let command = here.prepared("order-0001").await;
    here.will_answer(Duration::from_secs(55), done(&command));
    here.approve(&command, "k").await.unwrap();
    for _ in 0..9 {
        let now = here.app.clock().now();
        let stolen = here.memory.claim_sagas(now, rival(), 10).await.unwrap();
        assert!(
            stolen.is_empty(),
            "a rival took a saga whose worker is alive"
        );
        sleep(Duration::from_secs(5)).await;
    }
    sleep(Duration::from_secs(5)).await;
    assert_eq!(
        here.payment(command.payment).await.status(),
        PayStatus::Done
    );
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_hangs_delays_no_answer() {
    let here = Installation::new();
    let command = here.prepared("order-0001").await;
    here.store.is(Fault::RenewalsHang);
    here.will_answer(Duration::from_secs(7), done(&command));
    let begun = tokio::time::Instant::now();
    let answered = here.approve(&command, "k").await.unwrap();
    assert!(
        matches!(answered.outcome, Outcome::Ended(_)),
        "{answered:?}"
    );
    assert_eq!(begun.elapsed(), Duration::from_secs(7));
}

#[tokio::test(start_paused = true)]
async fn what_a_dead_worker_left_is_asked_about_first() {
    let here = Installation::new();
    let command = here.prepared("order-0001").await;
    here.will_answer(Duration::from_secs(30), Answer::Unknown(Cause::Lost));
    here.approve(&command, "k").await.unwrap();
    // The worker dies: its lease ends, nobody renews it.
    here.memory.end_leases();
    here.will_show(done(&command));
    here.app.recover().await.unwrap();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(
        here.payment(command.payment).await.status(),
        PayStatus::Done
    );
    assert_eq!(here.keys_used().len(), 1, "asked, not called again");
    // The dead worker wakes: its fence is old, so it changes nothing.
    sleep(Duration::from_mins(1)).await;
    assert_eq!(here.memory.all_entries().len(), 1);
    assert!(here.memory.all_sagas()[0].is_closed());
}

#[tokio::test(start_paused = true)]
async fn who_lost_the_saga_is_told_how_another_ended_it() {
    let here = Installation::new();
    let command = here.prepared("order-0001").await;
    here.will_answer(Duration::from_secs(5), done(&command));
    let taken_over = async {
        sleep(Duration::from_secs(1)).await;
        here.memory.end_leases();
        here.will_show(done(&command));
        here.app.recover().await.unwrap();
    };
    let (answered, ()) = tokio::join!(here.approve(&command, "k"), taken_over);
    let outcome = answered.unwrap().outcome;
    let told = matches!(outcome, Outcome::Ended(Ended::Approved { .. }));
    assert!(told, "{outcome:?}");
    assert_eq!(here.memory.all_entries().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_drain_lets_go_and_the_next_process_goes_on() {
    let here = Installation::new();
    let command = here.prepared("order-0001").await;
    here.will_answer(Duration::ZERO, Answer::Unknown(Cause::Lost));
    let waiting = {
        let (app, caller) = (here.app.clone(), here.caller.clone());
        let keyed = crate::installation::keyed("k", 1);
        let command = command.clone();
        here.tasks
            .spawn(async move { app.approve(caller, command, keyed).await })
    };
    sleep(Duration::from_secs(1)).await;
    here.drain.cancel();
    here.tasks.close();
    tokio::time::timeout(Duration::from_secs(1), here.tasks.wait())
        .await
        .unwrap();
    assert!(matches!(
        waiting.await.unwrap().unwrap().outcome,
        Outcome::Pending(_)
    ));
    let later = here.app.clock().now() + chrono::TimeDelta::seconds(2);
    let next = here.memory.claim_sagas(later, rival(), 10).await.unwrap();
    assert_eq!(
        next.len(),
        1,
        "the hold was released, not left to its lease"
    );
}

#[tokio::test(start_paused = true)]
async fn reading_a_stuck_payment_asks_but_not_too_often() {
    let here = Installation::new();
    let command = here.prepared("order-0001").await;
    here.will_answer(
        Duration::ZERO,
        Answer::Unknown(Cause::Unreadable("NEW".into())),
    );
    here.approve(&command, "k").await.unwrap();
    // Used up the early questions; the next one would be minutes away.
    let open = || Answer::Found(Box::new(snapshot(&command, Status::InProgress, 10_000)));
    here.tasks.spawn(here.app.clone().recover_continuously());
    (0..5).for_each(|_| here.will_show(open()));
    sleep(Duration::from_secs(100)).await;
    let before = here.gateway.asked.lock().unwrap().len();
    (0..5).for_each(|_| here.will_show(open()));
    for _ in 0..40 {
        here.app
            .payment(&here.caller, command.payment)
            .await
            .unwrap();
        sleep(Duration::from_millis(100)).await;
    }
    let asked = here.gateway.asked.lock().unwrap().len() - before;
    assert!((1..=3).contains(&asked), "{asked} questions in 4 s");
}

#[tokio::test(start_paused = true)]
async fn reading_hastens_a_call_that_was_not_sent() {
    let here = Installation::new();
    let command = here.prepared("order-0001").await;
    for _ in 0..2 {
        here.will_answer(Duration::ZERO, Answer::Unknown(Cause::NotSent));
    }
    let answered = here.approve(&command, "k").await.unwrap();
    assert!(matches!(answered.outcome, Outcome::Pending(_)));
    here.tasks.spawn(here.app.clone().recover_continuously());
    here.will_show(done(&command));
    sleep(Duration::from_secs(1)).await;
    assert_eq!(here.gateway.asked.lock().unwrap().len(), 0, "not due yet");
    let read = here.app.payment(&here.caller, command.payment).await;
    read.unwrap();
    sleep(Duration::from_secs(1)).await;
    let status = here.payment(command.payment).await.status();
    assert_eq!(status, PayStatus::Done);
}

#[tokio::test(start_paused = true)]
async fn questions_that_cannot_be_sent_are_asked_again_at_the_same_pace() {
    let here = Installation::new();
    let command = here.prepared("order-0001").await;
    here.will_answer(Duration::ZERO, Answer::Unknown(Cause::Lost));
    here.will_show(Answer::Unknown(Cause::Lost));
    (0..20).for_each(|_| here.will_show(Answer::Unknown(Cause::NotSent)));
    here.will_show(done(&command));
    here.approve(&command, "k").await.unwrap();
    here.tasks.spawn(here.app.clone().recover_continuously());
    sleep(Duration::from_secs(150)).await;
    let asked = here.gateway.asked.lock().unwrap().clone();
    let gaps = asked.windows(2).map(|two| two[1] - two[0]);
    // One was sent, so the second pause it is; a pass of recovery may come a second later.
    let second = Duration::from_secs(5)..=Duration::from_secs(6);
    assert!(gaps.into_iter().all(|gap| second.contains(&gap)));
    assert_eq!(asked.len(), 22, "an answer as soon as the gateway is back");
    let status = here.payment(command.payment).await.status();
    assert_eq!(status, PayStatus::Done);
}

#[tokio::test(start_paused = true)]
async fn recovery_runs_by_itself_from_the_start() {
    let here = Installation::new();
    let command = here.prepared("order-0001").await;
    here.will_answer(Duration::ZERO, Answer::Unknown(Cause::Lost));
    here.approve(&command, "k").await.unwrap();
    here.tasks.spawn(here.app.clone().recover_continuously());
    here.will_show(done(&command));
    sleep(Duration::from_secs(200)).await;
    assert_eq!(
        here.payment(command.payment).await.status(),
        PayStatus::Done
    );
}

#[tokio::test(start_paused = true)]
async fn an_order_that_shows_another_authentication_costs_no_wait() {
    let here = Installation::new();
    let command = here.prepared("order-0001").await;
    let mut other = snapshot(&command, Status::InProgress, 10_000);
    other.payment_key = "tgen_key0002".parse().unwrap();
    here.will_answer(Duration::ZERO, Answer::Unknown(Cause::Lost));
    here.will_show(Answer::Unknown(Cause::Lost));
    here.will_show(Answer::Found(Box::new(other)));
    here.will_show(done(&command));
    let begun = tokio::time::Instant::now();
    let answered = here.approve(&command, "k").await.unwrap();
    assert!(matches!(answered.outcome, Outcome::Ended(_)));
    // Asked after 2 s by key, 5 s later by order, and by key again without waiting 15 s.
    assert!(begun.elapsed() < Duration::from_secs(8));
    assert_eq!(here.gateway.asked.lock().unwrap().len(), 3);
}
