//! Owns the bringing of one event to one endpoint: what a try comes to, and what follows it.

use std::time::Duration;

use super::ladder::{Chance, Ladder, Next};
use super::{EventId, Note};
use crate::id::EndpointId;
use crate::{Timestamp, after};

/// Which delivery: an endpoint gets each event once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryKey {
    /// To where.
    pub endpoint: EndpointId,
    /// Of what.
    pub event: EventId,
}

words! {
    /// How far a delivery is.
    State {
        /// It is tried, or waits for its next try.
        Pending => "PENDING",
        /// The receiver has it.
        Delivered => "DELIVERED",
        /// It was tried for long enough, or cannot be sent.
        Failed => "FAILED",
    }
}

words! {
    /// What a try came to.
    Outcome {
        /// The receiver has it.
        Taken => "TAKEN",
        /// The receiver wants nothing any more.
        Gone => "GONE",
        /// The receiver answered otherwise.
        Refused => "REFUSED",
        /// No answer came in time.
        Unanswered => "UNANSWERED",
        /// Nothing was sent: the address is none that messages may go to, or leads nowhere.
        Forbidden => "FORBIDDEN",
        /// Nothing was sent: the service cannot make the message, or not sign it.
        Unmade => "UNMADE",
    }
}

/// The bringing of one event to one endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Which one.
    pub key: DeliveryKey,
    /// Where the event is in the feed, from 1 on. What is in no feed has a place below all that is,
    /// by when it happened: the later, the higher, in microseconds from the lowest number on.
    pub position: i64,
    /// How far it is.
    pub state: State,
    /// How often it was tried.
    pub tries: i64,
    /// How often since it was last begun.
    pub rung: i64,
    /// Since when it is tried: it was new, or somebody asked for it again.
    pub began_at: Timestamp,
    /// When the next try is due; when it ended, where there is none to come.
    pub due_at: Timestamp,
    /// Raised by each claim and each end of a try: the fence.
    pub version: i64,
    /// Since when it exists.
    pub created_at: Timestamp,
}

/// What a try came to, as far as anything follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// What it came to.
    pub outcome: Outcome,
    /// The receiver's status, where it answered.
    pub status: Option<u16>,
    /// How long the receiver wants to be left alone.
    pub retry_after: Option<Duration>,
}

impl Heard {
    /// How long the receiver's wish to be left alone counts: from who says that it is too much, or
    /// that it is away, and for an hour at most.
    #[must_use]
    pub fn peace(&self) -> Option<Duration> {
        const PEACE_MAX: Duration = Duration::from_hours(1);
        let asked = matches!(self.status, Some(429 | 503));
        self.retry_after
            .filter(|_| asked)
            .map(|wish| wish.min(PEACE_MAX))
    }
}

impl Delivery {
    /// A new one, due at once.
    #[must_use]
    pub const fn new(key: DeliveryKey, position: i64, now: Timestamp) -> Self {
        Self {
            key,
            position,
            state: State::Pending,
            tries: 0,
            rung: 0,
            began_at: now,
            due_at: now,
            version: 1,
            created_at: now,
        }
    }

    /// A new one, of what was done to another endpoint; due when that was noted. Of two that were
    /// noted in the same microsecond an endpoint takes one: they would have one place.
    #[must_use]
    pub const fn of_note(endpoint: EndpointId, note: &Note) -> Self {
        let micros = note.at.timestamp_micros();
        let key = DeliveryKey {
            endpoint,
            event: note.event(),
        };
        Self::new(key, i64::MIN.saturating_add(micros), note.at)
    }

    /// Where the event is in the feed, where it is in it.
    #[must_use]
    pub fn in_feed(&self) -> Option<i64> {
        Some(self.position).filter(|position| *position >= 1)
    }

    /// The same delivery, begun anew: due at once, and for the whole span again.
    #[must_use]
    pub fn anew(&self, now: Timestamp) -> Self {
        Self {
            state: State::Pending,
            rung: 0,
            began_at: now,
            due_at: now,
            version: self.version.saturating_add(1),
            ..*self
        }
    }

    /// What follows a try that ended at `now`.
    #[must_use]
    pub fn tried(&self, heard: &Heard, ladder: &Ladder, now: Timestamp, chance: Chance) -> Self {
        let mut next = Self {
            tries: self.tries.saturating_add(1),
            rung: self.rung.saturating_add(1),
            version: self.version.saturating_add(1),
            ..*self
        };
        (next.state, next.due_at) = match heard.outcome {
            Outcome::Taken => (State::Delivered, now),
            // The endpoint is disabled with it; its merchant begins anew what it wants.
            Outcome::Gone => (State::Failed, now),
            Outcome::Refused | Outcome::Unanswered | Outcome::Forbidden | Outcome::Unmade => {
                let not_before = heard.peace().map(|peace| after(now, peace));
                let rung = u32::try_from(next.rung).unwrap_or(u32::MAX);
                match ladder.next(rung, (self.began_at, now), not_before, chance) {
                    Next::At(due) => (State::Pending, due),
                    Next::GivenUp => (State::Failed, now),
                }
            }
        };
        next
    }
}

