//! Owns the scripts of the pace at which due cycles are charged: a backlog is worked off as fast as
//! is allowed, by all copies together, and no faster.

use std::time::Duration;

use application::ChargePace;
use domain::subscription::CycleStatus;
use tokio::time::sleep;

use crate::world::{World, in_virtual_time};

/// So many schedulers are at work in a world.
const COPIES: usize = 3;
const BACKLOG: u8 = 240;

fn paid(world: &World) -> usize {
    let cycles = world.memory.all_cycles();
    let paid = |cycle: &&domain::subscription::Cycle| cycle.state.status() == CycleStatus::Paid;
    cycles.iter().filter(paid).count()
}

#[test]
fn a_backlog_is_drained_at_the_configured_rate() {
    in_virtual_time(async {
        let world = World::with_subscriptions(BACKLOG, &[]).await;
        let per_second = COPIES * usize::try_from(ChargePace::default().per_second).unwrap();
        let mut seconds = 0;
        while paid(&world) < usize::from(BACKLOG) {
            sleep(Duration::from_secs(1)).await;
            seconds += 1;
            let most = per_second * seconds + COPIES;
            assert!(paid(&world) <= most, "{} in {seconds} s", paid(&world));
            assert!(seconds < 60, "{} in {seconds} s", paid(&world));
        }
        let ideal = usize::from(BACKLOG).div_ceil(per_second);
        assert!(seconds <= ideal * 3, "{seconds} s, and {ideal} would do");
        assert_eq!(
            world.gateway.books.lock().unwrap().confirms_with_effect,
            240
        );
    });
}
