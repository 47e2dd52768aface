//! Owns how much of an answer is believed, and while what it may still be overtaken by a call.

use super::{Heard, Phase, Saga};
use crate::money::Money;
use crate::snapshot::{Answer, Cause};
use crate::{Ctx, after};

impl Saga {
    /// Book-keeping that every answer needs, before its meaning is looked at. Gives the surprise
    /// that the answer before it was: this one repeats it, or it is forgotten.
    pub(super) fn heard_back(&mut self, answer: &Answer, ctx: &Ctx<'_>) -> Option<Money> {
        if self.is_calling() {
            let lost = matches!(answer, Answer::Unknown(Cause::Lost));
            if !lost {
                self.progress.unanswered = self.progress.unanswered.saturating_sub(1);
            }
        } else {
            self.progress.asked_at = Some(ctx.now);
            // A question that was not sent is asked again: after an outage the outcome shall not
            // be minutes away because nobody could be asked.
            if !matches!(answer, Answer::Unknown(Cause::NotSent)) {
                self.progress.asks = self.progress.asks.saturating_add(1);
            }
        }
        match answer {
            Answer::Found(snapshot) if !self.concerns(snapshot) => self.progress.surprise,
            Answer::Found(_) | Answer::Declined(_) | Answer::NotFound => {
                self.progress.surprise.take()
            }
            Answer::Unknown(_) => self.progress.surprise,
        }
    }

    /// Whether the answer is to a call, not to a question.
    pub(super) const fn is_calling(&self) -> bool {
        matches!(self.progress.phase, Phase::Call)
    }

    /// Whether this is a question, and shows the surprise that the answer before it showed.
    pub(super) fn is_confirmed(&mut self, shown: Money, before: Option<Money>) -> bool {
        let confirmed = !self.is_calling() && before == Some(shown);
        self.progress.surprise = Some(shown);
        confirmed
    }

    /// Asks again about a surprise: at once after a call, by the schedule after a question.
    pub(super) fn surprised(self, ctx: &Ctx<'_>) -> Self {
        if self.is_calling() {
            self.heard_now(Heard::Noise, ctx)
        } else {
            self.ask_later(ctx)
        }
    }

    /// Whether no call that was intended so far can take effect any more, answered or not.
    pub(super) fn are_calls_over(&self, ctx: &Ctx<'_>) -> bool {
        ctx.now >= after(self.progress.intent_at, ctx.policy.call_bound)
    }

    /// Whether a call may still be on its way to the gateway or running there.
    pub(super) fn is_in_flight(&self, ctx: &Ctx<'_>) -> bool {
        self.progress.unanswered > 0 && !self.are_calls_over(ctx)
    }
}
