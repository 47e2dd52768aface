//! Owns what goes wrong with the connections of a proxy: drawn from a seed, and counted.

use std::ops::RangeInclusive;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use serde::Serialize;

use crate::random::Dice;

/// What happens to one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Nothing.
    Calm,
    /// Each piece arrives later, either way.
    Slow(Duration),
    /// After so many bytes of answers both sides get a reset.
    Reset {
        /// So many.
        after: u64,
    },
    /// After so many bytes of answers it is closed, as if there were no more of them.
    Cut {
        /// So many.
        after: u64,
    },
    /// After so many bytes of answers nothing gets through, and nothing is closed.
    HalfOpen {
        /// So many.
        after: u64,
    },
}

/// What happens to one COMMIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CommitFate {
    /// Nothing.
    Pass,
    /// The server commits; its answer is held so long, then both sides get a reset.
    AnswerLost(Duration),
    /// It never reaches the server, and both sides get a reset.
    Lost,
}

/// How likely a connection meets what; the rest is calm.
#[derive(Clone, Debug)]
pub(crate) struct Odds {
    /// Of a thousand, how many are slow.
    pub(crate) slow: u64,
    /// Of a thousand, how many are reset.
    pub(crate) reset: u64,
    /// Of a thousand, how many are cut.
    pub(crate) cut: u64,
    /// Of a thousand, how many stay half-open.
    pub(crate) half_open: u64,
    /// How much later the pieces of a slow one arrive.
    pub(crate) delay: Duration,
    /// After how many bytes of answers the others are struck.
    pub(crate) after: RangeInclusive<u64>,
}

/// How likely a COMMIT meets what; the rest passes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CommitOdds {
    /// Of a thousand, how many lose their answer.
    pub(crate) answer_lost: u64,
    /// Of a thousand, how many are lost themselves.
    pub(crate) lost: u64,
    /// How long an answer is held before it is lost.
    pub(crate) held: Duration,
    /// How many answers are lost at most.
    pub(crate) answers_lost_max: u64,
}

/// What has happened so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Tally {
    /// Connections that were carried.
    pub(crate) connections: u64,
    /// Of these: slow ones.
    pub(crate) slow: u64,
    /// Reset ones.
    pub(crate) resets: u64,
    /// Ones that were closed in mid-answer.
    pub(crate) cuts: u64,
    /// Ones that stayed half-open.
    pub(crate) half_open: u64,
    /// COMMITs seen.
    pub(crate) commits: u64,
    /// COMMITs that took place and whose answers were lost.
    pub(crate) answers_lost: u64,
    /// COMMITs that were lost themselves.
    pub(crate) commits_lost: u64,
}

/// What goes wrong from now on.
#[derive(Debug)]
pub(super) struct Plan {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    dice: Dice,
    odds: Option<Odds>,
    commits: Option<CommitOdds>,
    tally: Tally,
}

impl Plan {
    /// Calm, until told otherwise; all else follows from the seed and the order of events.
    pub(super) fn new(dice: Dice) -> Self {
        Self {
            state: Mutex::new(State {
                dice,
                odds: None,
                commits: None,
                tally: Tally::default(),
            }),
        }
    }

    /// Connections made from now on meet these odds, and those made before go on meeting theirs.
    pub(super) fn trouble(&self, odds: Odds) {
        self.state().odds = Some(odds);
    }

    /// COMMITs meet these odds from now on.
    pub(super) fn trouble_commits(&self, odds: CommitOdds) {
        self.state().commits = Some(odds);
    }

    /// Nothing more goes wrong; what is half-open stays so, as a dead peer would.
    pub(super) fn calm(&self) {
        let mut state = self.state();
        state.odds = None;
        state.commits = None;
    }

    pub(super) fn tally(&self) -> Tally {
        self.state().tally
    }

    /// What a new connection will meet.
    pub(super) fn connection(&self) -> Fate {
        let mut state = self.state();
        count(&mut state.tally.connections);
        let Some(odds) = state.odds.clone() else {
            return Fate::Calm;
        };
        let drawn = state.dice.below(1000);
        let after = state.dice.between(*odds.after.start(), *odds.after.end());
        let mut limit = 0_u64;
        let mut within = |share: u64| {
            limit = limit.saturating_add(share);
            drawn < limit
        };
        if within(odds.slow) {
            count(&mut state.tally.slow);
            Fate::Slow(odds.delay)
        } else if within(odds.reset) {
            Fate::Reset { after }
        } else if within(odds.cut) {
            Fate::Cut { after }
        } else if within(odds.half_open) {
            Fate::HalfOpen { after }
        } else {
            Fate::Calm
        }
    }

    /// Whether `fate`, which was drawn before, strikes now; counted where it does.
    pub(super) fn strikes(&self, fate: Fate) -> bool {
        let mut state = self.state();
        let State { odds, tally, .. } = &mut *state;
        let counter = match fate {
            Fate::Calm | Fate::Slow(_) => return false,
            Fate::Reset { .. } => &mut tally.resets,
            Fate::Cut { .. } => &mut tally.cuts,
            Fate::HalfOpen { .. } => &mut tally.half_open,
        };
        if odds.is_some() {
            count(counter);
        }
        odds.is_some()
    }

    /// How much later a piece of a slow connection arrives now.
    pub(super) fn delay(&self, fate: Fate) -> Duration {
        match fate {
            Fate::Slow(delay) if self.state().odds.is_some() => delay,
            Fate::Slow(_)
            | Fate::Calm
            | Fate::Reset { .. }
            | Fate::Cut { .. }
            | Fate::HalfOpen { .. } => Duration::ZERO,
        }
    }

    /// What the COMMIT that a client just sent meets.
    pub(super) fn commit(&self) -> CommitFate {
        let mut state = self.state();
        count(&mut state.tally.commits);
        let Some(odds) = state.commits else {
            return CommitFate::Pass;
        };
        let drawn = state.dice.below(1000);
        if drawn < odds.answer_lost {
            CommitFate::AnswerLost(odds.held)
        } else if drawn < odds.answer_lost.saturating_add(odds.lost) {
            count(&mut state.tally.commits_lost);
            CommitFate::Lost
        } else {
            CommitFate::Pass
        }
    }

    /// Whether the answer that has just come is lost; counted where it is.
    pub(super) fn loses_answer(&self) -> bool {
        let mut state = self.state();
        let lost = state.tally.answers_lost;
        let loses = state
            .commits
            .is_some_and(|odds| lost < odds.answers_lost_max);
        if loses {
            count(&mut state.tally.answers_lost);
        }
        loses
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("nothing panics while it is locked")
    }
}

fn count(counter: &mut u64) {
    *counter = counter.saturating_add(1);
}
