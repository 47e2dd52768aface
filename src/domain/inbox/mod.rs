//! Owns what gateways tell unasked: the address that each account is told at, notifications as they
//! came in, and the hints that remain of them.
//!
//! A notification is believed nothing (`toss-api.md §15.4`: ordinary ones are not signed). It can
//! only make us look at a payment that our own books know.

mod change;
mod hint;
mod security;

use std::fmt;
use std::str::FromStr;

use crate::Timestamp;
use crate::id::{GatewayAccountId, InboundId, PaymentId};
use crate::text;
use crate::vault::Sealed;

pub use change::Change;
pub use hint::{Claim, Hint, Raised};
pub use security::{Number, SecurityKey};

/// What a gateway presents in the path of its notifications. Kept nowhere, and never shown by
/// `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenText(Box<str>);

impl TokenText {
    /// What every token begins with.
    const BEGINNING: &'static str = "hook_";

    /// A token around `random`, which has 256 random bits.
    #[must_use]
    pub fn new(random: &str) -> Self {
        Self(format!("{}{random}", Self::BEGINNING).into())
    }

    /// A text as somebody presents it; whether there is such a token is another question.
    #[must_use]
    pub fn presented(text: &str) -> Self {
        Self(text.into())
    }

    /// The text itself, for its holder's eyes.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TokenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenText(…)")
    }
}

/// A token that lets notifications of one account in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// SHA-256 of its text; the text itself is kept nowhere.
    pub hash: [u8; 32],
    /// Whose notifications come in with it.
    pub account: GatewayAccountId,
    /// Since when.
    pub created_at: Timestamp,
    /// From when on it lets nothing in: it was replaced or revoked.
    pub expires_at: Option<Timestamp>,
}

impl Token {
    /// Whether it lets anything in.
    #[must_use]
    pub fn is_usable(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

/// What a notification says it is about: 1-64 visible ASCII characters, of the gateway's choice.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind(Box<str>);

impl Kind {
    const LENGTH_MAX: usize = 64;
    /// What cannot be read says nothing.
    const NONE: &'static str = "-";

    /// As much of `text` as is fit to be kept; whatever it is, something is.
    #[must_use]
    pub fn told(text: &str) -> Self {
        let fit = text.chars().filter(char::is_ascii_graphic);
        let fit: String = fit.take(Self::LENGTH_MAX).collect();
        if fit.is_empty() {
            Self(Self::NONE.into())
        } else {
            Self(fit.into())
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Kind {
    fn default() -> Self {
        Self(Self::NONE.into())
    }
}

impl FromStr for Kind {
    type Err = text::Error;

    fn from_str(text: &str) -> Result<Self, text::Error> {
        if text.is_empty() || text.len() > Self::LENGTH_MAX {
            return Err(text::Error::Length);
        }
        if text.chars().all(|c| c.is_ascii_graphic()) {
            Ok(Self(text.into()))
        } else {
            Err(text::Error::Character)
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

words! {
    /// What became of a notification.
    Verdict {
        /// Nothing yet: it is to be looked at.
        Waiting => "WAITING",
        /// It hints at a payment of ours, which is being looked at.
        Hinted => "HINTED",
        /// It says what the books have already.
        Known => "KNOWN",
        /// It names an order that is none of this account's.
        UnknownOrder => "UNKNOWN_ORDER",
        /// It is about no order: nothing that we can look at.
        NoOrder => "NO_ORDER",
        /// Nobody knows what it means.
        Unreadable => "UNREADABLE",
        /// It has to be signed, and is not signed with a key that we keep.
        Unverified => "UNVERIFIED",
        /// It is signed by the gateway; nothing in here follows from it.
        Verified => "VERIFIED",
        /// What should prove it does not: nothing follows from it, and nobody is asked.
        Forged => "FORGED",
        /// It says that a billing key of this account is deleted, which is charged no more.
        KeyGone => "KEY_GONE",
    }
}

/// The headers that come with a notification (`toss-api.md §15.2`); nothing is believed because of
/// them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers {
    /// What the gateway calls this notification.
    pub transmission_id: Option<String>,
    /// When it was sent; what a signature covers besides the body.
    pub sent_at: Option<String>,
    /// How often it was sent before.
    pub retried: Option<String>,
    /// What proves it, where it is of a kind that is signed.
    pub signature: Option<String>,
}

/// A notification, as it came in.
#[derive(Clone, PartialEq, Eq)]
pub struct Inbound {
    /// Its id.
    pub id: InboundId,
    /// Of which account, by the token.
    pub account: GatewayAccountId,
    /// SHA-256 of the body: the same one comes in once, whatever its headers say.
    pub digest: [u8; 32],
    /// What it says it is about.
    pub kind: Kind,
    /// The headers that came with it.
    pub headers: Headers,
    /// Its bytes: they hold what people are called, and the secret of a deposit.
    pub body: Sealed,
    /// When it came; real time, as all times here.
    pub received_at: Timestamp,
    /// What became of it.
    pub verdict: Verdict,
    /// Which payment it hints at, by our own books.
    pub payment: Option<PaymentId>,
    /// From when on it is looked at.
    pub due_at: Timestamp,
    /// Raised by each write; the condition of every one.
    pub version: i64,
}

impl Inbound {
    /// With this verdict, about this payment.
    #[must_use]
    pub fn judged(mut self, verdict: Verdict, payment: Option<PaymentId>) -> Self {
        (self.verdict, self.payment) = (verdict, payment);
        self.written()
    }

    /// To be looked at from `due_at` on, as if it had just come in.
    #[must_use]
    pub fn waiting(mut self, due_at: Timestamp) -> Self {
        (self.verdict, self.payment, self.due_at) = (Verdict::Waiting, None, due_at);
        self.written()
    }

    fn written(mut self) -> Self {
        self.version = self.version.saturating_add(1);
        self
    }
}

/// Without the headers and the body.
impl fmt::Debug for Inbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbound")
            .field("id", &self.id)
            .field("account", &self.account)
            .field("kind", &self.kind)
            .field("received_at", &self.received_at)
            .field("verdict", &self.verdict)
            .field("payment", &self.payment)
            .field("due_at", &self.due_at)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_kept_whatever_was_told() {
        for (told, kept) in [
            ("PAYMENT_STATUS_CHANGED", "PAYMENT_STATUS_CHANGED"),
            ("payout.changed", "payout.changed"),
            ("", "-"),
            ("결제", "-"),
            ("a b\n\0c", "abc"),
        ] {
            assert_eq!(Kind::told(told).as_str(), kept, "{told:?}");
        }
        let long = Kind::told(&"x".repeat(1_000));
        assert_eq!(long.as_str().len(), 64);
        assert_eq!(long.to_string().parse(), Ok(long));
        for wrong in ["", "a b", "é", &"x".repeat(65)] {
            assert!(wrong.parse::<Kind>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_token_is_not_shown() {
        let token = TokenText::new("abcdef");
        assert_eq!(token.expose(), "hook_abcdef");
        assert!(!format!("{token:?}").contains("abc"), "{token:?}");
    }
}
