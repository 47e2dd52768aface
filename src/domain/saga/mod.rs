//! Owns the saga: a durable intent as a pure state machine. `next` says what it wants done,
//! `absorb` what an answer means; neither performs anything.

mod account;
mod approval;
mod by_hand;
mod cancellation;
mod charge;
mod close;
mod evidence;
mod head;
mod in_vain;
mod left;
mod policy;
mod reversal;
mod step;
mod taking;

use std::str::FromStr;

pub use by_hand::Unsettled;
pub use charge::BILLING_KEY_GONE;
pub use head::{Head, Intent, Kind};
pub use policy::Policy;
pub use step::{CancelCall, ChargeCall, ConfirmCall, IssueAccountCall, Step};

use crate::change::Change;
use crate::decline::Decline;
use crate::id::{GatewayOrderId, SagaId};
use crate::money::Money;
use crate::payment::Payment;
use crate::principal::UnknownWord;
use crate::snapshot::Answer;
use crate::text::GatewayKey;
use crate::vault::Sealed;
use crate::{Ctx, Timestamp};

/// What it does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Make the call with key `n`; this intent is durable and counted as unanswered.
    Call,
    /// Ask what is true.
    Ask,
    /// Over.
    Closed,
}

impl Phase {
    /// The stored and shown word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Call => "CALL",
            Self::Ask => "ASK",
            Self::Closed => "CLOSED",
        }
    }
}

impl FromStr for Phase {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        [Self::Call, Self::Ask, Self::Closed]
            .into_iter()
            .find(|phase| phase.as_str() == text)
            .ok_or_else(|| UnknownWord(text.to_owned()))
    }
}

/// The last thing the gateway said about the call, as far as it decides what a question that
/// shows no effect leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// No answer to the last call, or one that says only "wait".
    Nothing,
    /// A temporary error, stored under the key: the next call needs a new key.
    Temporary,
    /// The session is over, or never was.
    SessionGone,
    /// A refusal that a question has to confirm.
    Refused(Decline),
    /// Something not understood; only time and questions help.
    Noise,
    /// That the order was used before, by a charge: either it was taken, or the order is spent.
    OrderUsed,
}

/// How a saga ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The money was taken and booked.
    Approved,
    /// The money was not taken.
    Declined(Decline),
    /// Something else was captured; a reversal gives it back.
    Misfit {
        /// The reversal.
        reversal: SagaId,
    },
    /// The wrong capture was given back.
    Reversed,
    /// What was wanted back was given back and booked.
    Canceled,
    /// The virtual account was issued.
    Issued,
    /// The virtual account was closed before anybody paid in.
    Closed,
}

/// Where a saga stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What it does next.
    pub phase: Phase,
    /// Which gateway key: raised only after a received error and a question without effect.
    pub n: u32,
    /// Calls that were intended and not answered.
    pub unanswered: u32,
    /// Questions that were sent and calls that waited so far, for the schedule: calls that are
    /// repeated do not hasten it.
    pub asks: u32,
    /// What was last heard about the call.
    pub heard: Heard,
    /// The balance that the gateway must show before a cancellation; zero for an approval.
    pub refundable: Money,
    /// What the last answer showed against what was expected (zero: that there is nothing). One
    /// answer may lie; the same twice running is believed.
    pub surprise: Option<Money>,
    /// The order that is charged, once the saga's own was spent without any money taken.
    pub order: Option<GatewayOrderId>,
    /// Which of the account's secret keys `n` is used with, where another one replaced the one
    /// that the saga began with.
    pub rekeyed: Option<i32>,
    /// When the last call was intended.
    pub intent_at: Timestamp,
    /// When the gateway was last asked.
    pub asked_at: Option<Timestamp>,
    /// When the next step is due.
    pub due_at: Timestamp,
    /// What only its call needs and nobody else may read; gone with its end.
    pub sealed: Option<Sealed>,
    /// How it ended; set exactly when the phase is closed.
    pub outcome: Option<Outcome>,
}

/// A durable intent and its progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saga {
    /// What never changes.
    pub head: Head,
    /// Where it stands.
    pub progress: Progress,
    /// The fence: raised by claim and progress only.
    pub version: i64,
}

/// A saga after an answer, and the changes that make it durable.
#[derive(Clone, Debug)]
pub struct Absorbed {
    /// As it shall be.
    pub saga: Saga,
    /// To commit together; the saga's own update is among them.
    pub changes: Vec<Change>,
}

/// What marks a cancellation at the gateway as this saga's.
pub(crate) fn tag_of(saga: SagaId) -> String {
    format!("[{saga}]")
}

impl Absorbed {
    /// With the saga's own update, which is to be committed under the fence `expected`.
    fn under(self, expected: i64) -> Self {
        let Self {
            mut saga,
            mut changes,
        } = self;
        saga.version = expected.saturating_add(1);
        let update = Change::UpdateSaga {
            saga: Box::new(saga.clone()),
            expected,
        };
        changes.insert(0, update);
        Self { saga, changes }
    }
}

