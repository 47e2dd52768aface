//! Owns where a merchant wants its events, whether it still takes them, and what a receiver knows
//! an event by.

mod change;
mod delivery;
mod ladder;

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::Timestamp;
use crate::event::Kind;
use crate::id::EndpointId;
use crate::principal::{Actor, Scope, UnknownWord};
use crate::text::EndpointUrl;
use crate::vault::Sealed;

pub use change::Change;
pub use delivery::{Attempt, Delivery, DeliveryKey, EventId, Heard, Malformed, Outcome, State};
pub use ladder::{Chance, Ladder, Next};

words! {
    /// Whether an endpoint is told of events.
    Status {
        /// It is.
        Enabled => "ENABLED",
        /// Its merchant or the operator does not want it to be.
        Disabled => "DISABLED",
        /// Its receiver answered that it wants nothing any more.
        Gone => "GONE",
        /// Its receiver took nothing for days.
        Dead => "DEAD",
        /// It is not there any more; what it was sent is kept for a while.
        Deleted => "DELETED",
    }
}

words! {
    /// What was done to an endpoint.
    Deed {
        /// It was made.
        Created => "CREATED",
        /// It has another address, or other events.
        Changed => "CHANGED",
        /// It has another secret.
        Rotated => "ROTATED",
        /// It is told of events again.
        Enabled => "ENABLED",
        /// It is not any more, because somebody said so.
        Disabled => "DISABLED",
        /// It is not any more, because its receiver said so.
        Gone => "GONE",
        /// It is not any more, because its receiver took nothing for days.
        Dead => "DEAD",
        /// It was deleted.
        Deleted => "DELETED",
    }
}

/// Which events somebody wants: some kinds, or all of them, those of later versions too. Its text
/// has each word once, with commas; that of all is empty. A kind that only a later version knows
/// stays in it, and nothing of this version is one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter(BTreeSet<String>);

impl Filter {
    /// These kinds; all of them where there are none.
    #[must_use]
    pub fn of(kinds: impl IntoIterator<Item = Kind>) -> Self {
        let words = kinds.into_iter().map(|kind| kind.as_str().to_owned());
        Self(words.collect())
    }

    /// Whether this kind is wanted.
    #[must_use]
    pub fn wants(&self, kind: Kind) -> bool {
        self.0.is_empty() || self.0.contains(kind.as_str())
    }

    /// The words of the kinds; none for all of them.
    pub fn words(&self) -> impl Iterator<Item = &str> + '_ {
        self.0.iter().map(String::as_str)
    }
}

impl FromStr for Filter {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let word = |word: &str| {
            let is_word = word.starts_with(|first: char| first.is_ascii_lowercase())
                && word.bytes().all(is_of_a_kind);
            let known = is_word.then(|| word.to_owned());
            known.ok_or_else(|| UnknownWord(text.to_owned()))
        };
        let words: Result<_, UnknownWord> = text.split(',').map(word).collect();
        words.map(Self)
    }
}

/// What the words of kinds are made of, those of later versions too.
const fn is_of_a_kind(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.')
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words().collect::<Vec<_>>().join(","))
    }
}

/// What an endpoint's messages are signed with.
#[derive(Clone, PartialEq, Eq)]
pub struct Secrets {
    /// From its last rotation on.
    pub current: Sealed,
    /// Those before that are in use still, sealed together, and until when the last of them is.
    pub previous: Option<(Sealed, Timestamp)>,
}

/// Where a merchant wants its events.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its id.
    pub id: EndpointId,
    /// Whose events, and in which mode.
    pub scope: Scope,
    /// Where to.
    pub url: EndpointUrl,
    /// Which of them.
    pub events: Filter,
    /// Whether it is told.
    pub status: Status,
    /// What its messages are signed with.
    pub secrets: Secrets,
    /// Since when every try has failed; none after one that was taken.
    pub failing_since: Option<Timestamp>,
    /// Raised by everything that is done to it.
    pub version: i64,
    /// Since when.
    pub created_at: Timestamp,
}

impl Endpoint {
    /// The same endpoint with this status, one version on; none where it has it, or is deleted.
    #[must_use]
    pub fn with_status(&self, status: Status) -> Option<Self> {
        let is_new = self.status != status && self.status != Status::Deleted;
        is_new.then(|| Self {
            status,
            ..self.next()
        })
    }

    /// The same endpoint, one version on.
    #[must_use]
    pub fn next(&self) -> Self {
        Self {
            version: self.version.saturating_add(1),
            ..self.clone()
        }
    }

    /// The line about how it came to this version.
    #[must_use]
    pub fn note(&self, deed: Deed, actor: Actor, at: Timestamp) -> Note {
        Note {
            endpoint: self.id,
            version: self.version,
            deed,
            actor,
            at,
        }
    }
}

/// Without what it signs with.
impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("id", &self.id)
            .field("scope", &self.scope)
            .field("url", &self.url)
            .field("status", &self.status)
            .field("failing_since", &self.failing_since)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// A line of what was done to an endpoint: one for each of its versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    /// Which endpoint.
    pub endpoint: EndpointId,
    /// The version that it has since.
    pub version: i64,
    /// What was done.
    pub deed: Deed,
    /// Who did it.
    pub actor: Actor,
    /// When.
    pub at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_of_no_kinds_wants_all_of_them() {
        let all = Filter::default();
        let some: Filter = "payment.approved,payment.canceled,payment.approved"
            .parse()
            .unwrap();
        for kind in Kind::ALL.iter().copied() {
            assert!(all.wants(kind), "{kind}");
            let named = matches!(kind, Kind::Approved | Kind::Canceled);
            assert_eq!(some.wants(kind), named, "{kind}");
        }
        assert_eq!(some.to_string(), "payment.approved,payment.canceled");
        assert_eq!("".parse(), Ok(all));
        for wrong in [
            ",",
            "payment.approved,",
            "payment.approved, payment.canceled",
            "PAYMENT",
            "결제",
        ] {
            assert!(wrong.parse::<Filter>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_filter_keeps_the_kinds_of_later_versions() {
        let text = "payment.approved,payment.of_a_later_version";
        let some: Filter = text.parse().unwrap();
        assert_eq!(some.to_string(), text);
        for kind in Kind::ALL.iter().copied() {
            assert_eq!(some.wants(kind), kind == Kind::Approved, "{kind}");
        }
        let none: Filter = "payment.of_a_later_version".parse().unwrap();
        assert!(Kind::ALL.iter().all(|kind| !none.wants(*kind)));
    }
}
