//! Owns how much of an answer is believed, and while what it may still be overtaken by a call.

use super::{Phase, Saga, policy};
use crate::Ctx;
use crate::money::Money;
use crate::snapshot::{Answer, Cause};

impl Saga {
    /// Book-keeping that every answer needs, before its meaning is looked at. Gives the surprise
    /// that the answer before it was: this one repeats it, or it is forgotten.
    pub(super) fn heard_back(&mut self, answer: &Answer, ctx: &Ctx<'_>) -> Option<Money> {
        if self.progress.phase == Phase::Call {
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

    /// Whether a call may still be on its way to the gateway or running there.
    pub(super) fn is_in_flight(&self, ctx: &Ctx<'_>) -> bool {
        let bound = policy::after(self.progress.intent_at, ctx.policy.call_bound);
        self.progress.unanswered > 0 && ctx.now < bound
    }
}
