//! Owns the events of what members have besides payments: their subscriptions and stored cards.
//! They stand in the feed among the events of payments; each subject counts its own.

use std::fmt;
use std::str::FromStr;

use chrono::SecondsFormat;
use serde::Serialize;

use crate::Timestamp;
use crate::billing;
use crate::decline::Reason;
use crate::id::{BillingKeyId, PaymentId, SubscriptionId};
use crate::money::{Currency, Money};
use crate::principal::{Actor, Scope, UnknownWord};
use crate::subscription::{self, Deed, Next};
use crate::text::MemberId;
use crate::trace::Trace;

words! {
    /// What was done to a stored card.
    CardDeed {
        /// It can be charged.
        Issued => "billing_key.issued",
        /// The gateway has it no more.
        Deleted => "billing_key.deleted",
    }
}

/// What happened: the type of the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// To a subscription.
    Subscription(Deed),
    /// To a stored card.
    Card(CardDeed),
}

impl Kind {
    /// Every one.
    pub fn all() -> impl Iterator<Item = Self> {
        let deeds = Deed::ALL.iter().copied().map(Self::Subscription);
        deeds.chain(CardDeed::ALL.iter().copied().map(Self::Card))
    }

    /// The stored and shown word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Subscription(deed) => deed.as_str(),
            Self::Card(deed) => deed.as_str(),
        }
    }

    /// The word of this status, as what this happens to has it.
    ///
    /// # Errors
    /// It has no such status.
    pub fn status(self, word: &str) -> Result<&'static str, UnknownWord> {
        Ok(match self {
            Self::Subscription(_) => word.parse::<subscription::Status>()?.as_str(),
            Self::Card(_) => word.parse::<billing::Status>()?.as_str(),
        })
    }
}

impl FromStr for Kind {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let known = Self::all().find(|kind| kind.as_str() == text);
        known.ok_or_else(|| UnknownWord(text.to_owned()))
    }
}

/// What something happened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A subscription.
    Subscription(SubscriptionId),
    /// A stored card.
    BillingKey(BillingKeyId),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Subscription(id) => id.fmt(f),
            Self::BillingKey(id) => id.fmt(f),
        }
    }
}

impl FromStr for Subject {
    type Err = crate::id::Malformed;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // The prefixes of ids tell them apart.
        let subscription = text.parse().map(Self::Subscription);
        subscription.or_else(|_| text.parse().map(Self::BillingKey))
    }
}

/// What an event tells besides its kind; free of personal data, so it may be kept and published.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Facts {
    /// To which plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan_code: Option<String>,
    /// With which stored card it is charged from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub billing_key_id: Option<BillingKeyId>,
    /// About which cycle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cycle: Option<u32>,
    /// By which payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<PaymentId>,
    /// What the cycle costs, in minor units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<i64>,
    /// The currency of the amount.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// Why, where something was declined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// When it is charged again, ISO 8601.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_try_at: Option<String>,
    /// Until when another card is waited for, ISO 8601.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub card_wanted_until: Option<String>,
    /// Until when it is paid, ISO 8601.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paid_until: Option<String>,
}

impl Facts {
    /// With what the cycle costs.
    pub(crate) fn costing(&mut self, amount: Money) {
        self.amount = Some(amount.minor());
        self.currency = Some(amount.currency());
    }

    /// With what comes next.
    pub(crate) fn followed_by(&mut self, next: Next) {
        match next {
            Next::Try(at) => self.next_try_at = Some(shown(at)),
            Next::Card(until) => self.card_wanted_until = Some(shown(until)),
        }
    }
}

pub(crate) fn shown(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// One line of the log of what is no payment. Its payload is written as [`Facts`] and kept, read
/// and published as the bytes that were made of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberEvent<P = Vec<u8>> {
    /// Whose, and in which mode.
    pub scope: Scope,
    /// Of what.
    pub subject: Subject,
    /// 1 for the first of its subject, without gaps.
    pub sequence: i64,
    /// What happened.
    pub kind: Kind,
    /// Status before; none for the first.
    pub from: Option<&'static str>,
    /// Status after.
    pub to: &'static str,
    /// Who caused it.
    pub actor: Actor,
    /// Whose subscription or card it is: whoever is to be notified.
    pub member: MemberId,
    /// The trace it belongs to; what is decided has none yet, and gets that of the work which
    /// commits it.
    pub trace: Trace,
    /// When, by the Clock.
    pub at: Timestamp,
    /// What it tells.
    pub payload: P,
}

impl<P> MemberEvent<P> {
    /// The same event with another payload.
    #[must_use]
    pub fn with<Q>(self, payload: Q) -> MemberEvent<Q> {
        MemberEvent {
            scope: self.scope,
            subject: self.subject,
            sequence: self.sequence,
            kind: self.kind,
            from: self.from,
            to: self.to,
            actor: self.actor,
            member: self.member,
            trace: self.trace,
            at: self.at,
            payload,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::RawId;

    #[test]
    fn every_kind_has_one_word() {
        let words: Vec<&str> = Kind::all().map(Kind::as_str).collect();
        for kind in Kind::all() {
            assert_eq!(kind.as_str().parse(), Ok(kind));
            let alike = words.iter().filter(|word| **word == kind.as_str());
            assert_eq!(alike.count(), 1, "{kind:?}");
        }
        assert!("payment.approved".parse::<Kind>().is_err());
    }

    #[test]
    fn a_subject_is_told_by_its_id() {
        let raw = RawId::from_parts(1, 2);
        let subscription = Subject::Subscription(SubscriptionId::new(raw));
        let card = Subject::BillingKey(BillingKeyId::new(raw));
        for subject in [subscription, card] {
            assert_eq!(subject.to_string().parse(), Ok(subject));
        }
        let payment = PaymentId::new(raw).to_string();
        assert!(payment.parse::<Subject>().is_err());
    }

    #[test]
    fn a_status_is_one_of_its_subject() {
        let paid = Kind::Subscription(Deed::Paid);
        assert_eq!(paid.status("ACTIVE"), Ok("ACTIVE"));
        assert!(paid.status("DELETED").is_err());
        assert_eq!(
            Kind::Card(CardDeed::Deleted).status("DELETED"),
            Ok("DELETED")
        );
    }
}
