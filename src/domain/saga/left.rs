//! Owns sagas that nobody has begun with: left to a worker, until one takes them up.

use super::{Heard, Phase, Policy, Saga};
use crate::decline::Decline;
use crate::snapshot::Answer;
use crate::{Timestamp, after};

impl Saga {
    /// Left to a worker before anybody could call.
    #[must_use]
    pub fn left(mut self) -> Self {
        self.progress.unanswered = 0;
        self
    }

    /// Whether nobody can have called yet.
    #[must_use]
    pub fn is_left(&self) -> bool {
        let progress = &self.progress;
        let untold = progress.asks == 0 && progress.heard == Heard::Nothing;
        progress.phase == Phase::Call && progress.n == 1 && progress.unanswered == 0 && untold
    }

    /// What became of it where nobody came in time: the buyer's authentication is over, and nobody
    /// can have called. A gateway that keeps no window of its own would take the money all the
    /// same, long after the buyer went.
    #[must_use]
    pub fn left_too_long(&self, policy: &Policy, now: Timestamp) -> Option<Answer> {
        let window_over = now >= after(self.head.created_at, policy.confirm_window);
        (self.is_left() && window_over).then(|| Answer::Declined(Decline::session_expired()))
    }

    /// Taken up by a worker that is about to call. Committed before the call, as for any other.
    #[must_use]
    pub fn taken_up(mut self, now: Timestamp) -> Self {
        self.progress.unanswered = 1;
        self.progress.intent_at = now;
        self.version = self.version.saturating_add(1);
        self
    }
}
