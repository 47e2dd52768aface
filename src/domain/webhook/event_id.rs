//! Owns what a receiver knows an event by.

use std::fmt;
use std::str::FromStr;

use crate::id::{EndpointId, PaymentId};

/// What something happened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A payment: its events are in the feed.
    Payment(PaymentId),
    /// An endpoint: the notes of what was done to it are its events, and in no feed.
    Endpoint(EndpointId),
}

impl Subject {
    /// The payment, where it is one.
    #[must_use]
    pub const fn payment(self) -> Option<PaymentId> {
        match self {
            Self::Payment(payment) => Some(payment),
            Self::Endpoint(_) => None,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Payment(payment) => payment.fmt(f),
            Self::Endpoint(endpoint) => endpoint.fmt(f),
        }
    }
}

/// A text is no id of an event, or of what it happened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the id of an event")]
pub struct Malformed;

impl FromStr for Subject {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        // The prefixes of ids tell them apart.
        let payment = text.parse().map(Self::Payment);
        let either = payment.or_else(|_| text.parse().map(Self::Endpoint));
        either.map_err(|_| Malformed)
    }
}

/// What a receiver knows an event by: the same at every try and every endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    /// What it happened to.
    pub subject: Subject,
    /// Which of its events; of an endpoint's, the version that it made.
    pub sequence: i64,
}

impl EventId {
    /// The name of a payment's event.
    #[must_use]
    pub const fn of_payment(payment: PaymentId, sequence: i64) -> Self {
        Self {
            subject: Subject::Payment(payment),
            sequence,
        }
    }

    /// The name of a note of what was done to an endpoint.
    #[must_use]
    pub const fn of_endpoint(endpoint: EndpointId, version: i64) -> Self {
        Self {
            subject: Subject::Endpoint(endpoint),
            sequence: version,
        }
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A dot would end it in what is signed.
        write!(f, "{}-{}", self.subject, self.sequence)
    }
}

impl FromStr for EventId {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let (subject, sequence) = text.split_once('-').ok_or(Malformed)?;
        let id = Self {
            subject: subject.parse()?,
            sequence: sequence.parse().map_err(|_| Malformed)?,
        };
        // One spelling each.
        let is_ours = id.sequence >= 1 && id.to_string() == text;
        is_ours.then_some(id).ok_or(Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{RawId, SagaId};

    fn ids() -> [EventId; 2] {
        let raw = RawId::from_parts(1, 2);
        [
            EventId::of_payment(PaymentId::new(raw), 12),
            EventId::of_endpoint(EndpointId::new(raw), 12),
        ]
    }

    #[test]
    fn an_event_has_one_name() {
        for id in ids() {
            let text = id.to_string();
            assert_eq!(text.parse(), Ok(id));
            assert!(!text.contains('.'), "it is signed between dots");
            let subject = id.subject.to_string();
            assert_eq!(subject.parse(), Ok(id.subject));
            for wrong in [
                "", "-", "12", "-0", "+12", "012", "-012", "-+12", "-12-", "--12", "-1x",
            ] {
                let wrong = format!("{subject}{wrong}");
                assert_eq!(wrong.parse::<EventId>(), Err(Malformed), "{wrong}");
            }
            assert_eq!(text.to_uppercase().parse::<EventId>(), Err(Malformed));
        }
    }

    #[test]
    fn what_events_are_of_is_told_by_the_name() {
        let [of_payment, of_endpoint] = ids();
        assert_ne!(of_payment.to_string(), of_endpoint.to_string());
        let raw = RawId::from_parts(1, 2);
        assert_eq!(of_payment.subject.payment(), Some(PaymentId::new(raw)));
        assert_eq!(of_endpoint.subject.payment(), None);
        let of_a_saga = format!("{}-1", SagaId::new(raw));
        assert_eq!(of_a_saga.parse::<EventId>(), Err(Malformed));
    }
}
