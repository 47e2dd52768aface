//! Owns the runs: undisturbed, and with the end of a process at every point it passes.

use crate::life::End;
use crate::world::{Trouble, breaches};

fn assert_well(trouble: Trouble) -> (bool, usize) {
    let judged = breaches(trouble, None);
    assert!(judged.wrong.is_empty(), "{trouble:?}: {:?}", judged.wrong);
    (judged.was_reached, judged.again)
}

#[test]
fn without_an_end_everything_is_told_once() {
    for (outage, poison) in [(false, false), (true, false), (false, true), (true, true)] {
        let trouble = Trouble {
            end: None,
            outage,
            poison,
        };
        assert_eq!(assert_well(trouble), (false, 0), "{trouble:?}");
    }
}

/// So many points are passed while events are written and told; afterwards both jobs only look.
const POINTS: u32 = 400;

/// How many events were told again, over ends at every `step`th point.
fn at_points(end: End, step: usize) -> usize {
    let again = (0..POINTS).step_by(step).map(|at| {
        let (was_reached, again) = assert_well(Trouble::all(Some((at, end))));
        assert!(was_reached, "point {at} is not passed");
        again
    });
    again.sum()
}

#[test]
fn a_death_loses_nothing() {
    at_points(End::Dies, 7);
}

#[test]
fn a_freeze_loses_nothing() {
    at_points(End::Freezes, 11);
}

#[test]
fn exhaustive_a_death_at_any_point_loses_nothing() {
    let again = at_points(End::Dies, 1);
    assert!(again > 0, "no death came between taking and the cursor");
}

#[test]
fn exhaustive_a_freeze_at_any_point_loses_nothing() {
    at_points(End::Freezes, 1);
}
