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

impl Finding {
    /// Whether both say the same of the money, however either knows it.
    #[must_use]
    pub fn agrees_with(&self, other: &Self) -> bool {
        let said = |one: &Self| (one.verdict, one.reference.clone(), one.occurred_at);
        said(self) == said(other)
    }
}

/// What one person found out, where a second one has to find out the same before it counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// About which saga.
    pub saga: SagaId,
    /// Of which payment.
    pub payment: PaymentId,
    /// What was found out.
    pub finding: Finding,
    /// When it was proposed.
    pub proposed_at: Timestamp,
}

impl Proposal {
    /// Whether it is this person's; names are typed by hand, and differ in case alone by chance.
    #[must_use]
    pub fn is_by(&self, name: &OperatorName) -> bool {
        let same = |name: &OperatorName| name.as_str().trim().to_lowercase();
        same(&self.finding.by) == same(name)
    }

    /// The last that this person proposed.
    #[must_use]
    pub fn last_of<'p>(proposals: &'p [Self], name: &OperatorName) -> Option<&'p Self> {
        let own = proposals.iter().filter(|one| one.is_by(name));
        own.max_by_key(|one| one.proposed_at)
    }

    /// What somebody else proposed, that `finding` says, too. Of each person the last word counts.
    #[must_use]
    pub fn confirmed_by<'p>(proposals: &'p [Self], finding: &Finding) -> Option<&'p Self> {
        let counts = |one: &&Self| Self::last_of(proposals, &one.finding.by) == Some(one);
        let mut others = proposals.iter().filter(|one| !one.is_by(&finding.by));
        others.find(|one| counts(one) && one.finding.agrees_with(finding))
    }
}

/// Who found out the same as somebody else had proposed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmation {
    /// Who.
    pub by: OperatorName,
    /// How that one knows.
    pub evidence: Evidence,
}

/// That somebody dealt with what the gateway said against a verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledgement {
    /// Who.
    pub by: OperatorName,
    /// What came of it.
    pub why: Evidence,
    /// When they said so.
    pub at: Timestamp,
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
    /// Who confirmed it, where the first one was not to decide alone.
    pub confirmation: Option<Confirmation>,
    /// When it was settled, as money is dated.
    pub settled_at: Timestamp,
    /// What the gateway said against it afterwards, the first time.
    pub contradiction: Option<Contradiction>,
    /// Who dealt with that; there is a contradiction then.
    pub acknowledgement: Option<Acknowledgement>,
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
    /// Notes who dealt with what the gateway said against one; there must be that, and nobody yet.
    Acknowledge {
        /// Of which saga.
        saga: SagaId,
        /// Who, when, and what came of it.
        acknowledgement: Acknowledgement,
    },
    /// What one person found out; further words of theirs are further rows.
    Propose(Proposal),
}

impl Change {
    /// See [`crate::change::Change::lock_order`].
    #[must_use]
    pub fn lock_order(&self) -> (u8, String) {
        match self {
            Self::Insert(settlement) => (5, format!("{}/settled", settlement.saga)),
            Self::Contradict { saga, .. } | Self::Acknowledge { saga, .. } => {
                (5, format!("{saga}/settled"))
            }
            Self::Propose(proposal) => (5, format!("{}/proposed", proposal.saga)),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::RawId;

    fn finding(by: &str, verdict: Verdict) -> Finding {
        Finding {
            verdict,
            evidence: "seen".parse().unwrap(),
            by: by.parse().unwrap(),
            reference: None,
            occurred_at: None,
        }
    }

    #[test]
    fn the_last_word_of_another_person_is_confirmed() {
        let saga = SagaId::new(RawId::from_parts(0, 1));
        let payment = PaymentId::new(RawId::from_parts(0, 2));
        let proposed = |by, verdict, seconds| Proposal {
            saga,
            payment,
            finding: finding(by, verdict),
            proposed_at: Timestamp::from_timestamp(seconds, 0).unwrap(),
        };
        let (yes, no) = (Verdict::Captured, Verdict::NotCaptured);
        let all = [
            proposed("Kim", yes, 1),
            proposed("lee", no, 2),
            proposed("kim ", no, 3),
        ];
        let confirmed = |proposals: &[Proposal], by, verdict| {
            let found = Proposal::confirmed_by(proposals, &finding(by, verdict));
            found.map(|one| one.finding.by.to_string())
        };
        assert_eq!(confirmed(&all[..1], "KIM", yes), None, "the same person");
        assert_eq!(confirmed(&all[..1], "lee", yes).unwrap(), "Kim");
        assert_eq!(confirmed(&all, "lee", yes), None, "taken back since");
        assert_eq!(confirmed(&all, "park", no).unwrap(), "lee");
        let mut dated = finding("lee", yes);
        dated.reference = Some("R-1".parse().unwrap());
        assert_eq!(
            Proposal::confirmed_by(&all[..1], &dated),
            None,
            "another movement"
        );
    }
}
