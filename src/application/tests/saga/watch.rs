//! Owns the watch in the scripts: others give money back at the gateway while we do, in every order
//! of calls and under faults; and the watch finds what a bug of ours lost.

use std::time::Duration;

use domain::payment::PayStatus;
use domain::text::PaymentKey;

use crate::bugs::Bug;
use crate::faults::{Fault, OF_CANCELLATION};
use crate::judge::{breaches, movements};
use crate::scripts::{all_well, count, script};
use crate::turnstile::Side;
use crate::two_sagas::OFFSETS;
use crate::world::{World, in_virtual_time};

const DECISIONS: u32 = 12;

fn paying_key() -> PaymentKey {
    "tgen_script0001".parse().unwrap()
}

/// Others give back a little while we give back a part, and a watch runs all along.
fn race(faults: &[Fault], schedule: u32, decisions: u32) -> Vec<String> {
    in_virtual_time(async {
        let world = World::paid(faults, None).await;
        world.turnstile.set(schedule, decisions);
        world.watch();
        tokio::join!(
            world.cancel_at(Side::First, "cancel-1", 4_000),
            world.console(paying_key()),
        );
        let settled = world.settle().await;
        breaches(&world, settled).await
    })
}

#[test]
fn others_race_with_ours_in_every_order() {
    for schedule in 0..1 << DECISIONS {
        let wrong = race(&[], schedule, DECISIONS);
        assert!(wrong.is_empty(), "{schedule:#b}: {wrong:?}");
    }
}

#[test]
fn exhaustive_others_race_with_ours_in_every_order_with_faults() {
    for (length, decisions) in [(1, 8), (2, 5)] {
        for index in 0..count(&OF_CANCELLATION, length) {
            let faults = script(&OF_CANCELLATION, index, usize::try_from(length).unwrap());
            for schedule in 0..1 << decisions {
                let wrong = race(&faults, schedule, decisions);
                assert!(wrong.is_empty(), "{faults:?} {schedule:#b}: {wrong:?}");
            }
        }
    }
}

/// The second `offset` after the first.
fn run(faults: &[Fault], offset: Duration) -> Vec<String> {
    in_virtual_time(async {
        let world = World::paid(faults, None).await;
        world.watch();
        let others = async {
            tokio::time::sleep(offset).await;
            world.console(paying_key()).await;
        };
        tokio::join!(world.cancel_until_final("cancel-1", 4_000), others);
        let settled = world.settle().await;
        breaches(&world, settled).await
    })
}

#[test]
fn scripts_of_length_0_to_2_under_a_watch() {
    for offset in OFFSETS {
        (0..=2).for_each(|length| all_well(&OF_CANCELLATION, length, |faults| run(faults, offset)));
    }
}

/// Without a request of ours nobody asks about the payment, but the watch does.
#[test]
fn what_only_others_gave_back_is_booked() {
    in_virtual_time(async {
        let world = World::paid(&[], None).await;
        tokio::time::sleep(Duration::from_hours(5)).await;
        world.console(paying_key()).await;
        let (mut unseen, mut seen) = (Vec::new(), Vec::new());
        movements(&world, &mut unseen);
        assert!(!unseen.is_empty(), "nobody looks");
        world.watch();
        assert!(world.settle().await);
        movements(&world, &mut seen);
        assert!(seen.is_empty(), "{seen:?}");
        let payment = world.memory_payment().await;
        assert_eq!(payment.status(), PayStatus::PartialCanceled);
        assert_eq!(payment.cancels[0].saga, None);
    });
}

/// A lost answer was taken for a decline: the money comes to light, and goes back.
#[test]
fn a_capture_that_a_bug_lost_is_given_back() {
    let run = |watched: bool| {
        in_virtual_time(async {
            let world = World::new(&[Fault::AnswerLost], Some(Bug::LostIsDeclined)).await;
            let key = world.authenticate("tgen_script0001");
            world.approve_until_final(&key).await;
            if watched {
                world.watch();
            }
            let settled = world.settle().await;
            breaches(&world, settled).await
        })
    };
    assert!(!run(false).is_empty(), "the bug has no effect");
    let wrong = run(true);
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// A late call was taken for a refusal: what it gave back is booked as the saga's that made it.
#[test]
fn a_late_refund_is_its_sagas() {
    in_virtual_time(async {
        let world = World::paid(&[Fault::RequestLate], Some(Bug::LostIsDeclined)).await;
        world.cancel_until_final("cancel-1", 4_000).await;
        assert!(!world.gave_back("cancel-1"), "the bug has no effect");
        world.watch();
        assert!(world.settle().await);
        let mut wrong = Vec::new();
        movements(&world, &mut wrong);
        assert!(wrong.is_empty(), "{wrong:?}");
        let sagas = world.memory.all_sagas();
        let maker = sagas.last().unwrap().head.id;
        let payment = world.memory_payment().await;
        assert_eq!(payment.cancels[0].saga, Some(maker));
        assert_eq!(world.memory.all_entries().last().unwrap().saga, Some(maker));
    });
}

/// An approval of ours whose answer is lost, and two services that watch: whoever looks early
/// leaves the capture to its saga.
fn approval_race(schedule: u32) -> Vec<String> {
    in_virtual_time(async {
        let world = World::new(&[Fault::AnswerLost], None).await;
        let key = world.authenticate("tgen_script0001");
        world.turnstile.set(schedule, DECISIONS);
        world.watch();
        world.watch_too();
        world.approve_at(Side::First, &key).await;
        let settled = world.settle().await;
        let mut wrong = breaches(&world, settled).await;
        if world
            .memory
            .all_entries()
            .iter()
            .any(|entry| entry.saga.is_none())
        {
            wrong.push("the watch booked what the saga was about to".to_owned());
        }
        wrong
    })
}

#[test]
fn an_approval_races_two_watches_in_every_order() {
    for schedule in (0..1 << DECISIONS).step_by(5) {
        let wrong = approval_race(schedule);
        assert!(wrong.is_empty(), "{schedule:#b}: {wrong:?}");
    }
}
