//! Owns hints: that a payment of ours is to be looked at, because somebody said so. There is one
//! per payment, however many say so and whatever else they say.

use std::time::Duration;

use crate::id::{GatewayAccountId, GatewayOrderId, PaymentId};
use crate::text::TransactionKey;
use crate::{Timestamp, after};

/// What a notification claims. It is compared with the books and otherwise believed nothing: what
/// they have already need not be asked about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Claim {
    /// Something that has to be asked about.
    Unclear,
    /// That no money was taken.
    NothingTaken,
    /// That money moved, and how the gateway calls the movement.
    Moved(TransactionKey),
}

impl Claim {
    /// The stored word, and what it names.
    #[must_use]
    pub fn parts(&self) -> (&'static str, Option<&TransactionKey>) {
        match self {
            Self::Unclear => ("UNCLEAR", None),
            Self::NothingTaken => ("NOTHING_TAKEN", None),
            Self::Moved(key) => ("MOVED", Some(key)),
        }
    }

    /// What is stored so.
    #[must_use]
    pub fn of_parts(word: &str, key: Option<TransactionKey>) -> Option<Self> {
        match (word, key) {
            ("UNCLEAR", None) => Some(Self::Unclear),
            ("NOTHING_TAKEN", None) => Some(Self::NothingTaken),
            ("MOVED", Some(key)) => Some(Self::Moved(key)),
            (_, _) => None,
        }
    }
}

/// What somebody said of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raised {
    /// Which payment.
    pub payment: PaymentId,
    /// At which account.
    pub account: GatewayAccountId,
    /// By which of its gateway orders it was named.
    pub order: GatewayOrderId,
    /// What was claimed.
    pub claim: Claim,
}

/// That a payment is to be looked at. The row stays when it is settled, so that the next one knows
/// when the payment was looked at last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// Which payment.
    pub payment: PaymentId,
    /// At which account.
    pub account: GatewayAccountId,
    /// By which of its gateway orders it was named last.
    pub order: GatewayOrderId,
    /// What is claimed.
    pub claim: Claim,
    /// Which of what is asked about came first since it was raised last.
    pub turn: i64,
    /// How much of it was answered since then.
    pub asked: i64,
    /// How many looks in a row came to nothing.
    pub looks: i64,
    /// When it was looked at last.
    pub looked_at: Option<Timestamp>,
    /// When it is looked at next; none where it is settled.
    pub due_at: Option<Timestamp>,
    /// Raised by each write and claim; the condition of every write.
    pub version: i64,
}

impl Hint {
    /// The first one of a payment, due at once.
    #[must_use]
    pub fn first(raised: Raised, now: Timestamp) -> Self {
        Self {
            payment: raised.payment,
            account: raised.account,
            order: raised.order,
            claim: raised.claim,
            turn: 0,
            asked: 0,
            looks: 0,
            looked_at: None,
            due_at: Some(now),
            version: 1,
        }
    }

    /// Said again: due at once, but not sooner than `gap` after the last look. Whoever looks at it
    /// now has not seen this.
    #[must_use]
    pub fn again(mut self, raised: Raised, now: Timestamp, gap: Duration) -> Self {
        let is_settled = self.due_at.is_none();
        self.order = raised.order;
        // Two that claim different things cannot both be compared.
        if is_settled || self.claim == raised.claim {
            self.claim = raised.claim;
        } else {
            self.claim = Claim::Unclear;
        }
        // Whoever says so without end shall not have the same one asked about without end.
        let past = self.asked.saturating_add(i64::from(self.is_looked_at()));
        self.turn = self.turn.saturating_add(past);
        (self.asked, self.looks) = (0, 0);
        let soonest = self.looked_at.map_or(now, |looked| after(looked, gap));
        self.due_at = Some(soonest.max(now));
        self.written()
    }

    /// Nothing is left to be looked at.
    #[must_use]
    pub fn settled(mut self) -> Self {
        (self.due_at, self.asked, self.looks) = (None, 0, 0);
        self.written()
    }

    /// Whether a look was begun since it became due, or is over.
    fn is_looked_at(&self) -> bool {
        match (self.due_at, self.looked_at) {
            (Some(due), Some(looked)) => due <= looked,
            (Some(_), None) => false,
            (None, _) => true,
        }
    }

    /// Which of so many comes next: each in its turn, and the same one until it is answered.
    #[must_use]
    pub fn place_in(&self, count: usize) -> Option<usize> {
        let next = usize::try_from(self.turn.saturating_add(self.asked)).unwrap_or_default();
        next.checked_rem(count)
    }

    /// Whether nothing of so many is left once the next one is answered.
    #[must_use]
    pub fn is_last_of(&self, count: usize) -> bool {
        usize::try_from(self.asked).is_ok_and(|asked| asked.saturating_add(1) >= count)
    }

    /// One of what is asked about was answered, another is next.
    #[must_use]
    pub fn halfway(mut self, now: Timestamp, gap: Duration) -> Self {
        (self.asked, self.looks) = (self.asked.saturating_add(1), 0);
        self.due_at = Some(after(now, gap));
        self.written()
    }

