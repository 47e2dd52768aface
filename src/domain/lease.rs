//! Owns what it is to do a job that only one may do at a time: its name, and the fence that tells
//! its holder from everybody who had it before.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use crate::principal::UnknownWord;

/// The name of a job, fit for a row, a metric's label and a log line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Job(Cow<'static, str>);

impl Job {
    /// No name is longer.
    const CHARS_MAX: usize = 40;

    /// A job of ours.
    ///
    /// # Panics
    /// The name is none, at compile time where it is a constant.
    #[must_use]
    pub const fn named(name: &'static str) -> Self {
        assert!(Self::is_name(name), "not a name of a job");
        Self(Cow::Borrowed(name))
    }

    const fn is_name(text: &str) -> bool {
        let mut bytes = text.as_bytes();
        if bytes.is_empty() || bytes.len() > Self::CHARS_MAX {
            return false;
        }
        while let [first, rest @ ..] = bytes {
            if !matches!(first, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'/') {
                return false;
            }
            bytes = rest;
        }
        true
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Job {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        if Self::is_name(text) {
            Ok(Self(Cow::Owned(text.to_owned())))
        } else {
            Err(UnknownWord(text.to_owned()))
        }
    }
}

/// A job that was taken: whoever takes it after us has a higher fence, and ours writes nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tenure {
    /// Which job.
    pub job: Job,
    /// How often it had been taken then, this time included.
    pub fence: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words() {
        for name in ["sequencer", "read/kafka", "a-1.b"] {
            assert_eq!(
                name.parse::<Job>().map(|job| job.to_string()).as_deref(),
                Ok(name)
            );
        }
        let long = "a".repeat(41);
        for wrong in ["", "Sequencer", "a b", "a_b", "판매", long.as_str()] {
            assert_eq!(wrong.parse::<Job>(), Err(UnknownWord(wrong.to_owned())));
        }
    }
}
