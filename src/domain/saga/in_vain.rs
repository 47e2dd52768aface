//! Owns what every saga does about a call that tells nothing of an effect.

use std::time::Duration;

use super::{Absorbed, Heard, Phase, Saga};
use crate::{Ctx, after};

impl Saga {
    /// Provably nothing left this machine: the same call again, later.
    pub(super) fn not_sent(mut self, ctx: &Ctx<'_>) -> Self {
        self.progress.asks = self.progress.asks.saturating_add(1);
        let mut saga = self.ask_later(ctx).counted_again();
        saga.progress.phase = Phase::Call;
        saga
    }

    /// Sent, and no answer came.
    pub(super) fn lost(mut self, ctx: &Ctx<'_>) -> Self {
        self.progress.heard = Heard::Nothing;
        self.ask_later(ctx)
    }

    /// The key is in use by an earlier try, or we are told to slow down: still unanswered.
    pub(super) fn busy(mut self, retry_after_seconds: Option<u32>, ctx: &Ctx<'_>) -> Self {
        self.progress.heard = Heard::Nothing;
        let mut saga = self.ask_later(ctx).counted_again();
        let pause = Duration::from_secs(retry_after_seconds.unwrap_or(0).into());
        let earliest = after(ctx.now, pause);
        saga.progress.due_at = saga.progress.due_at.max(earliest);
        saga
    }

    /// What was heard decides what a question without an effect leads to; asked by the schedule.
    pub(super) fn heard_later(mut self, heard: Heard, ctx: &Ctx<'_>) -> Self {
        self.progress.heard = heard;
        self.ask_later(ctx)
    }

    /// As [`Self::heard_later`], asked at once.
    pub(super) fn heard_now(mut self, heard: Heard, ctx: &Ctx<'_>) -> Self {
        self.progress.heard = heard;
        self.ask_now(ctx)
    }
}

impl Absorbed {
    /// Nothing is booked yet; the saga goes on.
    pub(super) fn waiting(saga: Saga) -> Self {
        Self {
            saga,
            changes: Vec::new(),
        }
    }
}
