//! Owns the scripts of cancellations: one, and two on one payment.

use std::time::Duration;

use domain::payment::PayStatus;

use crate::bugs::Bug;
use crate::faults::{Fault, OF_CANCELLATION, of_calls_and_commits};
use crate::judge::breaches;
use crate::scripts::{all_well, count, script, some_well};
use crate::two_sagas::OFFSETS;
use crate::world::{AMOUNT, World, in_virtual_time};

/// Runs one script over a part that is given back; what is wrong afterwards.
pub(crate) fn run(faults: &[Fault], bug: Option<Bug>) -> Vec<String> {
    run_for(4_000, faults, bug)
}

fn run_for(minor: i64, faults: &[Fault], bug: Option<Bug>) -> Vec<String> {
    in_virtual_time(async {
        let world = World::paid(faults, bug).await;
        world.cancel_until_final("cancel-1", minor).await;
        let settled = world.settle().await;
        // A last repeat is told what the first was told.
        world.cancel_until_final("cancel-1", minor).await;
        let mut wrong = breaches(&world, settled).await;
        let refusable = [Fault::Decline, Fault::Elsewhere];
        if !faults.iter().any(|fault| refusable.contains(fault)) && !world.gave_back("cancel-1") {
            wrong.push("what fits was not given back".to_owned());
        }
        wrong
    })
}

/// Two want something back, the second `offset` after the first.
fn run_two(faults: &[Fault], amounts: [i64; 2], offset: Duration) -> Vec<String> {
    in_virtual_time(async {
        let world = World::paid(faults, None).await;
        let late = async {
            tokio::time::sleep(offset).await;
            world.cancel_until_final("cancel-2", amounts[1]).await;
        };
        tokio::join!(world.cancel_until_final("cancel-1", amounts[0]), late);
        let settled = world.settle().await;
        breaches(&world, settled).await
    })
}

#[test]
fn without_a_fault_the_money_is_given_back_once() {
    in_virtual_time(async {
        let world = World::paid(&[], None).await;
        world.cancel_until_final("cancel-1", 4_000).await;
        world.cancel_until_final("cancel-2", 6_000).await;
        world.cancel_until_final("cancel-3", 1).await;
        assert!(world.settle().await);
        let payment = world.memory_payment().await;
        assert_eq!(payment.status(), PayStatus::Canceled);
        assert_eq!(payment.canceled.minor(), AMOUNT);
        assert_eq!(world.gateway.books.lock().unwrap().cancels_with_effect, 2);
    });
}

#[test]
fn every_fault_is_reached() {
    for fault in OF_CANCELLATION {
        let script = fault.with_a_reason();
        let used = in_virtual_time(async {
            let world = World::paid(&script, None).await;
            world.cancel_until_final("cancel-1", 4_000).await;
            world.cancel_until_final("cancel-2", 1).await;
            world.settle().await;
            world.is_used_up()
        });
        assert!(used, "{fault:?} never struck");
    }
}

#[test]
fn scripts_of_length_0_to_3() {
    (0..=3).for_each(|length| all_well(&OF_CANCELLATION, length, |faults| run(faults, None)));
}

#[test]
fn all_of_it_goes_back_in_scripts_of_length_0_to_2() {
    (0..=2).for_each(|length| {
        all_well(&OF_CANCELLATION, length, |faults| {
            run_for(AMOUNT, faults, None)
        });
    });
}

/// All 194,481 of them, some alike: a fault that strikes questions waits for one.
/// The quick run leaves tests named so out.
#[test]
fn exhaustive_scripts_of_length_4() {
    all_well(&OF_CANCELLATION, 4, |faults| run(faults, None));
}

/// Of 537,824, all but those that strike questions or come from elsewhere, one in nine;
/// `scripts/prove` runs them all.
#[test]
fn exhaustive_scripts_of_length_5() {
    some_well(of_calls_and_commits(), 5, |faults| run(faults, None));
}

#[test]
fn two_at_once_give_back_no_more_than_there_is() {
    for length in 0..=2_u32 {
        for index in 0..count(&OF_CANCELLATION, length) {
            let faults = script(&OF_CANCELLATION, index, usize::try_from(length).unwrap());
            for offset in OFFSETS {
                for amounts in [[4_000, 7_000], [5_000, 5_000]] {
                    let wrong = run_two(&faults, amounts, offset);
                    assert!(
                        wrong.is_empty(),
                        "{faults:?} {amounts:?} {offset:?}: {wrong:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn random_longer_scripts_give_back_no_more_than_there_is() {
    // A linear congruential sequence: any failure names its seed and replays from it.
    let mut seed = 20_261_121_u64;
    for _ in 0..3_000 {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let length = 3 + usize::try_from((seed >> 60) & 3).unwrap();
        let index = usize::try_from((seed >> 20) & 0xFFFF_FFFF).unwrap();
        let faults = script(&OF_CANCELLATION, index, length);
        let offset = Duration::from_millis((seed >> 33) & 0xF_FFFF);
        let wrong = run_two(&faults, [4_000, 7_000], offset);
        assert!(
            wrong.is_empty(),
            "seed {seed}: {faults:?} {offset:?}: {wrong:?}"
        );
    }
}