    /// The look came to nothing: the next one is later, and later each time.
    #[must_use]
    pub fn later(mut self, now: Timestamp, pauses: &[Duration]) -> Self {
        let place = usize::try_from(self.looks).unwrap_or(usize::MAX);
        let pause = pauses.get(place).or(pauses.last());
        self.looks = self.looks.saturating_add(1);
        self.due_at = Some(after(now, pause.copied().unwrap_or_default()));
        self.written()
    }

    /// It was not looked at: it waits as if nobody had taken it.
    #[must_use]
    pub fn put_back(mut self, due_at: Timestamp) -> Self {
        self.due_at = Some(due_at);
        self.written()
    }

    fn written(mut self) -> Self {
        self.version = self.version.saturating_add(1);
        self
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::id::RawId;

    const GAP: Duration = Duration::from_secs(2);

    fn at(seconds: i64) -> Timestamp {
        DateTime::from_timestamp(seconds, 0).expect("an instant")
    }

    fn raised(claim: Claim) -> Raised {
        let raw = RawId::from_parts(1, 1);
        Raised {
            payment: PaymentId::new(raw),
            account: GatewayAccountId::new(raw),
            order: GatewayOrderId::new(raw),
            claim,
        }
    }

    fn moved(key: &str) -> Claim {
        Claim::Moved(key.parse().expect("a key"))
    }

    #[test]
    fn said_again_it_is_not_looked_at_sooner_than_the_gap() {
        let mut hint = Hint::first(raised(Claim::Unclear), at(10));
        assert_eq!(hint.due_at, Some(at(10)));
        hint.looked_at = Some(at(10));
        for now in [10, 11] {
            let again = hint.clone().again(raised(Claim::Unclear), at(now), GAP);
            assert_eq!(again.due_at, Some(at(12)), "at {now}");
        }
        let settled = hint.settled();
        assert_eq!(settled.due_at, None);
        let again = settled.clone().again(raised(Claim::Unclear), at(11), GAP);
        assert_eq!(again.due_at, Some(at(12)), "settled, too");
        let again = settled.again(raised(Claim::Unclear), at(60), GAP);
        assert_eq!(again.due_at, Some(at(60)));
    }

    #[test]
    fn what_is_claimed_twice_alike_is_compared_and_otherwise_asked_about() {
        let hint = Hint::first(raised(moved("t1")), at(1));
        let again = |hint: &Hint, claim| hint.clone().again(raised(claim), at(2), GAP).claim;
        assert_eq!(again(&hint, moved("t1")), moved("t1"));
        assert_eq!(again(&hint, moved("t2")), Claim::Unclear);
        assert_eq!(again(&hint.clone().settled(), moved("t2")), moved("t2"));
    }

    #[test]
    fn what_was_not_looked_at_climbs_no_ladder() {
        let pauses = [GAP, Duration::from_secs(10)];
        let hint = Hint::first(raised(Claim::Unclear), at(0));
        let back = hint.clone().put_back(at(5));
        assert_eq!((back.looks, back.due_at), (0, Some(at(5))));
        let mut later = hint;
        for (now, due) in [(0, 2), (2, 12), (12, 22)] {
            later = later.later(at(now), &pauses);
            assert_eq!(later.due_at, Some(at(due)));
        }
        assert_eq!(later.looks, 3);
    }

    #[test]
    fn each_has_its_turn_and_keeps_it_until_it_is_answered() {
        let mut hint = Hint::first(raised(Claim::Unclear), at(0));
        assert_eq!(hint.place_in(0), None);
        assert!(hint.is_last_of(1) && !hint.is_last_of(2));
        hint.looked_at = Some(at(0));
        let lost = hint.clone().later(at(0), &[GAP]);
        assert_eq!(lost.place_in(2), Some(0), "nobody answered");
        let halfway = lost.halfway(at(2), GAP);
        assert_eq!((halfway.place_in(2), halfway.looks), (Some(1), 0));
        assert!(halfway.is_last_of(2));
        // Said again before the second is looked at, and again, and while it is looked at.
        let again = |hint: Hint, now| hint.again(raised(Claim::Unclear), at(now), GAP);
        let mut said = again(again(halfway, 3), 3);
        assert_eq!(said.place_in(2), Some(1));
        assert!(!said.is_last_of(2));
        said.looked_at = Some(at(5));
        let said = again(again(said, 5), 6);
        assert_eq!(said.place_in(2), Some(0), "the other one's turn");
        assert_eq!(again(said.settled(), 9).place_in(2), Some(1));
    }

    #[test]
    fn claims_are_stored_by_their_parts() {
        for claim in [Claim::Unclear, Claim::NothingTaken, moved("t1")] {
            let (word, key) = claim.parts();
            assert_eq!(Claim::of_parts(word, key.cloned()), Some(claim.clone()));
        }
        assert_eq!(Claim::of_parts("MOVED", None), None);
        assert_eq!(Claim::of_parts("other", None), None);
    }
}
