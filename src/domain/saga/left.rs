//! Owns sagas that nobody has begun with: left to a worker, until one takes them up.

use super::{Heard, Phase, Saga};
use crate::Timestamp;

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

    /// Taken up by a worker that is about to call. Committed before the call, as for any other.
    #[must_use]
    pub fn taken_up(mut self, now: Timestamp) -> Self {
        self.progress.unanswered = 1;
        self.progress.intent_at = now;
        self.version = self.version.saturating_add(1);
        self
    }
}
