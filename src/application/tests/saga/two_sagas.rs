//! Owns two attempts on one payment: two tabs, two payment keys, short scripts with the second
//! attempt at each kind of moment of the first, and random moments and scripts beyond.

use std::time::Duration;

use crate::faults::{Fault, OF_APPROVAL};
use crate::judge::breaches;
use crate::scripts::{count, script};
use crate::world::{World, in_virtual_time};

/// Runs two clients, the second `offset` milliseconds of virtual time after the first.
fn run(faults: &[Fault], offset: Duration) -> Vec<String> {
    in_virtual_time(async {
        let world = World::new(faults, None).await;
        let first = world.authenticate("tgen_first00001");
        let second = world.authenticate("tgen_second0001");
        let late = async {
            tokio::time::sleep(offset).await;
            world.approve_until_final(&second).await;
        };
        tokio::join!(world.approve_until_final(&first), late);
        let settled = world.settle().await;
        breaches(&world, settled).await
    })
}

/// Where the second client can come in between the steps of the first: at once, while its call
/// is out, between call and question, after the question, after a lease, near the window's end.
pub(crate) const OFFSETS: [Duration; 8] = [
    Duration::ZERO,
    Duration::from_millis(5),
    Duration::from_secs(1),
    Duration::from_secs(6),
    Duration::from_secs(8),
    Duration::from_secs(23),
    Duration::from_secs(75),
    Duration::from_secs(595),
];

#[test]
fn two_tabs_keep_at_most_one_capture() {
    for length in 0..=2_u32 {
        for index in 0..count(&OF_APPROVAL, length) {
            let faults = script(&OF_APPROVAL, index, usize::try_from(length).unwrap());
            for offset in OFFSETS {
                let wrong = run(&faults, offset);
                assert!(wrong.is_empty(), "{faults:?} {offset:?}: {wrong:?}");
            }
        }
    }
}

#[test]
fn random_longer_scripts_keep_at_most_one_capture() {
    // A linear congruential sequence: any failure names its seed and replays from it.
    let mut seed = 20_261_121_u64;
    for _ in 0..3_000 {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let length = 3 + usize::try_from((seed >> 60) & 3).unwrap();
        let faults = script(
            &OF_APPROVAL,
            usize::try_from((seed >> 20) & 0xFFFF_FFFF).unwrap(),
            length,
        );
        let offset = Duration::from_millis((seed >> 33) & 0xF_FFFF);
        let wrong = run(&faults, offset);
        assert!(
            wrong.is_empty(),
            "seed {seed}: {faults:?} {offset:?}: {wrong:?}"
        );
    }
}
