//! Owns who acts and on whose behalf: tenant, mode and the kind of actor behind a change.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::id::MerchantId;
use crate::text::MemberId;

/// Whether money is real.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// Virtual approvals, test keys.
    Test,
    /// Real money.
    Live,
}

impl Mode {
    /// The stored and shown text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Live => "live",
        }
    }
}

/// A stored word that no variant answers to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown word {0:?}")]
pub struct UnknownWord(pub String);

impl FromStr for Mode {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        [Self::Test, Self::Live]
            .into_iter()
            .find(|mode| mode.as_str() == text)
            .ok_or_else(|| UnknownWord(text.to_owned()))
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The tenant and mode that a row belongs to and a caller may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope {
    /// The tenant.
    pub merchant: MerchantId,
    /// Test or live.
    pub mode: Mode,
}

/// Whose payments a caller may see: a tenant's in one mode, or of those one member's only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The tenant and mode.
    pub scope: Scope,
    /// The member; none where all of the tenant's payments are meant.
    pub member: Option<MemberId>,
}

impl Owner {
    /// Whether a payment of this tenant and customer is among them.
    #[must_use]
    pub fn owns(&self, scope: Scope, customer: Option<&MemberId>) -> bool {
        self.scope == scope && (self.member.is_none() || self.member.as_ref() == customer)
    }
}

impl From<Scope> for Owner {
    fn from(scope: Scope) -> Self {
        let member = None;
        Self { scope, member }
    }
}

/// Who caused a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Actor {
    /// The merchant's server, by secret key.
    Merchant,
    /// The buyer or member, in a browser.
    Buyer,
    /// A person of the back office.
    Operator,
    /// Payflow itself: recovery, expiry, reversal.
    System,
    /// The gateway or somebody in its console; we only observed it.
    Gateway,
}

impl Actor {
    /// Every actor.
    pub const ALL: [Self; 5] = [
        Self::Merchant,
        Self::Buyer,
        Self::Operator,
        Self::System,
        Self::Gateway,
    ];

    /// The stored and shown word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Merchant => "MERCHANT",
            Self::Buyer => "BUYER",
            Self::Operator => "OPERATOR",
            Self::System => "SYSTEM",
            Self::Gateway => "GATEWAY",
        }
    }
}

impl FromStr for Actor {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|actor| actor.as_str() == text)
            .ok_or_else(|| UnknownWord(text.to_owned()))
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Actor {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::RawId;

    #[test]
    fn a_member_owns_what_names_them_and_nothing_else() {
        let scope = |number, mode| Scope {
            merchant: MerchantId::new(RawId::from_parts(1, number)),
            mode,
        };
        let here = scope(1, Mode::Test);
        let member = |name: &str| name.parse::<MemberId>().expect("a member");
        let (one, two) = (member("one"), member("two"));
        let server = Owner::from(here);
        let owner = Owner {
            scope: here,
            member: Some(one.clone()),
        };
        for customer in [None, Some(&one), Some(&two)] {
            assert!(server.owns(here, customer), "{customer:?}");
            assert_eq!(owner.owns(here, customer), customer == Some(&one));
            for elsewhere in [scope(2, Mode::Test), scope(1, Mode::Live)] {
                assert!(!server.owns(elsewhere, customer), "{customer:?}");
                assert!(!owner.owns(elsewhere, customer), "{customer:?}");
            }
        }
    }
}
