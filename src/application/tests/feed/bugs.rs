//! Owns the seeded bugs. Each is a mistake that somebody could make; each must turn runs red.

use crate::life::End;
use crate::world::{Trouble, breaches};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bug {
    /// The cursor moves before the event is taken.
    CursorFirst,
    /// The cursor moves to the last position there is, not to the last one that is done.
    SkipsToTheEnd,
    /// Positions are given by whoever believes to have the job.
    NoFence,
    /// It is not looked whether an earlier event of the payment is parked.
    ParkedIsForgotten,
    /// What cannot be taken now counts as taken.
    OutageIsOver,
    /// The cursor moves to the last event that was taken, past those that are still under way.
    LastTakenCounts,
}

const ALL: [Bug; 6] = [
    Bug::CursorFirst,
    Bug::SkipsToTheEnd,
    Bug::NoFence,
    Bug::ParkedIsForgotten,
    Bug::OutageIsOver,
    Bug::LastTakenCounts,
];

#[test]
fn each_seeded_bug_turns_a_run_red() {
    for bug in ALL {
        let caught = [End::Dies, End::Freezes].into_iter().any(|end| {
            let points = 0..40;
            points
                .map(|at| Trouble::all(Some((at, end))))
                .any(|trouble| !breaches(trouble, Some(bug)).wrong.is_empty())
        });
        assert!(caught, "no run noticed {bug:?}");
    }
}
