//! Owns tenants and their API keys.

mod api_key;
mod zone;

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::Timestamp;
use crate::id::MerchantId;
use crate::money::{self, Currency};
use crate::principal::UnknownWord;
use crate::text::MerchantName;

pub use api_key::{ApiKey, KeyKind, KeyText};
pub use zone::{UnknownZone, Zone};

pub use crate::account::GatewayAccount;

/// A tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merchant {
    /// Its id.
    pub id: MerchantId,
    /// Its name, for people.
    pub name: MerchantName,
    /// Whether it may do anything.
    pub status: Status,
    /// What its payments may be in.
    pub currencies: Currencies,
    /// Where its days begin and end.
    pub zone: Zone,
    /// Raised by every change.
    pub version: i64,
    /// Since when.
    pub created_at: Timestamp,
}

impl Merchant {
    /// A new tenant, active, in Seoul.
    #[must_use]
    pub const fn new(
        id: MerchantId,
        name: MerchantName,
        currencies: Currencies,
        created_at: Timestamp,
    ) -> Self {
        Self {
            id,
            name,
            status: Status::Active,
            currencies,
            zone: Zone::SEOUL,
            version: 1,
            created_at,
        }
    }

    /// The same tenant, active or suspended from now on; none when it is already.
    #[must_use]
    pub fn with_status(&self, status: Status) -> Option<Self> {
        (self.status != status).then(|| Self {
            status,
            ..self.next()
        })
    }

    /// The same tenant with these currencies from now on; none when it has them already.
    #[must_use]
    pub fn with_currencies(&self, currencies: &Currencies) -> Option<Self> {
        (self.currencies != *currencies).then(|| Self {
            currencies: currencies.clone(),
            ..self.next()
        })
    }

    /// The same tenant in this zone from now on; none when it is there already.
    #[must_use]
    pub fn with_zone(&self, zone: Zone) -> Option<Self> {
        (self.zone != zone).then(|| Self {
            zone,
            ..self.next()
        })
    }

    /// The same tenant, one version on: what a change to its keys is fenced by, so that of two
    /// decisions about them one sees the other.
    #[must_use]
    pub fn next(&self) -> Self {
        Self {
            version: self.version.saturating_add(1),
            ..self.clone()
        }
    }
}

/// Whether a merchant may do anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// It may.
    Active,
    /// Every call is refused. What is under way is still finished.
    Suspended,
}

impl Status {
    /// The stored and shown word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Suspended => "SUSPENDED",
        }
    }
}

impl FromStr for Status {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        [Self::Active, Self::Suspended]
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| UnknownWord(text.to_owned()))
    }
}

/// The currencies that a merchant takes: at least one. Its text has each once, in the order of
/// [`Currency::ALL`], with commas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Currencies(BTreeSet<Currency>);

impl Currencies {
    /// Whether this one is taken.
    #[must_use]
    pub fn contains(&self, currency: Currency) -> bool {
        self.0.contains(&currency)
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = Currency> {
        self.0.iter().copied()
    }
}

impl FromStr for Currencies {
    type Err = money::Error;

    fn from_str(text: &str) -> Result<Self, money::Error> {
        text.split(',')
            .map(str::parse)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl fmt::Display for Currencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let codes: Vec<&str> = self.iter().map(Currency::code).collect();
        f.write_str(&codes.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn currencies_are_each_there_once_and_at_least_one() {
        let both: Currencies = "USD,KRW,USD".parse().unwrap();
        assert_eq!(both.to_string(), "KRW,USD");
        assert!(both.contains(Currency::Usd) && !both.contains(Currency::Jpy));
        for wrong in ["", ",", "KRW,", "KRW USD", "krw", "KRW,XBT"] {
            assert_eq!(
                wrong.parse::<Currencies>(),
                Err(money::Error::UnknownCurrency),
                "{wrong}"
            );
        }
    }
}
