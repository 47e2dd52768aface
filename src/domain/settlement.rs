//! Owns what a person finds out about a saga whose outcome no answer tells: a verdict, and the
//! evidence for it. What the gateway says against it afterwards is kept beside it.

use crate::Timestamp;
use crate::decline::Class;
use crate::id::{PaymentId, SagaId};
use crate::saga::Saga;
use crate::snapshot::{Answer, Snapshot, Status};
use crate::text::{Evidence, OperatorName, TransactionKey};

words! {
    /// What became of the money.
    Verdict {
        /// It was taken.
        Captured => "CAPTURED",
        /// It was not taken, and will not be.
        NotCaptured => "NOT_CAPTURED",
        /// It was given back.
        GivenBack => "GIVEN_BACK",
        /// It was not given back, and will not be.
        NotGivenBack => "NOT_GIVEN_BACK",
    }
}

/// What a person found out at the gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What became of the money.
    pub verdict: Verdict,
    /// How that is known.
    pub evidence: Evidence,
    /// Who says so.
    pub by: OperatorName,
    /// The gateway's name of the movement, where there was one.
    pub reference: Option<TransactionKey>,
    /// When it happened there, as far as it is known.
    pub occurred_at: Option<Timestamp>,
}

/// A saga that a person has settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// Which saga.
    pub saga: SagaId,
    /// Of which payment.
    pub payment: PaymentId,
    /// What was found out.
    pub finding: Finding,
    /// When it was settled, as money is dated.
    pub settled_at: Timestamp,
    /// What the gateway said against it afterwards, the first time.
    pub contradiction: Option<Contradiction>,
}

/// What the gateway said against a verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// In short.
    pub said: String,
    /// When it was heard.
    pub at: Timestamp,
}

/// A write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A settlement; its saga must have none.
    Insert(Settlement),
    /// Notes what the gateway said against one; nothing may be noted yet.
    Contradict {
        /// Of which saga.
        saga: SagaId,
        /// What, and when.
        contradiction: Contradiction,
    },
}

impl Change {
    /// See [`crate::change::Change::lock_order`].
    #[must_use]
    pub fn lock_order(&self) -> (u8, String) {
        match self {
            Self::Insert(settlement) => (5, format!("{}/settled", settlement.saga)),
            Self::Contradict { saga, .. } => (5, format!("{saga}/settled")),
        }
    }
}

impl Settlement {
    /// What `answer`, which came to a call or question of `saga`, says against the verdict.
    #[must_use]
    pub fn contradicted_by(&self, saga: &Saga, answer: &Answer) -> Option<String> {
        match (self.finding.verdict, answer) {
            // A refusal of the merchant's says nothing of an earlier call (`saga/approval.rs`).
            (Verdict::Captured, Answer::Declined(decline)) if decline.class == Class::Buyer => {
                Some(format!("declined: {}", decline.code))
            }
            (Verdict::Captured, Answer::Found(shown)) if saga.concerns(shown) => lacks(shown),
            (Verdict::NotCaptured, Answer::Found(shown)) if saga.concerns(shown) => {
                shown.is_captured().then(|| match shown.total {
                    Some(total) => format!("captured {total}"),
                    None => "captured".to_owned(),
                })
            }
            (Verdict::NotGivenBack, Answer::Found(shown)) if saga.concerns(shown) => {
                let tag = saga.tag();
                let mut cancels = shown.cancels.iter();
                let ours = cancels.any(|cancel| cancel.done && cancel.reason.ends_with(&tag));
                ours.then(|| "given back".to_owned())
            }
            (Verdict::GivenBack, Answer::Declined(decline)) => {
                Some(format!("declined: {}", decline.code))
            }
            // What was there to be given back still is: other cancellations make it only less.
            (Verdict::GivenBack, Answer::Found(shown)) if saga.concerns(shown) => {
                let left = shown.balance.filter(|_| shown.is_captured());
                let all = left.is_some_and(|left| left.minus(saga.progress.refundable).is_ok());
                all.then(|| "not given back".to_owned())
            }
            (
                Verdict::Captured
                | Verdict::NotCaptured
                | Verdict::GivenBack
                | Verdict::NotGivenBack,
                Answer::Found(_) | Answer::Declined(_) | Answer::NotFound | Answer::Unknown(_),
            ) => None,
        }
    }
}

/// A status that is final without any money taken.
fn lacks(shown: &Snapshot) -> Option<String> {
    match &shown.status {
        Status::Aborted => Some("aborted".to_owned()),
        Status::Expired => Some("expired".to_owned()),
        Status::Canceled if !shown.is_captured() => Some("canceled unpaid".to_owned()),
        Status::Ready
        | Status::InProgress
        | Status::WaitingForDeposit
        | Status::Done
        | Status::Canceled
        | Status::PartialCanceled
        | Status::Other(_) => None,
    }
}
