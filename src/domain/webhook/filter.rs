//! Owns what messages are about, and which of them somebody wants.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::event::Kind;
use crate::principal::UnknownWord;

/// What a message is about: its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// What happened to a payment.
    Payment(Kind),
    /// The service itself disabled an endpoint of the same merchant's.
    EndpointDisabled,
}

impl Topic {
    /// Every one.
    pub fn all() -> impl Iterator<Item = Self> {
        let kinds = Kind::ALL.iter().copied().map(Self::Payment);
        kinds.chain([Self::EndpointDisabled])
    }

    /// The stored and shown word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Payment(kind) => kind.as_str(),
            Self::EndpointDisabled => "webhook_endpoint.disabled",
        }
    }
}

impl From<Kind> for Topic {
    fn from(kind: Kind) -> Self {
        Self::Payment(kind)
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Topic {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let known = Self::all().find(|topic| topic.as_str() == text);
        known.ok_or_else(|| UnknownWord(text.to_owned()))
    }
}

/// What somebody wants to be told of: some topics, or all of them, those of later versions too. Its
/// text has each word once, with commas; that of all is empty. A word that only a later version
/// knows stays in it, and no topic of this version is meant by it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter(BTreeSet<String>);

impl Filter {
    /// These topics; all of them where there are none.
    #[must_use]
    pub fn of(topics: impl IntoIterator<Item = Topic>) -> Self {
        let words = topics.into_iter().map(|topic| topic.as_str().to_owned());
        Self(words.collect())
    }

    /// Whether this topic is wanted.
    #[must_use]
    pub fn wants(&self, topic: impl Into<Topic>) -> bool {
        self.0.is_empty() || self.0.contains(topic.into().as_str())
    }

    /// The words of the topics; none for all of them.
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
                && word.bytes().all(is_of_a_word);
            let known = is_word.then(|| word.to_owned());
            known.ok_or_else(|| UnknownWord(text.to_owned()))
        };
        let words: Result<_, UnknownWord> = text.split(',').map(word).collect();
        words.map(Self)
    }
}

/// What the words of topics are made of, those of later versions too.
const fn is_of_a_word(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.')
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words().collect::<Vec<_>>().join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_has_one_word() {
        let words: BTreeSet<&str> = Topic::all().map(Topic::as_str).collect();
        assert_eq!(words.len(), Topic::all().count());
        assert_eq!(words.len(), Kind::ALL.len() + 1);
        for topic in Topic::all() {
            assert_eq!(topic.to_string().parse(), Ok(topic));
            assert_eq!(
                Filter::of([topic]).to_string().parse(),
                Ok(Filter::of([topic]))
            );
        }
        for wrong in [
            "",
            "webhook_endpoint",
            "webhook_endpoint.enabled",
            "payment",
        ] {
            assert!(wrong.parse::<Topic>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_filter_of_no_topics_wants_all_of_them() {
        let all = Filter::default();
        let some: Filter = "payment.approved,payment.canceled,payment.approved"
            .parse()
            .unwrap();
        for topic in Topic::all() {
            assert!(all.wants(topic), "{topic}");
            let named = [Kind::Approved, Kind::Canceled].map(Topic::from);
            assert_eq!(some.wants(topic), named.contains(&topic), "{topic}");
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
    fn whoever_names_disabled_endpoints_is_told_of_them_alone() {
        let disabled: Filter = "webhook_endpoint.disabled".parse().unwrap();
        for topic in Topic::all() {
            let named = topic == Topic::EndpointDisabled;
            assert_eq!(disabled.wants(topic), named, "{topic}");
        }
    }

    #[test]
    fn a_filter_keeps_the_words_of_later_versions() {
        let text = "payment.approved,payment.of_a_later_version";
        let some: Filter = text.parse().unwrap();
        assert_eq!(some.to_string(), text);
        for topic in Topic::all() {
            let named = topic == Topic::Payment(Kind::Approved);
            assert_eq!(some.wants(topic), named, "{topic}");
        }
        let none: Filter = "payment.of_a_later_version".parse().unwrap();
        assert!(Topic::all().all(|topic| !none.wants(topic)));
    }
}
