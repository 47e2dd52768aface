//! Owns what becomes of a deposit after it was given back. The gateway counts it as given back at
//! once, and so do the books; whether the bank has paid it out is told about it, and moves nothing.

use std::time::Duration;

use super::observe::{Observed, Strange};
use super::{Moved, Payment, Telling};
use crate::change::Change;
use crate::decline::Decline;
use crate::event::Kind as EventKind;
use crate::principal::Actor;
use crate::refund::{Doubted, Refund, RefundStatus};
use crate::saga::Saga;
use crate::snapshot::Snapshot;
use crate::{Ctx, Timestamp, after};

/// When the bank is asked about it first, after something was given back or the bank has spoken.
const SOON: [Duration; 3] = [
    Duration::from_mins(2),
    Duration::from_mins(15),
    Duration::from_hours(1),
];
/// And how often then: it takes two days as a rule (`toss-api.md §10`).
const EVERY: Duration = Duration::from_hours(6);
/// After how long without a word a person has to look: weekends and holidays fit in.
const SILENCE_MAX: Duration = Duration::from_hours(7 * 24);

/// So small a part of the time since the money was given back passes between looks while a word is
/// doubted: words that take turns are asked about ever more seldom.
const PART: u32 = 32;

/// How long after another refund a word that all is paid out is taken for the one before it.
const OF_EARLIER: Duration = Duration::from_hours(24);

impl Payment {
    /// How far the bank is with what was given back, where that is known of.
    fn refund(&self) -> Option<Refund> {
        self.account.as_ref()?.refund
    }

    /// Whether the bank has yet to say that the buyer has what was given back.
    #[must_use]
    pub fn awaits_refund(&self) -> bool {
        let refund = self.refund();
        refund.is_some_and(|refund| refund.status != RefundStatus::Completed)
    }

    /// When the bank is asked next how far it is.
    pub(super) fn next_refund_look(&self, now: Timestamp) -> Option<Timestamp> {
        let refund = self.refund().filter(|_| self.awaits_refund())?;
        let mut soon = SOON.into_iter().map(|pause| after(refund.since, pause));
        let soon = soon.find(|look| *look > now);
        Some(soon.unwrap_or_else(|| after(now, EVERY)))
    }

    /// How long a doubt of the refund waits for its next look.
    pub(super) fn refund_doubt_pause(&self, ctx: &Ctx<'_>) -> Option<Duration> {
        let refund = self.refund().filter(|refund| refund.doubted.is_some())?;
        let age = ctx.now.signed_duration_since(refund.since).to_std();
        let part = age
            .unwrap_or_default()
            .checked_div(PART)
            .unwrap_or_default();
        Some(part.clamp(ctx.policy.doubt_for, EVERY.max(ctx.policy.doubt_for)))
    }

    /// What a look comes to that shows as much money as the books have: how far the bank is with
    /// a refund may be news.
    pub(super) fn unmoved(self, snapshot: &Snapshot, ctx: &Ctx<'_>) -> Observed {
        let paid = self.paid.as_ref();
        let its = paid.is_some_and(|paid| paid.payment_key == snapshot.payment_key);
        let Some(refund) = self.refund().filter(|_| its && snapshot.is_captured()) else {
            return self.confirmed(ctx);
        };
        let shown = snapshot.account.as_deref().and_then(|shown| shown.refund);
        // Only how it ended is news: right after a cancellation the gateway says nothing at all.
        let news = shown.filter(|shown| shown.is_final() && *shown != refund.status);
        match news.filter(|shown| !self.is_of_earlier(refund, *shown, ctx)) {
            Some(shown) => self.refund_doubted(refund, shown, ctx),
            None if refund.doubted.is_some() => self.refund_noted(refund, None, ctx),
            None => match self.lacking(refund, ctx) {
                Some(status) if self.account.as_ref().is_some_and(|a| a.doubt.is_none()) => {
                    Observed::Strange(Strange::Refund(status))
                }
                Some(_) | None => self.confirmed(ctx),
            },
        }
    }

