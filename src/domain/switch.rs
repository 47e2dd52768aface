//! Owns the safety switches: what can be paused, how far, and who paused it when and why.

use std::fmt;
use std::str::FromStr;

use crate::Timestamp;
use crate::id::{GatewayAccountId, MerchantId};
use crate::principal::{Actor, Scope, UnknownWord};

/// What can be paused. What is under way is finished all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Taking money that a customer is about to pay.
    Approvals,
    /// Giving money back.
    Cancels,
    /// Taking money with stored cards: on demand, and for cycles that are due.
    Charges,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 3] = [Self::Approvals, Self::Cancels, Self::Charges];

    /// The stored and shown word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approvals => "approvals",
            Self::Cancels => "cancels",
            Self::Charges => "charges",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Operation {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|operation| operation.as_str() == text)
            .ok_or_else(|| UnknownWord(text.to_owned()))
    }
}

/// How far a switch reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reach {
    /// Everybody.
    Everywhere,
    /// One tenant, in both modes.
    Merchant(MerchantId),
    /// One tenant in one mode: what the tenant itself can pause.
    Scope(Scope),
    /// One account at a gateway.
    Account(GatewayAccountId),
}

impl Reach {
    /// What an operation of this tenant and mode on this account is reached by.
    #[must_use]
    pub const fn over(scope: Scope, account: GatewayAccountId) -> [Self; 4] {
        [
            Self::Everywhere,
            Self::Merchant(scope.merchant),
            Self::Scope(scope),
            Self::Account(account),
        ]
    }
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everywhere => f.write_str("everywhere"),
            Self::Merchant(merchant) => merchant.fmt(f),
            Self::Scope(scope) => write!(f, "{}/{}", scope.merchant, scope.mode),
            Self::Account(account) => account.fmt(f),
        }
    }
}

impl FromStr for Reach {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let read = || {
            if text == "everywhere" {
                return Some(Self::Everywhere);
            }
            if let Ok(account) = text.parse() {
                return Some(Self::Account(account));
            }
            let Some((merchant, mode)) = text.split_once('/') else {
                return text.parse().ok().map(Self::Merchant);
            };
            Some(Self::Scope(Scope {
                merchant: merchant.parse().ok()?,
                mode: mode.parse().ok()?,
            }))
        };
        read().ok_or_else(|| UnknownWord(text.to_owned()))
    }
}

/// One turn of a switch. Turns stay; the one with the highest number is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// What is paused, or not any more.
    pub operation: Operation,
    /// How far.
    pub reach: Reach,
    /// The first is 1, each next one higher by one.
    pub number: i64,
    /// Paused from now on, or not.
    pub paused: bool,
    /// In which role.
    pub actor: Actor,
    /// Who turned it, as far as it is known.
    pub who: String,
    /// Why.
    pub why: String,
    /// When.
    pub at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::RawId;
    use crate::principal::Mode;

    #[test]
    fn every_reach_reads_back() {
        let merchant = MerchantId::new(RawId::from_parts(1, 2));
        let scope = Scope {
            merchant,
            mode: Mode::Live,
        };
        let account = GatewayAccountId::new(RawId::from_parts(3, 4));
        let reaches = Reach::over(scope, account);
        for reach in reaches {
            assert_eq!(reach.to_string().parse(), Ok(reach));
        }
        let mut texts = reaches.map(|reach| reach.to_string());
        texts.sort();
        assert!(texts.windows(2).all(|pair| pair[0] != pair[1]));
        for wrong in ["", "*", "mer_1", "gwa_1/test", &format!("{merchant}/prod")] {
            assert!(wrong.parse::<Reach>().is_err(), "{wrong}");
        }
    }
}
