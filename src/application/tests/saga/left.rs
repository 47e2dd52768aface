//! Owns approvals that nobody waits for: a client that leaves once it is promised, and workers that
//! do the rest, whatever goes wrong with them.

use std::time::Duration;

use application::{ActError, Approve, KeyError};
use domain::payment::PayStatus;
use domain::saga::Saga;
use domain::text::PaymentKey;
use tokio::time::{Instant, sleep};

use crate::bugs::Bug;
use crate::faults::{Fault, OF_APPROVAL, of_calls_and_commits};
use crate::judge::breaches;
use crate::scripts::all_well;
use crate::world::{AMOUNT, World, in_virtual_time, keyed};

/// Longer than it takes to be promised, whatever goes wrong with that.
const PROMISED_WITHIN: Duration = Duration::from_mins(1);
/// The window, the longest pause between questions, and the way there.
const DONE_WITHIN: Duration = Duration::from_mins(40);

/// Asks until a worker is promised, and not a moment longer; when that was.
pub(crate) async fn leave(world: &World, key: &PaymentKey) -> Instant {
    let begun = Instant::now();
    loop {
        let command = Approve {
            payment: world.payment,
            payment_key: key.clone(),
            gateway_order: world.order,
            amount_minor: AMOUNT,
            asynchronous: true,
        };
        let keyed = keyed(&format!("approve-{key}"));
        match world
            .app
            .approve(world.caller.clone(), command, keyed)
            .await
        {
            Ok(_) => return Instant::now(),
            // Whether it was written is not known: the same again.
            Err(
                ActError::Store(_)
                | ActError::Contended
                | ActError::Key(KeyError::Running { .. } | KeyError::Store(_)),
            ) => {}
            Err(refused) => panic!("refused: {refused:?}"),
        }
        assert!(
            begun.elapsed() < PROMISED_WITHIN,
            "nobody promises anything"
        );
        sleep(Duration::from_secs(1)).await;
    }
}

/// Whether workers have done it, although nobody asks.
pub(crate) async fn done(world: &World) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < DONE_WITHIN {
        if world.memory.all_sagas().iter().all(Saga::is_closed) {
            return true;
        }
        sleep(Duration::from_secs(10)).await;
    }
    false
}

/// Runs one script to its end; what is wrong afterwards.
fn run(faults: &[Fault], bug: Option<Bug>) -> Vec<String> {
    in_virtual_time(async {
        let world = World::new(faults, bug).await;
        let key = world.authenticate("tgen_script0001");
        leave(&world, &key).await;
        let is_done = done(&world).await;
        // Whoever comes back with the key is told how it ended.
        world.approve_until_final(&key).await;
        let settled = world.settle().await;
        breaches(&world, is_done && settled).await
    })
}

#[test]
fn a_worker_begins_at_once_although_nobody_waits() {
    in_virtual_time(async {
        let world = World::new(&[], None).await;
        let key = world.authenticate("tgen_script0001");
        let promised = leave(&world, &key).await;
        assert_eq!(world.gateway.books.lock().unwrap().confirms_with_effect, 0);
        while world.memory_payment().await.status() != PayStatus::Done {
            assert!(promised.elapsed() < Duration::from_secs(15));
            sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(world.gateway.books.lock().unwrap().confirms_with_effect, 1);
    });
}

#[test]
fn scripts_of_length_0_to_2() {
    (0..=2).for_each(|length| all_well(&OF_APPROVAL, length, |faults| run(faults, None)));
}

#[test]
fn exhaustive_scripts_of_length_3() {
    all_well(&OF_APPROVAL, 3, |faults| run(faults, None));
}

#[test]
fn exhaustive_scripts_of_calls_and_commits_of_length_4() {
    all_well(of_calls_and_commits(), 4, |faults| run(faults, None));
}

/// The scripts can fail: of what workers may get wrong, each is found here, too.
#[test]
fn bugs_are_found() {
    for (bug, script) in [
        (Bug::LostIsDeclined, vec![Fault::AnswerLost]),
        (
            Bug::NotFoundIsOver,
            vec![Fault::AnswerLost, Fault::QuestionNotFound],
        ),
        (Bug::AmountNotCompared, vec![Fault::WrongAmount]),
        (Bug::EntryForgotten, vec![]),
        (Bug::OutcomeForgotten, vec![]),
    ] {
        assert!(!run(&script, Some(bug)).is_empty(), "{bug:?} is not found");
        assert!(run(&script, None).is_empty(), "{script:?}");
    }
}