/// A try that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Of which delivery.
    pub key: DeliveryKey,
    /// 1 for the first, without gaps.
    pub number: i64,
    /// When it began.
    pub at: Timestamp,
    /// How long it took.
    pub took: Duration,
    /// What it came to.
    pub outcome: Outcome,
    /// The receiver's status, where it answered.
    pub status: Option<u16>,
    /// How the answer begins, or why there is none.
    pub detail: String,
}

#[cfg(test)]
mod tests {
    use super::super::Deed;
    use super::*;
    use crate::id::{PaymentId, RawId};
    use crate::principal::Actor;

    const LADDER: Ladder = Ladder {
        first: Duration::from_secs(10),
        cap: Duration::from_hours(8),
        span: Duration::from_hours(72),
    };

    fn at(seconds: u64) -> Timestamp {
        after(Timestamp::UNIX_EPOCH, Duration::from_secs(seconds))
    }

    fn fresh() -> Delivery {
        let endpoint = EndpointId::new(RawId::from_parts(1, 1));
        let event = EventId::of_payment(PaymentId::new(RawId::from_parts(1, 2)), 12);
        Delivery::new(DeliveryKey { endpoint, event }, 7, at(0))
    }

    fn heard(outcome: Outcome, status: Option<u16>, seconds: Option<u64>) -> Heard {
        Heard {
            outcome,
            status,
            retry_after: seconds.map(Duration::from_secs),
        }
    }

    fn tried(heard: Heard, seconds: u64) -> Delivery {
        fresh().tried(&heard, &LADDER, at(seconds), Chance(0))
    }

    #[test]
    fn what_is_in_no_feed_lies_below_it_by_its_time() {
        assert_eq!(fresh().in_feed(), Some(7));
        let endpoint = EndpointId::new(RawId::from_parts(1, 1));
        let noted = |at| Note {
            endpoint: EndpointId::new(RawId::from_parts(1, 2)),
            version: 4,
            deed: Deed::Dead,
            actor: Actor::System,
            at,
        };
        let micro = Duration::from_micros(1);
        let first = Delivery::of_note(endpoint, &noted(at(1_763_740_800)));
        let next = Delivery::of_note(endpoint, &noted(after(at(1_763_740_800), micro)));
        let last = Delivery::of_note(endpoint, &noted(Timestamp::MAX_UTC));
        assert!(first.position < next.position && next.position < last.position);
        for delivery in [first, next, last] {
            assert!(delivery.position < 0, "{}", delivery.position);
            assert_eq!(delivery.in_feed(), None);
            assert_eq!((delivery.state, delivery.tries), (State::Pending, 0));
        }
        assert_eq!(
            first.key.event.to_string(),
            format!("{}-4", noted(at(0)).endpoint)
        );
        assert_eq!(
            (first.key.endpoint, first.due_at),
            (endpoint, at(1_763_740_800))
        );
    }

    #[test]
    fn what_a_receiver_took_is_done() {
        let done = tried(heard(Outcome::Taken, Some(204), None), 1);
        assert_eq!(
            (done.state, done.tries, done.version, done.due_at),
            (State::Delivered, 1, 2, at(1))
        );
    }

    #[test]
    fn what_it_never_wants_again_is_not_tried_again() {
        let gone = tried(heard(Outcome::Gone, Some(410), None), 1);
        assert_eq!(gone.state, State::Failed);
    }

    #[test]
    fn anything_else_is_tried_until_its_span_is_over() {
        for (outcome, status) in [
            (Outcome::Refused, Some(500)),
            (Outcome::Refused, Some(302)),
            (Outcome::Refused, Some(404)),
            (Outcome::Unanswered, None),
            (Outcome::Forbidden, None),
            (Outcome::Unmade, None),
        ] {
            let again = tried(heard(outcome, status, None), 5);
            assert_eq!(
                (again.state, again.due_at),
                (State::Pending, at(6)),
                "{outcome}"
            );
            let over = tried(heard(outcome, status, None), 3 * 86_400);
            assert_eq!((over.state, over.tries), (State::Failed, 1), "{outcome}");
            assert_eq!(over.due_at, at(3 * 86_400), "when it ended");
        }
    }

    #[test]
    fn a_receiver_is_left_alone_as_long_as_it_asks_for_up_to_an_hour() {
        for (status, seconds, due) in [
            (429, 120, 125),
            (503, 120, 125),
            (503, 86_400, 3_605),
            (500, 120, 6),
            (429, 0, 6),
        ] {
            let again = tried(heard(Outcome::Refused, Some(status), Some(seconds)), 5);
            assert_eq!(again.due_at, at(due), "{status}");
        }
    }

    #[test]
    fn begun_anew_it_has_its_whole_span_and_keeps_its_count() {
        let failed = tried(heard(Outcome::Unanswered, None, None), 3 * 86_400);
        let anew = failed.anew(at(1_000_000));
        assert_eq!((anew.state, anew.tries, anew.rung), (State::Pending, 1, 0));
        let again = anew.tried(
            &heard(Outcome::Unanswered, None, None),
            &LADDER,
            at(1_000_001),
            Chance(0),
        );
        assert_eq!(
            (again.state, again.tries, again.due_at),
            (State::Pending, 2, at(1_000_002))
        );
    }
}
