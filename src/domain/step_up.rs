//! Owns the step-up: the challenge by which a person proves, once, that it is they who move money.

use std::fmt;
use std::str::FromStr;

use crate::Timestamp;
use crate::id::{ChallengeId, PaymentId};
use crate::principal::{Scope, UnknownWord};
use crate::text::{self, MemberId};

/// What a person proves themselves for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Paying.
    Approve,
    /// Taking money back.
    Cancel,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 2] = [Self::Approve, Self::Cancel];

    /// The stored and shown word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Cancel => "cancel",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Action {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|action| action.as_str() == text)
            .ok_or_else(|| UnknownWord(text.to_owned()))
    }
}

/// What an app or browser calls itself: 16-128 visible ASCII characters that it drew at random.
/// Whoever knows it passes for the device, so it is never shown or stored.
#[derive(Clone, PartialEq, Eq)]
pub struct DeviceId(Box<str>);

impl DeviceId {
    /// The shortest; less is guessed.
    pub const LENGTH_MIN: usize = 16;
    /// The longest.
    pub const LENGTH_MAX: usize = 128;

    /// The text itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for DeviceId {
    type Err = text::Error;

    fn from_str(text: &str) -> Result<Self, text::Error> {
        if !(Self::LENGTH_MIN..=Self::LENGTH_MAX).contains(&text.chars().count()) {
            return Err(text::Error::Length);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(text::Error::Character);
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Debug for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceId(…)")
    }
}

/// SHA-256 over tenant, mode, member and device: what is kept instead of the device. The same
/// device of two members has two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceHash(pub [u8; 32]);

/// A question to a person: is it you, on this device, who wants this of this payment?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// What the proof has to name.
    pub id: ChallengeId,
    /// Whose member is asked, and in which mode.
    pub scope: Scope,
    /// Who is asked.
    pub member: MemberId,
    /// On which device.
    pub device: DeviceHash,
    /// About which payment.
    pub payment: PaymentId,
    /// What they want.
    pub action: Action,
    /// When it was asked.
    pub issued_at: Timestamp,
    /// From when on no proof of it is taken.
    pub expires_at: Timestamp,
    /// When its proof was spent; each is, once.
    pub spent_at: Option<Timestamp>,
    /// Until when it is worth remembering: to tell a replay, and that the device is known.
    pub kept_until: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_long_enough_and_never_shown() {
        let device = |length| "x".repeat(length).parse::<DeviceId>();
        for length in [16, 128] {
            let device = device(length).expect("a device");
            assert_eq!(device.expose().len(), length);
            assert!(!format!("{device:?}").contains('x'), "{device:?}");
        }
        for length in [0, 15, 129] {
            assert_eq!(device(length), Err(text::Error::Length), "{length}");
        }
        for odd in [
            "0123456789 abcdef",
            "0123456789abcdé0",
            "0123456789\tabcdef",
        ] {
            assert_eq!(
                odd.parse::<DeviceId>(),
                Err(text::Error::Character),
                "{odd}"
            );
        }
    }

    #[test]
    fn actions_read_back() {
        for action in Action::ALL {
            assert_eq!(action.as_str().parse(), Ok(action));
        }
        assert!("Approve".parse::<Action>().is_err());
    }
}
