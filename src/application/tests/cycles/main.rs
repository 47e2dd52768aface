//! Subscriptions over simulated years: schedulers that are away for months, die at any point or
//! come too late, and a gateway that answers late, twice, or not at first. Whatever happens, every
//! cycle is there, none is charged twice, and nobody's trouble is anybody else's.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
#![expect(
    clippy::arithmetic_side_effects,
    reason = "counts of a few simulated years"
)]

mod world;

use domain::subscription::{CycleStatus, Missed, Status};
use world::{Trouble, World};

const SEEDS: u64 = 48;

#[tokio::test]
async fn a_thousand_outages_skip_no_cycle_and_charge_none_twice() {
    let (mut outages, mut paid, mut skipped, mut missed_late) = (0, 0, 0, 0);
    for seed in 0..SEEDS {
        let missed = Missed::ALL[usize::try_from(seed % 2).unwrap()];
        let mut world = World::new(seed, missed, Trouble::Some).await;
        world.live(5).await;
        world.settle_all().await;
        let lives = world.lives().await;
        for life in &lives {
            world.check(life);
            for cycle in &life.cycles {
                paid += u32::from(cycle.state.status() == CycleStatus::Paid);
                skipped += u32::from(cycle.state.status() == CycleStatus::Skipped);
            }
        }
        outages += world.outages;
        missed_late += world.late;
    }
    assert!(outages >= 1_000, "{outages}");
    assert!(paid > 2_000 && skipped > 100, "{paid} {skipped}");
    assert!(missed_late > 100, "{missed_late} came too late");
}

#[tokio::test]
async fn one_member_s_failure_changes_no_row_of_another() {
    let mut given_up = 0;
    for seed in 0..12 {
        let mut rows = Vec::new();
        for trouble in [Trouble::None, Trouble::FirstAlways] {
            let mut world = World::new(seed, Missed::ChargeEach, trouble).await;
            world.live(2).await;
            world.settle_all().await;
            let mut lives = world.lives().await;
            let first = lives.remove(0);
            given_up += u32::from(first.subscription.status == Status::Expired);
            rows.push(lives);
        }
        assert!(rows[0] == rows[1], "seed {seed}");
    }
    assert!(given_up >= 12, "{given_up}");
}