    /// Whether the word is an earlier refund's, most likely: the gateway has one for all of them,
    /// and no bank pays out within a day.
    fn is_of_earlier(&self, refund: Refund, shown: RefundStatus, ctx: &Ctx<'_>) -> bool {
        let is_young = ctx.now < after(refund.since, OF_EARLIER);
        shown == RefundStatus::Completed && self.cancels.len() > 1 && is_young
    }

    /// All as the books have it: what was denied before is forgotten.
    fn confirmed(self, ctx: &Ctx<'_>) -> Observed {
        match self.undoubted(ctx) {
            Some(moved) => Observed::Noted(Some(Box::new(moved))),
            None => Observed::Nothing,
        }
    }

    /// What a person has to look into: it has failed, or nobody has said anything for too long.
    fn lacking(&self, refund: Refund, ctx: &Ctx<'_>) -> Option<RefundStatus> {
        let lacks = refund.status.is_failed() || self.awaits_refund() && is_late(refund, ctx);
        lacks.then_some(refund.status)
    }

    /// How it ended is believed when an answer long enough after the first such one says the same:
    /// a stale answer may be about an earlier refund. Another word is doubted anew; where two still
    /// take turns after a week, a person has to ask the bank.
    fn refund_doubted(self, refund: Refund, shown: RefundStatus, ctx: &Ctx<'_>) -> Observed {
        match refund.doubted.filter(|doubted| doubted.word == shown) {
            None => {
                let is_turn = refund.doubted.is_some();
                let (word, since) = (shown, ctx.now);
                let noted = self.refund_noted(refund, Some(Doubted { word, since }), ctx);
                if !is_turn || !is_late(refund, ctx) {
                    return noted;
                }
                let Observed::Noted(Some(moved)) = noted else {
                    return noted;
                };
                Observed::Disputed(moved, Strange::Words)
            }
            Some(doubted) if ctx.now < after(doubted.since, ctx.policy.doubt_for) => {
                Observed::Noted(None)
            }
            Some(_) => Observed::Booked(Box::new(self.refund_ended(shown, ctx))),
        }
    }

    fn refund_noted(self, refund: Refund, doubted: Option<Doubted>, ctx: &Ctx<'_>) -> Observed {
        let mut payment = self;
        if let Some(account) = &mut payment.account {
            account.refund = Some(Refund { doubted, ..refund });
        }
        Observed::Noted(payment.looked(ctx).map(Box::new))
    }

    /// The bank has said how it ended. No money moves by that: what did not reach the buyer, the
    /// gateway holds for them and not for the merchant.
    fn refund_ended(self, status: RefundStatus, ctx: &Ctx<'_>) -> Moved {
        let mut payment = self;
        if let Some(account) = &mut payment.account {
            account.refund = Some(Refund {
                status,
                since: ctx.now,
                doubted: None,
            });
        }
        let kind = if status.is_failed() {
            EventKind::RefundFailed
        } else {
            EventKind::RefundCompleted
        };
        let telling = Telling {
            refund_status: Some(status),
            ..Telling::of(kind, Actor::Gateway)
        };
        let stays = payment.status();
        payment.record(stays, telling, ctx)
    }

    /// The cancellation of `saga` found no deposit: what it held is free again, and the account is
    /// looked at right away, for the bank may have taken the deposit back.
    pub(crate) fn deposit_is_judged(
        self,
        saga: &Saga,
        decline: &Decline,
        ctx: &Ctx<'_>,
    ) -> Option<Moved> {
        let mut moved = self.released(saga, decline, ctx)?;
        moved.payment.account.as_mut()?.look_at = Some(ctx.now);
        for change in &mut moved.changes {
            if let Change::UpdatePayment { payment, .. } = change {
                **payment = moved.payment.clone();
            }
        }
        Some(moved)
    }
}

/// Whether the bank has had all the time that it is given.
fn is_late(refund: Refund, ctx: &Ctx<'_>) -> bool {
    ctx.now >= after(refund.since, SILENCE_MAX)
}
