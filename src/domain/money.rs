//! Owns money: an integer number of minor units together with its currency, never a float.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// A currency the service can keep books in (ISO 4217).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Currency {
    /// South Korean won, no minor unit.
    Krw,
    /// United States dollar, cents.
    Usd,
    /// Japanese yen, no minor unit.
    Jpy,
}

impl Currency {
    /// Every currency.
    pub const ALL: [Self; 3] = [Self::Krw, Self::Usd, Self::Jpy];

    /// The ISO 4217 code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Krw => "KRW",
            Self::Usd => "USD",
            Self::Jpy => "JPY",
        }
    }

    /// How many decimal digits the minor unit has.
    #[must_use]
    pub const fn exponent(self) -> u32 {
        match self {
            Self::Krw | Self::Jpy => 0,
            Self::Usd => 2,
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Currency {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|currency| currency.code() == text)
            .ok_or(Error::UnknownCurrency)
    }
}

impl Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

/// Why an amount or a sum of amounts is impossible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Amounts are counted, not owed: none is below zero.
    #[error("an amount cannot be negative")]
    Negative,
    /// Above [`Money::MINOR_MAX`].
    #[error("the amount is over the limit")]
    OverLimit,
    /// Two currencies do not add.
    #[error("amounts of different currencies cannot be combined")]
    CurrencyMismatch,
    /// Not a currency the service keeps books in.
    #[error("unknown currency")]
    UnknownCurrency,
}

/// A non-negative amount of one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

impl Money {
    /// The largest amount, in minor units: the largest integer every JSON reader keeps exactly.
    pub const MINOR_MAX: i64 = 9_007_199_254_740_991;

    /// An amount of `minor` units.
    ///
    /// # Errors
    /// Below zero, or above [`Money::MINOR_MAX`].
    pub const fn new(minor: i64, currency: Currency) -> Result<Self, Error> {
        if minor < 0 {
            return Err(Error::Negative);
        }
        if minor > Self::MINOR_MAX {
            return Err(Error::OverLimit);
        }
        Ok(Self { minor, currency })
    }

    /// Nothing, in `currency`.
    #[must_use]
    pub const fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    /// Minor units.
    #[must_use]
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// The currency.
    #[must_use]
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Whether nothing is left.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// The sum.
    ///
    /// # Errors
    /// Currencies differ, or the sum is over the limit.
    pub fn plus(self, other: Self) -> Result<Self, Error> {
        self.same_currency(other)?;
        let minor = self
            .minor
            .checked_add(other.minor)
            .ok_or(Error::OverLimit)?;
        Self::new(minor, self.currency)
    }

    /// The difference.
    ///
    /// # Errors
    /// Currencies differ, or `other` is the larger one.
    pub fn minus(self, other: Self) -> Result<Self, Error> {
        self.same_currency(other)?;
        let minor = self.minor.checked_sub(other.minor).ok_or(Error::Negative)?;
        Self::new(minor, self.currency)
    }

    fn same_currency(self, other: Self) -> Result<(), Error> {
        if self.currency == other.currency {
            Ok(())
        } else {
            Err(Error::CurrencyMismatch)
        }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.minor, self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn krw(minor: i64) -> Money {
        Money::new(minor, Currency::Krw).unwrap()
    }

    #[test]
    fn refuses_what_cannot_be_an_amount() {
        assert_eq!(Money::new(-1, Currency::Krw), Err(Error::Negative));
        assert_eq!(
            Money::new(Money::MINOR_MAX + 1, Currency::Krw),
            Err(Error::OverLimit)
        );
        assert_eq!(Money::new(i64::MIN, Currency::Usd), Err(Error::Negative));
        assert!(Money::new(0, Currency::Krw).unwrap().is_zero());
    }

    #[test]
    fn sums_are_checked() {
        assert_eq!(krw(700).plus(krw(300)), Ok(krw(1_000)));
        assert_eq!(krw(Money::MINOR_MAX).plus(krw(1)), Err(Error::OverLimit));
        assert_eq!(krw(300).minus(krw(700)), Err(Error::Negative));
        assert_eq!(
            krw(1).plus(Money::zero(Currency::Usd)),
            Err(Error::CurrencyMismatch)
        );
        assert_eq!(
            krw(1).minus(Money::zero(Currency::Jpy)),
            Err(Error::CurrencyMismatch)
        );
    }

    #[test]
    fn splitting_and_joining_loses_nothing() {
        for whole in 0..200 {
            for part in 0..=whole {
                let rest = krw(whole).minus(krw(part)).unwrap();
                assert_eq!(rest.plus(krw(part)), Ok(krw(whole)));
            }
        }
    }

    #[test]
    fn currencies_round_trip() {
        for currency in Currency::ALL {
            assert_eq!(currency.code().parse(), Ok(currency));
        }
        assert_eq!("krw".parse::<Currency>(), Err(Error::UnknownCurrency));
    }
}
