//! Owns every order in which two requests on one payment come through the ports: approvals with two
//! authentications, and two cancellations.

use crate::faults::{Fault, OF_APPROVAL, OF_CANCELLATION};
use crate::judge::breaches;
use crate::scripts::{count, script};
use crate::turnstile::Side;
use crate::world::{World, in_virtual_time};

/// Until one of the two has committed and the other has seen it, with room for a retry.
const DECISIONS: u32 = 12;

fn approvals(faults: &[Fault], schedule: u32, decisions: u32) -> Vec<String> {
    in_virtual_time(async {
        let world = World::new(faults, None).await;
        let first = world.authenticate("tgen_first00001");
        let second = world.authenticate("tgen_second0001");
        world.turnstile.set(schedule, decisions);
        tokio::join!(
            world.approve_at(Side::First, &first),
            world.approve_at(Side::Second, &second),
        );
        let settled = world.settle().await;
        breaches(&world, settled).await
    })
}

fn cancellations(faults: &[Fault], schedule: u32, decisions: u32) -> Vec<String> {
    in_virtual_time(async {
        let world = World::paid(faults, None).await;
        world.turnstile.set(schedule, decisions);
        tokio::join!(
            world.cancel_at(Side::First, "cancel-1", 4_000),
            world.cancel_at(Side::Second, "cancel-2", 7_000),
        );
        let settled = world.settle().await;
        breaches(&world, settled).await
    })
}

/// Every script of this length ends well in every order of the first so many decisions.
fn all_well(
    alphabet: &[Fault],
    length: u32,
    decisions: u32,
    run: fn(&[Fault], u32, u32) -> Vec<String>,
) {
    for index in 0..count(alphabet, length) {
        let faults = script(alphabet, index, usize::try_from(length).unwrap());
        for schedule in 0..1 << decisions {
            let wrong = run(&faults, schedule, decisions);
            assert!(wrong.is_empty(), "{faults:?} {schedule:#b}: {wrong:?}");
        }
    }
}

#[test]
fn two_approvals_in_every_order() {
    all_well(&OF_APPROVAL, 0, DECISIONS, approvals);
}

#[test]
fn two_cancellations_in_every_order() {
    all_well(&OF_CANCELLATION, 0, DECISIONS, cancellations);
}

#[test]
fn exhaustive_two_approvals_in_every_order_with_faults() {
    all_well(&OF_APPROVAL, 1, 8, approvals);
    all_well(&OF_APPROVAL, 2, 5, approvals);
}

#[test]
fn exhaustive_two_cancellations_in_every_order_with_faults() {
    all_well(&OF_CANCELLATION, 1, 8, cancellations);
    all_well(&OF_CANCELLATION, 2, 5, cancellations);
}

/// The schedules do lead to different ends: either request can be the one that wins.
#[test]
fn the_order_decides_who_wins() {
    let winner = |schedule| {
        in_virtual_time(async {
            let world = World::new(&[], None).await;
            let first = world.authenticate("tgen_first00001");
            let second = world.authenticate("tgen_second0001");
            world.turnstile.set(schedule, DECISIONS);
            tokio::join!(
                world.approve_at(Side::First, &first),
                world.approve_at(Side::Second, &second),
            );
            world.settle().await;
            let books = world.gateway.books.lock().unwrap();
            let captured = books.accounts.iter().find(|a| a.captured.is_some());
            captured.unwrap().key.to_string()
        })
    };
    assert_eq!(winner(0), "tgen_first00001");
    assert_eq!(winner(u32::MAX), "tgen_second0001");
}
