//! Owns API keys: what each may do and until when, and the text that only its holder has.

use std::fmt;
use std::str::FromStr;

use crate::Timestamp;
use crate::id::ApiKeyId;
use crate::principal::{Mode, Scope, UnknownWord};
use crate::text::KeyName;

/// What an API key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// For a browser: opens a payment window, nothing else.
    Publishable,
    /// For the merchant's server.
    Secret,
}

impl KeyKind {
    /// The stored and shown word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Publishable => "publishable",
            Self::Secret => "secret",
        }
    }

    /// What a text of this kind and mode begins with.
    const fn beginning(self, mode: Mode) -> &'static str {
        match (self, mode) {
            (Self::Publishable, Mode::Test) => "pk_test_",
            (Self::Publishable, Mode::Live) => "pk_live_",
            (Self::Secret, Mode::Test) => "sk_test_",
            (Self::Secret, Mode::Live) => "sk_live_",
        }
    }
}

impl FromStr for KeyKind {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        [Self::Publishable, Self::Secret]
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| UnknownWord(text.to_owned()))
    }
}

/// What a key's holder presents. Kept nowhere, and never shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyText(Box<str>);

impl KeyText {
    /// How much of a text is kept, to tell keys apart by: its beginning and four characters, far
    /// too little to guess the rest.
    const PREFIX_LENGTH: usize = 12;

    /// A text of this kind and mode around `random`, which has 256 random bits.
    #[must_use]
    pub fn new(kind: KeyKind, mode: Mode, random: &str) -> Self {
        Self(format!("{}{random}", kind.beginning(mode)).into())
    }

    /// A text as somebody presents it; whether there is such a key is another question.
    #[must_use]
    pub fn presented(text: &str) -> Self {
        Self(text.into())
    }

    /// The text itself, for its holder's eyes.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// As much of it as others may see.
    #[must_use]
    pub fn prefix(&self) -> String {
        self.0.chars().take(Self::PREFIX_LENGTH).collect()
    }
}

impl fmt::Debug for KeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyText(…)")
    }
}

/// An API key: only the hash of its text is kept, and how it begins.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// The row's id.
    pub id: ApiKeyId,
    /// Whose, and in which mode.
    pub scope: Scope,
    /// What it may do.
    pub kind: KeyKind,
    /// SHA-256 of the key's text.
    pub hash: [u8; 32],
    /// How its text begins; empty for a key from before that was kept.
    pub prefix: String,
    /// What its merchant calls it.
    pub name: Option<KeyName>,
    /// Since when.
    pub created_at: Timestamp,
    /// When it was used last, give or take a minute.
    pub last_used_at: Option<Timestamp>,
    /// From when on it is refused: it was revoked, or replaced by another.
    pub expires_at: Option<Timestamp>,
}

impl ApiKey {
    /// Whether it opens anything.
    #[must_use]
    pub fn is_usable(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }

    /// Whether it lets its merchant's server in for good.
    #[must_use]
    pub fn is_lasting_secret(&self) -> bool {
        self.kind == KeyKind::Secret && self.expires_at.is_none()
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKey")
            .field("id", &self.id)
            .field("scope", &self.scope)
            .field("kind", &self.kind)
            .field("prefix", &self.prefix)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_shows_its_kind_and_mode_and_little_else() {
        let random = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ";
        for (kind, mode, prefix) in [
            (KeyKind::Publishable, Mode::Test, "pk_test_abcd"),
            (KeyKind::Publishable, Mode::Live, "pk_live_abcd"),
            (KeyKind::Secret, Mode::Test, "sk_test_abcd"),
            (KeyKind::Secret, Mode::Live, "sk_live_abcd"),
        ] {
            let text = KeyText::new(kind, mode, random);
            assert_eq!(text.prefix(), prefix);
            assert!(text.expose().ends_with(random));
            assert!(!format!("{text:?}").contains("abcd"), "{text:?}");
        }
    }
}