impl Progress {
    /// Intended now: the first call may be made once this is committed.
    #[must_use]
    pub fn intended(refundable: Money, now: Timestamp) -> Self {
        Self {
            phase: Phase::Call,
            n: 1,
            unanswered: 1,
            asks: 0,
            heard: Heard::Nothing,
            refundable,
            surprise: None,
            order: None,
            rekeyed: None,
            intent_at: now,
            asked_at: None,
            due_at: now,
            sealed: None,
            outcome: None,
        }
    }

    /// Nothing is called; it is asked whether somebody else has done it.
    #[must_use]
    pub fn asking(refundable: Money, now: Timestamp) -> Self {
        Self {
            phase: Phase::Ask,
            unanswered: 0,
            ..Self::intended(refundable, now)
        }
    }
}

impl Saga {
    /// Whether it is over.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self.progress.phase, Phase::Closed)
    }

    /// What it wants done at `now`.
    #[must_use]
    pub fn next(&self, now: Timestamp) -> Step {
        match self.progress.phase {
            Phase::Closed => Step::Rest,
            Phase::Call | Phase::Ask if self.progress.due_at > now => {
                Step::Wait(self.progress.due_at)
            }
            Phase::Ask => self.question(),
            Phase::Call => match &self.head.intent {
                Intent::Approve(key) => Step::Confirm(approval::call(self, key)),
                Intent::Reverse(key) => Step::Cancel(reversal::call(self, key)),
                Intent::Cancel(key) => Step::Cancel(cancellation::call(self, key)),
                Intent::Charge(key) => Step::Charge(charge::call(self, *key)),
                Intent::IssueAccount => Step::IssueAccount(account::call(self)),
                Intent::CloseAccount(key) => Step::Cancel(close::call(self, key)),
            },
        }
    }

    fn question(&self) -> Step {
        match self.head.intent.payment_key() {
            Some(key) if !self.asks_by_order() => Step::AskByKey(key.clone()),
            Some(_) | None => Step::AskByOrder(self.order()),
        }
    }

    /// By payment key first; by order every second time, for a gateway that lost the key. An
    /// amount that surprised is asked for again where it was shown.
    fn asks_by_order(&self) -> bool {
        let shown = self.progress.surprise.is_some_and(|shown| !shown.is_zero());
        self.progress.asks % 2 == 1 && self.head.kind() == Kind::Approval && !shown
    }

    /// Taken over after its worker was lost: a call may be on its way, so it asks first.
    #[must_use]
    pub fn resumed(mut self, now: Timestamp) -> Self {
        if self.progress.phase == Phase::Call {
            self.progress.phase = Phase::Ask;
            self.progress.due_at = now;
        }
        self
    }

    /// What `answer` means for the saga and its payment.
    #[must_use]
    pub fn absorb(self, payment: &Payment, answer: &Answer, ctx: &Ctx<'_>) -> Absorbed {
        let expected = self.version;
        let absorbed = match self.head.kind() {
            Kind::Approval => approval::absorb(self, payment, answer, ctx),
            Kind::Reversal => reversal::absorb(self, payment, answer, ctx),
            Kind::Cancellation => cancellation::absorb(self, payment, answer, ctx),
            Kind::AccountClose => close::absorb(self, payment, answer, ctx),
            // As a charge: what is known of the call is its order alone.
            Kind::Charge | Kind::AccountIssue => charge::absorb(self, payment, answer, ctx),
        };
        absorbed.under(expected)
    }

    /// The key of the current call.
    fn gateway_key(&self) -> GatewayKey {
        format!("{}-{}", self.head.id, self.progress.n)
            .parse()
            .expect("a saga id and a number are valid in a gateway key")
    }

    /// Goes on asking, by the schedule.
    fn ask_later(mut self, ctx: &Ctx<'_>) -> Self {
        self.progress.phase = Phase::Ask;
        self.progress.due_at = ctx.policy.ask_at(ctx.now, self.progress.asks);
        self
    }

    /// Asks as soon as possible.
    fn ask_now(mut self, ctx: &Ctx<'_>) -> Self {
        self.progress.phase = Phase::Ask;
        self.progress.due_at = ctx.now;
        self
    }

    /// Calls again under the same key: the answer was lost, or the call was still running.
    fn call_again(mut self, ctx: &Ctx<'_>) -> Self {
        self.progress.phase = Phase::Call;
        self.progress.unanswered = self.progress.unanswered.saturating_add(1);
        self.progress.intent_at = ctx.now;
        self.progress.due_at = ctx.now;
        self
    }

    /// Calls under the next key: an error was received and a question showed no effect.
    fn call_anew(mut self, ctx: &Ctx<'_>) -> Self {
        self.progress.n = self.progress.n.saturating_add(1);
        self.progress.heard = Heard::Nothing;
        self.call_again(ctx)
    }

    /// The call that was just answered has to be made again, or an earlier one still runs.
    fn counted_again(mut self) -> Self {
        self.progress.unanswered = self.progress.unanswered.saturating_add(1);
        self
    }

    /// What marks a cancellation at the gateway as this saga's.
    #[must_use]
    pub fn tag(&self) -> String {
        tag_of(self.head.id)
    }

    /// Ends.
    fn close(mut self, outcome: Outcome) -> Self {
        self.progress.phase = Phase::Closed;
        self.progress.outcome = Some(outcome);
        self.progress.sealed = None;
        self
    }
}
